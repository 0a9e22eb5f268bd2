//! When a query is asked for.

use super::Generator;
use crate::{
    evidence_promql::data::{END, MINUTE, SECOND, START},
    judge::When,
};

/// The most steps of a range query.
const STEPS: usize = 24;

impl Generator {
    pub(super) fn when(&mut self) -> When {
        if self.random.chance(0.5) {
            return When::At(self.instant());
        }
        let step = *self.random.pick(&[
            250,
            SECOND,
            1500,
            7 * SECOND,
            13 * SECOND,
            15 * SECOND,
            15 * SECOND,
            30 * SECOND,
            30 * SECOND,
            MINUTE,
            MINUTE,
            MINUTE,
            97 * SECOND,
            2 * MINUTE,
            5 * MINUTE,
            5 * MINUTE,
            11 * MINUTE,
        ]);
        let steps = i64::try_from(self.random.below(STEPS)).unwrap_or(0);
        let start = self.instant();
        // The end need not be a step.
        let rest = if self.random.chance(0.5) { 0 } else { self.random.between(0, step - 1) };
        When::Range { start, end: start + steps * step + rest, step }
    }

    /// Mostly where the samples are; at the samples' own instants, at whole minutes, or anywhere.
    fn instant(&mut self) -> i64 {
        let at = match self.random.below(80) {
            0 => self.random.between(START - 6 * MINUTE, START + MINUTE),
            1 => self.random.between(END - MINUTE, END + 8 * MINUTE),
            2 => {
                return *self.random.pick(&[
                    0,
                    -1000,
                    1500,
                    START,
                    END,
                    END,
                    START + MINUTE,
                    START - 1,
                    START + 1,
                ]);
            }
            _ => self.random.between(START + 12 * MINUTE, END - 10 * MINUTE),
        };
        let grid =
            *self.random.pick(&[1, SECOND, 15 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, MINUTE, MINUTE]);
        at - at.rem_euclid(grid)
    }
}
