//! YAML text to a tree of values with places.

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle, options};

use crate::{
    diagnostic::Diagnostic,
    text::{Source, Span},
};

use super::{
    Origin,
    tree::{Entry, Node, Scalar, Style, Value},
};

/// Longer texts are refused: a configuration is written by hand.
const MAX_BYTES: usize = 1 << 20;
/// Deeper nesting is refused; the deepest key of ours is at 5.
const MAX_DEPTH: usize = 32;

/// The one document of a text. `None` means that the text is no YAML that llmobs takes, and why is in `mistakes`;
/// mistakes that leave a tree to go on with (a key written twice) are there too.
pub(super) fn parse(source: &Source, mistakes: &mut Vec<Diagnostic>) -> Option<Node> {
    let text = source.text();
    if text.len() > MAX_BYTES {
        mistakes.push(
            Diagnostic::error(format!("`{}` is longer than {MAX_BYTES} bytes", source.name()))
                .help("a configuration of llmobs is a short text; is this the right file?"),
        );
        return None;
    }
    let options = options! {
        emit_comments: false,
        emit_unresolved_aliases: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut builder = Builder { source, open: Vec::new(), root: None, mistakes };
    let mut documents = 0;
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = match event {
            Ok((event, span)) => (event, builder.span(span.byte_range())),
            Err(error) => {
                let at = error.marker().byte_offset().unwrap_or(text.len());
                builder.refuse_syntax(&error.info(), at);
                return None;
            }
        };
        if matches!(event, Event::DocumentStart(..)) {
            documents += 1;
            if documents > 1 {
                builder.mistakes.push(
                    Diagnostic::error("a second document starts here")
                        .at(source, span, "")
                        .help("llmobs reads one document per file; remove the `---`"),
                );
                return None;
            }
        }
        builder.take(event, span)?;
    }
    let nothing = Node { value: Value::Null, origin: builder.origin(Span::default()) };
    Some(builder.root.unwrap_or(nothing))
}

/// A collection whose end has not come yet.
enum Open {
    List { start: Span, style: StructureStyle, items: Vec<Node> },
    Map { start: Span, style: StructureStyle, entries: Vec<Entry>, key: Option<(String, Origin)> },
}

struct Builder<'a> {
    source: &'a Source,
    open: Vec<Open>,
    root: Option<Node>,
    mistakes: &'a mut Vec<Diagnostic>,
}

impl Builder<'_> {
    fn origin(&self, span: Span) -> Origin {
        Origin { source: self.source.clone(), span }
    }

    fn span(&self, range: Option<std::ops::Range<usize>>) -> Span {
        let end = self.source.text().len();
        range.map_or(Span::new(end, end), |range| Span::new(range.start, range.end))
    }

    /// `None` when the text cannot be gone on with.
    fn take(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        if let Some(tag) = event.tag() {
            self.mistakes.push(
                Diagnostic::error(format!("the tag `{}` is not understood", tag.original()))
                    .at(self.source, span, "")
                    .help("remove the tag; put text in quotes to keep it text"),
            );
        }
        match event {
            Event::Scalar(text, style, ..) => {
                let style = if style == ScalarStyle::Plain { Style::Plain } else { Style::Quoted };
                self.scalar(text.into_owned(), style, span);
                Some(())
            }
            Event::SequenceStart(style, ..) => {
                self.key_is_due(span)?;
                self.open.push(Open::List { start: span, style, items: Vec::new() });
                Some(())
            }
            Event::MappingStart(style, ..) => {
                self.key_is_due(span)?;
                self.open.push(Open::Map { start: span, style, entries: Vec::new(), key: None });
                Some(())
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let node = self.close(span)?;
                self.add(node);
                Some(())
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.mistakes.push(
                    Diagnostic::error(format!("the alias `{}` is not followed", self.source.slice(span)))
                        .at(self.source, span, "")
                        .help("write the value out; put text that starts with `*` in quotes"),
                );
                None
            }
            _ => Some(()),
        }
    }

    fn scalar(&mut self, text: String, style: Style, span: Span) {
        if let Some(Open::Map { key: key @ None, entries, .. }) = self.open.last_mut() {
            let origin = Origin { source: self.source.clone(), span };
            if let Some(first) = entries.iter().find(|entry| entry.key == text) {
                self.mistakes.push(
                    Diagnostic::error(format!("the key `{text}` is written twice"))
                        .at(self.source, span, "again here")
                        .at(&first.key_origin.source, first.key_origin.span, "first here")
                        .help("keep one of them"),
                );
            }
            *key = Some((text, origin));
            return;
        }
        let null = style == Style::Plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL");
        let value = if null { Value::Null } else { Value::Scalar(Scalar { text, style }) };
        let node = Node { value, origin: self.origin(span) };
        self.add(node);
    }

    /// A collection cannot be a key.
    fn key_is_due(&mut self, span: Span) -> Option<()> {
        if let Some(Open::Map { key: None, .. }) = self.open.last() {
            self.mistakes.push(Diagnostic::error("a key must be a single word").at(self.source, span, ""));
            return None;
        }
        Some(())
    }

    fn close(&mut self, end: Span) -> Option<Node> {
        let (value, start, style, last) = match self.open.pop()? {
            Open::List { start, style, items } => {
                let last = items.last().map(|item| item.origin.span.end);
                (Value::List(items), start, style, last)
            }
            Open::Map { start, style, entries, .. } => {
                let last = entries.last().map(|e| e.value.origin.span.end.max(e.key_origin.span.end));
                (Value::Map(entries), start, style, last)
            }
        };
        // The end of a block is only known by what follows it; its last value is where it ends for a reader.
        let end = match style {
            StructureStyle::Flow => end.end,
            StructureStyle::Block => last.unwrap_or(start.end),
        };
        Some(Node { value, origin: self.origin(Span::new(start.start, end.max(start.end))) })
    }

    fn add(&mut self, mut node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, .. }) => {
                let Some((key, key_origin)) = key.take() else { return };
                if node.is_null() && node.origin.span.start == node.origin.span.end {
                    node.origin = key_origin.clone();
                }
                if !entries.iter().any(|entry| entry.key == key) {
                    entries.push(Entry { key, key_origin, value: node });
                }
            }
        }
    }

    fn refuse_syntax(&mut self, what: &str, at: usize) {
        let text = self.source.text();
        let width = text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        let tab = text.get(at..).is_some_and(|rest| rest.starts_with('\t'));
        let mut diagnostic = Diagnostic::error(format!("this is no YAML: {what}"))
            .at(self.source, Span::new(at, at + width), "")
            .because(
                "nothing after this place can be read, so other mistakes may be found once it is mended",
            );
        if tab {
            diagnostic = diagnostic.help("indent with spaces");
        }
        self.mistakes.push(diagnostic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(node: &Node, source: &Source) -> String {
        let under = source.slice(node.origin.span);
        match &node.value {
            Value::Null => format!("~<{under}>"),
            Value::Scalar(scalar) if scalar.style == Style::Quoted => format!("{:?}<{under}>", scalar.text),
            Value::Scalar(scalar) => format!("{}<{under}>", scalar.text),
            Value::List(items) => {
                let items = items.iter().map(|item| shown(item, source)).collect::<Vec<_>>();
                format!("[{}]<{under}>", items.join(" "))
            }
            Value::Map(entries) => {
                let entries = entries.iter().map(|e| format!("{}:{}", e.key, shown(&e.value, source)));
                format!("{{{}}}<{under}>", entries.collect::<Vec<_>>().join(" "))
            }
        }
    }

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let source = Source::new("t", text);
        let mut mistakes = Vec::new();
        let node = parse(&source, &mut mistakes);
        let mut got = node.map(|node| shown(&node, &source)).into_iter().collect::<Vec<_>>();
        for mistake in mistakes {
            let place = mistake.labels.first().map(|label| source.position(label.span.start));
            got.push(
                place.map_or(mistake.message.clone(), |p| {
                    format!("{}:{} {}", p.line, p.column, mistake.message)
                }),
            );
        }
        assert_eq!(got.join("\n"), expect);
    }

    #[test]
    fn values_know_their_places() {
        check("a: 1", "{a:1<1>}<a: 1>");
        check(
            "a: {b: [x, 'y z']}  # c",
            "{a:{b:[x<x> \"y z\"<'y z'>]<[x, 'y z']>}<{b: [x, 'y z']}>}<a: {b: [x, 'y z']}>",
        );
        check("a:\n  b: é中\n\n", "{a:{b:é中<é中>}<b: é中>}<a:\n  b: é中>");
        check("a:\n- 1\n- b: 2\n", "{a:[1<1> {b:2<2>}<b: 2>]<1\n- b: 2>}<a:\n- 1\n- b: 2>");
        check("\u{feff}a: 1", "{a:1<1>}<a: 1>");
    }

    #[test]
    fn what_is_empty_is_not_set() {
        check("", "~<>");
        check("# only a comment\n", "~<>");
        check("---\n", "~<>");
        check("cost:\n  # ceiling_per_hour: 5\n", "{cost:~<cost>}<cost>");
        check("a: ~\nb: null", "{a:~<~> b:~<null>}<a: ~\nb: null>");
        check("a: 'null'", "{a:\"null\"<'null'>}<a: 'null'>");
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_place() {
        check("a: [1,\n", "1:4 this is no YAML: unclosed bracket '['");
        check("é: x: y", "1:5 this is no YAML: mapping values are not allowed in this context");
        check("a: 1\n---\nb: 2", "2:1 a second document starts here");
        check("a: &x 1\nb: *x", "2:4 the alias `*x` is not followed");
        check("a: *x", "1:4 the alias `*x` is not followed");
        check("? [x]\n: 1", "1:3 a key must be a single word");
        check("a: !!str 5", "{a:5<5>}<a: !!str 5>\n1:10 the tag `!!str` is not understood");
        check("a: 1\nb: 2\na: 3\n", "{a:1<1> b:2<2>}<a: 1\nb: 2>\n3:1 the key `a` is written twice");
        let deep = format!("a: {}", "[".repeat(40));
        check(&deep, "1:36 this is no YAML: recursion limit exceeded");
        check(&" ".repeat(MAX_BYTES + 1), "`t` is longer than 1048576 bytes");
    }
}
