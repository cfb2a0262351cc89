//! Pages that are told in others.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::model::{IncidentId, PageId};
use crate::store::rules::Carrier;
use crate::store::{PageReason, SpentBudget, StoreError};

/// By what a page finds the one that tells of it.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Shape<'a> {
    pub team: &'a str,
    pub shape: &'a str,
}

/// That a page is told in another one from now on.
#[derive(Debug, Clone)]
pub(in crate::store) struct NewFold {
    pub into: PageId,
    pub until: DateTime<Utc>,
    pub spent: SpentBudget,
}

/// A page that is told in another one, and nobody has acknowledged.
#[derive(Debug, Clone)]
pub(in crate::store) struct FoldRow {
    /// The incident in which it is told.
    pub incident: IncidentId,
    pub into: PageId,
    pub until: DateTime<Utc>,
    pub spent: SpentBudget,
    pub team: String,
    pub level: u32,
    /// `None`: it cannot be read.
    pub reason: Option<PageReason>,
    pub text: Option<String>,
    /// `None`: that page is gone.
    pub carrier: Option<Carrier>,
}

#[async_trait]
pub(in crate::store) trait FoldTable {
    /// The latest other incidents that the team was paged for since, up to so many.
    async fn paged_incidents(
        &mut self,
        team: &str,
        since: DateTime<Utc>,
        but: IncidentId,
        most: usize,
    ) -> Result<Vec<IncidentId>, StoreError>;

    /// The source and the name of the alert that it began with, if it is about any.
    async fn first_alert(&mut self, incident: IncidentId) -> Result<Option<(String, String)>, StoreError>;

    /// The latest page of that shape that went out since, of another incident that somebody is
    /// still to look at or is at; with that incident.
    async fn carrier_of(
        &mut self,
        shape: Shape<'_>,
        since: DateTime<Utc>,
        but: IncidentId,
    ) -> Result<Option<(PageId, IncidentId)>, StoreError>;

    async fn save_shape(&mut self, page: PageId, shape: &str) -> Result<(), StoreError>;

    /// Has a page be told in another one. One that was before keeps since when it is.
    async fn save_fold(&mut self, page: PageId, fold: &NewFold, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// What is folded of an incident, and of those that are part of it, is told in its own page.
    async fn fold_into_own(&mut self, incident: IncidentId, page: PageId) -> Result<(), StoreError>;

    /// `None`: it is told in none, or somebody has acknowledged it.
    async fn fold_row(&mut self, page: PageId) -> Result<Option<FoldRow>, StoreError>;

    /// Those that are told in that one and are not acknowledged, with their incidents, in the order
    /// in which they were folded.
    async fn folded_in(&mut self, page: PageId) -> Result<Vec<(PageId, IncidentId)>, StoreError>;

    /// It goes out: as if it were made now, under a new number.
    async fn release_fold(&mut self, page: PageId, at: DateTime<Utc>) -> Result<PageId, StoreError>;

    /// As if it had not been made. Nothing of it went out.
    async fn forget_fold(&mut self, page: PageId) -> Result<(), StoreError>;
}
