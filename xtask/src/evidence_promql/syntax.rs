//! The parser and the printer, held against the judge's parser.

use llmobs::promql::syntax::{Expr, Options, ParseErrors, parse};

use super::compare::{Difference, Kind, Order, difference};
use crate::judge::{Class, Connection, Outcome, Query};

/// What the judge is told to accept too.
pub(super) const OPTIONS: Options = Options { experimental: true, variables: false };
/// What stands before the text of a parser's error in an answer of the judge.
const PREFIX: &str = "invalid parameter \"query\": ";
/// Of ties the judge takes any; see [`super::sides`].
const AGAIN: usize = 12;

/// What the judge says of an expression that its parser refuses.
pub(super) fn refusal(outcome: &Outcome) -> Option<&str> {
    let failure = outcome.as_ref().err().filter(|failure| failure.class == Class::BadData)?;
    let text = failure.text.strip_prefix(PREFIX)?;
    text.contains("parse error: ").then_some(text)
}

/// What the parser or the printer does otherwise than the judge's parser. The printed form of an expression has to
/// give what the expression gives, and has to print as itself.
pub(super) fn disagreement(
    connection: &mut Connection,
    query: &Query,
    theirs: &Outcome,
    parsed: &Result<Expr, ParseErrors>,
) -> anyhow::Result<Option<Difference>> {
    let found = |kind, note: String| Ok(Some(Difference::new(kind, note)));
    let expr = match (refusal(theirs), parsed) {
        (None, Ok(expr)) => expr,
        (Some(_), Err(_)) => return Ok(None),
        (Some(refusal), Ok(_)) => return found(Kind::Parse, format!("accepted, expected `{refusal}`")),
        (None, Err(errors)) => return found(Kind::Parse, format!("refused: {}", errors.first())),
    };
    let printed = expr.to_string();
    match parse(&printed, &OPTIONS) {
        Err(errors) => return found(Kind::Print, format!("`{printed}` is refused: {}", errors.first())),
        Ok(again) if again.to_string() != printed => {
            return found(Kind::Print, format!("`{printed}` prints as `{again}`"));
        }
        Ok(_) => {}
    }
    if printed == query.expr {
        return Ok(None);
    }
    let mut last = None;
    for _ in 0..AGAIN {
        let answer = connection.ask(&Query { expr: printed.clone(), when: query.when })?;
        last = difference(theirs, &answer, Order::Any);
        if last.is_none() {
            break;
        }
        let again = connection.ask(query)?;
        if difference(theirs, &again, Order::Any).is_some() {
            return Ok(None);
        }
    }
    let note = |difference: Difference| format!("`{printed}` gives something else: {}", difference.note);
    Ok(last.map(|difference| Difference::new(Kind::Print, note(difference))))
}
