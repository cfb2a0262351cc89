//! What a shift of some teams leaves, and what happened in it.

use chrono::{DateTime, Utc};
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqlitePool, SqliteRow};

use super::failed;
use super::folds::{folded, select_folded};
use super::pages::select_page;
use super::rows::{self, json, micros};
use crate::store::{ShiftView, StoreError, Teams};

/// Whether a row's team is among those that are asked about: `?1` names teams, and `?2` says
/// whether it is to be one of them or none.
macro_rules! of_teams {
    ($table:literal) => {
        concat!("(", $table, ".team IN (SELECT value FROM json_each(?1))) = ?2")
    };
}
pub(super) use of_teams;

// SQLite leaves a `CROSS JOIN` in its order: each begins where an index holds little.

pub(super) const INCIDENTS: &str = concat!(
    "SELECT *, (SELECT MIN(quiet_window.ends_at) FROM quiet_hold JOIN quiet_window ON quiet_window.id = window_id
                WHERE incident_id = incident.id AND is_whole AND told_at IS NULL) AS held_until
     FROM incident WHERE id IN (
         SELECT id FROM incident WHERE state <> 'resolved'
         UNION ALL SELECT id FROM incident WHERE resolved_at >= ?3 AND opened_at < ?4)
     AND ",
    of_teams!("incident"),
    " ORDER BY severity, id"
);

pub(super) const RUNS_OF_OPEN: &str = concat!(
    "SELECT run.* FROM incident CROSS JOIN run ON run.incident_id = incident.id
     WHERE incident.state <> 'resolved' AND ",
    of_teams!("incident"),
    " ORDER BY run.id"
);

pub(super) const RUNS_UNDER_WAY: &str = concat!(
    "SELECT run.* FROM run CROSS JOIN incident ON incident.id = run.incident_id WHERE run.outcome IS NULL AND ",
    of_teams!("incident"),
    " ORDER BY run.id"
);

pub(super) const RUNS_ENDED: &str = concat!(
    "SELECT run.* FROM run CROSS JOIN incident ON incident.id = run.incident_id
     WHERE run.ended_at >= ?3 AND run.ended_at < ?4 AND ",
    of_teams!("incident"),
    " ORDER BY run.ended_at, run.id"
);

pub(super) const APPROVALS: &str = concat!(
    rows::approvals!(),
    " CROSS JOIN incident ON incident.id = approval.incident_id WHERE approval.state = 'open' AND ",
    of_teams!("incident"),
    " ORDER BY approval.id"
);

pub(super) const PAGES: &str = select_page!("", "created_at >= ?3 AND created_at < ?4 AND ", of_teams!("page"));

pub(super) const UNANSWERED: &str = select_page!(
    "INDEXED BY page_unacknowledged",
    "acknowledged_at IS NULL AND incident_id IN (
         SELECT COALESCE(part.id, incident.id) FROM incident LEFT JOIN incident AS part
             ON part.merged_root = incident.id OR part.id = incident.id
         WHERE incident.state <> 'resolved' AND ",
    of_teams!("incident"),
    ")"
);

pub(super) const FOLDED: &str = select_folded!(
    "page.folded_at >= ?3 AND page.folded_at < ?4 AND (page.team IN (SELECT value FROM json_each(?1))) = ?2
     ORDER BY page.folded_at, page.id"
);

pub(super) async fn view(
    reads: &SqlitePool,
    teams: &Teams,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<ShiftView, StoreError> {
    // One transaction: a run that ends meanwhile is under way in all of it, or in nothing.
    let mut reads = reads.begin().await.map_err(failed("begin to read a shift"))?;
    let mut all = async |query: Statement| query.fetch_all(&mut *reads).await.map_err(failed("read a shift"));
    Ok(ShiftView {
        incidents: read(&all(of_time(INCIDENTS, teams, from, to)?).await?, rows::incident)?,
        runs_of_open: read(&all(of(RUNS_OF_OPEN, teams)?).await?, rows::run_to_look_at)?,
        runs_under_way: read(&all(of(RUNS_UNDER_WAY, teams)?).await?, rows::run_to_look_at)?,
        runs_ended: read(&all(of_time(RUNS_ENDED, teams, from, to)?).await?, rows::run_to_look_at)?,
        approvals: read(&all(of(APPROVALS, teams)?).await?, rows::approval)?,
        pages: read(&all(of_time(PAGES, teams, from, to)?).await?, rows::page)?,
        unanswered: read(&all(of(UNANSWERED, teams)?).await?, rows::page)?,
        folded: read(&all(of_time(FOLDED, teams, from, to)?).await?, folded)?,
    })
}

type Statement = Query<'static, Sqlite, SqliteArguments>;

/// The query about these teams.
fn of(sql: &'static str, teams: &Teams) -> Result<Statement, StoreError> {
    let (names, among): (&[String], bool) = match teams {
        Teams::One(team) => (std::slice::from_ref(team), true),
        Teams::AllBut(others) => (others, false),
    };
    Ok(sqlx::query(sql).bind(json(&names)?).bind(among))
}

/// The query about these teams and a time.
pub(super) fn of_time(
    sql: &'static str,
    teams: &Teams,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Statement, StoreError> {
    Ok(of(sql, teams)?.bind(micros(from)).bind(micros(to)))
}

fn read<T>(rows: &[SqliteRow], row: fn(&SqliteRow) -> Result<T, StoreError>) -> Result<Vec<T>, StoreError> {
    rows.iter().map(row).collect()
}
