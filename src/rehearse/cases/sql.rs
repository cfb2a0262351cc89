//! What databases answer in a case.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::sql;

/// What is answered to a statement of `sql.query`.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlAnswers {
    /// Its name: `activity`.
    pub statement: String,
    /// In which pod. Left out: in each.
    #[serde(default)]
    pub pod: String,
    /// One answer for each time it is asked; the last one stays.
    pub answers: Vec<SqlReply>,
}

/// One answer, or none: `rows` (maybe none), or `fails`.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlReply {
    /// Each with its columns.
    pub rows: Option<Vec<Map<String, Value>>>,
    /// There is no answer, and why.
    pub fails: Option<SqlFault>,
}

/// A session of a client that is there until a step with `sql.terminate` ends it.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlSession {
    /// In which pod.
    pub pod: String,
    /// The number of its process.
    pub pid: i32,
    /// When it began, as the answers of the case to `sql.query` say it.
    pub backend_start: String,
    /// Its role.
    pub user: String,
    /// The database that it is in.
    pub database: String,
    /// What the client calls itself.
    #[serde(default)]
    pub application: String,
    /// `active`, `idle in transaction`, ...
    pub state: String,
    /// For how long.
    #[serde(default)]
    pub state_seconds: f64,
    /// How long its transaction lasts.
    pub transaction_seconds: Option<f64>,
    /// Its last statement.
    #[serde(default)]
    pub query: String,
    /// Whether it is a superuser's.
    #[serde(default)]
    pub superuser: bool,
}

/// The session as the simulated database has it.
pub(super) fn session(session: &SqlSession) -> sql::Session {
    let does = sql::Backend {
        user: session.user.clone(),
        database: session.database.clone(),
        application: session.application.clone(),
        backend_type: "client backend".into(),
        superuser: session.superuser,
        state: session.state.clone(),
        state_seconds: Some(session.state_seconds),
        transaction_seconds: session.transaction_seconds,
        query: session.query.clone(),
        ..sql::Backend::default()
    };
    let (pod, backend_start) = (session.pod.clone(), session.backend_start.clone());
    sql::Session { pod, pid: session.pid, backend_start, does }
}

/// How it comes to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SqlFault {
    /// Its time is over.
    NoAnswer,
    /// It takes no more connections.
    TooManyConnections,
    /// It starts up, or shuts down.
    Starting,
    /// It does not let the role in.
    NotAllowed,
}

/// What is answered, as a real database would.
pub(super) fn reply(reply: &SqlReply) -> sql::Scripted {
    let refuses = |code: &str, message: &str| sql::Scripted::Refuses { code: code.into(), message: message.into() };
    match (reply.fails, &reply.rows) {
        (None, rows) => sql::Scripted::Rows(rows.clone().unwrap_or_default()),
        (Some(SqlFault::NoAnswer), _) => sql::Scripted::Away("nothing came in time".into()),
        (Some(SqlFault::TooManyConnections), _) => refuses("53300", "sorry, too many clients already"),
        (Some(SqlFault::Starting), _) => refuses("57P03", "the database system is starting up"),
        (Some(SqlFault::NotAllowed), _) => refuses("28P01", "password authentication failed for user \"dogwatch\""),
    }
}
