//! Sessions of clients: what one does, and how it is ended.

use std::time::Duration;

use serde::Deserialize;

use super::Place;

/// A session of a client, by what tells it apart from another one that has its number later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendId {
    pub place: Place,
    pub pid: i32,
    /// As PostgreSQL writes it, to the microsecond.
    pub backend_start: String,
    /// From the connection to the answer.
    pub timeout: Duration,
}

/// What a session is, and does.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Backend {
    pub user: String,
    pub database: String,
    pub application: String,
    /// `client backend`, `walsender`, `autovacuum worker`, ...
    pub backend_type: String,
    /// Its role is a superuser, or what it is cannot be seen.
    pub superuser: bool,
    /// It is of the role that asks.
    pub own: bool,
    /// `active`, `idle in transaction`, ...; empty: not shown.
    pub state: String,
    /// When its transaction began.
    pub transaction_start: Option<String>,
    pub transaction_seconds: Option<f64>,
    pub state_seconds: Option<f64>,
    /// When its last statement began.
    pub query_start: Option<String>,
    /// Without its literals.
    pub query: String,
}

/// How a session is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// What it does at this moment alone.
    Cancel,
    Terminate,
}

/// Whose sessions may be ended, where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Endable {
    /// Nobody's.
    #[default]
    Off,
    /// By each database its roles.
    Of(Vec<(String, Vec<String>)>),
    /// Each client's that is no superuser: in rehearsals.
    Any,
}

impl Endable {
    /// Why the sessions of that role in that database are left alone.
    pub fn why_not(&self, database: &str, user: &str) -> Option<String> {
        match self {
            Endable::Any => None,
            Endable::Off => {
                Some("`sql.terminate` of dogwatch.yaml names no database whose sessions may be ended".into())
            }
            Endable::Of(databases) => match databases.iter().find(|(name, _)| name == database) {
                None => Some(format!("`sql.terminate` of dogwatch.yaml does not name the database {database}")),
                Some((_, roles)) if !roles.iter().any(|role| role == user) => Some(format!(
                    "`sql.terminate` of dogwatch.yaml does not name the role {user} for the database {database}"
                )),
                Some(_) => None,
            },
        }
    }
}

macro_rules! of_one {
    ($what:literal, $more:literal) => {
        concat!(
            "select ",
            $what,
            " from pg_stat_activity a left join pg_roles r on r.rolname = a.usename \
             where a.pid = $1 and a.backend_start = ($2::text)::timestamptz",
            $more
        )
    };
}

/// What it is. Rights to see it are those of `pg_monitor`.
pub(super) const LOOK: &str = of_one!(
    r#"coalesce(a.usename, '') as "user", coalesce(a.datname, '') as database, coalesce(a.application_name, '') as application,
       coalesce(a.backend_type, '') as backend_type, coalesce(r.rolsuper, true) as superuser,
       coalesce(a.usename = current_user, true) as own, coalesce(a.state, '') as state, a.xact_start as transaction_start,
       extract(epoch from now() - a.xact_start)::float8 as transaction_seconds,
       extract(epoch from now() - a.state_change)::float8 as state_seconds, a.query_start,
       left(regexp_replace(coalesce(a.query, ''), '''(?:[^'']|'''')*''|\m\d+\M', '?', 'g'), 300) as query"#,
    ""
);

/// The same that [`LOOK`] tells is asked once more, in the statement that ends it.
pub(super) const CANCEL: &str = of_one!(
    "pg_cancel_backend(a.pid) as done",
    " and a.backend_type = 'client backend' and a.usename <> current_user and not coalesce(r.rolsuper, true)"
);

pub(super) const TERMINATE: &str = of_one!(
    "pg_terminate_backend(a.pid) as done",
    " and a.backend_type = 'client backend' and a.usename <> current_user and not coalesce(r.rolsuper, true)"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_ended_where_database_and_role_are_named() {
        let of = Endable::Of(vec![("orders".into(), vec!["app".into(), "report".into()])]);
        assert_eq!(of.why_not("orders", "app"), None);
        assert!(
            of.why_not("orders", "admin").is_some_and(|why| why.contains("the role admin for the database orders"))
        );
        assert!(of.why_not("billing", "app").is_some_and(|why| why.contains("the database billing")));
        assert!(Endable::default().why_not("orders", "app").is_some_and(|why| why.contains("names no database")));
    }
}
