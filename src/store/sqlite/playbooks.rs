//! Playbooks, as they are read.

use async_trait::async_trait;

use super::rows::{self, get, get_time, json};
use super::{SqliteStore, failed};
use crate::model::{Digest, PlaybookRef};
use crate::store::{KeptPlaybook, PlaybookRuns, PlaybookStore, StoreError};

pub(super) const KEPT: &str = "SELECT digest, name, version, first_seen,
         (SELECT COUNT(*) FROM run WHERE run.playbook = playbook.name AND run.digest = playbook.digest) AS runs
     FROM playbook WHERE name = ?1 ORDER BY first_seen DESC, rowid DESC LIMIT 200";

pub(super) const LAST_RUNS: &str =
    "SELECT run.*, (SELECT COUNT(*) FROM run WHERE playbook = asked.value) AS runs FROM json_each(?1) AS asked
     JOIN run ON run.id = (SELECT MAX(id) FROM run WHERE playbook = asked.value)";

#[async_trait]
impl PlaybookStore for SqliteStore {
    async fn kept_playbooks(&self, name: &str) -> Result<Vec<KeptPlaybook>, StoreError> {
        let query = sqlx::query(KEPT).bind(name.to_owned());
        let found = query.fetch_all(&self.reads).await.map_err(failed("read what was kept of a playbook"))?;
        let kept = found.iter().map(|row| {
            let digest = Digest::from_hex(get(row, "digest")?);
            let reference = PlaybookRef { name: get(row, "name")?, version: get(row, "version")?, digest };
            let runs: i64 = get(row, "runs")?;
            Ok(KeptPlaybook { reference, first_seen: get_time(row, "first_seen")?, runs: runs.unsigned_abs() })
        });
        kept.collect()
    }

    async fn playbook_runs(&self, names: &[&str]) -> Result<Vec<PlaybookRuns>, StoreError> {
        let query = sqlx::query(LAST_RUNS).bind(json(&names)?);
        let found = query.fetch_all(&self.reads).await.map_err(failed("read the last runs of playbooks"))?;
        let runs = found.iter().map(|row| {
            let last = rows::run_to_look_at(row)?;
            let all: i64 = get(row, "runs")?;
            Ok(PlaybookRuns { playbook: last.playbook.name.clone(), last, all: all.unsigned_abs() })
        });
        runs.collect()
    }
}
