//! What a scrape takes of a page, what it refuses and on which line.

use std::fmt::Write as _;

use super::*;

/// The entries of a page, one line each; or the mistake.
fn shown(page: &str, format: Format, guess: &str) -> Result<String, String> {
    let mut scan = Scan::new(page, format);
    let mut lines = Vec::new();
    loop {
        let entry = match scan.next(guess) {
            Ok(Some(entry)) => entry,
            Ok(None) => return Ok(lines.join("; ")),
            Err(error) => return Err(error.to_string()),
        };
        lines.push(match entry {
            Entry::Type(family, kind) => format!("{family} is {}", kind.name()),
            Entry::Help(family, text) => format!("{family}: {text}"),
            Entry::Unit(family, unit) => format!("{family} in {unit}"),
            Entry::Sample(sample) => {
                let labels =
                    series_labels(sample.series, format, scan.kind()).map_err(|wrong| wrong.to_string())?;
                let mut line = format!("{}={}", joined(&labels), sample.value);
                if let Some(at) = sample.timestamp {
                    write!(line, "@{}", at.0).unwrap();
                }
                if let Some(exemplar) = sample.exemplar {
                    write!(line, " # {}={}", joined(&exemplar.labels), exemplar.value).unwrap();
                    line += &exemplar.timestamp.map(|at| format!("@{}", at.0)).unwrap_or_default();
                }
                line
            }
        });
    }
}

fn joined(pairs: &Pairs<'_>) -> String {
    pairs
        .iter()
        .map(|(name, value)| format!("{name}:{value}"))
        .collect::<Vec<_>>()
        .join(",")
        .replace("__name__:", "")
}

#[track_caller]
fn text(page: &str, expect: Result<&str, &str>) {
    let got = shown(page, Format::Text, "");
    assert_eq!(got.as_deref().map_err(String::as_str), expect, "{page:?}");
    // A guess changes nothing.
    for guess in ["a", "a{x=\"1\"}", "b"] {
        assert_eq!(shown(page, Format::Text, guess), got, "{page:?} with {guess}");
    }
}

#[track_caller]
fn open_metrics(page: &str, expect: Result<&str, &str>) {
    let got = shown(page, Format::OpenMetrics, "");
    assert_eq!(got.as_deref().map_err(String::as_str), expect, "{page:?}");
    for guess in ["a", "a{x=\"1\"}", "b"] {
        assert_eq!(shown(page, Format::OpenMetrics, guess), got, "{page:?} with {guess}");
    }
}

#[test]
fn text_pages() {
    text("", Ok(""));
    text("\n \n\t\n", Ok(""));
    text("a 1", Ok("a=1"));
    text("a 1\nb{} 2\n", Ok("a=1; b=2"));
    text("a{x=\"1\"} 2\na{x=\"1\"}3\n a\t4\n", Ok("a,x:1=2; a,x:1=3; a=4"));
    text("a {x=\"1\"} 2", Ok("a,x:1=2"));
    text("a  { x = \"1\" , y=\"2\" , } 2 1700000000000 \n", Ok("a,x:1,y:2=2@1700000000000"));
    text("a{x=\"1\" y=\"2\"} 2", Ok("a,x:1,y:2=2"));
    text("a+Inf\n", Ok("a=inf"));
    text("a:b NaN", Ok("a:b=NaN"));
    text("a{x=\"\\\"\\\\\\n\\t}{\"} 1", Ok("a,x:\"\\\n\\t}{=1"));
    text("a{x=\"é\n中\"} 1", Ok("a,x:é\n中=1"));
    text("{\"é.b\",x=\"1\"} 1", Ok("é.b,x:1=1"));
    text("{x=\"1\",\"a\"} 1", Ok("x:1,a=1"));
    text("a{\"é\\\"\"=\"1\"} 1", Ok("a,é\":1=1"));
    text("# HELP a b \\n\\\\ \\\" c \n# TYPE a counter\na 1", Ok("a: b \n\\ \\\" c ; a is counter; a=1"));
    text("#\tHELP\t\ta\n# HELP \"é\" x", Ok("a: ; é: x"));
    text("# TYPE a untyped\n# UNIT a b\n# EOF\n#HELP 9\n# HELPS 9\n# TYPE\n#", Ok("a is unknown"));
    text(
        "# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 1",
        Ok("a is histogram; a_bucket,le:1.0=1; a_bucket,le:+Inf=1"),
    );
    text("# TYPE a summary\na{quantile=\"0.50\",le=\"1\"} 1", Ok("a is summary; a,quantile:0.5,le:1=1"));
}

#[test]
fn text_pages_that_are_refused() {
    text("a 1\n9a 1", Err("line 2: expected a metric, got \"9a 1\""));
    text("a", Err("line 1: expected a value, got \"\""));
    text("a\n1", Err("line 1: expected a value, got \"\""));
    text("a one", Err("line 1: \"one\" is no number"));
    text("a 1\r\n", Err("line 1: \"1\\r\" is no number"));
    text("a 1 -5", Err("line 1: \"-5\" is no timestamp"));
    text("a 1 5.5", Err("line 1: \"5.5\" is no timestamp"));
    text("a 1 99999999999999999999", Err("line 1: \"99999999999999999999\" is no timestamp"));
    text("a 1 5 6", Err("line 1: expected the end of the line, got \"6\""));
    text("a 1 # {x=\"1\"} 1", Err("line 1: \"#\" is no timestamp"));
    text("a{x=\"1\"", Err("line 1: the braces are not closed: \"a{x=\\\"1\\\"\""));
    text("a{x=\"1", Err("line 1: the braces are not closed: \"a{x=\\\"1\""));
    text("a{x=\n} 1", Err("line 1: the braces are not closed: \"a{x=\""));
    text("a{,} 1", Err("expected a label name, got \",}\""));
    text("a{x=\"1\",,} 1", Err("expected a label name, got \",}\""));
    text("a{x:y=\"1\"} 1", Err("expected `=` after a label name, got \":y=\\\"1\\\"}\""));
    text("a{x=1} 1", Err("expected a label value in quotes, got \"1}\""));
    text("a{\"b\"} 1", Err("metric name already set: \"b\""));
    text("{x=\"1\"} 1", Err("metric name not set: \"{x=\\\"1\\\"}\""));
    text("{} 1", Err("metric name not set: \"{}\""));
    text("a{x=\"1\"}{y=\"2\"} 1", Err("line 1: expected a value, got \"{y=\\\"2\\\"} 1\""));
    text("# TYPE a  counter", Err("line 1: invalid metric type \" counter\""));
    text("# TYPE a info", Err("line 1: invalid metric type \"info\""));
    text("\n# HELP 9a x", Err("line 2: expected a metric name after HELP"));
    text("a 1e999", Err("line 1: \"1e999\" is out of range"));
}

#[test]
fn open_metrics_pages() {
    open_metrics("# EOF", Ok(""));
    open_metrics("# EOF\n", Ok(""));
    open_metrics("a 1\n# EOF\n", Ok("a=1"));
    open_metrics("a{x=\"1\"} 1 1700000000.1239\n# EOF", Ok("a,x:1=1@1700000000123"));
    open_metrics("a{x=\"1\",} 1 -1.5\n# EOF", Ok("a,x:1=1@-1500"));
    open_metrics("a 1 # {} 2\n# EOF", Ok("a=1 # =2"));
    open_metrics("a 1 # {t=\"x y\",} 2 3.5\na 2\n# EOF", Ok("a=1 # t:x y=2@3500; a=2"));
    open_metrics("a 1 5 # {t=\"x\"} 2\n# EOF", Ok("a=1@5000 # t:x=2"));
    open_metrics("{\"é\"} 1\n# EOF", Ok("é=1"));
    open_metrics(
        "# HELP a_seconds b \\\" c\n# UNIT a_seconds seconds\n# TYPE a_seconds stateset\n# EOF\n",
        Ok("a_seconds: b \" c; a_seconds in seconds; a_seconds is stateset"),
    );
}

#[test]
fn open_metrics_pages_that_are_refused() {
    open_metrics("", Err("line 1: data does not end with # EOF"));
    open_metrics("a 1\n", Err("line 2: data does not end with # EOF"));
    open_metrics("a 1", Err("line 1: data does not end with # EOF"));
    open_metrics("# EOF\na 1", Err("line 1: unexpected data after # EOF"));
    open_metrics("\n# EOF", Err("line 1: expected a metric, got \"\""));
    open_metrics("a  1\n# EOF", Err("line 1: expected a value, got \"  1\""));
    open_metrics("a 1 \n# EOF", Err("line 1: expected the end of the line, got \" \""));
    open_metrics("a{ x=\"1\"} 1\n# EOF", Err("expected a label name, got \" x=\\\"1\\\"}\""));
    open_metrics(
        "a{x=\"1\"y=\"2\"} 1\n# EOF",
        Err("expected a comma or a closing brace, got \"y=\\\"2\\\"}\""),
    );
    open_metrics("a{x=\"1\n\"} 1\n# EOF", Err("expected a label value in quotes, got \"\\\"1\""));
    open_metrics("a 1 nan\n# EOF", Err("line 1: \"nan\" is no timestamp"));
    open_metrics("a 1 # {\"t\"} 1\n# EOF", Err("line 1: expected `=` after a label name, got \"} 1\""));
    open_metrics("a 1 # {t=\"x\"}\n# EOF", Err("line 1: expected a value, got \"\""));
    open_metrics("# comment\n# EOF", Err("line 1: expected a metric, got \"comment\""));
    open_metrics("# HELP a\n# EOF", Err("line 1: expected text in HELP"));
    open_metrics("# UNIT a_b seconds\n# EOF", Err("line 1: unit \"seconds\" not a suffix of metric \"a_b\""));
    open_metrics(
        "# UNIT seconds seconds\n# EOF",
        Err("line 1: unit \"seconds\" not a suffix of metric \"seconds\""),
    );
    open_metrics("# TYPE a untyped\n# EOF", Err("line 1: invalid metric type \"untyped\""));
}

#[test]
fn no_text_makes_it_panic() {
    let parts = [
        "a",
        "9",
        "{",
        "}",
        "\"",
        "\\",
        "=",
        ",",
        " ",
        "\n",
        "\t",
        "#",
        "# HELP ",
        "# TYPE a counter",
        "# EOF",
        "1",
        "é",
        "x=\"1\"",
        "\u{0}",
        "NaN",
        ".",
        "-",
    ];
    let mut state = 1_u64;
    for _ in 0..50_000 {
        let mut page = String::new();
        for _ in 0..12 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            page.push_str(parts[usize::try_from(state >> 33).unwrap() % parts.len()]);
        }
        for format in [Format::Text, Format::OpenMetrics] {
            let plain = shown(&page, format, "");
            assert_eq!(shown(&page, format, "a"), plain, "{page:?}");
            assert_eq!(shown(&page, format, "a{x=\"1\"}"), plain, "{page:?}");
        }
    }
}
