//! Time series: axes, lines, areas, thresholds, marks and a legend.

use std::{collections::HashMap, sync::Arc};

use super::{
    Mark,
    axis::{Axis, Reach, Scale, Side, Tick, is_exact, scale, time_ticks, value_ticks},
    plot::{Columns, Plotted, plotted},
};
use crate::{
    dashboards::{
        display::{Display, absolute},
        frame::{Field, Frame},
        model::{
            AxisPlacement, Custom, DrawStyle, Interpolation, Legend, Panel, SeriesOptions, Stacking,
            ThresholdsStyle, TooltipSort,
        },
        palette::Colour,
        reduce::{keeps_unit, reduce},
        time_range::TimeRange,
    },
    series::is_stale,
};

#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    pub range: TimeRange,
    pub axes: Vec<Axis>,
    pub times: Vec<Tick>,
    /// Coloured grounds between thresholds.
    pub bands: Vec<Band>,
    /// Lines at thresholds.
    pub guides: Vec<Guide>,
    /// In the order of drawing.
    pub lines: Vec<Line>,
    /// The instants of the lines' values.
    pub moments: Vec<Moments>,
    pub marks: Vec<(f64, f64, Mark)>,
    pub legend: Legend,
    pub tooltip_sort: TooltipSort,
    pub entries: Vec<LegendEntry>,
    /// What of the grid's height is left to the panel, in cells.
    pub height: u16,
}

/// From one height to another, as shares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    pub from: f64,
    pub to: f64,
    pub colour: Colour,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guide {
    pub at: f64,
    pub colour: Colour,
    pub dashed: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub name: String,
    pub colour: Colour,
    pub style: DrawStyle,
    /// Pixels.
    pub width: u16,
    pub dashed: bool,
    /// Whether it stands on others.
    pub stacked: bool,
    /// Percent.
    pub fill: u16,
    pub plotted: Plotted,
    /// A step's share of the width.
    pub step: f64,
    /// Index of its instants.
    pub moments: usize,
    /// Where values are missing they are NaN.
    pub values: Vec<f64>,
    /// What its values read as; `None` where there is none.
    pub texts: Vec<Option<String>>,
}

/// Evenly spaced instants, in milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moments {
    pub start: i64,
    pub step: i64,
    pub count: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LegendEntry {
    pub name: String,
    pub colour: Colour,
    /// Results of the legend's calculations, in their order.
    pub calcs: Vec<String>,
}

/// A series before it is placed.
struct Series<'a> {
    field: &'a Field,
    display: Display<'a>,
    times: Arc<[i64]>,
    moments: usize,
    axis: usize,
    tops: Vec<f64>,
    bases: Vec<f64>,
}

/// Pixels of a cell of the grid, and what a chart's head, time axis and legend take of its panel.
const CELL: u16 = 38;
const AROUND: u16 = 96;
/// Pixels between marks of the value axis, and of the time axis.
const TICK_HEIGHT: u16 = 34;
/// The share of their span that is left free beyond the values.
const ROOM: f64 = 0.1;
const TICK_WIDTH: i64 = 70;

pub(super) fn chart(
    frames: &[Frame],
    options: &SeriesOptions,
    panel: &Panel,
    range: TimeRange,
    marks: &[Mark],
) -> Chart {
    let mut moments: Vec<Moments> = Vec::new();
    let mut keys: Vec<(String, Side)> = Vec::new();
    let mut series = Vec::new();
    for frame in frames {
        let Some(times) = frame.times() else { continue };
        for field in frame.fields.iter().filter(|field| !field.settings.custom.hidden) {
            let Some(values) = field.values.numbers() else { continue };
            let tops: Vec<f64> =
                values.iter().map(|value| if is_stale(*value) { f64::NAN } else { *value }).collect();
            let side = side(&field.settings.custom);
            let key = (field.settings.unit.clone().unwrap_or_default(), side);
            let axis = keys.iter().position(|known| *known == key).unwrap_or_else(|| {
                keys.push(key);
                keys.len() - 1
            });
            series.push(Series {
                field,
                display: Display::new(field),
                times: times.clone(),
                moments: moment(&mut moments, times),
                axis,
                bases: vec![0.0; tops.len()],
                tops,
            });
        }
    }
    stack(&mut series);
    let most = usize::from((panel.grid.h.saturating_mul(CELL).saturating_sub(AROUND) / TICK_HEIGHT).max(2));
    let axes: Vec<Axis> =
        keys.iter().enumerate().map(|(index, (_, side))| axis(index, *side, &series, most)).collect();
    let (bands, guides) =
        series.first().map(|first| thresholds(first, axes[first.axis].scale)).unwrap_or_default();
    let width = i64::from(panel.grid.w) * 1400 / 24;
    let share = |at: crate::time::Timestamp| (at.0 - range.from.0) as f64 / range.millis() as f64;
    let placed =
        |mark: &Mark| (share(mark.from).clamp(0.0, 1.0), share(mark.to).clamp(0.0, 1.0), mark.clone());
    let entries = series.iter().map(|series| entry(series, &options.legend)).collect();
    let lines =
        series.iter().map(|series| line(series, range, axes[series.axis].scale, moments[series.moments]));
    Chart {
        range,
        times: time_ticks(range, (width / TICK_WIDTH).clamp(2, 20)),
        bands,
        guides,
        lines: lines.collect(),
        moments,
        marks: marks.iter().map(placed).collect(),
        legend: options.legend.clone(),
        tooltip_sort: options.tooltip_sort,
        entries,
        height: panel.grid.h,
        axes,
    }
}

fn side(custom: &Custom) -> Side {
    match custom.axis_placement {
        Some(AxisPlacement::Right) => Side::Right,
        Some(AxisPlacement::Hidden) => Side::Hidden,
        Some(AxisPlacement::Left | AxisPlacement::Auto) | None => Side::Left,
    }
}

/// The index of these instants among those that are known.
fn moment(known: &mut Vec<Moments>, times: &[i64]) -> usize {
    let start = times.first().copied().unwrap_or(0);
    let step = times.get(1).map_or(1000, |second| second - start).max(1);
    let new = Moments { start, step, count: times.len() };
    known.iter().position(|one| *one == new).unwrap_or_else(|| {
        known.push(new);
        known.len() - 1
    })
}

/// Puts series that are stacked on top of each other, in their order; negative ones below.
fn stack(series: &mut [Series<'_>]) {
    let key = |series: &Series<'_>| {
        let custom = &series.field.settings.custom;
        let mode = custom.stacking.unwrap_or(Stacking::None);
        (mode != Stacking::None).then(|| {
            (
                custom.stacking_group.clone().unwrap_or_default(),
                series.axis,
                series.moments,
                mode == Stacking::Percent,
            )
        })
    };
    let mut totals: HashMap<_, Vec<f64>> = HashMap::new();
    for one in series.iter() {
        let Some(key) = key(one).filter(|(.., percent)| *percent) else { continue };
        let total = totals.entry(key).or_insert_with(|| vec![0.0; one.tops.len()]);
        total
            .iter_mut()
            .zip(&one.tops)
            .for_each(|(total, value)| *total += if value.is_nan() { 0.0 } else { *value });
    }
    // Of each stack, its upper and its lower end.
    let mut ends: HashMap<_, Vec<(f64, f64)>> = HashMap::new();
    for one in series.iter_mut() {
        let Some(key) = key(one) else { continue };
        let total = totals.get(&key);
        let ends = ends.entry(key).or_insert_with(|| vec![(0.0, 0.0); one.tops.len()]);
        for (index, (up, down)) in ends.iter_mut().enumerate() {
            let value = match total.and_then(|total| total.get(index)) {
                Some(total) if *total != 0.0 => one.tops[index] / total,
                _ => one.tops[index],
            };
            if value.is_nan() {
                continue;
            }
            let end = if value < 0.0 { down } else { up };
            one.bases[index] = *end;
            *end += value;
            one.tops[index] = *end;
        }
    }
}

fn axis(index: usize, side: Side, series: &[Series<'_>], most: usize) -> Axis {
    let of_axis = || series.iter().filter(|series| series.axis == index);
    let numbers =
        || of_axis().flat_map(|series| series.tops.iter()).copied().filter(|value| value.is_finite());
    let mut least = numbers().fold(f64::INFINITY, f64::min);
    let mut greatest = numbers().fold(f64::NEG_INFINITY, f64::max);
    let is_logarithmic = of_axis().any(|series| series.field.settings.custom.logarithmic == Some(true));
    if !is_logarithmic && least < greatest {
        // What begins at nothing stands on the ground.
        let room = (greatest - least).min(f64::MAX) * ROOM;
        least = if least >= 0.0 { (least - room).max(0.0) } else { least - room };
        greatest = if greatest <= 0.0 { (greatest + room).min(0.0) } else { greatest + room };
    }
    let custom = || of_axis().map(|series| &series.field.settings.custom);
    let setting = |of: fn(&Field) -> Option<f64>| of_axis().find_map(|series| of(series.field));
    for custom in custom() {
        least = custom.soft_min.map_or(least, |soft| least.min(soft));
        greatest = custom.soft_max.map_or(greatest, |soft| greatest.max(soft));
        let is_filled = custom.fill_opacity.unwrap_or(0) > 0 || custom.draw_style == Some(DrawStyle::Bars);
        if is_filled && custom.logarithmic != Some(true) {
            least = least.min(0.0);
            greatest = greatest.max(0.0);
        }
    }
    let unit = of_axis().find_map(|series| series.field.settings.unit.as_deref()).unwrap_or("");
    let reach = Reach {
        min: setting(|field| field.settings.min),
        max: setting(|field| field.settings.max),
        least,
        greatest,
        logarithmic: is_logarithmic,
        binary: matches!(unit, "bytes" | "kbytes" | "mbytes" | "gbytes" | "binBps"),
    };
    let (mut scale, mut marks) = self::scale(reach, most);
    // Where the field has too few decimals for such marks, fewer marks may do.
    let decimals = of_axis().find_map(|series| series.field.settings.decimals);
    if let (Some(first), Some(decimals)) = (of_axis().next(), decimals) {
        let exact = (2..most)
            .rev()
            .map(|fewer| self::scale(reach, fewer))
            .find(|(_, marks)| is_exact(marks, &first.display, decimals));
        if let (false, Some(exact)) = (is_exact(&marks, &first.display, decimals), exact) {
            (scale, marks) = exact;
        }
    }
    let ticks = of_axis().next().map_or_else(Vec::new, |first| {
        value_ticks(scale, &marks, &first.display, first.field.settings.decimals)
    });
    Axis { side, label: custom().find_map(|custom| custom.axis_label.clone()), ticks, scale }
}

/// Bands and lines of the thresholds of a series.
fn thresholds(series: &Series<'_>, scale: Scale) -> (Vec<Band>, Vec<Guide>) {
    let settings = &series.field.settings;
    let style = settings.custom.thresholds_style.unwrap_or(ThresholdsStyle::Off);
    let Some(thresholds) = settings.thresholds.as_ref().filter(|_| style != ThresholdsStyle::Off) else {
        return (Vec::new(), Vec::new());
    };
    let steps = absolute(thresholds, scale.low, scale.high);
    let place = |value: f64| if value.is_finite() { scale.place(value).clamp(0.0, 1.0) } else { 0.0 };
    let next = steps.iter().skip(1).map(|(value, _)| place(*value)).chain([1.0]);
    let band =
        |((value, colour), to): (&(f64, Colour), f64)| Band { from: place(*value), to, colour: *colour };
    let bands =
        steps.iter().zip(next).map(band).filter(|band| !band.colour.is_transparent() && band.to > band.from);
    let guide = |(value, colour): &(f64, Colour)| Guide {
        at: scale.place(*value),
        colour: *colour,
        dashed: style == ThresholdsStyle::DashedLine,
    };
    let guides = steps.iter().filter(|(value, _)| value.is_finite()).map(guide);
    let guides = guides.filter(|guide| !guide.colour.is_transparent() && (0.0..=1.0).contains(&guide.at));
    let has_area = matches!(style, ThresholdsStyle::Area | ThresholdsStyle::LineAndArea);
    let has_lines = style != ThresholdsStyle::Area;
    (
        if has_area { bands.collect() } else { Vec::new() },
        if has_lines { guides.collect() } else { Vec::new() },
    )
}

fn line(series: &Series<'_>, range: TimeRange, scale: Scale, moments: Moments) -> Line {
    let settings = &series.field.settings;
    let custom = &settings.custom;
    let values = series.field.values.numbers().unwrap_or_default();
    let columns = Columns { times: &series.times, tops: &series.tops, bases: &series.bases };
    let interpolation = custom.interpolation.unwrap_or(Interpolation::Linear);
    let text = |value: &f64| (!value.is_nan()).then(|| series.display.number(*value).text.to_string());
    Line {
        name: series.field.title.clone(),
        colour: series.display.series_colour(),
        style: custom.draw_style.unwrap_or(DrawStyle::Line),
        width: custom.line_width.unwrap_or(1),
        dashed: custom.dashed.unwrap_or(false),
        stacked: custom.stacking.unwrap_or(Stacking::None) != Stacking::None,
        fill: custom.fill_opacity.unwrap_or(0),
        plotted: plotted(&columns, range, scale, custom.span_nulls.unwrap_or(false), interpolation),
        step: moments.step as f64 / range.millis() as f64,
        moments: series.moments,
        values: values.to_vec(),
        texts: values.iter().map(text).collect(),
    }
}

fn entry(series: &Series<'_>, legend: &Legend) -> LegendEntry {
    let values = series.field.values.numbers().unwrap_or_default();
    let calc = |calc: &String| match reduce(calc, values) {
        Some(value) if keeps_unit(calc) => series.display.number(value).text.to_string(),
        Some(value) => crate::dashboards::format::to_fixed(value, None),
        None => "-".to_owned(),
    };
    LegendEntry {
        name: series.field.title.clone(),
        colour: series.display.series_colour(),
        calcs: legend.calcs.iter().map(calc).collect(),
    }
}
