//! What a panel asks: its queries with their steps, and the answers as frames.

use std::sync::Arc;

use super::{
    frame::{Field, Frame, Values},
    model::{Panel, Target},
    time_range::{TimeRange, duration},
    variables::Context,
};
use crate::{
    promql::{
        eval::{self, Answer, Block, Grid, Options},
        syntax,
    },
    series::{Labels, METRIC_NAME, Select, is_stale},
    time::Timestamp,
};

/// Columns of the grid.
const COLUMNS: i64 = 24;
/// Points that a panel as wide as the page may have: about the pixels of a common screen.
const PAGE_POINTS: i64 = 1400;
/// The most points of a query, as Prometheus has it.
const MOST_POINTS: i64 = 11_000;
/// The most series, and the most values, that a panel draws of a query.
const MOST_SERIES: usize = 500;
const MOST_VALUES: usize = 250_000;

/// What is asked, and how.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    pub data: &'a dyn Select,
    pub options: Options<'a>,
    /// The data source's scrape interval, in milliseconds.
    pub scrape_interval: i64,
}

impl std::fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("scrape_interval", &self.scrape_interval).finish_non_exhaustive()
    }
}

/// Steps of a query, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    pub interval: i64,
    pub rate_interval: i64,
}

/// The answers of a panel.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answers {
    pub frames: Vec<Frame>,
    /// Queries that failed, by their letters.
    pub errors: Vec<(String, String)>,
    /// What the panel should say besides.
    pub notes: Vec<String>,
}

impl Steps {
    /// As Grafana's Prometheus data source has them: the range over the points, rounded to a usual interval, not
    /// below the least one; the rate's interval covers four scrapes.
    pub fn new(range: TimeRange, points: i64, least: Option<i64>, scrape_interval: i64) -> Self {
        let scrape = scrape_interval.max(1);
        let interval = rounded(range.millis() / points.max(1));
        let safe = range.millis().div_euclid(MOST_POINTS) + 1;
        let interval = interval.max(least.unwrap_or(scrape)).max(1);
        let interval =
            if interval >= safe { interval } else { safe.div_euclid(1000).saturating_add(1) * 1000 };
        let scrape = least.unwrap_or(scrape);
        Self { interval, rate_interval: interval.saturating_add(scrape).max(scrape.saturating_mul(4)) }
    }

    /// Of a panel's query.
    pub fn of(panel: &Panel, target: &Target, range: TimeRange, scrape_interval: i64) -> Self {
        let points = panel.max_data_points.map_or(PAGE_POINTS * i64::from(panel.grid.w) / COLUMNS, i64::from);
        let least = target.interval.as_deref().or(panel.interval.as_deref());
        let least = least.and_then(|text| duration(text.trim_start_matches('>'))).filter(|least| *least > 0);
        Self::new(range, points, least, scrape_interval)
    }
}

/// Grafana's usual intervals: below what each of them is taken.
fn rounded(millis: i64) -> i64 {
    const USUAL: [(i64, i64); 29] = [
        (10, 1),
        (15, 10),
        (35, 20),
        (75, 50),
        (150, 100),
        (350, 200),
        (750, 500),
        (1_500, 1_000),
        (3_500, 2_000),
        (7_500, 5_000),
        (12_500, 10_000),
        (17_500, 15_000),
        (25_000, 20_000),
        (45_000, 30_000),
        (90_000, 60_000),
        (210_000, 120_000),
        (450_000, 300_000),
        (750_000, 600_000),
        (1_050_000, 900_000),
        (1_500_000, 1_200_000),
        (2_700_000, 1_800_000),
        (5_400_000, 3_600_000),
        (9_000_000, 7_200_000),
        (16_200_000, 10_800_000),
        (32_400_000, 21_600_000),
        (86_400_000, 43_200_000),
        (604_800_000, 86_400_000),
        (1_814_400_000, 604_800_000),
        (3_628_800_000, 2_592_000_000),
    ];
    USUAL.iter().find(|(below, _)| millis < *below).map_or(31_536_000_000, |(_, interval)| *interval)
}

/// Asks all queries of a panel; one that fails does not stop the others.
pub fn ask(panel: &Panel, context: &Context<'_>, source: &Source<'_>) -> Answers {
    let mut answers = Answers::default();
    for target in &panel.targets {
        let steps = Steps::of(panel, target, context.range, source.scrape_interval);
        let expr = context.with_steps(steps).expression(&target.expr);
        let several = panel.targets.len() > 1;
        match ask_one(target, &expr, context.range, steps, several, source) {
            Ok((mut frames, left_out)) => {
                if left_out > 0 {
                    answers.notes.push(format!("{left_out} more series are not drawn"));
                }
                answers.frames.append(&mut frames);
            }
            Err(error) => answers.errors.push((target.ref_id.clone(), error)),
        }
    }
    answers
}

/// Frames, and how many series were too many.
fn ask_one(
    target: &Target,
    expr: &str,
    range: TimeRange,
    steps: Steps,
    several: bool,
    source: &Source<'_>,
) -> Result<(Vec<Frame>, usize), String> {
    let tree = syntax::parse(expr, &syntax::Options::default()).map_err(|errors| errors.first())?;
    let evaluated = if target.range {
        let aligned = |at: Timestamp| Timestamp(at.0.div_euclid(steps.interval) * steps.interval);
        let (from, to) = (aligned(range.from), aligned(range.to));
        eval::range(&tree, source.data, from, to, steps.interval, &source.options)
    } else {
        eval::instant(&tree, source.data, range.to, &source.options)
    };
    let evaluated = evaluated.map_err(|error| error.to_string())?;
    let block = match evaluated.answer {
        Answer::Vector(block) => block,
        Answer::Scalar(values) => {
            let mut block = Block::new(evaluated.grid.count);
            block.push(Labels::default()).copy_from_slice(&values);
            block
        }
        Answer::String(_) => return Err("a text cannot be drawn".to_owned()),
        Answer::Range(_) => return Err("a range vector cannot be drawn; use a function over it".to_owned()),
    };
    let most = (MOST_VALUES / evaluated.grid.count.max(1)).clamp(1, MOST_SERIES);
    let left_out = block.len().saturating_sub(most);
    let frames = if target.table && !target.range {
        vec![table(target, &block, evaluated.grid, several)]
    } else {
        series(target, expr, &block, evaluated.grid, most)
    };
    Ok((frames, left_out))
}

/// A frame for each series: instants and values; a value that is not there is `NAN` by [`is_stale`].
fn series(target: &Target, expr: &str, block: &Block, grid: Grid, most: usize) -> Vec<Frame> {
    let times: Arc<[i64]> = grid.instants().collect();
    let frame = |(labels, row): (&Labels, &[f64])| Frame {
        ref_id: target.ref_id.clone(),
        name: name(&target.legend, labels, expr),
        fields: vec![
            Field::new("Time", Values::Times(times.clone())),
            Field { labels: labels.clone(), ..Field::new("Value", Values::Numbers(row.to_vec())) },
        ],
    };
    block.rows().take(most).map(frame).collect()
}

/// One frame of all series: a column of instants, one of each label, one of values.
fn table(target: &Target, block: &Block, grid: Grid, several: bool) -> Frame {
    let rows: Vec<(&Labels, f64)> = block
        .rows()
        .take(MOST_SERIES)
        .filter_map(|(labels, row)| row.first().map(|value| (labels, *value)))
        .filter(|(_, value)| !is_stale(*value))
        .collect();
    let mut names: Vec<&str> =
        rows.iter().flat_map(|(labels, _)| labels.iter().map(|(name, _)| name)).collect();
    names.sort_unstable();
    names.dedup();
    let mut fields = vec![Field::new("Time", Values::Times(rows.iter().map(|_| grid.start).collect()))];
    for name in names {
        let texts =
            rows.iter().map(|(labels, _)| Some(labels.get(name).unwrap_or_default().to_owned())).collect();
        fields.push(Field::new(name, Values::Texts(texts)));
    }
    let value = if several { format!("Value #{}", target.ref_id) } else { "Value".to_owned() };
    fields.push(Field::new(&value, Values::Numbers(rows.iter().map(|(_, value)| *value).collect())));
    Frame { ref_id: target.ref_id.clone(), name: None, fields }
}

/// A series' name by the legend's format; `None` where its labels are to name it.
fn name(legend: &str, labels: &Labels, expr: &str) -> Option<String> {
    let name = match legend {
        "__auto" => String::new(),
        "" => labelled(labels),
        format => expanded(format, labels),
    };
    match (name.is_empty(), legend == "__auto" && !labels.is_empty()) {
        (true, true) => None,
        (true, false) => Some(expr.to_owned()),
        (false, _) => Some(name),
    }
}

/// `{{label}}` replaced by the label's value; by nothing where there is none.
pub fn expanded(format: &str, labels: &Labels) -> String {
    let mut out = String::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, behind)) = after.split_once("}}") else { break };
        out.push_str(before);
        out.push_str(labels.get(name.trim()).unwrap_or_default());
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// `name{a="b", c="d"}`.
pub fn labelled(labels: &Labels) -> String {
    let name = labels.get(METRIC_NAME).unwrap_or_default();
    let pairs: Vec<String> = labels
        .iter()
        .filter(|(name, _)| *name != METRIC_NAME)
        .map(|(name, value)| format!("{name}={}", crate::series::quoted(value)))
        .collect();
    if pairs.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", pairs.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(hours: i64, points: i64, least: Option<i64>, expect: (i64, i64)) {
        let range = TimeRange { from: Timestamp(0), to: Timestamp(hours * 3_600_000) };
        let steps = Steps::new(range, points, least, 15_000);
        assert_eq!((steps.interval, steps.rate_interval), expect);
    }

    #[test]
    fn steps_follow_the_range_and_the_width() {
        check(1, 1400, None, (15_000, 60_000));
        check(6, 466, None, (60_000, 75_000));
        check(24, 466, None, (120_000, 135_000));
        check(24 * 7, 466, None, (1_200_000, 1_215_000));
        check(1, 1400, Some(60_000), (60_000, 240_000));
        check(24 * 365, 1_000_000, None, (2_867_000, 2_882_000));
    }
}
