//! `cargo xtask evidence embedded`: an embedded stack and a real Prometheus on the same files, side by side.
//!
//! Owns: the trial (scripted services, both sides, a second Prometheus as the measure of what is chance, a second
//! embedded stack that the real Prometheus feeds), the comparison over time, the page.
//! Must not know: how either side works.
//! Invariants: both sides run the same bytes of configuration; what is compared comes from their HTTP APIs.
//! Start reading at: [`run`].

mod fed;
mod page;
mod rules;
mod spells;
mod targets;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use llmobs::series::Labels;

use self::{
    fed::Fed,
    rules::JOB,
    spells::{Aspect, Compared, STEP},
    targets::Reasons,
};
use crate::{
    embedded::{Exporter, Mood, Script, Setup, Stack, build, now},
    judge::{Connection, Server},
};

const PAGE: &str = "assets/evidence/embedded.md";
/// Milliseconds between two scrapes, and between two evaluations.
const INTERVAL: i64 = 1_000;
/// Milliseconds that a timer of either side may be late on a busy machine.
const SLACK: i64 = 150;
/// Milliseconds from the begin of the scripts until everything was scraped and evaluated once.
const SETTLED: i64 = 2_000;
/// How much traffic each service has.
const SIZES: [f64; 3] = [1.0, 1.3, 0.6];
/// Lines of differences on the screen; the page has all.
const SHOWN: usize = 40;

/// What is asked for on the command line.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long both run beside each other.
    #[arg(long, default_value_t = 600)]
    seconds: u32,
    /// Compare, and write no page.
    #[arg(long)]
    check: bool,
}

/// What one topic of the comparison gave: of the embedded stack, and of the second Prometheus.
#[derive(Debug)]
struct Topic {
    name: &'static str,
    ours: Compared,
    peer: Compared,
}

#[derive(Debug)]
struct Trial {
    version: String,
    seconds: u32,
    topics: Vec<Topic>,
    /// How far apart the clocks of the groups of rules are, in milliseconds.
    group_phases: Vec<i64>,
    fed: Fed,
    reasons: Reasons,
    /// How often each trouble occurred.
    troubles: Vec<(Mood, usize)>,
    faults: Vec<String>,
}

pub(crate) fn run(repository: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let binary = build(repository)?;
    let folder = env::temp_dir().join(format!("llmobs-side-by-side-{}", std::process::id()));
    fs::create_dir_all(&folder).context("cannot create a folder")?;
    let tried = trial(&binary, &folder, args.seconds);
    fs::remove_dir_all(&folder).context("cannot remove the folder")?;
    let trial = tried?;
    for fault in trial.faults.iter().take(SHOWN) {
        println!("{fault}");
    }
    print!("{}", page::summary(&trial));
    if !args.check {
        fs::write(repository.join(PAGE), page::page(repository, &trial)?)
            .with_context(|| format!("cannot write `{PAGE}`"))?;
    }
    Ok(if trial.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn trial(binary: &Path, folder: &Path, seconds: u32) -> anyhow::Result<Trial> {
    // All processes are up before the scripts begin; Prometheus takes 5 s to find its targets.
    let begin = now() + 14_000;
    let end = begin + i64::from(seconds) * 1_000;
    let scripts = Script::troubled(SIZES.len(), begin, end);
    let services = scripts.iter().zip(SIZES).map(|(script, size)| Exporter::start(script.clone(), size));
    let services: Vec<Exporter> = services.collect::<anyhow::Result<_>>()?;
    let endpoints: Vec<String> = services.iter().map(|service| format!("\"{}\"", service.address)).collect();
    let config = config(&endpoints.join(", "));

    // The rules are made from rendered ones, so the files are rendered twice.
    let plain = rendered(binary, folder, "plain", &config, None)?;
    let rules = rules::file(&fs::read_to_string(plain.join("rules/llmobs.yml"))?)?;
    let files = rendered(binary, folder, "trial", &config, Some(&rules))?;
    let with_rules = config.clone() + "include: {rules: [trial.yml]}\n";
    let setup = Setup { config: with_rules, files: vec![("trial.yml", rules.clone())], ..Setup::default() };
    let receiver = Setup {
        config: "targets: [{job: nobody, source: llmobs, endpoints: [\"127.0.0.1:9\"]}]\n".to_owned(),
        ..Setup::default()
    };
    let ours = Stack::start(binary, &setup)?;
    let fed = Stack::start(binary, &receiver)?;
    for file in ["prometheus.yml", "rules/llmobs.yml", "rules/trial.yml"] {
        let own = ours.prometheus_yml().with_file_name(file);
        ensure!(fs::read(&own)? == fs::read(files.join(file))?, "`{file}` is not what `render` writes");
    }
    let sender = copied(&files, &folder.join("sender"), &remote_write(&fed))?;
    // Other external labels give Prometheus another seed of its phases.
    let other = copied(&files, &folder.join("other"), "")?;
    let text =
        fs::read_to_string(&other)?.replacen("global:\n", "global:\n  external_labels: {side: other}\n", 1);
    fs::write(&other, text)?;
    let judge = Server::start_from(&sender, &[])?;
    let peer = Server::start_from(&other, &[])?;
    ensure!(now() < begin, "the machine is too slow for the processes to be up in time");

    let reasons = targets::watch(&scripts, &services, (begin, end), &judge, &ours)?;
    wait_until(end + 2_000);
    let span = (begin + SETTLED, end);
    let mut sides = Sides { judge: judge.connect()?, ours: ours.connect()?, peer: peer.connect()? };
    let (topics, group_phases) = sides.compare(span)?;
    let fed = fed::compare(&mut sides.judge, &mut fed.connect()?, (begin, end - 2_000))?;
    let mut faults: Vec<String> = Vec::new();
    for topic in &topics {
        faults.extend(topic.ours.faults.iter().map(|fault| format!("{}: {fault}", topic.name)));
    }
    faults.extend(fed.faults.iter().map(|fault| format!("fed: {fault}")));
    faults.extend(reasons.faults.iter().cloned());
    let count = |mood: Mood| {
        let acts = scripts.iter().flat_map(Script::acts).filter(|act| act.mood == mood);
        (mood, acts.count())
    };
    let troubles = crate::embedded::TROUBLES.into_iter().map(count).collect();
    Ok(Trial {
        version: judge.version.clone(),
        seconds,
        topics,
        group_phases,
        fed,
        reasons,
        troubles,
        faults,
    })
}

/// Limits that a service in trouble passes at once.
fn config(endpoints: &str) -> String {
    format!(
        "errors: {{for: 2s, alert_above: 3%}}\n\
         cost: {{ceiling_per_hour: 292, approaching: 95%}}\n\
         tokens: {{spike_per_second: 26000}}\n\
         targets: [{{job: {JOB}, source: llmobs, endpoints: [{endpoints}], scrape_interval: 1s}}]\n"
    )
}

/// The folder of Prometheus' files as `llmobs render` writes them.
fn rendered(
    binary: &Path,
    folder: &Path,
    name: &str,
    config: &str,
    rules: Option<&str>,
) -> anyhow::Result<PathBuf> {
    let folder = folder.join(name);
    fs::create_dir_all(&folder)?;
    let mut config = config.to_owned();
    if let Some(rules) = rules {
        fs::write(folder.join("trial.yml"), rules)?;
        config += "include: {rules: [trial.yml]}\n";
    }
    fs::write(folder.join("llmobs.yaml"), config)?;
    let mut command = std::process::Command::new(binary);
    let output = command.args(["render", "--out", "out"]).current_dir(&folder).output()?;
    ensure!(output.status.success(), "`llmobs render`: {}", String::from_utf8_lossy(&output.stderr));
    Ok(folder.join("out/prometheus"))
}

/// A copy of the folder with something at the end of `prometheus.yml`, whose path is given.
fn copied(from: &Path, to: &Path, more: &str) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(to.join("rules"))?;
    for entry in fs::read_dir(from.join("rules"))? {
        let path = entry?.path();
        fs::copy(&path, to.join("rules").join(path.file_name().unwrap_or_default()))?;
    }
    let config = to.join("prometheus.yml");
    fs::write(&config, fs::read_to_string(from.join("prometheus.yml"))? + more)?;
    Ok(config)
}

/// Has Prometheus send what it scrapes, in one row and soon; what rules make stays where it is.
fn remote_write(to: &Stack) -> String {
    format!(
        "\nremote_write:\n\
         \x20 - url: http://{}/api/v1/write\n\
         \x20   queue_config: {{min_shards: 1, max_shards: 1, batch_send_deadline: 100ms}}\n\
         \x20   write_relabel_configs:\n\
         \x20     - {{source_labels: [__name__], regex: \"ALERTS.*|trial:.*|llmobs:.*\", action: drop}}\n",
        to.address()
    )
}

fn wait_until(time: i64) {
    let wait = (time - now()).max(0).unsigned_abs();
    thread::sleep(Duration::from_millis(wait));
}

/// Connections to all that are compared.
struct Sides {
    judge: Connection,
    ours: Connection,
    peer: Connection,
}

impl Sides {
    /// Every topic, and how far the clocks of the groups of both sides are apart.
    fn compare(&mut self, span: (i64, i64)) -> anyhow::Result<(Vec<Topic>, Vec<i64>)> {
        let scrape_bar = |_: &Labels| INTERVAL + STEP + SLACK;
        let job = format!("job=\"{JOB}\"");
        let scraped = [
            ("`up`", format!("up{{{job}}}"), Aspect::Value),
            ("`scrape_samples_scraped`", format!("scrape_samples_scraped{{{job}}}"), Aspect::Value),
            (
                "`scrape_samples_post_metric_relabeling`",
                format!("scrape_samples_post_metric_relabeling{{{job}}}"),
                Aspect::Value,
            ),
            ("`scrape_series_added`", format!("scrape_series_added{{{job}}}"), Aspect::Value),
            (
                "`scrape_duration_seconds` is there",
                format!("scrape_duration_seconds{{{job}}}"),
                Aspect::Presence,
            ),
            (
                "scraped series are there, then stale",
                format!("{{{job},__name__=~\"llm_.+|scripted_.+\"}}"),
                Aspect::Presence,
            ),
        ];
        let mut topics = Vec::new();
        for (name, expr, aspect) in scraped {
            topics.push(self.topic(name, &expr, aspect, span, scrape_bar, scrape_bar)?);
        }
        let group = "trial:up:count";
        let at = span.1;
        let judge = spells::phases(&mut self.judge, group, "group", at)?;
        let ours = spells::phases(&mut self.ours, group, "group", at)?;
        let peer = spells::phases(&mut self.peer, group, "group", at)?;
        let apart = |side: &std::collections::BTreeMap<String, i64>, labels: &Labels| {
            let group = labels.get("group").unwrap_or_default();
            match (judge.get(group), side.get(group)) {
                (Some(one), Some(other)) => spells::circular(*one, *other),
                _ => 0,
            }
        };
        let our_bar = |labels: &Labels| scrape_bar(labels) + apart(&ours, labels);
        let peer_bar = |labels: &Labels| scrape_bar(labels) + apart(&peer, labels);
        for (name, expr) in [
            ("alerts, pending and firing", "ALERTS{group!=\"\"}"),
            ("series that rules record", "{__name__=~\"trial:.+\"}"),
        ] {
            topics.push(self.topic(name, expr, Aspect::Presence, span, our_bar, peer_bar)?);
        }
        let phases =
            judge.iter().map(|(group, one)| spells::circular(*one, ours.get(group).copied().unwrap_or(*one)));
        Ok((topics, phases.collect()))
    }

    fn topic(
        &mut self,
        name: &'static str,
        expr: &str,
        aspect: Aspect,
        span: (i64, i64),
        our_bar: impl Fn(&Labels) -> i64,
        peer_bar: impl Fn(&Labels) -> i64,
    ) -> anyhow::Result<Topic> {
        let judge = spells::ask(&mut self.judge, expr, aspect, span)?;
        let ours = spells::ask(&mut self.ours, expr, aspect, span)?;
        let peer = spells::ask(&mut self.peer, expr, aspect, span)?;
        ensure!(!judge.is_empty(), "`{expr}` gives nothing");
        Ok(Topic {
            name,
            ours: spells::compare(&judge, &ours, our_bar),
            peer: spells::compare(&judge, &peer, peer_bar),
        })
    }
}
