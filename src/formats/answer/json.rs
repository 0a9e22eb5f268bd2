//! An answer as the bytes that Prometheus would send.

use super::{
    Answer, Data, Series,
    escape::{Html, escape},
    number::{push_number, push_plain_number},
};
use crate::time::Timestamp;

/// The answer as JSON on one line, byte for byte as Prometheus writes it.
pub fn to_json(answer: &Answer) -> String {
    let mut out = String::from(r#"{"status":"success","data":{"resultType":""#);
    out.push_str(answer.data.type_name());
    out.push_str(r#"","result":"#);
    match &answer.data {
        Data::Scalar(at, value) => {
            let mut text = String::new();
            push_plain_number(*value, &mut text);
            pair(*at, &text, &mut out);
        }
        Data::String(at, text) => pair(*at, text, &mut out),
        Data::Vector(series) => list(series, &mut out, |series, out| {
            metric(series, out);
            out.push_str(r#","value":"#);
            series.samples.last().into_iter().for_each(|one| sample(one, out));
            out.push('}');
        }),
        Data::Matrix(series) => list(series, &mut out, |series, out| {
            metric(series, out);
            if !series.samples.is_empty() {
                out.push_str(r#","values":"#);
                list(&series.samples, out, sample);
            }
            out.push('}');
        }),
    }
    out.push('}');
    for (key, texts) in [(r#","warnings":"#, &answer.warnings), (r#","infos":"#, &answer.infos)] {
        if !texts.is_empty() {
            out.push_str(key);
            list(texts, &mut out, |text, out| escape(text, Html::Escaped, out));
        }
    }
    out.push('}');
    out
}

pub(super) fn list<T>(items: &[T], out: &mut String, write: impl Fn(&T, &mut String)) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(']');
}

/// The labels, of an object that is not closed yet.
fn metric(series: &Series, out: &mut String) {
    out.push_str(r#"{"metric":{"#);
    for (index, (name, value)) in series.labels.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        escape(name, Html::AsItIs, out);
        out.push(':');
        escape(value, Html::AsItIs, out);
    }
    out.push('}');
}

/// `[1795477826.500,"1"]`: a fraction of a second has three digits.
fn sample((at, value): &(Timestamp, f64), out: &mut String) {
    out.push('[');
    push_instant(*at, out);
    out.push_str(",\"");
    push_number(*value, out);
    out.push_str("\"]");
}

/// Seconds, with three digits of a fraction where there is one.
pub(super) fn push_instant(at: Timestamp, out: &mut String) {
    let mut digits = itoa::Buffer::new();
    let millis = at.0.unsigned_abs();
    if at.0 < 0 {
        out.push('-');
    }
    out.push_str(digits.format(millis / 1000));
    if !millis.is_multiple_of(1000) {
        let thousandths = 1000 + millis % 1000;
        out.push('.');
        out.push_str(&digits.format(thousandths)[1..]);
    }
}

/// Scalars and strings: here a fraction has no zeros at its end.
pub(super) fn pair(at: Timestamp, text: &str, out: &mut String) {
    out.push('[');
    push_plain_number(at.as_secs_f64(), out);
    out.push(',');
    escape(text, Html::Escaped, out);
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(labels: &[(&str, &str)], samples: &[(i64, f64)]) -> Series {
        let samples = samples.iter().map(|(at, value)| (Timestamp(*at), *value)).collect();
        Series { labels: labels.iter().copied().collect(), samples, histograms: 0 }
    }

    #[track_caller]
    fn check(data: Data, expect: &str) {
        let json = to_json(&Answer::new(data));
        let head = r#"{"status":"success","data":{"resultType":""#;
        assert_eq!(json.strip_prefix(head).and_then(|rest| rest.strip_suffix("}}")), Some(expect));
    }

    #[test]
    fn answers_are_written_as_prometheus_does() {
        let at = Timestamp(1_500);
        check(Data::Scalar(at, 1e21), r#"scalar","result":[1.5,"1000000000000000000000"]"#);
        check(Data::Scalar(Timestamp(-2_000), f64::NAN), r#"scalar","result":[-2,"NaN"]"#);
        check(Data::String(at, "a<\"é\n".to_owned()), r#"string","result":[1.5,"a\u003c\"é\n"]"#);
        check(Data::Vector(Vec::new()), r#"vector","result":[]"#);
        check(
            Data::Vector(vec![
                series(&[("__name__", "up"), ("x", "<\"\\\u{1}")], &[(1_500, 1.0)]),
                series(&[], &[(7, f64::INFINITY)]),
            ]),
            r#"vector","result":[{"metric":{"__name__":"up","x":"<\"\\\u0001"},"value":[1.500,"1"]},{"metric":{},"value":[0.007,"+Inf"]}]"#,
        );
        check(
            Data::Matrix(vec![series(&[("x", "y")], &[(-1_050, 1e-7), (2_000, -0.0)])]),
            r#"matrix","result":[{"metric":{"x":"y"},"values":[[-1.050,"1e-07"],[2,"-0"]]}]"#,
        );
    }

    #[test]
    fn what_was_noticed_follows() {
        let answer = Answer {
            warnings: vec!["PromQL warning: <x>".to_owned()],
            infos: vec!["a".to_owned(), "b".to_owned()],
            ..Answer::new(Data::Vector(Vec::new()))
        };
        let expect = r#"{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["PromQL warning: \u003cx\u003e"],"infos":["a","b"]}"#;
        assert_eq!(to_json(&answer), expect);
    }
}
