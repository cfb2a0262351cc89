//! The bot dies at every point of a session that is ended.

use dogwatch::cluster::Object;
use dogwatch::cluster::sim::build;
use dogwatch::model::Outcome;
use dogwatch::sql::{Backend, Session};

use crate::bot::Bot;
use crate::crashes::Story;

const END: &str = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: unblock, version: 1.0.0, owner: databases }
summary: somebody sleeps in a transaction
severity: S2
autonomy: auto
page_by: 2h
triggers: [{ alert: PostgresBlocked }]
target: { kind: Pod, from: alert }
diagnose:
  - id: blocking
    prometheus.query: { expr: blocked_sessions }
mitigate:
  - id: end
    sql.terminate:
      pid: 4711
      backend_start: '2026-03-01T11:00:00+00:00'
      idle_longer_than: 10m
    verify: { query: blocking, until: value == 0, settle: 5s, within: 2m }
escalate:
  - page: { message: '{{because}}' }
";

const SINCE: &str = "2026-03-01T11:00:00+00:00";

fn database() -> Vec<Object> {
    vec![build::pod("databases", "db-0", "db")]
}

fn blocked(bot: &Bot) {
    let databases = bot.databases.clone();
    bot.prometheus.follows("blocked_sessions", move || Some(if databases.sessions().is_empty() { 0.0 } else { 3.0 }));
    let does = Backend {
        user: "app".into(),
        database: "orders".into(),
        backend_type: "client backend".into(),
        state: "idle in transaction".into(),
        state_seconds: Some(900.0),
        ..Backend::default()
    };
    bot.databases.begins(Session { pod: "db-0".into(), pid: 4711, backend_start: SINCE.into(), does });
}

/// Whether it is there says whether it was ended: nobody is called, and nobody else's session goes.
#[tokio::test]
async fn a_session_is_ended_once_whenever_the_bot_dies() {
    Story {
        playbook: END.to_owned(),
        objects: database,
        world: blocked,
        alert: ("PostgresBlocked", &[("namespace", "databases"), ("pod", "db-0")]),
        ends: Outcome::Fixed,
        mutations: &["create pod/db-0 in databases"],
        pages: &[],
    }
    .survives(20..60)
    .await;
}
