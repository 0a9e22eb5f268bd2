//! Transformations of a panel's data.
//!
//! Source: <https://grafana.com/docs/grafana/latest/panels-visualizations/query-transform-data/transform-data/>.

use std::{cmp::Ordering, collections::HashMap};

use serde_json::Value;

use super::{
    frame::{Field, Frame, Values},
    model::Transformation,
};
use crate::series::{STALE, is_stale, unanchored};

/// Transforms one after the other; what is not known is skipped and told in the notes.
pub fn transform(frames: Vec<Frame>, steps: &[Transformation], notes: &mut Vec<String>) -> Vec<Frame> {
    let mut frames = frames;
    for step in steps {
        let options = &step.options;
        match step.id.as_str() {
            "merge" => frames = merge(frames),
            "organize" => frames.iter_mut().for_each(|frame| organize(frame, options)),
            "sortBy" => frames.iter_mut().for_each(|frame| sort_by_options(frame, options)),
            "limit" => {
                let limit = options["limitField"].as_u64().unwrap_or(10);
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                for frame in &mut frames {
                    let kept: Vec<usize> = (0..frame.len().min(limit)).collect();
                    keep_rows(frame, &kept);
                }
            }
            "filterFieldsByName" => frames.iter_mut().for_each(|frame| filter_fields(frame, options)),
            other => notes.push(format!("the transformation {other} is not applied")),
        }
    }
    frames
}

/// A cell of a row, for comparing.
#[derive(Debug, Clone, PartialEq)]
enum CellValue {
    Time(i64),
    Number(f64),
    Text(Option<String>),
}

fn cell(field: &Field, row: usize) -> Option<CellValue> {
    match &field.values {
        Values::Times(times) => times.get(row).copied().map(CellValue::Time),
        Values::Numbers(numbers) => numbers.get(row).copied().map(CellValue::Number),
        Values::Texts(texts) => texts.get(row).cloned().map(CellValue::Text),
    }
}

impl CellValue {
    fn key(&self) -> String {
        match self {
            Self::Time(time) => time.to_string(),
            Self::Number(number) => number.to_bits().to_string(),
            Self::Text(text) => text.clone().unwrap_or_default(),
        }
    }

    fn same(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

/// All frames as one: rows that agree in the fields that every frame has are one row, where they do not contradict
/// each other.
fn merge(frames: Vec<Frame>) -> Vec<Frame> {
    if frames.len() <= 1 {
        return frames;
    }
    let frames: Vec<Frame> = frames.into_iter().filter(|frame| !frame.fields.is_empty()).collect();
    let mut names: Vec<&str> = Vec::new();
    for field in frames.iter().flat_map(|frame| &frame.fields) {
        if !names.contains(&field.name.as_str()) {
            names.push(&field.name);
        }
    }
    let field_of = |frame: &Frame, name: &str| frame.fields.iter().position(|field| field.name == name);
    let shared: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| frames.iter().all(|frame| field_of(frame, name).is_some()))
        .collect();
    if shared.is_empty() {
        return frames;
    }
    let mut rows: Vec<Vec<Option<CellValue>>> = Vec::new();
    let mut by_key: HashMap<String, Vec<usize>> = HashMap::new();
    for frame in &frames {
        let columns: Vec<Option<&Field>> =
            names.iter().map(|name| field_of(frame, name).map(|index| &frame.fields[index])).collect();
        for row in 0..frame.len() {
            let cells: Vec<Option<CellValue>> =
                columns.iter().map(|field| field.and_then(|field| cell(field, row))).collect();
            let parts = names.iter().zip(&cells).filter(|(name, _)| shared.contains(name));
            let key: Vec<String> =
                parts.map(|(_, cell)| cell.as_ref().map(CellValue::key).unwrap_or_default()).collect();
            let known = by_key.entry(key.join("\u{1}")).or_default();
            let agrees = |index: &&usize| {
                rows[**index].iter().zip(&cells).all(|(old, new)| match (old, new) {
                    (Some(old), Some(new)) => old.same(new),
                    _ => true,
                })
            };
            if let Some(index) = known.iter().find(agrees).copied() {
                for (old, new) in rows[index].iter_mut().zip(cells) {
                    if new.is_some() {
                        *old = new;
                    }
                }
            } else {
                known.push(rows.len());
                rows.push(cells);
            }
        }
    }
    let fields = names.iter().enumerate().filter_map(|(column, name)| {
        let first = frames.iter().find_map(|frame| frame.fields.iter().find(|field| field.name == **name))?;
        let cells = rows.iter().map(|row| row[column].as_ref());
        Some(Field::new(name, column_of(&first.values, cells)))
    });
    let merged = Frame { ref_id: frames[0].ref_id.clone(), name: None, fields: fields.collect() };
    vec![merged]
}

/// Cells as a column of the kind of another; those of another kind are left out.
fn column_of<'a>(like: &Values, cells: impl Iterator<Item = Option<&'a CellValue>>) -> Values {
    match like {
        Values::Times(_) => Values::Times(
            cells.map(|cell| if let Some(CellValue::Time(time)) = cell { *time } else { 0 }).collect(),
        ),
        Values::Numbers(_) => Values::Numbers(
            cells
                .map(|cell| if let Some(CellValue::Number(number)) = cell { *number } else { STALE })
                .collect(),
        ),
        Values::Texts(_) => Values::Texts(
            cells
                .map(|cell| if let Some(CellValue::Text(text)) = cell { text.clone() } else { None })
                .collect(),
        ),
    }
}

/// Leaves out, orders and renames fields.
fn organize(frame: &mut Frame, options: &Value) {
    let of = |map: &str, name: &str| options.get(map).and_then(|map| map.get(name)).cloned();
    frame.fields.retain(|field| of("excludeByName", &field.name) != Some(Value::Bool(true)));
    if let Some(include) = options["includeByName"].as_object().filter(|include| !include.is_empty()) {
        frame.fields.retain(|field| include.get(&field.name).and_then(Value::as_bool) == Some(true));
    }
    // Fields without a place keep theirs among the others, behind those that have one.
    let place =
        |field: &Field| of("indexByName", &field.name).and_then(|place| place.as_i64()).unwrap_or(i64::MAX);
    frame.fields.sort_by_key(place);
    for field in &mut frame.fields {
        let new = of("renameByName", &field.name).and_then(|new| new.as_str().map(str::to_owned));
        if let Some(new) = new.filter(|new| !new.is_empty()) {
            field.name.clone_from(&new);
            field.title = new;
        }
    }
}

fn filter_fields(frame: &mut Frame, options: &Value) {
    let matches = |side: &str, name: &str| {
        let listed =
            options[side]["names"].as_array().map(|names| names.iter().any(|one| one.as_str() == Some(name)));
        let pattern =
            options[side]["pattern"].as_str().and_then(|pattern| unanchored(pattern.trim_matches('/')).ok());
        let pattern = pattern.map(|pattern| pattern.is_match(name));
        (listed.is_some() || pattern.is_some()).then(|| listed.unwrap_or(false) || pattern.unwrap_or(false))
    };
    frame.fields.retain(|field| {
        matches("include", &field.name).unwrap_or(true) && !matches("exclude", &field.name).unwrap_or(false)
    });
}

fn sort_by_options(frame: &mut Frame, options: &Value) {
    let Some(by) = options["sort"].get(0) else { return };
    let Some(field) = by["field"].as_str() else { return };
    sort_by(frame, field, by["desc"].as_bool().unwrap_or(false));
}

/// Sorts rows by a field; what is missing stands last. A field that is not there changes nothing.
pub fn sort_by(frame: &mut Frame, name: &str, descending: bool) {
    let Some(field) = frame.fields.iter().find(|field| field.title == name || field.name == name) else {
        return;
    };
    let mut order: Vec<usize> = (0..frame.len()).collect();
    let oriented = |order: Ordering| if descending { order.reverse() } else { order };
    match &field.values {
        Values::Times(times) => order.sort_by(|a, b| oriented(times.get(*a).cmp(&times.get(*b)))),
        Values::Numbers(numbers) => order.sort_by(|a, b| {
            let (a, b) =
                (numbers.get(*a).copied().unwrap_or(STALE), numbers.get(*b).copied().unwrap_or(STALE));
            match (a.is_nan(), b.is_nan()) {
                (false, false) => oriented(a.total_cmp(&b)),
                (a, b) => a.cmp(&b).then(Ordering::Equal),
            }
        }),
        Values::Texts(texts) => order.sort_by(|a, b| oriented(texts.get(*a).cmp(&texts.get(*b)))),
    }
    keep_rows(frame, &order);
}

/// Keeps some rows, in this order.
fn keep_rows(frame: &mut Frame, rows: &[usize]) {
    for field in &mut frame.fields {
        field.values = match &field.values {
            Values::Times(times) => {
                Values::Times(rows.iter().filter_map(|row| times.get(*row).copied()).collect())
            }
            Values::Numbers(numbers) => {
                Values::Numbers(rows.iter().filter_map(|row| numbers.get(*row).copied()).collect())
            }
            Values::Texts(texts) => {
                Values::Texts(rows.iter().filter_map(|row| texts.get(*row).cloned()).collect())
            }
        };
    }
}

/// Whether a column has nothing to show.
pub fn is_blank(values: &Values) -> bool {
    match values {
        Values::Times(times) => times.is_empty(),
        Values::Numbers(numbers) => numbers.iter().all(|value| is_stale(*value)),
        Values::Texts(texts) => texts.iter().all(Option::is_none),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(letter: &str, models: &[&str], values: &[f64]) -> Frame {
        let texts = models.iter().map(|model| Some((*model).to_owned())).collect();
        let fields = vec![
            Field::new("Time", Values::Times(models.iter().map(|_| 5).collect())),
            Field::new("model", Values::Texts(texts)),
            Field::new(&format!("Value #{letter}"), Values::Numbers(values.to_vec())),
        ];
        Frame { ref_id: letter.to_owned(), name: None, fields }
    }

    fn text(frame: &Frame) -> String {
        let cell = |field: &Field, row: usize| match cell(field, row) {
            Some(CellValue::Time(time)) => time.to_string(),
            Some(CellValue::Number(number)) if is_stale(number) => "-".to_owned(),
            Some(CellValue::Number(number)) => number.to_string(),
            Some(CellValue::Text(text)) => text.unwrap_or("-".to_owned()),
            None => "?".to_owned(),
        };
        let head: Vec<&str> = frame.fields.iter().map(|field| &*field.name).collect();
        let mut lines = vec![head.join("|")];
        for row in 0..frame.len() {
            lines.push(frame.fields.iter().map(|field| cell(field, row)).collect::<Vec<_>>().join("|"));
        }
        lines.join(" ")
    }

    #[track_caller]
    fn check(steps: &str, expect: &str) {
        let steps: Vec<Value> = serde_json::from_str(steps).unwrap();
        let step = |value: &Value| Transformation {
            id: value["id"].as_str().unwrap().to_owned(),
            options: value["options"].clone(),
        };
        let steps: Vec<Transformation> = steps.iter().map(step).collect();
        let frames = vec![frame("A", &["x", "y"], &[1.0, 2.0]), frame("B", &["y", "z"], &[3.0, f64::NAN])];
        let mut notes = Vec::new();
        let frames = transform(frames, &steps, &mut notes);
        let mut shown: Vec<String> = frames.iter().map(text).collect();
        shown.extend(notes);
        assert_eq!(shown.join(" / "), expect);
    }

    #[test]
    fn frames_are_merged_organized_and_sorted() {
        let merge = r#"{"id": "merge", "options": {}}"#;
        check(&format!("[{merge}]"), "Time|model|Value #A|Value #B 5|x|1|- 5|y|2|3 5|z|-|NaN");
        let organize = r#"{"id": "organize", "options": {"excludeByName": {"Time": true},
            "indexByName": {"Value #B": 0, "model": 1}, "renameByName": {"model": "Model", "Value #A": ""}}}"#;
        check(&format!("[{merge}, {organize}]"), "Value #B|Model|Value #A -|x|1 3|y|2 NaN|z|-");
        let sort = r#"{"id": "sortBy", "options": {"sort": [{"field": "Value #A", "desc": true}]}}"#;
        check(&format!("[{merge}, {sort}]"), "Time|model|Value #A|Value #B 5|y|2|3 5|x|1|- 5|z|-|NaN");
        check(
            &format!(r#"[{merge}, {{"id": "limit", "options": {{"limitField": 1}}}}]"#),
            "Time|model|Value #A|Value #B 5|x|1|-",
        );
        check(
            r#"[{"id": "filterFieldsByName", "options": {"include": {"names": ["model"]}}}]"#,
            "model x y / model y z",
        );
        check(
            r#"[{"id": "mystery"}]"#,
            "Time|model|Value #A 5|x|1 5|y|2 / Time|model|Value #B 5|y|3 5|z|NaN / the transformation mystery is not applied",
        );
    }
}
