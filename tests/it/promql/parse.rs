//! Expressions and what they print as, or what is wrong with them: the files in `parse/`.
//!
//! Cases are parted by empty lines. Behind the expression, a line with `=` gives its canonical form; lines with `!` give
//! all of its mistakes. What a canonical form prints as is itself.

use llmobs::promql::syntax::{Options, WIDTH, parse, pretty};

const EXPERIMENTAL: Options = Options { experimental: true, variables: false };

#[track_caller]
fn check(file: &str) {
    for case in file.trim_matches('\n').split("\n\n") {
        let is_expectation = |line: &&str| line.starts_with("= ") || line.starts_with("! ");
        let expression: Vec<&str> = case.lines().take_while(|line| !is_expectation(line)).collect();
        let expression = expression.join("\n");
        let outcome: Vec<String> = match parse(&expression, &EXPERIMENTAL) {
            Ok(expr) => {
                let printed = expr.to_string();
                let again = |text: &str| parse(text, &EXPERIMENTAL).map(|expr| expr.to_string());
                assert_eq!(again(&printed).as_ref(), Ok(&printed), "printed again: {expression}");
                assert_eq!(again(&pretty(&expr, 10)).as_ref(), Ok(&printed), "in lines: {expression}");
                assert!(
                    printed.len() > WIDTH || pretty(&expr, WIDTH) == printed,
                    "needs no lines: {printed}"
                );
                vec![format!("= {printed}")]
            }
            Err(errors) => errors.to_string().lines().map(|line| format!("! {line}")).collect(),
        };
        let expected: Vec<&str> = case.lines().skip_while(|line| !is_expectation(line)).collect();
        assert_eq!(outcome, expected, "{expression}");
    }
}

#[test]
fn literals() {
    check(include_str!("parse/literals.txt"));
}

#[test]
fn selectors() {
    check(include_str!("parse/selectors.txt"));
}

#[test]
fn durations() {
    check(include_str!("parse/durations.txt"));
}

#[test]
fn operators() {
    check(include_str!("parse/operators.txt"));
}

#[test]
fn aggregations() {
    check(include_str!("parse/aggregations.txt"));
}

#[test]
fn functions() {
    check(include_str!("parse/functions.txt"));
}

#[test]
fn several_mistakes() {
    check(include_str!("parse/mistakes.txt"));
}
