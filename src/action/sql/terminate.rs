//! `sql.terminate`: a session that keeps others waiting is ended.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::query::place;
use crate::action::amounts::Flag;
use crate::action::masked::masked_text;
use crate::action::typed::{Arguments as _, OrNull, Typed, arguments, output};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    StepContext, World,
};
use crate::cluster::Object;
use crate::language::Arg;
use crate::model::{Autonomy, HumanDuration, Intent, ObjectKey};
use crate::sql::{Backend, BackendId, Endable, Ending, SqlError};

arguments! {
    pub(in crate::action) struct SqlTerminate {
        /// The number of the session's process: `"{{activity.rows.[0].pid}}"`
        pid: Arg<Pid>,
        /// When it began, as PostgreSQL writes it: `"{{activity.rows.[0].backend_start}}"`. Another
        /// session that has the number by now is left alone
        backend_start: Arg<String>,
        /// In which pod of the target's namespace. Left out: the target, a pod
        pod: Option<Arg<String>>,
        /// Whether only the statement that it runs is cancelled, and the session goes on
        cancel: Option<Arg<Flag>> = "false",
        /// It is ended only where it has been idle in a transaction for so long. With it, a playbook
        /// may do it alone
        idle_longer_than: Option<Arg<HumanDuration>>,
    }
}

output! {
    pub(in crate::action) struct Ended {
        /// The number of its process
        pid: i64,
        /// Its role
        user: String,
        /// The database that it was in
        database: String,
        /// What the client calls itself
        application: String,
        /// What it did: `active`, `idle in transaction`
        state: String,
        /// Its last statement, without literals and cut at 300 characters
        query: String,
        /// How long its transaction had lasted when it was ended, in seconds; null where there was
        /// none, or it is not known
        transaction_seconds: OrNull<f64>,
    }
}

/// The number of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::action) struct Pid(i32);

impl Typed for Pid {
    const WORDS: &'static str = "integer";
}

impl FromStr for Pid {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pid = text.trim().parse().ok().filter(|pid| *pid > 0);
        let shown: String = text.chars().take(40).collect();
        pid.map(Self).ok_or_else(|| format!("`{shown}` is no number of a process"))
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How long PostgreSQL may take to answer.
const WITHIN: Duration = Duration::from_secs(5);

impl Declared for SqlTerminate {
    const DECLARATION: Declaration = Declaration {
        name: "sql.terminate",
        summary: "Ends a session of a client in PostgreSQL, or what it does",
        effect: Effect::Mutates(ChangeKind::Cluster),
        about: "Off until `sql.terminate` of dogwatch.yaml names databases, and for each the roles whose sessions may be ended; `sql.user` \
            must be a member of `pg_signal_backend` beside `pg_monitor`. One statement asks whether process number and beginning are \
            those of a client's session, and ends it (`pg_terminate_backend`): its transaction is rolled back, and the client is told. \
            `cancel: true` ends the statement that it runs alone (`pg_cancel_backend`): to cancel first and end later, write two steps. \
            Without `idle_longer_than`, `autonomy` is `approve` at the most. A session that is gone needs nothing: that is no error.",
        errors: "Never a superuser's session, one of `sql.user`, replication (walsender), or an autovacuum, also not one that prevents a \
            wraparound: a human is needed. So is one for a role or a database that `sql.terminate` does not name, for one that is not \
            idle in a transaction as long as `idle_longer_than` says, with `cancel` for one that runs no statement, and where it does \
            something else than was shown. PostgreSQL that does not answer, or refuses.",
        repeated: "A session that is gone is gone. After a crash, one that is still there is ended then; who has its number later is \
            another one.",
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Ended::FIELDS,
        rights: &[
            Right::on_target(&["get"]),
            Right::on_kind(Kind::POD, &["get"]),
            Right::on_kind(Kind::NAMESPACE, &["get"]),
        ],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: blocking
  sql.query: { statement: blocking, pod: db-0 }
- id: end
  sql.terminate:
    pod: db-0
    pid: \"{{blocking.rows.[0].pid}}\"
    backend_start: \"{{blocking.rows.[0].backend_start}}\"
    idle_longer_than: 10m
  verify: { query: blocking, until: count == 0, within: 2m }
",
    };

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        let cancels = self.cancel.as_ref().and_then(Arg::literal).is_some_and(|cancel| cancel.0);
        if cancels && self.idle_longer_than.is_some() {
            return Err("`cancel: true` ends a statement, and one that is idle in a transaction runs none".into());
        }
        let bound = self.idle_longer_than.as_ref().map(|bound| bound.literal());
        match bound {
            Some(None) => Err("`idle_longer_than` must be written out: by it, a playbook may do this alone".into()),
            Some(Some(bound)) if bound.0 < LEAST_IDLE => {
                Err(format!("`idle_longer_than: {bound}` is less than {}", HumanDuration(LEAST_IDLE)))
            }
            _ => Ok(()),
        }
    }

    fn most_autonomy(&self) -> Autonomy {
        if self.idle_longer_than.is_some() { Autonomy::Auto } else { Autonomy::Approve }
    }
}

/// Whoever is away for less may be at work.
const LEAST_IDLE: Duration = Duration::from_secs(60);

/// What was asked for.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    how: Ending,
    idle_longer_than: Option<Duration>,
}

#[async_trait]
impl Mutation for SqlTerminate {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let key = match &self.pod {
            Some(pod) => ObjectKey::new("Pod", &step.target.namespace, &pod.resolve(step.scope)?),
            None if step.target.is_a("Pod") => step.target.clone(),
            None => {
                let message = format!("{} is no Pod: write in which pod PostgreSQL is asked, with `pod`", step.target);
                return Err(ActionError::fail(message));
            }
        };
        let pod = world.cluster.get(&key).await?;
        let pod = pod.ok_or_else(|| ActionError::fail(format!("{key} is not there")))?;
        let (pid, backend_start) = (self.pid.resolve(step.scope)?.0, self.backend_start.resolve(step.scope)?);
        let how = if self.cancel(step.scope)?.0 { Ending::Cancel } else { Ending::Terminate };
        let idle_longer_than = self.idle_longer_than.as_ref().map(|bound| bound.resolve(step.scope)).transpose()?;
        let wanted = Wanted { how, idle_longer_than: idle_longer_than.map(|bound| bound.0) };
        let id = BackendId { place: place(&pod), pid, backend_start, timeout: WITHIN };
        let found = world.databases.backend(&id).await?;
        plan(&pod, &id, found.as_ref(), &world.databases.endable(), wanted, step.marker())
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        if dry_run {
            return Err(ActionError::fail("PostgreSQL does not support dry run"));
        }
        let (pod, id) = the_same(world, intent).await?;
        let wanted = wanted(intent);
        let found = world.databases.backend(&id).await?;
        match plan(&pod, &id, found.as_ref(), &world.databases.endable(), wanted, intent.marker.clone())? {
            Plan::Do(now) if now.before == intent.before => {}
            Plan::Do(now) => {
                let message =
                    format!("nothing was sent: it was to be {}, and now it would be {}", intent.summary, now.summary);
                return Err(ActionError::held_up(message));
            }
            Plan::Unneeded(output) => return Ok(output),
        }
        let seconds = found.and_then(|found| found.transaction_seconds);
        match world.databases.end(&id, wanted.how).await {
            Ok(_) => Ok(output(intent, seconds, intent.summary.clone())),
            Err(error @ SqlError::MayNotEnd { .. }) => Err(ActionError::needs_human(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        let (pod, id) = match the_same(world, intent).await {
            Ok(same) => same,
            Err(error) if error.class == crate::model::FailureClass::Retry => return Err(error),
            // The database went, and its sessions with it.
            Err(error) => return Ok(Doubt::Unclear(error.message)),
        };
        let wanted = wanted(intent);
        let found = world.databases.backend(&id).await?;
        let is_over = match (&found, wanted.how) {
            (None, _) => true,
            (Some(found), Ending::Cancel) => before(found) != intent.before.get("session").cloned().unwrap_or_default(),
            (Some(_), Ending::Terminate) => false,
        };
        if is_over {
            let what = if found.is_none() { "is gone" } else { "does something else by now" };
            let summary = format!("the session {} {what}; whether by this run cannot be told", id.pid);
            return Ok(Doubt::Done(output(intent, None, summary)));
        }
        Ok(match plan(&pod, &id, found.as_ref(), &world.databases.endable(), wanted, intent.marker.clone()) {
            Ok(Plan::Do(intent)) => Doubt::NotDone(intent),
            Ok(Plan::Unneeded(output)) => Doubt::Done(output),
            Err(error) => Doubt::Unclear(error.message),
        })
    }
}

/// The pod and the session that were decided on.
async fn the_same(world: &World, intent: &Intent) -> Result<(Object, BackendId), ActionError> {
    let pod = world.cluster.get(&intent.object).await?;
    let pod = pod.filter(|pod| pod.uid() == intent.uid && !pod.is_going()).ok_or_else(|| {
        ActionError::held_up(format!("{} is gone, or was replaced by another one of that name", intent.object))
    })?;
    let number = intent.before.get("pid").and_then(Value::as_i64).and_then(|pid| i32::try_from(pid).ok());
    let pid = number.ok_or_else(|| ActionError::fail("the intent names no process"))?;
    let backend_start = text(&intent.before, "backend start").to_owned();
    let id = BackendId { place: place(&pod), pid, backend_start, timeout: WITHIN };
    Ok((pod, id))
}

fn wanted(intent: &Intent) -> Wanted {
    let how = if text(&intent.after, "ends") == "statement" { Ending::Cancel } else { Ending::Terminate };
    let seconds = intent.after.get("idle at least").and_then(Value::as_u64);
    Wanted { how, idle_longer_than: seconds.map(Duration::from_secs) }
}

fn plan(
    pod: &Object,
    id: &BackendId,
    found: Option<&Backend>,
    endable: &Endable,
    wanted: Wanted,
    marker: String,
) -> Result<Plan, ActionError> {
    let what = format!("the session {} of {}", id.pid, id.place);
    let Some(found) = found else {
        let ended = ended(id.pid, &Value::Null, None);
        return Ok(Plan::Unneeded(Output::new(&ended, format!("{what} is gone"))));
    };
    if let Some(why) = why_never(found).or_else(|| endable.why_not(&found.database, &found.user)) {
        return Err(ActionError::needs_human(format!("{what} is not ended: {why}")));
    }
    if let Some(why) = why_not_now(found, wanted) {
        return Err(ActionError::needs_human(format!("{what} is not ended: {why}")));
    }
    let session = before(found);
    let verb = match wanted.how {
        Ending::Cancel => "cancel what",
        Ending::Terminate => "end",
    };
    let does = if wanted.how == Ending::Cancel { " does" } else { "" };
    let (user, database) = (text(&session, "user"), text(&session, "database"));
    let summary =
        format!("{verb} {what}{does} ({user} in {database}, {}): {}", text(&session, "state"), text(&session, "query"));
    let after = json!({
        "ends": if wanted.how == Ending::Cancel { "statement" } else { "session" },
        "idle at least": wanted.idle_longer_than.map(|bound| bound.as_secs()),
    });
    Ok(Plan::Do(Intent {
        summary,
        object: pod.key(),
        uid: pod.uid().to_owned(),
        resource_version: pod.resource_version().to_owned(),
        before: json!({ "pid": id.pid, "backend start": id.backend_start, "session": session }),
        after,
        marker,
    }))
}

/// Why nobody's yes is enough.
fn why_never(found: &Backend) -> Option<String> {
    match found.backend_type.as_str() {
        "client backend" if found.own => Some("it is of the bot's own role".into()),
        "client backend" if found.superuser => Some("it is a superuser's".into()),
        "client backend" => None,
        "walsender" => Some("it is a replica's or a subscriber's".into()),
        "autovacuum worker" | "autovacuum launcher" => {
            Some("it is an autovacuum, which may keep the database from a wraparound".into())
        }
        "" => Some("what it is cannot be seen; `sql.user` must be a member of `pg_monitor`".into()),
        other => Some(format!("it is PostgreSQL's own ({})", masked_text(other))),
    }
}

fn why_not_now(found: &Backend, wanted: Wanted) -> Option<String> {
    if wanted.how == Ending::Cancel && found.state != "active" {
        return Some(format!("it runs no statement that could be cancelled ({})", found.state));
    }
    let bound = wanted.idle_longer_than?;
    if !found.state.starts_with("idle in transaction") {
        return Some(format!("it is not idle in a transaction ({})", found.state));
    }
    let is_long = found.state_seconds.is_some_and(|seconds| seconds >= bound.as_secs_f64());
    (!is_long).then(|| format!("it has not been idle in its transaction for {}", HumanDuration(bound)))
}

/// What the session is and does, masked: as long as nothing of it changes, it does the same.
fn before(found: &Backend) -> Value {
    json!({
        "user": masked_text(&found.user),
        "database": masked_text(&found.database),
        "application": masked_text(&found.application),
        "state": found.state,
        "query": masked_text(&found.query),
        "query start": found.query_start,
    })
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn ended(pid: i32, session: &Value, seconds: Option<f64>) -> Ended {
    let text = |field: &str| text(session, field).to_owned();
    Ended {
        pid: pid.into(),
        user: text("user"),
        database: text("database"),
        application: text("application"),
        state: text("state"),
        query: text("query"),
        transaction_seconds: OrNull(seconds),
    }
}

fn output(intent: &Intent, seconds: Option<f64>, summary: String) -> Output {
    let pid = intent.before.get("pid").and_then(Value::as_i64).and_then(|pid| i32::try_from(pid).ok());
    let session = intent.before.get("session").cloned().unwrap_or_default();
    Output::new(&ended(pid.unwrap_or_default(), &session, seconds), summary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::sim::build;
    use crate::model::FailureClass;

    fn session() -> Backend {
        Backend {
            user: "app".into(),
            database: "orders".into(),
            application: "checkout".into(),
            backend_type: "client backend".into(),
            state: "idle in transaction".into(),
            transaction_seconds: Some(1_300.5),
            state_seconds: Some(1_200.0),
            query: "update orders set card = ? where id = ?".into(),
            ..Backend::default()
        }
    }

    fn decide(found: Option<Backend>, endable: &Endable, wanted: Wanted) -> Result<Plan, ActionError> {
        let pod = build::pod("shop", "db-0", "db");
        let id = BackendId { place: place(&pod), pid: 4711, backend_start: "t".into(), timeout: WITHIN };
        plan(&pod, &id, found.as_ref(), endable, wanted, "m".into())
    }

    const END: Wanted = Wanted { how: Ending::Terminate, idle_longer_than: None };

    #[test]
    fn a_session_of_a_role_that_is_named_is_ended() {
        let endable = Endable::Of(vec![("orders".into(), vec!["app".into()])]);
        let Ok(Plan::Do(intent)) = decide(Some(session()), &endable, END) else { panic!() };
        assert_eq!(
            intent.summary,
            "end the session 4711 of db-0 in shop (app in orders, idle in transaction): update orders set card = ? where id = ?"
        );
        assert!(matches!(decide(None, &endable, END), Ok(Plan::Unneeded(_))));
        let other = decide(Some(Backend { user: "admin".into(), ..session() }), &endable, END).unwrap_err();
        assert!(other.message.contains("does not name the role admin"), "{other}");
        let off = decide(Some(session()), &Endable::Off, END).unwrap_err();
        assert_eq!(off.class, FailureClass::NeedsHuman);
    }

    #[test]
    fn what_keeps_the_database_alive_is_never_ended() {
        let of = |backend_type: &str| Backend { backend_type: backend_type.into(), ..session() };
        for (found, told) in [
            (Backend { superuser: true, ..session() }, "a superuser's"),
            (Backend { own: true, ..session() }, "the bot's own role"),
            (of("walsender"), "a replica's or a subscriber's"),
            (of("autovacuum worker"), "from a wraparound"),
            (of("checkpointer"), "PostgreSQL's own (checkpointer)"),
            (of(""), "cannot be seen"),
        ] {
            let error = decide(Some(found), &Endable::Any, END).unwrap_err();
            assert!(error.class == FailureClass::NeedsHuman && error.message.contains(told), "{error:?}: {told}");
        }
    }

    #[test]
    fn alone_only_what_has_been_idle_for_long_is_ended() {
        let longer = |seconds: u64| Wanted { idle_longer_than: Some(Duration::from_secs(seconds)), ..END };
        assert!(matches!(decide(Some(session()), &Endable::Any, longer(1_200)), Ok(Plan::Do(_))));
        let aborted = Backend { state: "idle in transaction (aborted)".into(), ..session() };
        assert!(matches!(decide(Some(aborted), &Endable::Any, longer(600)), Ok(Plan::Do(_))));
        let refused = |found: Backend, wanted: Wanted| decide(Some(found), &Endable::Any, wanted).unwrap_err().message;
        assert!(refused(session(), longer(1_201)).contains("has not been idle in its transaction for 20m1s"));
        let active = || Backend { state: "active".into(), ..session() };
        assert!(refused(active(), longer(60)).contains("it is not idle in a transaction (active)"));
        let cancel = Wanted { how: Ending::Cancel, idle_longer_than: None };
        assert!(refused(session(), cancel).contains("runs no statement that could be cancelled"));
        let Ok(Plan::Do(intent)) = decide(Some(active()), &Endable::Any, cancel) else { panic!() };
        assert!(
            intent.summary.starts_with("cancel what the session 4711 of db-0 in shop does (app in orders, active)")
        );
    }
}
