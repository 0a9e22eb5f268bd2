//! Single values and bars.

use super::svg::{area, line};
use crate::{
    dashboards::{
        format::Formatted,
        model::DrawStyle,
        palette::Colour,
        scene::{Bar, Spark, Stat},
    },
    text::Html,
};

pub(super) fn stats(html: &mut Html, stats: &[Stat]) {
    html.raw("<div class=\"stats\">");
    for stat in stats {
        html.raw("<div class=\"stat\" style=\"color:");
        if stat.has_coloured_ground && !stat.colour.is_transparent() {
            html.text(&readable_on(stat.colour)).raw(";background:").text(&stat.colour.css());
        } else {
            html.text(&stat.colour.css());
        }
        html.raw("\">");
        if let Some(name) = &stat.name {
            html.raw("<div class=\"name\">").text(name).raw("</div>");
        }
        if let Some(text) = &stat.text {
            value(html, text);
        }
        if let Some(spark) = &stat.spark {
            self::spark(html, spark, stat.has_coloured_ground);
        }
        html.raw("</div>");
    }
    html.raw("</div>");
}

/// The value as large as its room allows: `--n` is its length in characters, units being smaller.
fn value(html: &mut Html, text: &Formatted) {
    let length = |text: &str| text.chars().count() as f64;
    let size = length(&text.prefix) + length(&text.text) + 0.6 * length(&text.suffix);
    html.raw("<div class=\"value\" style=\"--n:").show((size.max(2.0) * 10.0).round() / 10.0).raw("\">");
    html.text(&text.prefix).text(&text.text);
    if !text.suffix.is_empty() {
        html.raw("<small>").text(&text.suffix).raw("</small>");
    }
    html.raw("</div>");
}

fn spark(html: &mut Html, spark: &Spark, on_colour: bool) {
    html.raw(
        "<svg class=\"spark\" viewBox=\"0 0 2000 1000\" preserveAspectRatio=\"none\" aria-hidden=\"true\"",
    );
    if !on_colour {
        html.raw(" style=\"color:").text(&spark.colour.css()).raw("\"");
    }
    html.raw("><path class=\"area\" fill-opacity=\".2\" d=\"").path(&area(&spark.line));
    html.raw("\"/><path class=\"line\" d=\"")
        .path(&line(&spark.line, DrawStyle::Line, false))
        .raw("\"/></svg>");
}

pub(super) fn bars(html: &mut Html, bars: &[Bar]) {
    html.raw("<div class=\"gauges\">");
    for bar in bars {
        html.raw("<div class=\"gauge\"><span class=\"name\">").text(&bar.name);
        html.raw("</span><span class=\"track\"><span style=\"width:").percent(bar.share);
        html.raw(";background:")
            .text(&bar.colour.css())
            .raw("\"></span></span><span class=\"number\" style=\"color:");
        html.text(&bar.colour.css()).raw("\">").show(&bar.text).raw("</span></div>");
    }
    html.raw("</div>");
}

/// Black or white, whichever reads better on the colour; in both themes.
pub(super) fn readable_on(colour: Colour) -> String {
    let ink = |wants_black: bool| if wants_black { "#111217" } else { "#fff" };
    let (dark, light) = colour.wants_black();
    format!("light-dark({},{})", ink(light), ink(dark))
}
