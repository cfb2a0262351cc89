//! What is asked about how much is affected.

use async_trait::async_trait;

use super::{OpenAlert, StoreError};
use crate::model::{Digest, EpisodeId, IncidentId, Severity, WindowId};

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

/// How much is affected.
#[async_trait]
pub trait AffectedStore: Send + Sync {
    /// By what that which fires in these incidents is counted, each with the worst of it. What is
    /// not counted, or was not rated, is left out.
    async fn objects_in(
        &self,
        incidents: &[IncidentId],
        firing: Firing<'_>,
    ) -> Result<Vec<(IncidentId, CountedObject)>, StoreError>;

    /// What fires in an incident: up to `limit` alerts, by their episodes, after the one that is
    /// named.
    async fn firing_in(
        &self,
        incident: IncidentId,
        firing: Firing<'_>,
        page: (EpisodeId, usize),
    ) -> Result<Vec<(EpisodeId, OpenAlert)>, StoreError>;

    /// Says by which words objects are counted from now on: how those are counted that fire is
    /// forgotten when they have changed since the last process, as their labels mean something
    /// else.
    ///
    /// Before anything is let in. May be repeated.
    async fn counts_by(&self, words: &Digest) -> Result<(), StoreError>;
}
