//! The way from a scalar's text, as YAML decodes it, back to the characters in the file.

use crate::text::Span;

use super::{Origin, Scalar, Style};

/// Where each part of a scalar's text was written.
///
/// A plain or quoted scalar over several lines is folded, a block loses its indentation, escapes are resolved: an
/// offset in the text is not one in the file. This leads back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    parts: Vec<Part>,
    whole: Span,
}

/// Bytes of the text and the bytes of the file that they come from: the same where both are equally long, else a
/// fold, an escape or the end of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    at: usize,
    len: usize,
    source: Span,
}

impl Decoded {
    /// Finds the parts of a scalar that [`read`](super::read) gave.
    pub fn new(scalar: &Scalar, origin: &Origin) -> Self {
        let whole = origin.span;
        let file = origin.source.text();
        let parts =
            Aligner { file, text: &scalar.text, done: 0, parts: Vec::new() }.align(scalar.style, whole);
        Self { parts: parts.unwrap_or_default(), whole }
    }

    /// The span in the file of a span in the text; the whole scalar where its parts could not be told.
    pub fn place(&self, span: Span) -> Span {
        if self.parts.is_empty() {
            return self.whole;
        }
        let start = self.offset(span.start);
        if span.end <= span.start {
            return Span::new(start, start);
        }
        let part = self.part(span.end - 1);
        let end = if part.is_verbatim() {
            part.source.start + (span.end - part.at).min(part.len)
        } else {
            part.source.end
        };
        Span::new(start, end.max(start))
    }

    fn offset(&self, at: usize) -> usize {
        let part = self.part(at);
        if part.is_verbatim() { part.source.start + (at - part.at).min(part.len) } else { part.source.start }
    }

    /// The part that holds an offset; the last one for all that follow.
    fn part(&self, at: usize) -> Part {
        let index = self.parts.partition_point(|part| part.at <= at).saturating_sub(1);
        self.parts[index]
    }
}

impl Part {
    fn is_verbatim(&self) -> bool {
        self.len == self.source.end - self.source.start
    }
}

struct Aligner<'a> {
    file: &'a str,
    text: &'a str,
    /// Bytes of the text whose parts are known.
    done: usize,
    parts: Vec<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Notation {
    Plain,
    Single,
    Double,
    Block,
}

impl Aligner<'_> {
    /// `None` when the text does not come out of the file in the way that is expected here.
    fn align(mut self, style: Style, whole: Span) -> Option<Vec<Part>> {
        let raw = self.file.get(whole.start..whole.end)?;
        let notation = match (style, raw.bytes().next()) {
            (Style::Literal | Style::Folded, _) => Notation::Block,
            (Style::Quoted, Some(b'"')) => Notation::Double,
            (Style::Quoted, Some(b'\'')) => Notation::Single,
            (Style::Quoted | Style::Plain, _) => Notation::Plain,
        };
        let quote = usize::from(matches!(notation, Notation::Single | Notation::Double));
        let (mut at, end) = (whole.start + quote, whole.end.checked_sub(quote)?);
        if notation == Notation::Block {
            // Blank lines before the first that holds something.
            self.take(leading(self.text, '\n'), Span::new(at, at));
        }
        // Where the content of the line before ended, and whether its break is escaped.
        let mut before: Option<(usize, bool)> = None;
        while at <= end {
            let line = self.file.get(at..end)?.split('\n').next()?;
            let next = at + line.len() + 1;
            let closes = next > end && quote == 1;
            let line = line.strip_suffix('\r').unwrap_or(line);
            let blank = |c| c == ' ' || c == '\t';
            let from =
                if before.is_none() { at } else { at + line.len() - line.trim_start_matches(blank).len() };
            let keeps_end = notation == Notation::Block || closes;
            let to =
                if keeps_end { at + line.len() } else { (at + line.trim_end_matches(blank).len()).max(from) };
            at = next;
            if from == to && !closes {
                before = before.or(Some((from, false)));
                continue;
            }
            if let Some((ended, escaped)) = before {
                let rest = &self.text[self.done..];
                let breaks = match leading(rest, '\n') {
                    0 if escaped => 0,
                    0 => leading(rest, ' ').min(1),
                    breaks => breaks,
                };
                self.take(breaks, Span::new(ended, from));
            }
            let rest = &self.text[self.done..];
            let deeper = if notation == Notation::Block {
                rest.len() - rest.trim_start_matches(blank).len()
            } else {
                0
            };
            let from = if before.is_none() { from } else { from.checked_sub(deeper)? };
            let escaped = self.content(notation, from, to)?;
            before = Some((to, escaped));
        }
        if self.text[self.done..].bytes().any(|byte| byte != b'\n') {
            return None;
        }
        self.take(self.text.len() - self.done, Span::new(whole.end, whole.end));
        Some(self.parts)
    }

    /// The content of one line; whether its line break is escaped.
    fn content(&mut self, notation: Notation, from: usize, to: usize) -> Option<bool> {
        let mut at = from;
        while at < to {
            let raw = self.file.get(at..to)?;
            let special = match notation {
                Notation::Plain | Notation::Block => None,
                Notation::Single => raw.find("''"),
                Notation::Double => raw.find('\\'),
            };
            let verbatim = &raw[..special.unwrap_or(raw.len())];
            if !self.text[self.done..].starts_with(verbatim) {
                return None;
            }
            self.take(verbatim.len(), Span::new(at, at + verbatim.len()));
            at += verbatim.len();
            let Some(special) = special else { break };
            let width = match (notation, raw[special..].chars().nth(1)) {
                (Notation::Double, None) => return Some(true),
                (Notation::Double, Some('x')) => 4,
                (Notation::Double, Some('u')) => 6,
                (Notation::Double, Some('U')) => 10,
                (_, Some(escaped)) => 1 + escaped.len_utf8(),
                (_, None) => return None,
            };
            let decoded = self.text[self.done..].chars().next()?;
            self.take(decoded.len_utf8(), Span::new(at, (at + width).min(to)));
            at += width;
        }
        Some(false)
    }

    fn take(&mut self, len: usize, source: Span) {
        if len > 0 {
            self.parts.push(Part { at: self.done, len, source });
            self.done += len;
        }
    }
}

fn leading(text: &str, what: char) -> usize {
    text.len() - text.trim_start_matches(what).len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        text::Source,
        yaml::{Dialect, Options, Value, read},
    };

    /// The characters of the file under each word of the text of `a`.
    #[track_caller]
    fn check(file: &str, expect: &str) {
        let source = Source::new("t", file);
        let options = Options { max_bytes: 1000, too_long: "", max_depth: 9, dialect: Dialect::Foreign };
        let mut mistakes = Vec::new();
        let root = read(&source, &options, &mut mistakes).unwrap();
        let node = &root.entry("a").unwrap().value;
        let Value::Scalar(scalar) = &node.value else { panic!("not a scalar") };
        let decoded = Decoded::new(scalar, &node.origin);
        let mut got = vec![format!("{:?}", scalar.text)];
        let mut at = 0;
        for word in scalar.text.split_inclusive([' ', '\n']) {
            let end = at + word.trim_end().len();
            let placed = decoded.place(Span::new(at, end));
            let position = source.position(placed.start);
            got.push(format!("{}:{}{:?}", position.line, position.column, source.slice(placed)));
            at += word.len();
        }
        assert_eq!(got.join(" "), expect);
    }

    #[test]
    fn words_are_found_where_they_were_written() {
        check("a: up == 0  # no\n", r#""up == 0" 1:4"up" 1:7"==" 1:10"0""#);
        check("a:\n  one\n    two\n\n    three\n", r#""one two\nthree" 2:3"one" 3:5"two" 5:5"three""#);
        check("{a: one\n  two, b: 1}", r#""one two" 1:5"one" 2:3"two""#);
        check("a: 'é ''x'' y'", r#""é 'x' y" 1:5"é" 1:7"''x''" 1:13"y""#);
        check("a: 'one\n\n  two'", r#""one\ntwo" 1:5"one" 3:3"two""#);
        check(
            r#"a: "é \"x\" \u00e9y \x41""#,
            r#""é \"x\" éy A" 1:5"é" 1:7"\\\"x\\\"" 1:13"\\u00e9y" 1:21"\\x41""#,
        );
        check("a: \"one\\\n  two\n  three\"", r#""onetwo three" 1:5"one\\\n  two" 3:3"three""#);
        check(
            "a: |\n  one two\n    three\n\n  four\n",
            r#""one two\n  three\n\nfour\n" 2:3"one" 2:7"two" 3:3"" 3:4"" 3:5"three" 3:10"" 5:3"four""#,
        );
        check("a: |-  # why\n\n   one\n   two\nb: 1", r#""\none\ntwo" 3:4"" 3:4"one" 4:4"two""#);
        check("a: |2+\n    one\n  two\n\n", r#""  one\ntwo\n\n" 2:3"" 2:4"" 2:5"one" 3:3"two" 5:1"""#);
        check(
            "a: >\n  one\n  two\n\n  three\n    deep\n  four\n",
            r#""one two\nthree\n  deep\nfour\n" 2:3"one" 3:3"two" 5:3"three" 6:3"" 6:4"" 6:5"deep" 7:3"four""#,
        );
        check("a: >-\r\n  one\r\n  two\r\n", r#""one two" 2:3"one" 3:3"two""#);
        check("a: |\r\n  one\r\n  two\r\n", r#""one\ntwo\n" 2:3"one" 3:3"two""#);
        check("a: !!str 5", r#""5" 1:10"5""#);
        check("x: &y 'one two'\na: *y", r#""one two" 1:8"one" 1:12"two""#);
    }

    #[test]
    fn what_lies_past_the_end_is_at_the_end() {
        let source = Source::new("t", "'ab'");
        let origin = Origin { source, span: Span::new(0, 4) };
        let scalar = Scalar { text: "ab".to_owned(), style: Style::Quoted, in_flow: false };
        let decoded = Decoded::new(&scalar, &origin);
        assert_eq!(decoded.place(Span::new(2, 2)), Span::new(3, 3));
        assert_eq!(decoded.place(Span::new(1, 9)), Span::new(2, 3));
        let other =
            Decoded::new(&Scalar { text: "xy".to_owned(), style: Style::Quoted, in_flow: false }, &origin);
        assert_eq!(other.place(Span::new(1, 2)), Span::new(0, 4));
    }
}
