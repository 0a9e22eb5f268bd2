//! Foreign JSON, read leniently: what is missing or of another kind is as if it were not there.

use serde_json::Value;

/// A text that is not empty.
pub(super) fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

pub(super) fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or(false)
}

pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A number, also one that was written as text.
pub(super) fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|number| number.is_finite())
}

/// A whole number within bounds; one outside them is put to the nearer end.
pub(super) fn whole(value: Option<&Value>, usual: u16, least: u16, most: u16) -> u16 {
    let Some(number) = value.and_then(number) else { return usual };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to u16's range")]
    let whole = number.round().clamp(f64::from(least), f64::from(most)) as u16;
    whole
}

/// Texts of a list, or a single one.
pub(super) fn texts(value: &Value) -> Vec<String> {
    let one = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    match value {
        Value::Array(all) => all.iter().filter_map(one).collect(),
        other => one(other).into_iter().collect(),
    }
}
