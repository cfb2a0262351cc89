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
