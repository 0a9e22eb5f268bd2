//! One value written with a verb, as Go's `fmt` writes it.

use super::{float, quote, value::Value};

/// Flags, width and precision of one verb.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spec {
    pub(super) sharp: bool,
    pub(super) zero: bool,
    pub(super) plus: bool,
    pub(super) minus: bool,
    pub(super) space: bool,
    /// `%#v` and `%+v`, which have no other meaning than these.
    pub(super) sharp_v: bool,
    pub(super) plus_v: bool,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
}

/// A value with a verb, or Go's complaint about the pair.
pub(super) fn write_value(out: &mut String, value: &Value, verb: char, spec: Spec) {
    if verb == 'T' {
        let name = if matches!(value, Value::Nil) { "<nil>" } else { value.type_name() };
        return pad(out, truncated(name, spec), spec);
    }
    // What has a text of its own is that text, where a text is asked for.
    let own_text = matches!(verb, 'v' | 's' | 'x' | 'X' | 'q').then(|| value.own_text()).flatten();
    if let (Some(text), false) = (own_text, spec.sharp_v) {
        return write_string(out, &text, verb, spec, value);
    }
    match value {
        Value::Nil if verb == 'v' => pad(out, "<nil>", spec),
        Value::Bool(flag) if matches!(verb, 't' | 'v') => {
            pad(out, if *flag { "true" } else { "false" }, spec);
        }
        Value::Nil | Value::Bool(_) => bad_verb(out, value, verb),
        Value::Int(number) | Value::Duration(number) => {
            write_integer(out, i128::from(*number), verb, spec, value);
        }
        Value::Month(number) | Value::Weekday(number) | Value::Byte(number) => {
            write_integer(out, i128::from(*number), verb, spec, value);
        }
        Value::Float(number) => write_float(out, *number, verb, spec, value),
        Value::String(text) | Value::Html(text) => write_string(out, text, verb, spec, value),
        _ => write_compound(out, value, verb, spec),
    }
}

fn write_compound(out: &mut String, value: &Value, verb: char, spec: Spec) {
    let (open, close) = if spec.sharp_v { ("{", "}") } else { ("map[", "]") };
    let separator = if spec.sharp_v { ", " } else { " " };
    let field = |out: &mut String, index: usize, name: &str, value: &Value| {
        if index > 0 {
            out.push_str(separator);
        }
        if spec.plus_v || spec.sharp_v {
            out.push_str(name);
            out.push(':');
        }
        write_value(out, value, verb, spec);
    };
    if spec.sharp_v {
        out.push_str(value.type_name().trim_start_matches('*'));
    }
    match value {
        Value::Map(map) => {
            out.push_str(open);
            for (index, (name, value)) in map.entries().enumerate() {
                if index > 0 {
                    out.push_str(separator);
                }
                write_value(out, &Value::string(name), verb, spec);
                out.push(':');
                write_value(out, &value, verb, spec);
            }
            out.push_str(close);
        }
        Value::Sample(sample) => {
            out.push_str("&{");
            field(out, 0, "Labels", &Value::Map(sample.labels.clone()));
            field(out, 1, "Value", &Value::Float(sample.value));
            out.push('}');
        }
        Value::Data(data) => {
            out.push('{');
            field(out, 0, "Labels", &Value::Map(data.labels.clone()));
            field(out, 1, "ExternalLabels", &Value::Map(data.external_labels.clone()));
            field(out, 2, "ExternalURL", &Value::String(data.external_url.clone()));
            field(out, 3, "Value", &Value::Float(data.value));
            out.push('}');
        }
        // The elements are pointers, which Go prints as addresses; ours have none to tell.
        Value::Vector(samples) => {
            let (open, close) = if spec.sharp_v { ("{", "}") } else { ("[", "]") };
            out.push_str(open);
            for index in 0..samples.len() {
                out.push_str(if index > 0 { separator } else { "" });
                out.push_str("0xc000000000");
            }
            out.push_str(close);
        }
        _ => bad_verb(out, value, verb),
    }
}

/// `%!d(float64=1.5)`.
fn bad_verb(out: &mut String, value: &Value, verb: char) {
    out.push_str("%!");
    out.push(verb);
    out.push('(');
    if !matches!(value, Value::Nil) {
        out.push_str(value.type_name());
        out.push('=');
    }
    write_value(out, value, 'v', Spec::default());
    out.push(')');
}

fn write_string(out: &mut String, text: &str, verb: char, spec: Spec, value: &Value) {
    match verb {
        'v' if spec.sharp_v => pad(out, &quote::quoted(truncated(text, spec)), spec),
        'v' | 's' => pad(out, truncated(text, spec), spec),
        'q' => {
            let text = truncated(text, spec);
            let raw = |c: char| c == '\t' || !(c.is_control() || c == '`' || c == '\u{feff}');
            if spec.sharp && text.chars().all(raw) {
                pad(out, &format!("`{text}`"), spec);
            } else if spec.plus {
                pad(out, &quote::quoted_ascii(text), spec);
            } else {
                pad(out, &quote::quoted(text), spec);
            }
        }
        'x' | 'X' => {
            let length = spec.precision.map_or(text.len(), |most| most.min(text.len()));
            let digits = |byte: &u8| if verb == 'x' { format!("{byte:02x}") } else { format!("{byte:02X}") };
            let bytes: Vec<String> = text.as_bytes()[..length].iter().map(digits).collect();
            let prefix = if spec.sharp && length > 0 { if verb == 'x' { "0x" } else { "0X" } } else { "" };
            let joined = if spec.space { bytes.join(&format!(" {prefix}")) } else { bytes.concat() };
            pad(out, &format!("{prefix}{joined}"), spec);
        }
        _ => bad_verb(out, value, verb),
    }
}

fn write_integer(out: &mut String, number: i128, verb: char, spec: Spec, value: &Value) {
    let magnitude = number.unsigned_abs();
    let (digits, prefix) = match verb {
        'v' | 'd' => (magnitude.to_string(), ""),
        'b' => (format!("{magnitude:b}"), if spec.sharp { "0b" } else { "" }),
        'o' => (format!("{magnitude:o}"), ""),
        'O' => (format!("{magnitude:o}"), "0o"),
        'x' => (format!("{magnitude:x}"), if spec.sharp { "0x" } else { "" }),
        'X' => (format!("{magnitude:X}"), if spec.sharp { "0X" } else { "" }),
        'c' | 'q' => {
            let c = u32::try_from(number).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
            let text = if verb == 'c' { c.to_string() } else { quote::quoted_char(c, spec.plus) };
            return pad(out, &text, spec);
        }
        'U' => {
            let negative = || i64::try_from(number).unwrap_or(0).cast_unsigned();
            let code = u64::try_from(number).unwrap_or_else(|_| negative());
            let width = spec.precision.map_or(4, |digits| digits.max(4));
            let shown = u32::try_from(code).ok().and_then(char::from_u32).filter(|c| quote::is_printable(*c));
            let suffix = shown.filter(|_| spec.sharp).map_or(String::new(), |c| format!(" '{c}'"));
            let zeros = "0".repeat(width.saturating_sub(format!("{code:X}").len()));
            return pad(out, &format!("U+{zeros}{code:X}{suffix}"), Spec { zero: false, ..spec });
        }
        _ => return bad_verb(out, value, verb),
    };
    let sign = match (number < 0, spec.plus, spec.space) {
        (true, ..) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        _ => "",
    };
    let unpadded = Spec { zero: false, ..spec };
    if spec.precision == Some(0) && number == 0 {
        return pad(out, "", unpadded);
    }
    let least = match (spec.precision, spec.width) {
        (Some(precision), _) => precision,
        (None, Some(width)) if spec.zero && !spec.minus => width - usize::from(!sign.is_empty()).min(width),
        _ => 0,
    };
    let zeros = "0".repeat(least.saturating_sub(digits.len()));
    let octal = verb == 'o' && spec.sharp && zeros.is_empty() && !digits.starts_with('0');
    let prefix = if octal { "0" } else { prefix };
    pad(out, &format!("{sign}{prefix}{zeros}{digits}"), unpadded);
}

fn write_float(out: &mut String, number: f64, verb: char, spec: Spec, value: &Value) {
    let (format, default) = match verb {
        'v' => ('g', None),
        'b' | 'g' | 'G' | 'x' | 'X' => (verb, None),
        'e' | 'E' | 'f' => (verb, Some(6)),
        'F' => ('f', Some(6)),
        _ => return bad_verb(out, value, verb),
    };
    let precision = spec.precision.or(default);
    let text = float::format(number, format, precision);
    let (sign, mut digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (&text[..1], digits.to_owned()),
        None => ("+", text.clone()),
    };
    let sign = match sign {
        "+" if spec.plus => "+",
        "+" if spec.space => " ",
        "+" => "",
        minus => minus,
    };
    if !number.is_finite() {
        // Go writes the sign of +Inf only where it was asked for, but in `%v`, whose default text has one.
        let sign = if number == f64::INFINITY && sign.is_empty() { "+" } else { sign };
        return pad(out, &format!("{sign}{digits}"), Spec { zero: false, ..spec });
    }
    if spec.sharp && format != 'b' {
        digits = with_point(&digits, format, precision);
    }
    if let Some(width) = spec.width.filter(|_| spec.zero && !spec.minus) {
        let zeros = width.saturating_sub(sign.len() + digits.len());
        out.push_str(sign);
        out.extend(std::iter::repeat_n('0', zeros));
        out.push_str(&digits);
        return;
    }
    pad(out, &format!("{sign}{digits}"), spec);
}

/// The `#` flag: a point always, and for `g` the zeros that were dropped.
fn with_point(text: &str, format: char, precision: Option<usize>) -> String {
    let marker: &[char] = if matches!(format, 'x' | 'X') { &['p', 'P'] } else { &['e', 'E'] };
    let (head, tail) = text.split_at(text.find(marker).unwrap_or(text.len()));
    let mut head = head.to_owned();
    let wanted = if matches!(format, 'g' | 'G' | 'x') { precision.unwrap_or(6) } else { 0 };
    // Go counts the `x` of the prefix as a digit, too.
    let digits = head.bytes().filter(|byte| *byte != b'.').skip_while(|digit| *digit == b'0');
    let significant = digits.count();
    let mut have = significant;
    if !head.contains('.') {
        have += usize::from(head == "0");
        head.push('.');
    }
    head.extend(std::iter::repeat_n('0', wanted.saturating_sub(have)));
    head + tail
}

fn truncated(text: &str, spec: Spec) -> &str {
    let end = spec.precision.and_then(|most| text.char_indices().nth(most));
    end.map_or(text, |(end, _)| &text[..end])
}

fn pad(out: &mut String, text: &str, spec: Spec) {
    let missing = spec.width.map_or(0, |width| width.saturating_sub(text.chars().count()));
    let fill = if spec.zero && !spec.minus { '0' } else { ' ' };
    if spec.minus {
        out.push_str(text);
    }
    out.extend(std::iter::repeat_n(fill, missing));
    if !spec.minus {
        out.push_str(text);
    }
}
