//! What a panel shows, positioned: places are shares of the drawing's width and height, texts are final.
//!
//! So one scene is drawn at any size: as HTML that stretches with the window, or as a picture.

mod axis;
mod bars;
mod chart;
mod marks;
mod plot;
mod stat;
mod table;

use super::{
    display,
    frame::{Frame, Values},
    model::{Panel, PanelKind},
    query::{Answers, Source, ask},
    transform::transform,
    variables::Context,
};
use crate::series::is_stale;

pub use axis::{Axis, Side, Tick};
pub use bars::Bar;
pub use chart::{Band, Chart, Guide, LegendEntry, Line, Moments};
pub use marks::{Mark, marks};
pub use plot::{Plotted, Point};
pub use stat::{Spark, Stat};
pub use table::{CellStyle, Column, Link, Table, TableCell};

/// A panel, ready to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    pub title: String,
    pub description: Option<String>,
    pub scene: Scene,
    /// Queries that failed, with their letters.
    pub errors: Vec<(String, String)>,
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Scene {
    Stats(Vec<Stat>),
    Chart(Box<Chart>),
    Table(Table),
    Bars(Vec<Bar>),
    Text(String),
    /// Nothing to show, and what is said instead.
    Empty(String),
    /// A panel of a kind that is not drawn.
    Unknown(String),
}

/// Asks the queries of a panel and lays out what they answer.
pub fn draw(panel: &Panel, context: &Context<'_>, source: &Source<'_>, marks: &[Mark]) -> Drawing {
    let own_range = panel.time_from.as_deref().and_then(super::time_range::duration);
    let context = match own_range {
        Some(millis) => Context { range: context.range.last(millis), ..*context },
        None => *context,
    };
    let drawn = |scene, answers: Answers| Drawing {
        title: context.title(&panel.title),
        description: panel.description.as_deref().map(|text| context.title(text)),
        scene,
        errors: answers.errors,
        notes: answers.notes,
    };
    match &panel.kind {
        PanelKind::Text(text) => return drawn(Scene::Text(context.title(&text.content)), Answers::default()),
        PanelKind::Unknown(kind) => return drawn(Scene::Unknown(kind.clone()), Answers::default()),
        PanelKind::Stat(_) | PanelKind::TimeSeries(_) | PanelKind::Table(_) | PanelKind::Bars(_) => {}
    }
    let mut answers = ask(panel, &context, source);
    let mut frames = std::mem::take(&mut answers.frames);
    frames = transform(frames, &panel.transformations, &mut answers.notes);
    display::apply(&mut frames, panel);
    let scene = scene(panel, frames, &context, marks, &mut answers.notes);
    drawn(scene, answers)
}

fn scene(
    panel: &Panel,
    mut frames: Vec<Frame>,
    context: &Context<'_>,
    marks: &[Mark],
    notes: &mut Vec<String>,
) -> Scene {
    let nothing = || {
        let said = panel.defaults.no_value.clone().unwrap_or_else(|| "No data".to_owned());
        Scene::Empty(said)
    };
    if frames.iter().all(Frame::is_empty) {
        return nothing();
    }
    match &panel.kind {
        PanelKind::Stat(options) => Scene::Stats(stat::stats(&frames, options)),
        PanelKind::Bars(options) => Scene::Bars(bars::bars(&frames, options)),
        PanelKind::TimeSeries(options) => {
            let has_values = frames.iter().flat_map(|frame| &frame.fields).any(|field| match &field.values {
                Values::Numbers(numbers) => numbers.iter().any(|value| !value.is_nan() && !is_stale(*value)),
                Values::Times(_) | Values::Texts(_) => false,
            });
            if !has_values {
                return nothing();
            }
            Scene::Chart(Box::new(chart::chart(&frames, options, panel, context.range, marks)))
        }
        PanelKind::Table(options) => {
            if frames.len() > 1 {
                notes.push(format!("one of {} tables is shown", frames.len()));
            }
            let mut frame = frames.swap_remove(0);
            for by in &options.sort_by {
                super::transform::sort_by(&mut frame, &by.field, by.descending);
            }
            Scene::Table(table::table(&frame, options, context))
        }
        PanelKind::Text(_) | PanelKind::Unknown(_) => nothing(),
    }
}
