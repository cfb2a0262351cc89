//! The worker that writes each team's report when its shift changes.

use std::path::PathBuf;

use async_trait::async_trait;
use tokio::sync::watch;

use super::Reporter;
use super::summarise::{HandoffError, WhichShift};
use super::write::Written;
use crate::oncall::Shift;
use crate::store::{HandoffRecord, StoreError};
use crate::worker::{Bell, Turn, TurnError, Worker};

/// Writes the report of the last shift that has ended, of each team, once.
///
/// After an outage the last one that was missed is written, not those before it: nobody takes over from them any more.
pub struct HandoffWorker {
    reporter: Reporter,
    dir: PathBuf,
    /// Nothing rings it: only time makes a handoff due.
    bell: Bell,
}

impl HandoffWorker {
    /// `dir` is where the files go.
    pub fn new(reporter: Reporter, dir: PathBuf) -> Self {
        Self { reporter, dir, bell: Bell::default() }
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
            // A bot that is new has nothing to tell of a shift in which it was not there.
            None => !self.is_blank(shift).await?,
        };
        Ok(due.then_some(shift))
    }

    async fn is_blank(&self, shift: Shift) -> Result<bool, StoreError> {
        let filter = crate::store::IncidentFilter::Touching { from: shift.from, to: shift.to };
        Ok(self.reporter.store.incidents(filter).await?.is_empty())
    }

    /// Writes what is due for one team; `false`: nothing was.
    async fn go_on(&self, team: &str) -> Result<bool, TurnError> {
        match self.due(team).await? {
            Some(shift) => self.write(team, shift).await.map(|()| true),
            None => Ok(false),
        }
    }

    async fn write(&self, team: &str, shift: Shift) -> Result<(), TurnError> {
        // The file first: one that is written twice lies there once, one that is only remembered lies nowhere.
        let (summary, written) = self.reporter.write(&self.dir, team, shift).await?;
        if let Written::Beside { path, kept } = &written {
            tracing::warn!(path = %path.display(), kept = %kept.display(), "the handoff's file held something else, and stays");
        }
        let path = written.path().display().to_string();
        tracing::info!(team, path, nothing_outstanding = summary.nothing_outstanding, "handoff written");
        let written_at = self.reporter.clock.now();
        let record = HandoffRecord { team: team.to_owned(), from: shift.from, to: shift.to, path, written_at };
        self.reporter.store.keep_handoff(&record).await?;
        Ok(())
    }
}

#[async_trait]
impl Worker for HandoffWorker {
    fn name(&self) -> &'static str {
        "handoff"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.bell.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        let (mut worked, mut failed) = (false, None);
        for team in self.reporter.oncall.teams() {
            // One team's trouble is not another's.
            match self.go_on(&team.name).await {
                Ok(wrote) => worked |= wrote,
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) => return Err(error),
            None if worked => return Ok(Turn::Worked),
            None => {}
        }
        let now = self.reporter.clock.now();
        let mut next = None;
        for team in self.reporter.oncall.teams() {
            let at = self.reporter.oncall.next_handoff(&team.name, now)?;
            next = Some(next.map_or(at, |next: chrono::DateTime<chrono::Utc>| next.min(at)));
        }
        Ok(Turn::Idle { until: next })
    }
}
