//! Pages that are told in others, as their team's budget is spent.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Page, PageReason, StoreError};
use crate::model::{IncidentId, IncidentState, PageBudget, PageId, Severity};

/// How a team's budget was spent when a page was folded into another one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpentBudget {
    pub pages: u32,
    /// In seconds.
    pub within: u64,
    /// The latest incidents that it was spent on.
    pub on: Vec<IncidentId>,
}

impl SpentBudget {
    pub fn new(budget: PageBudget, on: Vec<IncidentId>) -> Self {
        Self { pages: budget.pages, within: budget.within.as_secs(), on }
    }
}

/// That a page is, or was, told in another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// The incident in whose page it is told; `None`: it has gone out itself since.
    pub into: Option<IncidentId>,
    pub at: DateTime<Utc>,
    /// It goes out then, unless somebody acknowledges its incident before.
    pub until: DateTime<Utc>,
    pub spent: SpentBudget,
}

/// An incident whose page is told in another one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoldedIncident {
    pub page: PageId,
    /// The one in which it is told, where it was put into another one since.
    pub incident: IncidentId,
    pub title: String,
    pub severity: Severity,
    pub state: IncidentState,
    /// The team that the page is for.
    pub team: String,
    /// Why a person is needed; `None`: it cannot be read.
    pub reason: Option<PageReason>,
    pub at: DateTime<Utc>,
    /// In whose page it is told; `None`: it has gone out itself since.
    pub into: Option<IncidentId>,
    pub answered: bool,
    /// How many alerts fire in it now.
    pub firing: u64,
}

impl Page {
    /// Whether it is told in another one, and none goes out for it.
    pub fn is_folded(&self) -> bool {
        self.folded_into().is_some()
    }

    /// The incident in whose page it is told. What became worse is told in its own.
    pub fn folded_into(&self) -> Option<IncidentId> {
        self.fold.as_ref().and_then(|fold| fold.into)
    }
}

/// What is folded.
#[async_trait]
pub trait FoldStore: Send + Sync {
    /// Pages whose time to go out themselves has come, or whose carrier is over, those first that
    /// were folded first; and when the next time comes.
    async fn due_folds(&self, now: DateTime<Utc>) -> Result<(Vec<PageId>, Option<DateTime<Utc>>), StoreError>;

    /// Has a folded page go out that is due still, and folds what is folded with it into it.
    /// `false`: nothing goes out, as somebody has its incident, a window covers it, or it is not
    /// due. It may be repeated.
    async fn unfold(&self, page: PageId) -> Result<bool, StoreError>;

    /// What is told in that page and nobody has acknowledged, in the order in which it was folded.
    async fn folded_into(&self, page: PageId) -> Result<Vec<FoldedIncident>, StoreError>;
}
