//! Functions that change labels.

use crate::series::{Labels, Pattern, Replacement};

use super::{Block, EvalError};

/// Whether a label says what the metric is rather than which series.
pub(in crate::promql::eval) fn is_metadata(name: &str) -> bool {
    matches!(name, "__name__" | "__type__" | "__unit__")
}

/// The labels of what is calculated from a series: without the metric's name, type and unit.
pub(in crate::promql::eval) fn without_metadata(labels: &Labels) -> Labels {
    labels.retain(|name| !is_metadata(name))
}

/// Sets the label `to` where `pattern` matches the whole label `from`.
pub(super) fn replace(
    mut vector: Block,
    to: &str,
    replacement: &str,
    from: &str,
    pattern: &str,
) -> Result<Block, EvalError> {
    let Ok(pattern) = Pattern::new(pattern) else {
        return Err(EvalError::execution(format!(
            "invalid regular expression in label_replace(): {pattern}"
        )));
    };
    if to.is_empty() {
        return Err(EvalError::execution("invalid destination label name in label_replace(): "));
    }
    let replacement = Replacement::new(replacement);
    for labels in &mut vector.labels {
        let value = labels.get(from).unwrap_or_default();
        let Some(groups) = pattern.groups(value) else { continue };
        let text = replacement.fill(&groups);
        let mut edit = labels.edit();
        edit.set(to, text);
        *labels = edit.finish();
    }
    vector.unique()
}

/// Sets the label `to` to the values of other labels, with a separator between them.
pub(super) fn join(
    mut vector: Block,
    to: &str,
    separator: &str,
    from: &[String],
) -> Result<Block, EvalError> {
    if from.iter().any(String::is_empty) {
        return Err(EvalError::execution("invalid source label name in label_join(): "));
    }
    if to.is_empty() {
        return Err(EvalError::execution("invalid destination label name in label_join(): "));
    }
    for labels in &mut vector.labels {
        let values: Vec<_> = from.iter().map(|name| labels.get(name).unwrap_or_default()).collect();
        let value = values.join(separator);
        let mut edit = labels.edit();
        edit.set(to, value);
        *labels = edit.finish();
    }
    vector.unique()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(labels: &[&[(&str, &str)]]) -> Block {
        let mut block = Block::new(1);
        for labels in labels {
            block.push(labels.iter().copied().collect())[0] = 1.0;
        }
        block
    }

    fn shown(result: Result<Block, EvalError>) -> Result<String, String> {
        let labels =
            |block: Block| block.labels.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        result.map(labels).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn check(replacement: &str, pattern: &str, expect: Result<&str, &str>) {
        let block = vector(&[&[("a", "one-two"), ("z", "0")]]);
        let got = shown(replace(block, "b", replacement, "a", pattern));
        assert_eq!(got.as_deref().map_err(String::as_str), expect);
    }

    #[test]
    fn patterns_match_the_whole_label() {
        check("x", "one", Ok(r#"{a="one-two",z="0"}"#));
        check("x", "one.*", Ok(r#"{a="one-two",b="x",z="0"}"#));
        check("$1", "one|(one)-two", Ok(r#"{a="one-two",b="one",z="0"}"#));
        check("x", "(one", Err("invalid regular expression in label_replace(): (one"));
    }

    #[test]
    fn groups_are_filled_in() {
        let pattern = "(?P<first>[a-z]+)-(.*)";
        let filled = |value: &str| format!(r#"{{a="one-two",b="{value}",z="0"}}"#);
        check("$2/$first", pattern, Ok(&filled("two/one")));
        check("${2}x$$1", pattern, Ok(&filled("twox$1")));
        check("$2x${first}", pattern, Ok(&filled("one")));
        check("$0$", pattern, Ok(&filled("one-two$")));
        check("${2", pattern, Ok(&filled("${2")));
        check("$-${}", pattern, Ok(&filled("$-${}")));
        check("$3$01", pattern, Ok(r#"{a="one-two",z="0"}"#));
    }

    #[test]
    fn an_empty_replacement_removes_the_label() {
        let block = vector(&[&[("a", "1"), ("b", "2")]]);
        assert_eq!(shown(replace(block, "b", "", "c", "")), Ok(r#"{a="1"}"#.to_owned()));
    }

    #[test]
    fn labels_stay_unique() {
        let two = || vector(&[&[("a", "1")], &[("a", "2")]]);
        let same = Err("vector cannot contain metrics with the same labelset".to_owned());
        assert_eq!(shown(replace(two(), "a", "x", "a", ".*")), same);
        assert_eq!(shown(join(two(), "a", "", &[])), same);
        let bad = |text: &str| Err(format!("invalid {text}: "));
        assert_eq!(
            shown(replace(two(), "", "x", "a", ".*")),
            bad("destination label name in label_replace()")
        );
        assert_eq!(shown(join(two(), "", "", &[])), bad("destination label name in label_join()"));
        assert_eq!(shown(join(two(), "", "", &[String::new()])), bad("source label name in label_join()"));
    }

    #[test]
    fn labels_are_joined() {
        let from = ["a", "x", "b"].map(str::to_owned);
        let block = vector(&[&[("a", "1"), ("b", "2")]]);
        assert_eq!(shown(join(block, "c", "-", &from)), Ok(r#"{a="1",b="2",c="1--2"}"#.to_owned()));
    }

    #[test]
    fn calculated_values_have_no_name() {
        let labels: Labels =
            [("A", "1"), ("__name__", "m"), ("__type__", "t"), ("__unit__", "u"), ("__x__", "2")]
                .into_iter()
                .collect();
        assert_eq!(without_metadata(&labels).to_string(), r#"{A="1",__x__="2"}"#);
    }
}
