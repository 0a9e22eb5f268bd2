//! What an expression answers: all steps of a query at once, each node a block of series × steps.

mod annotations;
mod block;
mod error;
mod functions;

pub use annotations::{Annotation, Annotations, Level};
pub use block::{Block, Grid, Value};
pub use error::{ErrorClass, EvalError};
