//! Labels of a series.

use std::{fmt, sync::Arc};

/// The name of the label that holds the metric's name.
pub const METRIC_NAME: &str = "__name__";

type Pair = (Arc<str>, Arc<str>);

/// The labels of a series: sorted by name, each name once, no empty value. Cheap to clone.
///
/// Values are any text. [`Labels::new`] takes the names that Prometheus' classic text formats allow,
/// `[a-zA-Z_][a-zA-Z0-9_]*`; an edit takes any.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Arc<[Pair]>);

impl Default for Labels {
    fn default() -> Self {
        Self(Arc::new([]))
    }
}

/// Why a list of pairs is no label set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelsError {
    #[error("`{0}` is no label name")]
    Name(String),
    #[error("the label `{0}` is given twice")]
    Twice(String),
}

impl Labels {
    /// Sorts the pairs. A label with an empty value is the same as no label (Prometheus' data model) and is left out.
    pub fn new<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, LabelsError> {
        let mut labels: Vec<(String, String)> =
            pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        tidy(&mut labels)?;
        Ok(Self(labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect()))
    }

    /// Pairs that are in order already, each name once, no value empty.
    pub(super) fn from_tidy(pairs: impl IntoIterator<Item = (Arc<str>, Arc<str>)>) -> Self {
        let labels = Self(pairs.into_iter().collect());
        debug_assert!(labels.0.is_sorted_by(|a, b| a.0 < b.0));
        labels
    }

    /// The value of a label; an absent label is `None`.
    pub fn get(&self, name: &str) -> Option<&str> {
        let index = self.0.binary_search_by(|(have, _)| (**have).cmp(name)).ok()?;
        Some(&self.0[index].1)
    }

    /// Names and values, in the order of the names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// As [`Labels::iter`], to share the texts.
    pub(super) fn pairs(&self) -> &[(Arc<str>, Arc<str>)] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The labels whose names are among these.
    #[must_use]
    pub fn only(&self, names: &[impl AsRef<str>]) -> Self {
        self.retain(|name| names.iter().any(|kept| kept.as_ref() == name))
    }

    /// The labels whose names are not among these.
    #[must_use]
    pub fn without(&self, names: &[impl AsRef<str>]) -> Self {
        self.retain(|name| !names.iter().any(|dropped| dropped.as_ref() == name))
    }

    /// The labels whose names are kept.
    #[must_use]
    pub fn retain(&self, keep: impl Fn(&str) -> bool) -> Self {
        if self.0.iter().all(|(name, _)| keep(name)) {
            return self.clone();
        }
        Self(self.0.iter().filter(|(name, _)| keep(name)).cloned().collect())
    }

    /// A copy to change.
    pub fn edit(&self) -> LabelsEdit {
        LabelsEdit(self.0.to_vec())
    }
}

/// Labels in the making; names are any text.
#[derive(Debug, Clone, Default)]
pub struct LabelsEdit(Vec<Pair>);

impl LabelsEdit {
    /// Sets a label; an empty value removes it.
    pub fn set(&mut self, name: impl Into<Arc<str>>, value: impl Into<Arc<str>>) -> &mut Self {
        let (name, value) = (name.into(), value.into());
        match (self.0.binary_search_by(|(have, _)| have.cmp(&name)), value.is_empty()) {
            (Ok(index), true) => {
                self.0.remove(index);
            }
            (Ok(index), false) => self.0[index].1 = value,
            (Err(_), true) => {}
            (Err(index), false) => self.0.insert(index, (name, value)),
        }
        self
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        let index = self.0.binary_search_by(|(have, _)| (**have).cmp(name)).ok()?;
        Some(&self.0[index].1)
    }

    pub fn remove(&mut self, name: &str) -> &mut Self {
        self.retain(|have| have != name)
    }

    /// Leaves the labels whose names are kept.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) -> &mut Self {
        self.0.retain(|(name, _)| keep(name));
        self
    }

    /// Names and values, in the order of the names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    pub fn finish(self) -> Labels {
        Labels(self.0.into())
    }
}

impl<N: Into<Arc<str>>, V: Into<Arc<str>>> FromIterator<(N, V)> for Labels {
    /// Names are any text; of equal names the last wins.
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut edit = LabelsEdit::default();
        for (name, value) in pairs {
            edit.set(name, value);
        }
        edit.finish()
    }
}

impl fmt::Display for Labels {
    /// As in exposition text, with the braces: `{model="gpt-4o",status="success"}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, (name, value)) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{name}=\"{}\"", escape_label_value(value))?;
        }
        f.write_str("}")
    }
}

/// `\`, `"` and line feed as the text formats escape them in a label value.
pub(super) fn escape_label_value(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

/// Sorts pairs by name and leaves out those with an empty value; names have to be classic ones and differ.
pub(super) fn tidy<N: AsRef<str> + Ord, V: AsRef<str> + Ord>(
    pairs: &mut Vec<(N, V)>,
) -> Result<(), LabelsError> {
    pairs.sort_unstable();
    if let Some((name, _)) = pairs.iter().find(|(name, _)| !is_label_name(name.as_ref())) {
        return Err(LabelsError::Name(name.as_ref().to_owned()));
    }
    if let Some(pair) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(LabelsError::Twice(pair[0].0.as_ref().to_owned()));
    }
    pairs.retain(|(_, value)| !value.as_ref().is_empty());
    Ok(())
}

fn is_label_name(name: &str) -> bool {
    let start = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(start) && name.chars().all(|c| start(c) || c.is_ascii_digit())
}

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`.
pub(super) fn is_metric_name(name: &str) -> bool {
    let start = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    name.starts_with(start) && name.chars().all(|c| start(c) || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pairs: &[(&str, &str)], expect: Result<&str, &str>) {
        let got = Labels::new(pairs.iter().copied());
        let shown = got.map(|labels| labels.to_string()).map_err(|error| error.to_string());
        assert_eq!(shown.as_deref().map_err(String::as_str), expect);
    }

    #[test]
    fn labels_are_sorted_unique_and_escaped() {
        check(&[], Ok("{}"));
        check(&[("b", "2"), ("a", "1")], Ok(r#"{a="1",b="2"}"#));
        check(&[("a", ""), ("b", "2")], Ok(r#"{b="2"}"#));
        check(&[("a", "x\"y\\z\nw")], Ok(r#"{a="x\"y\\z\nw"}"#));
        check(&[("a", "é中")], Ok("{a=\"é中\"}"));
        check(&[("a", "1"), ("a", "2")], Err("the label `a` is given twice"));
        check(&[("9a", "1")], Err("`9a` is no label name"));
        check(&[("a:b", "1")], Err("`a:b` is no label name"));
        check(&[("", "1")], Err("`` is no label name"));
        check(&[("é", "1")], Err("`é` is no label name"));
    }

    #[test]
    fn a_label_is_found_by_name() {
        let labels = Labels::new([("model", "gpt-4o"), ("le", "1")]).unwrap();
        assert_eq!(
            (labels.get("model"), labels.get("le"), labels.get("x")),
            (Some("gpt-4o"), Some("1"), None)
        );
    }
}
