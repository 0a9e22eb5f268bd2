//! Dashboards: panels rendered one by one, laid out in Grafana's grid of 24 columns.

use minijinja::{Environment, Value as Context};
use serde_json::{Map, Value, json};

use crate::{formats, sources::Quantity};

use super::{bundle::RenderError, expression::LeftOut};

const COLUMNS: u64 = 24;

/// A dashboard, and what its panels lack because no target can give it: a quantity for each panel left out.
pub(super) struct Built {
    pub(super) json: String,
    pub(super) left_out: Vec<Quantity>,
}

/// Renders the frame `dashboards/NAME.json` and the panels that its rows name.
pub(super) fn build(env: &Environment<'_>, name: &str, context: &Context) -> Result<Built, RenderError> {
    let frame_name = format!("dashboards/{name}.json");
    let mut frame = parsed(&frame_name, &render(env, &frame_name, context)?)?;
    let rows = frame.as_object_mut().and_then(|frame| frame.remove("rows")).unwrap_or_default();
    let mut left_out = Vec::new();
    let mut grid = Grid::default();
    for row in rows.as_array().into_iter().flatten() {
        let mut panels = Vec::new();
        for slot in row["panels"].as_array().into_iter().flatten() {
            let panel_name = slot["name"].as_str().unwrap_or_default();
            let file = format!("panels/{panel_name}.json");
            let text = match render(env, &file, context) {
                Ok(text) => text,
                Err(error) => match error.left_out() {
                    Some(LeftOut::Unavailable(quantity)) => {
                        left_out.push(quantity);
                        continue;
                    }
                    Some(LeftOut::DoesNotApply) => continue,
                    None => return Err(error),
                },
            };
            let size =
                Size { width: slot["w"].as_u64().unwrap_or(8), height: slot["h"].as_u64().unwrap_or(8) };
            panels.push((size, parsed(&file, &text)?));
        }
        grid.add_row(row["title"].as_str().unwrap_or_default(), panels);
    }
    frame["panels"] = Value::Array(grid.panels);
    round_numbers(&mut frame);
    let mut json = serde_json::to_string_pretty(&frame)
        .map_err(|error| RenderError::Unreadable { file: frame_name.clone(), error: error.into() })?;
    json.push('\n');
    Ok(Built { json, left_out })
}

fn render(env: &Environment<'_>, name: &str, context: &Context) -> Result<String, RenderError> {
    super::bundle::render_template(env, name, context)
}

fn parsed(file: &str, text: &str) -> Result<Value, RenderError> {
    formats::json(text).map_err(|error| RenderError::Unreadable { file: file.to_owned(), error })
}

#[derive(Debug, Clone, Copy)]
struct Size {
    width: u64,
    height: u64,
}

/// Panels placed so far.
#[derive(Default)]
struct Grid {
    panels: Vec<Value>,
    next_line: u64,
}

impl Grid {
    /// Adds a titled row and its panels, side by side. What was left out leaves no hole: the others widen.
    fn add_row(&mut self, title: &str, panels: Vec<(Size, Value)>) {
        if panels.is_empty() {
            return;
        }
        if !title.is_empty() {
            let place = json!({"x": 0, "y": self.next_line, "w": COLUMNS, "h": 1});
            self.push(json!({"type": "row", "title": title, "collapsed": false, "panels": []}), place);
            self.next_line += 1;
        }
        let sizes: Vec<Size> = panels.iter().map(|(size, _)| *size).collect();
        let height = sizes.iter().map(|size| size.height).max().unwrap_or_default();
        let mut x = 0;
        for ((_, mut panel), width) in panels.into_iter().zip(widened(&sizes)) {
            let place = json!({"x": x, "y": self.next_line, "w": width, "h": height});
            finish_queries(&mut panel);
            self.push(panel, place);
            x += width;
        }
        self.next_line += height;
    }

    fn push(&mut self, mut panel: Value, place: Value) {
        panel["id"] = json!(self.panels.len() + 1);
        panel["gridPos"] = place;
        self.panels.push(panel);
    }
}

/// Widths that fill the line, in proportion to those that were asked for.
fn widened(sizes: &[Size]) -> Vec<u64> {
    let asked: u64 = sizes.iter().map(|size| size.width).sum();
    let mut edges = vec![0];
    let mut so_far = 0;
    for size in sizes {
        so_far += size.width;
        edges.push(so_far * COLUMNS / asked.max(1));
    }
    edges.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// Data source and refId, which are the same everywhere.
fn finish_queries(panel: &mut Value) {
    let datasource = json!({"type": "prometheus", "uid": "${datasource}"});
    panel["datasource"] = datasource.clone();
    let targets = panel["targets"].as_array_mut().into_iter().flatten();
    for (target, letter) in targets.zip('A'..='Z') {
        target["datasource"] = datasource.clone();
        if target.get("refId").is_none() {
            target["refId"] = json!(letter.to_string());
        }
    }
}

/// Numbers from arithmetic in templates, without float noise.
fn round_numbers(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(round_numbers),
        Value::Object(fields) => Map::values_mut(fields).for_each(round_numbers),
        Value::Number(number) if number.is_f64() => {
            let rounded = super::number::number(number.as_f64().unwrap_or_default());
            if let Ok(clean) = serde_json::from_str(&rounded) {
                *value = clean;
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_filled_whatever_was_left_out() {
        let widths = |asked: &[u64]| {
            let sizes: Vec<_> = asked.iter().map(|width| Size { width: *width, height: 8 }).collect();
            widened(&sizes)
        };
        assert_eq!(widths(&[8, 8, 8]), [8, 8, 8]);
        assert_eq!(widths(&[8, 8]), [12, 12]);
        assert_eq!(widths(&[3, 3, 3, 3, 3, 3, 3]), [3, 3, 4, 3, 4, 3, 4]);
        assert_eq!(widths(&[8, 10]), [10, 14]);
        assert_eq!(widths(&[5]), [24]);
    }
}
