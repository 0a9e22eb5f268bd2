//! A dashboard as somebody asked for it: variables chosen, time range read, every panel asked and laid out.

use super::{
    model::{Dashboard, GridPos, Panel, Row},
    query::Source,
    scene::{Drawing, Mark, draw, marks},
    time_range::TimeRange,
    variables::{Chosen, Context, options_of},
};
use crate::time::Timestamp;

/// What somebody asked for; the dashboard has its own answers where they did not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wish {
    pub from: Option<String>,
    pub to: Option<String>,
    /// Minutes that the reader's zone is ahead of UTC.
    pub east: i16,
    /// Values by the variable's name.
    pub variables: Vec<(String, String)>,
    /// Collapsed rows to open.
    pub open_rows: Vec<i64>,
}

/// A dashboard, ready to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    pub range: TimeRange,
    /// As it was asked for.
    pub from: String,
    pub to: String,
    pub variables: Vec<Chosen>,
    pub rows: Vec<ViewRow>,
    /// What went wrong beside the panels.
    pub problems: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ViewRow {
    pub id: i64,
    pub title: Option<String>,
    /// Whether it is collapsed, so that its panels were not asked.
    pub is_closed: bool,
    /// By their place, from the top of the row.
    pub panels: Vec<(i64, GridPos, Drawing)>,
}

/// Where neither the wish nor the dashboard has a time range that can be read.
const USUAL: (&str, &str) = ("now-1h", "now");

/// Asks and lays out everything.
pub fn view(dashboard: &Dashboard, wish: &Wish, source: &Source<'_>, now: Timestamp) -> View {
    let mut problems = Vec::new();
    let own = (dashboard.from.clone(), dashboard.to.clone());
    let wished = (wish.from.clone().unwrap_or(own.0.clone()), wish.to.clone().unwrap_or(own.1.clone()));
    let read = |(from, to): &(String, String)| TimeRange::parse(from, to, now, wish.east);
    let ((from, to), range) = match (read(&wished), read(&own)) {
        (Some(range), _) => (wished, range),
        (None, Some(range)) => {
            problems.push(format!("the time range from {} to {} cannot be read", wished.0, wished.1));
            (own, range)
        }
        (None, None) => {
            problems.push(format!("the time range from {} to {} cannot be read", wished.0, wished.1));
            let hour = TimeRange { from: Timestamp(now.0.saturating_sub(3_600_000)), to: now };
            ((USUAL.0.to_owned(), USUAL.1.to_owned()), hour)
        }
    };
    let variables = chosen(dashboard, wish, source, range, (&from, &to));
    let context = Context {
        dashboard: (&dashboard.uid, &dashboard.title),
        ..Context::new(&variables, range, (&from, &to))
    };
    let (marks, failed) = marks(&dashboard.annotations, &context, source);
    problems.extend(failed);
    problems.extend(variables.iter().filter_map(|chosen| {
        let problem = chosen.problem.as_ref()?;
        Some(format!("variable {}: {problem}", chosen.variable.name))
    }));
    let row = |row: &Row| ViewRow {
        id: row.id,
        title: row.title.as_deref().map(|title| context.title(title)),
        is_closed: row.collapsed && !wish.open_rows.contains(&row.id),
        panels: Vec::new(),
    };
    let mut rows: Vec<ViewRow> = dashboard.rows.iter().map(row).collect();
    for (row, view) in dashboard.rows.iter().zip(&mut rows).filter(|(_, view)| !view.is_closed) {
        view.panels = row.panels.iter().map(|panel| drawn(panel, &context, source, &marks)).collect();
    }
    View { range, from, to, variables, rows, problems }
}

fn drawn(
    panel: &Panel,
    context: &Context<'_>,
    source: &Source<'_>,
    marks: &[Mark],
) -> (i64, GridPos, Drawing) {
    (panel.id, panel.grid, draw(panel, context, source, marks))
}

/// Variables in their order; each may speak of those before it.
fn chosen(
    dashboard: &Dashboard,
    wish: &Wish,
    source: &Source<'_>,
    range: TimeRange,
    raw: (&str, &str),
) -> Vec<Chosen> {
    let mut chosen: Vec<Chosen> = Vec::new();
    for variable in &dashboard.variables {
        let context = Context::new(&chosen, range, raw);
        let (options, problem) = match options_of(variable, &context, source) {
            Ok(options) => (options, None),
            Err(problem) => (Vec::new(), Some(problem)),
        };
        let values: Vec<String> = wish
            .variables
            .iter()
            .filter(|(name, _)| *name == variable.name)
            .map(|(_, value)| value.clone())
            .collect();
        chosen.push(Chosen::new(variable, options, &values, problem));
    }
    chosen
}
