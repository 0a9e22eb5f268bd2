//! A time series panel.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::svg::{across, area, bars, down, line};
use crate::{
    dashboards::{
        model::{DrawStyle, TooltipSort},
        palette::Colour,
        scene::{Axis, Chart, Line, Side, Tick},
    },
    text::Html,
};

/// The share of its step that a bar fills.
const BAR: f64 = 0.7;

pub(super) fn chart(html: &mut Html, title: &str, chart: &Chart) {
    let legend = &chart.legend;
    let layout = match (legend.show, legend.right) {
        (true, true) => "<div class=\"chart beside\">",
        (true, false) | (false, _) => "<div class=\"chart\">",
    };
    html.raw(layout).raw("<div class=\"frame\">");
    for axis in chart.axes.iter().filter(|axis| axis.side == Side::Left).take(1) {
        values(html, axis);
    }
    html.raw("<div class=\"plot\">");
    drawing(html, title, chart);
    marks(html, chart);
    html.raw("</div>");
    let right = chart.axes.iter().filter(|axis| axis.side == Side::Right);
    let other = chart.axes.iter().filter(|axis| axis.side == Side::Left).skip(1);
    if let Some(axis) = right.chain(other).next() {
        values(html, axis);
    }
    times(html, &chart.times);
    html.raw("</div>");
    if legend.show {
        entries(html, chart);
    }
    html.data("hover", &hover(chart)).raw("</div>");
}

/// Marks of an axis of values. The longest text, unseen, gives the column its width.
fn values(html: &mut Html, axis: &Axis) {
    let longest = axis.ticks.iter().map(|tick| tick.text.as_str()).max_by_key(|text| text.chars().count());
    html.raw(if axis.side == Side::Right {
        "<div class=\"ys right\" aria-hidden=\"true\">"
    } else {
        "<div class=\"ys\" aria-hidden=\"true\">"
    });
    if let Some(label) = &axis.label {
        html.raw("<b>").text(label).raw("</b>");
    }
    html.raw("<i>").text(longest.unwrap_or_default()).raw("</i>");
    for tick in &axis.ticks {
        html.raw("<span style=\"bottom:").percent(tick.at).raw("\">").text(&tick.text).raw("</span>");
    }
    html.raw("</div>");
}

fn times(html: &mut Html, ticks: &[Tick]) {
    html.raw("<div class=\"xs\" aria-hidden=\"true\">");
    for tick in ticks {
        // The last one must not stand over the panel's edge.
        html.raw(if tick.at > 0.97 { "<span class=\"end\" style=\"left:" } else { "<span style=\"left:" });
        html.percent(tick.at).raw("\"");
        if let Some(time) = tick.time {
            html.raw(" data-t=\"").show(time).raw("\"");
        }
        html.raw(">").text(&tick.text).raw("</span>");
    }
    html.raw("</div>");
}

fn drawing(html: &mut Html, title: &str, chart: &Chart) {
    html.raw("<svg viewBox=\"0 0 2000 1000\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"");
    html.text(&spoken(title, chart)).raw("\">");
    for band in &chart.bands {
        let (top, bottom) = (down(band.to), down(band.from));
        html.raw("<rect width=\"2000\" y=\"").show(top).raw("\" height=\"").show(bottom - top);
        html.raw("\" style=\"fill:").text(&band.colour.opaque(12).css()).raw("\"/>");
    }
    html.raw("<path class=\"net\" d=\"");
    for tick in chart.axes.first().map(|axis| axis.ticks.as_slice()).unwrap_or_default() {
        html.path(&format!("M0 {}H2000", down(tick.at)));
    }
    for tick in &chart.times {
        html.path(&format!("M{} 0V1000", across(tick.at)));
    }
    html.raw("\"/>");
    for (index, line) in chart.lines.iter().enumerate() {
        html.raw("<g data-i=\"").show(index).raw("\" style=\"color:").text(&line.colour.css()).raw("\">");
        series(html, line);
        html.raw("</g>");
    }
    for guide in &chart.guides {
        html.raw(if guide.dashed {
            "<path class=\"guide dashed\" style=\"stroke:"
        } else {
            "<path class=\"guide\" style=\"stroke:"
        });
        html.text(&guide.colour.css())
            .raw("\" d=\"")
            .path(&format!("M0 {}H2000", down(guide.at)))
            .raw("\"/>");
    }
    html.raw("</svg>");
}

fn series(html: &mut Html, line: &Line) {
    let opacity = f64::from(line.fill) / 100.0;
    match line.style {
        DrawStyle::Bars => {
            html.raw("<path class=\"bars\" fill-opacity=\"").show(opacity.max(0.1)).raw("\" d=\"");
            html.path(&bars(&line.plotted, line.step * BAR)).raw("\"/>");
        }
        DrawStyle::Line | DrawStyle::Points => {
            if line.fill > 0 && line.style == DrawStyle::Line {
                html.raw("<path class=\"area\" fill-opacity=\"").show(opacity).raw("\" d=\"");
                html.path(&area(&line.plotted)).raw("\"/>");
            }
            html.raw(if line.dashed { "<path class=\"line dashed\"" } else { "<path class=\"line\"" });
            let width = if line.style == DrawStyle::Points { 5 } else { line.width };
            if width != 1 {
                html.raw(" stroke-width=\"").show(width).raw("\"");
            }
            html.raw(" d=\"").path(&self::line(&line.plotted, line.style, line.stacked)).raw("\"/>");
        }
    }
}

/// Annotations lie above the drawing, so that they can be pointed at.
fn marks(html: &mut Html, chart: &Chart) {
    for (from, to, mark) in &chart.marks {
        html.raw("<span class=\"mark\" tabindex=\"0\" style=\"left:").percent(*from);
        html.raw(";width:").percent((to - from).max(0.0)).raw(";color:").text(&mark.colour.css());
        html.raw("\"><span class=\"tip\"><b>").text(&mark.title).raw("</b>");
        if !mark.text.is_empty() {
            html.raw("<br>").text(&mark.text);
        }
        html.raw("<br><time data-t=\"").show(mark.from.0).raw("\">").show(mark.from).raw("</time>");
        if mark.to > mark.from {
            html.raw(" – <time data-t=\"").show(mark.to.0).raw("\">").show(mark.to).raw("</time>");
        }
        html.raw("</span></span>");
    }
}

fn swatch(html: &mut Html, colour: Colour) {
    html.raw("<i style=\"background:").text(&colour.css()).raw("\"></i>");
}

fn entries(html: &mut Html, chart: &Chart) {
    let legend = &chart.legend;
    if !legend.table {
        html.raw("<ul class=\"legend\">");
        for (index, entry) in chart.entries.iter().enumerate() {
            html.raw("<li data-i=\"").show(index).raw("\">");
            swatch(html, entry.colour);
            html.text(&entry.name);
            for (calc, value) in legend.calcs.iter().zip(&entry.calcs) {
                html.raw(" <small>")
                    .text(&crate::dashboards::reduce::title(calc))
                    .raw(": ")
                    .text(value)
                    .raw("</small>");
            }
            html.raw("</li>");
        }
        html.raw("</ul>");
        return;
    }
    html.raw("<div class=\"legend\"><table><thead><tr><th>Name</th>");
    for calc in &legend.calcs {
        html.raw("<th class=\"r\">").text(&crate::dashboards::reduce::title(calc)).raw("</th>");
    }
    html.raw("</tr></thead><tbody>");
    for (index, entry) in chart.entries.iter().enumerate() {
        html.raw("<tr data-i=\"").show(index).raw("\"><td>");
        swatch(html, entry.colour);
        html.text(&entry.name).raw("</td>");
        for value in &entry.calcs {
            html.raw("<td class=\"r\">").text(value).raw("</td>");
        }
        html.raw("</tr>");
    }
    html.raw("</tbody></table></div>");
}

/// What a screen reader says: the last value of each line.
fn spoken(title: &str, chart: &Chart) -> String {
    const MOST: usize = 12;
    let last = |line: &Line| {
        let text = line.texts.iter().rev().flatten().next().map_or("no value", String::as_str);
        format!("{} {text}", line.name)
    };
    let lines: Vec<String> = chart.lines.iter().take(MOST).map(last).collect();
    format!("{title}, last values: {}", lines.join(", "))
}

/// What the script shows while hovering: `r` the range, `m` moments as start, step and count, and of each line `s` its
/// name, colour, moments and texts; `o` says how they are sorted, by numbers that are `f` times those of the texts with
/// that suffix.
fn hover(chart: &Chart) -> Value {
    let moments: Vec<Value> =
        chart.moments.iter().map(|moments| json!([moments.start, moments.step, moments.count])).collect();
    let line = |line: &Line| {
        let (texts, suffix) = packed(&line.texts);
        json!({"n": line.name, "c": line.colour.css(), "m": line.moments, "v": texts, "u": suffix})
    };
    let lines: Vec<Value> = chart.lines.iter().map(line).collect();
    let order = match chart.tooltip_sort {
        TooltipSort::AsDrawn => 0,
        TooltipSort::Ascending => 1,
        TooltipSort::Descending => -1,
    };
    let factors = factors(&chart.lines);
    json!({"r": [chart.range.from.0, chart.range.to.0], "m": moments, "s": lines, "o": order, "f": factors})
}

/// Where the number of a text begins and ends: behind `$`, before ` ms`.
fn number_of(text: &str) -> (usize, usize) {
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let begin = text.find(is_part).unwrap_or(text.len());
    let length = text[begin..].find(|c: char| !is_part(c)).unwrap_or(text.len() - begin);
    (begin, begin + length)
}

/// By how much a value is larger than the number in its text, by the text's suffix.
fn factors(lines: &[Line]) -> BTreeMap<&str, f64> {
    let mut factors = BTreeMap::new();
    for (value, text) in lines.iter().flat_map(|line| line.values.iter().zip(&line.texts)) {
        let Some(text) = text else { continue };
        let (begin, end) = number_of(text);
        let Ok(number) = text[begin..end].parse::<f64>() else { continue };
        if number > 0.0 && value.is_finite() {
            // Two digits are enough to tell units apart.
            factors
                .entry(&text[end..])
                .or_insert_with(|| format!("{:.1e}", value.abs() / number).parse().unwrap_or(1.0));
        }
    }
    factors
}

/// Texts parted by `|`, without the suffix that all of them have; nothing where a text is that before it, `-` where
/// there is none.
fn packed(texts: &[Option<String>]) -> (String, String) {
    let suffix_of = |text: &str| text[number_of(text).1..].to_owned();
    let mut present = texts.iter().flatten();
    let suffix = present.next().map(|text| suffix_of(text)).unwrap_or_default();
    let suffix = if present.all(|text| suffix_of(text) == suffix) { suffix } else { String::new() };
    let mut packed = String::new();
    let mut last: Option<&str> = None;
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            packed.push('|');
        }
        let text = text.as_deref().map_or("-", |text| text.strip_suffix(suffix.as_str()).unwrap_or(text));
        if last != Some(text) {
            packed.push_str(&text.replace('|', "¦"));
        }
        last = Some(text);
    }
    (packed, suffix)
}

#[cfg(test)]
mod tests {
    use super::packed;

    #[track_caller]
    fn check(texts: &[&str], expect: (&str, &str)) {
        let texts: Vec<Option<String>> =
            texts.iter().map(|text| (!text.is_empty()).then(|| (*text).to_owned())).collect();
        let (packed, suffix) = packed(&texts);
        assert_eq!((packed.as_str(), suffix.as_str()), expect);
    }

    #[test]
    fn texts_are_packed() {
        check(&["1.5 s", "1.5 s", "", "2 s"], ("1.5||-|2", " s"));
        check(&["1.5 s", "900 ms"], ("1.5 s|900 ms", ""));
        check(&["$1.5K", "$2K"], ("$1.5|$2", "K"));
        check(&["-1 s", "∞"], ("-1 s|∞", ""));
        check(&[], ("", ""));
        check(&["a|b"], ("a¦b", ""));
    }
}
