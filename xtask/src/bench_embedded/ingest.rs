//! How many samples a second of CPU takes in: by remote write, and by scraping.

use std::{fmt::Write as _, fs, path::Path, thread, time::Duration};

use anyhow::ensure;

use super::Pair;
use crate::{
    embedded::{Exporter, Setup, Stack, Usage, now},
    judge::{Query, Recorded, Server, Value, When, in_order, write_request},
};

/// Samples of a request, as Prometheus' own senders have as a rule.
const BATCH: usize = 2_000;
/// Milliseconds between two samples of a series: the day in less than an hour, which is as old as a sample may be.
const STEP: i64 = 500;
const TARGETS: usize = 10;
/// Series of a page, in families of so many.
const PAGE: (usize, usize) = (500, 20);

/// Samples and seconds of CPU.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ingested {
    pub(super) samples: f64,
    pub(super) cpu: f64,
}

impl Ingested {
    pub(super) fn rate(self) -> f64 {
        self.samples / self.cpu
    }
}

/// The values of the day, once more as other series and closer together, by turns into both.
pub(super) fn remote_write(
    theirs: &Server,
    ours: &Stack,
    day: &[Recorded],
) -> anyhow::Result<Pair<Ingested>> {
    let end = now();
    let count = day.first().map_or(0, |series| series.samples.len());
    let start = end - i64::try_from(count)? * STEP;
    let again = |series: &Recorded| {
        let mut labels = series.labels.edit();
        labels.set("job", "written");
        let times = (0..).map(|number: i64| start + number * STEP);
        let samples = times.zip(&series.samples).map(|(at, (_, value))| (at, *value)).collect();
        Recorded { labels: labels.finish(), samples }
    };
    let series: Vec<Recorded> = day.iter().map(again).collect();
    let before = (Usage::of(theirs.id())?, Usage::of(ours.id()?)?);
    let (mut at_theirs, mut at_ours) = (theirs.connect()?, ours.connect()?);
    let mut samples = 0;
    for batch in in_order(&series).chunks(BATCH) {
        let body = write_request(batch, |index| &series[index].labels);
        for (name, connection) in [("Prometheus", &mut at_theirs), ("the embedded stack", &mut at_ours)] {
            let (status, words) = connection.write(&body)?;
            ensure!(matches!(status, 200 | 204), "{name}: {status} {words}");
        }
        samples += batch.len();
    }
    let after = (Usage::of(theirs.id())?, Usage::of(ours.id()?)?);
    let of = |before: Usage, after: Usage| Ingested { samples: samples as f64, cpu: after.cpu - before.cpu };
    Ok(Pair { theirs: of(before.0, after.0), ours: of(before.1, after.1) })
}

/// Both scrape some static pages every second; all that they do meanwhile counts.
pub(super) fn scrapes(binary: &Path, seconds: u32) -> anyhow::Result<Pair<Ingested>> {
    let pages = (0..TARGETS).map(|_| Exporter::fixed(page()));
    let pages: Vec<Exporter> = pages.collect::<anyhow::Result<_>>()?;
    let endpoints: Vec<String> = pages.iter().map(|page| format!("\"{}\"", page.address)).collect();
    let config = format!(
        "targets: [{{job: pages, source: llmobs, endpoints: [{}], scrape_interval: 1s}}]\n",
        endpoints.join(", ")
    );
    let ours = Stack::start(binary, &Setup { config, ..Setup::default() })?;
    let theirs = Server::start_from(&fs::canonicalize(ours.prometheus_yml())?, &[])?;
    // Until both scrape all of them.
    thread::sleep(Duration::from_secs(12));
    let before = (Usage::of(theirs.id())?, Usage::of(ours.id()?)?);
    let begun = now();
    thread::sleep(Duration::from_secs(u64::from(seconds)));
    let (after, ended) = ((Usage::of(theirs.id())?, Usage::of(ours.id()?)?), now());
    let count = |mut connection: crate::judge::Connection| -> anyhow::Result<f64> {
        let expr =
            format!("sum(sum_over_time(scrape_samples_scraped{{job=\"pages\"}}[{}ms]))", ended - begun);
        let answer = connection.ask(&Query { expr, when: When::At(ended) })?;
        let answer = answer.map_err(|failure| anyhow::anyhow!("{}", failure.text))?;
        let Value::Vector(rows) = answer.value else { return Ok(0.0) };
        Ok(rows.first().and_then(|row| row.points.first()).map_or(0.0, |(_, count)| *count))
    };
    let theirs = Ingested { samples: count(theirs.connect()?)?, cpu: after.0.cpu - before.0.cpu };
    let ours = Ingested { samples: count(ours.connect()?)?, cpu: after.1.cpu - before.1.cpu };
    let least = f64::from(seconds - 2) * (TARGETS * PAGE.0) as f64;
    ensure!(
        theirs.samples > least && ours.samples > least,
        "some pages were not scraped: {theirs:?} {ours:?}"
    );
    Ok(Pair { theirs, ours })
}

/// A page as a service of language models has it.
fn page() -> String {
    let mut page = String::new();
    let (series, in_family) = PAGE;
    for number in 0..series {
        let (family, member) = (number / in_family, number % in_family);
        // Writing to a string cannot fail.
        if member == 0 {
            let _ = writeln!(
                page,
                "# HELP llm_page_{family}_total Some counter.\n# TYPE llm_page_{family}_total counter"
            );
        }
        let _ = writeln!(
            page,
            "llm_page_{family}_total{{model=\"claude-sonnet-4-{member}\",provider=\"anthropic\",status=\"success\",\
             tenant=\"team-a\"}} {}",
            number * 7_919
        );
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_its_series() {
        assert_eq!(llmobs::series::parse(&page()).unwrap().len(), PAGE.0);
    }
}
