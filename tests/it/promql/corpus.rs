//! The corpus that fuzzing begins with: every expression is read, and its print says the same.

use llmobs::promql::syntax::{FUNCTIONS, Options, WIDTH, parse, pretty};

/// Expressions of `tests/promql/corpus.promql`, with their lines.
fn corpus() -> Vec<(usize, String)> {
    let lines = include_str!("../../promql/corpus.promql")
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.to_owned()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).collect()
}

#[test]
fn prints_and_layouts_are_stable() {
    let options = Options { experimental: true, variables: true };
    let mut wrong = Vec::new();
    for (line, text) in corpus() {
        let read = |text: &str| {
            let read = parse(text, &options);
            read.map(|expr| (expr.to_string(), pretty(&expr, WIDTH))).map_err(|errors| errors.to_string())
        };
        let stable = read(&text).and_then(|first| {
            let (again, from_layout) = (read(&first.0)?, read(&first.1)?);
            if again == first && from_layout == first {
                Ok(())
            } else {
                Err(format!("{first:?} {again:?} {from_layout:?}"))
            }
        });
        wrong.extend(stable.err().map(|error| format!("{line}: {text}\n  {error}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_function_is_in_it() {
    let corpus = corpus();
    let used = |name: &str| {
        let call = format!("{name}(");
        corpus.iter().any(|(_, line)| {
            line.match_indices(&call)
                .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        })
    };
    let missing: Vec<&str> =
        FUNCTIONS.iter().map(|function| function.name).filter(|name| !used(name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}
