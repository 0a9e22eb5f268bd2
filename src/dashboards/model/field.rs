//! How a field is shown: unit, thresholds, mappings, colours; for all fields of a panel and laid over for some.

use serde_json::Value;

use super::{
    json,
    threshold::{Mapping, Thresholds, mappings, thresholds},
};

/// Settings of a field; `None` is what nobody set.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FieldSettings {
    pub unit: Option<String>,
    pub decimals: Option<u16>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub display_name: Option<String>,
    pub no_value: Option<String>,
    pub color: Option<ColorSettings>,
    pub thresholds: Option<Thresholds>,
    pub mappings: Vec<Mapping>,
    pub links: Vec<DataLink>,
    pub custom: Custom,
}

/// Where a field's colour comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct ColorSettings {
    pub mode: ColorMode,
    pub fixed: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorMode {
    /// `fixed` and `shades`.
    Fixed,
    Thresholds,
    /// The palette, in the order of the series.
    Palette,
    /// The palette, by the name of the series.
    PaletteByName,
    /// From one of these colours to the next, by value.
    Continuous(&'static [&'static str]),
}

/// A link on a value; its address holds variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataLink {
    pub title: String,
    pub url: String,
    pub new_tab: bool,
}

/// Settings that only some panels know.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Custom {
    pub draw_style: Option<DrawStyle>,
    pub interpolation: Option<Interpolation>,
    /// Pixels.
    pub line_width: Option<u16>,
    /// Percent.
    pub fill_opacity: Option<u16>,
    pub dashed: Option<bool>,
    pub span_nulls: Option<bool>,
    pub stacking: Option<Stacking>,
    pub stacking_group: Option<String>,
    pub thresholds_style: Option<ThresholdsStyle>,
    pub axis_placement: Option<AxisPlacement>,
    pub axis_label: Option<String>,
    pub soft_min: Option<f64>,
    pub soft_max: Option<f64>,
    pub logarithmic: Option<bool>,
    pub cell: Option<Cell>,
    /// Pixels.
    pub width: Option<u16>,
    pub align: Option<Align>,
    pub hidden: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrawStyle {
    Line,
    Bars,
    Points,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    Linear,
    StepBefore,
    StepAfter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stacking {
    None,
    Normal,
    Percent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThresholdsStyle {
    Off,
    Line,
    DashedLine,
    Area,
    LineAndArea,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AxisPlacement {
    Auto,
    Left,
    Right,
    Hidden,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    Auto,
    ColorText,
    ColorBackground,
    /// A bar behind the value, from min to max.
    Gauge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Center,
    Right,
}

/// Settings laid over those of a panel, for the fields that match.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    pub matcher: FieldMatcher,
    pub properties: Vec<(String, Value)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldMatcher {
    Name(String),
    Names(Vec<String>),
    /// A pattern between slashes, or a plain one.
    Pattern(String),
    Query(String),
    Numbers,
    Times,
    Texts,
    /// A matcher that we do not know matches nothing.
    Unknown,
}

impl FieldSettings {
    /// Of `fieldConfig.defaults`.
    pub(super) fn read(defaults: &Value) -> Self {
        let mut settings = Self::default();
        for (id, value) in defaults.as_object().into_iter().flatten() {
            if id != "custom" {
                settings.set(id, value);
            }
        }
        for (id, value) in defaults.get("custom").and_then(Value::as_object).into_iter().flatten() {
            settings.set(&format!("custom.{id}"), value);
        }
        settings
    }

    /// Sets a property by its name in Grafana, as overrides do; unknown ones are left alone.
    pub fn set(&mut self, id: &str, value: &Value) {
        let text = || value.as_str().map(str::to_owned);
        let custom = &mut self.custom;
        match id {
            "unit" => self.unit = text(),
            "decimals" => {
                self.decimals = json::number(value).map(|_| json::whole(Some(value), 0, 0, 20));
            }
            "min" => self.min = json::number(value),
            "max" => self.max = json::number(value),
            "displayName" => self.display_name = text().filter(|name| !name.is_empty()),
            "noValue" => self.no_value = text().filter(|text| !text.is_empty()),
            "color" => self.color = color(value),
            "thresholds" => self.thresholds = Some(thresholds(value)),
            "mappings" => self.mappings = mappings(value),
            "links" => self.links = links(value),
            "custom.drawStyle" => custom.draw_style = value.as_str().and_then(draw_style),
            "custom.lineInterpolation" => {
                custom.interpolation = Some(match value.as_str() {
                    Some("stepBefore") => Interpolation::StepBefore,
                    Some("stepAfter") => Interpolation::StepAfter,
                    _ => Interpolation::Linear,
                });
            }
            "custom.lineWidth" => custom.line_width = Some(json::whole(Some(value), 1, 0, 10)),
            "custom.fillOpacity" => custom.fill_opacity = Some(json::whole(Some(value), 0, 0, 100)),
            "custom.lineStyle" => {
                custom.dashed = Some(value["fill"].as_str().is_some_and(|fill| fill != "solid"));
            }
            "custom.spanNulls" => custom.span_nulls = Some(value.as_bool().unwrap_or(value.is_number())),
            "custom.stacking" => {
                custom.stacking = Some(match value["mode"].as_str() {
                    Some("normal") => Stacking::Normal,
                    Some("percent") => Stacking::Percent,
                    _ => Stacking::None,
                });
                custom.stacking_group = json::text(value, "group");
            }
            "custom.thresholdsStyle" => {
                custom.thresholds_style = Some(match value["mode"].as_str() {
                    Some("line") => ThresholdsStyle::Line,
                    Some("dashed") => ThresholdsStyle::DashedLine,
                    Some("area") => ThresholdsStyle::Area,
                    Some("line+area" | "dashed+area") => ThresholdsStyle::LineAndArea,
                    _ => ThresholdsStyle::Off,
                });
            }
            "custom.axisPlacement" => {
                custom.axis_placement = Some(match value.as_str() {
                    Some("left") => AxisPlacement::Left,
                    Some("right") => AxisPlacement::Right,
                    Some("hidden") => AxisPlacement::Hidden,
                    _ => AxisPlacement::Auto,
                });
            }
            "custom.axisLabel" => custom.axis_label = text().filter(|label| !label.is_empty()),
            "custom.axisSoftMin" => custom.soft_min = json::number(value),
            "custom.axisSoftMax" => custom.soft_max = json::number(value),
            "custom.scaleDistribution" => custom.logarithmic = Some(value["type"].as_str() == Some("log")),
            "custom.cellOptions" => custom.cell = value["type"].as_str().map(cell),
            "custom.displayMode" => custom.cell = value.as_str().map(cell),
            "custom.width" => {
                custom.width = json::number(value).map(|_| json::whole(Some(value), 0, 0, 2000));
            }
            "custom.align" => {
                custom.align = match value.as_str() {
                    Some("left") => Some(Align::Left),
                    Some("center") => Some(Align::Center),
                    Some("right") => Some(Align::Right),
                    _ => None,
                };
            }
            "custom.hidden" => custom.hidden = value.as_bool().unwrap_or(false),
            "custom.hideFrom" => custom.hidden = json::flag(value, "viz"),
            _ => {}
        }
    }
}

impl Override {
    pub(super) fn read(value: &Value) -> Self {
        let options = &value["matcher"]["options"];
        let text = || options.as_str().unwrap_or_default().to_owned();
        let matcher = match value["matcher"]["id"].as_str().unwrap_or_default() {
            "byName" => FieldMatcher::Name(text()),
            "byNames" => FieldMatcher::Names(json::texts(&options["names"])),
            "byRegexp" => FieldMatcher::Pattern(text()),
            "byFrameRefID" => FieldMatcher::Query(text()),
            "byType" => match options.as_str() {
                Some("number") => FieldMatcher::Numbers,
                Some("time") => FieldMatcher::Times,
                Some("string") => FieldMatcher::Texts,
                _ => FieldMatcher::Unknown,
            },
            _ => FieldMatcher::Unknown,
        };
        let property =
            |property: &Value| Some((property.get("id")?.as_str()?.to_owned(), property["value"].clone()));
        Self { matcher, properties: json::list(value, "properties").iter().filter_map(property).collect() }
    }
}

fn color(value: &Value) -> Option<ColorSettings> {
    let mode = match value["mode"].as_str()? {
        "fixed" | "shades" => ColorMode::Fixed,
        "thresholds" => ColorMode::Thresholds,
        "palette-classic-by-name" => ColorMode::PaletteByName,
        "continuous-GrYlRd" => ColorMode::Continuous(&["green", "yellow", "red"]),
        "continuous-RdYlGr" => ColorMode::Continuous(&["red", "yellow", "green"]),
        "continuous-BlYlRd" => ColorMode::Continuous(&["dark-blue", "super-light-yellow", "dark-red"]),
        "continuous-YlRd" => ColorMode::Continuous(&["super-light-yellow", "dark-red"]),
        "continuous-BlPu" => ColorMode::Continuous(&["blue", "purple"]),
        "continuous-YlBl" => ColorMode::Continuous(&["super-light-yellow", "dark-blue"]),
        "continuous-blues" => ColorMode::Continuous(&["panel-bg", "dark-blue"]),
        "continuous-reds" => ColorMode::Continuous(&["panel-bg", "dark-red"]),
        "continuous-greens" => ColorMode::Continuous(&["panel-bg", "dark-green"]),
        "continuous-purples" => ColorMode::Continuous(&["panel-bg", "dark-purple"]),
        _ => ColorMode::Palette,
    };
    Some(ColorSettings { mode, fixed: json::text(value, "fixedColor") })
}

fn links(value: &Value) -> Vec<DataLink> {
    let link = |link: &Value| {
        Some(DataLink {
            url: json::text(link, "url")?,
            title: json::text(link, "title").unwrap_or_default(),
            new_tab: json::flag(link, "targetBlank"),
        })
    };
    value.as_array().into_iter().flatten().filter_map(link).collect()
}

fn draw_style(text: &str) -> Option<DrawStyle> {
    match text {
        "line" => Some(DrawStyle::Line),
        "bars" => Some(DrawStyle::Bars),
        "points" => Some(DrawStyle::Points),
        _ => None,
    }
}

fn cell(text: &str) -> Cell {
    match text {
        "color-text" => Cell::ColorText,
        "color-background" | "color-background-solid" => Cell::ColorBackground,
        "gauge" | "basic" | "gradient-gauge" | "lcd-gauge" => Cell::Gauge,
        _ => Cell::Auto,
    }
}
