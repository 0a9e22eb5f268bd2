//! YAML text to a tree of values with places.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle, options};

use crate::{
    diagnostic::Diagnostic,
    text::{Source, Span},
};

use super::tree::{Entry, Node, Origin, Scalar, Style, Value};

/// What a text may hold.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Longer texts are refused, with this as help.
    pub max_bytes: usize,
    pub too_long: &'static str,
    /// Deeper nesting is refused.
    pub max_depth: usize,
    pub dialect: Dialect,
}

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Ours: no aliases, no tags, one document, so that each value stands where it is meant.
    Own,
    /// Another program's: `*name` stands for what `&name` marked, `<<` merges keys, tags of YAML's own types are
    /// understood, and documents after the first are left out.
    Foreign,
}

/// Tags of the types that YAML itself knows.
const CORE_TAGS: [&str; 7] = ["!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq"];

/// The first document of a text. `None` means that the text is no YAML that can be read, and why is in `mistakes`;
/// mistakes that leave a tree to go on with (a key written twice) are there too.
pub fn read(source: &Source, options: &Options, mistakes: &mut Vec<Diagnostic>) -> Option<Node> {
    let text = source.text();
    if text.len() > options.max_bytes {
        let message = format!("`{}` is longer than {} bytes", source.name(), options.max_bytes);
        mistakes.push(Diagnostic::error(message).help(options.too_long));
        return None;
    }
    let parser = options! {
        emit_comments: false,
        emit_unresolved_aliases: true,
        flow_nesting_limit: options.max_depth,
        block_nesting_limit: options.max_depth,
    };
    let mut builder = Builder {
        source,
        options: *options,
        open: Vec::new(),
        root: None,
        anchors: HashMap::new(),
        copied: 0,
        mistakes,
    };
    let mut documents = 0;
    for event in Parser::new_from_str_with_options(text, parser) {
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
            if documents > 1 && options.dialect == Dialect::Foreign {
                builder.mistakes.push(
                    Diagnostic::warning("a second document starts here, and is not read")
                        .at(source, span, "")
                        .help("Prometheus reads the first document of a file only"),
                );
                break;
            }
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
pub(super) struct Open {
    start: Span,
    style: StructureStyle,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<(String, Origin)> },
}

pub(super) struct Builder<'a> {
    pub(super) source: &'a Source,
    pub(super) options: Options,
    pub(super) open: Vec<Open>,
    root: Option<Node>,
    /// What `&name` marked, by the parser's number for it.
    pub(super) anchors: HashMap<usize, Node>,
    pub(super) copied: usize,
    pub(super) mistakes: &'a mut Vec<Diagnostic>,
}

impl Builder<'_> {
    fn origin(&self, span: Span) -> Origin {
        Origin { source: self.source.clone(), span }
    }

    fn span(&self, range: Option<std::ops::Range<usize>>) -> Span {
        let end = self.source.text().len();
        range.map_or(Span::new(end, end), |range| Span::new(range.start, range.end))
    }

    pub(super) fn foreign(&self) -> bool {
        self.options.dialect == Dialect::Foreign
    }

    /// `None` when the text cannot be gone on with.
    fn take(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        let tag = event.tag().map(granit_parser::Tag::original);
        let is_of_yaml = tag.as_deref().is_some_and(|tag| CORE_TAGS.contains(&tag));
        if let Some(tag) = tag.as_ref().filter(|_| !(is_of_yaml && self.foreign())) {
            self.mistakes.push(
                Diagnostic::error(format!("the tag `{tag}` is not understood"))
                    .at(self.source, span, "")
                    .help("remove the tag; put text in quotes to keep it text"),
            );
        }
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let style = match style {
                    ScalarStyle::Plain if tag.as_deref() == Some("!!str") && self.foreign() => Style::Quoted,
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
                    ScalarStyle::Literal => Style::Literal,
                    ScalarStyle::Folded => Style::Folded,
                };
                self.scalar(text.into_owned(), style, anchor, span);
                Some(())
            }
            Event::SequenceStart(style, anchor, _) => {
                self.key_is_due(span)?;
                self.open.push(Open { start: span, style, anchor, content: Content::List(Vec::new()) });
                Some(())
            }
            Event::MappingStart(style, anchor, _) => {
                self.key_is_due(span)?;
                let content = Content::Map { entries: Vec::new(), key: None };
                self.open.push(Open { start: span, style, anchor, content });
                Some(())
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let node = self.close(span)?;
                self.add(node);
                Some(())
            }
            Event::Alias(anchor) if self.foreign() => self.alias(anchor, span),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                let shown = self.source.slice(span);
                let mistake = if self.foreign() {
                    Diagnostic::error(format!(
                        "nothing before this is marked `&{}`",
                        shown.trim_start_matches('*')
                    ))
                } else {
                    Diagnostic::error(format!("the alias `{shown}` is not followed"))
                };
                self.mistakes.push(
                    mistake
                        .at(self.source, span, "")
                        .help("write the value out; put text that starts with `*` in quotes"),
                );
                None
            }
            _ => Some(()),
        }
    }

    fn scalar(&mut self, text: String, style: Style, anchor: usize, span: Span) {
        if let Some(Open { content: Content::Map { key: key @ None, entries }, .. }) = self.open.last_mut() {
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
        let in_flow = self.open.last().is_some_and(|open| open.style == StructureStyle::Flow);
        let null = style == Style::Plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL");
        let value = if null { Value::Null } else { Value::Scalar(Scalar { text, style, in_flow }) };
        let node = Node { value, origin: self.origin(span) };
        self.mark(anchor, &node);
        self.add(node);
    }

    /// A collection cannot be a key.
    pub(super) fn key_is_due(&mut self, span: Span) -> Option<()> {
        if let Some(Open { content: Content::Map { key: None, .. }, .. }) = self.open.last() {
            self.mistakes.push(Diagnostic::error("a key must be a single word").at(self.source, span, ""));
            return None;
        }
        Some(())
    }

    fn close(&mut self, end: Span) -> Option<Node> {
        let Open { start, style, anchor, content } = self.open.pop()?;
        let (value, last) = match content {
            Content::List(items) => {
                let last = items.last().map(|item| item.origin.span.end);
                (Value::List(items), last)
            }
            Content::Map { mut entries, .. } => {
                let last = entries.last().map(|e| e.value.origin.span.end.max(e.key_origin.span.end));
                if self.foreign() {
                    self.merge(&mut entries);
                }
                (Value::Map(entries), last)
            }
        };
        // The end of a block is only known by what follows it; its last value is where it ends for a reader.
        let end = match style {
            StructureStyle::Flow => end.end,
            StructureStyle::Block => last.unwrap_or(start.end),
        };
        let node = Node { value, origin: self.origin(Span::new(start.start, end.max(start.end))) };
        self.mark(anchor, &node);
        Some(node)
    }

    pub(super) fn add(&mut self, mut node: Node) {
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map { entries, key }) => {
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

    const MAX_BYTES: usize = 1 << 20;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        check_as(Dialect::Own, text, expect);
    }

    #[track_caller]
    fn check_as(dialect: Dialect, text: &str, expect: &str) {
        let source = Source::new("t", text);
        let mut mistakes = Vec::new();
        let options = Options { max_bytes: MAX_BYTES, too_long: "", max_depth: 32, dialect };
        let node = read(&source, &options, &mut mistakes);
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

    #[test]
    fn files_of_other_programs_may_use_aliases_merges_and_tags() {
        let check = |text: &str, expect: &str| check_as(Dialect::Foreign, text, expect);
        check("a: &x 1\nb: *x", "{a:1<1> b:1<1>}<a: &x 1\nb>");
        check("a: *x", "1:4 nothing before this is marked `&x`");
        check("a: &x [*x]", "1:8 this alias stands for something that it is a part of");
        check(
            "a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}",
            "{a:{p:1<1> q:2<2>}<{p: 1, q: 2}> b:{q:3<3> p:1<1>}<{<<: *x, q: 3}>}<a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}>",
        );
        check("a: {<<: 5}", "{a:{}<{<<: 5}>}<a: {<<: 5}>\n1:5 `<<` merges keys, not a single value");
        check("a: !!str 5", "{a:\"5\"<5>}<a: !!str 5>");
        check("a: !x 5", "{a:5<5>}<a: !x 5>\n1:7 the tag `!x` is not understood");
        check("a: 1\n---\nb: 2", "{a:1<1>}<a: 1>\n2:1 a second document starts here, and is not read");
        let nine = |i: i32| format!("a{i}: &a{i} [{}]", vec![format!("*a{}", i - 1); 9].join(","));
        let bomb = (1..40).map(nine).collect::<Vec<_>>().join("\n");
        check(
            &format!("a0: &a0 x\n{bomb}"),
            "7:10 the aliases of this text stand for more than llmobs reads",
        );
        let deep = (1..60).map(|i| format!("a{i}: &a{i} [*a{}]", i - 1)).collect::<Vec<_>>().join("\n");
        check(
            &format!("a0: &a0 x\n{deep}"),
            "32:12 the aliases of this text stand for more than llmobs reads",
        );
    }
}
