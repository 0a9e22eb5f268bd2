//! The viewer over some hours of the mock service, with an incident near their end: to look at, and to measure.

use std::{fs, io::Write as _, path::PathBuf, sync::Arc, time::Duration, time::Instant};

use anyhow::{Context as _, anyhow};
use llmobs::{
    engine::{
        Alertmanagers, GroupStatus, Health, Metadata, Observe, ReloadError, RuleHealth, RuleStatus, Runtime,
        SeriesExemplars, Target, Targets,
    },
    rules::{History, Pace, Program, Rule, Timeline},
    series::{Columns, Format, Gather as _, Labels, METRIC_NAME, Matcher, TimeSpan, parse},
    server::{
        http::{Asked, Handler as _, serve},
        viewer::Viewer,
    },
    simulate::{DEFAULT_MODELS, Health as ServiceHealth, Mock, MockConfig, MockModel, shares},
    time::{PromDuration, Timestamp},
};

/// Milliseconds between scrapes.
const INTERVAL: i64 = 5_000;
/// How long before the end the service begins to fail.
const INCIDENT: i64 = 12 * 60_000;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A folder that `llmobs render` wrote.
    rendered: PathBuf,
    /// How much there is to see.
    #[arg(long, default_value_t = 6)]
    hours: u16,
    /// Names of models, the more the more series.
    #[arg(long, value_delimiter = ',')]
    models: Vec<String>,
    /// Of the server, on 127.0.0.1.
    #[arg(long, default_value_t = 3100)]
    port: u16,
    /// Only tell how long this page takes and how large it is; no server.
    #[arg(long)]
    measure: Option<String>,
    /// Also write the samples, as `OpenMetrics` text for `promtool tsdb create-blocks-from openmetrics`.
    #[arg(long)]
    dump: Option<PathBuf>,
    /// The end of the history, in seconds since the epoch.
    #[arg(long, default_value_t = 1_795_687_200)]
    end: i64,
}

/// What an engine would tell, had it been running.
struct Past {
    program: Arc<Program>,
    files: Vec<String>,
    history: History,
    columns: Arc<Columns>,
    end: Timestamp,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let loaded = llmobs::engine::load(
        &args.rendered.join("prometheus/prometheus.yml"),
        "http://127.0.0.1:9090",
        |_| None,
    )?;
    let folder = args.rendered.join("grafana/provisioning/dashboards/llmobs");
    let mut dashboards = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        dashboards.push(fs::read_to_string(entry?.path())?);
    }
    let end = Timestamp(args.end * 1000);
    let start = Timestamp(end.0 - i64::from(args.hours) * 3_600_000);
    let mut columns = simulated(args, start, end)?;
    let interval = loaded.config.global.evaluation_interval;
    let timeline = Timeline { start, end, pace: Pace::Intervals { default: interval } };
    let history = loaded.program.evaluate_span(timeline, &mut columns);
    println!("{} series, {} samples", columns.len(), columns.samples());
    if let Some(path) = &args.dump {
        dump(path, &columns)?;
    }
    let columns = Arc::new(columns);
    let past = Past {
        program: loaded.program,
        files: loaded.group_files,
        history,
        columns: Arc::clone(&columns),
        end,
    };
    let viewer = Viewer {
        data: columns,
        engine: Arc::new(past),
        dashboards: Box::new(move || dashboards.clone()),
        home: None,
        scrape_interval: Box::new(|| PromDuration::from_secs(5)),
        lookback: PromDuration::from_secs(300),
        version: env!("CARGO_PKG_VERSION"),
    };
    match &args.measure {
        Some(address) => measure(&viewer, address),
        None => listen(viewer, args.port),
    }
}

fn measure(viewer: &Viewer, address: &str) -> anyhow::Result<()> {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let mut asked = Asked::get(path);
    let field = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (name.to_owned(), value.to_owned())
    };
    asked.query = query.split('&').filter(|part| !part.is_empty()).map(field).collect();
    let mut best = Duration::MAX;
    let mut size = 0;
    for _ in 0..10 {
        let begun = Instant::now();
        let reply = viewer.answer(asked.clone());
        best = best.min(begun.elapsed());
        size = reply.body.len();
        if reply.status != 200 {
            return Err(anyhow!("{} answers {}", address, reply.status));
        }
    }
    println!("{address}: {best:.1?} at best of 10, {:.1} kB", size as f64 / 1000.0);
    Ok(())
}

fn listen(viewer: Viewer, port: u16) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        println!("http://{}/ (Ctrl-C stops)", listener.local_addr()?);
        let stop = async {
            // Without a signal to wait for, the process is ended by hand.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        serve(listener, Arc::new(viewer), stop).await;
        Ok(())
    })
}

/// The mock, scraped; it is restarted into its incident.
fn simulated(args: &Args, start: Timestamp, end: Timestamp) -> anyhow::Result<Columns> {
    let names: Vec<&str> = match args.models.as_slice() {
        [] => DEFAULT_MODELS.iter().map(|(name, _)| *name).collect(),
        named => named.iter().map(String::as_str).collect(),
    };
    let model = |(name, share): (&&str, f64)| {
        let provider = if name.starts_with("claude") { "anthropic" } else { "openai" };
        let (input_price, output_price) = if name.contains("mini") { (0.15, 0.6) } else { (2.5, 10.0) };
        let (name, provider) = ((*name).to_owned(), provider.to_owned());
        MockModel { name, provider, share, input_price, output_price, context_window: None }
    };
    let models: Vec<MockModel> = names.iter().zip(shares(&names)).map(model).collect();
    let healthy = MockConfig { requests_per_second: 6.0, ..MockConfig::healthy(models, 7, start) };
    let mut failing = ServiceHealth::chat();
    failing.errors.server_error = 0.07;
    failing.errors.rate_limit = 0.04;
    failing.first_token.median *= 5.0;
    let turn = Timestamp(end.0 - INCIDENT);
    let mut mock = Mock::new(healthy.clone())?;
    let (mut columns, mut page) = (Columns::new(), Vec::new());
    let mut at = start;
    while at <= end {
        if at.0 >= turn.0 && at.0 < turn.0 + INTERVAL {
            mock = Mock::new(MockConfig { health: failing.clone(), start: at, ..healthy.clone() })?;
        }
        page.clear();
        mock.gather(at, Format::Text, &mut page);
        let own = |name: &str| -> Labels {
            [(METRIC_NAME, name), ("job", "mock"), ("instance", "exporter:9091")].into_iter().collect()
        };
        for sample in parse(std::str::from_utf8(&page)?)? {
            let mut labels = sample.labels.edit();
            labels.set(METRIC_NAME, sample.name).set("job", "mock").set("instance", "exporter:9091");
            let id = columns.series(&labels.finish());
            columns.append(id, at, sample.value)?;
        }
        for (name, value) in [("up", 1.0), ("scrape_duration_seconds", 0.002)] {
            let id = columns.series(&own(name));
            columns.append(id, at, value)?;
        }
        at = Timestamp(at.0 + INTERVAL);
    }
    Ok(columns)
}

fn dump(path: &PathBuf, columns: &Columns) -> anyhow::Result<()> {
    use llmobs::series::Select as _;
    let mut out = std::io::BufWriter::new(fs::File::create(path)?);
    let all = TimeSpan { from: Timestamp(i64::MIN), to: Timestamp(i64::MAX) };
    for series in columns.select(&[], all)? {
        let name = series.labels.get(METRIC_NAME).unwrap_or_default();
        let pairs: Vec<String> = series
            .labels
            .iter()
            .filter(|(name, _)| *name != METRIC_NAME)
            .map(|(name, value)| format!("{name}={value:?}"))
            .collect();
        for (time, value) in series.times.iter().zip(series.values.iter()) {
            if !llmobs::series::is_stale(*value) {
                writeln!(out, "{name}{{{}}} {value} {}", pairs.join(","), time.as_secs_f64())?;
            }
        }
    }
    writeln!(out, "# EOF")?;
    Ok(())
}

impl Observe for Past {
    fn targets(&self) -> Targets {
        let target = |instance: &str, health, error: &str| Target {
            discovered: Labels::default(),
            labels: [("job", "mock"), ("instance", instance), ("region", "eu")].into_iter().collect(),
            pool: "mock".to_owned(),
            url: format!("http://{instance}/metrics"),
            health,
            last_error: error.to_owned(),
            last_scrape: (health != Health::Unknown).then_some(Timestamp(self.end.0 - 1_200)),
            last_duration: Duration::from_micros(2_340),
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(5),
        };
        let refused = "Get \"http://10.0.0.5:8000/metrics\": connection refused";
        Targets {
            active: vec![
                target("exporter:9091", Health::Up, ""),
                target("10.0.0.5:8000", Health::Down, refused),
                target("10.0.0.6:8000", Health::Unknown, ""),
            ],
            ..Targets::default()
        }
    }

    fn metadata(&self) -> Vec<Metadata> {
        Vec::new()
    }

    fn exemplars(&self, _: &[Vec<Matcher>], _: TimeSpan) -> Vec<SeriesExemplars> {
        Vec::new()
    }

    fn groups(&self) -> Vec<GroupStatus> {
        let rule = |id: llmobs::rules::RuleId| {
            let rule: &Rule = self.program.rule(id);
            let found = self.history.alerts_at(&self.program, &self.columns, id, self.end);
            RuleStatus {
                id,
                rule: rule.clone(),
                labels: rule.labels().clone(),
                health: if found.is_ok() { RuleHealth::Ok } else { RuleHealth::Err },
                last_error: found.as_ref().err().cloned().unwrap_or_default(),
                last_evaluation: Some(Timestamp(self.end.0 - 2_000)),
                evaluation_time: Duration::from_micros(150),
                alerts: found.unwrap_or_default(),
            }
        };
        let group = |(index, group): (usize, &llmobs::rules::Group)| GroupStatus {
            name: group.name.clone(),
            file: self.files.get(index).cloned().unwrap_or_default(),
            interval: Duration::from_secs(15),
            limit: group.limit,
            last_evaluation: Some(self.end),
            evaluation_time: Duration::from_millis(1),
            rules: self.program.ids().filter(|id| id.group == index).map(rule).collect(),
        };
        self.program.groups().iter().enumerate().map(group).collect()
    }

    fn alertmanagers(&self) -> Alertmanagers {
        Alertmanagers::default()
    }

    fn config(&self) -> String {
        String::new()
    }

    fn runtime(&self) -> Runtime {
        Runtime {
            started: self.end,
            reload_success: true,
            last_reload: self.end,
            retention: String::new(),
            folder: String::new(),
        }
    }

    fn reload(&self) -> Result<(), ReloadError> {
        Ok(())
    }

    fn now(&self) -> Timestamp {
        self.end
    }
}
