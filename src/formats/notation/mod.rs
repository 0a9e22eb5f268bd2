//! The notation of series in promtool's unit tests and in scripts of Prometheus' own tests
//! (<https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series>).

mod metric;
mod values;

pub use metric::Metric;
pub use values::{Iter, Values};

use crate::text::Span;

/// What is wrong with a text, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub message: String,
    pub help: Option<&'static str>,
    pub span: Span,
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Reads the labels of a series: `name{label="value"}`.
pub fn metric(text: &str) -> Result<Metric, Vec<Mistake>> {
    let (metric, end) = metric::metric(text).map_err(|mistake| vec![mistake])?;
    let rest = text[end..].trim_end_matches(is_blank);
    if rest.is_empty() {
        return Ok(metric);
    }
    let message = format!("`{}` is not expected here", rest.trim_start_matches(is_blank));
    Err(vec![Mistake { message, help: None, span: Span::new(end, end + rest.len()) }])
}

/// Reads the values of a series: `1 2 _ stale 0+10x100`.
pub fn values(text: &str) -> Result<Values, Vec<Mistake>> {
    values::values(text, 0)
}

/// Reads a whole line: `name{label="value"} 1 2 _ stale 0+10x100`.
pub fn series(text: &str) -> Result<(Metric, Values), Vec<Mistake>> {
    let (metric, end) = metric::metric(text).map_err(|mistake| vec![mistake])?;
    let rest = &text[end..];
    if !rest.is_empty() && !rest.starts_with(is_blank) {
        let message = format!("`{}` is not expected here", rest.split(is_blank).next().unwrap_or_default());
        let help = Some("a blank parts the values from the labels");
        return Err(vec![Mistake { message, help, span: Span::new(end, text.len()) }]);
    }
    Ok((metric, values::values(rest, end)?))
}
