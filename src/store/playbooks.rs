//! What playbooks were, and how they did.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::model::{PlaybookRef, Run};

/// A content that once counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPlaybook {
    pub reference: PlaybookRef,
    pub first_seen: DateTime<Utc>,
    /// How many runs were opened with it.
    pub runs: u64,
}

/// How a playbook did.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaybookRuns {
    pub playbook: String,
    /// The one that was opened last.
    pub last: Run,
    pub all: u64,
}

/// Playbooks as the store knows them.
#[async_trait]
pub trait PlaybookStore: Send + Sync {
    /// The contents that were kept of the playbook with that name, the newest first, 200 at most.
    async fn kept_playbooks(&self, name: &str) -> Result<Vec<KeptPlaybook>, StoreError>;

    /// The runs of those of these playbooks that had one.
    async fn playbook_runs(&self, names: &[&str]) -> Result<Vec<PlaybookRuns>, StoreError>;
}
