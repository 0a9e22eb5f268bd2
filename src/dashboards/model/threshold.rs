//! What a value means: thresholds that colour it, mappings that name it.

use serde_json::Value;

use super::json;

/// Steps in ascending order; the first one's value is negative infinity.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Thresholds {
    pub steps: Vec<ThresholdStep>,
    /// Steps are percentages of the range from min to max.
    pub percentage: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdStep {
    pub value: f64,
    pub color: String,
}

/// What is shown in place of a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    pub matches: MappingMatch,
    pub text: Option<String>,
    pub color: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum MappingMatch {
    Value(String),
    Range {
        from: f64,
        to: f64,
    },
    /// A pattern, as `regex` reads it.
    Pattern(String),
    Special(Special),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Special {
    Null,
    NaN,
    NullAndNaN,
    True,
    False,
    Empty,
}

pub(super) fn thresholds(value: &Value) -> Thresholds {
    let step = |(index, step): (usize, &Value)| {
        // The first step has no value; later ones without one are of no use.
        let value = match json::number(&step["value"]) {
            Some(number) => number,
            None if index == 0 => f64::NEG_INFINITY,
            None => return None,
        };
        Some(ThresholdStep { value, color: step["color"].as_str().unwrap_or("gray").to_owned() })
    };
    let mut steps: Vec<_> = json::list(value, "steps").iter().enumerate().filter_map(step).collect();
    steps.sort_by(|a, b| a.value.total_cmp(&b.value));
    Thresholds { steps, percentage: value["mode"].as_str() == Some("percentage") }
}

pub(super) fn mappings(value: &Value) -> Vec<Mapping> {
    let mut found = Vec::new();
    for mapping in value.as_array().into_iter().flatten() {
        let options = &mapping["options"];
        let one = |matches, result: &Value| Mapping {
            matches,
            text: result["text"].as_str().map(str::to_owned),
            color: json::text(result, "color"),
        };
        match mapping["type"].as_str() {
            Some("value") => {
                for (value, result) in options.as_object().into_iter().flatten() {
                    found.push(one(MappingMatch::Value(value.clone()), result));
                }
            }
            Some("range") => {
                let from = json::number(&options["from"]).unwrap_or(f64::NEG_INFINITY);
                let to = json::number(&options["to"]).unwrap_or(f64::INFINITY);
                found.push(one(MappingMatch::Range { from, to }, &options["result"]));
            }
            Some("regex") => {
                let pattern = options["pattern"].as_str().unwrap_or_default().to_owned();
                found.push(one(MappingMatch::Pattern(pattern), &options["result"]));
            }
            Some("special") => {
                let special = match options["match"].as_str() {
                    Some("null") => Special::Null,
                    Some("nan") => Special::NaN,
                    Some("null+nan") => Special::NullAndNaN,
                    Some("true") => Special::True,
                    Some("false") => Special::False,
                    Some("empty") => Special::Empty,
                    _ => continue,
                };
                found.push(one(MappingMatch::Special(special), &options["result"]));
            }
            _ => {}
        }
    }
    found
}
