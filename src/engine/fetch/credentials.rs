//! What a client says of itself to a server: read anew for each request, so that a file may change.

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use crate::{
    files,
    formats::prometheus::{Credential, HttpClient, Secret},
    remote::base64,
};

use super::Cause;

/// The text of a credential; a file's is trimmed.
pub(super) fn read(credential: Option<&Credential>) -> Result<String, Cause> {
    match credential {
        None => Ok(String::new()),
        Some(Credential::Inline(secret)) => Ok(secret.reveal().to_owned()),
        Some(Credential::File(path)) => match files::read_text(path) {
            Ok(text) => Ok(text.trim().to_owned()),
            Err(error) => Err(Cause::Credentials(error.to_string())),
        },
    }
}

/// Adds the headers of the file: authorization and others.
pub(super) fn add(client: &HttpClient, headers: &mut HeaderMap) -> Result<(), Cause> {
    if let Some(basic) = &client.basic_auth {
        let text = format!("{}:{}", read(basic.username.as_ref())?, read(basic.password.as_ref())?);
        headers.insert(AUTHORIZATION, encoded(&text)?);
    }
    if let Some(authorization) = &client.authorization {
        let text = format!("{} {}", authorization.kind, read(authorization.credentials.as_ref())?);
        headers.insert(AUTHORIZATION, secret(&text)?);
    }
    for header in &client.headers {
        let name: HeaderName = header
            .name
            .parse()
            .map_err(|_| Cause::Credentials(format!("`{}` is no name of a header", header.name)))?;
        for value in &header.values {
            headers.append(&name, secret(&read(Some(value))?)?);
        }
    }
    Ok(())
}

/// Adds the user that stands in a URL, unless there is another authorization, as Go's client does.
pub(super) fn add_user(user: Option<&Secret>, headers: &mut HeaderMap) -> Result<(), Cause> {
    if let Some(user) = user.filter(|_| !headers.contains_key(AUTHORIZATION)) {
        headers.insert(AUTHORIZATION, encoded(user.reveal())?);
    }
    Ok(())
}

fn encoded(text: &str) -> Result<HeaderValue, Cause> {
    secret(&format!("Basic {}", base64(text.as_bytes())))
}

fn secret(text: &str) -> Result<HeaderValue, Cause> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| Cause::Credentials("a credential has characters that no header can have".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}
