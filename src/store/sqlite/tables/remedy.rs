//! What runs have changed.

use async_trait::async_trait;

use super::SqliteTables;
use crate::model::{Remedy, RunId, StepAddress};
use crate::store::transaction::RemedyTable;
use crate::store::{LogPosition, StoreError, identity};

#[async_trait]
impl RemedyTable for SqliteTables<'_> {
    async fn insert_remedy(
        &mut self,
        at: LogPosition,
        step: &StepAddress,
        attempt: u32,
        remedy: &Remedy,
    ) -> Result<(), StoreError> {
        let query =
            sqlx::query("INSERT INTO remedy (run_id, seq, step, attempt, action, object) VALUES (?, ?, ?, ?, ?, ?)")
                .bind(at.run.0)
                .bind(at.length)
                .bind(step.to_string())
                .bind(i64::from(attempt))
                .bind(remedy.action.clone())
                .bind(identity(&remedy.object.key()).into_owned());
        self.execute("keep what a run changes", query).await?;
        Ok(())
    }

    async fn fail_remedy(&mut self, run: RunId, step: &StepAddress, attempt: u32) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE remedy SET failed = 1 WHERE run_id = ? AND step = ? AND attempt = ?");
        self.execute(
            "keep that a run changed nothing",
            query.bind(run.0).bind(step.to_string()).bind(i64::from(attempt)),
        )
        .await?;
        Ok(())
    }
}
