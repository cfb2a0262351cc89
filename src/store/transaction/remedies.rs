//! Keeping what runs have changed, by what was done for which object.

use super::Tx;
use crate::model::{FailureClass, RunEvent};
use crate::store::{LogPosition, StoreError};

impl Tx<'_> {
    /// Takes in what a record says of a change. What may have had an effect stays: only a failure
    /// that says otherwise takes it back.
    pub(super) async fn keep_remedy(&mut self, at: LogPosition, event: &RunEvent) -> Result<(), StoreError> {
        match event {
            RunEvent::Started { step, attempt, remedy: Some(remedy), .. } => {
                self.tables.insert_remedy(at, step, *attempt, remedy).await
            }
            RunEvent::Failed { step, attempt, class: FailureClass::Retry | FailureClass::Fail, .. } => {
                self.tables.fail_remedy(at.run, step, *attempt).await
            }
            _ => Ok(()),
        }
    }
}
