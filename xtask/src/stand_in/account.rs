//! Who is asking: the admin by basic authentication, a visitor, or nobody.

use std::{fs, path::Path};

use anyhow::Context;
use serde_json::{Value, json};

use super::settings::{Settings, Visitors};

/// The file in `GF_PATHS_DATA` that stands for Grafana's database.
const DATABASE: &str = "stand-in.db";

/// The admin as the first start made it. Later settings do not change it, as with Grafana, which keeps it in its database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    user: String,
    password: String,
}

/// Who a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    Admin,
    Viewer,
    Unknown,
    /// Credentials were given, and they are wrong. Anonymous access does not mend that.
    WrongCredentials,
}

impl Account {
    pub(super) fn open(settings: &Settings) -> anyhow::Result<Self> {
        let path = settings.data.join(DATABASE);
        if !path.exists() {
            Self::write(&path, settings)?;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let stored: Value =
            serde_json::from_str(&text).with_context(|| format!("`{}` is damaged", path.display()))?;
        let field = |name: &str| stored[name].as_str().unwrap_or_default().to_owned();
        Ok(Self { user: field("user"), password: field("password") })
    }

    fn write(path: &Path, settings: &Settings) -> anyhow::Result<()> {
        let stored = json!({"user": settings.admin_user, "password": settings.admin_password});
        fs::write(path, stored.to_string()).with_context(|| format!("cannot write `{}`", path.display()))
    }

    /// The caller behind an `Authorization` header.
    pub(super) fn caller(&self, authorization: Option<&str>, visitors: Visitors) -> Caller {
        let Some(given) = authorization else {
            return if visitors == Visitors::Welcome { Caller::Viewer } else { Caller::Unknown };
        };
        let expected = base64(format!("{}:{}", self.user, self.password).as_bytes());
        match given.split_once(' ') {
            Some((scheme, value)) if scheme.eq_ignore_ascii_case("basic") && value.trim() == expected => {
                Caller::Admin
            }
            _ => Caller::WrongCredentials,
        }
    }
}

/// Standard base64 with padding; the expected header is encoded rather than the given one decoded.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in bytes.chunks(3) {
        let group =
            (0..3).fold(0_u32, |group, at| group << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
        for place in 0..4_usize {
            let index = (group >> (18 - 6 * place)) & 63;
            encoded.push(if place > chunk.len() { '=' } else { char::from(ALPHABET[index as usize]) });
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_standard() {
        let check = |text: &str, expect: &str| assert_eq!(base64(text.as_bytes()), expect);
        check("", "");
        check("f", "Zg==");
        check("fo", "Zm8=");
        check("foo", "Zm9v");
        check("admin:admin", "YWRtaW46YWRtaW4=");
        check("é?>~", "w6k/Pn4=");
    }

    #[test]
    fn callers_are_told_apart() {
        let account = Account { user: "admin".to_owned(), password: "admin".to_owned() };
        let check = |header, visitors, expect| assert_eq!(account.caller(header, visitors), expect);
        check(Some("Basic YWRtaW46YWRtaW4="), Visitors::SentToLogin, Caller::Admin);
        check(Some("basic YWRtaW46YWRtaW4="), Visitors::Welcome, Caller::Admin);
        check(Some("Basic YWRtaW46eA=="), Visitors::Welcome, Caller::WrongCredentials);
        check(Some("Bearer x"), Visitors::Welcome, Caller::WrongCredentials);
        check(None, Visitors::Welcome, Caller::Viewer);
        check(None, Visitors::SentToLogin, Caller::Unknown);
    }

    #[test]
    fn the_password_of_the_first_start_stays() {
        let folder = tempfile::tempdir().unwrap();
        let settings = |password: &str| {
            let pairs = [
                ("GF_PATHS_DATA", folder.path().to_str().unwrap()),
                ("GF_SECURITY_ADMIN_PASSWORD", password),
            ];
            Settings::read(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()).unwrap()
        };
        let first = Account::open(&settings("one")).unwrap();
        assert_eq!(first, Account { user: "admin".to_owned(), password: "one".to_owned() });
        assert_eq!(Account::open(&settings("two")).unwrap(), first);
    }
}
