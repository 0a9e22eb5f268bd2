//! Values as Grafana writes them: units, prefixes, decimals.
//!
//! Source: `@grafana/data`, `valueFormats`; a table of its answers is the test.

mod duration;
mod number;
mod unit;

pub use number::{auto_decimals, js_number, to_fixed};
pub use unit::Unit;

/// A value's text, with what stands before and behind it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Formatted {
    pub prefix: String,
    pub text: String,
    pub suffix: String,
}

impl Formatted {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    fn with(text: String, suffix: &str) -> Self {
        Self { text, suffix: suffix.to_owned(), ..Self::default() }
    }

    /// `12.00` becomes `12`, as on axes.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        if self.text.contains('.') && !self.text.contains('e') {
            self.text.truncate(self.text.trim_end_matches('0').trim_end_matches('.').len());
        }
        self
    }
}

impl std::fmt::Display for Formatted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}{}", self.prefix, self.text, self.suffix)
    }
}

/// A value in a unit of Grafana's, with so many decimals or as many as it needs.
pub fn format(value: f64, unit: &str, decimals: Option<u16>) -> Formatted {
    Unit::named(unit).format(value, decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Unit, decimals, value, text: what `@grafana/data` 13.2.1 answers.
    const TABLE: &str = include_str!("grafana-13.2.1.txt");

    #[test]
    fn values_read_as_in_grafana() {
        let mut wrong = Vec::new();
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let cells: Vec<&str> = line.split(';').collect();
            let [unit, decimals, value, expect, _] = *cells.as_slice() else { panic!("{line}") };
            let got = format(value.parse().unwrap(), unit, decimals.parse().ok()).to_string();
            if got != expect {
                wrong.push(format!("{line} != {got}"));
            }
        }
        assert_eq!(wrong, Vec::<String>::new());
    }
}
