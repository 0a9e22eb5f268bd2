//! The single values of the home dashboard, asked for the screen.

use std::path::Path;

use crate::{
    dashboards::{
        model::{Dashboard, PanelKind},
        query::Source,
        scene::{Scene, Stat},
        view::{Wish, view},
    },
    promql::eval::{ErrorClass, Options},
    series::Select,
    time::Timestamp,
    ui::{Tone, sparkline},
};

use super::rendered;

const SPARK: usize = 40;
/// How far back the small graphs look.
const RANGE: &str = "now-15m";
/// The panel of what an hour costs, beside which the ceiling is shown.
const COST: &str = "Cost / h";
/// How long all the figures may take, in milliseconds.
const PATIENCE: i64 = 5_000;

/// A value of the dashboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Figure {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) tone: Tone,
    pub(super) spark: String,
}

/// The single values of the dashboard as it lies there now, in its order. Takes a while, but not for ever.
pub(super) fn figures(files: &Path, data: &dyn Select, clock: fn() -> Timestamp) -> Vec<Figure> {
    let Some(mut dashboard) = rendered::overview(files) else { return Vec::new() };
    for row in &mut dashboard.rows {
        row.panels.retain(|panel| matches!(panel.kind, PanelKind::Stat(_)));
    }
    dashboard.annotations.clear();
    let now = clock();
    let deadline = now.0.saturating_add(PATIENCE);
    let interrupt = || (clock().0 > deadline).then_some(ErrorClass::Timeout);
    let scrape_interval = i64::try_from(rendered::scrape_interval(files).as_millis()).unwrap_or(i64::MAX);
    let options = Options { interrupt: &interrupt, ..Options::default() };
    let source = Source { data, options, scrape_interval };
    let wish = Wish { from: Some(RANGE.to_owned()), to: Some("now".to_owned()), ..Wish::default() };
    let shown = view(&dashboard, &wish, &source, now);
    let ceiling = ceiling(&dashboard);
    let panels = shown.rows.into_iter().flat_map(|row| row.panels);
    panels
        .filter_map(|(_, _, drawing)| match drawing.scene {
            Scene::Stats(stats) => {
                let mut figure = figure(drawing.title, stats.first()?);
                if let (COST, Some(ceiling)) = (figure.name.as_str(), ceiling) {
                    figure.text = format!("{} of ${ceiling}", figure.text);
                }
                Some(figure)
            }
            Scene::Empty(text) => {
                Some(Figure { name: drawing.title, text, tone: Tone::Dim, spark: String::new() })
            }
            _ => None,
        })
        .collect()
}

/// Where the cost is red.
fn ceiling(dashboard: &Dashboard) -> Option<f64> {
    let mut panels = dashboard.rows.iter().flat_map(|row| &row.panels);
    let cost = panels.find(|panel| panel.title == COST)?;
    let last = cost.defaults.thresholds.as_ref()?.steps.last()?;
    last.value.is_finite().then_some(last.value)
}

fn figure(name: String, stat: &Stat) -> Figure {
    let text = stat.text.as_ref().map(|text| format!("{}{}{}", text.prefix, text.text, text.suffix));
    let colour = stat.colour.dark;
    let tone = match (text.is_some(), colour.r, colour.g) {
        (false, ..) => Tone::Dim,
        (true, red, green) if red > 200 && green < 120 => Tone::Bad,
        (true, red, green) if red > 200 && green < 220 => Tone::Warning,
        (true, red, green) if green > red => Tone::Good,
        _ => Tone::Strong,
    };
    let mut cells = vec![None; SPARK];
    for point in stat.spark.iter().flat_map(|spark| spark.line.runs.iter().flatten()) {
        // A share of the width, within it.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let index = (point.x.clamp(0.0, 1.0) * (SPARK - 1) as f64).round() as usize;
        cells[index] = Some(point.top);
    }
    // A value stands until the next.
    for index in 1..SPARK {
        if cells[index].is_none() {
            cells[index] = cells[index - 1];
        }
    }
    Figure { name, text: text.unwrap_or_else(|| "no data".to_owned()), tone, spark: sparkline(&cells) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{commands::bundle::HOME_DASHBOARD, files, series::Columns};

    #[test]
    fn the_ceiling_is_that_of_the_files_as_they_are_now() {
        let folder = tempfile::tempdir().unwrap();
        let data = Columns::default();
        let shown = || figures(folder.path(), &data, || Timestamp(1_800_000_000_000));
        assert_eq!(shown(), []);
        for ceiling in [100, 7] {
            let text = format!(
                r#"{{"title": "o", "uid": "o", "panels": [{{"id": 1, "type": "stat", "title": "Cost / h",
                "gridPos": {{"x": 0, "y": 0, "w": 4, "h": 4}},
                "targets": [{{"refId": "A", "expr": "vector(3)", "instant": true}}],
                "fieldConfig": {{"defaults": {{"thresholds": {{"mode": "absolute", "steps":
                [{{"color": "green", "value": null}}, {{"color": "red", "value": {ceiling}}}]}}}}}}}}]}}"#
            );
            let path = folder.path().join("grafana/provisioning").join(HOME_DASHBOARD);
            files::write_secret(&path, text.as_bytes()).unwrap();
            let figures = shown();
            assert_eq!(figures.len(), 1);
            assert_eq!(figures[0].text, format!("3 of ${ceiling}"));
        }
    }
}
