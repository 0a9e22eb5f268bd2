//! What an expression evaluates to, on whichever side.

use anyhow::{Context as _, bail};
use llmobs::series::Labels;
use serde_json::Value as Json;

/// A value with what was remarked on the way to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) value: Value,
    pub(crate) warnings: Vec<String>,
    pub(crate) infos: Vec<String>,
}

pub(crate) type Outcome = Result<Answer, Failure>;

/// Milliseconds and a number.
pub(crate) type Point = (i64, f64);

/// A series of an answer; exactly one point in a vector.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) labels: Labels,
    pub(crate) points: Vec<Point>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Scalar(Point),
    String(String),
    Vector(Vec<Row>),
    Matrix(Vec<Row>),
}

/// Why there is no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) class: Class,
    pub(crate) text: String,
}

/// Prometheus' `errorType`, as far as an evaluation can cause it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    BadData,
    Execution,
    Timeout,
    Cancelled,
    Internal,
    /// Of our side alone: it did not return.
    Panic,
}

impl Class {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BadData => "bad_data",
            Self::Execution => "execution",
            Self::Timeout => "timeout",
            Self::Cancelled => "canceled",
            Self::Internal => "internal",
            Self::Panic => "panic",
        }
    }
}

impl Value {
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Scalar(_) => "scalar",
            Self::String(_) => "string",
            Self::Vector(_) => "vector",
            Self::Matrix(_) => "matrix",
        }
    }

    /// How many series it has; a scalar and a string are one.
    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::Scalar(_) | Self::String(_) => 1,
            Self::Vector(rows) | Self::Matrix(rows) => rows.len(),
        }
    }

    /// How many samples it has.
    pub(crate) fn points(&self) -> usize {
        match self {
            Self::Scalar(_) | Self::String(_) => 1,
            Self::Vector(rows) | Self::Matrix(rows) => rows.iter().map(|row| row.points.len()).sum(),
        }
    }
}

/// An answer of Prometheus' HTTP API.
pub(super) fn parse(body: &[u8]) -> anyhow::Result<Outcome> {
    let json: Json = serde_json::from_slice(body).context("the answer is no JSON")?;
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    if json["status"] != "success" {
        let class = match json["errorType"].as_str() {
            Some("bad_data") => Class::BadData,
            Some("execution") => Class::Execution,
            Some("timeout") => Class::Timeout,
            Some("canceled") => Class::Cancelled,
            Some("internal") => Class::Internal,
            other => bail!("an unknown class of error: {other:?}: {json}"),
        };
        return Ok(Err(Failure { class, text: text(&json["error"]) }));
    }
    let result = &json["data"]["result"];
    let value = match json["data"]["resultType"].as_str() {
        Some("scalar") => Value::Scalar(point(result)?),
        Some("string") => Value::String(text(&result[1])),
        Some("vector") => Value::Vector(rows(result, |row| Ok(vec![point(&row["value"])?]))?),
        Some("matrix") => Value::Matrix(rows(result, |row| {
            row["values"].as_array().context("no points")?.iter().map(point).collect()
        })?),
        other => bail!("an unknown type of result: {other:?}"),
    };
    let list = |json: &Json| json.as_array().into_iter().flatten().map(text).collect();
    Ok(Ok(Answer { value, warnings: list(&json["warnings"]), infos: list(&json["infos"]) }))
}

fn rows(result: &Json, points: impl Fn(&Json) -> anyhow::Result<Vec<Point>>) -> anyhow::Result<Vec<Row>> {
    let row = |row: &Json| {
        let labels = row["metric"].as_object().context("no labels")?;
        let labels = labels.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()));
        Ok(Row { labels: labels.collect(), points: points(row)? })
    };
    result.as_array().context("no list of series")?.iter().map(row).collect()
}

fn point(json: &Json) -> anyhow::Result<Point> {
    let seconds = json[0].as_f64().context("no time")?;
    let value = json[1].as_str().and_then(parse_number).context("no number")?;
    #[expect(clippy::cast_possible_truncation, reason = "times of the tests are small")]
    Ok(((seconds * 1000.0).round() as i64, value))
}

/// A number as Prometheus writes it.
pub(crate) fn parse_number(text: &str) -> Option<f64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_written() {
        let bits = |text| parse_number(text).map(f64::to_bits);
        assert_eq!(bits("+Inf"), Some(f64::INFINITY.to_bits()));
        assert_eq!(bits("-Inf"), Some(f64::NEG_INFINITY.to_bits()));
        assert_eq!(bits("-0"), Some((-0.0_f64).to_bits()));
        assert!(parse_number("NaN").is_some_and(f64::is_nan));
    }

    #[test]
    fn answers_are_read() {
        let vector = br#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{"__name__":"a","b":"c"},"value":[1.5,"2"]}]},"infos":["i"]}"#;
        let labels: Labels = [("__name__", "a"), ("b", "c")].into_iter().collect();
        let expect = Answer {
            value: Value::Vector(vec![Row { labels, points: vec![(1500, 2.0)] }]),
            warnings: Vec::new(),
            infos: vec!["i".to_owned()],
        };
        assert_eq!(parse(vector).unwrap(), Ok(expect));
        let failure = br#"{"status":"error","errorType":"bad_data","error":"no"}"#;
        assert_eq!(parse(failure).unwrap(), Err(Failure { class: Class::BadData, text: "no".to_owned() }));
    }
}
