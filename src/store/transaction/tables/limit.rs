//! What limits count.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::model::{Breaker, RunId, StepAddress};
use crate::store::StoreError;
use crate::store::rules::{Counted, RampFacts};

/// How a run that changed something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Helped {
    Yes,
    No,
    Neither,
}

#[async_trait]
pub(in crate::store) trait LimitTable {
    async fn is_counted(&mut self, run: RunId, step: &StepAddress) -> Result<bool, StoreError>;

    async fn has_begun(&mut self, run: RunId) -> Result<bool, StoreError>;

    /// Changes that were begun after that moment, in all or in one namespace.
    async fn count_mutations(&mut self, namespace: Option<&str>, since: DateTime<Utc>) -> Result<Counted, StoreError>;

    /// Other runs that are changing something.
    async fn count_at_once(&mut self, but: RunId, since: DateTime<Utc>) -> Result<u32, StoreError>;

    /// Other runs of the playbook that began after that moment, in all or in one namespace.
    async fn count_runs(
        &mut self,
        playbook: &str,
        namespace: Option<&str>,
        since: DateTime<Utc>,
        but: RunId,
    ) -> Result<Counted, StoreError>;

    /// Of the runs of the playbook: those that ended after `since`, that failed after
    /// `begun_since`, and, of the others, those that are under way.
    async fn ramp(
        &mut self,
        playbook: &str,
        between: (DateTime<Utc>, DateTime<Utc>),
        begun_since: Option<DateTime<Utc>>,
        but: RunId,
    ) -> Result<RampFacts, StoreError>;

    /// Its runs that did not help and ended after that moment, in order.
    /// `begun_since`: of those alone that began then or later.
    async fn failed_since(
        &mut self,
        playbook: &str,
        since: DateTime<Utc>,
        begun_since: Option<DateTime<Utc>>,
    ) -> Result<Vec<RunId>, StoreError>;

    /// Counts the change, once.
    async fn insert_mutation(
        &mut self,
        run: RunId,
        step: &StepAddress,
        namespace: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// The run has begun to change something.
    async fn insert_mitigation(
        &mut self,
        run: RunId,
        playbook: &str,
        namespace: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// `stops_until`: so long it stops the ramp of its playbook. `false`: it has changed nothing.
    async fn end_mitigation(
        &mut self,
        run: RunId,
        helped: Helped,
        stops_until: Option<DateTime<Utc>>,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    async fn open_breaker(&mut self, playbook: &str) -> Result<Option<Breaker>, StoreError>;

    /// When a person closed it last.
    async fn breaker_closed_at(&mut self, playbook: &str) -> Result<Option<DateTime<Utc>>, StoreError>;

    async fn insert_breaker(&mut self, breaker: &Breaker) -> Result<(), StoreError>;

    /// Closes it; where none is open, it is remembered that a person said so.
    async fn close_breaker(
        &mut self,
        playbook: &str,
        by: &str,
        reason: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError>;
}
