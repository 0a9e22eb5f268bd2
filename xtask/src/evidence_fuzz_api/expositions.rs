//! Expositions to be changed, and what readers of them stumble over.

use llmobs::{
    series::{Format, Gather as _},
    simulate::{DEFAULT_MODELS, Mock, MockConfig, MockModel},
    time::Timestamp,
};

/// A page of vLLM that was recorded.
const RECORDED: &str = include_str!("../../../tests/fixtures/vllm.prom");

/// Everything that the formats know, well-formed.
const TEXT: &str = r#"# HELP chat_answers_total Answers, with \\ and \n in their help.
# TYPE chat_answers_total counter
chat_answers_total{model="small",error=""} 812 1749999999000
chat_answers_total{model="small",error="\"late\"\nby C:\\clock"}    7
  chat_answers_total { model = "large" , error = "no" , } 4
chat_age_seconds 1.749999e9
chat_ratio{of="nothing"} +Inf 1750000000000
# TYPE chat_wait_seconds histogram
chat_wait_seconds_bucket{le="0.25"} 31
chat_wait_seconds_bucket{le="2"} 47
chat_wait_seconds_bucket{le="+Inf"} 48
chat_wait_seconds_sum 39.5
chat_wait_seconds_count 48
# TYPE chat_tokens summary
chat_tokens{quantile="0.50"} 210
chat_tokens{quantile="1"} NaN
chat_tokens_sum 1.0231e+04
# A comment, and blank lines.


# TYPE chat_mood untyped
chat_mood -0
{"chat.cost.usd", "the model"="klein ä", plain="小"} 1e-300
{"chat.end"} 0
# HELP "chat.cost.usd" Names of any letters.
# TYPE "chat.cost.usd" gauge
"#;

/// The same of `OpenMetrics`.
const OPEN: &str = r#"# TYPE relay_seconds summary
# UNIT relay_seconds seconds
# HELP relay_seconds How long a relay takes.
relay_seconds_sum{to="eu",by="GET"} 93.5
relay_seconds_count{to="eu",by="GET"} 1204.0
relay_seconds_created{to="eu",by="GET"} 1749990000.25
relay_seconds{to="eu",by="GET",quantile="0.9"} 0.1 1750000000.123
# TYPE relay_open gauge
relay_open 12
# TYPE relay_bytes histogram
relay_bytes_bucket{le="16"} 0
relay_bytes_bucket{le="256.0"} 5 # {} 54
relay_bytes_bucket{le="4096.0"} 9 # {trace_id="t7f03"} 1067.5
relay_bytes_bucket{le="1e+06"} 14 # {trace_id="t81aa",span_id="ü"} 98000 1749999999.999
relay_bytes_bucket{le="+Inf"} 14
relay_bytes_count 14
relay_bytes_sum 120011.25
relay_bytes_created 1749990000.5
# TYPE relay_queue gaugehistogram
relay_queue_bucket{le="1"} 2 1750000000 # {a="b"} 1 1750000000
relay_queue_gsum 3
# TYPE relay info
relay_info{version="1.2.3"} 1
# TYPE relay_state stateset
relay_state{relay_state="up"} 1
relay_state{relay_state="down"} 0
# TYPE relay_thing unknown
relay_thing{le="1",quantile="0.5"} NaN
{"relay.quoted","l.l"="v"} 2 1750000000.5 # {"x.y"="z"} 3
"#;

/// Lines that are rare, or wrong.
pub(super) const HARD: [&str; 36] = [
    "",
    " ",
    "\t",
    "\u{0}",
    "a\u{0}b 1",
    "\u{feff}a 1",
    "a 1\r",
    "#",
    "# ",
    "# EOF",
    "# EOF ",
    "#EOF",
    "# TYPE",
    "# TYPE a",
    "# TYPE a histogram",
    "# TYPE a summary",
    "# TYPE  a\tgauge",
    "# HELP a \\",
    "# HELP \"a\\\"",
    "# HELP a é\\",
    "# UNIT a_ ",
    "# UNIT a_s s",
    "{",
    "}",
    "{}",
    "{} 1",
    "{\"\"} 1",
    "{\"\",\"\"=\"\"} 1",
    "{\"a\",\"b\"} 1",
    "a{__name__=\"b\"} 1",
    "a{\"__name__\"=\"\"} 1",
    "a{le=\"1e400\",quantile=\"-nan\"} 1",
    "a{b=\"\\",
    "a{b=\"c\"}1",
    "a{b=\"c\"} 1 # {c=\"d\"",
    "a 1 # {} 1 # {} 1",
];

/// Numbers of all kinds.
pub(super) const NUMBERS: [&str; 42] = [
    "0",
    "-0",
    "1",
    "-1",
    "+1",
    ".",
    "1.",
    ".5",
    "1e",
    "1e5",
    "1E-5",
    "1e400",
    "-1e400",
    "1e-400",
    "4.9e-324",
    "1.7976931348623157e308",
    "1.7976931348623159e308",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551616",
    "123456789012345",
    "1234567890123456",
    "0.000000000000001",
    "0.0000000000000001",
    "00000000000000000000000001",
    "99999999999999999999999999999999999999999999999999999999999999999999999999999999",
    "NaN",
    "nan",
    "-NaN",
    "+Inf",
    "-inf",
    "infinity",
    "0x1p-2",
    "1_000",
    "١٢",
    "1750000000000",
    "1750000000.001",
    "1750000599999",
    "1750000600001",
    "9223372036854775.807",
];

/// Parts of lines.
pub(super) const PARTS: [&str; 34] = [
    "",
    " ",
    "  ",
    "\t",
    "\n",
    "\r",
    "\u{0}",
    "\u{a0}",
    "\u{2028}",
    "\u{fffd}",
    "\u{10ffff}",
    "é",
    "中",
    "e\u{301}",
    "\"",
    "\\",
    "\\\"",
    "\\n",
    "\\\\",
    "{",
    "}",
    "{}",
    ",",
    "=",
    "#",
    " # {",
    ":",
    "_",
    "a",
    "le",
    "quantile",
    "__name__",
    "job",
    "exported_job",
];

/// The pages.
pub(super) fn corpus() -> anyhow::Result<Vec<String>> {
    let model = |(name, share): &(&str, f64)| MockModel {
        name: (*name).to_owned(),
        provider: "openai".to_owned(),
        share: *share,
        input_price: 2.5,
        output_price: 10.0,
        context_window: None,
    };
    // Twice, as the others are longer.
    let mut pages = [RECORDED, TEXT, OPEN, TEXT, OPEN].map(str::to_owned).to_vec();
    for format in [Format::Text, Format::OpenMetrics] {
        let models = DEFAULT_MODELS.iter().map(model).collect();
        let mut mock = Mock::new(MockConfig::healthy(models, 1, Timestamp(1_749_990_000_000)))?;
        let mut page = Vec::new();
        mock.gather(Timestamp(1_750_000_000_000), format, &mut page);
        pages.push(String::from_utf8(page)?);
    }
    Ok(pages)
}
