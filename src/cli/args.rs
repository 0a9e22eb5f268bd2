//! Commands and flags.

use std::{net::IpAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::Query;

const EXIT_CODES: &str = "\
Exit codes:
  0    done and clean
  1    it worked and the answer is no: out of date, unhealthy, not formatted, a failed test
  2    it could not be done: usage, configuration, files, Docker
  130  interrupted";

/// Seed of the mock service's traffic.
pub const DEFAULT_SEED: u64 = 1;
/// Requests of the mock service per second.
pub const DEFAULT_RATE: f64 = 3.0;

/// Observability for LLM services, proven before it ships.
#[derive(Debug, Parser)]
#[command(name = "llmobs", version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Configuration file [default: `llmobs.yaml`, if it is there]
    #[arg(long, short, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Colours and progress bars
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// Where passwords, port offsets and embedded data lie [default: the platform's state folder]
    #[arg(long, global = true, value_name = "DIR", hide_short_help = true)]
    pub state_dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the stack, or bring a running one up to date
    Up(Up),
    /// Stop and remove the stack
    Down(Down),
    /// Show what runs, where, and whether it is healthy
    Status(Status),
    /// Show what the services wrote to their logs
    Logs(Logs),
    #[command(about = "Evaluate a PromQL expression over a stack, a file or any Prometheus")]
    Query(Box<Query>),
    /// Write the configuration files of the whole stack into a folder
    Render(Render),
    /// Write a commented `llmobs.yaml` to start from
    Init(Init),
    /// List the metric sources and what each can give
    Sources(Sources),
    /// Lay out the expressions in rule files
    Fmt(Fmt),
    /// Run unit tests of rules
    Test(Test),
    /// Serve the metrics of a mock LLM service
    Exporter(Exporter),
    /// Handle the exporter's container image
    Image {
        #[command(subcommand)]
        command: ImageCommand,
    },
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  llmobs completions bash > ~/.local/share/bash-completion/completions/llmobs"
    )]
    Completions {
        /// Shell to complete for
        shell: clap_complete::Shell,
    },
}

/// Flags that set configuration values; they win over the environment and the file.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Configuration")]
pub struct Overrides {
    /// Cost ceiling in US dollars per hour (`cost.ceiling_per_hour`)
    #[arg(long, value_name = "USD", allow_negative_numbers = true)]
    pub cost_ceiling: Option<String>,
    /// Latency that the objective and its alert allow (`objectives.latency.threshold`)
    #[arg(long, value_name = "DURATION")]
    pub latency_threshold: Option<String>,
    /// Models, by name (`models`)
    #[arg(long, value_name = "NAME,…")]
    pub models: Option<String>,
    /// Set any value by its path; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
}

/// Which stack is meant.
#[derive(Debug, Clone, Args)]
pub struct Project {
    /// Name of the stack; several can run side by side
    #[arg(
        long,
        value_name = "NAME",
        default_value = "llmobs",
        env = "LLMOBS_PROJECT",
        hide_env_values = true
    )]
    pub project: String,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  llmobs up                     Prometheus on 9090, Grafana on 3000, a mock service on 9091
  llmobs up --cost-ceiling 80   the same with another limit
  llmobs up --dry-run           show what would be done, and why
  llmobs up --project staging --port-offset 100
  llmobs up --engine embedded   the same ports without Docker, in this process; `q` ends it
  llmobs up --engine embedded --detach")]
pub struct Up {
    #[command(flatten)]
    pub project: Project,
    /// What runs the stack [default: `stack.engine` of the configuration, else `auto`]
    #[arg(long, value_name = "ENGINE", overrides_with = "engine")]
    pub engine: Option<Engine>,
    /// Embedded only: run in the background (Docker's containers always do)
    #[arg(long, short)]
    pub detach: bool,
    /// Embedded only: allow series to be deleted through the API
    #[arg(long)]
    pub enable_admin_api: bool,
    /// Write lines of a log in place of the screen: this is the process in the background.
    #[arg(long, hide = true)]
    pub in_background: bool,
    /// Add this to every host port; remembered for the project
    #[arg(long, value_name = "N")]
    pub port_offset: Option<u16>,
    /// When to pull images
    #[arg(long, value_name = "WHEN", default_value = "missing")]
    pub pull: Pull,
    /// Print what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How long to wait for the services
    #[arg(long, value_name = "DURATION", default_value = "120s")]
    pub timeout: String,
    #[command(flatten)]
    pub overrides: Overrides,
}

/// What runs the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// Docker where it answers and the images can be had, else embedded
    Auto,
    /// Containers
    Docker,
    /// This process alone
    Embedded,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Pull {
    Never,
    Missing,
    Always,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  llmobs down            stop; data and password stay
  llmobs down --volumes  leave nothing behind")]
pub struct Down {
    #[command(flatten)]
    pub project: Project,
    /// Remove data, the password and the images made by llmobs too
    #[arg(long, short)]
    pub volumes: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  llmobs status
  llmobs status --show-password
  llmobs status --format json | jq '.services[].url'")]
pub struct Status {
    #[command(flatten)]
    pub project: Project,
    /// How the answer is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// Print Grafana's admin password
    #[arg(long)]
    pub show_password: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  llmobs logs
  llmobs logs -f grafana prometheus")]
pub struct Logs {
    #[command(flatten)]
    pub project: Project,
    /// Services [default: all]
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
    /// Go on as lines come
    #[arg(long, short)]
    pub follow: bool,
    /// Lines from the end of each log
    #[arg(long, short = 'n', value_name = "N", default_value_t = 100)]
    pub tail: u32,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  llmobs render --out stack
  llmobs render --out stack --check    exit 1 when the folder is out of date")]
pub struct Render {
    /// Folder to write to
    #[arg(long, short, value_name = "DIR")]
    pub out: PathBuf,
    /// Write nothing; exit 1 when the folder is out of date
    #[arg(long)]
    pub check: bool,
    /// Overwrite files that were changed by hand or are not llmobs' own
    #[arg(long, conflicts_with = "check")]
    pub force: bool,
    /// How the answer is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    #[command(flatten)]
    pub overrides: Overrides,
}

#[derive(Debug, Args)]
pub struct Init {
    /// Replace a file that is there already
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  llmobs sources          the table of sources and quantities
  llmobs sources vllm     the metrics of one, and what they give")]
pub struct Sources {
    /// A source, by name or as a file of your own
    pub name: Option<String>,
    /// How the answer is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  llmobs fmt rules.yml                            rewrite the expressions, and nothing else
  llmobs fmt rules/                               every rule file below a folder
  llmobs fmt --check rules/                       exit 1 and a diff when one is not formatted
  llmobs fmt --expr 'sum(rate(x[5m]))by(job)'     one expression
  llmobs fmt - < rules.yml                        from standard input to standard output

An expression of up to 100 bytes stays on its line, a longer one becomes a block. Expressions with
comments are left as they are. A mistake in any file means that none is written.")]
pub struct Fmt {
    /// Rule files, folders with rule files (`*.yml`, `*.yaml`), or `-` for standard input
    #[arg(value_name = "FILE", required_unless_present = "expr")]
    pub files: Vec<PathBuf>,
    /// An expression to format; `-` reads it from standard input
    #[arg(long, value_name = "EXPR", conflicts_with_all = ["files", "check"], allow_hyphen_values = true)]
    pub expr: Option<String>,
    /// Write nothing; exit 1 and print what would change
    #[arg(long)]
    pub check: bool,
    /// Accept functions and modifiers that Prometheus has behind a feature flag
    #[arg(long)]
    pub experimental: bool,
    /// How the answer is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  llmobs test --unit tests/*.yml
  llmobs test --unit tests/errors.yml --run 'burn rate'
  llmobs test --unit tests/*.yml --format json | jq '.failed'

The files are those of `promtool test rules`, and so are the verdicts.")]
pub struct Test {
    /// Run promtool's unit tests for rules
    #[arg(long)]
    pub unit: bool,
    /// Files of unit tests
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Run the tests whose name matches only; may be repeated
    #[arg(long, value_name = "REGEX")]
    pub run: Vec<String>,
    /// Accept functions and modifiers that Prometheus has behind a feature flag
    #[arg(long)]
    pub experimental: bool,
    /// How the answer is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  llmobs exporter --port 9091
  llmobs exporter --models gpt-4o --seed 7 --rate 1
  curl -s http://127.0.0.1:9091/metrics")]
pub struct Exporter {
    /// Port to listen on; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 9091)]
    pub port: u16,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub bind: IpAddr,
    /// Seed of the traffic; equal seeds give equal traffic
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SEED)]
    pub seed: u64,
    /// Requests per second, as a mean over a weekday
    #[arg(long, value_name = "RPS", default_value_t = DEFAULT_RATE, allow_negative_numbers = true)]
    pub rate: f64,
    /// Folder with runbook pages to serve at /runbooks/
    #[arg(long, value_name = "DIR")]
    pub runbooks: Option<PathBuf>,
    #[command(flatten)]
    pub overrides: Overrides,
}

#[derive(Debug, Subcommand)]
pub enum ImageCommand {
    /// Make the exporter's image from this binary and load it into the Docker daemon
    Load,
}
