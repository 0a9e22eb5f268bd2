//! What must hold of any input.

use std::time::{Duration, Instant};

use llmobs::promql::syntax::{Expr, Options, WIDTH, parse, pretty};

use crate::random::Random;

use super::{
    answer::{Answered, Asker},
    tree::{lies_in, places, same},
};

const READ: Options = Options { experimental: true, variables: false };
const READ_STABLE: Options = Options { experimental: false, variables: false };
const READ_TEMPLATE: Options = Options { experimental: true, variables: true };

/// A line so short that everything is broken up.
const NARROW: usize = 12;

/// What became of an input that shows no fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    Refused,
    /// Read with variables only, so there is nothing to evaluate.
    Template,
    Answered(Answered),
}

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// Which rule is broken.
    pub(super) rule: &'static str,
    pub(super) detail: String,
}

impl Fault {
    pub(super) fn new(rule: &'static str, detail: impl Into<String>) -> Self {
        Self { rule, detail: detail.into() }
    }
}

/// Reads, prints, reads again, and evaluates. `random` chooses the instants.
pub(super) fn examine(input: &str, asker: &Asker, random: &mut Random) -> Result<Outcome, Fault> {
    let template = read(input, READ_TEMPLATE)?;
    let Some(expr) = read(input, READ)? else {
        if read(input, READ_STABLE)?.is_some() {
            return Err(Fault::new("the flag only adds to the language", ""));
        }
        return Ok(if template.is_some() { Outcome::Template } else { Outcome::Refused });
    };
    if let Some(stable) = read(input, READ_STABLE)?
        && !same(&stable, &expr)
    {
        return Err(Fault::new("the flag only adds to the language", format!("{stable} is not {expr}")));
    }
    if !template.is_some_and(|template| same(&template, &expr)) {
        return Err(Fault::new("variables only add to the language", expr.to_string()));
    }
    asker.ask(&expr, input, random).map(Outcome::Answered)
}

/// The tree of an input, if it is valid, after all that can be held against it without data.
fn read(input: &str, options: Options) -> Result<Option<Expr>, Fault> {
    let expr = match parse(input, &options) {
        Ok(expr) => expr,
        Err(errors) => {
            if errors.is_empty() {
                return Err(Fault::new("a refusal has a reason", ""));
            }
            return match errors.iter().find(|error| !lies_in(error.span, input)) {
                Some(error) => Err(Fault::new("an error lies in the text", format!("{error:?}"))),
                None if errors.to_string().is_empty() => Err(Fault::new("an error has words", "")),
                None => Ok(None),
            };
        }
    };
    places(&expr, input).map_err(|detail| Fault::new("parts lie where their text stands", detail))?;
    let printed = expr.to_string();
    let again = match parse(&printed, &options) {
        Ok(again) => again,
        Err(errors) => return Err(Fault::new("a print is read", format!("{printed}: {errors}"))),
    };
    let twice = again.to_string();
    if twice != printed {
        return Err(Fault::new("a print is stable", format!("{printed} is then {twice}")));
    }
    if !same(&expr, &again) {
        return Err(Fault::new("a print says the same", printed));
    }
    let laid_out = pretty(&expr, if input.len().is_multiple_of(2) { WIDTH } else { NARROW });
    match parse(&laid_out, &options) {
        Ok(again) if same(&expr, &again) => Ok(Some(expr)),
        Ok(_) => Err(Fault::new("a layout says the same", laid_out)),
        Err(errors) => Err(Fault::new("a layout is read", format!("{laid_out}: {errors}"))),
    }
}

/// Runs an examination with the time that it took.
pub(super) fn timed<T>(examination: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let result = examination();
    (result, begun.elapsed())
}
