//! How SQLite finds what is asked for all the time. Each of these goes by an index that holds only what is wanted: over a
//! year of history it is as quick as on the first day.

use std::path::Path;

use sqlx::{ConnectOptions, Row as _};

use super::{
    MIGRATIONS, counted, escalations, folds, freezes, groupings, incidents, limits, options, outbox, overrides, pages,
    past, playbooks, remedies, reports, runs, shifts, signals, tables, windows,
};

/// The query, and how its rows are found.
fn hot() -> Vec<(String, &'static [&'static str])> {
    let incidents_where = |condition: &str| format!("SELECT * FROM incident WHERE {condition} ORDER BY severity, id");
    vec![
        (tables::TAKE.into(), &["SEARCH outbox USING INDEX outbox_due (sink=? AND due_at<?)"]),
        (tables::MEND.into(), &["SEARCH outbox USING COVERING INDEX outbox_due (sink=? AND due_at>?)"]),
        (outbox::NEXT_DUE.into(), &["SEARCH outbox USING COVERING INDEX outbox_due (sink=? AND due_at>?)"]),
        (tables::CLAIM.into(), &["SEARCH run USING INDEX run_due (wake_at<?)"]),
        (runs::NEXT_DUE.into(), &[]),
        (playbooks::KEPT.into(), &["SEARCH playbook USING INDEX playbook_name (name=?)"]),
        (playbooks::LAST_RUNS.into(), &["SEARCH run USING INTEGER PRIMARY KEY (rowid=?)"]),
        (runs::UNDER_WAY.into(), &["SCAN run USING INDEX run_under_way"]),
        (signals::PENDING.into(), &["SCAN signal USING INDEX signal_pending"]),
        (signals::OLDEST.into(), &["SCAN signal USING INDEX signal_pending"]),
        (signals::LANE.into(), &["SCAN signal USING INDEX signal_turn"]),
        (signals::NEXT_SOURCE.into(), &["SEARCH signal USING INDEX signal_turn (lane=? AND source>?)"]),
        (tables::PLACES.into(), &["SEARCH signal USING INDEX signal_key (source=? AND key=?)"]),
        (
            incidents::KNOWN_FIRINGS.into(),
            &["SEARCH episode USING COVERING INDEX episode_key (fingerprint=? AND source=? AND starts_at=?)"],
        ),
        (
            incidents::LATEST_EPISODES.into(),
            &[
                "SEARCH episode USING INTEGER PRIMARY KEY (rowid=?)",
                "SEARCH episode USING COVERING INDEX episode_key (fingerprint=? AND source=?)",
            ],
        ),
        (
            groupings::LATEST_BY_CAUSE.into(),
            &[
                "SEARCH incident_cause USING PRIMARY KEY (cause=?)",
                "SEARCH incident USING INTEGER PRIMARY KEY (rowid=?)",
            ],
        ),
        (groupings::OPEN_BY_OBJECT.into(), &["SEARCH episode USING COVERING INDEX episode_object (object=?)"]),
        (groupings::RECENT.into(), &["SCAN incident USING INDEX incident_unresolved"]),
        (groupings::OBJECTS.into(), &["SEARCH episode USING INDEX episode_open (incident_id=?)"]),
        (
            counted::OBJECTS.into(),
            &["SEARCH episode USING COVERING INDEX episode_counted (incident_id=? AND counted_as>?)"],
        ),
        (
            counted::FIRING.into(),
            &["SEARCH episode USING INDEX episode_incident (incident_id=? AND closed_at=? AND rowid>?)"],
        ),
        (counted::UNCOUNTED.into(), &["SEARCH episode USING INDEX episode_counted (incident_id=? AND counted_as=?)"]),
        (groupings::OF_MANY.into(), &["SEARCH episode USING COVERING INDEX episode_open (incident_id=?)"]),
        (
            incidents::EPISODES.into(),
            &[
                "SEARCH episode USING INDEX episode_incident (incident_id=? AND closed_at=?)",
                "SEARCH episode USING INDEX episode_incident (incident_id=? AND closed_at>?)",
            ],
        ),
        (
            pages::OF_INCIDENT.into(),
            &["SEARCH page USING INDEX page_once (incident_id=?)", "SEARCH outbox USING INDEX outbox_page (page_id=?)"],
        ),
        (
            pages::ATTEMPTS.into(),
            &[
                "SEARCH page USING COVERING INDEX page_once (incident_id=?)",
                "SEARCH outbox USING INDEX outbox_page (page_id=?)",
                "SEARCH page_attempt USING INDEX page_attempt_of (outbox_id=?)",
            ],
        ),
        (
            pages::UNANSWERED.into(),
            &["SCAN page USING INDEX page_unacknowledged", "SEARCH outbox USING INDEX outbox_page (page_id=?)"],
        ),
        (
            escalations::DUE.into(),
            &[
                "SEARCH escalation USING INDEX escalation_due (due_at<?)",
                "SEARCH escalation USING INDEX escalation_due (due_at>?)",
            ],
        ),
        (escalations::NEXT.into(), &["SEARCH escalation USING COVERING INDEX escalation_due (due_at>? AND due_at<?)"]),
        (escalations::OF_INCIDENT.into(), &["SEARCH escalation USING INTEGER PRIMARY KEY (rowid=?)"]),
        (folds::DUE.into(), &["SEARCH page USING INDEX page_folded (folded_into>?)"]),
        (folds::NEXT.into(), &["SEARCH page USING INDEX page_folded (folded_into>?)"]),
        (folds::OF_CARRIER.into(), &["SEARCH page USING INDEX page_folded (folded_into=?)"]),
        (folds::CARRIED.into(), &[]),
        (tables::PAGED_INCIDENTS.into(), &["SEARCH page USING INDEX page_counted (team=? AND counted_at>?)"]),
        (tables::CARRIER.into(), &["SEARCH page USING INDEX page_counted (team=? AND counted_at>?)"]),
        (shifts::FOLDED.into(), &["SEARCH page USING INDEX page_folded_at (folded_at>? AND folded_at<?)"]),
        (overrides::SINCE.into(), &["SEARCH oncall_override USING INDEX oncall_override_until (until_at>?)"]),
        (windows::FIRING.into(), &["SCAN episode USING INDEX episode_open"]),
        (windows::FIRING_ABOUT.into(), &["SEARCH episode USING INDEX episode_object (object=?)"]),
        (windows::OF_INCIDENT.into(), &["SEARCH quiet_hold USING PRIMARY KEY (incident_id=?)"]),
        (
            tables::TICKETS_OF.into(),
            &[
                "SEARCH ticket USING INDEX ticket_incident (incident_id=?)",
                "SEARCH outbox USING INDEX outbox_key (sink=? AND key=?) LEFT-JOIN",
            ],
        ),
        (
            tables::SAME_WORK.into(),
            &[
                "SEARCH ticket USING INDEX ticket_work (work_key=? AND sink=?)",
                "SEARCH incident USING INTEGER PRIMARY KEY (rowid=?)",
                "SEARCH outbox USING INDEX outbox_key (sink=? AND key=?) LEFT-JOIN",
                "USE TEMP B-TREE FOR ORDER BY",
            ],
        ),
        (tables::FILED_SINCE.into(), &["SEARCH ticket USING INDEX ticket_filed (sink=? AND created_at>?)"]),
        (
            tables::ONE_WITH.into(),
            &[
                "SEARCH ticket USING INDEX ticket_same (same_as=?)",
                "SEARCH outbox USING INDEX outbox_key (sink=? AND key=?) LEFT-JOIN",
            ],
        ),
        (pages::MADE.into(), &["SEARCH page USING INTEGER PRIMARY KEY (rowid>?)"]),
        (reports::LEVELS.into(), &["SCAN page USING INDEX page_unacknowledged"]),
        (incidents_where(reports::RESOLVED_SINCE), &["SEARCH incident USING INTEGER PRIMARY KEY (rowid=?)"]),
        (incidents_where(reports::TOUCHING), &["SEARCH incident USING INTEGER PRIMARY KEY (rowid=?)"]),
        (
            reports::ALERTS.into(),
            &[
                "SEARCH episode USING INDEX episode_opened (opened_at>? AND opened_at<?)",
                "SEARCH incident USING INTEGER PRIMARY KEY (rowid=?)",
            ],
        ),
        (shifts::INCIDENTS.into(), &["SEARCH incident USING INTEGER PRIMARY KEY (rowid=?)"]),
        (
            shifts::RUNS_OF_OPEN.into(),
            &["SCAN incident USING INDEX incident_unresolved", "SEARCH run USING INDEX run_incident (incident_id=?)"],
        ),
        (
            remedies::EARLIER.into(),
            &[
                "SEARCH r USING INDEX remedy_object (object=? AND action=?)",
                "SEARCH run USING INTEGER PRIMARY KEY (rowid=?)",
                "SEARCH e USING PRIMARY KEY (run_id=? AND seq=?)",
            ],
        ),
        (shifts::RUNS_UNDER_WAY.into(), &["SCAN run USING INDEX run_under_way"]),
        (shifts::RUNS_ENDED.into(), &["SEARCH run USING INDEX run_ended (ended_at>? AND ended_at<?)"]),
        (shifts::APPROVALS.into(), &["SCAN approval USING INDEX approval_open"]),
        (shifts::PAGES.into(), &["SEARCH page USING INDEX page_created (created_at>? AND created_at<?)"]),
        (freezes::ACTIVE.into(), &[]),
        (freezes::OVER.into(), &["SEARCH freeze USING INDEX freeze_lasting (until_at<?)"]),
        (freezes::NEXT_END.into(), &["SEARCH freeze USING INDEX freeze_lasting (until_at>?)"]),
        (tables::UNDER_WAY.into(), &["SCAN run USING INDEX run_under_way"]),
        (tables::MUTATION_RECORDS.into(), &["SEARCH run_event USING PRIMARY KEY (run_id=?)"]),
        (tables::WAKE_WHO_ASKS.into(), &["SEARCH run USING INTEGER PRIMARY KEY (rowid=?)"]),
        (tables::MUTATIONS.into(), &["SEARCH mutation USING COVERING INDEX mutation_at (at>?)"]),
        (
            tables::MUTATIONS_IN.into(),
            &["SEARCH mutation USING COVERING INDEX mutation_namespace (namespace=? AND at>?)"],
        ),
        (
            tables::HISTORY.into(),
            &[
                "SEARCH run USING INDEX run_history (playbook=? AND target_key=? AND <expr>>?)",
                "USE TEMP B-TREE FOR ORDER BY",
            ],
        ),
        (past::ABOUT.into(), &["SEARCH run USING INDEX run_about (target_key=? AND <expr>>?)"]),
        (tables::AT_WORK.into(), &["SCAN run USING INDEX run_under_way"]),
        (
            tables::HANDED_TO.into(),
            &[
                "SEARCH run USING INTEGER PRIMARY KEY (rowid=?)",
                "SEARCH next USING INDEX run_incident (incident_id=? AND rowid>?)",
            ],
        ),
        (tables::AT_ONCE.into(), &[]),
        (tables::RUNS.into(), &["SEARCH mitigation USING INDEX mitigation_playbook (playbook=? AND at>?)"]),
        (tables::HELPED.into(), &["SEARCH mitigation USING INDEX mitigation_helped (playbook=? AND ended_at>?)"]),
        (tables::RUNNING.into(), &["SEARCH mitigation USING INDEX mitigation_open (playbook=?)"]),
        (tables::FAILED.into(), &["SEARCH mitigation USING INDEX mitigation_failed (playbook=? AND ended_at>?)"]),
        (tables::STOPS.into(), &["SEARCH mitigation USING INDEX mitigation_stops (stops_until>?)"]),
        (
            limits::STOPPED_RAMPS.into(),
            &[
                "SEARCH mitigation USING INDEX mitigation_stops (stops_until>?)",
                "CORRELATED SCALAR SUBQUERY 1",
                "SEARCH breaker USING COVERING INDEX breaker_closed (playbook=?)",
                "USE TEMP B-TREE FOR GROUP BY",
            ],
        ),
        (
            tables::CLOSED_AT.into(),
            &["SEARCH breaker USING COVERING INDEX breaker_closed (playbook=? AND closed_at>?)"],
        ),
        (limits::OPEN.into(), &["SEARCH breaker USING INDEX breaker_closed (playbook=? AND closed_at=?)"]),
        (limits::ALL_OPEN.into(), &["SCAN breaker USING INDEX breaker_open"]),
        (shifts::UNANSWERED.into(), &["SEARCH page USING INDEX page_unacknowledged (incident_id=?)"]),
    ]
}

#[tokio::test]
async fn what_is_asked_all_the_time_reads_no_history() {
    let mut connection = options(Path::new(":memory:")).connect().await.unwrap();
    MIGRATIONS.run(&mut connection).await.unwrap();
    let mut wrong = Vec::new();
    for (sql, how) in hot() {
        let explain = format!("EXPLAIN QUERY PLAN {sql}");
        let rows = sqlx::query(sqlx::AssertSqlSafe(explain)).fetch_all(&mut connection).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        // A `SCAN` without an index reads a whole table; that of a list of parameters, or of what was found, is short.
        let short = [" USING ", " VIRTUAL TABLE ", " (subquery", " CONSTANT ROW"];
        let scans = plan.iter().any(|line| line.starts_with("SCAN ") && !short.iter().any(|what| line.contains(what)));
        if scans || !how.iter().all(|how| plan.iter().any(|line| line == how)) {
            wrong.push(format!("{sql}\nshould\n{}\nbut does\n{}", how.join("\n"), plan.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
