//! An answer read from JSON.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use super::{Answer, Data, Series};
use crate::time::Timestamp;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The server's own words.
    #[error("{message}")]
    Refused {
        /// `bad_data`, `execution`, `timeout`, …
        kind: String,
        message: String,
    },
    #[error("{0}")]
    Unreadable(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    status: String,
    data: Option<Found>,
    #[serde(default)]
    error_type: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    infos: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    result_type: String,
    result: Vec<Item>,
}

/// A part of `result`: of a list of series, or of a pair.
enum Item {
    Series(Entry),
    Number(f64),
    Text(String),
}

#[derive(Deserialize)]
struct Entry {
    metric: BTreeMap<String, String>,
    value: Option<Point>,
    #[serde(default)]
    values: Vec<Point>,
    histogram: Option<de::IgnoredAny>,
    #[serde(default)]
    histograms: Vec<de::IgnoredAny>,
}

struct Point(Timestamp, f64);

/// Reads what `/api/v1/query` or `/api/v1/query_range` sent, a refusal included.
pub fn from_json(body: &[u8]) -> Result<Answer, AnswerError> {
    let unreadable = |what: &str| AnswerError::Unreadable(what.to_owned());
    let body: Body =
        serde_json::from_slice(body).map_err(|error| AnswerError::Unreadable(error.to_string()))?;
    if body.status != "success" {
        return Err(AnswerError::Refused { kind: body.error_type, message: body.error });
    }
    let Found { result_type, result } = body.data.ok_or_else(|| unreadable("there is no `data`"))?;
    let data = match result_type.as_str() {
        "scalar" => {
            let (at, text) = pair(result)?;
            Data::Scalar(at, text.parse().map_err(|_| unreadable("a scalar is no number"))?)
        }
        "string" => {
            let (at, text) = pair(result)?;
            Data::String(at, text)
        }
        "vector" => Data::Vector(series(result)?),
        "matrix" => Data::Matrix(series(result)?),
        other => return Err(AnswerError::Unreadable(format!("there is no result type `{other}`"))),
    };
    Ok(Answer { data, warnings: body.warnings, infos: body.infos })
}

fn pair(items: Vec<Item>) -> Result<(Timestamp, String), AnswerError> {
    match <[Item; 2]>::try_from(items) {
        Ok([Item::Number(at), Item::Text(text)]) => Ok((millis(at), text)),
        _ => Err(AnswerError::Unreadable("a single value is not `[time, \"value\"]`".to_owned())),
    }
}

fn series(items: Vec<Item>) -> Result<Vec<Series>, AnswerError> {
    let one = |item: Item| match item {
        Item::Series(entry) => Ok(Series {
            labels: entry.metric.into_iter().collect(),
            samples: entry.value.into_iter().chain(entry.values).map(|point| (point.0, point.1)).collect(),
            histograms: entry.histograms.len() + usize::from(entry.histogram.is_some()),
        }),
        Item::Number(_) | Item::Text(_) => Err(AnswerError::Unreadable("a series is no object".to_owned())),
    };
    items.into_iter().map(one).collect()
}

/// Rounded, since seconds as a float miss most milliseconds by a little.
#[expect(clippy::cast_possible_truncation, reason = "saturates, far beyond any time that is asked for")]
fn millis(seconds: f64) -> Timestamp {
    Timestamp((seconds * 1000.0).round() as i64)
}

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pair;
        impl<'de> Visitor<'de> for Pair {
            type Value = Point;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`[time, \"value\"]`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<Point, A::Error> {
                let missing = || de::Error::custom("a sample is not `[time, \"value\"]`");
                let at: f64 = pair.next_element()?.ok_or_else(missing)?;
                let Text(value) = pair.next_element()?.ok_or_else(missing)?;
                Ok(Point(millis(at), value))
            }
        }
        deserializer.deserialize_seq(Pair)
    }
}

/// A number in quotes.
struct Text(f64);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Quoted;
        impl Visitor<'_> for Quoted {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number in quotes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                text.parse().map(Text).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Quoted)
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Item;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a series, a time or a text")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Item, A::Error> {
                Entry::deserialize(MapAccessDeserializer::new(map)).map(Item::Series)
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Item, E> {
                Ok(Item::Number(value))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Item, E> {
                Ok(Item::Number(value as f64))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Item, E> {
                Ok(Item::Number(value as f64))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Item, E> {
                Ok(Item::Text(text.to_owned()))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::answer::to_json;

    /// What is read, written again; or why it cannot be read.
    #[track_caller]
    fn check(data: &str, expect: Result<&str, &str>) {
        let body = |data: &str| format!(r#"{{"status":"success","data":{data}}}"#);
        let got = from_json(body(data).as_bytes()).map(|answer| to_json(&answer));
        assert_eq!(got.map_err(|error| error.to_string()), expect.map(body).map_err(str::to_owned));
    }

    #[test]
    fn what_prometheus_writes_reads_back() {
        for data in [
            r#"{"resultType":"scalar","result":[1795477826.5,"1"]}"#,
            r#"{"resultType":"string","result":[-1,"a \"b\" é"]}"#,
            r#"{"resultType":"vector","result":[]}"#,
            r#"{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1795477826.123,"+Inf"]}]}"#,
            r#"{"resultType":"matrix","result":[{"metric":{},"values":[[1,"NaN"],[2.007,"-0"]]}]}"#,
        ] {
            check(data, Ok(data));
        }
        check(
            r#"{"result":[{"values":[[1,"2"]],"metric":{}}],"stats":{},"resultType":"matrix"}"#,
            Ok(r#"{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2"]]}]}"#),
        );
    }

    #[test]
    fn what_cannot_be_read() {
        check(r#"{"resultType":"tensor","result":[]}"#, Err("there is no result type `tensor`"));
        check(r#"{"resultType":"vector","result":[1]}"#, Err("a series is no object"));
        check(r#"{"resultType":"scalar","result":[1]}"#, Err("a single value is not `[time, \"value\"]`"));
        check(r#"{"resultType":"scalar","result":[1,"x"]}"#, Err("a scalar is no number"));
        assert!(matches!(from_json(b"<html>"), Err(AnswerError::Unreadable(_))));
        assert!(matches!(from_json(br#"{"status":"success"}"#), Err(AnswerError::Unreadable(_))));
        let bad = br#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"x"]}]}}"#;
        assert!(matches!(from_json(bad), Err(AnswerError::Unreadable(_))));
    }

    #[test]
    fn a_refusal_keeps_the_servers_words() {
        let body = br#"{"status":"error","errorType":"bad_data","error":"1:3: parse error"}"#;
        let refused =
            AnswerError::Refused { kind: "bad_data".to_owned(), message: "1:3: parse error".to_owned() };
        assert_eq!(from_json(body), Err(refused));
    }

    #[test]
    fn histograms_are_counted() {
        let body = br#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{},"values":[[1,"2"]],"histograms":[[1,{"count":"1","sum":"2"}],[2,{}]]}]}}"#;
        assert_eq!(from_json(body).unwrap().data.series()[0].histograms, 2);
    }
}
