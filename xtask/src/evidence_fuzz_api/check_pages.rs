//! What must hold of expositions that are read and stored.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use anyhow::Context as _;
use llmobs::{
    engine::{Notice, RefusedAnswer, ScrapeAnswer, ScrapeCounts, TargetPages},
    formats::prometheus::{self, ScrapeConfig},
    series::{
        Columns, Entry, Format, Labels, ParseError, Sample, Scan, Select as _, TimeSpan, parse, read_history,
        series_labels,
    },
    text::Source,
    time::Timestamp,
    tsdb::{Options, Store},
};

use super::pages::{Answer, Pages};

/// Jobs' keys. Labels of the first one are stored as the page has them.
const JOBS: [&str; 5] = [
    "honor_labels: true",
    "honor_labels: false",
    "honor_timestamps: false, sample_limit: 20, label_limit: 6, label_name_length_limit: 20, \
     label_value_length_limit: 30, body_size_limit: 4KB",
    "honor_labels: true, metric_name_validation_scheme: legacy, metric_name_escaping_scheme: underscores",
    "track_timestamps_staleness: true, fallback_scrape_protocol: PrometheusText0.0.4, metric_relabel_configs: \
     [{source_labels: [__name__], regex: '.*_sum', action: drop}, {regex: 'code|to', action: labeldrop}, \
     {source_labels: [__name__, le], regex: '(.*);(.*)', target_label: both, replacement: '${2}-$1'}]",
];
/// The last one: its patterns are compiled for each input, so that it is chosen rarely.
pub(super) const RELABELLING: usize = JOBS.len() - 1;

/// The first answer comes now, the others a second after each other.
const START: i64 = 1_750_000_000_000;
/// Samples this much older than the answer are always taken.
const HALF_AN_HOUR: i64 = 30 * 60_000;
const EVERYTHING: TimeSpan = TimeSpan { from: Timestamp(i64::MIN), to: Timestamp(i64::MAX) };
/// The most that is kept of a help text.
const HELP: usize = 4096;
const MOST_LABELS: usize = 1 << 20;

/// Scrapes without a connection.
pub(super) struct Scraper {
    jobs: Vec<ScrapeConfig>,
}

type Taken = Result<ScrapeCounts, RefusedAnswer>;

impl Scraper {
    pub(super) fn new() -> anyhow::Result<Self> {
        let job = |keys: &&str| {
            let file = Source::new("fuzz", format!("scrape_configs: [{{job_name: j, {keys}}}]"));
            let read = prometheus::read(&file).ok().context("a job of the fuzzer's is wrong")?;
            read.0.scrape_configs.into_iter().next().context("there is a job")
        };
        Ok(Self { jobs: JOBS.iter().map(job).collect::<anyhow::Result<_>>()? })
    }

    /// What became of the last answer, or the rule that is broken.
    pub(super) fn examine(&self, pages: &Pages) -> Result<&'static str, String> {
        let last = pages.answers.last().ok_or("there is an answer")?;
        if let Ok(text) = std::str::from_utf8(&last.body) {
            readers(text)?;
        }
        let (mut target, store) = self.target(pages.job);
        let mut at = Timestamp(START);
        let mut steady = Err(RefusedAnswer { line: None, text: String::new() });
        for answer in &pages.answers {
            at.0 += 1000;
            steady = take(&mut target, answer, at)?;
        }
        stored(&store)?;
        let (mut target, store) = self.target(pages.job);
        let fresh = take(&mut target, last, at)?;
        same(&steady, &fresh)?;
        let samples = stored(&store)?;
        match fresh {
            Ok(counts) if samples > counts.kept => Err(format!("{counts:?}, and {samples} are stored")),
            Ok(_) => {
                if pages.job == 0 {
                    complete(last, at, &store)?;
                }
                Ok("taken")
            }
            Err(_) if samples > 0 => Err("a page is refused and stored".to_owned()),
            Err(refused) if refused.line.is_some() => Ok("a line is refused"),
            Err(_) => Ok("refused as a whole"),
        }
    }

    fn target(&self, job: usize) -> (TargetPages, Store) {
        let store = Store::in_memory(Options::default());
        let labels: &[(&str, &str)] = if job == 0 { &[] } else { &[("instance", "i"), ("job", "j")] };
        let hear = Arc::new(|_: Notice| ());
        let labels = labels.iter().copied().collect();
        (TargetPages::new(&self.jobs[job], store.clone(), labels, 20, hear), store)
    }
}

fn take(target: &mut TargetPages, answer: &Answer, at: Timestamp) -> Result<Taken, String> {
    let Answer { content_type, encoding, body } = answer;
    let taken = target.take(ScrapeAnswer { content_type, content_encoding: *encoding, body }, at);
    if let Err(RefusedAnswer { line: Some(line), text }) = &taken {
        // Of a body that is packed, the lines are not known here.
        let lines = body.split(|byte| *byte == b'\n').count();
        if *line == 0 || encoding.is_none() && *line > lines || !text.starts_with(&format!("line {line}: ")) {
            return Err(format!("line {line} of {lines} is wrong: {text}"));
        }
    }
    let told = target.changed_metadata().unwrap_or_default();
    if let Some(family) = told.iter().find(|family| family.help.len() > HELP || family.unit.len() > HELP) {
        return Err(format!("`{}` has a long text", family.family));
    }
    let exemplars = target.exemplars(&[vec![]], EVERYTHING);
    if exemplars.iter().map(|series| series.exemplars.len()).sum::<usize>() > 20 {
        return Err("there are too many exemplars".to_owned());
    }
    Ok(taken)
}

/// A target that is known and one that is new have their pages judged alike. Only the length of a bound may differ: it
/// is written as the `TYPE` had it that the text was first seen with, as in Prometheus.
fn same(steady: &Taken, fresh: &Taken) -> Result<(), String> {
    let is_length = |taken: &Taken| {
        taken.as_ref().is_err_and(|refused| refused.text.starts_with("label_value_length_limit"))
    };
    if is_length(steady) || is_length(fresh) {
        return Ok(());
    }
    let is_same = match (steady, fresh) {
        (Ok(steady), Ok(fresh)) => (steady.scraped, steady.kept) == (fresh.scraped, fresh.kept),
        (Err(steady), Err(fresh)) => steady == fresh,
        _ => false,
    };
    if is_same { Ok(()) } else { Err(format!("known: {steady:?}; new: {fresh:?}")) }
}

/// How many samples there are; all can be read.
fn stored(store: &Store) -> Result<usize, String> {
    let reader = store.reader();
    let found =
        reader.select(&[], EVERYTHING).map_err(|error| format!("the store cannot be read: {error}"))?;
    let mut samples = 0;
    let mut seen: Vec<Labels> = Vec::new();
    for series in found {
        if series.labels.get("__name__").is_none() || series.times.len() != series.values.len() {
            return Err(format!("a series is broken: {series:?}"));
        }
        if !series.times.is_sorted_by(|a, b| a < b) {
            return Err(format!("times do not ascend: {series:?}"));
        }
        samples += series.times.len();
        seen.push(series.labels);
    }
    seen.sort_unstable();
    if seen.windows(2).any(|two| two[0] == two[1]) {
        return Err("a series is there twice".to_owned());
    }
    Ok(samples)
}

/// Whether each sample of a page that was taken is in the store, bit for bit.
fn complete(answer: &Answer, at: Timestamp, store: &Store) -> Result<(), String> {
    // An empty answer is taken in any format.
    if answer.encoding.is_some() || answer.body.is_empty() {
        return Ok(());
    }
    let is_open = answer.content_type.starts_with("application/openmetrics-text");
    let format = if is_open { Format::OpenMetrics } else { Format::Text };
    let page = std::str::from_utf8(&answer.body).map_err(|_| "a page that is no UTF-8 is taken")?;
    let mut expected: BTreeMap<Labels, Vec<(Timestamp, u64)>> = BTreeMap::new();
    // A text stays the series that it was first, also where a `TYPE` between would have its bound written otherwise.
    let mut texts: HashMap<&str, Labels> = HashMap::new();
    let mut scan = Scan::new(page, format);
    while let Some(entry) = scan.next("").map_err(|error| format!("it is taken, and not read: {error}"))? {
        if let Entry::Sample(sample) = entry {
            let labels = match texts.get(sample.series) {
                Some(labels) => Labels::clone(labels),
                None => series_labels(sample.series, format, scan.kind())
                    .map_err(|wrong| wrong.to_string())?
                    .into_iter()
                    .collect(),
            };
            texts.insert(sample.series, labels.clone());
            expected
                .entry(labels)
                .or_default()
                .push((sample.timestamp.unwrap_or(at), sample.value.to_bits()));
        }
    }
    let reader = store.reader();
    let found = reader.select(&[], EVERYTHING).map_err(|error| error.to_string())?;
    let found: BTreeMap<Labels, _> = found.map(|series| (series.labels.clone(), series)).collect();
    for (labels, samples) in expected {
        let length: usize = labels.iter().map(|(name, value)| name.len() + value.len()).sum();
        // What is there more than once, or of another time, may be refused; without a label no series is left.
        let [(time, bits)] = samples[..] else { continue };
        if length > MOST_LABELS || labels.is_empty() || time.0 > at.0 || time.0 < at.0 - HALF_AN_HOUR {
            continue;
        }
        let is_there = found.get(&labels).is_some_and(|series| {
            *series.times == [time] && series.values.iter().all(|value| value.to_bits() == bits)
        });
        if !is_there {
            return Err(format!("{labels} at {} is not stored", time.0));
        }
    }
    Ok(())
}

/// The readers of pages that are files: they say the same each time, and where a page is wrong.
fn readers(text: &str) -> Result<(), String> {
    let parsed = parse(text);
    placed(parsed.as_ref().err(), text)?;
    let is_same = match (&parsed, parse(text)) {
        (Ok(first), Ok(second)) => first.len() == second.len() && first.iter().zip(&second).all(is_alike),
        (Err(first), Err(second)) => *first == second,
        _ => false,
    };
    if !is_same {
        return Err("a page is read in two ways".to_owned());
    }
    let mut columns = Columns::new();
    let history = read_history(text, Timestamp(START), &mut columns);
    placed(history.as_ref().err(), text)?;
    if let Ok(history) = history {
        let samples = parsed.as_ref().map_or(0, Vec::len);
        if history.samples != samples || columns.samples() != samples {
            return Err(format!("{samples} samples, and {history:?} as a history"));
        }
    }
    for format in [Format::Text, Format::OpenMetrics] {
        let scanned = scanned(text, format)?;
        let is_of_format = (format == Format::OpenMetrics) == text.trim_end().ends_with("\n# EOF");
        if let (Ok(parsed), Some(values), true) = (&parsed, scanned, is_of_format) {
            let bits = |value: f64| if value.is_nan() { 0 } else { value.to_bits() };
            if !parsed.iter().map(|sample| bits(sample.value)).eq(values.iter().map(|value| bits(*value))) {
                return Err(format!("{parsed:?} are {values:?} too"));
            }
        }
    }
    Ok(())
}

fn is_alike((one, other): (&Sample, &Sample)) -> bool {
    let bits = |sample: &Sample| (sample.value.to_bits(), sample.timestamp);
    one.name == other.name && one.labels == other.labels && bits(one) == bits(other)
}

/// The values of a page; none where it is refused.
fn scanned(text: &str, format: Format) -> Result<Option<Vec<f64>>, String> {
    let mut scan = Scan::new(text, format);
    let mut values = Vec::new();
    loop {
        match scan.next("") {
            Ok(None) => return Ok(Some(values)),
            Ok(Some(Entry::Sample(sample))) => values.push(sample.value),
            Ok(Some(_)) => {}
            Err(error) if error.line > text.split('\n').count() => {
                return Err(format!("{error}: no such line"));
            }
            Err(_) => return Ok(None),
        }
    }
}

fn placed(error: Option<&ParseError>, text: &str) -> Result<(), String> {
    let Some(error) = error else { return Ok(()) };
    let (start, end) = (error.span.start, error.span.end);
    let lines = text.split('\n').count();
    if text.get(start..end).is_none() || error.line == 0 || error.line > lines {
        return Err(format!("{error} stands at {start} to {end} of {}", text.len()));
    }
    Ok(())
}
