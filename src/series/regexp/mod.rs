//! Regular expressions as Go reads them (RE2), run by the `regex` crate.
//!
//! Both engines match alike, but their syntaxes differ in what stands for itself, in classes, in flags and in names of
//! classes. So a pattern is read as Go reads it and written anew, with nothing left to the other syntax' habits.

mod class;
mod emit;
mod parse;
mod shape;

use regex::{Regex, RegexBuilder};

pub(super) use shape::Shape;

use parse::{Flags, parse};

/// What a compiled pattern may take, in bytes.
const MAX_COMPILED: usize = 10 << 20;

/// What the lazily built automaton may take while it matches, in bytes.
const MAX_CACHE: usize = 2 << 20;

/// Why a pattern cannot be used, as Go words it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {0}")]
pub struct PatternError(pub String);

impl PatternError {
    fn new(what: &str, text: &str) -> Self {
        Self(format!("{what}: `{text}`"))
    }
}

/// A regular expression that has to match the whole text, in which `.` is any character: that of matchers and of
/// `label_replace`.
pub fn anchored(pattern: &str) -> Result<Regex, PatternError> {
    let node = parse(pattern, Flags { dot_newline: true, ..Flags::default() })?;
    compile(pattern, &emit::anchored(&node))
}

/// A regular expression that may match anywhere, in which `.` is no line feed: that of templates.
pub fn unanchored(pattern: &str) -> Result<Regex, PatternError> {
    let node = parse(pattern, Flags::default())?;
    compile(pattern, &emit::text(&node))
}

/// A pattern of a matcher: its shape, where that says all, else the anchored expression.
pub(super) fn shape(pattern: &str) -> Result<Shape, PatternError> {
    let node = parse(pattern, Flags { dot_newline: true, ..Flags::default() })?;
    match Shape::of(&node) {
        Some(shape) => Ok(shape),
        None => Ok(Shape::Pattern(compile(pattern, &emit::anchored(&node))?)),
    }
}

fn compile(pattern: &str, written: &str) -> Result<Regex, PatternError> {
    RegexBuilder::new(written)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_CACHE)
        .nest_limit(8 * parse::MAX_NESTING)
        .build()
        .map_err(|_| PatternError::new("expression too large", pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pattern, texts that it matches as a whole, and texts that it does not.
    #[track_caller]
    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        let shape = shape(pattern).unwrap();
        let regex = anchored(pattern).unwrap();
        for (texts, expect) in [(yes, true), (no, false)] {
            for text in texts {
                assert_eq!(shape.matches(text), expect, "{pattern} on {text:?}");
                assert_eq!(regex.is_match(text), expect, "{pattern} on {text:?}, by the engine");
            }
        }
    }

    #[track_caller]
    fn refuse(pattern: &str, message: &str) {
        let error = anchored(pattern).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), format!("error parsing regexp: {message}"));
    }

    #[test]
    fn what_is_special_elsewhere_stands_for_itself() {
        check("a{,2}", &["a{,2}"], &["", "a", "aa"]);
        check("{", &["{"], &[""]);
        check("a{ 1}", &["a{ 1}"], &["a"]);
        check("a{01}", &["a{01}"], &["a"]);
        check("[[a]", &["[", "a"], &["]"]);
        check("[a&&b]", &["a", "b", "&"], &[""]);
        check("[a~~b]", &["a", "b", "~"], &[""]);
        check("[+--]", &["+", ",", "-"], &["."]);
    }

    #[test]
    fn classes() {
        check("[]a]", &["]", "a"], &["b"]);
        check("[^]a]", &["b", "\n"], &["]", "a"]);
        check("[a-]", &["a", "-"], &["b"]);
        check("[[:alpha:][:^digit:]]", &["a", "é", " "], &["1"]);
        check(r"[\d\pL.]", &["1", "é", "."], &["-"]);
        check(r"\w\W", &["a-", "_é"], &["éa", "ab"]);
        check(r"\s", &[" ", "\n", "\x0c"], &["\x0b", "\u{a0}"]);
        check(r"\pN\p{Greek}\P{Lu}\p{^Lu}", &["1αaa", "²Ω11"], &["aαaa", "1αAa"]);
        check(r"\p{Any}", &["a", "\n"], &[""]);
        check(r"[^\x00-\x{10FFFF}]|a", &["a"], &["b"]);
    }

    #[test]
    fn flags() {
        check(".", &["a", "\n"], &[""]);
        check("(?-s).", &["a"], &["\n"]);
        check("(?i)ab(?-i)c", &["abc", "ABc"], &["abC"]);
        check("(?i:k)", &["k", "K", "\u{212a}"], &["c"]);
        check("a(?i)*", &["", "aa"], &["A"]);
        check("(?U)a+", &["aa"], &[""]);
        check("(?m)a$.^b", &["a\nb"], &["ab"]);
        check(r"a\b.\B.\bb", &["a--b"], &["a-bb", "aaab"]);
    }

    #[test]
    fn escapes() {
        check(r"\Qa.b*\E+", &["a.b*", "a.b**"], &["aab"]);
        check(r"\x41\x{e9}\101\012\.\-\_\/", &["AéA\n.-_/"], &[""]);
        check(r"\Aa\z", &["a"], &["a\n"]);
    }

    #[test]
    fn refusals_are_worded_as_in_go() {
        refuse("[a", "missing closing ]: `[a`");
        refuse("x[z-a]", "invalid character class range: `z-a`");
        refuse("[[:foo:]]", "invalid character class range: `[:foo:]`");
        refuse(r"\p{foo}", r"invalid character class range: `\p{foo}`");
        refuse("a(b", "missing closing ): `a(b`");
        refuse("a)b", "unexpected ): `a)b`");
        refuse("*a", "missing argument to repetition operator: `*`");
        refuse("(+?)", "missing argument to repetition operator: `+?`");
        refuse("a**", "invalid nested repetition operator: `**`");
        refuse("a{2}{3}", "invalid nested repetition operator: `{2}{3}`");
        refuse("a{1001}", "invalid repeat count: `{1001}`");
        refuse("a{3,2}", "invalid repeat count: `{3,2}`");
        refuse("(a{100}){11}", "invalid repeat count: `{11}`");
        refuse(r"\q", r"invalid escape sequence: `\q`");
        refuse(r"\C", r"invalid escape sequence: `\C`");
        refuse(r"\1", r"invalid escape sequence: `\1`");
        refuse(r"\x{110000}", r"invalid escape sequence: `\x{110000`");
        refuse("a\\", "trailing backslash at end of expression: ``");
        refuse("(?=a)", "invalid or unsupported Perl syntax: `(?=`");
        refuse("(?x)a", "invalid or unsupported Perl syntax: `(?x`");
        refuse("(?P<n", "invalid named capture: `(?P<n`");
        refuse("(?P<a b>c)", "invalid named capture: `(?P<a b>`");
        let deep = "(".repeat(5000);
        refuse(&deep, &format!("expression nests too deeply: `{deep}`"));
    }

    #[test]
    fn captures_keep_their_numbers_and_names() {
        let regex = anchored("(?P<a>x+)(?:y)(?<b>z)?(.)").unwrap();
        let found = regex.captures("xxy!").unwrap();
        assert_eq!((&found["a"], found.name("b"), &found[3]), ("xx", None, "!"));
        assert!(!unanchored("oo(.)").unwrap().is_match("foo\n"), "a line feed");
    }

    #[test]
    fn simple_patterns_need_no_engine() {
        let simple = |pattern: &str| !matches!(shape(pattern).unwrap(), Shape::Pattern(_));
        for pattern in
            ["", "a", "a|b", "gpt-4o|o1|", "x(a|b)y", ".*", ".+", "a.*", ".*a", ".+a.+", r"a\.b", "()"]
        {
            assert!(simple(pattern), "{pattern}");
        }
        for pattern in ["a.b", "(?i)a", "[ab]", "a*", ".*a.*b", "^a", "(?-s).*"] {
            assert!(!simple(pattern), "{pattern}");
        }
        check("", &[""], &["a"]);
        check("a|b|", &["a", "b", ""], &["ab"]);
        check("x(a|b)?", &["x", "xa"], &["xab"]);
        check(".*", &["", "a\n"], &[]);
        check(".+", &["é"], &[""]);
        check("ab.*", &["ab", "abc"], &["a", "xab"]);
        check(".*ab", &["ab", "xab"], &["abx"]);
        check("ab.+", &["abc"], &["ab", "xabc"]);
        check(".+ab.+", &["éabé", "ababab"], &["abab", "ab", ""]);
        check(".+.+", &["ab"], &["a"]);
    }

    #[test]
    fn a_hostile_pattern_is_refused_or_small() {
        let large = format!("({}){{1000}}", ".".repeat(50));
        refuse(&large, &format!("expression too large: `{large}`"));
        assert!(anchored("(a{10}){100}").is_ok());
        let many = vec!["(a|b)"; 30].join("");
        assert!(matches!(shape(&many).unwrap(), Shape::Pattern(_)));
    }
}
