//! A value as it is shown: its text and colour, by mappings, thresholds and unit.
//!
//! Source: `@grafana/data`, `getDisplayProcessor`.

use super::{
    format::{Formatted, Unit},
    frame::{Field, Frame, Values},
    model::{
        ColorMode, FieldMatcher, FieldSettings, Mapping, MappingMatch, Override, Panel, Special, Thresholds,
    },
    palette::Colour,
    reduce::reduce,
};
use crate::series::{Labels, is_stale, unanchored};

/// A value, ready to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub text: Formatted,
    pub colour: Colour,
    /// Where it lies between the field's least and greatest value, 0 to 1.
    pub share: f64,
    /// The colour is said by a mapping or a threshold that is not the lowest one.
    pub is_marked: bool,
}

/// How the values of one field are shown.
#[derive(Debug)]
pub struct Display<'a> {
    settings: &'a FieldSettings,
    unit: Unit,
    range: (f64, f64),
    series_colour: Colour,
}

/// Lays the settings of a panel over the fields of its data, names and numbers them.
pub fn apply(frames: &mut [Frame], panel: &Panel) {
    let single_label = single_label(frames);
    let several = frames.len() > 1;
    let mut index = 0;
    for frame in frames.iter_mut() {
        let fields_of_values = frame.fields.iter().filter(|field| field.values.numbers().is_some()).count();
        for field in &mut frame.fields {
            field.settings = panel.defaults.clone();
            field.title =
                title(field, frame.name.as_deref(), single_label.as_deref(), several, fields_of_values);
            for rule in &panel.overrides {
                let laid_over: &[_] =
                    if matches(rule, field, &frame.ref_id) { &rule.properties } else { &[] };
                for (id, value) in laid_over {
                    field.settings.set(id, value);
                }
            }
            if let Some(name) = &field.settings.display_name {
                field.title = name_of(name, field, &frame.ref_id);
            }
            field.index = index;
            if field.values.numbers().is_some() {
                index += 1;
            }
        }
    }
    colour_by_name(frames);
}

/// Colours by name, told apart within the panel.
fn colour_by_name(frames: &mut [Frame]) {
    let is_by_name = |field: &&mut Field| {
        field.settings.color.as_ref().is_some_and(|color| color.mode == ColorMode::PaletteByName)
    };
    let fields = frames.iter_mut().flat_map(|frame| frame.fields.iter_mut());
    let mut fields: Vec<&mut Field> =
        fields.filter(|field| field.values.numbers().is_some()).filter(is_by_name).collect();
    let names: Vec<&str> = fields.iter().map(|field| field.title.as_str()).collect();
    let colours = Colour::of_names(&names);
    for (field, colour) in fields.iter_mut().zip(colours) {
        field.colour = Some(colour);
    }
}

/// The only label that any series carries.
fn single_label(frames: &[Frame]) -> Option<String> {
    let mut names = frames.iter().flat_map(|frame| &frame.fields).flat_map(|field| field.labels.iter());
    let (first, _) = names.next()?;
    names.all(|(name, _)| name == first).then(|| first.to_owned())
}

/// A series is called as its query says, else by its labels.
fn title(field: &Field, frame: Option<&str>, label: Option<&str>, several: bool, values: usize) -> String {
    if field.name != "Value" {
        return field.name.clone();
    }
    match frame {
        Some(name) if several || values == 1 => return name.to_owned(),
        _ => {}
    }
    let of_labels = match label {
        Some(label) => field.labels.get(label).unwrap_or_default().to_owned(),
        None => braced(&field.labels),
    };
    if of_labels.is_empty() { field.name.clone() } else { of_labels }
}

fn braced(labels: &Labels) -> String {
    if labels.is_empty() { String::new() } else { super::query::labelled(labels) }
}

/// A display name may speak of the field's labels: `${__field.labels.model}`.
fn name_of(format: &str, field: &Field, ref_id: &str) -> String {
    let mut out = String::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else { break };
        out.push_str(before);
        match name.strip_prefix("__field.labels.") {
            Some(label) => out.push_str(field.labels.get(label).unwrap_or_default()),
            None if matches!(name, "__field.name" | "__field.displayName" | "__series.name") => {
                out.push_str(&field.title);
            }
            None if name == "__frame.refId" => out.push_str(ref_id),
            None => {
                out.push_str("${");
                out.push_str(name);
                out.push('}');
            }
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

fn matches(rule: &Override, field: &Field, ref_id: &str) -> bool {
    match &rule.matcher {
        FieldMatcher::Name(name) => *name == field.title || *name == field.name,
        FieldMatcher::Names(names) => names.contains(&field.title),
        FieldMatcher::Pattern(pattern) => {
            unanchored(pattern.trim_matches('/')).is_ok_and(|pattern| pattern.is_match(&field.title))
        }
        FieldMatcher::Query(letter) => letter == ref_id,
        FieldMatcher::Numbers => matches!(field.values, Values::Numbers(_)),
        FieldMatcher::Times => matches!(field.values, Values::Times(_)),
        FieldMatcher::Texts => matches!(field.values, Values::Texts(_)),
        FieldMatcher::Unknown => false,
    }
}

impl<'a> Display<'a> {
    pub fn new(field: &'a Field) -> Self {
        let settings = &field.settings;
        let of_values = |calc: &str| field.values.numbers().and_then(|values| reduce(calc, values));
        let least = settings.min.or_else(|| of_values("min")).unwrap_or(0.0);
        let greatest = settings.max.or_else(|| of_values("max")).unwrap_or(100.0);
        let unit = match (&settings.unit, &field.values) {
            (None, Values::Times(_)) => "dateTimeAsIso",
            (unit, _) => unit.as_deref().unwrap_or(""),
        };
        let mut display =
            Self { settings, unit: Unit::named(unit), range: (least, greatest), series_colour: Colour::GRAY };
        display.series_colour = display.colour_of_series(field);
        display
    }

    pub fn unit(&self) -> &Unit {
        &self.unit
    }

    /// The colour of the series as a whole.
    pub fn series_colour(&self) -> Colour {
        self.series_colour
    }

    fn colour_of_series(&self, field: &Field) -> Colour {
        let fixed =
            || self.settings.color.as_ref().and_then(|color| color.fixed.as_deref()).unwrap_or("gray");
        match self.settings.color.as_ref().map(|color| color.mode) {
            Some(ColorMode::Fixed) => Colour::named(fixed()),
            Some(ColorMode::PaletteByName) => field.colour.unwrap_or_else(|| Colour::of_series(field.index)),
            Some(ColorMode::Thresholds | ColorMode::Continuous(_)) => {
                let last = field.values.numbers().and_then(|values| reduce("lastNotNull", values));
                self.colour(last.unwrap_or(f64::NEG_INFINITY)).0
            }
            Some(ColorMode::Palette) | None => Colour::of_series(field.index),
        }
    }

    pub fn number(&self, value: f64) -> Shown {
        let mapped = self.settings.mappings.iter().find(|mapping| maps_number(mapping, value));
        let missing = is_stale(value);
        let text = match mapped.and_then(|mapping| mapping.text.clone()) {
            Some(text) => Formatted::plain(text),
            None if missing => Formatted::plain(self.settings.no_value.clone().unwrap_or_default()),
            None => self.unit.format(value, self.settings.decimals),
        };
        self.shown(text, mapped, if value.is_nan() { f64::NEG_INFINITY } else { value })
    }

    pub fn text(&self, value: Option<&str>) -> Shown {
        let mapped = self.settings.mappings.iter().find(|mapping| maps_text(mapping, value));
        let text = match mapped.and_then(|mapping| mapping.text.clone()) {
            Some(text) => text,
            None => match value {
                Some(text) if !text.is_empty() => text.to_owned(),
                _ => self.settings.no_value.clone().unwrap_or_default(),
            },
        };
        self.shown(Formatted::plain(text), mapped, f64::NEG_INFINITY)
    }

    fn shown(&self, text: Formatted, mapped: Option<&Mapping>, value: f64) -> Shown {
        let (colour, is_marked) = match mapped.and_then(|mapping| mapping.color.as_deref()) {
            Some(name) => (Colour::named(name), true),
            None => self.colour(value),
        };
        Shown { text, colour, share: self.share(value), is_marked }
    }

    fn share(&self, value: f64) -> f64 {
        let (least, greatest) = self.range;
        let share = (value - least) / (greatest - least);
        if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
    }

    /// The colour of a value, and whether it is not just the lowest step's.
    fn colour(&self, value: f64) -> (Colour, bool) {
        match self.settings.color.as_ref().map(|color| color.mode) {
            Some(ColorMode::Continuous(colours)) => (Colour::between(colours, self.share(value)), true),
            Some(ColorMode::Thresholds) | None => {
                let Some(thresholds) = &self.settings.thresholds else {
                    return (Colour::named("green"), false);
                };
                let step = active(thresholds, value, self.range);
                let name = thresholds.steps.get(step).map_or("gray", |step| &*step.color);
                (Colour::named(name), step > 0)
            }
            Some(_) => (self.series_colour, false),
        }
    }
}

/// The index of the step that a value has reached.
fn active(thresholds: &Thresholds, value: f64, (least, greatest): (f64, f64)) -> usize {
    let value = if thresholds.percentage { (value - least) / (greatest - least) * 100.0 } else { value };
    thresholds.steps.iter().rposition(|step| value >= step.value).unwrap_or(0)
}

/// The steps of thresholds as values of the axis.
pub fn absolute(thresholds: &Thresholds, least: f64, greatest: f64) -> Vec<(f64, Colour)> {
    let value = |value: f64| {
        if thresholds.percentage { least + (greatest - least) * value / 100.0 } else { value }
    };
    thresholds.steps.iter().map(|step| (value(step.value), Colour::named(&step.color))).collect()
}

fn maps_number(mapping: &Mapping, value: f64) -> bool {
    let missing = is_stale(value);
    match &mapping.matches {
        MappingMatch::Value(text) => !missing && super::format::js_number(value) == *text,
        MappingMatch::Range { from, to } => !value.is_nan() && value >= *from && value <= *to,
        MappingMatch::Special(Special::Null) => missing,
        MappingMatch::Special(Special::NaN) => value.is_nan() && !missing,
        MappingMatch::Special(Special::NullAndNaN) => value.is_nan(),
        MappingMatch::Pattern(_) | MappingMatch::Special(Special::True | Special::False | Special::Empty) => {
            false
        }
    }
}

fn maps_text(mapping: &Mapping, value: Option<&str>) -> bool {
    let Some(text) = value else {
        return matches!(mapping.matches, MappingMatch::Special(Special::Null | Special::NullAndNaN));
    };
    match &mapping.matches {
        MappingMatch::Value(expected) => expected == text,
        MappingMatch::Range { from, to } => {
            text.trim().parse::<f64>().is_ok_and(|value| value >= *from && value <= *to)
        }
        MappingMatch::Pattern(pattern) => {
            unanchored(pattern.trim_matches('/')).is_ok_and(|pattern| pattern.is_match(text))
        }
        MappingMatch::Special(Special::True) => text == "true",
        MappingMatch::Special(Special::False) => text == "false",
        MappingMatch::Special(Special::Empty) => text.is_empty(),
        MappingMatch::Special(Special::Null | Special::NaN | Special::NullAndNaN) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dashboards::model::Dashboard, series::STALE};

    const PANEL: &str = r##"{"panels": [{"type": "stat", "fieldConfig": {
        "defaults": {"unit": "s", "noValue": "nothing", "color": {"mode": "thresholds"},
            "mappings": [{"type": "special", "options": {"match": "nan", "result": {"text": "No traffic", "color": "text"}}},
                {"type": "value", "options": {"7": {"text": "seven", "color": "#010203"}}},
                {"type": "range", "options": {"from": 8, "to": 9, "result": {"text": "much"}}}],
            "thresholds": {"steps": [{"color": "#00ff00", "value": null}, {"color": "#ff0000", "value": 5}]}},
        "overrides": [{"matcher": {"id": "byName", "options": "odd"}, "properties": [
            {"id": "unit", "value": "percentunit"}, {"id": "displayName", "value": "share of ${__field.labels.model}"}]}]}}]}"##;

    fn field(name: &str) -> Field {
        let panel = Dashboard::parse(PANEL).unwrap().rows.remove(0).panels.remove(0);
        let labels = [("model", "m")].into_iter().collect();
        let field = Field { labels, ..Field::new("Value", Values::Numbers(vec![0.5, 6.0])) };
        let mut frames =
            vec![Frame { ref_id: "A".to_owned(), name: Some(name.to_owned()), fields: vec![field] }];
        apply(&mut frames, &panel);
        frames.remove(0).fields.remove(0)
    }

    #[track_caller]
    fn check(value: f64, expect: &str) {
        let field = field("x");
        let shown = Display::new(&field).number(value);
        assert_eq!(format!("{} {}", shown.text, shown.colour.css()), expect);
    }

    #[test]
    fn mappings_come_before_thresholds() {
        check(0.25, "250 ms #00ff00");
        check(5.0, "5 s #ff0000");
        check(7.0, "seven #010203");
        check(8.5, "much #ff0000");
        check(f64::NAN, "No traffic light-dark(#24292e,#ccccdc)");
        check(STALE, "nothing #00ff00");
    }

    #[test]
    fn overrides_are_laid_over() {
        let field = field("odd");
        assert_eq!(field.title, "share of m");
        assert_eq!(Display::new(&field).number(0.5).text.to_string(), "50%");
    }
}
