//! Reads a page whose samples carry timestamps into columns.

use std::collections::HashMap;

use super::read::{Lines, ParseError, ParseErrorKind, Wrong, read_series};
use crate::{
    series::{Columns, LabelsError, METRIC_NAME, SeriesId},
    time::Timestamp,
};

/// What was read of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct History {
    pub samples: usize,
    /// How many of them carried a timestamp.
    pub timed: usize,
    /// Of the samples with a timestamp, the earliest and the latest.
    pub span: Option<(Timestamp, Timestamp)>,
}

/// Appends the samples of a page; those without a timestamp are of the instant `scrape`.
///
/// Lines of different series may stand in any order. Within a series time has to go forward, through all pages that
/// are read into the same columns: a sample that is older than the one before it, or as old, is an error. Bounds of
/// buckets and quantiles are stored as Prometheus stores them, `1.0` for `1`.
pub fn read_history(page: &str, scrape: Timestamp, columns: &mut Columns) -> Result<History, ParseError> {
    let mut lines = Lines::new(page);
    let mut history = History::default();
    // A series is taken apart once; after that its text is enough to know it.
    let mut known: HashMap<&str, SeriesId> = HashMap::new();
    while let Some(line) = lines.next_sample()? {
        let id = if let Some(id) = known.get(line.series) {
            *id
        } else {
            let wrong = |wrong| lines.error(wrong);
            let (name, mut pairs) = read_series(line.series).map_err(wrong)?;
            lines.bounds().normalise(&mut pairs);
            // The name's label sorts before some and after others: `A` < `__name__` < `a`.
            let place = pairs.partition_point(|(label, _)| *label < METRIC_NAME);
            if pairs.get(place).is_some_and(|(label, _)| *label == METRIC_NAME) {
                let twice = ParseErrorKind::Labels(LabelsError::Twice(METRIC_NAME.to_owned()));
                return Err(wrong(Wrong::new(line.series, twice)));
            }
            pairs.insert(place, (METRIC_NAME, name.into()));
            let id = columns.series_of(pairs.iter().map(|(name, value)| (*name, &**value)));
            known.insert(line.series, id);
            id
        };
        let at = line.timestamp.unwrap_or(scrape);
        columns.append(id, at, line.value).map_err(|cause| {
            let series = line.series.to_owned();
            lines.error(Wrong::new(line.series, ParseErrorKind::Order { series, cause }))
        })?;
        history.samples += 1;
        if line.timestamp.is_some() {
            history.timed += 1;
            let (first, last) = history.span.unwrap_or((at, at));
            history.span = Some((first.min(at), last.max(at)));
        }
    }
    Ok(history)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::{Select as _, TimeSpan};

    /// Series and samples as text, in the order of their making.
    fn shown(columns: &Columns) -> String {
        let everything = TimeSpan { from: Timestamp(i64::MIN), to: Timestamp(i64::MAX) };
        let all: Vec<_> = columns.select(&[], everything).unwrap().collect();
        let sample = |(at, value): (&Timestamp, &f64)| format!(" {value}@{}", at.0);
        let line = |series: &crate::series::Selected<'_>| {
            let samples = series.times.iter().zip(series.values.iter()).map(sample).collect::<String>();
            format!("{}{samples}", series.labels)
        };
        all.iter().map(line).collect::<Vec<_>>().join("; ")
    }

    #[track_caller]
    fn check(page: &str, expect: Result<&str, &str>) {
        let mut columns = Columns::new();
        let got = read_history(page, Timestamp(7), &mut columns).map(|_| shown(&columns));
        assert_eq!(got.as_deref().map_err(ToString::to_string), expect.map_err(str::to_owned));
    }

    #[test]
    fn samples_become_columns() {
        check("", Ok(""));
        check("a 1 10\na 2 20\nb 3 10\n", Ok(r#"{__name__="a"} 1@10 2@20; {__name__="b"} 3@10"#));
        check("a 1 10\nb 3 10\na 2 20\n", Ok(r#"{__name__="a"} 1@10 2@20; {__name__="b"} 3@10"#));
        check("b 1 20\na 2 10\nb 3 21\n", Ok(r#"{__name__="b"} 1@20 3@21; {__name__="a"} 2@10"#));
        check("a{x=\"1\"} 1 0.5\na{x=\"1\"} 2 1.5\n# EOF\n", Ok(r#"{__name__="a",x="1"} 1@500 2@1500"#));
        check("a 1\nb 2 5", Ok(r#"{__name__="a"} 1@7; {__name__="b"} 2@5"#));
        check("a{x=\"1\",y=\"2\"} 1 1\na{y=\"2\", x=\"1\"} 2 2", Ok(r#"{__name__="a",x="1",y="2"} 1@1 2@2"#));
        check(r#"a{A="1",b="2",B=""} 1 1"#, Ok(r#"{A="1",__name__="a",b="2"} 1@1"#));
        check("a -1 -5\na NaN 0", Ok(r#"{__name__="a"} -1@-5 NaN@0"#));
    }

    #[test]
    fn time_goes_forward_within_a_series() {
        check("a 1 10\n\na 2 10", Err("line 3: `a`: there is another sample at 10 ms"));
        check("a 1 10\na 2 9", Err("line 2: `a`: a sample at 9 ms is older than the last one, at 10 ms"));
        check("a 1\na 2", Err("line 2: `a`: there is another sample at 7 ms"));
        check(
            "a{x=\"1\"} 1 1\na{x=\"1\",} 2 1",
            Err("line 2: `a{x=\"1\",}`: there is another sample at 1 ms"),
        );
        check("a 1 1\na{9=\"1\"} 1 1", Err("line 2: `9` is no label name"));
        check("a{__name__=\"b\"} 1 1", Err("line 1: the label `__name__` is given twice"));
    }

    #[test]
    fn bounds_are_stored_as_prometheus_stores_them() {
        let bucket = |kind: &str, le: &str| format!("# TYPE a {kind}\na_bucket{{le=\"{le}\"}} 1 1\n");
        let stored = |le: &str| format!("{{__name__=\"a_bucket\",le=\"{le}\"}} 1@1");
        for (written, expect) in [
            ("1", "1.0"),
            ("1.0", "1.0"),
            ("0.5", "0.5"),
            ("1e6", "1e+06"),
            ("1000000", "1e+06"),
            ("-inf", "-Inf"),
            ("inf", "+Inf"),
            ("nan", "NaN"),
            ("x", "x"),
        ] {
            check(&bucket("histogram", written), Ok(&stored(expect)));
            check(&bucket("counter", written), Ok(&stored(written)));
        }
        check("# TYPE a summary\na{quantile=\"1\"} 1 1", Ok(r#"{__name__="a",quantile="1.0"} 1@1"#));
    }

    #[test]
    fn what_was_read_is_counted() {
        let mut columns = Columns::new();
        let first = read_history("a 1 30\nb 1 10\nc 1", Timestamp(7), &mut columns).unwrap();
        let span = Some((Timestamp(10), Timestamp(30)));
        assert_eq!(first, History { samples: 3, timed: 2, span });
        let second = read_history("a 1 31", Timestamp(7), &mut columns).unwrap();
        assert_eq!((second.samples, columns.samples(), columns.len()), (1, 4, 3));
        assert!(read_history("a 1 31", Timestamp(7), &mut columns).is_err());
    }
}
