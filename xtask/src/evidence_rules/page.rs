//! The page of evidence.

use std::{fmt::Write as _, path::Path};

use super::{anchor::Anchored, cases::Case, ours::Said, verdict::Verdict};
use crate::stamp;

/// What was judged.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    files: usize,
    groups: usize,
    alerting: usize,
    recording: usize,
    /// Series that a rule is evaluated over, summed over the rules.
    pairs: usize,
    /// Alert rules at an instant, and the alerts that fired there.
    looks: usize,
    firing: usize,
    annotations: usize,
    /// Expressions over recorded series, `ALERTS` and `ALERTS_FOR_STATE` at an instant, and their samples.
    expressions: usize,
    samples: usize,
    /// Files in which a rule fails.
    failing: usize,
}

impl Counts {
    pub(super) fn add(&mut self, case: &Case, said: &Said) {
        self.files += 1;
        self.groups += case.rules["groups"].as_array().map_or(0, Vec::len);
        self.alerting += case.alerts.len();
        self.recording += case.records.len();
        self.pairs += case.pairs;
        self.looks += said.alerts.len();
        let firing = said.alerts.iter().flat_map(|at| &at.firing);
        for (_, annotations) in firing {
            self.firing += 1;
            self.annotations += annotations.len();
        }
        self.expressions += said.expressions.len();
        self.samples += said.expressions.iter().map(|at| at.samples.len()).sum::<usize>();
        self.failing += usize::from(!said.failures.is_empty());
    }
}

/// The figures, as list items.
pub(super) fn summary(counts: &Counts, verdicts: &[Verdict]) -> String {
    let last_digits: usize = verdicts.iter().map(|verdict| verdict.last_digits).sum();
    let good = verdicts.iter().filter(|verdict| verdict.differences.is_empty()).count();
    format!(
        "- promtool agrees with {good} of {} files: {} groups, {} alerting and {} recording rules, {} pairs of a rule \
         and a series.\n\
         - {} times an alerting rule was looked at, and {} firing alerts with {} annotations expected.\n\
         - {} times recorded series, `ALERTS` or `ALERTS_FOR_STATE` were looked at, and {} samples expected.\n\
         - In {} files a rule fails, and promtool names the same rule, the same instant and the same reason.\n\
         - {last_digits} complaints are excused: nothing differs but the last digits of a long number in a text.\n",
        verdicts.len(),
        counts.groups,
        counts.alerting,
        counts.recording,
        counts.pairs,
        counts.looks,
        counts.firing,
        counts.annotations,
        counts.expressions,
        counts.samples,
        counts.failing,
    )
}

pub(super) fn page(
    repository: &Path,
    seed: u64,
    counts: &Counts,
    verdicts: &[Verdict],
    anchored: Option<&Anchored>,
) -> anyhow::Result<String> {
    let mut page = format!(
        "# Rules, judged by promtool\n\n\
         Made by `cargo xtask evidence rules --count {} --seed {seed}` from commit {}; promtool is that of \
         `prom/prometheus:v3.16.0`.\n\n\
         llmobs evaluates generated groups of rules over generated series, and what it says becomes the expectations of \
         a file of unit tests, which the real `promtool test rules` runs. There are `for` and `keep_firing_for`, rules \
         that read others of their group, of another one, later ones or themselves, `query_offset`, labels of groups, \
         resets, gaps, staleness markers, `absent`, NaN and infinities, and the templates of the documentation in labels \
         and annotations.\n\n",
        counts.files,
        stamp::commit(repository)?,
    );
    page.push_str(&summary(counts, verdicts));
    if let Some(anchored) = anchored {
        // Writing to a string cannot fail.
        let _ = writeln!(
            page,
            "- 20 rules over 300 series of half a day: at each of {} evaluations each of {} alerts, {} times one that \
             fires. promtool disagrees {} times.",
            anchored.evaluations,
            anchored.alerts,
            anchored.firing,
            anchored.verdict.differences.len(),
        );
    }
    page.push_str("\n## Differences\n\n");
    let anchored = anchored.map(|anchored| &anchored.verdict);
    let bad: Vec<&Verdict> =
        verdicts.iter().chain(anchored).filter(|verdict| !verdict.differences.is_empty()).collect();
    if bad.is_empty() {
        page.push_str("None.\n");
    }
    for verdict in bad {
        let _ = writeln!(page, "`{}`, {} differences, the first:\n", verdict.file, verdict.differences.len());
        for line in verdict.differences.first().into_iter().flat_map(|first| first.lines()) {
            let _ = writeln!(page, "    {}", line.trim_end());
        }
        page.push('\n');
    }
    Ok(page)
}
