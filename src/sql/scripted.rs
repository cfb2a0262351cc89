//! Databases by a script, for rehearsals.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::{Backend, BackendId, Databases, Endable, Ending, Place, Rows, SqlError, SqlRequest};
use crate::cluster::SimCluster;
use crate::cluster::sim::Verb;
use crate::model::ObjectKey;
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
#[derive(Default)]
pub struct ScriptedDatabases {
    script: Script<About, Scripted>,
    sessions: Mutex<Vec<Session>>,
    /// `None`: whoever may be, is ended.
    endable: Mutex<Option<Endable>>,
    cluster: Mutex<Option<SimCluster>>,
}

/// A session of a client, which lasts until it is ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    pub pod: String,
    pub pid: i32,
    pub backend_start: String,
    pub does: Backend,
}

/// The kind by which faults speak of sessions that are ended, which is `create`.
const KIND: &str = "PostgreSQL";

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
        self.script.add(About { statement: statement.to_owned(), pod: pod.to_owned() }, answers);
    }

    /// Begins a session.
    pub fn begins(&self, session: Session) {
        lock(&self.sessions).push(session);
    }

    /// Those that are there now.
    pub fn sessions(&self) -> Vec<Session> {
        lock(&self.sessions).clone()
    }

    /// From now on only these are ended.
    pub fn ends_only(&self, endable: Endable) {
        *lock(&self.endable) = Some(endable);
    }

    /// Sessions that are ended stand among that cluster's writes, and its faults count for them.
    pub fn are_in(&self, cluster: &SimCluster) {
        *lock(&self.cluster) = Some(cluster.clone());
    }

    /// All that was asked, in order: `activity of db-0 in shop`.
    pub fn asked(&self) -> Vec<String> {
        self.script.asked()
    }
}

#[async_trait]
impl Databases for ScriptedDatabases {
    async fn rows(&self, request: &SqlRequest) -> Result<Rows, SqlError> {
        let SqlRequest { place, statement, limit, .. } = request;
        let is_about =
            |about: &About| about.statement == *statement && (about.pod.is_empty() || about.pod == place.pod);
        let answer = self.script.answer(format!("{statement} of {place}"), is_about);
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

    fn endable(&self) -> Endable {
        lock(&self.endable).clone().unwrap_or(Endable::Any)
    }

    async fn backend(&self, id: &BackendId) -> Result<Option<Backend>, SqlError> {
        Ok(lock(&self.sessions).iter().find(|session| is(session, id)).map(|session| session.does.clone()))
    }

    async fn end(&self, id: &BackendId, how: Ending) -> Result<bool, SqlError> {
        let cluster = lock(&self.cluster).clone();
        let lost = |_| SqlError::Away { place: id.place.to_string(), message: "the connection was lost".into() };
        if let Some(cluster) = &cluster {
            cluster.mishap_before(Verb::Create, KIND, &format!("end a session of {}", id.place)).map_err(lost)?;
        }
        let may = |session: &Session| {
            let Backend { backend_type, superuser, own, .. } = &session.does;
            is(session, id) && backend_type == "client backend" && !superuser && !own
        };
        let is_ended = match how {
            Ending::Terminate => {
                let mut sessions = lock(&self.sessions);
                let before = sessions.len();
                sessions.retain(|session| !may(session));
                sessions.len() < before
            }
            Ending::Cancel => match lock(&self.sessions).iter_mut().find(|session| may(session)) {
                Some(session) => {
                    session.does = Backend { state: "idle".into(), query_start: None, ..session.does.clone() };
                    true
                }
                None => false,
            },
        };
        if let (Some(cluster), true) = (&cluster, is_ended) {
            let what = if how == Ending::Cancel { "cancel" } else { "terminate" };
            cluster.made_elsewhere(KIND, &pod(&id.place), what).map_err(lost)?;
        }
        Ok(is_ended)
    }
}

fn is(session: &Session, id: &BackendId) -> bool {
    session.pod == id.place.pod && session.pid == id.pid && session.backend_start == id.backend_start
}

fn pod(place: &Place) -> ObjectKey {
    ObjectKey::new("Pod", &place.namespace, &place.pod)
}

/// What is behind these locks is replaced whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
