//! The marks that runs leave on what they change.

use std::fmt;

use crate::model::{RunId, StepAddress};

/// How each mark of a run begins, whoever's it is.
pub(super) const MARK: &str = "dogwatch-run-";

/// A run's number, and whose number it is: with a new database they begin at 1 again, and a Job or
/// a field that run 1 of the last one left behind must not be taken for our own.
#[derive(Debug, Clone, Copy)]
pub struct RunMark<'a> {
    /// At most eight characters that a name may hold; empty: nobody counts beside us.
    pub database: &'a str,
    pub run: RunId,
}

impl RunMark<'_> {
    /// As [`StepContext::marker`](super::StepContext::marker).
    pub fn marker(&self, step: &StepAddress) -> String {
        format!("{MARK}{self}-{}", step.mark())
    }

    /// Whether a step of the run left this mark.
    pub fn has_left(&self, mark: &str) -> bool {
        mark.strip_prefix(&format!("{MARK}{self}-")).is_some_and(|step| !step.is_empty())
    }
}

impl fmt::Display for RunMark<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.database {
            "" => write!(f, "{}", self.run.0),
            database => write!(f, "{database}-{}", self.run.0),
        }
    }
}
