//! A request as a handler sees it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use hyper::{HeaderMap, Method, body::Bytes, header::AsHeaderName};

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
