//! `llmobs query`: its flags.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Project;

const EXAMPLES: &str = "\
Times: RFC 3339 (`2026-11-26T10:00:00Z`, `2026-11-26`), seconds since 1970, `now`, `now-1h`, or
`-1h` for an hour before the end. The end is the last sample of a file, and now elsewhere.

Examples:
  llmobs query 'sum by (model) (rate(llm_requests_total[5m]))'
  llmobs query up --at -1h
  llmobs query 'llm_active_requests' --from -6h
  llmobs query 'histogram_quantile(0.99, rate(x_bucket[5m]))' --file dump.om --from -1d --step 5m
  llmobs query 'count({__name__=~\".+\"})' --url http://prometheus.internal:9090
  curl -s http://127.0.0.1:9091/metrics | llmobs query 'llm_requests_total' --file - --format csv";

/// An expression and where, when and how it is answered.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Query {
    #[arg(help = "PromQL expression", allow_hyphen_values = true)]
    pub expr: String,

    #[arg(
        long,
        value_name = "PAGE",
        help_heading = "Where",
        conflicts_with = "url",
        help = "Read a page of metrics, OpenMetrics or Prometheus text; `-` is standard input; may be repeated",
        long_help = "Read a page of metrics, OpenMetrics or Prometheus text; `-` is standard input; may be repeated. \
            Samples without a timestamp are taken as scraped at `--at` or `--to`, else now"
    )]
    pub file: Vec<PathBuf>,
    /// Ask any Prometheus: `http://[user:password@]host:port[/path]`
    #[arg(long, value_name = "URL", help_heading = "Where")]
    pub url: Option<String>,
    /// The stack that is asked where neither a file nor an address is given
    #[command(flatten, next_help_heading = "Where")]
    pub project: Project,

    /// Instant of the answer [default: the last sample of a file, elsewhere now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "When",
        conflicts_with_all = ["from", "to", "step"])]
    pub at: Option<String>,
    /// Start of a range
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "When")]
    pub from: Option<String>,
    /// End of the range [default: as of `--at`]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "When", requires = "from")]
    pub to: Option<String>,
    /// Distance of the range's instants [default: such that there are 250 at most]
    #[arg(long, value_name = "DURATION", help_heading = "When", requires = "from")]
    pub step: Option<String>,
    /// How far an instant looks back for a sample [default: 5m, or as the server is set]
    #[arg(long, value_name = "DURATION", help_heading = "When")]
    pub lookback: Option<String>,

    /// Accept what Prometheus has behind a feature flag
    #[arg(long, help_heading = "Evaluation")]
    pub experimental: bool,
    /// Send the expression as it is, without reading it first
    #[arg(long, help_heading = "Evaluation", conflicts_with = "file")]
    pub no_check: bool,
    /// Give up after this time
    #[arg(long, value_name = "DURATION", default_value = "2m", help_heading = "Evaluation")]
    pub timeout: String,

    /// How the answer is written; `json` is what Prometheus' API writes
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Answer")]
    pub format: QueryFormat,
    /// Draw a range [default: on a terminal]
    #[arg(long, value_name = "WHEN", num_args = 0..=1, require_equals = true, default_value = "auto",
        default_missing_value = "always", hide_default_value = true, help_heading = "Answer")]
    pub chart: ChartWhen,
    /// Series that are shown as text; 0 shows all
    #[arg(long, value_name = "N", default_value_t = 50, help_heading = "Answer")]
    pub limit: usize,
}

/// How the answer of a query is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QueryFormat {
    Text,
    Json,
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ChartWhen {
    Auto,
    Always,
    Never,
}
