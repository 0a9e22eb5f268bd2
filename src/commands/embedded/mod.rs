//! The stack in one process of this binary.

mod place;
