//! A table.

use super::stat::readable_on;
use crate::{
    dashboards::{
        model::Align,
        palette::Colour,
        scene::{CellStyle, Column, Table, TableCell},
    },
    text::Html,
};

pub(super) fn table(html: &mut Html, table: &Table) {
    html.raw("<div class=\"scroll\"><table>");
    if table.show_header {
        html.raw("<thead><tr>");
        for column in &table.columns {
            head(html, column);
        }
        html.raw("</tr></thead>");
    }
    html.raw("<tbody>");
    for row in &table.rows {
        html.raw("<tr>");
        for (cell, column) in row.iter().zip(&table.columns) {
            self::cell(html, cell, column);
        }
        html.raw("</tr>");
    }
    html.raw("</tbody></table></div>");
    if table.left_out > 0 {
        html.raw("<p class=\"note\">").show(table.left_out).raw(" more rows</p>");
    }
}

fn head(html: &mut Html, column: &Column) {
    html.raw("<th scope=\"col\"").raw(align(column.align));
    match column.sorted {
        Some(true) => html.raw(" aria-sort=\"descending\""),
        Some(false) => html.raw(" aria-sort=\"ascending\""),
        None => html,
    };
    if let Some(width) = column.width {
        html.raw(" style=\"width:").show(width).raw("px\"");
    }
    html.raw(">").text(&column.title).raw("</th>");
}

fn align(align: Align) -> &'static str {
    match align {
        Align::Left => "",
        Align::Center => " class=\"c\"",
        Align::Right => " class=\"r\"",
    }
}

fn cell(html: &mut Html, cell: &TableCell, column: &Column) {
    html.raw("<td").raw(align(column.align));
    if let Some(number) = cell.number {
        html.raw(" data-v=\"").show(number).raw("\"");
    }
    let is_coloured = !cell.colour.is_transparent();
    match cell.style {
        CellStyle::ColouredText if is_coloured => {
            html.raw(" style=\"color:").text(&cell.colour.css()).raw("\"");
        }
        CellStyle::ColouredGround if is_coloured => {
            html.raw(" style=\"color:").text(&readable_on(cell.colour));
            html.raw(";background:").text(&cell.colour.css()).raw("\"");
        }
        CellStyle::Gauge(share) => gauge(html, share, cell.colour),
        CellStyle::Plain | CellStyle::ColouredText | CellStyle::ColouredGround => {}
    }
    html.raw(">");
    match &cell.link {
        Some(link) => {
            html.raw("<a href=\"").text(&link.url).raw("\" title=\"").text(&link.title);
            html.raw(if link.new_tab { "\" target=\"_blank\" rel=\"noopener noreferrer\">" } else { "\">" });
            content(html, cell);
            html.raw("</a>");
        }
        None => content(html, cell),
    }
    html.raw("</td>");
}

fn content(html: &mut Html, cell: &TableCell) {
    match cell.time {
        Some(time) => {
            html.raw("<time data-t=\"").show(time).raw("\">").text(&cell.text).raw("</time>");
        }
        None => {
            html.text(&cell.text);
        }
    }
}

fn gauge(html: &mut Html, share: f64, colour: Colour) {
    html.raw(" style=\"background:linear-gradient(90deg,")
        .text(&colour.opaque(45).css())
        .raw(" ")
        .percent(share);
    html.raw(",transparent ").percent(share).raw(")\"");
}
