//! A bar for each value, from the least to the greatest.

use crate::{
    dashboards::{
        display::Display, format::Formatted, frame::Frame, model::BarOptions, palette::Colour, reduce::reduce,
    },
    series::STALE,
};

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    pub name: String,
    pub text: Formatted,
    pub colour: Colour,
    /// How full it is, 0 to 1.
    pub share: f64,
}

/// The most bars of one panel.
const MOST_BARS: usize = 100;

pub(super) fn bars(frames: &[Frame], options: &BarOptions) -> Vec<Bar> {
    // Where nobody says how long a full bar is, the longest one is.
    let all = || frames.iter().flat_map(|frame| &frame.fields).filter(|field| !field.settings.custom.hidden);
    let value_of = |values: &[f64]| reduce(&options.reduce.calc, values).unwrap_or(STALE);
    let reduced: Vec<f64> = all().filter_map(|field| field.values.numbers().map(value_of)).collect();
    let (least, greatest) = (reduce("min", &reduced), reduce("max", &reduced));
    let mut bars = Vec::new();
    for field in all() {
        let Some(values) = field.values.numbers() else { continue };
        let mut field = field.clone();
        field.settings.min = field.settings.min.or(least.map(|least| least.min(0.0)));
        field.settings.max = field.settings.max.or(greatest);
        let display = Display::new(&field);
        let mut push = |value: f64| {
            let shown = display.number(value);
            bars.push(Bar {
                name: field.title.clone(),
                text: shown.text,
                colour: shown.colour,
                share: shown.share,
            });
        };
        match options.reduce.every {
            Some(most) => values.iter().take(usize::from(most)).for_each(|value| push(*value)),
            None => push(value_of(values)),
        }
    }
    bars.truncate(MOST_BARS);
    bars
}
