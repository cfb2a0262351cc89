//! What runs have changed.

use async_trait::async_trait;

use crate::model::{Remedy, RunId, StepAddress};
use crate::store::{LogPosition, StoreError};

#[async_trait]
pub(in crate::store) trait RemedyTable {
    /// A change whose `started` stands there on the log.
    async fn insert_remedy(
        &mut self,
        at: LogPosition,
        step: &StepAddress,
        attempt: u32,
        remedy: &Remedy,
    ) -> Result<(), StoreError>;

    /// The attempt had no effect; of a step that changes nothing, there is none.
    async fn fail_remedy(&mut self, run: RunId, step: &StepAddress, attempt: u32) -> Result<(), StoreError>;
}
