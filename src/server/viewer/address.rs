//! The address of a page, and of the same page with something else asked for.

use crate::{server::http::Asked, text::percent_encoded};

/// A path and its fields, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    path: String,
    fields: Vec<(String, String)>,
}

/// What every page keeps.
const EVERYWHERE: [&str; 1] = ["theme"];

impl Address {
    /// Of this very page.
    pub(super) fn of(asked: &Asked) -> Self {
        Self { path: asked.path.clone(), fields: asked.query.clone() }
    }

    /// Of another page, which keeps the theme.
    pub(super) fn to(path: &str, asked: &Asked) -> Self {
        let kept = asked.query.iter().filter(|(name, _)| EVERYWHERE.contains(&name.as_str()));
        Self { path: path.to_owned(), fields: kept.cloned().collect() }
    }

    /// With a field set, in place of all that it had.
    #[must_use]
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With one more value of a field.
    #[must_use]
    pub(super) fn and(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub(super) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(have, _)| have != name);
        self
    }

    pub(super) fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// Of this server: with two slashes at its begin it would be another's.
    pub(super) fn path(&self) -> String {
        format!("/{}", percent_encoded(self.path.trim_start_matches('/'), b"/:@!$'()*+,;="))
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path())?;
        for (index, (name, value)) in self.fields.iter().enumerate() {
            let mark = if index == 0 { '?' } else { '&' };
            write!(f, "{mark}{}={}", percent_encoded(name, b""), percent_encoded(value, b":/,"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_set_and_encoded() {
        let mut asked = Asked::get("/d/a b\"<");
        asked.query =
            vec![("from".to_owned(), "now-1h".to_owned()), ("var-m".to_owned(), "a&b=é".to_owned())];
        let here = Address::of(&asked);
        assert_eq!(here.to_string(), "/d/a%20b%22%3C?from=now-1h&var-m=a%26b%3D%C3%A9");
        let there = here.clone().with("from", "now-6h").and("var-m", "c").without("to");
        assert_eq!(there.to_string(), "/d/a%20b%22%3C?var-m=a%26b%3D%C3%A9&from=now-6h&var-m=c");
        assert_eq!(Address::to("/alerts", &asked).to_string(), "/alerts");
    }

    #[test]
    fn an_address_is_of_this_server() {
        for path in ["//evil.example", "///evil.example", "/evil.example", ""] {
            let expect = if path.is_empty() { "/" } else { "/evil.example" };
            assert_eq!(Address::of(&Asked::get(path)).to_string(), expect);
        }
        assert_eq!(Address::of(&Asked::get("/\\evil.example")).to_string(), "/%5Cevil.example");
    }
}
