//! Grafana's classic dashboard JSON as a value: what of it can be drawn, leniently read.
//!
//! Source: <https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/>.

mod field;
mod json;
mod panel;
mod threshold;
mod variable;

use serde_json::Value;

pub use field::{
    Align, AxisPlacement, Cell, ColorMode, ColorSettings, Custom, DataLink, DrawStyle, FieldMatcher,
    FieldSettings, Interpolation, Override, Stacking, ThresholdsStyle,
};
pub use panel::{
    BarOptions, GraphMode, GridPos, Legend, Panel, PanelKind, Reduce, SeriesOptions, SortBy, StatColor,
    StatOptions, TableOptions, Target, TextMode, TextOptions, TooltipSort, Transformation,
};
pub use threshold::{Mapping, MappingMatch, Special, ThresholdStep, Thresholds};
pub use variable::{ALL, Sort, Variable, VariableKind, VariableOption};

/// The most panels that are read of a dashboard.
const MOST_PANELS: usize = 500;

/// A text that is no dashboard.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("it is not JSON")]
    Json(#[from] serde_json::Error),
    #[error("it is no JSON object")]
    Shape,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Dashboard {
    pub uid: String,
    pub title: String,
    pub description: Option<String>,
    pub tags: Vec<String>,
    /// As `now-1h`.
    pub from: String,
    pub to: String,
    /// As `30s`.
    pub refresh: Option<String>,
    pub variables: Vec<Variable>,
    pub annotations: Vec<Annotation>,
    pub rows: Vec<Row>,
}

/// Panels under one heading; the first row of a dashboard may have none.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub id: i64,
    pub title: Option<String>,
    pub collapsed: bool,
    /// In reading order; their places count from the top of the row.
    pub panels: Vec<Panel>,
}

/// A query whose samples mark instants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    pub name: String,
    pub expr: String,
    pub color: String,
    pub step: Option<String>,
    /// `{{label}}` in them stands for a label.
    pub title_format: String,
    pub text_format: String,
    pub tag_keys: Vec<String>,
}

impl Dashboard {
    /// Reads a dashboard; what it does not understand, it leaves out.
    ///
    /// JSON that is nested deeper than 128 levels is refused, as by every `serde_json` reader.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        let value: Value = serde_json::from_str(text)?;
        // What Grafana's API wraps.
        let value = value.get("dashboard").unwrap_or(&value);
        if !value.is_object() {
            return Err(ModelError::Shape);
        }
        let list = |key: &str| json::list(&value[key], "list");
        Ok(Self {
            uid: json::text(value, "uid").unwrap_or_default(),
            title: json::text(value, "title").unwrap_or_else(|| "Dashboard".to_owned()),
            description: json::text(value, "description"),
            tags: json::texts(&value["tags"]),
            from: json::text(&value["time"], "from").unwrap_or_else(|| "now-6h".to_owned()),
            to: json::text(&value["time"], "to").unwrap_or_else(|| "now".to_owned()),
            refresh: json::text(value, "refresh"),
            variables: list("templating").iter().filter_map(Variable::read).collect(),
            annotations: list("annotations").iter().filter_map(Annotation::read).collect(),
            rows: rows(json::list(value, "panels")),
        })
    }
}

impl Annotation {
    fn read(value: &Value) -> Option<Self> {
        let expr = json::text(value, "expr").or_else(|| json::text(&value["target"], "expr"))?;
        if value["enable"].as_bool() == Some(false) {
            return None;
        }
        let keys = json::text(value, "tagKeys").unwrap_or_default();
        Some(Self {
            name: json::text(value, "name").unwrap_or_default(),
            expr,
            color: json::text(value, "iconColor").unwrap_or_else(|| "red".to_owned()),
            step: json::text(value, "step"),
            title_format: json::text(value, "titleFormat").unwrap_or_default(),
            text_format: json::text(value, "textFormat").unwrap_or_default(),
            tag_keys: keys
                .split(',')
                .map(str::trim)
                .filter(|key| !key.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    }
}

/// Panels by row: a row takes what lies below it, up to the next one; a collapsed row holds its own.
fn rows(panels: &[Value]) -> Vec<Row> {
    let grid = |value: &Value| GridPos::read(&value["gridPos"]);
    let mut all: Vec<&Value> = panels.iter().take(MOST_PANELS).collect();
    all.sort_by_key(|value| (grid(value).y, grid(value).x));
    let mut rows = vec![Row { id: 0, title: None, collapsed: false, panels: Vec::new() }];
    let mut left = MOST_PANELS;
    for value in all {
        if value["type"].as_str() == Some("row") {
            let mut inner: Vec<Panel> =
                json::list(value, "panels").iter().take(left).filter_map(Panel::read).collect();
            left -= inner.len();
            inner.sort_by_key(|panel| (panel.grid.y, panel.grid.x));
            rows.push(Row {
                id: value["id"].as_i64().unwrap_or(0),
                title: Some(json::text(value, "title").unwrap_or_else(|| "Row".to_owned())),
                collapsed: json::flag(value, "collapsed"),
                panels: inner,
            });
        } else if let Some(panel) = Panel::read(value) {
            let row = rows.last_mut().expect("there is a first row");
            row.panels.push(panel);
        }
    }
    rows.retain(|row| row.title.is_some() || !row.panels.is_empty());
    for row in &mut rows {
        let top = row.panels.iter().map(|panel| panel.grid.y).min().unwrap_or(0);
        row.panels.iter_mut().for_each(|panel| panel.grid.y -= top);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expect: &str) {
        let shown = match Dashboard::parse(json) {
            Ok(dashboard) => {
                let row = |row: &Row| {
                    let panel = |panel: &Panel| {
                        let GridPos { x, y, w, h } = panel.grid;
                        format!("{}@{x},{y},{w},{h}", panel.title)
                    };
                    let panels: Vec<_> = row.panels.iter().map(panel).collect();
                    let title = row.title.as_deref().unwrap_or("-");
                    format!("{title}{}[{}]", if row.collapsed { "…" } else { "" }, panels.join(" "))
                };
                let rows: Vec<_> = dashboard.rows.iter().map(row).collect();
                format!("{}: {}", dashboard.title, rows.join(" "))
            }
            Err(error) => format!("error: {error}"),
        };
        assert_eq!(shown, expect);
    }

    #[test]
    fn panels_belong_to_the_row_above_them() {
        check(
            r#"{"title": "T", "panels": [
                {"type": "stat", "title": "b", "gridPos": {"x": 12, "y": 0, "w": 12, "h": 4}},
                {"type": "stat", "title": "a", "gridPos": {"x": 0, "y": 0, "w": 12, "h": 4}},
                {"type": "row", "title": "R", "gridPos": {"y": 4, "h": 1}},
                {"type": "table", "title": "c", "gridPos": {"x": 0, "y": 5, "w": 24, "h": 8}},
                {"type": "row", "title": "S", "collapsed": true, "gridPos": {"y": 13},
                 "panels": [{"type": "text", "title": "d", "gridPos": {"x": 0, "y": 14, "w": 6, "h": 3}}]}]}"#,
            "T: -[a@0,0,12,4 b@12,0,12,4] R[c@0,0,24,8] S…[d@0,0,6,3]",
        );
    }

    #[test]
    fn foreign_json_is_read_as_far_as_it_goes() {
        check("{}", "Dashboard: ");
        check("[]", "error: it is no JSON object");
        check("null", "error: it is no JSON object");
        check("{", "error: it is not JSON");
        check(&"[".repeat(100_000), "error: it is not JSON");
        check(&format!("{{\"panels\":{}{}}}", "[".repeat(126), "]".repeat(126)), "Dashboard: ");
        check(r#"{"title": 5, "panels": {"a": 1}, "templating": [], "time": "x"}"#, "Dashboard: ");
        check(r#"{"panels": [1, null, "x", {}, {"type": 3}]}"#, "Dashboard: ");
        check(
            r#"{"panels": [{"type": "stat", "gridPos": {"x": 99, "y": -5, "w": 1e9, "h": 0}}]}"#,
            "Dashboard: -[@23,0,1,1]",
        );
        check(r#"{"dashboard": {"title": "wrapped"}}"#, "wrapped: ");
    }
}
