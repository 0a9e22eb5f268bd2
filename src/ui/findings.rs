//! Diagnostics drawn: the place, the line, a caret and what to do.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, renderer::DecorStyle};

use crate::{
    diagnostic::{Diagnostic, Severity},
    text::{Source, Span},
};

use super::Palette;

/// One diagnostic as text without a last line break.
pub(super) fn draw(diagnostic: &Diagnostic, palette: Palette, width: usize) -> String {
    let renderer = match palette {
        Palette::Colors => Renderer::styled().decor_style(DecorStyle::Unicode),
        Palette::None => Renderer::plain(),
    };
    renderer.term_width(width).render(&[group(diagnostic)])
}

fn group(diagnostic: &Diagnostic) -> Group<'_> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = Group::with_title(level.primary_title(diagnostic.message.as_str()));
    // Labels in one text share one excerpt, so that `first here` and `again here` stand together.
    let mut drawn: Vec<&Source> = Vec::new();
    for first in &diagnostic.labels {
        if drawn.contains(&&first.source) {
            continue;
        }
        drawn.push(&first.source);
        let mut snippet = Snippet::source(first.source.text()).path(first.source.name());
        for (index, label) in diagnostic.labels.iter().enumerate() {
            if label.source != first.source {
                continue;
            }
            let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let text = (!label.text.is_empty()).then_some(label.text.as_str());
            snippet = snippet.annotation(kind.span(within(label.span, &label.source)).label(text));
        }
        group = group.element(snippet);
    }
    if let Some(why) = &diagnostic.why {
        group = group.element(Level::NOTE.message(why.as_str()));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    group
}

/// The span cut to what the text has.
fn within(span: Span, source: &Source) -> Range<usize> {
    let text = source.text();
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(span.start);
    start..floor(span.end).max(start)
}

/// `2 errors and 1 warning in llmobs.yaml`; nothing without errors, since warnings and notes stop nothing.
pub(super) fn summary(diagnostics: &[Diagnostic]) -> Option<String> {
    if !diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return None;
    }
    let count = |severity, one: &str, many: &str| match diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == severity)
        .count()
    {
        0 => None,
        1 => Some(format!("1 {one}")),
        more => Some(format!("{more} {many}")),
    };
    let counts = [count(Severity::Error, "error", "errors"), count(Severity::Warning, "warning", "warnings")];
    let counts = counts.into_iter().flatten().collect::<Vec<_>>();
    let mut names: Vec<&str> = Vec::new();
    for label in diagnostics.iter().filter_map(|diagnostic| diagnostic.labels.first()) {
        if !names.contains(&label.source.name()) {
            names.push(label.source.name());
        }
    }
    let place = if names.is_empty() { String::new() } else { format!(" in {}", names.join(", ")) };
    Some(format!("{}{place}", counts.join(" and ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(diagnostic: &Diagnostic, expect: &str) {
        assert_eq!(draw(diagnostic, Palette::None, 80), expect);
    }

    #[test]
    fn a_diagnostic_shows_place_line_caret_reason_and_help() {
        let file = Source::new("llmobs.yaml", "cost:\n  ceiling_per_hour: é -5\n");
        let diagnostic = Diagnostic::error("`-5` is negative")
            .at(&file, Span::new(29, 31), "")
            .because("money is spent")
            .help("write `5`");
        check(
            &diagnostic,
            "\
error: `-5` is negative
 --> llmobs.yaml:2:23
  |
2 |   ceiling_per_hour: é -5
  |                       ^^
  |
  = note: money is spent
  = help: write `5`",
        );
    }

    #[test]
    fn labels_in_one_text_share_one_excerpt() {
        let file = Source::new("llmobs.yaml", "a: 1\nb: 2\na: 3\n");
        let flag = Source::new("--set a", "9");
        let diagnostic = Diagnostic::warning("twice")
            .at(&file, Span::new(10, 11), "again here")
            .at(&flag, Span::new(0, 1), "")
            .at(&file, Span::new(0, 1), "first here");
        check(
            &diagnostic,
            "\
warning: twice
 --> llmobs.yaml:3:1
  |
1 | a: 1
  | - first here
2 | b: 2
3 | a: 3
  | ^ again here
  |
 ::: --set a:1:1
  |
1 | 9
  | -",
        );
    }

    #[test]
    fn places_at_or_past_the_end_are_drawn_at_the_end() {
        let expect = "\
error: x
 --> f:1:3
  |
1 | é:
  |   ^";
        let file = Source::new("f", "é:");
        check(&Diagnostic::error("x").at(&file, Span::new(3, 3), ""), expect);
        check(&Diagnostic::error("x").at(&file, Span::new(90, 99), ""), expect);
        check(
            &Diagnostic::error("x").at(&Source::new("f", ""), Span::new(0, 0), ""),
            "error: x\n --> f:1:1\n  |\n1 |\n  | ^",
        );
        check(&Diagnostic::error("no place"), "error: no place");
    }

    #[test]
    fn terminal_codes_in_a_users_text_are_not_passed_on() {
        let file = Source::new("f", "a: \u{1b}[31mred");
        let drawn =
            draw(&Diagnostic::error("bad \u{1b}[31m").at(&file, Span::new(3, 4), ""), Palette::None, 80);
        assert!(!drawn.contains('\u{1b}'), "{drawn:?}");
    }

    #[test]
    fn the_summary_counts_and_names_texts() {
        let a = Source::new("llmobs.yaml", "x");
        let error = || Diagnostic::error("e").at(&a, Span::new(0, 1), "");
        let flag = Source::new("--cost-ceiling", "x");
        assert_eq!(summary(&[]), None);
        assert_eq!(summary(&[Diagnostic::note("n"), Diagnostic::warning("w")]), None);
        assert_eq!(summary(&[error()]).as_deref(), Some("1 error in llmobs.yaml"));
        let mixed =
            [error(), Diagnostic::warning("w"), Diagnostic::error("e").at(&flag, Span::new(0, 1), "")];
        assert_eq!(summary(&mixed).as_deref(), Some("2 errors and 1 warning in llmobs.yaml, --cost-ceiling"));
    }
}
