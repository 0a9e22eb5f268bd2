//! An answer as CSV (RFC 4180), for spreadsheets and scripts.

use std::collections::BTreeSet;

use super::{Answer, Data, number_text};
use crate::time::Timestamp;

/// A head and a row for each sample: `time` (RFC 3339), `value`, then each label that occurs, in the order of names.
///
/// A label that a series lacks is an empty field. Lines end in CR LF.
pub fn to_csv(answer: &Answer) -> String {
    let series = answer.data.series();
    let names: BTreeSet<&str> =
        series.iter().flat_map(|series| series.labels.iter().map(|(name, _)| name)).collect();
    let mut out = String::new();
    row(["time", "value"].into_iter().chain(names.iter().copied()), &mut out);
    match &answer.data {
        Data::Scalar(at, value) => pair(*at, &number_text(*value), &mut out),
        Data::String(at, text) => pair(*at, text, &mut out),
        Data::Vector(_) | Data::Matrix(_) => {}
    }
    for series in series {
        let labels: Vec<&str> =
            names.iter().map(|name| series.labels.get(name).unwrap_or_default()).collect();
        for (at, value) in &series.samples {
            let (at, value) = (at.to_string(), number_text(*value));
            row([at.as_str(), &value].into_iter().chain(labels.iter().copied()), &mut out);
        }
    }
    out
}

fn pair(at: Timestamp, text: &str, out: &mut String) {
    row([at.to_string().as_str(), text], out);
}

fn row<'a>(fields: impl IntoIterator<Item = &'a str>, out: &mut String) {
    for (index, field) in fields.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        if field.contains(['"', ',', '\r', '\n']) {
            out.push('"');
            out.push_str(&field.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(field);
        }
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::answer::Series;

    #[track_caller]
    fn check(data: Data, expect: &str) {
        assert_eq!(to_csv(&Answer::new(data)).replace("\r\n", "|"), expect);
    }

    fn series(labels: &[(&str, &str)], samples: &[(i64, f64)]) -> Series {
        let samples = samples.iter().map(|(at, value)| (Timestamp(*at), *value)).collect();
        Series { labels: labels.iter().copied().collect(), samples, histograms: 0 }
    }

    #[test]
    fn each_sample_is_a_row() {
        check(Data::Scalar(Timestamp(1_500), 2.5), "time,value|1970-01-01T00:00:01.500Z,2.5|");
        check(
            Data::String(Timestamp(0), "a, \"b\"".to_owned()),
            "time,value|1970-01-01T00:00:00Z,\"a, \"\"b\"\"\"|",
        );
        check(Data::Vector(Vec::new()), "time,value|");
        check(
            Data::Matrix(vec![
                series(&[("b", "x,y")], &[(0, 1.0), (1_000, f64::NAN)]),
                series(&[("a", "l\nm")], &[(0, -1e21)]),
            ]),
            "time,value,a,b|1970-01-01T00:00:00Z,1,,\"x,y\"|1970-01-01T00:00:01Z,NaN,,\"x,y\"|\
             1970-01-01T00:00:00Z,-1e+21,\"l\nm\",|",
        );
    }
}
