//! What the evaluator answers, straight to JSON.

use super::{
    escape::{Html, escape},
    json::{list, pair, push_instant},
    number::{number_text, push_number, push_plain_number},
};
use crate::{
    promql::eval::{Annotation, Answer, Block, Evaluated, Grid, Level, RangeSamples},
    series::{Labels, is_stale},
    time::Timestamp,
};

/// How many warnings and infos are told each.
const TOLD: usize = 10;

/// How an answer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown<'a> {
    /// The expression as it was asked; remarks name places in it.
    pub query: &'a str,
    /// Whether a range was asked for, and not an instant.
    pub is_range: bool,
    /// How many series are shown; 0 is all.
    pub limit: usize,
    /// JSON of `stats`, if it was asked for.
    pub stats: Option<&'a str>,
    /// Further warnings.
    pub warning: Option<&'a str>,
}

/// The answer of `query` and `query_range` as JSON on one line, byte for byte as Prometheus writes it.
pub fn evaluated_to_json(evaluated: &Evaluated, shown: &Shown<'_>) -> String {
    let Evaluated { answer, grid, annotations } = evaluated;
    let start = Timestamp(grid.start);
    let most = if shown.limit == 0 { usize::MAX } else { shown.limit };
    let mut out = String::with_capacity(size(answer));
    out.push_str(r#"{"status":"success","data":{"resultType":""#);
    out.push_str(type_name(answer, shown.is_range));
    out.push_str(r#"","result":"#);
    let mut series = 0;
    match answer {
        Answer::String(text) => pair(start, text, &mut out),
        Answer::Scalar(values) if shown.is_range => {
            series = 1;
            out.push('[');
            push_row(&Labels::default(), values, &instants(*grid), &mut out);
            out.push(']');
        }
        Answer::Scalar(values) => {
            let mut text = String::new();
            push_plain_number(values.first().copied().unwrap_or(f64::NAN), &mut text);
            pair(start, &text, &mut out);
        }
        Answer::Vector(block) => {
            series = block.len();
            push_block(block, *grid, shown.is_range, most, &mut out);
        }
        Answer::Range(all) => {
            series = all.len();
            list(&all[..series.min(most)], &mut out, push_range);
        }
    }
    if let Some(stats) = shown.stats {
        out.push_str(r#","stats":"#);
        out.push_str(stats);
    }
    out.push('}');
    let (mut warnings, infos) = remarks(annotations.iter(), shown.query);
    if series > most {
        warnings.push("results truncated due to limit".to_owned());
    }
    warnings.extend(shown.warning.map(str::to_owned));
    push_remarks(warnings, infos, &mut out);
    out.push('}');
    out
}

/// `warnings` and `infos`, each where there are any, after a field of an object that is not closed yet.
pub fn push_remarks(warnings: Vec<String>, infos: Vec<String>, out: &mut String) {
    for (key, name, mut texts) in [(r#","warnings":"#, "warning", warnings), (r#","infos":"#, "info", infos)]
    {
        if texts.is_empty() {
            continue;
        }
        if texts.len() > TOLD {
            let omitted = texts.len() - TOLD;
            texts.truncate(TOLD);
            texts.push(format!("{omitted} more {name} annotations omitted"));
        }
        out.push_str(key);
        list(&texts, out, |text, out| escape(text, Html::Escaped, out));
    }
}

fn remarks<'a>(annotations: impl Iterator<Item = &'a Annotation>, query: &str) -> (Vec<String>, Vec<String>) {
    let (warnings, infos): (Vec<_>, Vec<_>) =
        annotations.partition(|annotation| annotation.level == Level::Warning);
    let texts = |annotations: Vec<&Annotation>| annotations.iter().map(|one| one.text(query)).collect();
    (texts(warnings), texts(infos))
}

fn type_name(answer: &Answer, is_range: bool) -> &'static str {
    match answer {
        Answer::String(_) => "string",
        Answer::Scalar(_) | Answer::Vector(_) if is_range => "matrix",
        Answer::Scalar(_) => "scalar",
        Answer::Vector(_) => "vector",
        Answer::Range(_) => "matrix",
    }
}

/// Roughly how many bytes it will take.
fn size(answer: &Answer) -> usize {
    const SERIES: usize = 200;
    const SAMPLE: usize = 28;
    match answer {
        Answer::Vector(block) => block.values.len() * SAMPLE + block.len() * SERIES,
        Answer::Range(all) => all.iter().map(|series| series.values.len() * SAMPLE + SERIES).sum(),
        Answer::Scalar(values) => values.len() * SAMPLE + SERIES,
        Answer::String(text) => text.len() + SERIES,
    }
}

fn push_block(block: &Block, grid: Grid, is_range: bool, most: usize, out: &mut String) {
    let instants = instants(grid);
    out.push('[');
    for (index, (labels, row)) in block.rows().take(most).enumerate() {
        if index > 0 {
            out.push(',');
        }
        if is_range {
            push_row(labels, row, &instants, out);
        } else {
            push_metric(labels, out);
            out.push_str(r#","value":"#);
            let value = row.first().copied().unwrap_or(f64::NAN);
            out.push_str(instants.first().map_or("", String::as_str));
            push_number(value, out);
            out.push_str("\"]}");
        }
    }
    out.push(']');
}

/// The beginning of a sample at each instant: `[1795477826.500,"`.
fn instants(grid: Grid) -> Vec<String> {
    let text = |instant| {
        let mut text = String::from("[");
        push_instant(Timestamp(instant), &mut text);
        text.push_str(",\"");
        text
    };
    grid.instants().map(text).collect()
}

fn push_row(labels: &Labels, row: &[f64], instants: &[String], out: &mut String) {
    push_metric(labels, out);
    let mut is_first = true;
    // Neighbours are often equal.
    let mut last = (f64::NAN.to_bits(), number_text(f64::NAN));
    for (instant, value) in instants.iter().zip(row) {
        if is_stale(*value) {
            continue;
        }
        out.push_str(if std::mem::take(&mut is_first) { r#","values":["# } else { "," });
        out.push_str(instant);
        if last.0 == value.to_bits() {
            out.push_str(&last.1);
        } else {
            let start = out.len();
            push_number(*value, out);
            last.0 = value.to_bits();
            last.1.clear();
            last.1.push_str(&out[start..]);
        }
        out.push_str("\"]");
    }
    out.push_str(if is_first { "}" } else { "]}" });
}

fn push_range(series: &RangeSamples, out: &mut String) {
    push_metric(&series.labels, out);
    for (index, (at, value)) in series.times.iter().zip(&series.values).enumerate() {
        out.push_str(if index == 0 { r#","values":[["# } else { ",[" });
        push_instant(*at, out);
        out.push_str(",\"");
        push_number(*value, out);
        out.push_str("\"]");
    }
    out.push_str(if series.times.is_empty() { "}" } else { "]}" });
}

/// The labels, of an object that is not closed yet.
fn push_metric(labels: &Labels, out: &mut String) {
    out.push_str(r#"{"metric":{"#);
    for (index, (name, value)) in labels.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        escape(name, Html::AsItIs, out);
        out.push(':');
        escape(value, Html::AsItIs, out);
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        promql::{
            eval::{Options, instant, range},
            syntax,
        },
        series::Columns,
    };

    fn columns() -> Columns {
        let mut columns = Columns::new();
        for (name, values) in [("b", [1.0, 1.0, 2.5]), ("a", [0.5, f64::NAN, 1e21])] {
            let id = columns.series(&[("__name__", "m"), ("x", name)].into_iter().collect());
            for (index, value) in values.into_iter().enumerate() {
                columns.append(id, Timestamp(1_500 * i64::try_from(index).unwrap()), value).unwrap();
            }
        }
        columns
    }

    const PLAIN: Shown<'_> = Shown { query: "", is_range: false, limit: 0, stats: None, warning: None };

    #[track_caller]
    fn check(query: &str, shown: Shown<'_>, expect: &str) {
        let expr = syntax::parse(query, &syntax::Options::default()).unwrap();
        let options = Options::default();
        let columns = columns();
        let evaluated = if shown.is_range {
            range(&expr, &columns, Timestamp(0), Timestamp(3_000), 1_500, &options).unwrap()
        } else {
            instant(&expr, &columns, Timestamp(3_000), &options).unwrap()
        };
        let json = evaluated_to_json(&evaluated, &Shown { query, ..shown });
        let head = r#"{"status":"success","data":{"resultType":""#;
        assert_eq!(json.strip_prefix(head), Some(expect));
    }

    #[test]
    fn instants_are_written_as_prometheus_does() {
        check("1e-7", PLAIN, r#"scalar","result":[3,"0.0000001"]}}"#);
        check("\"<\"", PLAIN, r#"string","result":[3,"\u003c"]}}"#);
        check("m{x=\"n\"}", PLAIN, r#"vector","result":[]}}"#);
        check(
            "m{x=\"b\"}",
            PLAIN,
            r#"vector","result":[{"metric":{"__name__":"m","x":"b"},"value":[3,"2.5"]}]}}"#,
        );
        check(
            "m{x=\"a\"}[2s]",
            PLAIN,
            r#"matrix","result":[{"metric":{"__name__":"m","x":"a"},"values":[[1.500,"NaN"],[3,"1e+21"]]}]}}"#,
        );
        check(
            "sum by (x) (m)",
            Shown { limit: 1, stats: Some("{}"), warning: Some("w"), ..PLAIN },
            r#"vector","result":[{"metric":{"x":"b"},"value":[3,"2.5"]}],"stats":{}},"warnings":["results truncated due to limit","w"]}"#,
        );
    }

    #[test]
    fn ranges_are_written_as_prometheus_does() {
        let shown = Shown { is_range: true, ..PLAIN };
        check(
            "time()",
            shown,
            r#"matrix","result":[{"metric":{},"values":[[0,"0"],[1.500,"1.5"],[3,"3"]]}]}}"#,
        );
        check(
            "m",
            shown,
            r#"matrix","result":[{"metric":{"__name__":"m","x":"a"},"values":[[0,"0.5"],[1.500,"NaN"],[3,"1e+21"]]},{"metric":{"__name__":"m","x":"b"},"values":[[0,"1"],[1.500,"1"],[3,"2.5"]]}]}}"#,
        );
        check(
            "rate(m{x=\"b\"}[2s])",
            shown,
            r#"matrix","result":[{"metric":{"x":"b"},"values":[[1.500,"0"],[3,"1"]]}]},"infos":["PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"m\" (1:6)"]}"#,
        );
    }

    #[test]
    fn few_remarks_are_told() {
        let mut out = String::new();
        push_remarks(vec!["w".to_owned(); 12], Vec::new(), &mut out);
        assert!(out.ends_with(r#""w","2 more warning annotations omitted"]"#), "{out}");
    }
}
