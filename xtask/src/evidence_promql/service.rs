//! Series of the services that a configuration of llmobs speaks of: the mock as the simulator makes it, and any other
//! source by its list of families.

use std::collections::BTreeMap;

use anyhow::Context as _;
use llmobs::{
    series::{Format, Gather as _, Labels, METRIC_NAME, parse},
    simulate::{DEFAULT_MODELS, Mock, MockConfig, MockModel},
    sources::{self, Family, MetricType},
    time::Timestamp,
};

use crate::{judge::Recorded, random::Random};

/// Milliseconds between two samples, and from the first to the last.
const INTERVAL: i64 = 15_000;
pub(crate) const SPAN: i64 = 150 * 60_000;
/// A Monday morning.
pub(crate) const START: i64 = 1_795_420_800_000;
/// When the mock starts anew, with its counters at zero.
const RESTART: i64 = 95 * 60_000;

/// A target as the configuration names it.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) job: String,
    pub(crate) source: String,
    pub(crate) endpoints: Vec<String>,
}

/// All series of some targets.
pub(crate) fn series(targets: &[Target], models: &[String]) -> anyhow::Result<Vec<Recorded>> {
    let mut all = Vec::new();
    for (number, target) in targets.iter().enumerate() {
        for (place, endpoint) in target.endpoints.iter().enumerate() {
            let seed = (number * 100 + place) as u64;
            let ends = [("job", target.job.as_str()), ("instance", endpoint.as_str())];
            let mut of_endpoint = match target.source.as_str() {
                "llmobs" => simulated(seed)?,
                source => {
                    let source = sources::builtin(source).with_context(|| format!("no source `{source}`"))?;
                    let of_family = |family| synthetic(family, models, seed);
                    source.families.iter().flat_map(of_family).collect()
                }
            };
            let mut random = Random::new(seed ^ 0x0b);
            let samples = instants().map(|at| (at, if random.chance(0.02) { 0.0 } else { 1.0 })).collect();
            of_endpoint.push(Recorded { labels: [(METRIC_NAME, "up")].into_iter().collect(), samples });
            all.extend(of_endpoint.into_iter().map(|series| labelled(series, &ends)));
        }
    }
    Ok(all)
}

fn instants() -> impl Iterator<Item = i64> {
    (0..=SPAN / INTERVAL).map(|step| START + step * INTERVAL)
}

fn labelled(series: Recorded, more: &[(&str, &str)]) -> Recorded {
    let mut labels = series.labels.edit();
    for (name, value) in more {
        labels.set(*name, *value);
    }
    Recorded { labels: labels.finish(), samples: series.samples }
}

/// The mock, scraped; it is restarted once.
fn simulated(seed: u64) -> anyhow::Result<Vec<Recorded>> {
    let start = |at| {
        let prices = [("openai", 2.5, 10.0), ("openai", 0.15, 0.6), ("anthropic", 3.0, 15.0)];
        let model =
            |((name, share), (provider, input, output)): (&(&str, f64), (&str, f64, f64))| MockModel {
                name: (*name).to_owned(),
                provider: provider.to_owned(),
                share: *share,
                input_price: input,
                output_price: output,
                context_window: None,
            };
        let models = DEFAULT_MODELS.iter().zip(prices).map(model).collect();
        Mock::new(MockConfig::healthy(models, seed, Timestamp(at)))
    };
    let mut mock = start(START)?;
    let mut series: BTreeMap<Labels, Vec<(i64, f64)>> = BTreeMap::new();
    let mut page = Vec::new();
    for at in instants() {
        if at == START + RESTART {
            mock = start(at)?;
        }
        page.clear();
        mock.gather(Timestamp(at), Format::Text, &mut page);
        for sample in parse(std::str::from_utf8(&page)?)? {
            let mut labels = sample.labels.edit();
            labels.set(METRIC_NAME, sample.name);
            series.entry(labels.finish()).or_default().push((at, sample.value));
        }
    }
    Ok(series.into_iter().map(|(labels, samples)| Recorded { labels, samples }).collect())
}

/// A family with every combination of its labels; a label of which no value is known is the model's, or has two.
fn synthetic(family: &Family, models: &[String], seed: u64) -> Vec<Recorded> {
    let mut sets: Vec<Vec<(String, String)>> = vec![Vec::new()];
    for (name, known) in &family.labels {
        let values = match known.as_slice() {
            [] if name.contains("model") => models.to_vec(),
            [] => vec!["0".to_owned(), "1".to_owned()],
            known => known.to_vec(),
        };
        sets = sets
            .iter()
            .flat_map(|set| {
                let with = |value: &String| [set.as_slice(), &[(name.clone(), value.clone())]].concat();
                values.iter().map(with).collect::<Vec<_>>()
            })
            .collect();
    }
    let mut random = Random::new(seed ^ family.name.len() as u64);
    let mut all = Vec::new();
    for set in sets {
        let named = |suffix: &str, more: Option<String>| -> Labels {
            let name = format!("{}{suffix}", family.name);
            let le = more.map(|bound| ("le".to_owned(), bound));
            set.iter().cloned().chain(le).chain([(METRIC_NAME.to_owned(), name)]).collect()
        };
        let resets = random.between(20, 400);
        let mut columns: Vec<(Labels, Vec<(i64, f64)>)> = match family.kind {
            MetricType::Histogram => {
                let finite = family.buckets.iter().map(ToString::to_string);
                let buckets =
                    finite.chain(["+Inf".to_owned()]).map(|le| (named("_bucket", Some(le)), Vec::new()));
                let totals = ["_count", "_sum"].map(|suffix| (named(suffix, None), Vec::new()));
                buckets.chain(totals).collect()
            }
            MetricType::Counter | MetricType::Gauge => vec![(named("", None), Vec::new())],
        };
        let mut state = vec![0.0; columns.len()];
        for (step, at) in instants().enumerate() {
            if i64::try_from(step) == Ok(resets) {
                state.fill(0.0);
            }
            advance(family, &mut state, &mut random);
            for ((_, samples), value) in columns.iter_mut().zip(&state) {
                samples.push((at, *value));
            }
        }
        all.extend(columns.into_iter().map(|(labels, samples)| Recorded { labels, samples }));
    }
    all
}

/// The next values of a family's series of one label set.
fn advance(family: &Family, state: &mut [f64], random: &mut Random) {
    match family.kind {
        MetricType::Counter => state[0] += (random.share() * 40.0).floor(),
        MetricType::Gauge if family.unit == "ratio" => state[0] = random.share(),
        MetricType::Gauge => state[0] = (random.share() * 12.0).floor(),
        MetricType::Histogram => {
            let middle = family.buckets[family.buckets.len() / 3];
            for _ in 0..random.below(9) {
                let observed = -middle * (1.0 - random.share()).ln();
                let bounds = family.buckets.iter().copied().chain([f64::INFINITY]);
                let totals = family.buckets.len() + 1;
                for (place, bound) in bounds.enumerate() {
                    if observed <= bound {
                        state[place] += 1.0;
                    }
                }
                state[totals] += 1.0;
                state[totals + 1] += observed;
            }
        }
    }
}
