//! Numbers and words for people, as Prometheus writes them.

use super::{execute::Failure, float, instant, value::Value};

/// A number, or a text that is one.
pub(super) fn to_float(value: &Value) -> Result<f64, Failure> {
    match value {
        Value::Float(value) => Ok(*value),
        Value::Int(value) => Ok(*value as f64),
        Value::String(text) => float::parse(text),
        other => Err(format!("can't convert {} to float", other.type_name())),
    }
}

fn short(value: f64) -> String {
    float::format(value, 'g', Some(4))
}

const SMALL: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];

/// Multiplied until it reaches 1, with the prefix of what it was multiplied by.
fn small(mut value: f64) -> (f64, &'static str) {
    let mut prefix = "";
    for next in SMALL {
        if value.abs() >= 1.0 {
            break;
        }
        prefix = next;
        value *= 1000.0;
    }
    (value, prefix)
}

fn large(mut value: f64, base: f64, prefixes: [&'static str; 8]) -> (f64, &'static str) {
    let mut prefix = "";
    for next in prefixes {
        if value.abs() < base {
            break;
        }
        prefix = next;
        value /= base;
    }
    (value, prefix)
}

pub(super) fn humanize(value: &Value) -> Result<String, Failure> {
    let value = to_float(value)?;
    if value == 0.0 || !value.is_finite() {
        return Ok(plain(value));
    }
    let (value, prefix) = if value.abs() >= 1.0 {
        large(value, 1000.0, ["k", "M", "G", "T", "P", "E", "Z", "Y"])
    } else {
        small(value)
    };
    Ok(format!("{}{prefix}", short(value)))
}

pub(super) fn humanize1024(value: &Value) -> Result<String, Failure> {
    let value = to_float(value)?;
    if value.abs() <= 1.0 || !value.is_finite() {
        return Ok(plain(value));
    }
    let (value, prefix) = large(value, 1024.0, ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"]);
    Ok(format!("{}{prefix}", short(value)))
}

/// Four digits; also what is no number.
fn plain(value: f64) -> String {
    short(value)
}

pub(super) fn percentage(value: &Value) -> Result<String, Failure> {
    Ok(format!("{}%", plain(to_float(value)? * 100.0)))
}

pub(super) fn duration(value: &Value) -> Result<String, Failure> {
    let value = match value {
        Value::Duration(nanos) => *nanos as f64 / 1e9,
        other => to_float(other)?,
    };
    if !value.is_finite() {
        return Ok(plain(value));
    }
    if value == 0.0 {
        return Ok(format!("{}s", plain(value)));
    }
    if value.abs() < 1.0 {
        let (value, prefix) = small(value);
        return Ok(format!("{}{prefix}s", short(value)));
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let value = value.abs();
    let whole = float::whole(value);
    let (seconds, minutes) = (whole % 60, whole / 60 % 60);
    let (hours, days) = (whole / 3600 % 24, whole / 86_400);
    Ok(if days != 0 {
        format!("{sign}{days}d {hours}h {minutes}m {seconds}s")
    } else if hours != 0 {
        format!("{sign}{hours}h {minutes}m {seconds}s")
    } else if minutes != 0 {
        format!("{sign}{minutes}m {seconds}s")
    } else {
        format!("{sign}{}s", short(value))
    })
}

/// Milliseconds since the epoch, from seconds.
pub(super) fn to_time(value: &Value) -> Result<i64, Failure> {
    let seconds = to_float(value)?;
    if !seconds.is_finite() {
        return Err("value is NaN or Inf".to_owned());
    }
    let nanos = seconds * 1e9;
    if nanos > i64::MAX as f64 || nanos < i64::MIN as f64 {
        let shown = float::format(seconds, 'g', None);
        return Err(format!(
            "{shown} cannot be represented as a nanoseconds timestamp since it overflows int64"
        ));
    }
    Ok(float::whole(nanos) / 1_000_000)
}

pub(super) fn timestamp(value: &Value) -> Result<String, Failure> {
    let seconds = to_float(value)?;
    if !seconds.is_finite() {
        return Ok(plain(seconds));
    }
    to_time(&Value::Float(seconds)).map(instant::text)
}

/// The first letter of each word in upper case, the others as they are.
pub(super) fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut within_word, mut after_middle) = (false, false);
    for c in text.chars() {
        let is_middle = matches!(c, '\'' | '.' | ':' | '\u{b7}' | '\u{2019}');
        if is_middle && after_middle {
            within_word = false;
        }
        after_middle = is_middle;
        let is_cased = c.is_lowercase() || c.is_uppercase();
        if is_cased && !within_word {
            out.push_str(&title_case(c));
        } else {
            out.push(c);
        }
        // A digit neither begins a word nor ends one.
        within_word = is_cased || (within_word && (is_middle || is_word(c)));
    }
    out
}

/// Whether a word goes on with it. Ideographs and kana stand alone.
fn is_word(c: char) -> bool {
    match c {
        '_' | '\u{300}'..='\u{36f}' => true,
        '\u{2e80}'..='\u{31ff}'
        | '\u{3400}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}'
        // Superscripts and fractions are numbers, but none that words are made of.
        | '\u{b2}'
        | '\u{b3}'
        | '\u{b9}'
        | '\u{bc}'..='\u{be}'
        | '\u{2070}'..='\u{209f}' => false,
        c => c.is_alphanumeric(),
    }
}

fn title_case(c: char) -> String {
    match c {
        'ǆ' | 'Ǆ' => "ǅ".to_owned(),
        'ǉ' | 'Ǉ' => "ǈ".to_owned(),
        'ǌ' | 'Ǌ' => "ǋ".to_owned(),
        'ǳ' | 'Ǳ' => "ǲ".to_owned(),
        c if c.is_lowercase() => {
            let mut upper = c.to_uppercase();
            let first = upper.next().unwrap_or(c);
            std::iter::once(first).chain(upper.flat_map(char::to_lowercase)).collect()
        }
        c => c.to_string(),
    }
}

/// Each letter in lower case, where that is one letter.
pub(super) fn lower(text: &str) -> String {
    text.chars().map(|c| single(c, c.to_lowercase())).collect()
}

/// Each letter in upper case, where that is one letter.
pub(super) fn upper(text: &str) -> String {
    text.chars().map(|c| single(c, c.to_uppercase())).collect()
}

fn single(c: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}
