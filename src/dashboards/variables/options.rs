//! What can be chosen: options of custom variables, and those that a query asks the data for.
//!
//! Source: <https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/>.

use std::{cmp::Ordering, collections::BTreeSet};

use super::{Context, VariableKind, VariableOption};
use crate::{
    dashboards::{
        model::{Sort, Variable},
        query::{Source, Steps, labelled},
        time_range::TimeRange,
    },
    promql::{
        eval::{self, Answer},
        syntax::{self, ExprKind},
    },
    series::{METRIC_NAME, MatchOp, Matcher, TimeSpan, is_stale, unanchored},
};

/// The most options that a variable has.
const MOST_OPTIONS: usize = 1000;

/// A query of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionsQuery<'a> {
    LabelNames {
        selector: Option<&'a str>,
    },
    LabelValues {
        selector: Option<&'a str>,
        label: &'a str,
    },
    /// Names of metrics that match a pattern.
    Metrics {
        pattern: &'a str,
    },
    /// Series of an instant vector, as texts.
    Result {
        expr: &'a str,
    },
    /// Series of a selector, as texts.
    Series {
        selector: &'a str,
    },
}

impl<'a> OptionsQuery<'a> {
    /// Takes a query apart, as `label_values(metric, label)`.
    pub fn parse(query: &'a str) -> Self {
        let query = query.trim();
        let inner = |name: &str| {
            let rest = query.strip_prefix(name)?.trim_start().strip_prefix('(')?.strip_suffix(')')?;
            Some(rest.trim())
        };
        if let Some(inner) = inner("label_names") {
            return Self::LabelNames { selector: (!inner.is_empty()).then_some(inner) };
        }
        if let Some(inner) = inner("label_values") {
            // The label stands last, behind the last comma.
            return match inner.rsplit_once(',') {
                Some((selector, label)) => {
                    Self::LabelValues { selector: Some(selector.trim()), label: label.trim() }
                }
                None => Self::LabelValues { selector: None, label: inner },
            };
        }
        if let Some(pattern) = inner("metrics") {
            return Self::Metrics { pattern };
        }
        if let Some(expr) = inner("query_result") {
            return Self::Result { expr };
        }
        Self::Series { selector: query }
    }
}

/// Options of a variable; those before it are chosen already. An error is for people to read.
pub fn options_of(
    variable: &Variable,
    context: &Context<'_>,
    source: &Source<'_>,
) -> Result<Vec<VariableOption>, String> {
    let found = match &variable.kind {
        VariableKind::Custom(options) | VariableKind::Interval(options) => return Ok(options.clone()),
        VariableKind::Constant(value) => return Ok(vec![same(value)]),
        VariableKind::Datasource | VariableKind::TextBox | VariableKind::Other(_) => return Ok(Vec::new()),
        VariableKind::Query(query) => {
            let steps = Steps::new(context.range, 100, None, source.scrape_interval);
            let query = context.with_steps(steps).expression(query);
            ask(OptionsQuery::parse(&query), context.range, source)?
        }
    };
    let mut options = match &variable.regex {
        Some(regex) => parts(&found, &context.expression(regex))?,
        None => found.iter().map(|text| same(text)).collect(),
    };
    sort(&mut options, variable.sort);
    options.truncate(MOST_OPTIONS);
    Ok(options)
}

fn same(text: &str) -> VariableOption {
    VariableOption { text: text.to_owned(), value: text.to_owned() }
}

/// Texts, each once, in the order of their finding or sorted.
fn ask(query: OptionsQuery<'_>, range: TimeRange, source: &Source<'_>) -> Result<Vec<String>, String> {
    let select = |selector: Option<&str>, label: Option<&str>| {
        let mut matchers = selector.map(matchers).transpose()?.unwrap_or_default();
        if let Some(label) = label {
            // Only series that carry the label.
            matchers.push(Matcher::new(label, MatchOp::NotEqual, "").map_err(|error| error.to_string())?);
        }
        let span = TimeSpan { from: range.from, to: range.to };
        source.data.select(&matchers, span).map_err(|error| error.to_string())
    };
    Ok(match query {
        OptionsQuery::LabelNames { selector } => {
            let mut names: BTreeSet<String> = BTreeSet::new();
            for series in select(selector, None)? {
                names.extend(series.labels.iter().map(|(name, _)| name.to_owned()));
            }
            names.into_iter().collect()
        }
        OptionsQuery::LabelValues { selector, label } => {
            let values: BTreeSet<String> = select(selector, Some(label))?
                .filter_map(|series| series.labels.get(label).map(str::to_owned))
                .collect();
            values.into_iter().collect()
        }
        OptionsQuery::Metrics { pattern } => {
            let pattern = unanchored(pattern).map_err(|error| error.to_string())?;
            let names: BTreeSet<String> = select(None, Some(METRIC_NAME))?
                .filter_map(|series| series.labels.get(METRIC_NAME).map(str::to_owned))
                .filter(|name| pattern.is_match(name))
                .collect();
            names.into_iter().collect()
        }
        OptionsQuery::Series { selector } => {
            select(Some(selector), None)?.map(|series| labelled(&series.labels)).collect()
        }
        OptionsQuery::Result { expr } => result(expr, range, source)?,
    })
}

/// `name{labels} value timestamp`, as Grafana writes the series of `query_result`.
fn result(expr: &str, range: TimeRange, source: &Source<'_>) -> Result<Vec<String>, String> {
    let tree = syntax::parse(expr, &syntax::Options::default()).map_err(|errors| errors.first())?;
    let evaluated = eval::instant(&tree, source.data, range.to, &source.options);
    match evaluated.map_err(|error| error.to_string())?.answer {
        Answer::Vector(block) => Ok(block
            .rows()
            .filter_map(|(labels, row)| row.first().map(|value| (labels, *value)))
            .filter(|(_, value)| !is_stale(*value))
            .map(|(labels, value)| format!("{} {value} {}", labelled(labels), range.to.0))
            .collect()),
        Answer::Scalar(values) => Ok(values.iter().map(ToString::to_string).collect()),
        Answer::String(text) => Ok(vec![text]),
        Answer::Range(_) => Err("a range vector has no options".to_owned()),
    }
}

/// The matchers of a selector.
fn matchers(selector: &str) -> Result<Vec<Matcher>, String> {
    let tree = syntax::parse(selector, &syntax::Options::default()).map_err(|errors| errors.first())?;
    let ExprKind::Selector(selector) = &tree.unparenthesised().kind else {
        return Err("it is no selector of series".to_owned());
    };
    let name = selector.name.iter().map(|name| Ok(Matcher::equal(METRIC_NAME, name.node.as_str())));
    let written = selector.matchers.iter().map(|matcher| {
        Matcher::new(matcher.name.node.as_str(), matcher.op.node, matcher.value.node.as_str())
            .map_err(|error| error.to_string())
    });
    name.chain(written).collect()
}

/// What a pattern keeps of the texts: its groups `text` and `value`, else its first group, else the whole match.
fn parts(found: &[String], regex: &str) -> Result<Vec<VariableOption>, String> {
    let pattern = unanchored(&plain_pattern(regex)).map_err(|error| error.to_string())?;
    let mut options: Vec<VariableOption> = Vec::new();
    let mut seen = BTreeSet::new();
    for text in found {
        let Some(captures) = pattern.captures(text) else { continue };
        let named = |name: &str| captures.name(name).map(|part| part.as_str());
        let first = captures.get(1).or_else(|| captures.get(0)).map_or("", |part| part.as_str());
        let value = named("value").or_else(|| named("text")).unwrap_or(first);
        let shown = named("text").or_else(|| named("value")).unwrap_or(first);
        if !value.is_empty() && seen.insert(value.to_owned()) {
            options.push(VariableOption { text: shown.to_owned(), value: value.to_owned() });
        }
    }
    Ok(options)
}

/// `/pattern/i` as a pattern with its flags in front; other texts as they are.
fn plain_pattern(regex: &str) -> String {
    let inner = regex.strip_prefix('/').and_then(|rest| rest.rsplit_once('/'));
    match inner {
        Some((pattern, flags)) if flags.contains('i') => format!("(?i){pattern}"),
        Some((pattern, _)) => pattern.to_owned(),
        None => regex.to_owned(),
    }
}

fn sort(options: &mut [VariableOption], sort: Sort) {
    let oriented = |order: Ordering, descending: bool| if descending { order.reverse() } else { order };
    match sort {
        Sort::AsFound => {}
        Sort::Alphabetical { descending, ignore_case: false } => {
            options.sort_by(|a, b| oriented(a.text.cmp(&b.text), descending));
        }
        Sort::Alphabetical { descending, ignore_case: true } => {
            options.sort_by(|a, b| oriented(a.text.to_lowercase().cmp(&b.text.to_lowercase()), descending));
        }
        Sort::Numerical { descending } => {
            options.sort_by(|a, b| {
                oriented(first_number(&a.text).total_cmp(&first_number(&b.text)), descending)
            });
        }
    }
}

/// The first number in a text; -1 where there is none, as in Grafana.
fn first_number(text: &str) -> f64 {
    let Some(start) = text.find(|c: char| c.is_ascii_digit()) else { return -1.0 };
    let digits = &text[start..];
    let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
    digits[..end].trim_end_matches('.').parse().unwrap_or(-1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expect: OptionsQuery<'_>) {
        assert_eq!(OptionsQuery::parse(query), expect);
    }

    #[test]
    fn queries_are_taken_apart() {
        check("label_names()", OptionsQuery::LabelNames { selector: None });
        check("label_names({a=\"b\"})", OptionsQuery::LabelNames { selector: Some("{a=\"b\"}") });
        check("label_values(model)", OptionsQuery::LabelValues { selector: None, label: "model" });
        check(
            "label_values(up{job=~\"a,b\"}, instance)",
            OptionsQuery::LabelValues { selector: Some("up{job=~\"a,b\"}"), label: "instance" },
        );
        check("metrics(llm.*)", OptionsQuery::Metrics { pattern: "llm.*" });
        check("query_result(sum(up))", OptionsQuery::Result { expr: "sum(up)" });
        check("up{job=\"x\"}", OptionsQuery::Series { selector: "up{job=\"x\"}" });
        check("", OptionsQuery::Series { selector: "" });
    }

    #[test]
    fn patterns_keep_a_part() {
        let found = ["up{host=\"b10\"}".to_owned(), "up{host=\"b9\"}".to_owned(), "x".to_owned()];
        let texts = |regex: &str, by: Sort| {
            let mut options = parts(&found, regex).unwrap();
            sort(&mut options, by);
            options.into_iter().map(|option| option.value).collect::<Vec<_>>()
        };
        assert_eq!(texts("/host=\"(.*?)\"/", Sort::AsFound), ["b10", "b9"]);
        assert_eq!(texts("/HOST=\"(?<value>[^\"]*)/i", Sort::Numerical { descending: false }), ["b9", "b10"]);
        assert_eq!(texts("x", Sort::AsFound), ["x"]);
        assert!(parts(&found, "/(/").is_err());
    }
}
