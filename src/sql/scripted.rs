//! Databases by a script, for rehearsals.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::{Databases, Rows, SqlError, SqlRequest};

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
pub struct ScriptedDatabases {
    rules: Mutex<Vec<Rule>>,
    asked: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct Rule {
    statement: String,
    /// Empty: of each.
    pod: String,
    answers: Vec<Scripted>,
    next: usize,
}

impl ScriptedDatabases {
    /// The statement is answered in that pod (empty: in each) with these, one after the other, and
    /// then with the last one. Earlier rules come first.
    pub fn answers_in_turn(&self, statement: &str, pod: &str, answers: Vec<Scripted>) {
        let rule = Rule { statement: statement.to_owned(), pod: pod.to_owned(), answers, next: 0 };
        lock(&self.rules).push(rule);
    }

    /// All that was asked, in order: `activity of db-0 in shop`.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.asked).clone()
    }
}

#[async_trait]
impl Databases for ScriptedDatabases {
    async fn rows(&self, request: &SqlRequest) -> Result<Rows, SqlError> {
        let SqlRequest { place, statement, limit, .. } = request;
        lock(&self.asked).push(format!("{statement} of {place}"));
        let mut rules = lock(&self.rules);
        let fits = |rule: &&mut Rule| rule.statement == *statement && (rule.pod.is_empty() || rule.pod == place.pod);
        let Rule { answers, next, .. } = rules.iter_mut().find(fits).ok_or(SqlError::NotConfigured)?;
        let answer = answers.get(*next).or(answers.last()).ok_or(SqlError::NotConfigured)?;
        *next += 1;
        let place = place.to_string();
        match answer.clone() {
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

/// What is behind these locks stays sound even if a holder panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
