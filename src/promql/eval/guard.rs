//! The limits of an evaluation: on what it holds, and on how long it takes.

use super::{Block, ErrorClass, EvalError, Options};

/// Asked before something is held, and now and then in long work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guard<'a> {
    pub(super) options: &'a Options<'a>,
    /// Values that are held elsewhere in this evaluation.
    pub(super) held: usize,
}

impl Guard<'_> {
    /// An error where the evaluation is to end.
    pub(super) fn go_on(&self) -> Result<(), EvalError> {
        match (self.options.interrupt)() {
            None => Ok(()),
            Some(class) => {
                let what = if class == ErrorClass::Timeout { "timed out" } else { "was canceled" };
                let message = format!("query {what} in expression evaluation");
                Err(EvalError { class, message, span: None })
            }
        }
    }

    /// An error where another series of a block would be too much to hold.
    pub(super) fn room(&self, block: &Block) -> Result<(), EvalError> {
        self.room_for(block.values.len().saturating_add(block.steps))
    }

    /// An error where so many values would be too much to hold.
    pub(super) fn room_for(&self, values: usize) -> Result<(), EvalError> {
        if self.held.saturating_add(values) > self.options.max_samples {
            return Err(EvalError::execution(
                "query processing would load too many samples into memory in expression evaluation",
            ));
        }
        Ok(())
    }
}
