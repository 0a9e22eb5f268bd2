//! Labels of a series as they are stored: the page's and the target's, relabelled, within limits.

use crate::{
    engine::relabel::{Relabelling, Verdict},
    formats::prometheus::{Limits, Names},
    series::{Labels, LabelsEdit, METRIC_NAME, Pairs, quoted},
};

/// How many labels a series of a page may have before it is relabelled, unless `label_limit` is more: a series without
/// end must not cost more than reading it.
const PAGE_LABELS: usize = 1_000;

/// What the labels of a job's series are made by.
#[derive(Debug, PartialEq)]
pub(super) struct LabelRules {
    pub(super) honor_labels: bool,
    pub(super) relabelling: Relabelling,
    pub(super) limits: Limits,
    pub(super) names: Names,
}

/// Why a series fails the whole scrape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum LabelsWrong {
    #[error("label name \"{0}\" is not unique: invalid sample")]
    Twice(String),
    #[error("missing metric name (__name__ label)")]
    NoName,
    #[error("invalid metric name or label names: {0}")]
    Names(String),
    #[error(
        "more than {PAGE_LABELS} labels (metric: {metric}, number of labels: {count}), and no label_limit is set"
    )]
    TooMany { metric: String, count: usize },
    #[error("label_limit exceeded (metric: {metric}, number of labels: {count}, limit: {limit})")]
    Count { metric: String, count: usize, limit: usize },
    #[error(
        "label_name_length_limit exceeded (metric: {metric}, label name: {name}, length: {length}, limit: {limit})"
    )]
    NameLength { metric: String, name: String, length: usize, limit: usize },
    #[error(
        "label_value_length_limit exceeded (metric: {metric}, label name: {name}, value: {value}, length: {length}, \
         limit: {limit})"
    )]
    ValueLength { metric: String, name: String, value: String, length: usize, limit: usize },
}

/// The first 50 characters, as Prometheus shows names.
fn short(text: &str) -> String {
    text.chars().take(50).collect()
}

impl LabelRules {
    /// `None` where relabelling drops the series.
    pub(super) fn labels(&self, mut page: Pairs<'_>, target: &Labels) -> Result<Option<Labels>, LabelsWrong> {
        self.check_page(&page)?;
        page.sort_unstable();
        if let Some(twice) = page.windows(2).find(|two| two[0].0 == two[1].0) {
            return Err(LabelsWrong::Twice(twice[0].0.to_string()));
        }
        let mut labels = LabelsEdit::default();
        for (name, value) in &page {
            labels.set(&**name, &**value);
        }
        if self.honor_labels {
            // A label that the page gives an empty value stays without one.
            let is_free = |name: &str| page.binary_search_by(|(have, _)| (**have).cmp(name)).is_err();
            for (name, value) in target.iter().filter(|(name, _)| is_free(name)) {
                labels.set(name, value);
            }
        } else {
            add(&mut labels, target);
        }
        if self.relabelling.run(&mut labels) == Verdict::Dropped {
            return Ok(None);
        }
        let labels = labels.finish();
        // As in Prometheus, without any label left it is dropped too.
        if labels.is_empty() {
            return Ok(None);
        }
        self.check(&labels)?;
        Ok(Some(labels))
    }

    /// The file's limit is for what relabelling leaves; this one is for what is relabelled.
    fn check_page(&self, page: &Pairs<'_>) -> Result<(), LabelsWrong> {
        let (count, limit) = (page.len(), self.limits.labels);
        if count <= limit.max(PAGE_LABELS) {
            return Ok(());
        }
        let metric = page.iter().find(|(name, _)| name == METRIC_NAME).map(|(_, metric)| short(metric));
        let metric = metric.unwrap_or_default();
        Err(match limit {
            0 => LabelsWrong::TooMany { metric, count },
            limit => LabelsWrong::Count { metric, count, limit },
        })
    }

    fn check(&self, labels: &Labels) -> Result<(), LabelsWrong> {
        let Some(metric) = labels.get(METRIC_NAME) else { return Err(LabelsWrong::NoName) };
        let names_hold = labels.iter().all(|(name, _)| self.names.allows(name));
        if !names_hold || !self.names.allows_metric(metric) {
            return Err(LabelsWrong::Names(labels.to_string()));
        }
        let Limits { labels: count, label_name_length, label_value_length, .. } = self.limits;
        if count > 0 && labels.len() > count {
            return Err(LabelsWrong::Count { metric: short(metric), count: labels.len(), limit: count });
        }
        for (name, value) in labels.iter() {
            if label_name_length > 0 && name.len() > label_name_length {
                return Err(LabelsWrong::NameLength {
                    metric: short(metric),
                    name: short(name),
                    length: name.len(),
                    limit: label_name_length,
                });
            }
            if label_value_length > 0 && value.len() > label_value_length {
                return Err(LabelsWrong::ValueLength {
                    metric: short(metric),
                    name: short(name),
                    value: quoted(&short(value)),
                    length: value.len(),
                    limit: label_value_length,
                });
            }
        }
        Ok(())
    }
}

/// The target's labels win; what they displace gets a name with `exported_` before it.
fn add(labels: &mut LabelsEdit, target: &Labels) {
    let mut displaced: Vec<(String, String)> = Vec::new();
    for (name, value) in target.iter() {
        if let Some(existing) = labels.get(name) {
            displaced.push((name.to_owned(), existing.to_owned()));
        }
        labels.set(name, value);
    }
    displaced.sort_by_key(|(name, _)| name.len());
    for (name, value) in displaced {
        let mut exported = name;
        loop {
            exported.insert_str(0, "exported_");
            if labels.get(&exported).is_none() {
                break;
            }
        }
        labels.set(exported, value);
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        formats::prometheus,
        series::{Format, series_labels},
        text::Source,
    };

    use super::*;

    /// A series of a target with `instance="i",job="j"`, in a job with these keys.
    #[track_caller]
    fn check(keys: &str, series: &str, expect: Result<Option<&str>, &str>) {
        let file = format!("scrape_configs: [{{job_name: j, {keys}}}]");
        let (config, _) = prometheus::read(&Source::new("t", file.as_str())).unwrap();
        let config = &config.scrape_configs[0];
        let rules = LabelRules {
            honor_labels: config.honor_labels,
            relabelling: Relabelling::new(&config.metric_relabel),
            limits: config.limits,
            names: config.names,
        };
        let target = Labels::new([("instance", "i"), ("job", "j")]).unwrap();
        let pairs = series_labels(series, Format::Text, None).unwrap();
        let got = rules.labels(pairs, &target);
        let got =
            got.map(|labels| labels.map(|labels| labels.to_string())).map_err(|error| error.to_string());
        let got = got.as_ref().map(Option::as_deref).map_err(String::as_str);
        assert_eq!(got, expect, "{keys} {series}");
    }

    #[test]
    fn the_target_wins_unless_the_page_is_honoured() {
        check("", "a", Ok(Some(r#"{__name__="a",instance="i",job="j"}"#)));
        check("", r#"a{job="x",y=""}"#, Ok(Some(r#"{__name__="a",exported_job="x",instance="i",job="j"}"#)));
        check(
            "",
            r#"a{job="x",exported_job="y"}"#,
            Ok(Some(r#"{__name__="a",exported_exported_job="x",exported_job="y",instance="i",job="j"}"#)),
        );
        check("", r#"a{job=""}"#, Ok(Some(r#"{__name__="a",instance="i",job="j"}"#)));
        check("honor_labels: true", r#"a{job="x"}"#, Ok(Some(r#"{__name__="a",instance="i",job="x"}"#)));
        check("honor_labels: true", r#"a{job=""}"#, Ok(Some(r#"{__name__="a",instance="i"}"#)));
    }

    #[test]
    fn series_are_relabelled() {
        let drop = "metric_relabel_configs: [{source_labels: [__name__], regex: 'go_.*', action: drop}]";
        check(drop, "go_x", Ok(None));
        check(drop, "x", Ok(Some(r#"{__name__="x",instance="i",job="j"}"#)));
        check("metric_relabel_configs: [{regex: '.*', action: labeldrop}]", "x", Ok(None));
        check(
            "metric_relabel_configs: [{regex: __name__, action: labeldrop}]",
            "x",
            Err("missing metric name (__name__ label)"),
        );
    }

    #[test]
    fn series_have_limits() {
        check("label_limit: 3", "x", Ok(Some(r#"{__name__="x",instance="i",job="j"}"#)));
        check("label_limit: 2", "x", Err("label_limit exceeded (metric: x, number of labels: 3, limit: 2)"));
        check(
            "label_name_length_limit: 7",
            "x",
            Err("label_name_length_limit exceeded (metric: x, label name: __name__, length: 8, limit: 7)"),
        );
        check(
            "label_value_length_limit: 3",
            r#"x{a="1234"}"#,
            Err(
                "label_value_length_limit exceeded (metric: x, label name: a, value: \"1234\", length: 4, limit: 3)",
            ),
        );
        let many = |count: usize| {
            let labels: Vec<_> = (0..count).map(|index| format!("l{index}=\"1\"")).collect();
            format!("x{{{}}}", labels.join(","))
        };
        let count = 300_000;
        let text = format!("label_limit exceeded (metric: x, number of labels: {}, limit: 30)", count + 1);
        check("label_limit: 30", &many(count), Err(&text));
        let text = format!(
            "more than 1000 labels (metric: x, number of labels: {}), and no label_limit is set",
            count + 1
        );
        check("", &many(count), Err(&text));
        check(
            "metric_relabel_configs: [{regex: 'l.*', action: labeldrop}], label_limit: 3",
            &many(999),
            Ok(Some(r#"{__name__="x",instance="i",job="j"}"#)),
        );
        // A limit of the file may be a large one.
        let keys = format!("label_limit: {}", count + 1);
        let text = format!(
            "label_limit exceeded (metric: x, number of labels: {}, limit: {})",
            count + 3,
            count + 1
        );
        check(&keys, &many(count), Err(&text));
        check(
            &keys,
            &(many(count).trim_end_matches('}').to_owned() + r#",l7="2"}"#),
            Err("label_limit exceeded (metric: x, number of labels: 300002, limit: 300001)"),
        );
        check(
            "label_limit: 300002",
            &(many(count).trim_end_matches('}').to_owned() + r#",l7="2"}"#),
            Err("label name \"l7\" is not unique: invalid sample"),
        );
        check("", r#"x{a="1",a="2"}"#, Err("label name \"a\" is not unique: invalid sample"));
        check(
            "metric_name_validation_scheme: legacy",
            r#"{"é"}"#,
            Err("invalid metric name or label names: {__name__=\"é\",instance=\"i\",job=\"j\"}"),
        );
        check("", r#"{"é","ä"="1"}"#, Ok(Some(r#"{__name__="é",instance="i",job="j",ä="1"}"#)));
    }
}
