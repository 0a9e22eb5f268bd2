//! Matchers of labels.

use std::fmt;

use super::{
    Labels, quoted,
    regexp::{PatternError, Shape, shape},
};

/// `=`, `!=`, `=~`, `!~`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchOp {
    Equal,
    NotEqual,
    Matches,
    NotMatches,
}

impl MatchOp {
    pub fn text(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Matches => "=~",
            Self::NotMatches => "!~",
        }
    }
}

/// A condition on one label; an absent label has the empty value.
#[derive(Debug, Clone)]
pub struct Matcher {
    name: String,
    op: MatchOp,
    value: String,
    /// Of the operators that want a pattern.
    shape: Option<Shape>,
}

impl Matcher {
    pub fn new(name: impl Into<String>, op: MatchOp, value: impl Into<String>) -> Result<Self, PatternError> {
        let value = value.into();
        let shape = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Matches | MatchOp::NotMatches => Some(shape(&value)?),
        };
        Ok(Self { name: name.into(), op, value, shape })
    }

    /// `name="value"`.
    pub fn equal(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), op: MatchOp::Equal, value: value.into(), shape: None }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn op(&self) -> MatchOp {
        self.op
    }

    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether it accepts a value of its label; an absent label has the empty one.
    pub fn accepts(&self, value: &str) -> bool {
        let matches = || self.shape.as_ref().is_some_and(|shape| shape.matches(value));
        match self.op {
            MatchOp::Equal => self.value == value,
            MatchOp::NotEqual => self.value != value,
            MatchOp::Matches => matches(),
            MatchOp::NotMatches => !matches(),
        }
    }

    /// Whether it accepts series that do not have its label.
    pub fn matches_empty(&self) -> bool {
        self.accepts("")
    }

    /// All values that it accepts, sorted, if they are few and it says which: `="a"`, `=~"a|b"`.
    pub fn values(&self) -> Option<&[String]> {
        match (self.op, &self.shape) {
            (MatchOp::Equal, _) => Some(std::slice::from_ref(&self.value)),
            (MatchOp::Matches, Some(Shape::OneOf(texts))) => Some(texts),
            _ => None,
        }
    }

    /// Whether it accepts the label of a series.
    pub fn accepts_labels(&self, labels: &Labels) -> bool {
        self.accepts(labels.get(&self.name).unwrap_or_default())
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = |c: char| c.is_ascii_alphabetic() || c == '_';
        let is_plain =
            self.name.starts_with(start) && self.name.chars().all(|c| start(c) || c.is_ascii_digit());
        let name = if is_plain { self.name.clone() } else { quoted(&self.name) };
        write!(f, "{name}{}{}", self.op.text(), quoted(&self.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(op: MatchOp, value: &str, accepted: &[&str], refused: &[&str]) {
        let matcher = Matcher::new("a", op, value).unwrap();
        assert!(accepted.iter().all(|value| matcher.accepts(value)), "{matcher}");
        assert!(refused.iter().all(|value| !matcher.accepts(value)), "{matcher}");
        assert_eq!(matcher.matches_empty(), accepted.contains(&""), "{matcher}");
    }

    #[test]
    fn values_are_accepted_or_not() {
        check(MatchOp::Equal, "x", &["x"], &["", "X"]);
        check(MatchOp::Equal, "", &[""], &["x"]);
        check(MatchOp::NotEqual, "x", &["", "y"], &["x"]);
        check(MatchOp::Matches, "x|y", &["x", "y"], &["", "xy"]);
        check(MatchOp::Matches, "x.*", &["x", "x\n"], &["", "yx"]);
        check(MatchOp::NotMatches, "x.+", &["", "x"], &["xy"]);
        check(MatchOp::NotMatches, ".*", &[], &["", "x"]);
    }

    #[test]
    fn few_values_are_told() {
        let values = |op, value| Matcher::new("a", op, value).unwrap().values().map(<[String]>::to_vec);
        assert_eq!(values(MatchOp::Equal, "x"), Some(vec!["x".to_owned()]));
        assert_eq!(values(MatchOp::Matches, "y|x|y"), Some(vec!["x".to_owned(), "y".to_owned()]));
        assert_eq!(values(MatchOp::Matches, "x.*"), None);
        assert_eq!(values(MatchOp::NotEqual, "x"), None);
    }

    #[test]
    fn it_is_printed_as_it_is_written() {
        assert_eq!(Matcher::equal("a", "x\"\n").to_string(), r#"a="x\"\n""#);
        assert_eq!(Matcher::new("a b", MatchOp::NotMatches, "é|b").unwrap().to_string(), "\"a b\"!~\"é|b\"");
    }
}
