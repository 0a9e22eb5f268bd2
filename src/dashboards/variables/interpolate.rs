//! `$name`, `${name}`, `${name:format}` and `[[name]]` replaced by what they stand for.

use super::{
    Chosen,
    escape::{literal, pattern, regex},
};
use crate::dashboards::{query::Steps, time_range::TimeRange};
use crate::text::percent_encoded;

/// What a text may speak of.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub variables: &'a [Chosen],
    pub range: TimeRange,
    /// The times as they were asked for, as `now-1h`.
    pub raw: (&'a str, &'a str),
    /// Of the query at hand.
    pub steps: Option<Steps>,
    pub dashboard: (&'a str, &'a str),
    /// The row of a table that a link stands in: field names and texts, the value by itself last.
    pub row: Option<Scope<'a>>,
}

/// Where a data link stands.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Names of fields with their texts.
    pub fields: &'a [(String, String)],
    pub name: &'a str,
    pub value: &'a str,
}

/// What a text is for, which says how values without a format are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Expression,
    Title,
    Address,
}

impl<'a> Context<'a> {
    pub fn new(variables: &'a [Chosen], range: TimeRange, raw: (&'a str, &'a str)) -> Self {
        Self { variables, range, raw, steps: None, dashboard: ("", ""), row: None }
    }

    #[must_use]
    pub fn with_steps(self, steps: Steps) -> Self {
        Self { steps: Some(steps), ..self }
    }

    #[must_use]
    pub fn with_row(self, row: Scope<'a>) -> Self {
        Self { row: Some(row), ..self }
    }

    /// In `PromQL`.
    pub fn expression(&self, text: &str) -> String {
        self.replace(text, Purpose::Expression)
    }

    /// In a text for people.
    pub fn title(&self, text: &str) -> String {
        self.replace(text, Purpose::Title)
    }

    /// In the address of a link; values are percent-encoded where they ask for it.
    pub fn address(&self, text: &str) -> String {
        self.replace(text, Purpose::Address)
    }

    fn replace(&self, text: &str, purpose: Purpose) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(['$', '[']) {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some((name, format, length)) = reference(rest) {
                match self.value(name, format, purpose) {
                    Some(value) => out.push_str(&value),
                    None => out.push_str(&rest[..length]),
                }
                rest = &rest[length..];
            } else {
                out.push_str(&rest[..1]);
                rest = &rest[1..];
            }
        }
        out.push_str(rest);
        out
    }

    fn value(&self, name: &str, format: Option<&str>, purpose: Purpose) -> Option<String> {
        if let Some(built_in) = self.built_in(name, format) {
            return Some(built_in);
        }
        let chosen = self.variables.iter().find(|chosen| chosen.variable.name == name)?;
        let default = if purpose == Purpose::Title { "text" } else { "" };
        Some(written(chosen, format.unwrap_or(default)))
    }

    fn built_in(&self, name: &str, format: Option<&str>) -> Option<String> {
        let seconds = |millis: i64| format!("{}s", millis.max(1000) / 1000);
        let encoded = |text: &str| {
            if format == Some("percentencode") { percent_encoded(text, b"") } else { text.to_owned() }
        };
        let steps = self.steps;
        Some(match name {
            "__interval" => duration(steps?.interval),
            "__interval_ms" => steps?.interval.to_string(),
            "__rate_interval" => duration(steps?.rate_interval),
            "__rate_interval_ms" => steps?.rate_interval.to_string(),
            "__range" => seconds(self.range.millis()),
            "__range_s" => (self.range.millis() / 1000).max(1).to_string(),
            "__range_ms" => self.range.millis().to_string(),
            "__from" => time(self.range.from, format),
            "__to" => time(self.range.to, format),
            "__url_time_range" => {
                format!("from={}&to={}", percent_encoded(self.raw.0, b""), percent_encoded(self.raw.1, b""))
            }
            "__all_variables" => self.variables.iter().map(query_param).collect::<Vec<_>>().join("&"),
            "__dashboard" => self.dashboard.1.to_owned(),
            "__dashboard.uid" => self.dashboard.0.to_owned(),
            "__field.name" | "__series.name" => encoded(self.row?.name),
            "__value.raw" | "__value.text" | "__value.numeric" => encoded(self.row?.value),
            _ => {
                let row = self.row?;
                let field = name.strip_prefix("__data.fields")?;
                let field = field
                    .strip_prefix('.')
                    .or_else(|| field.strip_prefix("[\"")?.strip_suffix("\"]"))
                    .or_else(|| field.strip_prefix("['")?.strip_suffix("']"))?;
                let (_, text) = row.fields.iter().find(|(known, _)| known == field)?;
                encoded(text)
            }
        })
    }
}

/// A duration as Grafana's intervals are written: `15s`, `1m`, `250ms`.
fn duration(millis: i64) -> String {
    match millis.max(1) {
        millis if millis % 86_400_000 == 0 => format!("{}d", millis / 86_400_000),
        millis if millis % 3_600_000 == 0 => format!("{}h", millis / 3_600_000),
        millis if millis % 60_000 == 0 => format!("{}m", millis / 60_000),
        millis if millis % 1000 == 0 => format!("{}s", millis / 1000),
        millis => format!("{millis}ms"),
    }
}

fn time(at: crate::time::Timestamp, format: Option<&str>) -> String {
    match format {
        Some("date" | "date:iso") => at.to_string(),
        Some("date:seconds") => (at.0 / 1000).to_string(),
        _ => at.0.to_string(),
    }
}

fn query_param(chosen: &Chosen) -> String {
    let name = percent_encoded(&chosen.variable.name, b"");
    let one = |value: &String| {
        format!("var-{name}={}", percent_encoded(if chosen.is_all() { "$__all" } else { value }, b""))
    };
    chosen.values.iter().map(one).collect::<Vec<_>>().join("&")
}

/// A choice in a format; without one, as a Prometheus query has it.
fn written(chosen: &Chosen, format: &str) -> String {
    let variable = &chosen.variable;
    if format == "queryparam" {
        return query_param(chosen);
    }
    if format == "text" {
        return chosen.text();
    }
    if let (true, Some(all)) = (chosen.is_all(), &variable.all_value) {
        return if format == "percentencode" { percent_encoded(all, b"") } else { all.clone() };
    }
    let values = chosen.expanded();
    let joined = |separator: &str, write: fn(&str) -> String| {
        values.iter().map(|value| write(value)).collect::<Vec<_>>().join(separator)
    };
    let group = |write: fn(&str) -> String| {
        let joined = joined("|", write);
        if values.len() == 1 { joined } else { format!("({joined})") }
    };
    let json = |value: &str| serde_json::Value::from(value).to_string();
    match format {
        "pipe" => joined("|", str::to_owned),
        "regex" => group(regex),
        "glob" if values.len() > 1 => format!("{{{}}}", joined(",", str::to_owned)),
        "raw" | "csv" | "glob" => joined(",", str::to_owned),
        "json" => format!("[{}]", joined(",", json)),
        "doublequote" => joined(",", |value| format!("\"{}\"", value.replace('"', "\\\""))),
        "singlequote" => joined(",", |value| format!("'{}'", value.replace('\'', "\\'"))),
        "percentencode" => percent_encoded(
            &if values.len() == 1 {
                joined(",", str::to_owned)
            } else {
                format!("{{{}}}", joined(",", str::to_owned))
            },
            b"",
        ),
        _ if variable.multi || variable.include_all => group(pattern),
        _ => joined(",", literal),
    }
}

/// A reference at the begin of a text: its name, its format and its length.
fn reference(text: &str) -> Option<(&str, Option<&str>, usize)> {
    let braced = |inner: &'_ str| inner.is_empty();
    if let Some(inner) = text.strip_prefix("${") {
        let end = inner.find('}')?;
        let (name, format) = split_format(&inner[..end]);
        return (!braced(name)).then_some((name, format, end + 3));
    }
    if let Some(inner) = text.strip_prefix("[[") {
        let end = inner.find("]]")?;
        let (name, format) = split_format(&inner[..end]);
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        return is_name.then_some((name, format, end + 4));
    }
    let inner = text.strip_prefix('$')?;
    let length = inner.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    (length > 0).then_some((&inner[..length], None, length + 1))
}

fn split_format(inner: &str) -> (&str, Option<&str>) {
    inner.split_once(':').map_or((inner, None), |(name, format)| (name, Some(format)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dashboards::model::{ALL, Dashboard, VariableOption},
        time::Timestamp,
    };

    fn chosen(json: &str, options: &[&str], values: &[&str]) -> Chosen {
        let text = format!(r#"{{"templating": {{"list": [{json}]}}}}"#);
        let variable = Dashboard::parse(&text).unwrap().variables.remove(0);
        let option = |value: &&str| VariableOption { text: (*value).to_owned(), value: (*value).to_owned() };
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        Chosen::new(&variable, options.iter().map(option).collect(), &values, None)
    }

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let multi = r#""type": "query", "multi": true, "includeAll": true"#;
        let variables = [
            chosen(r#"{"name": "job", "type": "custom", "query": "a.b"}"#, &["a.b"], &[]),
            chosen(&format!(r#"{{"name": "one", {multi}}}"#), &["a.b", "c"], &["a.b"]),
            chosen(&format!(r#"{{"name": "two", {multi}}}"#), &["a.b", "c|d", "e"], &["a.b", "c|d"]),
            chosen(&format!(r#"{{"name": "all", {multi}}}"#), &["x", "y/z"], &[ALL]),
            chosen(&format!(r#"{{"name": "any", "allValue": ".*", {multi}}}"#), &["x"], &["All"]),
            chosen(r#"{"name": "odd", "type": "textbox"}"#, &[], &["a\"b\\c'd"]),
        ];
        let range = TimeRange { from: Timestamp(0), to: Timestamp(3_600_000) };
        let steps = Steps { interval: 15_000, rate_interval: 60_000 };
        let context = Context::new(&variables, range, ("now-1h", "now")).with_steps(steps);
        assert_eq!(context.expression(text), expect);
    }

    #[test]
    fn values_are_written_as_grafana_writes_them_for_prometheus() {
        check("$job", "a.b");
        check("$one", r"a\\.b");
        check("$two", r"(a\\.b|c\\|d)");
        check("$all", "(x|y/z)");
        check("$any", ".*");
        check("$odd", r#"a\"b\\c\\'d"#);
        check("${two:regex}", r"(a\.b|c\|d)");
        check("${all:regex}", r"(x|y\/z)");
        check("${two:csv} ${two:pipe} ${two:glob}", "a.b,c|d a.b|c|d {a.b,c|d}");
        check("${two:json}", r#"["a.b","c|d"]"#);
        check("${two:queryparam}&${all:queryparam}", "var-two=a.b&var-two=c%7Cd&var-all=%24__all");
        check("${odd:percentencode}", "a%22b%5Cc%27d");
        check("[[one]] [[one:raw]]", r"a\\.b a.b");
        check("${any:text} ${two:text}", "All a.b + c|d");
    }

    #[test]
    fn what_is_no_reference_stays() {
        check("", "");
        check("$", "$");
        check("a$$job", "a$a.b");
        check("$nothing ${nothing:csv} ${", "$nothing ${nothing:csv} ${");
        check("x[5m] [[1m:10s]]", "x[5m] [[1m:10s]]");
        check("$jobs ${job}s", "$jobs a.bs");
        check("é$jobé", "éa.bé");
        check("${}", "${}");
    }

    #[test]
    fn times_are_known() {
        check("[$__interval] [$__rate_interval] [$__range]", "[15s] [1m] [3600s]");
        check("${__from}-$__to ${__from:date:iso}", "0-3600000 1970-01-01T00:00:00Z");
        check("?${__url_time_range}", "?from=now-1h&to=now");
    }
}
