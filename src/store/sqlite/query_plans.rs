//! How SQLite finds what is asked for all the time. Each of these goes by an index that holds only what is wanted: over a
//! year of history it is as quick as on the first day.

use std::path::Path;

use sqlx::{ConnectOptions, Row as _};

use super::{MIGRATIONS, claim, incidents, options, outbox, runs, signals};

/// The query, and how its rows are found.
const HOT: &[(&str, &str)] = &[
    (outbox::TAKE, "SEARCH outbox USING INDEX outbox_due (sink=? AND due_at<?)"),
    (outbox::NEXT_DUE, "SEARCH outbox USING COVERING INDEX outbox_due (sink=? AND due_at>?)"),
    (claim::CLAIM, "SEARCH run USING INDEX run_due (wake_at<?)"),
    (runs::NEXT_DUE, "SEARCH run USING INDEX run_due"),
    (signals::PENDING, "SCAN signal USING INDEX signal_pending"),
    (incidents::LATEST_EPISODES, "SEARCH episode USING INDEX episode_key (fingerprint=? AND source=?)"),
    (incidents::LATEST_BY_GROUPING, "SEARCH incident USING COVERING INDEX incident_grouping (grouping=?)"),
];

#[tokio::test]
async fn what_is_asked_all_the_time_reads_no_history() {
    let mut connection = options(Path::new(":memory:")).connect().await.unwrap();
    MIGRATIONS.run(&mut connection).await.unwrap();
    let mut wrong = Vec::new();
    for (sql, how) in HOT {
        let explain = format!("EXPLAIN QUERY PLAN {sql}");
        let rows = sqlx::query(sqlx::AssertSqlSafe(explain)).fetch_all(&mut connection).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        // A `SCAN` without an index reads a whole table; that of a list of parameters is short.
        let scans = plan
            .iter()
            .any(|line| line.starts_with("SCAN ") && !line.contains(" USING ") && !line.contains(" VIRTUAL TABLE "));
        if scans || !plan.iter().any(|line| line == how) {
            wrong.push(format!("{sql}\nshould `{how}`, but does\n{}", plan.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
