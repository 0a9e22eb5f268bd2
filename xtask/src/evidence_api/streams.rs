//! Samples by remote write between llmobs and a real Prometheus, both ways.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, bail, ensure};
use llmobs::{
    engine::{Engine, Hosts, Observe as _, Setup},
    series::Labels,
    time::Timestamp,
    tsdb::Store,
};
use serde_json::Value;

use crate::judge::{Connection, Query, Server, Setup as Judge, When};

/// How long samples may take on their way.
const PATIENCE: Duration = Duration::from_mins(1);

/// What arrived.
#[derive(Debug, Clone, Copy)]
pub(super) struct Streamed {
    pub(super) into_us: usize,
    pub(super) out_of_us: usize,
}

/// Fails where a sample is lost or changed.
pub(super) fn run(ours: SocketAddr) -> anyhow::Result<Streamed> {
    Ok(Streamed { into_us: into_us(ours)?, out_of_us: out_of_us()? })
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A Prometheus scrapes itself and sends to us; then both are asked for the samples.
fn into_us(ours: SocketAddr) -> anyhow::Result<usize> {
    let config = format!(
        "global: {{scrape_interval: 1s, external_labels: {{from: prometheus}}}}\n\
         scrape_configs: [{{job_name: self, static_configs: [{{targets: [\"127.0.0.1:1\"]}}]}}]\n\
         remote_write: [{{url: \"http://{ours}/api/v1/write\", queue_config: {{batch_send_deadline: 1s}}}}]\n"
    );
    let server = Server::start_with(&Judge { config: &config, ..Judge::default() })?;
    let mut theirs = server.connect()?;
    let mut our = Connection::open(ours)?;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(500));
        let at = now() - 3_000;
        let their = samples(&mut theirs, "{job=\"self\"}[1h]", at)?;
        if their.len() < 40 {
            continue;
        }
        let our = samples(&mut our, "{job=\"self\",from=\"prometheus\"}[1h]", at)?;
        if their.len() == our.len() {
            ensure!(their == our, "the samples that Prometheus sent are others here");
            return Ok(our.len());
        }
    }
    bail!("the samples that Prometheus sends do not arrive")
}

/// An engine of ours sends what is committed to its store to a Prometheus.
fn out_of_us() -> anyhow::Result<usize> {
    let server = Server::start()?;
    let folder = std::env::temp_dir().join(format!("llmobs-streams-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let sent = send(&folder, &server);
    // What is left of a temporary folder does no harm.
    let _ = fs::remove_dir_all(&folder);
    let (store, at) = sent?;
    let mut theirs = server.connect()?;
    let their = samples(&mut theirs, "sent_total[1h]", at)?;
    let mut expect = Vec::new();
    for series in llmobs::series::Select::select(
        &store.reader(),
        &[llmobs::series::Matcher::equal("__name__", "sent_total")],
        llmobs::series::TimeSpan { from: Timestamp(0), to: Timestamp(at) },
    )? {
        let mut labels = series.labels.edit();
        labels.set("cluster", "c1").remove("secret");
        let labels = labels.finish();
        for (at, value) in series.times.iter().zip(series.values.iter()) {
            expect.push((text(&labels), at.0, value.to_string()));
        }
    }
    expect.sort();
    ensure!(their == expect, "{} samples were sent and {} arrived", expect.len(), their.len());
    Ok(their.len())
}

fn send(folder: &Path, server: &Server) -> anyhow::Result<(Store, i64)> {
    let config = format!(
        "global: {{external_labels: {{cluster: c1}}}}\n\
         remote_write:\n- url: \"http://{}/api/v1/write\"\n  queue_config: {{max_samples_per_send: 100, batch_send_deadline: 200ms}}\n  \
         write_relabel_configs: [{{action: labeldrop, regex: secret}}]\n",
        server.address()
    );
    fs::write(folder.join("prometheus.yml"), config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let setup = Setup {
            config: folder.join("prometheus.yml"),
            data: folder.join("data"),
            hosts: Hosts::default(),
            external_url: "http://127.0.0.1:1".to_owned(),
            clock: Arc::new(|| Timestamp(now())),
            notices: Arc::new(|notice| println!("{}", notice.text)),
            environment: Box::new(|_| None),
        };
        let (engine, _) = Engine::open(setup).context("the engine does not open")?;
        engine.start();
        let store = engine.store().clone();
        let start = now() - 60_000;
        for step in 0..60_i64 {
            let batch: Vec<(Labels, Timestamp, f64)> = (0..20)
                .map(|series| {
                    let pairs = [
                        ("__name__", "sent_total".to_owned()),
                        ("n", series.to_string()),
                        ("secret", "x".to_owned()),
                    ];
                    (pairs.into_iter().collect(), Timestamp(start + step * 1_000), (step * series) as f64)
                })
                .collect();
            store.commit(&batch)?;
            tokio::task::yield_now().await;
        }
        // The end sends what waits.
        engine.stop().await?;
        let counts = engine.forwarding();
        ensure!(counts.iter().all(|one| one.counts.waiting == 0), "samples still wait: {counts:?}");
        Ok((store, now()))
    })
}

/// Series as text, times and values of a range, sorted; the label that only one side has is left out.
fn samples(connection: &mut Connection, expr: &str, at: i64) -> anyhow::Result<Vec<(String, i64, String)>> {
    let query = Query { expr: expr.to_owned(), when: When::At(at) };
    let answer: Value = serde_json::from_slice(&connection.ask_raw(&query)?)?;
    let mut samples = Vec::new();
    for series in answer["data"]["result"].as_array().context("no result")? {
        let pairs = series["metric"].as_object().context("no labels")?.iter();
        let pairs = pairs.filter(|(name, _)| *name != "from");
        let labels: Labels =
            pairs.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default())).collect();
        for sample in series["values"].as_array().context("no values")? {
            let at = sample[0].as_f64().context("no time")? * 1000.0;
            let value = sample[1].as_str().context("no value")?;
            #[expect(clippy::cast_possible_truncation, reason = "of this century")]
            samples.push((text(&labels), at.round() as i64, value.to_owned()));
        }
    }
    samples.sort();
    Ok(samples)
}

fn text(labels: &Labels) -> String {
    labels.to_string()
}
