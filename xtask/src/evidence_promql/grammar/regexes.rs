//! Regular expressions in the syntax of RE2 (<https://github.com/google/re2/wiki/Syntax>), and some that it refuses.

use super::{Generator, Node, quoted};

/// Pieces that mean something, or nothing special, where another dialect may see it otherwise.
const PIECES: [&str; 66] = [
    ".",
    ".*",
    ".+?",
    "a",
    "[a-c]",
    "[^a-c]",
    "\\d",
    "\\D",
    "\\w",
    "\\W",
    "\\s",
    "\\S",
    "\\b",
    "\\B",
    "(a|b)",
    "(?:x|y)",
    "(?P<n>.)",
    "(?<n>.)",
    "a{2}",
    "a{0,}",
    "a{,2}",
    "{",
    "}",
    "{a",
    "a{1",
    "x{1,2",
    "]",
    "[]a]",
    "[^]a]",
    "[[:alpha:]]",
    "[[:^digit:]]",
    "[[:word:]]",
    "\\pL",
    "\\p{Greek}",
    "\\PN",
    "\\p{Latin}",
    "\\p{^Lu}",
    "[\\pL\\d]",
    "\\x41",
    "\\x{17f}",
    "\\101",
    "\\n",
    "\\t",
    "\\v",
    "\\f",
    "\\a",
    "\\Q.*\\E",
    "\\A",
    "\\z",
    "^",
    "$",
    "(?i)K",
    "(?i)s",
    "(?i:ß)",
    "(?s).",
    "(?m)^",
    "(?U)a+",
    "(?-s).",
    "[a&&b]",
    "[a--b]",
    "[&-~]",
    "[a~~b]",
    "[.*]",
    "\\.",
    "\\-",
    "\\/",
];

/// Refused by RE2, though another dialect may take it.
const REFUSED: [&str; 26] = [
    "(",
    ")",
    "[",
    "[a",
    "a**",
    "+",
    "*a",
    "(?=a)",
    "(?!a)",
    "(?<=a)",
    "\\1",
    "\\8",
    "\\e",
    "\\Z",
    "\\u0041",
    "\\<",
    "(?x) a",
    "(?P<n>a)(?P<n>b)",
    "(?P<>a)",
    "(?P<1a>b)",
    "a{1001}",
    "a{3,2}",
    "[z-a]",
    "\\p{Nonsense}",
    "(?R)",
    "\\C",
];

/// What labels are asked about.
const LABELS: [&str; 3] = ["deployment", "path", "address"];

impl Generator {
    /// A matcher, or `label_replace`, with a regular expression made of some pieces.
    pub(super) fn regex(&mut self) -> Node {
        self.tag("regular expression");
        let label = *self.random.pick(&LABELS);
        let mut regex = String::new();
        if self.random.chance(0.5) {
            regex.push_str(".*");
        }
        for _ in 0..=self.random.below(3) {
            let piece = *self.random.pick(&PIECES);
            regex.push_str(piece);
        }
        if self.random.chance(0.2) {
            let refused = *self.random.pick(&REFUSED);
            regex.push_str(refused);
        }
        if self.random.chance(0.6) {
            regex.push_str(".*");
        }
        let regex = quoted(&regex);
        if self.random.chance(0.6) {
            let op = if self.random.chance(0.7) { "=~" } else { "!~" };
            return Node::vector().text(format!("probe_success{{{label}{op}{regex}}}"));
        }
        self.tag("label_replace");
        let replacement = *self.random.pick(&["$0", "<$1>", "${n}", "x", "$1$2"]);
        Node::vector()
            .text("label_replace(")
            .child(Node::vector().text("probe_success"))
            .text(format!(", \"new\", {}, \"{label}\", {regex})", quoted(replacement)))
    }
}
