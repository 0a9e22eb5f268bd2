//! A whole-text pattern and the text that is made of its groups: for `label_replace` and relabelling.

use regex::{Captures, Regex};

use super::{PatternError, anchored};

/// A regular expression that has to match the whole text.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// RE2's syntax, in which `.` is any character.
    pub fn new(pattern: &str) -> Result<Self, PatternError> {
        anchored(pattern).map(Self)
    }

    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// The groups of a match, to be filled in by [`Replacement::fill`].
    pub fn groups<'t>(&self, text: &'t str) -> Option<Groups<'t>> {
        self.0.captures(text).map(Groups)
    }
}

/// What the groups of a [`Pattern`] matched.
#[derive(Debug)]
pub struct Groups<'t>(Captures<'t>);

/// A text with groups in it: `$1`, `$name`, `${1}`, `${name}` and `$$`, as Go's `Regexp.Expand` reads them; any other
/// `$` is text. A bare name is as long as can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Group(usize),
    Name(String),
}

impl Replacement {
    pub fn new(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            push(&mut parts, before);
            if let Some(after) = after.strip_prefix('$') {
                push(&mut parts, "$");
                rest = after;
            } else if let Some((name, after)) = group(after) {
                parts.push(name);
                rest = after;
            } else {
                push(&mut parts, "$");
                rest = after;
            }
        }
        push(&mut parts, rest);
        Self(parts)
    }

    /// The text with the groups filled in; a group that is not there, or did not match, is empty.
    pub fn fill(&self, groups: &Groups<'_>) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Group(index) => text.push_str(groups.0.get(*index).map_or("", |group| group.as_str())),
                Part::Name(name) => text.push_str(groups.0.name(name).map_or("", |group| group.as_str())),
            }
        }
        text
    }
}

fn push(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Text(last)) => last.push_str(text),
        _ => parts.push(Part::Text(text.to_owned())),
    }
}

/// A group at the beginning of a text, and the text after it.
fn group(text: &str) -> Option<(Part, &str)> {
    let inner = text.strip_prefix('{');
    let start = inner.unwrap_or(text);
    let end = start.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(start.len());
    let (name, rest) = start.split_at(end);
    if name.is_empty() {
        return None;
    }
    let rest = if inner.is_some() { rest.strip_prefix('}')? } else { rest };
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit())
        && (name == "0" || !name.starts_with('0'))
        && name.len() <= 9;
    let part = match name.parse() {
        Ok(index) if is_number => Part::Group(index),
        _ => Part::Name(name.to_owned()),
    };
    Some((part, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(replacement: &str, expect: Option<&str>) {
        let pattern = Pattern::new("(?P<first>[a-z]+)-(.*)").unwrap();
        let got = pattern.groups("one-two").map(|groups| Replacement::new(replacement).fill(&groups));
        assert_eq!(got.as_deref(), expect, "{replacement}");
    }

    #[test]
    fn groups_are_filled_in() {
        check("", Some(""));
        check("$2/$first", Some("two/one"));
        check("${2}x$$1", Some("twox$1"));
        check("$2x${first}", Some("one"));
        check("$0$", Some("one-two$"));
        check("${2", Some("${2"));
        check("$-${}", Some("$-${}"));
        check("$3$01", Some(""));
        assert!(Pattern::new("a").unwrap().groups("ab").is_none());
        assert!(Pattern::new("(").is_err());
    }
}
