//! Where earlier runs are read from.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::model::{PastRun, Target};

/// Tells of earlier runs.
#[async_trait]
pub trait Past: Send + Sync + 'static {
    /// The runs about that target that began at or after `since`, the newest first, so many at the
    /// most. May be repeated.
    ///
    /// # Errors
    /// Why they cannot be told; that may pass.
    async fn runs(&self, target: &Target, since: DateTime<Utc>, limit: usize) -> Result<Vec<PastRun>, String>;
}

/// What is said to have been before, the newest first, whatever is asked about; by default
/// nothing was.
#[derive(Debug, Default)]
pub struct ScriptedPast(pub Vec<PastRun>);

#[async_trait]
impl Past for ScriptedPast {
    async fn runs(&self, _: &Target, since: DateTime<Utc>, limit: usize) -> Result<Vec<PastRun>, String> {
        Ok(self.0.iter().filter(|run| run.began >= since).take(limit).cloned().collect())
    }
}
