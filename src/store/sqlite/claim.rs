//! Claiming the run that is due.

use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::append::append;
use super::rows::{self, get, time};
use super::runs::{inbox, insert_event};
use super::{Sinks, failed};
use crate::model::{IncidentId, Outcome, RunEvent, RunId};
use crate::store::{Append, ClaimedRun, LogPosition, NewPage, PageReason, StoreError};

pub(super) const CLAIM: &str =
    "UPDATE run SET epoch = epoch + 1, worker = ?1, lease_until = ?3, length = length + 1, fruitless = fruitless + 1
     WHERE id = (SELECT id FROM run
                 WHERE outcome IS NULL AND wake_at <= ?2 AND (lease_until IS NULL OR lease_until <= ?2)
                 ORDER BY wake_at, id LIMIT 1)
     RETURNING *";

/// What claiming came to.
#[derive(Default)]
pub(super) struct Claimed {
    /// The run, without its log.
    pub run: Option<ClaimedRun>,
    /// At least one run could not be read, and was ended.
    pub ended: bool,
}

/// Takes the lease of the run that is due longest. One that cannot be read escalates here and now: it would be the first
/// for every worker, and none of the others would ever be claimed.
pub(super) async fn claim(
    connection: &mut SqliteConnection,
    sinks: &Sinks,
    worker: String,
    now: i64,
    until: i64,
) -> Result<Claimed, StoreError> {
    let mut claimed = Claimed::default();
    loop {
        let row = sqlx::query(CLAIM)
            .bind(&worker)
            .bind(now)
            .bind(until)
            .fetch_optional(&mut *connection)
            .await
            .map_err(failed("claim a run"))?;
        let Some(row) = row else { return Ok(claimed) };
        let at = LogPosition { run: RunId(get(&row, "id")?), epoch: get(&row, "epoch")?, length: get(&row, "length")? };
        let record = RunEvent::Claimed { epoch: at.epoch.unsigned_abs(), worker: worker.clone() };
        insert_event(connection, at.run, at.length, at.epoch, now, &record).await?;
        match read(connection, &row, at, until).await {
            Ok(run) => return Ok(Claimed { run: Some(run), ..claimed }),
            Err(error @ StoreError::Unreadable { .. }) => {
                escalate(connection, sinks, now, &row, at, &error).await?;
                claimed.ended = true;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn read(
    connection: &mut SqliteConnection,
    row: &SqliteRow,
    at: LogPosition,
    until: i64,
) -> Result<ClaimedRun, StoreError> {
    let run = rows::run(row)?;
    let context = sqlx::query(
        "SELECT incident.title, incident.severity, playbook.source FROM incident, playbook
         WHERE incident.id = ? AND playbook.digest = ?",
    )
    .bind(run.incident.0)
    .bind(run.playbook.digest.as_str().to_owned())
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed("read a claimed run's incident"))?;
    let context = context.ok_or_else(|| StoreError::Unreadable {
        what: "run",
        message: "its incident or its playbook is missing".into(),
    })?;
    Ok(ClaimedRun {
        at,
        lease_until: time(until),
        log: Vec::new(),
        inbox: inbox(connection, at.run).await?,
        playbook_source: get(&context, "source")?,
        incident_title: get(&context, "title")?,
        severity: get::<&str>(&context, "severity")?.parse().map_err(|error: crate::model::SeverityError| {
            StoreError::Unreadable { what: "severity", message: error.to_string() }
        })?,
        fruitless_claims: u32::try_from(get::<i64>(row, "fruitless")?).unwrap_or(u32::MAX),
        run,
    })
}

/// Ends a run that cannot be read, and pages its incident's team.
async fn escalate(
    connection: &mut SqliteConnection,
    sinks: &Sinks,
    now: i64,
    row: &SqliteRow,
    at: LogPosition,
    error: &StoreError,
) -> Result<(), StoreError> {
    tracing::error!(run = %at.run, %error, "a run cannot be read, and escalates");
    let incident = IncidentId(get(row, "incident_id")?);
    let team = sqlx::query("SELECT team FROM incident WHERE id = ?")
        .bind(incident.0)
        .fetch_one(&mut *connection)
        .await
        .map_err(failed("read whose run it is"))?;
    let because = format!("{} cannot be gone on with: {error}; look where it stopped", at.run);
    let page = NewPage {
        level: 1,
        team: get(&team, "team")?,
        reason: PageReason::Escalated { run: at.run },
        text: Some(because.clone()),
    };
    let outcome = Outcome::Escalated;
    let records = Append {
        events: vec![RunEvent::Ended { outcome, because: because.clone() }],
        pages: vec![page],
        end: Some((outcome, because)),
        ..Append::default()
    };
    append(connection, now, sinks, at, records.masked()).await.map(|_| ())
}
