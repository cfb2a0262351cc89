//! Claiming the run that is due.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{RunRow, Tx, append};
use crate::model::{Outcome, RunEvent};
use crate::store::{Append, ClaimedRun, NewPage, PageReason, StoreError};

/// What claiming came to.
#[derive(Default)]
pub(in crate::store) struct Claimed {
    /// The run, without its log.
    pub run: Option<ClaimedRun>,
    /// At least one run could not be read, and was ended.
    pub ended: bool,
}

/// Takes the lease of the run that is due longest. One that cannot be read escalates here and now:
/// it would be the first for every worker, and none of the others would ever be claimed.
pub(in crate::store) async fn claim(tx: &mut Tx<'_>, worker: &str, lease: Duration) -> Result<Claimed, StoreError> {
    let until = tx.now + lease;
    let mut claimed = Claimed::default();
    loop {
        let Some(mut row) = tx.tables.take_due_run(worker, tx.now, until).await? else { return Ok(claimed) };
        let record = RunEvent::Claimed { epoch: row.at.epoch.unsigned_abs(), worker: worker.to_owned() };
        tx.tables.insert_record(row.at, tx.now, &record).await?;
        match read(tx, &mut row, until).await {
            Ok(run) => return Ok(Claimed { run: Some(run), ..claimed }),
            Err(error @ StoreError::Unreadable { .. }) => {
                escalate(tx, &row, &error).await?;
                claimed.ended = true;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn read(tx: &mut Tx<'_>, row: &mut RunRow, until: DateTime<Utc>) -> Result<ClaimedRun, StoreError> {
    let missing = |message: &str| StoreError::Unreadable { what: "run", message: message.to_owned() };
    let unread = Err(missing("it was read before"));
    let run = std::mem::replace(&mut row.run, unread)?;
    let incident = tx.tables.incident_row(row.incident).await?.ok_or_else(|| missing("its incident is missing"))?;
    let source =
        tx.tables.playbook_text(&run.playbook).await?.ok_or_else(|| missing("its playbook's text is missing"))?;
    let inbox = tx.tables.inbox(row.at.run).await?;
    Ok(ClaimedRun {
        run,
        at: row.at,
        lease_until: until,
        log: Vec::new(),
        inbox,
        playbook_source: source,
        incident_title: incident.title,
        severity: incident.severity,
        fruitless_claims: row.fruitless,
    })
}

/// Ends a run that cannot be read, and pages its incident's team.
async fn escalate(tx: &mut Tx<'_>, row: &RunRow, error: &StoreError) -> Result<(), StoreError> {
    let run = row.at.run;
    tracing::error!(%run, %error, "a run cannot be read, and escalates");
    let team = tx.tables.team_of(row.incident).await?;
    let because = format!("{run} cannot be gone on with: {error}; look where it stopped");
    let page = NewPage { level: 1, team, reason: PageReason::Escalated { run }, text: Some(because.clone()) };
    let outcome = Outcome::Escalated;
    let records = Append {
        events: vec![RunEvent::Ended { outcome, because: because.clone() }],
        pages: vec![page],
        end: Some((outcome, because)),
        ..Append::default()
    };
    append(tx, row.at, records.masked()).await.map(|_| ())
}
