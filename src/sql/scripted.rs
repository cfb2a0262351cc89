//! Databases by a script, for rehearsals.

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::{Databases, Rows, SqlError, SqlRequest};
use crate::script::Script;

/// One answer of a script.
#[derive(Debug, Clone, PartialEq)]
pub enum Scripted {
    Rows(Vec<Map<String, Value>>),
    /// There is no answer; why, as the connection would say it.
    Away(String),
    /// PostgreSQL refuses.
    Refuses {
        code: String,
        message: String,
    },
}

/// Answers by the first rule for the statement and the pod. What no rule knows is as where no role
/// is configured.
#[derive(Debug, Default)]
pub struct ScriptedDatabases(Script<About, Scripted>);

#[derive(Debug)]
struct About {
    statement: String,
    /// Empty: of each.
    pod: String,
}

impl ScriptedDatabases {
    /// The statement is answered in that pod (empty: in each) with these, one after the other, and
    /// then with the last one. Earlier rules come first.
    pub fn answers_in_turn(&self, statement: &str, pod: &str, answers: Vec<Scripted>) {
        self.0.add(About { statement: statement.to_owned(), pod: pod.to_owned() }, answers);
    }

    /// All that was asked, in order: `activity of db-0 in shop`.
    pub fn asked(&self) -> Vec<String> {
        self.0.asked()
    }
}

#[async_trait]
impl Databases for ScriptedDatabases {
    async fn rows(&self, request: &SqlRequest) -> Result<Rows, SqlError> {
        let SqlRequest { place, statement, limit, .. } = request;
        let is_about =
            |about: &About| about.statement == *statement && (about.pod.is_empty() || about.pod == place.pod);
        let answer = self.0.answer(format!("{statement} of {place}"), is_about);
        let place = place.to_string();
        match answer.ok_or(SqlError::NotConfigured)? {
            Scripted::Rows(mut rows) => {
                let more = rows.len() > *limit;
                rows.truncate(*limit);
                Ok(Rows { rows, more })
            }
            Scripted::Away(message) => Err(SqlError::Away { place, message }),
            Scripted::Refuses { code, message } => Err(SqlError::Refused { place, code, message }),
        }
    }
}
