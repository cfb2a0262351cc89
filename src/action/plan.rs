//! What a mutation decides, and what it finds after a crash.

use super::Output;
use crate::model::Intent;

/// What [`Mutation::prepare`](super::Mutation::prepare) decided.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    Do(Intent),
    /// It is as wanted already.
    Unneeded(Output),
}

/// What [`Mutation::doubt`](super::Mutation::doubt) found.
#[derive(Debug, Clone, PartialEq)]
pub enum Doubt {
    /// Still what was there before: make the change, on the condition of this refreshed intent.
    NotDone(Intent),
    /// The wanted value, with our mark.
    Done(Output),
    /// Neither: somebody else changed it too. A human decides.
    Unclear(String),
}
