//! A panel: where it lies, what it asks, how it draws.

use serde_json::Value;

use super::{
    field::{DataLink, FieldSettings, Override},
    json,
};

#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    pub id: i64,
    pub title: String,
    pub description: Option<String>,
    pub grid: GridPos,
    pub kind: PanelKind,
    pub targets: Vec<Target>,
    pub defaults: FieldSettings,
    pub overrides: Vec<Override>,
    pub transformations: Vec<Transformation>,
    /// The least step, as `1m`.
    pub interval: Option<String>,
    pub max_data_points: Option<u16>,
    /// A time range of its own, as `6h`, that ends where the dashboard's does.
    pub time_from: Option<String>,
    pub links: Vec<DataLink>,
    pub transparent: bool,
}

/// A place in the grid of 24 columns; rows are 38 pixels apart in Grafana.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GridPos {
    pub x: u16,
    pub y: u16,
    pub w: u16,
    pub h: u16,
}

#[derive(Debug, Clone, PartialEq)]
pub enum PanelKind {
    Stat(StatOptions),
    TimeSeries(SeriesOptions),
    Table(TableOptions),
    /// `bargauge` and `gauge`: a bar from min to max for each value.
    Bars(BarOptions),
    Text(TextOptions),
    /// What we do not draw, by its name.
    Unknown(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct StatOptions {
    pub reduce: Reduce,
    pub color: StatColor,
    pub graph: GraphMode,
    pub text: TextMode,
}

/// What becomes of a series of values.
#[derive(Debug, Clone, PartialEq)]
pub struct Reduce {
    /// The name of a calculation; see [`crate::dashboards::reduce`].
    pub calc: String,
    /// Every value by itself, at most so many of them.
    pub every: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatColor {
    None,
    Value,
    Background,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphMode {
    None,
    Area,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextMode {
    /// The name where there are several values.
    Auto,
    Value,
    ValueAndName,
    Name,
    None,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SeriesOptions {
    pub legend: Legend,
    pub tooltip_sort: TooltipSort,
}

/// The order of values under the pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooltipSort {
    AsDrawn,
    Ascending,
    Descending,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Legend {
    pub show: bool,
    pub table: bool,
    pub right: bool,
    /// Names of calculations.
    pub calcs: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TableOptions {
    pub show_header: bool,
    pub sort_by: Vec<SortBy>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortBy {
    pub field: String,
    pub descending: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct BarOptions {
    pub reduce: Reduce,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextOptions {
    pub content: String,
}

/// A query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub ref_id: String,
    pub expr: String,
    /// `__auto`, a text with `{{label}}`, or empty.
    pub legend: String,
    pub instant: bool,
    pub range: bool,
    /// One table of all series, instead of a frame each.
    pub table: bool,
    /// The least step, as `1m`.
    pub interval: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Transformation {
    pub id: String,
    pub options: Value,
}

impl GridPos {
    pub(super) fn read(value: &Value) -> Self {
        let x = json::whole(value.get("x"), 0, 0, 23);
        Self {
            x,
            y: json::whole(value.get("y"), 0, 0, 20_000),
            w: json::whole(value.get("w"), 12, 1, 24 - x),
            h: json::whole(value.get("h"), 8, 1, 200),
        }
    }
}

impl Panel {
    /// What has no type is no panel.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let kind = kind(value.get("type")?.as_str()?, &value["options"]);
        let field = &value["fieldConfig"];
        let targets = json::list(value, "targets").iter();
        let transformation = |value: &Value| {
            let id = json::text(value, "id").filter(|_| !json::flag(value, "disabled"))?;
            Some(Transformation { id, options: value["options"].clone() })
        };
        let link = |link: &Value| {
            Some(DataLink {
                url: json::text(link, "url")?,
                title: json::text(link, "title").unwrap_or_default(),
                new_tab: json::flag(link, "targetBlank"),
            })
        };
        Some(Self {
            id: value["id"].as_i64().unwrap_or(0),
            title: json::text(value, "title").unwrap_or_default(),
            description: json::text(value, "description"),
            grid: GridPos::read(&value["gridPos"]),
            kind,
            targets: targets.enumerate().filter_map(|(index, target)| Target::read(target, index)).collect(),
            defaults: FieldSettings::read(&field["defaults"]),
            overrides: json::list(field, "overrides").iter().map(Override::read).collect(),
            transformations: json::list(value, "transformations").iter().filter_map(transformation).collect(),
            interval: json::text(value, "interval"),
            max_data_points: value
                .get("maxDataPoints")
                .and_then(json::number)
                .map(|_| json::whole(value.get("maxDataPoints"), 500, 1, 11_000)),
            time_from: json::text(value, "timeFrom"),
            links: json::list(value, "links").iter().filter_map(link).collect(),
            transparent: json::flag(value, "transparent"),
        })
    }
}

impl Target {
    fn read(value: &Value, index: usize) -> Option<Self> {
        let expr = json::text(value, "expr").filter(|_| !json::flag(value, "hide"))?;
        let letter = u8::try_from(index)
            .ok()
            .filter(|index| *index < 26)
            .map_or('Z', |index| char::from(b'A' + index));
        let instant = json::flag(value, "instant");
        Some(Self {
            ref_id: json::text(value, "refId").unwrap_or_else(|| letter.to_string()),
            expr,
            legend: json::text(value, "legendFormat").unwrap_or_default(),
            instant,
            range: value["range"].as_bool().unwrap_or(!instant),
            table: value["format"].as_str() == Some("table"),
            interval: json::text(value, "interval"),
        })
    }
}

fn kind(name: &str, options: &Value) -> PanelKind {
    match name {
        "stat" | "singlestat" => PanelKind::Stat(StatOptions {
            reduce: reduce(&options["reduceOptions"]),
            color: match options["colorMode"].as_str() {
                Some("none") => StatColor::None,
                Some("background" | "background_solid") => StatColor::Background,
                _ => StatColor::Value,
            },
            graph: if options["graphMode"].as_str() == Some("none") {
                GraphMode::None
            } else {
                GraphMode::Area
            },
            text: match options["textMode"].as_str() {
                Some("value") => TextMode::Value,
                Some("value_and_name") => TextMode::ValueAndName,
                Some("name") => TextMode::Name,
                Some("none") => TextMode::None,
                _ => TextMode::Auto,
            },
        }),
        "timeseries" | "graph" => {
            let legend = &options["legend"];
            let mode = legend["displayMode"].as_str();
            PanelKind::TimeSeries(SeriesOptions {
                legend: Legend {
                    show: legend["showLegend"].as_bool().unwrap_or(true) && mode != Some("hidden"),
                    table: mode == Some("table"),
                    right: legend["placement"].as_str() == Some("right"),
                    calcs: json::texts(&legend["calcs"]),
                },
                tooltip_sort: match options["tooltip"]["sort"].as_str() {
                    Some("asc") => TooltipSort::Ascending,
                    Some("desc") => TooltipSort::Descending,
                    _ => TooltipSort::AsDrawn,
                },
            })
        }
        "table" => {
            let sort = |value: &Value| {
                Some(SortBy {
                    field: json::text(value, "displayName")?,
                    descending: json::flag(value, "desc"),
                })
            };
            PanelKind::Table(TableOptions {
                show_header: options["showHeader"].as_bool().unwrap_or(true),
                sort_by: json::list(options, "sortBy").iter().filter_map(sort).collect(),
            })
        }
        "bargauge" | "gauge" => PanelKind::Bars(BarOptions { reduce: reduce(&options["reduceOptions"]) }),
        "text" => {
            PanelKind::Text(TextOptions { content: json::text(options, "content").unwrap_or_default() })
        }
        other => PanelKind::Unknown(other.to_owned()),
    }
}

fn reduce(options: &Value) -> Reduce {
    let calc = json::texts(&options["calcs"]).into_iter().next().unwrap_or_else(|| "lastNotNull".to_owned());
    let every = json::flag(options, "values").then(|| json::whole(options.get("limit"), 25, 1, 500));
    Reduce { calc, every }
}
