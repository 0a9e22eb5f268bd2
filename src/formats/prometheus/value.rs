//! Single values of the file: whole numbers, sizes, durations with a default.

use crate::{
    formats::reader::Reader,
    time::PromDuration,
    yaml::{Entry, Style},
};

impl Reader<'_> {
    /// A whole number, not negative; 0 where nothing was written, as Prometheus reads its limits.
    pub(super) fn whole(&mut self, entry: Option<&Entry>) -> u64 {
        let Some(text) = self.text(entry) else { return 0 };
        let digits = text.as_str().replace('_', "");
        match digits.parse::<u64>() {
            Ok(number) if text.scalar().style == Style::Plain => number,
            _ => {
                let message = format!("`{}` is no whole number", text.as_str());
                self.mistake(text.span(), message, "write digits, without quotes");
                0
            }
        }
    }

    /// As [`Reader::whole`], for what is counted in memory.
    pub(super) fn count(&mut self, entry: Option<&Entry>) -> usize {
        usize::try_from(self.whole(entry)).unwrap_or(usize::MAX)
    }

    /// Bytes such as `10MB` or `1GiB`, both by powers of 1024; 0 where nothing was written.
    pub(super) fn bytes(&mut self, entry: Option<&Entry>) -> u64 {
        let Some(text) = self.text(entry) else { return 0 };
        let size = size(text.as_str());
        if size.is_none() {
            let message = format!("`{}` is no size", text.as_str());
            self.mistake(
                text.span(),
                message,
                "write a number with its unit, such as `512KB`, `10MB` or `1GB`",
            );
        }
        size.unwrap_or(0)
    }

    /// A duration, or the default where none was written or it is 0.
    pub(super) fn duration_or(&mut self, entry: Option<&Entry>, default: PromDuration) -> PromDuration {
        match self.duration(entry) {
            Some(duration) if duration.node.as_millis() > 0 => duration.node,
            _ => default,
        }
    }

    pub(super) fn switch_or(&mut self, entry: Option<&Entry>, default: bool) -> bool {
        self.switch(entry).unwrap_or(default)
    }

    /// A text; empty where nothing was written.
    pub(super) fn words(&mut self, entry: Option<&Entry>) -> String {
        self.text(entry).map(|text| text.as_str().to_owned()).unwrap_or_default()
    }
}

/// Bytes, as `github.com/alecthomas/units` reads its base 2: numbers with units one after the other, each `B`, or
/// `K` to `E` with `B` or `iB` (one kind throughout), by powers of 1024.
pub(super) fn size(text: &str) -> Option<u64> {
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    if unsigned == "0" || text == "-0" {
        return Some(0);
    }
    ["iB", "B"].iter().find_map(|suffix| sized(unsigned, suffix))
}

fn sized(text: &str, suffix: &str) -> Option<u64> {
    let mut rest = text;
    let mut total = 0.0_f64;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(|byte| !byte.is_ascii_digit() && *byte != b'.').count();
        let unit = rest.get(..letters)?;
        rest = &rest[letters..];
        let power = match unit {
            "B" => 0,
            _ => 1 + "KMGTPE".find(unit.strip_suffix(suffix).filter(|prefix| prefix.len() == 1)?)?,
        };
        total += number * 1024_f64.powi(i32::try_from(power).ok()?);
    }
    // Prometheus holds sizes as i64.
    if total.is_nan() || total >= 9.2e18 || text.is_empty() {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, below 2^63")]
    Some(total as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<u64>) {
        assert_eq!(size(text), expect, "{text}");
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        check("0", Some(0));
        check("17B", Some(17));
        check("15MB", Some(15 << 20));
        check("15MiB", Some(15 << 20));
        check("5GB", Some(5 << 30));
        check("1.5KiB", Some(1536));
        check("1GB512MB", Some((1 << 30) + (512 << 20)));
        check("+1EB", Some(1 << 60));
        for text in
            ["", "1", "100", "MB", "1kB", "1 MB", "-1MB", "1XB", "1MiBB", "1.2.3MB", "9EB", "1KMB", "1é"]
        {
            check(text, None);
        }
    }
}
