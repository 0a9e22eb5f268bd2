//! Grafana's units by their identifiers.

use super::{
    Formatted,
    duration::{self, Days, Ladder},
    number::{js_number, to_fixed},
};
use crate::time::Timestamp;

/// How values of a unit are written.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit(Notation);

#[derive(Debug, Clone, PartialEq)]
enum Notation {
    /// The number and a suffix.
    Fixed(String),
    Before(String),
    /// A factor of the value, then `%`.
    Percent(f64),
    /// Powers of a factor, each with its name; the index of the one without.
    Scaled {
        factor: f64,
        names: &'static [&'static str],
        offset: usize,
        unit: String,
        space: bool,
    },
    Currency {
        symbol: String,
        behind: bool,
    },
    Duration(Ladder),
    Seconds,
    Spelt {
        millis: f64,
        unit: &'static str,
    },
    Clock {
        seconds: f64,
        days: Days,
    },
    /// Milliseconds since the epoch.
    Instant,
    Locale,
    Scientific,
    Hex(&'static str),
    Bool(String, String),
}

const COUNT: &[&str] = &["", "K", "M", "B", "T"];
const SHORT: &[&str] = &["", " K", " Mil", " Bil", " Tri", " Quadr", " Quint", " Sext", " Sept"];
const SI: &[&str] = &["f", "p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E", "Z", "Y"];
/// The index of the prefix that is none.
const SI_BASE: usize = 5;
const BINARY: &[&str] = &["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];

const COUNTS: [(&str, &str); 13] = [
    ("cps", "c/s"),
    ("ops", "ops/s"),
    ("reqps", "req/s"),
    ("rps", "rd/s"),
    ("wps", "wr/s"),
    ("iops", "io/s"),
    ("eps", "evt/s"),
    ("mps", "msg/s"),
    ("cpm", "c/m"),
    ("opm", "ops/m"),
    ("reqpm", "req/m"),
    ("rpm", "rd/m"),
    ("wpm", "wr/m"),
];

/// Identifier, unit, and by how many prefixes the number that is given is scaled already.
const SI_UNITS: [(&str, &str, usize); 14] = [
    ("sishort", "", 0),
    ("decbytes", "B", 0),
    ("deckbytes", "B", 1),
    ("decmbytes", "B", 2),
    ("decgbytes", "B", 3),
    ("decbits", "b", 0),
    ("Bps", "B/s", 0),
    ("bps", "b/s", 0),
    ("pps", "p/s", 0),
    ("hertz", "Hz", 0),
    ("watt", "W", 0),
    ("joule", "J", 0),
    ("flops", "FLOPS", 0),
    ("volt", "V", 0),
];

const BINARY_UNITS: [(&str, &str, usize); 7] = [
    ("bytes", "B", 0),
    ("kbytes", "B", 1),
    ("mbytes", "B", 2),
    ("gbytes", "B", 3),
    ("bits", "b", 0),
    ("binBps", "B/s", 0),
    ("binbps", "b/s", 0),
];

const FIXED: [(&str, &str); 6] =
    [("celsius", "°C"), ("pixel", "px"), ("humidity", "%H"), ("dB", "dB"), ("degree", "°"), ("ppm", "ppm")];

const CURRENCIES: [(&str, &str, bool); 6] = [
    ("currencyUSD", "$", false),
    ("currencyEUR", "€", false),
    ("currencyGBP", "£", false),
    ("currencyJPY", "¥", false),
    ("currencyINR", "₹", false),
    ("currencyCHF", "CHF", false),
];

impl Unit {
    /// By its identifier; one that Grafana does not know is a suffix, as there.
    pub fn named(id: &str) -> Self {
        Self(notation(id))
    }

    /// With so many decimals, or as many as the value needs.
    pub fn format(&self, value: f64, decimals: Option<u16>) -> Formatted {
        match &self.0 {
            Notation::Fixed(unit) if unit.is_empty() => Formatted::plain(to_fixed(value, decimals)),
            Notation::Fixed(unit) => Formatted::with(to_fixed(value, decimals), &format!(" {unit}")),
            Notation::Before(unit) => {
                Formatted { prefix: unit.clone(), ..Formatted::plain(to_fixed(value, decimals)) }
            }
            Notation::Percent(factor) => Formatted::with(to_fixed(value * factor, decimals), "%"),
            Notation::Scaled { factor, names, offset, unit, space } => {
                let mut formatted = scaled(value, *factor, names, *offset, decimals);
                if *space {
                    formatted.suffix.insert(0, ' ');
                }
                formatted.suffix.push_str(unit);
                formatted
            }
            Notation::Currency { symbol, behind } => {
                let mut formatted = scaled(value.abs(), 1000.0, COUNT, 0, decimals);
                if *behind {
                    formatted.suffix.push_str(symbol);
                } else {
                    formatted.prefix.clone_from(symbol);
                }
                if value < 0.0 {
                    formatted.prefix.insert(0, '-');
                }
                formatted
            }
            // Only for seconds does Grafana write nothing as nothing.
            Notation::Seconds if value == 0.0 => Formatted::with("0".to_owned(), " s"),
            Notation::Seconds => duration::scaled(duration::SECONDS, value, decimals),
            Notation::Duration(ladder) => duration::scaled(ladder, value, decimals),
            Notation::Spelt { millis, unit } => duration::spelt(value * millis, decimals, unit),
            Notation::Clock { seconds, days } => duration::clock(value * seconds, *days),
            Notation::Instant => Formatted::plain(instant(value)),
            Notation::Locale => Formatted::plain(locale(value, decimals)),
            Notation::Scientific => Formatted::plain(scientific(value, decimals)),
            Notation::Hex(prefix) => Formatted::plain(hex(value, prefix)),
            Notation::Bool(yes, no) => {
                Formatted::plain(if value != 0.0 && !value.is_nan() { yes } else { no }.clone())
            }
        }
    }

    /// Whether zeros at the end of a decimal fraction may be cut off on an axis.
    pub fn trims_zeros(&self) -> bool {
        !matches!(
            self.0,
            Notation::Currency { .. } | Notation::Instant | Notation::Locale | Notation::Bool(..)
        )
    }
}

fn notation(id: &str) -> Notation {
    let si = |unit: &str, by: usize| Notation::Scaled {
        factor: 1000.0,
        names: SI,
        offset: SI_BASE + by,
        unit: unit.to_owned(),
        space: true,
    };
    let count = |unit: &str| Notation::Scaled {
        factor: 1000.0,
        names: COUNT,
        offset: 0,
        unit: format!(" {unit}"),
        space: false,
    };
    match id {
        "" | "none" | "string" => return Notation::Fixed(String::new()),
        "short" => {
            let unit = String::new();
            return Notation::Scaled { factor: 1000.0, names: SHORT, offset: 0, unit, space: false };
        }
        "percent" => return Notation::Percent(1.0),
        "percentunit" => return Notation::Percent(100.0),
        "ns" => return Notation::Duration(duration::NANOSECONDS),
        "µs" | "us" => return Notation::Duration(duration::MICROSECONDS),
        "ms" => return Notation::Duration(duration::MILLISECONDS),
        "s" => return Notation::Seconds,
        "m" => return Notation::Duration(duration::MINUTES),
        "h" => return Notation::Duration(duration::HOURS),
        "d" => return Notation::Duration(duration::DAYS),
        "dtdurations" => return Notation::Spelt { millis: 1000.0, unit: "second" },
        "dtdurationms" => return Notation::Spelt { millis: 1.0, unit: "millisecond" },
        "dthms" => return Notation::Clock { seconds: 1.0, days: Days::InHours },
        "dtdhms" => return Notation::Clock { seconds: 1.0, days: Days::Apart },
        "dateTimeAsIso" | "dateTimeAsLocal" | "dateTimeAsSystem" | "dateTimeAsUS" | "dateTimeFromNow" => {
            return Notation::Instant;
        }
        "locale" => return Notation::Locale,
        "sci" => return Notation::Scientific,
        "hex" => return Notation::Hex(""),
        "hex0x" => return Notation::Hex("0x"),
        "bool" => return Notation::Bool("True".to_owned(), "False".to_owned()),
        "bool_yes_no" => return Notation::Bool("Yes".to_owned(), "No".to_owned()),
        "bool_on_off" => return Notation::Bool("On".to_owned(), "Off".to_owned()),
        _ => {}
    }
    if let Some((_, unit)) = COUNTS.iter().find(|(known, _)| *known == id) {
        return count(unit);
    }
    if let Some((_, unit, by)) = SI_UNITS.iter().find(|(known, ..)| *known == id) {
        return si(unit, *by);
    }
    if let Some((_, unit, by)) = BINARY_UNITS.iter().find(|(known, ..)| *known == id) {
        let unit = (*unit).to_owned();
        return Notation::Scaled { factor: 1024.0, names: BINARY, offset: *by, unit, space: true };
    }
    if let Some((_, unit)) = FIXED.iter().find(|(known, _)| *known == id) {
        return Notation::Fixed((*unit).to_owned());
    }
    if let Some((_, symbol, behind)) = CURRENCIES.iter().find(|(known, ..)| *known == id) {
        return Notation::Currency { symbol: (*symbol).to_owned(), behind: *behind };
    }
    match id.split_once(':') {
        Some(("prefix", unit)) => Notation::Before(unit.to_owned()),
        Some(("suffix", unit)) => Notation::Fixed(unit.to_owned()),
        Some(("count", unit)) => count(unit),
        Some(("time", _)) => Notation::Instant,
        Some(("currency", symbol)) => Notation::Currency { symbol: symbol.to_owned(), behind: false },
        Some(("si", unit)) => {
            let prefix = SI.iter().position(|name| !name.is_empty() && unit.starts_with(name));
            match prefix {
                Some(index) => Notation::Scaled {
                    factor: 1000.0,
                    names: SI,
                    offset: index,
                    unit: unit[SI[index].len()..].to_owned(),
                    space: true,
                },
                None => si(unit, 0),
            }
        }
        Some(("bool", words)) => {
            let (yes, no) = words.split_once('/').unwrap_or((words, "-"));
            Notation::Bool(yes.to_owned(), no.to_owned())
        }
        _ => Notation::Fixed(id.to_owned()),
    }
}

/// A value by the power of a factor that it reaches.
fn scaled(value: f64, factor: f64, names: &[&str], offset: usize, decimals: Option<u16>) -> Formatted {
    if !value.is_finite() {
        return Formatted::plain(to_fixed(value, decimals));
    }
    let power = if value == 0.0 { 0.0 } else { (value.abs().log10() / factor.log10()).floor() };
    let offset = i32::try_from(offset).unwrap_or(0);
    let last = i32::try_from(names.len()).unwrap_or(1) - 1;
    #[expect(clippy::cast_possible_truncation, reason = "clamped")]
    let power = power.clamp(f64::from(-offset), f64::from(last - offset)) as i32;
    let name = usize::try_from(offset + power).ok().and_then(|index| names.get(index)).copied();
    Formatted::with(to_fixed(value / factor.powi(power), decimals), name.unwrap_or_default())
}

/// `2026-11-26 10:00:00`, in UTC.
fn instant(millis: f64) -> String {
    if !millis.is_finite() || millis.abs() > 8.64e15 {
        return "Invalid date".to_owned();
    }
    #[expect(clippy::cast_possible_truncation, reason = "within what JavaScript's dates reach")]
    let civil = Timestamp(millis as i64).civil();
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        civil.year, civil.month, civil.day, civil.hour, civil.minute, civil.second
    )
}

/// `1,234,567.891`.
fn locale(value: f64, decimals: Option<u16>) -> String {
    if !value.is_finite() {
        return to_fixed(value, None);
    }
    let value = if value.abs() < 1e15 { half_up(value) } else { value.round() };
    let text = format!("{value:.*}", usize::from(decimals.unwrap_or(3).min(20)));
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, part)| (whole, Some(part)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::from(sign);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if let Some(fraction) = fraction {
        grouped.push('.');
        grouped.push_str(fraction);
    }
    grouped
}

/// A little further from zero, so that a half is rounded away from it where `format!` rounds it to the even digit.
fn half_up(value: f64) -> f64 {
    if value.abs() < 1e9 { value * (1.0 + 2.0 * f64::EPSILON) } else { value }
}

/// Halves are rounded to the even digit.
fn scientific(value: f64, decimals: Option<u16>) -> String {
    if !value.is_finite() {
        return to_fixed(value, None);
    }
    let text = match decimals {
        Some(decimals) => format!("{value:.*e}", usize::from(decimals)),
        None => format!("{value:e}"),
    };
    match text.split_once('e') {
        Some((mantissa, exponent)) if !exponent.starts_with('-') => format!("{mantissa}e+{exponent}"),
        _ => text,
    }
}

fn hex(value: f64, prefix: &str) -> String {
    if !value.is_finite() || value.abs() >= 9.007_199_254_740_992e15 {
        return js_number(value);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 2^53")]
    let digits = value.abs().round() as u64;
    format!("{}{prefix}{digits:X}", if value < 0.0 { "-" } else { "" })
}
