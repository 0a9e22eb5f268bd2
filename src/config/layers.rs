//! Defaults, file, environment and flags laid over each other into one tree.

use std::sync::LazyLock;

use crate::{
    diagnostic::Diagnostic,
    text::{Source, Span, nearest},
    yaml::{self, Node, Scalar, Style, Value},
};

use super::{
    Origin,
    schema::{self, KEYS, Key, Kind},
};

/// What sets values, weakest first; the defaults lie below all of them.
#[derive(Debug, Clone)]
pub struct Layers<'a> {
    /// The configuration file, if there is one.
    pub file: Option<Source>,
    /// Environment variables: names and values. Those that do not start with `LLMOBS_` are ignored.
    pub env: &'a [(String, String)],
    /// Flags; of two for one key the later wins.
    pub settings: &'a [Setting],
}

/// A flag that sets a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// As typed, for messages: `--cost-ceiling` or `--set cost.ceiling_per_hour`.
    pub flag: String,
    /// The path of the key: `cost.ceiling_per_hour`.
    pub path: String,
    /// A YAML value; lists of names may also be written with commas.
    pub value: String,
}

/// A configuration is a short text, written by hand, whose deepest key is at 5; every value is written where it is
/// meant, so that an origin is a place.
const YAML: yaml::Options = yaml::Options {
    max_bytes: 1 << 20,
    too_long: "a configuration of llmobs is a short text; is this the right file?",
    max_depth: 32,
    dialect: yaml::Dialect::Own,
};

/// The text of the defaults. A value whose origin lies in it was set by nobody.
pub(super) fn defaults() -> &'static Source {
    static DEFAULTS: LazyLock<Source> =
        LazyLock::new(|| Source::new("defaults", include_str!("../../assets/defaults.yaml")));
    &DEFAULTS
}

/// The tree of one text.
pub(super) fn parse(source: &Source, mistakes: &mut Vec<Diagnostic>) -> Option<Node> {
    yaml::read(source, &YAML, mistakes)
}

/// All layers in one tree; `None` when one of them cannot be read.
pub(super) fn stack(layers: &Layers<'_>, mistakes: &mut Vec<Diagnostic>) -> Option<Node> {
    let mut tree = parse(defaults(), mistakes);
    let mut lay = |over: Option<Node>| {
        tree = match (tree.take(), over) {
            (Some(below), Some(over)) => Some(below.overlaid(over)),
            _ => None,
        };
    };
    if let Some(file) = &layers.file {
        lay(parse(file, mistakes).and_then(|node| file_of_keys(node, mistakes)));
    }
    let mut env = layers.env.iter().collect::<Vec<_>>();
    env.sort();
    for (name, value) in env {
        let Some(bare) = name.strip_prefix("LLMOBS_") else { continue };
        let source = Source::new(name.as_str(), value.as_str());
        match KEYS.iter().find(|key| schema::variable(key).is_some_and(|variable| variable == *name)) {
            Some(key) => lay(value_of(&source, key, mistakes).map(|node| Node::below(key.path, node))),
            None => mistakes.extend(mistyped_variable(name, bare)),
        }
    }
    for setting in layers.settings {
        match key_of(setting) {
            Ok(key) => {
                let source = Source::new(setting.flag.as_str(), setting.value.as_str());
                lay(value_of(&source, key, mistakes).map(|node| Node::below(key.path, node)));
            }
            Err(mistake) => mistakes.push(*mistake),
        }
    }
    tree
}

/// A file that is one word or a list has no keys to lay over the defaults.
fn file_of_keys(node: Node, mistakes: &mut Vec<Diagnostic>) -> Option<Node> {
    match node.value {
        Value::Map(_) | Value::Null => Some(node),
        Value::Scalar(_) | Value::List(_) => {
            mistakes.push(
                Diagnostic::error(format!("the file holds {}, not keys", node.kind()))
                    .at(&node.origin.source, super::walk::first_line(&node.origin), "")
                    .help(
                        "write keys such as `service: chat-api`; `llmobs init` writes a file to start from",
                    ),
            );
            None
        }
    }
}

/// The value of one key, out of a variable or a flag.
fn value_of(source: &Source, key: &Key, mistakes: &mut Vec<Diagnostic>) -> Option<Node> {
    let text = source.text();
    if !key.kind.takes_commas() || text.trim_start().starts_with('[') || text.trim().is_empty() {
        return parse(source, mistakes);
    }
    let mut items = Vec::new();
    let mut start = 0;
    for piece in text.split(',') {
        let word = piece.trim();
        let at = start + (piece.len() - piece.trim_start().len());
        let origin = Origin { source: source.clone(), span: Span::new(at, at + word.len()) };
        let scalar = Scalar { text: word.to_owned(), style: Style::Plain, in_flow: false };
        items.push(Node { value: Value::Scalar(scalar), origin });
        start += piece.len() + 1;
    }
    let origin = Origin { source: source.clone(), span: Span::new(0, text.len()) };
    Some(Node { value: Value::List(items), origin })
}

fn key_of(setting: &Setting) -> Result<&'static Key, Box<Diagnostic>> {
    let path = setting.path.as_str();
    if let Some(key) = schema::find(path).filter(|key| !key.path.contains("[]")) {
        return Ok(key);
    }
    let source = Source::new(setting.flag.as_str(), format!("{path}={}", setting.value));
    let (parent, name) = first_unknown(path);
    let start = if parent.is_empty() { 0 } else { parent.len() + 1 };
    let help = match schema::find(parent).map(|key| key.kind) {
        None | Some(Kind::Section) if !name.contains('[') => schema::help_for_unknown(parent, name),
        None | Some(Kind::Section) => "a list is set as a whole: `--set 'models=[…]'`".to_owned(),
        Some(kind) if kind.takes_commas() || kind == Kind::Items => {
            format!("a list is set as a whole: `--set '{parent}=[…]'`")
        }
        Some(_) => format!("`{parent}` has no keys below it; write `--set {parent}=…`"),
    };
    Err(Box::new(
        Diagnostic::error(format!("unknown key `{path}`"))
            .at(&source, Span::new(start, start + name.len()), "")
            .help(help),
    ))
}

/// The first key of a path that is not in the table, and the path to it.
fn first_unknown(path: &str) -> (&str, &str) {
    let mut parent = "";
    for name in path.split('.') {
        let end = if parent.is_empty() { name.len() } else { parent.len() + 1 + name.len() };
        let here = &path[..end];
        if schema::find(here).is_none() {
            return (parent, name);
        }
        parent = here;
    }
    ("", path)
}

/// Variables of other purposes start with `LLMOBS_` too, so only a near miss is worth a word.
fn mistyped_variable(name: &str, bare: &str) -> Option<Diagnostic> {
    let known = KEYS.iter().filter_map(schema::variable).collect::<Vec<_>>();
    let bares = || known.iter().filter_map(|name| name.strip_prefix("LLMOBS_"));
    let begun = || bares().find(|known| known.strip_prefix(bare).is_some_and(|rest| rest.starts_with('_')));
    let meant = nearest(bare, bares()).or_else(begun)?;
    Some(
        Diagnostic::warning(format!("the environment variable `{name}` sets nothing"))
            .help(format!("did you mean `LLMOBS_{meant}`?")),
    )
}
