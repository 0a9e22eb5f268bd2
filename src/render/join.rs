//! Parts of several targets joined into one expression. Only sums (or greatest values) are joined.

use std::borrow::Cow;

use crate::sources::{
    Primitive, Source,
    primitive::{Fill, Match, Window},
};

use super::escape::promql_string;

/// How joined parts are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aggregate {
    Sum,
    Max,
    Group,
}

impl Aggregate {
    fn text(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Max => "max",
            Self::Group => "group",
        }
    }
}

/// One source's share of a quantity.
#[derive(Debug, Clone)]
pub(super) struct Part<'a> {
    pub(super) primitive: Cow<'a, Primitive>,
    /// Whose labels it has; none where they are canonical already.
    pub(super) source: Option<&'a Source>,
    /// Parts of one group have the same jobs.
    pub(super) group: usize,
    /// For its `$selector`.
    pub(super) selector: Vec<Match>,
    /// Canonical labels that the part has one value for.
    pub(super) constants: Vec<(&'static str, String)>,
}

/// One expression for the sum (or greatest value) of all parts, grouped by canonical labels.
///
/// A label that a source does not carry is absent in its part. Parts are told apart by `job` inside the join,
/// because `or` would drop what has an equal label set.
pub(super) fn join(parts: &[Part<'_>], aggregate: Aggregate, window: Option<&Window>, by: &[&str]) -> String {
    let several_groups = parts.iter().any(|part| part.group != parts[0].group);
    let mut filled = Vec::new();
    let mut needs_outer = parts.len() > 1;
    for part in parts {
        let mut inner: Vec<&str> = by.to_vec();
        if several_groups && !inner.contains(&"job") {
            inner.insert(0, "job");
        }
        let (mut native, mut renames) = (Vec::new(), Vec::new());
        for label in inner {
            if part.constants.iter().any(|(constant, _)| *constant == label) {
                continue;
            }
            let carried = match part.source {
                None => Some(label),
                Some(_) if matches!(label, "job" | "instance" | "le") => Some(label),
                Some(source) => source.label(label).or_else(|| error_label(source, label)),
            };
            if let Some(carried) = carried {
                native.push(carried.to_owned());
                if carried != label {
                    renames.push((label, carried));
                }
            }
        }
        let mut expr = part.primitive.fill(&Fill { selector: &part.selector, window, by: &native });
        for (label, carried) in &renames {
            expr = format!("label_replace({expr}, \"{label}\", \"$1\", \"{carried}\", \"(.*)\")");
        }
        let told_apart = parts.len() > 1;
        for (label, value) in &part.constants {
            if by.contains(label) || (told_apart && *label == "error_class") {
                expr = format!("label_replace({expr}, \"{label}\", {}, \"\", \"\")", promql_string(value));
            }
        }
        needs_outer |= !renames.is_empty();
        filled.push(expr);
    }
    if !needs_outer {
        return filled.remove(0);
    }
    let grouping = if by.is_empty() { String::new() } else { format!(" by ({}) ", by.join(", ")) };
    format!("{}{grouping}(\n  {}\n)", aggregate.text(), filled.join("\n  or\n  "))
}

/// The label that tells error classes apart, where the source has one.
fn error_label<'a>(source: &'a Source, label: &str) -> Option<&'a str> {
    let errors = source.primitives.errors.as_ref()?;
    (label == "error_class").then_some(errors.label.as_deref()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{render::escape::one_of, sources::builtin, time::PromDuration};

    const FIVE_MINUTES: Option<&Window> = Some(&Window::Fixed(PromDuration::from_secs(300)));

    fn part(source: &'static str, job: &str) -> Part<'static> {
        let source = builtin(source).unwrap();
        Part {
            primitive: Cow::Borrowed(source.primitives.requests.as_ref().unwrap()),
            source: Some(source),
            group: usize::from(job == "v"),
            selector: vec![one_of("job", &[job])],
            constants: Vec::new(),
        }
    }

    #[test]
    fn one_part_with_canonical_labels_stays_as_it_is() {
        let got = join(&[part("llmobs", "a")], Aggregate::Sum, FIVE_MINUTES, &["model"]);
        assert_eq!(got, r#"sum by (model) (rate(llm_requests_total{job="a"}[5m]))"#);
    }

    #[test]
    fn a_native_label_is_renamed_after_aggregation() {
        let got = join(&[part("vllm", "v")], Aggregate::Sum, FIVE_MINUTES, &["model"]);
        let expect = concat!(
            "sum by (model) (\n  label_replace(sum by (model_name) (rate({__name__=~\"vllm:(request_success|",
            "admission_rejections)_total\",job=\"v\"}[5m])), \"model\", \"$1\", \"model_name\", \"(.*)\")\n)"
        );
        assert_eq!(got, expect);
    }

    #[test]
    fn parts_of_several_sources_are_told_apart_by_job() {
        let got = join(&[part("llmobs", "a"), part("vllm", "v")], Aggregate::Sum, FIVE_MINUTES, &[]);
        let expect = concat!(
            "sum(\n  sum by (job) (rate(llm_requests_total{job=\"a\"}[5m]))\n  or\n",
            "  sum by (job) (rate({__name__=~\"vllm:(request_success|admission_rejections)_total\",job=\"v\"}[5m]))\n)"
        );
        assert_eq!(got, expect);
    }

    #[test]
    fn constants_become_labels_where_they_are_asked_for() {
        let mut one = part("vllm", "v");
        one.constants.push(("error_class", "timeout".to_owned()));
        let got = join(&[one], Aggregate::Sum, FIVE_MINUTES, &["error_class"]);
        assert!(got.starts_with("label_replace(sum(rate("), "{got}");
        assert!(got.ends_with(", \"error_class\", \"timeout\", \"\", \"\")"), "{got}");
    }
}
