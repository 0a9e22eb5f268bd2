//! A panel in its frame, in the grid.

use super::{chart::chart, stat, table::table};
use crate::{
    dashboards::{
        model::GridPos,
        scene::{Drawing, Scene},
    },
    text::Html,
};

/// The panels of a row in a grid of 24 columns.
pub fn row_panels(html: &mut Html, panels: &[(i64, GridPos, Drawing)]) {
    html.raw("<div class=\"grid\">");
    for (id, grid, drawing) in panels {
        panel(html, *id, *grid, drawing);
    }
    html.raw("</div>");
}

pub fn panel(html: &mut Html, id: i64, grid: GridPos, drawing: &Drawing) {
    let GridPos { x, y, w, h } = grid;
    html.raw("<section class=\"panel ").raw(class(&drawing.scene));
    // At the right edge, what explains a panel opens to the left.
    html.raw(if x + w > 20 { " far\" id=\"panel-" } else { "\" id=\"panel-" }).show(id);
    html.raw("\" style=\"--h:").show(h).raw(";grid-area:").show(y + 1).raw("/").show(x + 1);
    html.raw("/span ").show(h).raw("/span ").show(w).raw("\" aria-label=\"").text(&drawing.title).raw("\">");
    html.raw("<header><h3 title=\"").text(&drawing.title).raw("\">").text(&drawing.title).raw("</h3>");
    if let Some(description) = &drawing.description {
        html.raw("<span class=\"info\" tabindex=\"0\" aria-label=\"About this panel\">i<span class=\"tip\">");
        html.text(description).raw("</span></span>");
    }
    html.raw("</header><div class=\"body\">");
    // Of an empty panel, the error is what there is to say.
    let is_silent = matches!(drawing.scene, Scene::Empty(_)) && !drawing.errors.is_empty();
    if !is_silent {
        scene(html, &drawing.title, &drawing.scene);
    }
    for (letter, error) in &drawing.errors {
        html.raw("<p class=\"error\" role=\"alert\"><b>").text(letter).raw("</b> ").text(error).raw("</p>");
    }
    for note in &drawing.notes {
        html.raw("<p class=\"note\">").text(note).raw("</p>");
    }
    html.raw("</div></section>\n");
}

fn class(scene: &Scene) -> &'static str {
    match scene {
        Scene::Stats(_) => "of-stats",
        Scene::Chart(_) => "of-chart",
        Scene::Table(_) => "of-table",
        Scene::Bars(_) => "of-bars",
        Scene::Text(_) => "of-text",
        Scene::Empty(_) => "of-nothing",
        Scene::Unknown(_) => "of-unknown",
    }
}

fn scene(html: &mut Html, title: &str, scene: &Scene) {
    match scene {
        Scene::Stats(stats) => stat::stats(html, stats),
        Scene::Chart(drawn) => chart(html, title, drawn),
        Scene::Table(drawn) => table(html, drawn),
        Scene::Bars(bars) => stat::bars(html, bars),
        Scene::Text(text) => {
            html.raw("<div class=\"text\">").text(text).raw("</div>");
        }
        Scene::Empty(text) => {
            html.raw("<p class=\"nothing\">").text(text).raw("</p>");
        }
        Scene::Unknown(kind) => {
            html.raw("<p class=\"nothing\">Panels of the type <code>").text(kind);
            html.raw("</code> are not drawn here</p>");
        }
    }
}
