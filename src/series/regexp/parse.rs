//! Patterns to trees, by the rules of Go's `regexp/syntax` with Perl's extensions.

use super::{PatternError, class};

/// How deep groups may stand in each other.
pub(super) const MAX_NESTING: u32 = 100;

/// How often a thing may be repeated by number, all repetitions around it counted.
const MAX_REPEAT: u32 = 1000;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Literal {
        c: char,
        fold: bool,
    },
    /// A class as it is to be written, brackets included.
    Class {
        text: String,
        fold: bool,
    },
    Any {
        newline: bool,
    },
    /// A place between characters, as it is to be written.
    Place(&'static str),
    /// Without parts it is the empty text.
    Concat(Vec<Self>),
    Alternate(Vec<Self>),
    Repeat {
        inner: Box<Self>,
        min: u32,
        max: Option<u32>,
        greedy: bool,
    },
    Capture {
        name: String,
        inner: Box<Self>,
    },
}

/// What `(?imsU)` sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Flags {
    pub(super) fold: bool,
    pub(super) multi_line: bool,
    pub(super) dot_newline: bool,
    pub(super) swap_greed: bool,
}

pub(super) fn parse(pattern: &str, flags: Flags) -> Result<Node, PatternError> {
    let mut parser = Parser { pattern, rest: pattern, flags, groups: Vec::new(), current: Group::default() };
    let mut last_repeat = None;
    while !parser.rest.is_empty() {
        last_repeat = parser.step(last_repeat)?;
    }
    if !parser.groups.is_empty() {
        return Err(PatternError::new("missing closing )", pattern));
    }
    Ok(parser.current.close())
}

struct Parser<'a> {
    pattern: &'a str,
    rest: &'a str,
    flags: Flags,
    /// Those around the current one.
    groups: Vec<Group>,
    current: Group,
}

#[derive(Default)]
struct Group {
    alternatives: Vec<Node>,
    items: Vec<Node>,
    /// The name of a capture; an empty one is none.
    capture: Option<String>,
    flags_outside: Flags,
}

impl Group {
    fn close(mut self) -> Node {
        let last = concat(self.items);
        if self.alternatives.is_empty() {
            return last;
        }
        self.alternatives.push(last);
        Node::Alternate(self.alternatives)
    }
}

fn concat(mut items: Vec<Node>) -> Node {
    match items.len() {
        1 => items.remove(0),
        _ => Node::Concat(items),
    }
}

impl<'a> Parser<'a> {
    /// Reads one element. Gives the text from a repetition on, if it was one: two in a row are refused.
    fn step(&mut self, last_repeat: Option<&'a str>) -> Result<Option<&'a str>, PatternError> {
        let before = self.rest;
        let Some(c) = before.chars().next() else { return Ok(None) };
        let after = &before[c.len_utf8()..];
        match c {
            '(' if after.starts_with('?') => self.flags_or_group()?,
            '(' => {
                self.rest = after;
                self.open(Some(String::new()), self.flags)?;
            }
            '|' => {
                self.rest = after;
                let items = std::mem::take(&mut self.current.items);
                self.current.alternatives.push(concat(items));
            }
            ')' => {
                self.rest = after;
                self.close()?;
            }
            '^' => self.place(after, if self.flags.multi_line { "(?m:^)" } else { r"\A" }),
            '$' => self.place(after, if self.flags.multi_line { "(?m:$)" } else { r"\z" }),
            '.' => {
                self.rest = after;
                self.current.items.push(Node::Any { newline: self.flags.dot_newline });
            }
            '[' => {
                let (text, rest) = class::bracketed(before)?;
                self.push_class(text, rest);
            }
            '*' => return self.repeat(after, 0, None, last_repeat).map(Some),
            '+' => return self.repeat(after, 1, None, last_repeat).map(Some),
            '?' => return self.repeat(after, 0, Some(1), last_repeat).map(Some),
            '{' => {
                if let Some((min, max, rest)) = counts(before) {
                    let is_valid = min <= MAX_REPEAT && max.is_none_or(|max| max <= MAX_REPEAT && min <= max);
                    if !is_valid {
                        return Err(PatternError::new("invalid repeat count", consumed(before, rest)));
                    }
                    return self.repeat(rest, min, max, last_repeat).map(Some);
                }
                self.literal(c, after);
            }
            '\\' => self.escape(before)?,
            _ => self.literal(c, after),
        }
        Ok(None)
    }

    fn literal(&mut self, c: char, rest: &'a str) {
        self.rest = rest;
        self.current.items.push(Node::Literal { c, fold: self.flags.fold });
    }

    fn place(&mut self, rest: &'a str, text: &'static str) {
        self.rest = rest;
        self.current.items.push(Node::Place(text));
    }

    fn push_class(&mut self, text: String, rest: &'a str) {
        self.rest = rest;
        self.current.items.push(Node::Class { text, fold: self.flags.fold });
    }

    fn open(&mut self, capture: Option<String>, flags_outside: Flags) -> Result<(), PatternError> {
        if self.groups.len() >= MAX_NESTING as usize {
            return Err(PatternError::new("expression nests too deeply", self.pattern));
        }
        let group = Group { capture, flags_outside, ..Group::default() };
        self.groups.push(std::mem::replace(&mut self.current, group));
        Ok(())
    }

    fn close(&mut self) -> Result<(), PatternError> {
        let outer = self.groups.pop().ok_or_else(|| PatternError::new("unexpected )", self.pattern))?;
        let mut inner = std::mem::replace(&mut self.current, outer);
        self.flags = inner.flags_outside;
        let capture = inner.capture.take();
        let node = inner.close();
        self.current.items.push(match capture {
            Some(name) => Node::Capture { name, inner: Box::new(node) },
            None => node,
        });
        Ok(())
    }

    fn repeat(
        &mut self,
        after: &'a str,
        min: u32,
        max: Option<u32>,
        last_repeat: Option<&'a str>,
    ) -> Result<&'a str, PatternError> {
        let before = self.rest;
        let lazy = after.strip_prefix('?');
        let rest = lazy.unwrap_or(after);
        if let Some(last) = last_repeat {
            return Err(PatternError::new("invalid nested repetition operator", consumed(last, rest)));
        }
        let Some(inner) = self.current.items.pop() else {
            let operator = consumed(before, rest);
            return Err(PatternError::new("missing argument to repetition operator", operator));
        };
        let greedy = lazy.is_some() == self.flags.swap_greed;
        let node = Node::Repeat { inner: Box::new(inner), min, max, greedy };
        let by_number = before.starts_with('{') && (min >= 2 || max.is_some_and(|max| max >= 2));
        if by_number && !repeats_at_most(&node, MAX_REPEAT) {
            return Err(PatternError::new("invalid repeat count", consumed(before, rest)));
        }
        self.current.items.push(node);
        self.rest = rest;
        Ok(before)
    }

    fn escape(&mut self, before: &'a str) -> Result<(), PatternError> {
        let after = &before[1..];
        let second = after.chars().next();
        let rest = second.map_or("", |c| &after[c.len_utf8()..]);
        match second {
            Some('A') => self.place(rest, r"\A"),
            Some('z') => self.place(rest, r"\z"),
            // Words are of ASCII.
            Some('b') => self.place(rest, r"(?-u:\b)"),
            Some('B') => self.place(rest, r"(?-u:\B)"),
            Some('C') => return Err(PatternError::new("invalid escape sequence", r"\C")),
            Some('Q') => {
                let (literal, rest) = rest.split_once(r"\E").unwrap_or((rest, ""));
                for c in literal.chars() {
                    self.literal(c, rest);
                }
                self.rest = rest;
            }
            _ => {
                if let Some((text, rest)) = class::escaped(before)? {
                    self.push_class(text, rest);
                } else {
                    let (c, rest) = class::escaped_char(before)?;
                    self.literal(c, rest);
                }
            }
        }
        Ok(())
    }

    /// What begins with `(?`: flags, a group without capture, or one with a name.
    fn flags_or_group(&mut self) -> Result<(), PatternError> {
        let before = self.rest;
        let name_at = if before.starts_with("(?P<") && before.len() > 4 {
            4
        } else if before.starts_with("(?<") && before.len() > 3 {
            3
        } else {
            return self.flags_or_plain_group(before);
        };
        let invalid = |text| PatternError::new("invalid named capture", text);
        let end = before.find('>').ok_or_else(|| invalid(before))?;
        let name = &before[name_at..end];
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(invalid(&before[..=end]));
        }
        self.rest = &before[end + 1..];
        self.open(Some(name.to_owned()), self.flags)
    }

    fn flags_or_plain_group(&mut self, before: &'a str) -> Result<(), PatternError> {
        let (mut flags, mut value, mut has_flag) = (self.flags, true, false);
        let mut rest = &before[2..];
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            match c {
                'i' => flags.fold = value,
                'm' => flags.multi_line = value,
                's' => flags.dot_newline = value,
                'U' => flags.swap_greed = value,
                '-' if value => {
                    value = false;
                    has_flag = false;
                    continue;
                }
                ':' | ')' if value || has_flag => {
                    self.rest = rest;
                    if c == ':' {
                        self.open(None, self.flags)?;
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => break,
            }
            has_flag = true;
        }
        Err(PatternError::new("invalid or unsupported Perl syntax", consumed(before, rest)))
    }
}

/// What was read between two rests.
fn consumed<'a>(before: &'a str, rest: &str) -> &'a str {
    &before[..before.len() - rest.len()]
}

/// `{2}`, `{2,}`, `{2,3}`; anything else is no repetition. A number beyond all bounds is the highest.
fn counts(text: &str) -> Option<(u32, Option<u32>, &str)> {
    let (min, rest) = count(text.strip_prefix('{')?)?;
    let (max, rest) = match rest.strip_prefix(',') {
        None => (Some(min), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => {
            let (max, rest) = count(rest)?;
            (Some(max), rest)
        }
    };
    Some((min, max, rest.strip_prefix('}')?))
}

fn count(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    if number.is_empty() || (number.len() > 1 && number.starts_with('0')) {
        return None;
    }
    Some((number.parse().unwrap_or(u32::MAX), rest))
}

/// Whether no part of a repetition is repeated more often, all in all.
fn repeats_at_most(node: &Node, limit: u32) -> bool {
    match node {
        Node::Repeat { inner, min, max, .. } => {
            let times = max.unwrap_or(*min);
            // Stars are not counted.
            let is_counted = *min > 1 || max.is_some_and(|max| max > 1);
            if *max == Some(0) {
                return true;
            }
            if times > limit {
                return false;
            }
            repeats_at_most(inner, if is_counted { limit / times.max(1) } else { limit })
        }
        Node::Capture { inner, .. } => repeats_at_most(inner, limit),
        Node::Concat(parts) | Node::Alternate(parts) => parts.iter().all(|part| repeats_at_most(part, limit)),
        Node::Literal { .. } | Node::Class { .. } | Node::Any { .. } | Node::Place(_) => true,
    }
}
