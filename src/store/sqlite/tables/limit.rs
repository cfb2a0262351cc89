//! What limits count.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

use super::SqliteTables;
use crate::model::{Breaker, RunId, StepAddress};
use crate::store::StoreError;
use crate::store::rules::{Counted, RampFacts};
use crate::store::sqlite::limits::{OPEN, breaker};
use crate::store::sqlite::rows::{get, get_time, get_time_or, micros};
use crate::store::transaction::{Helped, LimitTable};

pub(in crate::store::sqlite) const MUTATIONS: &str =
    "SELECT COUNT(*) AS n, MIN(at) AS first_at FROM mutation WHERE at > ?1";

pub(in crate::store::sqlite) const MUTATIONS_IN: &str =
    "SELECT COUNT(*) AS n, MIN(at) AS first_at FROM mutation WHERE namespace = ?2 AND at > ?1";

pub(in crate::store::sqlite) const AT_ONCE: &str =
    "SELECT COUNT(*) AS n FROM mitigation WHERE ended_at IS NULL AND run_id <> ?1 AND at > ?2";

pub(in crate::store::sqlite) const RUNS: &str = "SELECT COUNT(*) AS n, MIN(at) AS first_at FROM mitigation
     WHERE playbook = ?1 AND at > ?2 AND run_id <> ?3 AND (?4 IS NULL OR namespace = ?4)";

pub(in crate::store::sqlite) const HELPED: &str = "SELECT COUNT(*) AS n FROM mitigation
     WHERE playbook = ?1 AND ended_at > ?2 AND helped = 1 AND run_id <> ?3 AND at >= ?4";

pub(in crate::store::sqlite) const RUNNING: &str =
    "SELECT COUNT(*) AS n FROM mitigation WHERE playbook = ?1 AND ended_at IS NULL AND run_id <> ?2";

pub(in crate::store::sqlite) const FAILED: &str = "SELECT run_id, ended_at FROM mitigation
     WHERE playbook = ?1 AND helped = 0 AND ended_at > ?2 AND at >= ?3 ORDER BY ended_at, run_id";

/// A `+` keeps the planner from an index that would read all of the playbook's runs.
pub(in crate::store::sqlite) const STOPS: &str = "SELECT run_id, stops_until FROM mitigation
     WHERE +playbook = ?1 AND stops_until > ?2 AND +at >= ?3 ORDER BY stops_until DESC LIMIT 1";

pub(in crate::store::sqlite) const CLOSED_AT: &str =
    "SELECT MAX(closed_at) AS at FROM breaker WHERE playbook = ? AND closed_at IS NOT NULL";

#[async_trait]
impl LimitTable for SqliteTables<'_> {
    async fn is_counted(&mut self, run: RunId, step: &StepAddress) -> Result<bool, StoreError> {
        let query = sqlx::query("SELECT 1 FROM mutation WHERE run_id = ? AND step = ?");
        Ok(self.maybe("read what a run has begun", query.bind(run.0).bind(step.to_string())).await?.is_some())
    }

    async fn has_begun(&mut self, run: RunId) -> Result<bool, StoreError> {
        let query = sqlx::query("SELECT 1 FROM mitigation WHERE run_id = ?");
        Ok(self.maybe("read whether a run has begun", query.bind(run.0)).await?.is_some())
    }

    async fn count_mutations(&mut self, namespace: Option<&str>, since: DateTime<Utc>) -> Result<Counted, StoreError> {
        let query = match namespace {
            None => sqlx::query(MUTATIONS).bind(micros(since)),
            Some(namespace) => sqlx::query(MUTATIONS_IN).bind(micros(since)).bind(namespace.to_owned()),
        };
        counted(&self.one("count changes", query).await?)
    }

    async fn count_at_once(&mut self, but: RunId, since: DateTime<Utc>) -> Result<u32, StoreError> {
        let query = sqlx::query(AT_ONCE).bind(but.0).bind(micros(since));
        count(&self.one("count runs that change something", query).await?)
    }

    async fn count_runs(
        &mut self,
        playbook: &str,
        namespace: Option<&str>,
        since: DateTime<Utc>,
        but: RunId,
    ) -> Result<Counted, StoreError> {
        let query = sqlx::query(RUNS)
            .bind(playbook.to_owned())
            .bind(micros(since))
            .bind(but.0)
            .bind(namespace.map(str::to_owned));
        counted(&self.one("count runs of a playbook", query).await?)
    }

    async fn ramp(
        &mut self,
        playbook: &str,
        (since, now): (DateTime<Utc>, DateTime<Utc>),
        begun_since: Option<DateTime<Utc>>,
        but: RunId,
    ) -> Result<RampFacts, StoreError> {
        // What was under way when a person closed the breaker says nothing of what is mended.
        let begun = begun_since.map_or(i64::MIN, micros);
        let helped = sqlx::query(HELPED).bind(playbook.to_owned()).bind(micros(since)).bind(but.0).bind(begun);
        let helped = count(&self.one("count runs that helped", helped).await?)?;
        let running = sqlx::query(RUNNING).bind(playbook.to_owned()).bind(but.0);
        let under_way = count(&self.one("count runs that change something", running).await?)?;
        let stopped = sqlx::query(STOPS).bind(playbook.to_owned()).bind(micros(now)).bind(begun);
        let stopped = self.maybe("read which run stops a ramp", stopped).await?;
        let stopped = match &stopped {
            Some(row) => Some((RunId(get(row, "run_id")?), get_time(row, "stops_until")?)),
            None => None,
        };
        Ok(RampFacts { helped, under_way, stopped })
    }

    async fn failed_since(
        &mut self,
        playbook: &str,
        since: DateTime<Utc>,
        begun_since: Option<DateTime<Utc>>,
    ) -> Result<Vec<RunId>, StoreError> {
        let query = sqlx::query(FAILED).bind(playbook.to_owned()).bind(micros(since));
        let query = query.bind(begun_since.map_or(i64::MIN, micros));
        let found = self.all("read which runs did not help", query).await?;
        found.iter().map(|row| Ok(RunId(get(row, "run_id")?))).collect()
    }

    async fn insert_mutation(
        &mut self,
        run: RunId,
        step: &StepAddress,
        namespace: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO mutation (run_id, step, at, namespace) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        );
        let query = query.bind(run.0).bind(step.to_string()).bind(micros(at)).bind(namespace.to_owned());
        self.execute("count a change", query).await?;
        Ok(())
    }

    async fn insert_mitigation(
        &mut self,
        run: RunId,
        playbook: &str,
        namespace: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO mitigation (run_id, playbook, namespace, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        );
        let query = query.bind(run.0).bind(playbook.to_owned()).bind(namespace.to_owned()).bind(micros(at));
        self.execute("count a run that changes something", query).await?;
        Ok(())
    }

    async fn end_mitigation(
        &mut self,
        run: RunId,
        helped: Helped,
        stops_until: Option<DateTime<Utc>>,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let helped = match helped {
            Helped::Yes => 1,
            Helped::No => 0,
            Helped::Neither => -1,
        };
        let query = sqlx::query(
            "UPDATE mitigation SET ended_at = ?2, helped = ?3, stops_until = ?4 WHERE run_id = ?1 AND ended_at IS NULL",
        );
        let query = query.bind(run.0).bind(micros(at)).bind(helped).bind(stops_until.map(micros));
        let ended = self.execute("count how a run ended", query).await?;
        Ok(ended.rows_affected() > 0)
    }

    async fn open_breaker(&mut self, playbook: &str) -> Result<Option<Breaker>, StoreError> {
        let query = sqlx::query(OPEN).bind(playbook.to_owned());
        Ok(self.maybe("read a breaker", query).await?.as_ref().map(breaker))
    }

    async fn breaker_closed_at(&mut self, playbook: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row = self.one("read when a breaker was closed", sqlx::query(CLOSED_AT).bind(playbook.to_owned())).await?;
        get_time_or(&row, "at")
    }

    async fn insert_breaker(&mut self, breaker: &Breaker) -> Result<(), StoreError> {
        let query = sqlx::query("INSERT INTO breaker (playbook, opened_at, because) VALUES (?, ?, ?)")
            .bind(breaker.playbook.clone())
            .bind(micros(breaker.opened_at))
            .bind(breaker.because.clone());
        self.execute("open a breaker", query).await?;
        Ok(())
    }

    async fn close_breaker(
        &mut self,
        playbook: &str,
        by: &str,
        reason: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let said = |sql| {
            sqlx::query(sql).bind(playbook.to_owned()).bind(micros(at)).bind(by.to_owned()).bind(reason.to_owned())
        };
        let close =
            "UPDATE breaker SET closed_at = ?2, closed_by = ?3, reason = ?4 WHERE playbook = ?1 AND closed_at IS NULL";
        if self.execute("close a breaker", said(close)).await?.rows_affected() == 0 {
            let remember = "INSERT INTO breaker (playbook, opened_at, because, closed_at, closed_by, reason)
                 VALUES (?1, ?2, 'it was not open', ?2, ?3, ?4)";
            self.execute("keep that a breaker was closed", said(remember)).await?;
        }
        Ok(())
    }
}

fn count(row: &SqliteRow) -> Result<u32, StoreError> {
    Ok(u32::try_from(get::<i64>(row, "n")?).unwrap_or(u32::MAX))
}

fn counted(row: &SqliteRow) -> Result<Counted, StoreError> {
    Ok(Counted { count: count(row)?, first_at: get_time_or(row, "first_at")? })
}
