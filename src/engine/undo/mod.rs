//! Taking back what did not help, and what was made for a while.

mod plan;
mod take_back;

use std::fmt;

use crate::model::Undo;

pub(super) use plan::{before, in_doubt};
pub(super) use take_back::take_back;

/// What became of a change that was to be taken back.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Undone {
    /// It was; the text says what was done.
    Back(String),
    /// It stands; the text says why.
    Stands(String),
}

impl fmt::Display for Undone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Undone::Back(summary) => write!(f, "{}{summary}", Undo::TAKEN_BACK),
            Undone::Stands(why) => write!(f, "{}{why}", Undo::STANDS),
        }
    }
}
