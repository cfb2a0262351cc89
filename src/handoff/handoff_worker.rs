//! The worker that writes each team's report when its shift changes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::Reporter;
use super::summarise::{HandoffError, WhichShift};
use super::write::Written;
use crate::oncall::Shift;
use crate::store::{HandoffRecord, StoreError};
use crate::worker::{Turn, TurnError, Worker};

/// How long it rests after a report that could not be written: whoever must clear a disk or mend a mount takes minutes.
const RETRY: Duration = Duration::from_secs(5 * 60);

/// Writes the report of the last shift that has ended, of each team, once.
///
/// After an outage the last one that was missed is written, not those before it: nobody takes over from them any more.
pub struct HandoffWorker {
    reporter: Reporter,
    dir: PathBuf,
    since: DateTime<Utc>,
    /// Reports that lie in their files and are not remembered yet, by team: written again they would say something else, and lie there twice.
    unremembered: Mutex<HashMap<String, HandoffRecord>>,
}

impl HandoffWorker {
    /// `dir` is where the files go.
    pub fn new(reporter: Reporter, dir: PathBuf) -> Self {
        let since = reporter.clock.now();
        Self { reporter, dir, since, unremembered: Mutex::default() }
    }

    /// The team's shift whose report is to be written now, if any.
    async fn due(&self, team: &str) -> Result<Option<Shift>, HandoffError> {
        let shift = match self.reporter.shift(team, WhichShift::Previous) {
            Ok(shift) => shift,
            Err(HandoffError::NotBegun(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let due = match self.reporter.store.last_handoff(team).await? {
            Some(last) => last.to < shift.to,
            // A bot that is new has nothing to tell of a shift in which it was not there. Of a quiet one in which it was, that it was quiet.
            None => self.since < shift.to || !self.is_blank(shift).await?,
        };
        Ok(due.then_some(shift))
    }

    async fn is_blank(&self, shift: Shift) -> Result<bool, StoreError> {
        let filter = crate::store::IncidentFilter::Touching { from: shift.from, to: shift.to };
        Ok(self.reporter.store.incidents(filter).await?.is_empty())
    }

    /// Writes what is due for one team; `false`: nothing was.
    async fn go_on(&self, team: &str) -> Result<bool, TurnError> {
        let Some(shift) = self.due(team).await? else { return Ok(false) };
        // The file first: one that is written twice lies there once, one that is only remembered lies nowhere.
        let record = match self.unremembered(team).filter(|record| record.to == shift.to) {
            Some(record) => record,
            None => self.write(team, shift).await?,
        };
        self.reporter.store.keep_handoff(&record).await?;
        self.locked().remove(team);
        Ok(true)
    }

    async fn write(&self, team: &str, shift: Shift) -> Result<HandoffRecord, TurnError> {
        let (summary, written) = self.reporter.write(&self.dir, team, shift).await?;
        if let Written::Beside { path, kept } = &written {
            tracing::warn!(path = %path.display(), kept = %kept.display(), "the handoff's file held something else, and stays");
        }
        let path = written.path().display().to_string();
        tracing::info!(team, path, nothing_outstanding = summary.nothing_outstanding, "handoff written");
        let written_at = self.reporter.clock.now();
        let record = HandoffRecord { team: team.to_owned(), from: shift.from, to: shift.to, path, written_at };
        self.locked().insert(team.to_owned(), record.clone());
        Ok(record)
    }

    fn unremembered(&self, team: &str) -> Option<HandoffRecord> {
        self.locked().get(team).cloned()
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<String, HandoffRecord>> {
        self.unremembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Worker for HandoffWorker {
    fn name(&self) -> &'static str {
        "handoff"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.reporter.store.bells().clock.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        let (mut worked, mut next) = (false, None);
        let mut sooner = |at: DateTime<Utc>| next = Some(next.map_or(at, |next: DateTime<Utc>| next.min(at)));
        let now = self.reporter.clock.now();
        let oncall = self.reporter.oncall.get();
        for team in oncall.teams() {
            // One team's trouble is not another's.
            match self.go_on(&team.name).await {
                Ok(wrote) => worked |= wrote,
                Err(error) => {
                    tracing::error!(team = team.name, %error, again_at = %(now + RETRY), "no handoff; trying again");
                    sooner(now + RETRY);
                }
            }
            // Without an end of what goes on there is nothing to wait for.
            if let Ok(next) = oncall.next_handoff(&team.name, now) {
                sooner(next);
            }
        }
        Ok(if worked { Turn::Worked } else { Turn::Idle { until: next } })
    }
}
