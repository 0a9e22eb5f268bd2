//! Annotations: instants and spans that queries mark.

use crate::{
    dashboards::{
        model::Annotation,
        palette::Colour,
        query::{Source, Steps, expanded},
        time_range::duration,
        variables::Context,
    },
    promql::{
        eval::{self, Answer},
        syntax,
    },
    series::is_stale,
    time::Timestamp,
};

/// A marked span of time; an instant where both ends are equal.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    pub from: Timestamp,
    pub to: Timestamp,
    pub colour: Colour,
    pub title: String,
    pub text: String,
}

/// The most marks of a dashboard.
const MOST_MARKS: usize = 200;
/// How far apart samples of an annotation are where nobody says, in milliseconds.
const USUAL_STEP: i64 = 60_000;

/// The marks of all annotations, and which of them failed.
pub fn marks(
    annotations: &[Annotation],
    context: &Context<'_>,
    source: &Source<'_>,
) -> (Vec<Mark>, Vec<String>) {
    let (mut marks, mut problems) = (Vec::new(), Vec::new());
    for annotation in annotations {
        match ask(annotation, context, source) {
            Ok(mut found) => marks.append(&mut found),
            Err(error) => problems.push(format!("annotation {}: {error}", annotation.name)),
        }
    }
    marks.sort_by_key(|mark| mark.from);
    marks.truncate(MOST_MARKS);
    (marks, problems)
}

fn ask(annotation: &Annotation, context: &Context<'_>, source: &Source<'_>) -> Result<Vec<Mark>, String> {
    let least = annotation.step.as_deref().and_then(duration).filter(|step| *step > 0).unwrap_or(USUAL_STEP);
    let steps = Steps::new(context.range, 1000, Some(least), source.scrape_interval);
    let expr = context.with_steps(steps).expression(&annotation.expr);
    let tree = syntax::parse(&expr, &syntax::Options::default()).map_err(|errors| errors.first())?;
    let step = steps.interval;
    let aligned = |at: Timestamp| Timestamp(at.0.div_euclid(step) * step);
    let (from, to) = (aligned(context.range.from), aligned(context.range.to));
    let evaluated = eval::range(&tree, source.data, from, to, step, &source.options);
    let evaluated = evaluated.map_err(|error| error.to_string())?;
    let Answer::Vector(block) = evaluated.answer else { return Ok(Vec::new()) };
    let mut marks = Vec::new();
    for (labels, row) in block.rows() {
        let mark = |first: usize, last: usize| {
            let or_name = |text: String| if text.is_empty() { annotation.name.clone() } else { text };
            let tags =
                annotation.tag_keys.iter().filter_map(|key| labels.get(key)).filter(|tag| !tag.is_empty());
            let mut parts = vec![expanded(&annotation.text_format, labels)];
            parts.extend(tags.map(str::to_owned));
            parts.retain(|part| !part.is_empty());
            parts.dedup();
            Mark {
                from: Timestamp(evaluated.grid.at(first)),
                to: Timestamp(evaluated.grid.at(last)),
                colour: Colour::named(&annotation.color),
                title: or_name(expanded(&annotation.title_format, labels)),
                text: parts.join(", "),
            }
        };
        let mut open: Option<usize> = None;
        for (index, value) in row.iter().enumerate() {
            let is_set = !is_stale(*value) && *value != 0.0;
            match (is_set, open) {
                (true, None) => open = Some(index),
                (false, Some(first)) => {
                    marks.push(mark(first, index - 1));
                    open = None;
                }
                _ => {}
            }
        }
        if let Some(first) = open {
            marks.push(mark(first, row.len().saturating_sub(1)));
        }
        if marks.len() > MOST_MARKS {
            break;
        }
    }
    Ok(marks)
}
