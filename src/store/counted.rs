//! What is asked about how much is affected.

use crate::model::{EpisodeId, Severity, WindowId};

/// Which of the alerts that fire are meant.
#[derive(Debug, Clone, Copy)]
pub struct Firing<'a> {
    /// Those end now.
    pub but: &'a [EpisodeId],
    /// What was found to be less bad is left out.
    pub mildest: Severity,
    /// What these have covered since it was told is left out.
    pub windows: &'a [WindowId],
    /// Only what is not counted, or was not rated.
    pub is_uncounted: bool,
}

/// An object that something fires about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CountedObject {
    /// The key by which it is counted.
    pub key: String,
    /// The worst that is told of it.
    pub severity: Severity,
}
