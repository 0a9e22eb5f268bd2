//! Templates held against what Go's `text/template` and Prometheus' functions answer.

use super::*;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().copied().collect()
}

fn answer(query: &str) -> Result<Vec<(Labels, f64)>, String> {
    match query {
        "none" => Ok(Vec::new()),
        "bad" => Err("bad query".to_owned()),
        _ => Ok(vec![
            (labels(&[("__name__", "m"), ("instance", "b:9090"), ("z", "1")]), 1.5),
            (labels(&[("__name__", "m"), ("instance", "a:9090"), ("z", "2")]), 3_000_000.0),
            (labels(&[("__name__", "m"), ("instance", "c.example.com"), ("__value__", "x")]), 21.0),
        ]),
    }
}

fn expanded(text: &str) -> Result<String, TemplateError> {
    let pairs = [("instance", "host.example:9090"), ("job", "api"), ("model", "gpt-4o"), ("n", "42")];
    let context = Context {
        labels: &labels(&pairs),
        value: 1.5,
        external_labels: &labels(&[("region", "eu")]),
        external_url: "http://prom.example:9090/base",
        server_url: Some("http://prom.example:9090/base"),
        now: Timestamp(1_600_000_000_123),
        query: &answer,
    };
    Template::parse("__alert_X", text)?.expand(&context)
}

/// Messages without the template's name.
#[track_caller]
fn check(text: &str, expect: Result<&str, &str>) {
    let got = expanded(text).map_err(|error| error.message.replace("template: __alert_X:", ""));
    assert_eq!(got.as_deref().map_err(String::as_str), expect, "{text}");
}

#[test]
fn what_has_no_end_is_ended() {
    let deep = format!("{}1{}", "(".repeat(5000), ")".repeat(5000));
    let branches = "{{if true}}".repeat(5000);
    let chain = format!("{{{{if false}}}}{}{{{{end}}}}", "{{else if false}}".repeat(5000));
    for text in [
        "{{ range 100000000 }}{{ end }}",
        r#"{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}"#,
        r#"{{ $x := "ab" }}{{ range 1000 }}{{ $x = print $x $x }}{{ end }}"#,
        r#"{{ $x := printf "%100000d" 1 }}{{ reReplaceAll "" $x $x }}"#,
        r#"{{ range 1000 }}{{ printf "%10000d" 1 }}{{ end }}"#,
        &format!("{{{{ {deep} }}}}"),
        &branches,
        &chain,
    ] {
        expanded(text).unwrap_err();
    }
}

#[test]
fn any_text_is_answered() {
    let parts = [
        "{{",
        "}}",
        "-",
        " ",
        "$value",
        "$labels.a",
        ".",
        "|",
        "(",
        ")",
        "\"",
        "`",
        "'",
        "range",
        "if",
        "end",
        "else",
        "with",
        "define",
        "template",
        "block",
        "printf",
        "%d",
        "%[1]*.5",
        "é",
        "\n",
        "1e9",
        "0x",
        ":=",
        "$x",
        ",",
        "query",
        "/*",
        "*/",
        "index",
        "\\",
        "nil",
        "first",
    ];
    let mut seed = 7_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..=(seed >> 33) % 14 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(parts[(seed >> 33) as usize % parts.len()]);
        }
        if let Err(error) = expanded(&text) {
            assert!(text.get(error.span.start..error.span.end).is_some(), "{text:?}: {error:?}");
        }
    }
}

#[track_caller]
fn check_reads(text: &str, expect: &str) {
    let reads = Template::parse("__alert_X", text).unwrap().reads();
    let names = [
        (reads.labels, "labels"),
        (reads.value, "value"),
        (reads.external, "external"),
        (reads.query, "query"),
        (reads.now, "now"),
    ];
    let shown: Vec<_> = names.iter().filter(|(reads, _)| *reads).map(|(_, name)| *name).collect();
    assert_eq!(shown.join(" "), expect, "{text}");
}

#[test]
fn a_template_tells_what_it_reads() {
    check_reads("text", "");
    check_reads("{{ $labels.a }}", "labels");
    check_reads("{{ if gt $value 1.0 }}a{{ end }}", "value");
    check_reads("{{ .Value }}", "value");
    check_reads("{{ $.ExternalURL }}{{ $externalLabels.a }}", "external");
    check_reads("{{ $x := $labels }}{{ $x.a }}", "labels");
    check_reads(r#"{{ range query "up" }}{{ .Labels.a }}{{ end }}"#, "labels query");
    check_reads("{{ now }}{{ pathPrefix }}", "external now");
    check_reads("{{ . }}", "labels value external");
    check_reads(r#"{{ define "a" }}{{ $.Value }}{{ end }}{{ template "a" $ }}"#, "labels value external");
    check_reads("{{ (printf \"%v\" $value) | len }}", "value");
}

#[test]
fn spans_are_those_of_the_parts() {
    let text = "a {{ .Nope }} b";
    assert_eq!(&text[5..10], ".Nope");
    assert_eq!(expanded(text).unwrap_err().span, Span::new(5, 10));
    assert_eq!(expanded("a {{ $x }}").unwrap_err().span, Span::new(5, 7));
    assert_eq!(expanded("{{ nope }}").unwrap_err().reason, "function \"nope\" not defined");
}

#[test]
fn texts_values_and_labels() {
    check("plain", Ok("plain"));
    check("{{ $value }}", Ok("1.5"));
    check("{{$labels.instance}}", Ok("host.example:9090"));
    check("{{ $labels.nope }}|", Ok("|"));
    check("{{ .Labels }}", Ok("map[instance:host.example:9090 job:api model:gpt-4o n:42]"));
    check(
        "{{ . }}",
        Ok(
            "{map[instance:host.example:9090 job:api model:gpt-4o n:42] map[region:eu] http://prom.example:9090/base 1.5}",
        ),
    );
    check(
        "{{ $externalLabels.region }} {{ $externalURL }} {{ pathPrefix }}",
        Ok("eu http://prom.example:9090/base /base"),
    );
    check("a {{- 1 -}} b", Ok("a1b"));
    check("a\n {{- /* c */ -}}\n b", Ok("ab"));
    check(r#"{{ index $labels "job" }}"#, Ok("api"));
    check(r#"{{ $.Value }} {{ (index $labels "job") }}"#, Ok("1.5 api"));
}

#[test]
fn printing() {
    check(r#"{{ printf "%.2f" $value }}"#, Ok("1.50"));
    check(r#"{{ printf "%d" $value }}"#, Ok("%!d(float64=1.5)"));
    check(r#"{{ printf "%v %q %x %t" $value "a" "b" true }}"#, Ok(r#"1.5 "a" 62 true"#));
    check(r#"{{ printf "%5.1f|%-10s|%05d|%+d" $value "abc" 42 42 }}"#, Ok("  1.5|abc       |00042|+42"));
    check(r#"{{ printf "%e %g %s" $value $value $value }}"#, Ok("1.500000e+00 1.5 %!s(float64=1.5)"));
    check(r#"{{ printf "%d" }}"#, Ok("%!d(MISSING)"));
    check(r#"{{ printf "x" 1 2.5 "s" nil }}"#, Ok("x%!(EXTRA int=1, float64=2.5, string=s, <nil>)"));
    check(r#"{{ printf "%[2]d %[1]d %[5]d" 1 2 }}"#, Ok("2 1 %!d(BADINDEX)"));
    check(r#"{{ printf "%*d|%-*d|%.*f" 5 1 5 2 2 3.14159 }}"#, Ok("    1|2    |3.14"));
    check(r#"{{ printf "%!" }}"#, Ok("%!!(MISSING)"));
    check(r#"{{ printf "%" }}"#, Ok("%!(NOVERB)"));
    check(
        r#"{{ printf "%#x %#o %O %b %c %U %#U %q" 255 8 8 5 65 65 65 65 }}"#,
        Ok("0xff 010 0o10 101 A U+0041 U+0041 'A' 'A'"),
    );
    check(
        r#"{{ printf "%s|%q|%+v" $labels $labels $labels }}"#,
        Ok(
            r#"map[instance:host.example:9090 job:api model:gpt-4o n:42]|map["instance":"host.example:9090" "job":"api" "model":"gpt-4o" "n":"42"]|map[instance:host.example:9090 job:api model:gpt-4o n:42]"#,
        ),
    );
    check(r#"{{ printf "%T %T %T %T" $value $labels "s" 1 }}"#, Ok("float64 map[string]string string int"));
    check(r#"{{ printf "%#g %#.3g %#x" $value $value $value }}"#, Ok("1.50000 1.50 0x1.8000p+00"));
    check(r#"{{ print 1 2 "a" 3 4.5 true nil }}"#, Ok("1 2a3 4.5 true <nil>"));
    check(r#"{{ println 1 "a" }}"#, Ok("1 a\n"));
    check("{{ print 1000000.0 123456789.0 0.00001 }}", Ok("1e+06 1.23456789e+08 1e-05"));
    check(
        r#"{{ html "<a&'\">" }} {{ js "<'=\n" }} {{ urlquery "a b&c" }}"#,
        Ok(r"&lt;a&amp;&#39;&#34;&gt; \u003C\'\u003D\u000A a+b%26c"),
    );
}

#[test]
fn humanized() {
    check("{{ humanize $value }}", Ok("1.5"));
    check(
        r#"{{ humanize 1234567.891 }} {{ humanize 0.00123 }} {{ humanize "0x10" }} {{ humanize 1e300 }}"#,
        Err(
            r#"1:165: executing "__alert_X" at <humanize "0x10">: error calling humanize: strconv.ParseFloat: parsing "0x10": invalid syntax"#,
        ),
    );
    check("{{ humanize1024 1048576.0 }} {{ humanize1024 0.5 }}", Ok("1Mi 0.5"));
    check(
        "{{ humanizeDuration 86461 }} {{ humanizeDuration 3661.5 }} {{ humanizeDuration 0.00123 }} {{ humanizeDuration -61 }} {{ humanizeDuration 12.345 }}",
        Ok("1d 0h 1m 1s 1h 1m 1s 1.23ms -1m 1s 12.35s"),
    );
    check("{{ humanizePercentage 0.1234567 }} {{ 1.0 | humanizePercentage }}", Ok("12.35% 100%"));
    check("{{ humanizeTimestamp 1600000000.5 }}", Ok("2020-09-13 12:26:40.5 +0000 UTC"));
    check(
        r#"{{ humanize "abc" }}"#,
        Err(
            r#"1:115: executing "__alert_X" at <humanize "abc">: error calling humanize: strconv.ParseFloat: parsing "abc": invalid syntax"#,
        ),
    );
    check(
        "{{ humanize true }}",
        Err(
            r#"1:115: executing "__alert_X" at <humanize true>: error calling humanize: can't convert bool to float"#,
        ),
    );
    check(
        "{{ toTime 1600000000 }} {{ (toTime 0).Year }} {{ (toTime 0).Month }} {{ (toTime 0).Weekday }}",
        Ok("2020-09-13 12:26:40 +0000 UTC 1970 January Thursday"),
    );
    check(
        r#"{{ (1600000000.5 | toTime).Format "Mon 2 Jan 2006 15:04:05.000 MST" }}"#,
        Ok("Sun 13 Sep 2020 12:26:40.500 UTC"),
    );
    check(
        r#"{{ now }} {{ toDuration 90 }} {{ parseDuration "1h30m" }} {{ parseDuration "-5m" }}"#,
        Ok("1.600000000123e+09 1m30s 5400 -300"),
    );
    check(
        r#"{{ parseDuration "5x" }}"#,
        Err(
            r#"1:115: executing "__alert_X" at <parseDuration "5x">: error calling parseDuration: unknown unit "x" in duration "5x""#,
        ),
    );
    check(
        r#"{{ toUpper "aé" }} {{ toLower "AÉ" }} {{ title "foo bar-baz o'neil a.b 2nd" }}"#,
        Ok("AÉ aé Foo Bar-Baz O'neil A.b 2Nd"),
    );
}

#[test]
fn queries() {
    check(r#"{{ query "x" | first | value }}"#, Ok("1.5"));
    check(
        r#"{{ query "none" | first }}"#,
        Err(
            r#"1:130: executing "__alert_X" at <first>: error calling first: first() called on vector with no elements"#,
        ),
    );
    check(
        r#"{{ query "bad" }}"#,
        Err(r#"1:115: executing "__alert_X" at <query "bad">: error calling query: bad query"#),
    );
    check(
        r#"{{ range query "x" | sortByLabel "instance" }}[{{ .Labels.instance }}={{ .Value }}]{{ end }}"#,
        Ok("[a:9090=3e+06][b:9090=1.5][c.example.com=21]"),
    );
    check(
        r#"{{ range $i, $e := query "x" }}{{ if $i }}, {{ end }}{{ $e.Value }}{{ end }}"#,
        Ok("1.5, 3e+06, 21"),
    );
    check(r#"{{ range query "none" }}x{{ else }}none{{ end }}"#, Ok("none"));
    check(
        r#"{{ with query "x" }}{{ . | first | label "instance" }} of {{ len . }}{{ end }}"#,
        Ok("b:9090 of 3"),
    );
    check(r#"{{ strvalue (index (query "x") 2) }}"#, Ok("x"));
    check(r#"{{ query "x" | first }}"#, Ok("{map[__name__:m instance:b:9090 z:1] 1.5}"));
    check(
        r#"{{ index (query "x") 7 }}"#,
        Err(
            r#"1:115: executing "__alert_X" at <index (query "x") 7>: error calling index: index out of range: 7"#,
        ),
    );
    check("{{ query 5 }}", Err(r#"1:121: executing "__alert_X" at <5>: expected string; found 5"#));
    check(
        "{{ query $value }}",
        Err(
            r#"1:121: executing "__alert_X" at <$value>: wrong type for value; expected string; got float64"#,
        ),
    );
    check(
        r#"{{ label "a" nil }}"#,
        Err(
            r#"1:115: executing "__alert_X" at <label "a" nil>: error calling label: runtime error: invalid memory address or nil pointer dereference"#,
        ),
    );
}

#[test]
fn control() {
    check("{{ if gt $value 10.0 }}hi{{ else if gt $value 1.0 }}mid{{ else }}lo{{ end }}", Ok("mid"));
    check(
        "{{ if gt $value 10 }}x{{ end }}",
        Err(
            r#"1:118: executing "__alert_X" at <gt $value 10>: error calling gt: incompatible types for comparison: float64 and int"#,
        ),
    );
    check(r#"{{ or $labels.nope "dflt" }} {{ and 1 0 2 }} {{ not 0 }}"#, Ok("dflt 0 true"));
    check(r#"{{ eq 1 2 3 1 }} {{ ne 1 2 }} {{ lt "a" "b" }} {{ ge 1 2 }}"#, Ok("true true true false"));
    check(
        "{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }}",
        Ok("instance=host.example:9090;job=api;model=gpt-4o;n=42;"),
    );
    check("{{ range $i := 3 }}{{ $i }}{{ end }}", Ok("012"));
    check(
        "{{ range $x := 9 }}{{ if eq $x 1 }}{{ continue }}{{ end }}{{ if gt $x 3 }}{{ break }}{{ end }}{{ $x }}{{ end }}",
        Ok("023"),
    );
    check(
        r#"{{ range "abc" }}{{ end }}"#,
        Err(r#"1:121: executing "__alert_X" at <"abc">: range can't iterate over abc"#),
    );
    check("{{ $x := 1 }}{{ if true }}{{ $x = 5 }}{{ $y := 2 }}{{ end }}{{ $x }}", Ok("5"));
    check("{{ with $labels.nope }}a{{ else with $labels.job }}{{ . }}{{ end }}", Ok("api"));
    check(r#"{{ define "a" }}[{{ . }}]{{ end }}{{ template "a" $value }}"#, Ok("[1.5]"));
    check(r#"{{ block "b" $labels.job }}<{{ . }}>{{ end }}"#, Ok("<api>"));
    check(
        r#"{{ define "a" }}{{ first . }}{{ end }}{{ template "a" $value }}"#,
        Err(
            r#"1:137: executing "a" at <.>: wrong type for value; expected template.queryResult; got float64"#,
        ),
    );
    check(r#"{{ slice "abcdef" 1 3 }} {{ len "é" }} {{ index "abc" 1 }}"#, Ok("bc 2 98"));
    check(
        r#"{{ slice "abc" 2 1 }}"#,
        Err(
            r#"1:115: executing "__alert_X" at <slice "abc" 2 1>: error calling slice: invalid slice index: 2 > 1"#,
        ),
    );
    check(
        r#"{{ 0x1F }} {{ 017 }} {{ 1_000 }} {{ 1e3 }} {{ .5 }} {{ 'a' }} {{ `r\n` }} {{ "a\tb\u00e9" }}"#,
        Ok("31 15 1000 1000 0.5 97 r\\n a\tbé"),
    );
}

#[test]
fn links_and_hosts() {
    check(r#"{{ stripPort "a:1" }} {{ stripPort "[::1]:80" }} {{ stripPort "x" }}"#, Ok("a ::1 x"));
    check(
        r#"{{ stripDomain "a.b.c" }} {{ stripDomain "1.2.3.4:80" }} {{ stripDomain "a.b:80" }}"#,
        Ok("a 1.2.3.4:80 a:80"),
    );
    check(
        r#"{{ graphLink "up{a=\"b\"}" }} {{ tableLink "rate(x[5m])" }}"#,
        Ok("/graph?g0.expr=up%7Ba%3D%22b%22%7D&g0.tab=0 /graph?g0.expr=rate%28x%5B5m%5D%29&g0.tab=1"),
    );
    check(r#"{{ match "a.*b" "xaybz" }} {{ reReplaceAll "(a)(b)" "$2$1" "abab" }}"#, Ok("true baba"));
    check(r#"{{ safeHtml "<b>" }} {{ (args 1 "x").arg1 }} {{ urlQueryEscape "a b" }}"#, Ok("<b> x a+b"));
    check(
        r#"{{ safeHtml "a" | toUpper }}"#,
        Err(
            r#"1:130: executing "__alert_X" at <toUpper>: wrong type for value; expected string; got template.HTML"#,
        ),
    );
}

#[test]
fn mistakes_of_execution() {
    check(
        "{{ .Nope }}",
        Err(
            r#"1:115: executing "__alert_X" at <.Nope>: can't evaluate field Nope in type struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }"#,
        ),
    );
    check(
        "x\n  {{ .Nope }}",
        Err(
            r#"2:5: executing "__alert_X" at <.Nope>: can't evaluate field Nope in type struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }"#,
        ),
    );
    check(
        "{{ .Value.x }}",
        Err(r#"1:121: executing "__alert_X" at <.Value.x>: can't evaluate field x in type interface {}"#),
    );
    check(
        "{{ $value.x }}",
        Err(r#"1:121: executing "__alert_X" at <$value.x>: can't evaluate field x in type float64"#),
    );
    check(
        "{{ $labels.a.b }}",
        Err(r#"1:122: executing "__alert_X" at <$labels.a.b>: can't evaluate field b in type string"#),
    );
    check(
        "{{ $value 1 }}",
        Err(r#"1:115: executing "__alert_X" at <$value>: can't give argument to non-function $value"#),
    );
    check(
        "{{ .Labels.job 1 }}",
        Err(r#"1:122: executing "__alert_X" at <.Labels.job>: job is not a method but has arguments"#),
    );
    check(
        "{{ humanize }}",
        Err(r#"1:115: executing "__alert_X" at <humanize>: wrong number of args for humanize: want 1 got 0"#),
    );
    check(
        "{{ humanize 1 2 }}",
        Err(r#"1:115: executing "__alert_X" at <humanize>: wrong number of args for humanize: want 1 got 2"#),
    );
    check(
        "{{ printf }}",
        Err(
            r#"1:115: executing "__alert_X" at <printf>: wrong number of args for printf: want at least 1 got 0"#,
        ),
    );
    check(
        r#"{{ template "nope" }}"#,
        Err(r#"1:124: executing "__alert_X" at <{{template "nope"}}>: template "nope" not defined"#),
    );
    check("{{ nil }}", Err(r#"1:115: executing "__alert_X" at <nil>: nil is not a command"#));
    check("{{ toUpper 5 }}", Err(r#"1:123: executing "__alert_X" at <5>: expected string; found 5"#));
    check(
        "{{ $value | toUpper }}",
        Err(
            r#"1:124: executing "__alert_X" at <toUpper>: wrong type for value; expected string; got float64"#,
        ),
    );
    check("{{ toUpper nil }}", Err(r#"1:123: executing "__alert_X" at <nil>: cannot assign nil to string"#));
    check(
        "{{ index $labels 1 }}",
        Err(
            r#"1:115: executing "__alert_X" at <index $labels 1>: error calling index: value has type int; should be string"#,
        ),
    );
    check(
        "{{ len 5 }}",
        Err(r#"1:115: executing "__alert_X" at <len 5>: error calling len: len of type int"#),
    );
    check(
        "{{ call 1 }}",
        Err(r#"1:115: executing "__alert_X" at <call 1>: error calling call: non-function 1 of type int"#),
    );
    check(
        "{{ eq $labels $labels }}",
        Err(
            r#"1:115: executing "__alert_X" at <eq $labels $labels>: error calling eq: non-comparable type map[instance:host.example:9090 job:api model:gpt-4o n:42]: map[string]string"#,
        ),
    );
    check(
        "{{ 18446744073709551615 }}",
        Err(r#"1:115: executing "__alert_X" at <18446744073709551615>: 18446744073709551615 overflows int"#),
    );
}

#[test]
fn mistakes_of_parsing() {
    check("{{", Err("1: unclosed action"));
    check("{{ }}", Err("1: missing value for command"));
    check("{{ if }}x{{ end }}", Err("1: missing value for if"));
    check("{{ if true }}x", Err("1: unexpected EOF"));
    check("{{ end }}", Err("1: unexpected {{end}}"));
    check("{{ else }}", Err("1: unexpected {{else}}"));
    check("{{ foo }}", Err(r#"1: function "foo" not defined"#));
    check("{{ $x }}", Err(r#"1: undefined variable "$x""#));
    check("{{ 1 | 2 }}", Err("1: non executable command in pipeline stage 2"));
    check("{{ $value | | humanize }}", Err(r#"1: unexpected "|" in command"#));
    check(r#"{{ "abc }}"#, Err("1: unterminated quoted string"));
    check("{{ `abc }}", Err("1: unterminated raw quoted string"));
    check("{{ 'ab' }}", Err("1: malformed character constant: 'ab'"));
    check("{{ ( 1 }}", Err("1: unclosed left paren"));
    check("{{ 1 ) }}", Err("1: unexpected right paren"));
    check("{{ 1.x }}", Err(r#"1: bad number syntax: "1.x""#));
    check("{{ @ }}", Err(r#"1: unexpected "@" in command"#));
    check("{{ a$ }}", Err("1: bad character U+0024 '$'"));
    check("{{ = }}", Err(r#"1: unexpected "=" in command"#));
    check("{{ : }}", Err("1: expected :="));
    check("{{ 1+2 }}", Err(r#"1: bad number syntax: "1+2""#));
    check("{{ 99999999999999999999 }}", Err(r#"1: integer overflow: "99999999999999999999""#));
    check("{{ break }}", Err("1: {{break}} outside {{range}}"));
    check("{{ $x, $y := 1 }}", Err("1: too many declarations in command"));
    check("{{if true}}{{else}}{{else}}{{end}}", Err("1: expected end; found {{else}}"));
    check(r#"{{ define "a" }}{{ $labels.job }}{{ end }}"#, Err(r#"1: undefined variable "$labels""#));
    check("{{if true}}\n\n{{ foo }}{{end}}", Err(r#"3: function "foo" not defined"#));
    check("{{ (\n", Err("2: unclosed action started at __alert_X:1"));
    check("{{ /* c */ }}", Err(r#"1: unexpected "/" in command"#));
    check("{{/* x */ y}}", Err("1: comment ends before closing delimiter"));
    check("{{ if true }}{{ $y := 1 }}{{ end }}{{ $y }}", Err(r#"1: undefined variable "$y""#));
    check("{{template 5}}", Err(r#"1: unexpected "5" in template clause"#));
    check(r#"{{ tmpl "a" . }}"#, Err(r#"1: function "tmpl" not defined"#));
}
