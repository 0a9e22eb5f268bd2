//! Single values with a small graph.

use super::{
    axis::{Reach, scale},
    plot::{Columns, Plotted, plotted},
};
use crate::{
    dashboards::{
        display::Display,
        format::Formatted,
        frame::{Field, Frame},
        model::{GraphMode, Interpolation, StatColor, StatOptions, TextMode},
        palette::Colour,
        reduce::{keeps_unit, reduce},
        time_range::TimeRange,
    },
    series::STALE,
    time::Timestamp,
};

/// One value of a stat panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Stat {
    /// Where the panel shows names.
    pub name: Option<String>,
    pub text: Option<Formatted>,
    /// Of the text, or of the ground where that is coloured.
    pub colour: Colour,
    pub has_coloured_ground: bool,
    pub spark: Option<Spark>,
}

/// A small graph without axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Spark {
    pub line: Plotted,
    pub colour: Colour,
}

/// The most values of one panel.
const MOST_STATS: usize = 60;

pub(super) fn stats(frames: &[Frame], options: &StatOptions) -> Vec<Stat> {
    let mut stats = Vec::new();
    for frame in frames {
        for field in frame.fields.iter().filter(|field| !field.settings.custom.hidden) {
            let Some(values) = field.values.numbers() else { continue };
            if let Some(most) = options.reduce.every {
                let values = values.iter().take(usize::from(most));
                stats.extend(values.map(|value| stat(frame, field, *value, None, options)));
            } else {
                let value = reduce(&options.reduce.calc, values).unwrap_or(STALE);
                stats.push(stat(frame, field, value, Some(values), options));
            }
        }
    }
    let several = stats.len() > 1;
    if !several && matches!(options.text, TextMode::Auto | TextMode::Value) {
        for stat in &mut stats {
            stat.name = None;
        }
    }
    stats.truncate(MOST_STATS);
    stats
}

fn stat(frame: &Frame, field: &Field, value: f64, values: Option<&[f64]>, options: &StatOptions) -> Stat {
    let display = Display::new(field);
    let shown = display.number(value);
    let text =
        if keeps_unit(&options.reduce.calc) { shown.text } else { Formatted::plain(value.to_string()) };
    let has_graph = options.graph == GraphMode::Area && values.is_some();
    Stat {
        name: (!matches!(options.text, TextMode::Value | TextMode::None)).then(|| field.title.clone()),
        text: (!matches!(options.text, TextMode::Name | TextMode::None)).then_some(text),
        colour: if options.color == StatColor::None { Colour::TEXT } else { shown.colour },
        has_coloured_ground: options.color == StatColor::Background,
        spark: has_graph.then(|| spark(frame, field, shown.colour)).flatten(),
    }
}

/// Of the frame's own time, from the field's least to its greatest value.
fn spark(frame: &Frame, field: &Field, colour: Colour) -> Option<Spark> {
    let (times, values) = (frame.times()?, field.values.numbers()?);
    let range = TimeRange { from: Timestamp(*times.first()?), to: Timestamp(*times.last()?) };
    let least = field.settings.min.or_else(|| reduce("min", values))?;
    let greatest = field.settings.max.or_else(|| reduce("max", values))?;
    if times.len() < 2 {
        return None;
    }
    // A little room, so that the line is seen whole.
    let top = if greatest > least { greatest + (greatest - least) * 0.05 } else { greatest };
    let reach = Reach {
        min: Some(least),
        max: (top > least).then_some(top),
        least,
        greatest: top,
        logarithmic: false,
        binary: false,
    };
    let bases = vec![least; values.len()];
    let columns = Columns { times, tops: values, bases: &bases };
    let line = plotted(&columns, range, scale(reach, 5).0, false, Interpolation::Linear);
    (!line.runs.is_empty()).then_some(Spark { line, colour })
}
