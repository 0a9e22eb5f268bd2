//! A page of metrics: everything but the values is rendered once.

use std::{collections::BTreeSet, ops::Range};

use super::{
    Format,
    number::{Digits, bound_text, canonical_bound_text, overwrite_integer},
};
use crate::series::{
    Family, Histogram, Kind, Labels,
    labels::{escape_label_value, is_metric_name},
};

/// Units that `OpenMetrics` is told of where the name of a family ends in one.
const UNITS: [&str; 5] = ["bytes", "ratio", "seconds", "tokens", "usd"];

/// Characters of `-1.2345678901234567e-308`.
const LONGEST_FLOAT: usize = 24;

/// The fixed part of an exposition: a scrape writes only values between texts that are ready.
#[derive(Debug, Clone)]
pub struct Page {
    text: Template,
    open_metrics: Template,
}

/// Why families make no page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    #[error("`{0}` is no metric name")]
    Name(String),
    #[error("the counter `{0}` has no `_total` at its end")]
    CounterSuffix(String),
    #[error("the info `{0}` has no `_info` at its end")]
    InfoSuffix(String),
    #[error("the family `{0}` is given twice")]
    FamilyTwice(String),
    #[error("the series `{family}{labels}` is given twice")]
    SeriesTwice { family: String, labels: Labels },
    #[error("the bucket bounds of `{0}` are not finite numbers in ascending order")]
    Bounds(String),
    #[error("the histogram `{0}` has a label `le` of its own")]
    BoundLabel(String),
}

/// The values of a page, in the order of its families and their series. Infos have none.
#[derive(Debug, Clone, Default)]
pub struct Values(Vec<Value>);

#[derive(Debug, Clone, Copy)]
pub(super) enum Value {
    Integer(u64),
    Float(f64),
}

/// Text with places for values.
///
/// From scrape to scrape most integers keep their length, so their digits stay in the text and are written over:
/// long stretches can be copied at once. Floats change their length at nearly each scrape and are put between.
#[derive(Debug, Clone, Default)]
struct Template {
    text: Vec<u8>,
    /// In the order of the text.
    slots: Vec<Slot>,
}

/// A place for a value.
#[derive(Debug, Clone)]
struct Slot {
    /// Where an integer's digits are; empty for a float.
    range: Range<usize>,
    /// What was written last.
    value: Value,
}

impl Values {
    /// Forgets the values and keeps the memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The value of a counter or a gauge that counts.
    pub fn integer(&mut self, value: u64) {
        self.0.push(Value::Integer(value));
    }

    /// The value of a counter or a gauge.
    pub fn float(&mut self, value: f64) {
        self.0.push(Value::Float(value));
    }

    /// The buckets, the sum and the count of a histogram.
    pub fn histogram(&mut self, histogram: &Histogram) {
        self.0.extend(histogram.cumulative().map(Value::Integer));
        self.float(histogram.sum());
        self.integer(histogram.count());
    }
}

impl Page {
    /// Renders what no scrape changes, for both formats.
    pub fn new(families: &[Family]) -> Result<Self, PageError> {
        let mut names = BTreeSet::new();
        for family in families {
            check_family(family)?;
            if !names.insert(&family.name) {
                return Err(PageError::FamilyTwice(family.name.clone()));
            }
        }
        let mut page = Self { text: Template::default(), open_metrics: Template::default() };
        for family in families {
            page.text.family(Format::Text, family);
            page.open_metrics.family(Format::OpenMetrics, family);
        }
        page.open_metrics.text.extend_from_slice(b"# EOF\n");
        Ok(page)
    }

    /// How many values [`Page::write`] needs.
    pub fn len(&self) -> usize {
        self.text.slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the page to `out`.
    ///
    /// # Panics
    /// When the number of values is not [`Page::len`]: the caller's families and values have parted.
    pub fn write(&mut self, format: Format, values: &Values, out: &mut Vec<u8>) {
        assert_eq!(values.0.len(), self.len(), "one value for each sample of the page");
        match format {
            Format::Text => self.text.write(&values.0, out),
            Format::OpenMetrics => self.open_metrics.write(&values.0, out),
        }
    }
}

fn check_family(family: &Family) -> Result<(), PageError> {
    let name = || family.name.clone();
    if !is_metric_name(&family.name) {
        return Err(PageError::Name(name()));
    }
    match &family.kind {
        Kind::Counter if !family.name.ends_with("_total") => return Err(PageError::CounterSuffix(name())),
        Kind::Info if !family.name.ends_with("_info") => return Err(PageError::InfoSuffix(name())),
        Kind::Histogram { bounds } => {
            let ascending = bounds.windows(2).all(|pair| pair[0] < pair[1]);
            if !ascending || !bounds.iter().all(|bound| bound.is_finite()) {
                return Err(PageError::Bounds(name()));
            }
            if family.series.iter().any(|labels| labels.get("le").is_some()) {
                return Err(PageError::BoundLabel(name()));
            }
        }
        Kind::Counter | Kind::Gauge | Kind::Info => {}
    }
    let mut seen = BTreeSet::new();
    match family.series.iter().find(|labels| !seen.insert(*labels)) {
        Some(labels) => Err(PageError::SeriesTwice { family: name(), labels: labels.clone() }),
        None => Ok(()),
    }
}

impl Template {
    fn family(&mut self, format: Format, family: &Family) {
        self.head(format, family);
        for labels in &family.series {
            match &family.kind {
                Kind::Counter | Kind::Gauge => self.sample(&family.name, labels, None),
                Kind::Info => {
                    self.name(&family.name, labels, None);
                    self.text.extend_from_slice(b"1\n");
                }
                Kind::Histogram { bounds } => {
                    let bucket = format!("{}_bucket", family.name);
                    for bound in bounds.iter().copied().chain([f64::INFINITY]) {
                        let le = match format {
                            Format::Text => bound_text(bound),
                            Format::OpenMetrics => canonical_bound_text(bound),
                        };
                        self.sample(&bucket, labels, Some(&le));
                    }
                    self.sample(&format!("{}_sum", family.name), labels, None);
                    self.sample(&format!("{}_count", family.name), labels, None);
                }
            }
        }
    }

    fn head(&mut self, format: Format, family: &Family) {
        let kind = match (&family.kind, format) {
            (Kind::Counter, _) => "counter",
            (Kind::Gauge, _) | (Kind::Info, Format::Text) => "gauge",
            (Kind::Info, Format::OpenMetrics) => "info",
            (Kind::Histogram { .. }, _) => "histogram",
        };
        let help = family.help.replace('\\', r"\\").replace('\n', r"\n");
        let name = &family.name;
        let lines = match format {
            Format::Text => format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"),
            Format::OpenMetrics => {
                let name = match family.kind {
                    Kind::Counter => name.strip_suffix("_total").unwrap_or(name),
                    Kind::Info => name.strip_suffix("_info").unwrap_or(name),
                    Kind::Gauge | Kind::Histogram { .. } => name,
                };
                let unit = UNITS
                    .iter()
                    .find(|unit| name.strip_suffix(**unit).is_some_and(|rest| rest.ends_with('_')))
                    .map(|unit| format!("# UNIT {name} {unit}\n"))
                    .unwrap_or_default();
                format!("# TYPE {name} {kind}\n{unit}# HELP {name} {}\n", help.replace('"', "\\\""))
            }
        };
        self.text.extend_from_slice(lines.as_bytes());
    }

    fn write(&mut self, values: &[Value], out: &mut Vec<u8>) {
        let base = out.len();
        if !self.update(values, out) {
            out.truncate(base);
            self.make_room(values);
            let written = self.update(values, out);
            debug_assert!(written, "there is room for just these values");
        }
    }

    /// Brings the integers up to date and appends the text with the floats. `false`, and `out` is of no use, when an
    /// integer has another length than its place.
    fn update(&mut self, values: &[Value], out: &mut Vec<u8>) -> bool {
        out.reserve(self.text.len() + LONGEST_FLOAT * values.len());
        let mut digits = Digits::default();
        let mut copied = 0;
        for (slot, &value) in self.slots.iter_mut().zip(values) {
            match (slot.value, value) {
                (Value::Integer(before), Value::Integer(now)) => {
                    if !overwrite_integer(&mut self.text[slot.range.clone()], before, now) {
                        return false;
                    }
                }
                (Value::Float(_), Value::Float(_)) => {
                    out.extend_from_slice(&self.text[copied..slot.range.start]);
                    out.extend_from_slice(digits.of(value).as_bytes());
                    copied = slot.range.start;
                }
                (Value::Integer(_), Value::Float(_)) | (Value::Float(_), Value::Integer(_)) => return false,
            }
            slot.value = value;
        }
        out.extend_from_slice(&self.text[copied..]);
        true
    }

    /// Lays the text out anew for values of other lengths or kinds.
    fn make_room(&mut self, values: &[Value]) {
        let old = std::mem::take(&mut self.text);
        let mut digits = Digits::default();
        let mut copied = 0;
        for (slot, &value) in self.slots.iter_mut().zip(values) {
            self.text.extend_from_slice(&old[copied..slot.range.start]);
            copied = slot.range.end;
            let start = self.text.len();
            if let Value::Integer(_) = value {
                self.text.extend_from_slice(digits.of(value).as_bytes());
            }
            *slot = Slot { range: start..self.text.len(), value };
        }
        self.text.extend_from_slice(&old[copied..]);
    }

    /// A line with a place for its value.
    fn sample(&mut self, name: &str, labels: &Labels, le: Option<&str>) {
        self.name(name, labels, le);
        let start = self.text.len();
        self.text.extend_from_slice(b"0\n");
        self.slots.push(Slot { range: start..start + 1, value: Value::Integer(0) });
    }

    fn name(&mut self, name: &str, labels: &Labels, le: Option<&str>) {
        let pairs: Vec<String> = labels
            .iter()
            .chain(le.map(|le| ("le", le)))
            .map(|(name, value)| format!("{name}=\"{}\"", escape_label_value(value)))
            .collect();
        self.text.extend_from_slice(name.as_bytes());
        if !pairs.is_empty() {
            self.text.extend_from_slice(format!("{{{}}}", pairs.join(",")).as_bytes());
        }
        self.text.push(b' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::parse;

    fn family(name: &str, kind: Kind, series: &[&[(&str, &str)]]) -> Family {
        let series = series.iter().map(|pairs| Labels::new(pairs.iter().copied()).unwrap()).collect();
        Family { name: name.to_owned(), help: "A \\ and \"b\".\nMore.".to_owned(), kind, series }
    }

    #[track_caller]
    fn check(families: &[Family], values: &Values, text: &str, open_metrics: &str) {
        let mut page = Page::new(families).unwrap();
        for (format, expect) in [(Format::Text, text), (Format::OpenMetrics, open_metrics)] {
            let mut out = Vec::new();
            page.write(format, values, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expect);
        }
    }

    #[test]
    fn counters_and_gauges() {
        let mut values = Values::default();
        values.integer(3);
        values.float(0.5);
        values.float(-1.5);
        let counter = family("a_usd_total", Kind::Counter, &[&[], &[("m", "x\"y\\z\nw"), ("a", "1")]]);
        check(
            &[counter, family("b", Kind::Gauge, &[&[]])],
            &values,
            "# HELP a_usd_total A \\\\ and \"b\".\\nMore.\n# TYPE a_usd_total counter\na_usd_total 3\n\
             a_usd_total{a=\"1\",m=\"x\\\"y\\\\z\\nw\"} 0.5\n\
             # HELP b A \\\\ and \"b\".\\nMore.\n# TYPE b gauge\nb -1.5\n",
            "# TYPE a_usd counter\n# UNIT a_usd usd\n# HELP a_usd A \\\\ and \\\"b\\\".\\nMore.\na_usd_total 3\n\
             a_usd_total{a=\"1\",m=\"x\\\"y\\\\z\\nw\"} 0.5\n\
             # TYPE b gauge\n# HELP b A \\\\ and \\\"b\\\".\\nMore.\nb -1.5\n# EOF\n",
        );
    }

    #[test]
    fn infos_have_no_value_of_their_own() {
        check(
            &[family("m_info", Kind::Info, &[&[("v", "1")]])],
            &Values::default(),
            "# HELP m_info A \\\\ and \"b\".\\nMore.\n# TYPE m_info gauge\nm_info{v=\"1\"} 1\n",
            "# TYPE m info\n# HELP m A \\\\ and \\\"b\\\".\\nMore.\nm_info{v=\"1\"} 1\n# EOF\n",
        );
    }

    #[test]
    fn histograms_are_cumulative_and_end_in_inf() {
        let bounds = vec![0.5, 1.0];
        let mut histogram = Histogram::new(&bounds);
        for value in [0.25, 1.0, 9.0] {
            histogram.observe(value);
        }
        let mut values = Values::default();
        values.histogram(&histogram);
        check(
            &[family("d_seconds", Kind::Histogram { bounds }, &[&[("m", "x")]])],
            &values,
            "# HELP d_seconds A \\\\ and \"b\".\\nMore.\n# TYPE d_seconds histogram\n\
             d_seconds_bucket{m=\"x\",le=\"0.5\"} 1\nd_seconds_bucket{m=\"x\",le=\"1\"} 2\n\
             d_seconds_bucket{m=\"x\",le=\"+Inf\"} 3\nd_seconds_sum{m=\"x\"} 10.25\nd_seconds_count{m=\"x\"} 3\n",
            "# TYPE d_seconds histogram\n# UNIT d_seconds seconds\n# HELP d_seconds A \\\\ and \\\"b\\\".\\nMore.\n\
             d_seconds_bucket{m=\"x\",le=\"0.5\"} 1\nd_seconds_bucket{m=\"x\",le=\"1.0\"} 2\n\
             d_seconds_bucket{m=\"x\",le=\"+Inf\"} 3\nd_seconds_sum{m=\"x\"} 10.25\nd_seconds_count{m=\"x\"} 3\n\
             # EOF\n",
        );
    }

    #[test]
    fn a_page_is_the_same_whatever_was_written_before() {
        let families = [family("a_total", Kind::Counter, &[&[], &[("m", "x")], &[("m", "y")]])];
        let mut used = Page::new(&families).unwrap();
        let scrapes = [
            [Value::Integer(0), Value::Float(0.5), Value::Integer(u64::MAX)],
            [Value::Integer(9), Value::Float(0.25), Value::Integer(0)],
            [Value::Integer(10), Value::Float(-0.0), Value::Integer(999)],
            [Value::Integer(11), Value::Float(0.0), Value::Integer(1000)],
            [Value::Integer(99), Value::Float(f64::NAN), Value::Integer(1999)],
            [Value::Integer(99), Value::Float(f64::NAN), Value::Integer(2001)],
            [Value::Float(1.5), Value::Integer(100), Value::Integer(3)],
            [Value::Integer(150), Value::Float(99.0), Value::Float(4.0)],
        ];
        for scrape in scrapes {
            let values = Values(scrape.to_vec());
            let (mut got, mut fresh) = (b"before".to_vec(), b"before".to_vec());
            used.write(Format::Text, &values, &mut got);
            Page::new(&families).unwrap().write(Format::Text, &values, &mut fresh);
            assert_eq!(String::from_utf8(got).unwrap(), String::from_utf8(fresh.clone()).unwrap());
            let expect = scrape.map(|value| match value {
                Value::Integer(value) => value as f64,
                Value::Float(value) => value,
            });
            let read = parse(str::from_utf8(&fresh[6..]).unwrap()).unwrap();
            let read: Vec<u64> = read.iter().map(|sample| sample.value.to_bits()).collect();
            assert_eq!(read, expect.map(f64::to_bits));
        }
    }

    #[track_caller]
    fn check_error(families: &[Family], expect: &str) {
        assert_eq!(Page::new(families).unwrap_err().to_string(), expect);
    }

    #[test]
    fn families_that_make_no_page() {
        let histogram = |bounds: &[f64]| Kind::Histogram { bounds: bounds.to_vec() };
        check_error(&[family("a b", Kind::Gauge, &[])], "`a b` is no metric name");
        check_error(&[family("a", Kind::Counter, &[])], "the counter `a` has no `_total` at its end");
        check_error(&[family("a", Kind::Info, &[])], "the info `a` has no `_info` at its end");
        let twice = family("a", Kind::Gauge, &[]);
        check_error(&[twice.clone(), twice], "the family `a` is given twice");
        let same: &[(&str, &str)] = &[("m", "x")];
        check_error(&[family("a", Kind::Gauge, &[same, same])], "the series `a{m=\"x\"}` is given twice");
        let bounds = "the bucket bounds of `a` are not finite numbers in ascending order";
        check_error(&[family("a", histogram(&[1.0, 1.0]), &[])], bounds);
        check_error(&[family("a", histogram(&[f64::INFINITY]), &[])], bounds);
        check_error(&[family("a", histogram(&[f64::NAN, 1.0]), &[])], bounds);
        let le: &[(&str, &str)] = &[("le", "1")];
        check_error(&[family("a", histogram(&[]), &[le])], "the histogram `a` has a label `le` of its own");
    }
}
