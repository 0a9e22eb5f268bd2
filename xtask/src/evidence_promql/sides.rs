//! One question to both sides, and the verdict.

use llmobs::series::Columns;

use super::{
    compare::{Difference, Kind, Order, difference},
    excuse::excuse,
    ours, syntax,
};
use crate::judge::{Connection, Outcome, Query, When};

/// The judge and the judged.
pub(crate) struct Sides<'a> {
    pub(crate) theirs: Connection,
    pub(crate) ours: &'a Columns,
}

impl Sides<'_> {
    pub(crate) fn ask(&mut self, query: &Query) -> anyhow::Result<(Outcome, Outcome)> {
        Ok((self.theirs.ask(query)?, ours::answer(self.ours, query)))
    }

    pub(crate) fn judge(&mut self, query: &Query) -> anyhow::Result<Judged> {
        let theirs = self.theirs.ask(query)?;
        let parsed = ours::parsed(&query.expr);
        let ours = match &parsed {
            Ok(parsed) => ours::answer_parsed(self.ours, query, parsed),
            Err(failure) => Err(failure.clone()),
        };
        let parsed = parsed.as_ref().ok();
        let mut found = None;
        if let Some(parsed) = parsed {
            found = syntax::disagreement(&mut self.theirs, query, &theirs, parsed)?;
        }
        let order = match query.when {
            When::At(_) => Order::of(&query.expr),
            When::Range { .. } => Order::Any,
        };
        let Some(found) = found.or_else(|| difference(&theirs, &ours, order)) else {
            return Ok(Judged { theirs, ours, verdict: Verdict::Same });
        };
        if let Some(rule) = excuse(query, parsed, &theirs, &found) {
            return Ok(Judged { theirs, ours, verdict: Verdict::Excused(rule) });
        }
        if found.kind <= Kind::Print {
            return Ok(Judged { theirs, ours, verdict: Verdict::Different(found) });
        }
        let mut verdict = Verdict::Different(found);
        for _ in 0..AGAIN {
            let again = self.theirs.ask(query)?;
            if difference(&again, &ours, order).is_none() {
                verdict = Verdict::Excused(ONE_OF_ITS_ANSWERS);
                break;
            }
            if difference(&again, &theirs, order).is_some() {
                verdict = Verdict::Excused(NONE_OF_ITS_ANSWERS);
            }
        }
        Ok(Judged { theirs, ours, verdict })
    }

    /// What differs without excuse.
    pub(crate) fn disagreement(&mut self, query: &Query) -> anyhow::Result<Option<Difference>> {
        Ok(match self.judge(query)?.verdict {
            Verdict::Different(difference) => Some(difference),
            Verdict::Same | Verdict::Excused(_) => None,
        })
    }
}

/// What came of a query.
pub(crate) struct Judged {
    pub(crate) theirs: Outcome,
    pub(crate) ours: Outcome,
    pub(crate) verdict: Verdict,
}

pub(crate) enum Verdict {
    Same,
    /// By the rule of this name.
    Excused(&'static str),
    Different(Difference),
}

/// Prometheus keeps the series of a range query or a subquery in a map without order, so that which of several equal
/// ones `topk` or `limitk` takes changes from one time of asking to the next.
const ONE_OF_ITS_ANSWERS: &str = "asked again, Prometheus gives several answers, and ours is among them";
const NONE_OF_ITS_ANSWERS: &str = "asked again, Prometheus gives several answers, of which ours was none";
/// How often it is asked again.
const AGAIN: usize = 12;
