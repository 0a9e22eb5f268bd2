//! `info()`: labels of info metrics, such as `target_info`, for the series of the same job and instance.

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Write as _,
};

use crate::series::{Labels, METRIC_NAME, MatchOp, Matcher, is_stale};

use super::{Block, EvalError, Guard, labels::is_metadata, number};

/// Gives the series that all matchers accept. The values are the times of their samples in seconds, as `timestamp()`
/// of a selector gives them.
pub(in crate::promql::eval) type TimesOf<'a> = &'a mut dyn FnMut(&[Matcher]) -> Result<Block, EvalError>;

/// The labels by which an info series belongs to others.
const IDENTIFYING: [&str; 2] = ["instance", "job"];

/// Adds the labels of info series to the series of `base`.
///
/// `selector` are the matchers of the second argument, the metric's name among them: which info metrics, and which of
/// their labels.
pub(in crate::promql::eval) fn info(
    base: &Block,
    selector: &[Matcher],
    times_of: TimesOf<'_>,
    guard: Guard<'_>,
) -> Result<Block, EvalError> {
    let (names, wanted): (Vec<_>, Vec<_>) =
        selector.iter().cloned().partition(|matcher| matcher.name() == METRIC_NAME);
    let names = info_names(names)?;
    let is_info: Vec<bool> =
        base.labels.iter().map(|labels| names.iter().all(|matcher| matcher.accepts_labels(labels))).collect();
    let enriched = || base.labels.iter().zip(&is_info).filter(|(_, is_info)| !**is_info);
    let infos = Infos::read(enriched().map(|(labels, _)| labels), &names, &wanted, times_of)?;
    let mut present = vec![false; base.steps];
    for (_, row) in base.rows() {
        for (present, value) in present.iter_mut().zip(row) {
            *present |= !is_stale(*value);
        }
    }
    let newest = infos.newest(&present)?;

    // Where no info series is found, the series stays unless a label was asked for.
    let stays = wanted.iter().all(|matcher| matcher.accepts(""));
    let mut answer = Block::new(base.steps);
    for ((labels, row), is_info) in base.rows().zip(&is_info) {
        if *is_info {
            answer.push(labels.clone()).copy_from_slice(row);
            continue;
        }
        let of_series: Vec<&Vec<Option<usize>>> =
            infos.names.iter().filter_map(|name| newest.get(&(name.clone(), identity(labels)))).collect();
        let mut rows: HashMap<Vec<usize>, Option<usize>> = HashMap::new();
        for (step, value) in row.iter().enumerate().filter(|(_, value)| !is_stale(**value)) {
            let found: Vec<usize> = of_series.iter().filter_map(|newest| newest[step]).collect();
            if !rows.contains_key(&found) {
                let mut target = None;
                if stays || !found.is_empty() {
                    guard.room(&answer)?;
                    answer.push(infos.enrich(labels, &found, &wanted)?);
                    target = Some(answer.len() - 1);
                }
                rows.insert(found.clone(), target);
            }
            if let Some(Some(target)) = rows.get(&found) {
                answer.row_mut(*target)[step] = *value;
            }
        }
    }
    answer.unique()
}

/// Which metrics are info metrics: those that were named, or all that end in `_info` but some, or `target_info`.
fn info_names(mut matchers: Vec<Matcher>) -> Result<Vec<Matcher>, EvalError> {
    if matchers.is_empty() {
        return Ok(vec![Matcher::equal(METRIC_NAME, "target_info")]);
    }
    if matchers.iter().all(|matcher| matches!(matcher.op(), MatchOp::NotEqual | MatchOp::NotMatches)) {
        let any = Matcher::new(METRIC_NAME, MatchOp::Matches, ".+_info");
        matchers.insert(0, any.map_err(|error| EvalError::execution(error.to_string()))?);
    }
    Ok(matchers)
}

/// The values of the identifying labels, empty where a series has none.
type Identity = [String; 2];

fn identity(labels: &Labels) -> Identity {
    IDENTIFYING.map(|name| labels.get(name).unwrap_or_default().to_owned())
}

/// For each info metric and identity, which info series holds at each step.
type Newest = HashMap<(String, Identity), Vec<Option<usize>>>;

/// Info series and the times of their samples.
struct Infos {
    series: Block,
    names: BTreeSet<String>,
}

impl Infos {
    /// Reads the info series that may belong to some series: of each identifying label that these have, a value of
    /// theirs; none of a label that they lack.
    fn read<'a>(
        series: impl Iterator<Item = &'a Labels>,
        names: &[Matcher],
        wanted: &[Matcher],
        times_of: TimesOf<'_>,
    ) -> Result<Self, EvalError> {
        let mut values: [[BTreeSet<String>; 2]; 4] = Default::default();
        for labels in series {
            let identity = identity(labels);
            let presence = usize::from(!identity[0].is_empty()) | usize::from(!identity[1].is_empty()) << 1;
            for (values, value) in values[presence].iter_mut().zip(identity) {
                values.insert(value);
            }
        }
        let mut found = Self { series: Block::new(0), names: BTreeSet::new() };
        for values in values.iter().skip(1).filter(|values| !values[0].is_empty()) {
            let mut matchers = Vec::new();
            for (name, values) in IDENTIFYING.into_iter().zip(values) {
                let only = values.first().filter(|_| values.len() == 1);
                matchers.push(match only {
                    Some(only) => Matcher::equal(name, only.as_str()),
                    None => Matcher::new(name, MatchOp::NotEqual, "")
                        .map_err(|error| EvalError::execution(error.to_string()))?,
                });
            }
            matchers.extend(wanted.iter().chain(names).cloned());
            let mut block = times_of(&matchers)?;
            block.retain(|labels, _| {
                identity(labels).iter().zip(values).all(|(value, values)| values.contains(value))
            });
            found.series.steps = block.steps;
            found.series.labels.append(&mut block.labels);
            found.series.values.append(&mut block.values);
        }
        let name = |labels: &Labels| labels.get(METRIC_NAME).unwrap_or_default().to_owned();
        found.names = found.series.labels.iter().map(name).collect();
        Ok(found)
    }

    /// For each info metric and identity the series with the newest sample at each step. Two of the same time are an
    /// error at a step that has series to enrich.
    fn newest(&self, present: &[bool]) -> Result<Newest, EvalError> {
        let mut newest = Newest::new();
        for (index, (labels, row)) in self.series.rows().enumerate() {
            let name = labels.get(METRIC_NAME).unwrap_or_default().to_owned();
            let have = newest.entry((name, identity(labels))).or_insert_with(|| vec![None; row.len()]);
            for (step, at) in row.iter().enumerate().filter(|(_, at)| !is_stale(**at)) {
                let Some(other) = have[step] else {
                    have[step] = Some(index);
                    continue;
                };
                let other_at = self.series.row(other)[step];
                if *at > other_at {
                    have[step] = Some(index);
                } else if *at == other_at && present.get(step) == Some(&true) {
                    return Err(EvalError::execution(format!(
                        "found duplicate series for info metric: existing {} @ {:.0}, new {} @ {:.0}",
                        shown(&self.series.labels[other]),
                        other_at * 1000.0,
                        shown(labels),
                        at * 1000.0
                    )));
                }
            }
        }
        Ok(newest)
    }

    /// The labels of a series with those of its info series that were wanted, and that it does not have itself.
    fn enrich(&self, labels: &Labels, infos: &[usize], wanted: &[Matcher]) -> Result<Labels, EvalError> {
        let mut added = Labels::default().edit();
        for info in infos {
            for (name, value) in self.series.labels[*info].iter() {
                let is_wanted = wanted.is_empty() || wanted.iter().any(|matcher| matcher.name() == name);
                if is_metadata(name) || !is_wanted {
                    continue;
                }
                if added.get(name).is_some_and(|have| have != value) {
                    return Err(EvalError::execution(format!("conflicting label: {name}")));
                }
                if labels.get(name).is_none() {
                    added.set(name, value);
                }
            }
        }
        let mut enriched = labels.edit();
        for (name, value) in added.finish().iter() {
            enriched.set(name, value);
        }
        Ok(enriched.finish())
    }
}

/// Labels as Prometheus prints them in messages, the metric's name among them.
fn shown(labels: &Labels) -> String {
    let mut text = String::from("{");
    for (index, (name, value)) in labels.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let is_bare = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !name.starts_with(|c: char| c.is_ascii_digit());
        let name = if is_bare { name.to_owned() } else { number::quoted(name) };
        let _ = write!(text, "{comma}{name}={}", number::quoted(value));
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::STALE;

    type Row<'a> = (&'a [(&'a str, &'a str)], [f64; 2]);

    fn block(rows: &[Row<'_>]) -> Block {
        let mut block = Block::new(2);
        for (labels, values) in rows {
            block.push(labels.iter().copied().collect()).copy_from_slice(values);
        }
        block
    }

    /// Enriches from these info series, whose values are the times of their samples.
    fn enriched(base: &[Row<'_>], infos: &[Row<'_>], selector: &[Matcher]) -> String {
        let infos = block(infos);
        let mut read = |matchers: &[Matcher]| {
            let mut found = infos.clone();
            found.retain(|labels, _| matchers.iter().all(|matcher| matcher.accepts_labels(labels)));
            Ok(found)
        };
        let options = crate::promql::eval::Options::default();
        match info(&block(base), selector, &mut read, Guard { options: &options, held: 0 }) {
            Ok(block) => {
                let mut rows: Vec<_> = block
                    .rows()
                    .map(|(labels, row)| {
                        let row = row
                            .iter()
                            .map(|value| if is_stale(*value) { "_".to_owned() } else { value.to_string() });
                        format!("{labels} {}", row.collect::<Vec<_>>().join(" "))
                    })
                    .collect();
                rows.sort();
                rows.join("\n")
            }
            Err(error) => error.to_string(),
        }
    }

    const UP: &[(&str, &str)] = &[("__name__", "up"), ("instance", "i"), ("job", "j")];
    const TARGET: &[(&str, &str)] =
        &[("__name__", "target_info"), ("instance", "i"), ("job", "j"), ("version", "1"), ("zone", "z")];
    const LATER: &[(&str, &str)] =
        &[("__name__", "target_info"), ("instance", "i"), ("job", "j"), ("version", "2")];
    const BUILD: &[(&str, &str)] =
        &[("__name__", "build_info"), ("instance", "i"), ("job", "j"), ("version", "9"), ("rev", "r")];

    fn matcher(name: &str, op: MatchOp, value: &str) -> Matcher {
        Matcher::new(name, op, value).unwrap()
    }

    #[test]
    fn series_get_the_labels_of_their_target() {
        let base = [(UP, [1.0, 2.0])];
        assert_eq!(
            enriched(&base, &[(TARGET, [5.0, 6.0])], &[]),
            r#"{__name__="up",instance="i",job="j",version="1",zone="z"} 1 2"#
        );
        assert_eq!(
            enriched(&base, &[(TARGET, [5.0, 6.0])], &[matcher("zone", MatchOp::Matches, ".+")]),
            r#"{__name__="up",instance="i",job="j",zone="z"} 1 2"#
        );
        // An info series is not enriched, nor is a series of another job.
        let others: &[(&str, &str)] = &[("__name__", "up"), ("job", "other")];
        assert_eq!(
            enriched(&[(TARGET, [1.0, 1.0]), (others, [3.0, STALE])], &[(TARGET, [5.0, 6.0])], &[]),
            "{__name__=\"target_info\",instance=\"i\",job=\"j\",version=\"1\",zone=\"z\"} 1 1\n\
             {__name__=\"up\",job=\"other\"} 3 _"
        );
    }

    #[test]
    fn the_newest_info_series_of_a_step_holds() {
        let infos = [(TARGET, [5.0, 5.0]), (LATER, [STALE, 6.0])];
        assert_eq!(
            enriched(&[(UP, [1.0, 2.0])], &infos, &[]),
            "{__name__=\"up\",instance=\"i\",job=\"j\",version=\"1\",zone=\"z\"} 1 _\n\
             {__name__=\"up\",instance=\"i\",job=\"j\",version=\"2\"} _ 2"
        );
        let infos = [(TARGET, [5.0, 6.0]), (LATER, [STALE, 6.0])];
        assert_eq!(
            enriched(&[(UP, [1.0, 2.0])], &infos, &[]),
            "found duplicate series for info metric: existing {__name__=\"target_info\", instance=\"i\", \
             job=\"j\", version=\"1\", zone=\"z\"} @ 6000, new {__name__=\"target_info\", instance=\"i\", \
             job=\"j\", version=\"2\"} @ 6000"
        );
        assert_eq!(enriched(&[(UP, [STALE, STALE])], &infos, &[]), "");
    }

    #[test]
    fn names_of_info_metrics_can_be_chosen() {
        let base = [(UP, [1.0, 2.0])];
        let infos = [(TARGET, [5.0, 6.0]), (BUILD, [5.0, 6.0])];
        let named = |op, value| [matcher(METRIC_NAME, op, value)];
        assert_eq!(
            enriched(&base, &infos, &named(MatchOp::Equal, "build_info")),
            r#"{__name__="up",instance="i",job="j",rev="r",version="9"} 1 2"#
        );
        assert_eq!(
            enriched(&base, &infos, &named(MatchOp::NotEqual, "target_info")),
            r#"{__name__="up",instance="i",job="j",rev="r",version="9"} 1 2"#
        );
        assert_eq!(
            enriched(&base, &infos, &named(MatchOp::Matches, ".*_info")),
            "conflicting label: version"
        );
    }

    #[test]
    fn a_label_that_was_asked_for_has_to_be_there() {
        let base = [(UP, [1.0, 2.0])];
        assert_eq!(enriched(&base, &[], &[]), r#"{__name__="up",instance="i",job="j"} 1 2"#);
        assert_eq!(enriched(&base, &[], &[matcher("zone", MatchOp::Matches, ".+")]), "");
        assert_eq!(
            enriched(&base, &[], &[matcher("zone", MatchOp::Matches, ".*")]),
            r#"{__name__="up",instance="i",job="j"} 1 2"#
        );
        assert_eq!(
            enriched(&base, &[(TARGET, [5.0, STALE])], &[matcher("zone", MatchOp::Equal, "z")]),
            r#"{__name__="up",instance="i",job="j",zone="z"} 1 _"#
        );
    }
}
