//! Single values: shares, durations, money, ports, addresses.

use std::net::IpAddr;

use crate::{
    time::{ParseDurationError, PromDuration},
    yaml::{Scalar, Style},
};

/// Why a value is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) help: String,
}

pub(super) fn refuse<T>(message: impl Into<String>, help: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { message: message.into(), help: help.into() })
}

/// A number as YAML writes it, finite.
pub(super) fn number(scalar: &Scalar) -> Result<f64, Refusal> {
    let text = scalar.text.as_str();
    if let Some(number) = plain_number(text) {
        return match scalar.style {
            Style::Plain => Ok(number),
            Style::Quoted | Style::Literal | Style::Folded => refuse(
                format!("`\"{text}\"` is a text, not a number"),
                format!("write `{text}` without quotes"),
            ),
        };
    }
    let special = text.trim_start_matches(['-', '+', '.']).to_lowercase();
    if matches!(special.as_str(), "inf" | "nan" | "infinity") || finite_in_form(text) {
        return refuse(format!("`{text}` is no finite number"), "write a number such as `100`");
    }
    match bare_amount(text) {
        Some(bare) => refuse(format!("`{text}` is not a plain number"), format!("write `{bare}`")),
        None => refuse(format!("`{text}` is not a number"), "write a number such as `100`"),
    }
}

/// A number above 0.
pub(super) fn positive(scalar: &Scalar) -> Result<f64, Refusal> {
    let number = number(scalar)?;
    if number > 0.0 {
        return Ok(number);
    }
    refuse(format!("`{}` is not above 0", scalar.text), "write a number above 0, such as `1000`")
}

/// US dollars, not negative.
pub(super) fn usd(scalar: &Scalar) -> Result<f64, Refusal> {
    let amount = number(scalar).map_err(|refusal| match bare_amount(&scalar.text) {
        Some(bare) if scalar.style == Style::Plain => Refusal {
            message: format!("`{}` is not a plain number", scalar.text),
            help: format!("write `{bare}`; amounts are US dollars"),
        },
        _ => refusal,
    })?;
    if amount < 0.0 {
        return refuse(
            format!("`{}` is negative, and an amount of money cannot be", scalar.text),
            format!("write `{}`, or 0 for what is free", scalar.text.trim_start_matches('-')),
        );
    }
    // -0 is 0.
    Ok(amount + 0.0)
}

/// US dollars, above 0.
pub(super) fn usd_above_zero(scalar: &Scalar) -> Result<f64, Refusal> {
    let amount = usd(scalar)?;
    if amount > 0.0 {
        return Ok(amount);
    }
    refuse("the ceiling is 0, and everything would be above it", "write an amount above 0, such as `100`")
}

/// A share above 0 and below 100 %.
pub(super) fn share_below_one(scalar: &Scalar) -> Result<f64, Refusal> {
    let share = percent(scalar)?;
    if share > 0.0 && share < 1.0 {
        return Ok(share);
    }
    refuse(
        format!("`{}` is not between 0% and 100%", scalar.text),
        "write a share above `0%` and below `100%`, such as `99.9%`",
    )
}

/// A share above 0 and up to 100 %.
pub(super) fn share(scalar: &Scalar) -> Result<f64, Refusal> {
    let share = percent(scalar)?;
    if share > 0.0 && share <= 1.0 {
        return Ok(share);
    }
    refuse(
        format!("`{}` is not between 0% and 100%", scalar.text),
        "write a share above `0%` and up to `100%`, such as `5%`",
    )
}

fn percent(scalar: &Scalar) -> Result<f64, Refusal> {
    let text = scalar.text.as_str();
    if let Some(number) = text.strip_suffix('%').map(str::trim_end) {
        // Shifting the decimal point in the text keeps 99.9% at 0.999, which a division would not.
        let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b"+-.".contains(&b));
        if let Some(share) = plain.then(|| format!("{number}e-2").parse().ok()).flatten() {
            return Ok(share);
        }
    }
    match plain_number(text) {
        Some(number) if (0.0..=1.0).contains(&number) => {
            let percent = format!("{number}e2").parse::<f64>().unwrap_or(number * 100.0);
            refuse(format!("`{text}` has no `%`"), format!("write `{percent}%`"))
        }
        Some(_) => refuse(format!("`{text}` has no `%`"), format!("write `{text}%`")),
        None => refuse(format!("`{text}` is no share"), "write a share in percent, such as `99.9%`"),
    }
}

/// A duration, zero included.
pub(super) fn duration(scalar: &Scalar) -> Result<PromDuration, Refusal> {
    let text = scalar.text.as_str();
    let error = match text.parse() {
        Ok(duration) => return Ok(duration),
        Err(error) => error,
    };
    let help = match (&error, repaired_duration(text)) {
        (_, Some(repaired)) => format!("write `{repaired}`"),
        (ParseDurationError::TooLong(_), None) => "write a shorter duration, such as `1d`".to_owned(),
        (_, None) => "write whole numbers with units, such as `250ms`, `5s` or `1h30m`".to_owned(),
    };
    refuse(error.to_string(), help)
}

/// A duration above 0.
pub(super) fn duration_above_zero(scalar: &Scalar) -> Result<PromDuration, Refusal> {
    let duration = duration(scalar)?;
    if duration.as_millis() > 0 {
        return Ok(duration);
    }
    refuse(format!("`{}` is not above 0", scalar.text), "write a duration such as `5s`")
}

/// From 1 s to 5 m: shorter overloads the target, longer than 5 m is a gap for Prometheus.
pub(super) fn scrape_interval(scalar: &Scalar) -> Result<PromDuration, Refusal> {
    let duration = duration(scalar)?;
    if (PromDuration::from_secs(1)..=PromDuration::from_secs(300)).contains(&duration) {
        return Ok(duration);
    }
    refuse(
        format!("`{}` is not between `1s` and `5m`", scalar.text),
        "write a scrape interval such as `15s`; Prometheus forgets a sample after 5m",
    )
}

pub(super) fn switch(scalar: &Scalar) -> Result<bool, Refusal> {
    match (scalar.text.as_str(), scalar.style) {
        ("true", Style::Plain) => Ok(true),
        ("false", Style::Plain) => Ok(false),
        (text, _) => {
            let meant = match text.to_lowercase().as_str() {
                "yes" | "on" | "y" | "1" | "true" => "write `true`",
                "no" | "off" | "n" | "0" | "false" => "write `false`",
                _ => "write `true` or `false`",
            };
            refuse(format!("`{text}` is neither `true` nor `false`"), meant)
        }
    }
}

pub(super) fn port(scalar: &Scalar) -> Result<u16, Refusal> {
    let text = scalar.text.as_str();
    let digits = scalar.style == Style::Plain && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u16>().ok().filter(|port| digits && *port > 0) {
        Some(port) => Ok(port),
        None => refuse(format!("`{text}` is no port"), "write a number from 1 to 65535, such as `9090`"),
    }
}

pub(super) fn address(scalar: &Scalar) -> Result<IpAddr, Refusal> {
    let text = scalar.text.as_str();
    text.parse().or_else(|_| {
        let help = match text {
            "localhost" => "write `127.0.0.1`",
            "*" | "all" | "any" => "write `0.0.0.0`",
            "[::1]" => "write `::1`",
            _ => "write an IP address such as `127.0.0.1`, or `0.0.0.0` for every interface",
        };
        refuse(format!("`{text}` is no IP address"), help)
    })
}

/// An image reference that says which version it means.
pub(super) fn image(scalar: &Scalar) -> Result<String, Refusal> {
    let text = scalar.text.as_str();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    if text.is_empty() || !text.chars().all(allowed) || text.starts_with(['/', ':', '@', '-', '.']) {
        return refuse(
            format!("`{}` is no image", text.escape_debug()),
            "write an image such as `prom/prometheus:v3.16.0`",
        );
    }
    let (name, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
    if let Some(digest) = digest {
        let hex = digest.strip_prefix("sha256:").unwrap_or_default();
        if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return refuse(format!("`{digest}` is no digest"), "write `@sha256:` and 64 hexadecimal digits");
        }
        return Ok(text.to_owned());
    }
    let last = name.rsplit('/').next().unwrap_or(name);
    match last.split_once(':') {
        Some((name, tag)) if !name.is_empty() && !tag.is_empty() && !tag.contains(':') => Ok(text.to_owned()),
        Some(_) => {
            refuse(format!("`{text}` is no image"), "write an image such as `prom/prometheus:v3.16.0`")
        }
        None => refuse(
            format!("`{text}` has no tag"),
            format!("write which version you mean, such as `{text}:1.2.3`"),
        ),
    }
}

fn finite_in_form(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
        && text.parse::<f64>().is_ok()
}

fn plain_number(text: &str) -> Option<f64> {
    finite_in_form(text).then(|| text.parse().ok()).flatten().filter(|number: &f64| number.is_finite())
}

/// The number in `$1,000`, `1_000 USD` or `1000/s`.
fn bare_amount(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let lower = lower.trim().trim_start_matches(['$', '€']).trim_end_matches(['$', '€']);
    let bare = lower.trim_start_matches("usd").trim_end_matches("/s").trim_end_matches("/h");
    let bare = bare.trim_end_matches("usd").trim().trim_end_matches('$').replace([',', '_', ' '], "");
    plain_number(&bare).filter(|number| *number >= 0.0).map(|_| bare)
}

/// What a mistyped duration was meant to be: `5` → `5s`, `5 min` → `5m`, `1.5s` → `1s500ms`.
fn repaired_duration(text: &str) -> Option<PromDuration> {
    let text = text.to_lowercase();
    let text = text.trim();
    let digits = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let (count, unit) = (text[..digits].parse::<f64>().ok()?, text[digits..].trim());
    let millis = match unit {
        "ms" | "msec" | "millis" | "millisecond" | "milliseconds" => 1.0,
        "" | "s" | "sec" | "secs" | "second" | "seconds" => 1e3,
        "m" | "min" | "mins" | "minute" | "minutes" => 60e3,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600e3,
        "d" | "day" | "days" => 86_400e3,
        _ => return None,
    };
    let millis = (count * millis).round();
    // A year is more than any duration here can mean.
    if !(0.0..=3.2e10).contains(&millis) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be from 0 to 3.2e10"
    )]
    let millis = millis as u64;
    Some(PromDuration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: std::fmt::Debug>(reader: fn(&Scalar) -> Result<T, Refusal>, text: &str, expect: &str) {
        let scalar = match text.strip_prefix('"') {
            Some(quoted) => {
                Scalar { text: quoted.trim_end_matches('"').to_owned(), style: Style::Quoted, in_flow: false }
            }
            None => Scalar { text: text.to_owned(), style: Style::Plain, in_flow: false },
        };
        let got = match reader(&scalar) {
            Ok(value) => format!("{value:?}"),
            Err(Refusal { message, help }) => format!("{message} | {help}"),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn money() {
        check(usd, "100", "100.0");
        check(usd, "0", "0.0");
        check(usd, "-0", "0.0");
        check(usd, "0.15", "0.15");
        check(
            usd,
            "-5",
            "`-5` is negative, and an amount of money cannot be | write `5`, or 0 for what is free",
        );
        check(usd, "$100", "`$100` is not a plain number | write `100`; amounts are US dollars");
        check(usd, "100 USD", "`100 USD` is not a plain number | write `100`; amounts are US dollars");
        check(usd, "40,000", "`40,000` is not a plain number | write `40000`; amounts are US dollars");
        check(usd, "\"100\"", "`\"100\"` is a text, not a number | write `100` without quotes");
        check(usd, ".inf", "`.inf` is no finite number | write a number such as `100`");
        check(usd, ".NaN", "`.NaN` is no finite number | write a number such as `100`");
        check(usd, "1e999", "`1e999` is no finite number | write a number such as `100`");
        check(usd, "lots", "`lots` is not a number | write a number such as `100`");
        check(usd, "0x10", "`0x10` is not a number | write a number such as `100`");
        let zero =
            "the ceiling is 0, and everything would be above it | write an amount above 0, such as `100`";
        check(usd_above_zero, "0", zero);
        check(positive, "0", "`0` is not above 0 | write a number above 0, such as `1000`");
        check(positive, "1000/s", "`1000/s` is not a plain number | write `1000`");
    }

    #[test]
    fn shares() {
        check(share_below_one, "99.9%", "0.999");
        check(share_below_one, "99 %", "0.99");
        check(share_below_one, "\"99.95%\"", "0.9995");
        check(share, "5%", "0.05");
        check(share, "100%", "1.0");
        check(share_below_one, "99.9", "`99.9` has no `%` | write `99.9%`");
        check(share_below_one, "0.999", "`0.999` has no `%` | write `99.9%`");
        check(share, "1e3%", "`1e3%` is no share | write a share in percent, such as `99.9%`");
        check(share, "inf%", "`inf%` is no share | write a share in percent, such as `99.9%`");
        check(share, "%", "`%` is no share | write a share in percent, such as `99.9%`");
        let help = "write a share above `0%` and below `100%`, such as `99.9%`";
        check(share_below_one, "100%", &format!("`100%` is not between 0% and 100% | {help}"));
        check(share_below_one, "-5%", &format!("`-5%` is not between 0% and 100% | {help}"));
        let help = "write a share above `0%` and up to `100%`, such as `5%`";
        check(share, "0%", &format!("`0%` is not between 0% and 100% | {help}"));
        check(share, "101%", &format!("`101%` is not between 0% and 100% | {help}"));
    }

    #[test]
    fn durations() {
        check(duration, "5m", "PromDuration(300000)");
        check(duration, "5", "`5` has no unit | write `5s`");
        check(duration, "0.5", "`0.5` has no unit | write `500ms`");
        check(duration, "1.5s", "`1.5s` is no duration | write `1s500ms`");
        check(duration, "5 min", "`5 min` is no duration | write `5m`");
        check(duration, "5M", "`5M` is no duration | write `5m`");
        check(duration, "30 seconds", "`30 seconds` is no duration | write `30s`");
        check(
            duration,
            "soon",
            "`soon` is no duration | write whole numbers with units, such as `250ms`, `5s` or `1h30m`",
        );
        check(duration, "300y", "`300y` is longer than 290 years | write a shorter duration, such as `1d`");
        check(duration_above_zero, "0s", "`0s` is not above 0 | write a duration such as `5s`");
        check(scrape_interval, "1s", "PromDuration(1000)");
        check(scrape_interval, "5m", "PromDuration(300000)");
        let help = "write a scrape interval such as `15s`; Prometheus forgets a sample after 5m";
        check(scrape_interval, "100ms", &format!("`100ms` is not between `1s` and `5m` | {help}"));
        check(scrape_interval, "6m", &format!("`6m` is not between `1s` and `5m` | {help}"));
    }

    #[test]
    fn switches_ports_and_addresses() {
        check(switch, "true", "true");
        check(switch, "yes", "`yes` is neither `true` nor `false` | write `true`");
        check(switch, "\"false\"", "`false` is neither `true` nor `false` | write `false`");
        check(switch, "5", "`5` is neither `true` nor `false` | write `true` or `false`");
        check(port, "65535", "65535");
        for bad in ["0", "65536", "-1", "+80", "http", "80.0"] {
            check(port, bad, &format!("`{bad}` is no port | write a number from 1 to 65535, such as `9090`"));
        }
        check(address, "0.0.0.0", "0.0.0.0");
        check(address, "::1", "::1");
        check(address, "localhost", "`localhost` is no IP address | write `127.0.0.1`");
        let help = "write an IP address such as `127.0.0.1`, or `0.0.0.0` for every interface";
        check(address, "10.0.0", &format!("`10.0.0` is no IP address | {help}"));
    }

    #[test]
    fn images() {
        check(image, "prom/prometheus:v3.16.0", "\"prom/prometheus:v3.16.0\"");
        check(image, "localhost:5000/a/b:1", "\"localhost:5000/a/b:1\"");
        let digest = format!("prom/prometheus@sha256:{}", "0a".repeat(32));
        check(image, &digest, &format!("{digest:?}"));
        let help = "write an image such as `prom/prometheus:v3.16.0`";
        check(image, "a b:1", &format!("`a b:1` is no image | {help}"));
        check(image, "a:", &format!("`a:` is no image | {help}"));
        check(
            image,
            "localhost:5000/prometheus",
            "`localhost:5000/prometheus` has no tag | write which version you mean, such as `localhost:5000/prometheus:1.2.3`",
        );
        check(image, "a@sha256:00", "`sha256:00` is no digest | write `@sha256:` and 64 hexadecimal digits");
    }
}
