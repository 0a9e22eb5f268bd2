//! A request as a handler sees it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use hyper::{
    HeaderMap, Method,
    body::Bytes,
    header::{self, AsHeaderName},
};

use super::form::{self, Plus};

/// Go's bound on forms.
const FORM_BYTES: usize = 10 << 20;

/// A whole request.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: Method,
    /// Decoded; begins with `/`.
    pub path: String,
    /// Fields of an `application/x-www-form-urlencoded` body, then those of the URL: the order of Go's `Request.Form`.
    pub query: Vec<(String, String)>,
    /// What was wrong with a field, in Go's words; the others are there.
    pub form_error: Option<String>,
    pub headers: HeaderMap,
    /// Empty where it was a form.
    pub body: Bytes,
    pub gone: Gone,
}

/// Whether the client still waits for the answer.
#[derive(Debug, Clone, Default)]
pub struct Gone(Arc<AtomicBool>);

impl Gone {
    pub fn is_gone(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Asked {
    /// A request as it came: `path` and `query` as the URL has them. `Err` where the path has an escape that is none.
    pub fn new(
        method: Method,
        path: &str,
        query: Option<&str>,
        headers: HeaderMap,
        mut body: Bytes,
    ) -> Result<Self, String> {
        let path = form::unescape(path.as_bytes(), Plus::Itself)?;
        let mut fields = Vec::new();
        let mut form_error = None;
        if is_form(&method, headers.get(header::CONTENT_TYPE)) {
            if body.len() > FORM_BYTES {
                form_error = Some("http: POST too large".to_owned());
            } else {
                form_error = form::parse(&body, &mut fields).err();
            }
            body = Bytes::new();
        }
        if let Some(text) = query {
            let wrong = form::parse(text.as_bytes(), &mut fields).err();
            form_error = form_error.or(wrong);
        }
        Ok(Self { method, path, query: fields, form_error, headers, body, gone: Gone::default() })
    }

    /// A GET of a path without fields.
    pub fn get(path: &str) -> Self {
        Self {
            method: Method::GET,
            path: path.to_owned(),
            query: Vec::new(),
            form_error: None,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            gone: Gone::default(),
        }
    }

    /// The parts of the path, decoded: `/a//b/` has `a`, an empty one, `b` and an empty one.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.path.strip_prefix('/').unwrap_or(&self.path).split('/')
    }

    /// The first value of a field; empty where there is none.
    pub fn value(&self, name: &str) -> &str {
        let field = self.query.iter().find(|(have, _)| have == name);
        field.map_or("", |(_, value)| value.as_str())
    }

    /// All values of a field.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    /// A header's first value; empty where there is none, or none that is text.
    pub fn header(&self, name: impl AsHeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Whether Go's `Request.ParseForm` would read the body.
fn is_form(method: &Method, content_type: Option<&header::HeaderValue>) -> bool {
    let media_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
        && media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
