//! A Kubernetes cluster in memory, for rehearsals and tests.
//!
//! It keeps any object as the API server would, custom resources too, held to the schema of their
//! definition if there is one: merge patches, conflicts, UIDs, versions, field managers, admission,
//! strict validation. Small controllers do the rest: scaled workloads get their pods, claims bind
//! and grow, Jobs run, what is owned goes with its owner. Time is the [`Clock`]'s:
//! [`SimCluster::turn`] does what is due, and so does each request. What it leaves out: nodes that
//! fail, resources that run short, quotas of anything but storage, statuses of disruption budgets,
//! CronJobs that tick, autoscalers that act, DaemonSets that start pods.

mod admission;
pub mod build;
mod controllers;
mod custom;
mod defaults;
mod deletion;
mod eviction;
mod exec;
mod fault;
mod load;
mod logs;
mod managers;
mod objects;
mod paths;
mod requests;
mod schema;
mod selector;
mod shape;
mod state;
mod structure;
#[cfg(test)]
mod tests;
mod time;
mod user;
mod write;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

pub use exec::{ContainerProgram, ProgramEnd, ProgramFault};
pub use fault::{Fault, Verb};
pub use logs::ContainerLog;

use self::custom::in_version;
use self::managers::Writer;
use self::state::State;
use super::merge::merge;
use super::{
    Access, Cluster, ClusterError, Delete, Evict, ExecQuery, Executed, Kind, KindName, Kinds, ListQuery, Log, LogQuery,
    Object, Patch,
};
use crate::clock::Clock;
use crate::model::ObjectKey;

/// A simulated cluster. Clones are the same cluster.
#[derive(Clone)]
pub struct SimCluster {
    world: Arc<Simulation>,
    kinds: Arc<Kinds>,
    /// What this user may do; `None`: everything.
    granted: Option<Arc<[Access]>>,
}

struct Simulation {
    clock: Arc<dyn Clock>,
    /// When it came to be, by the clock's time and by its monotonic one: nobody sets a cluster's
    /// own clock.
    born_at: DateTime<Utc>,
    born: Duration,
    state: Mutex<State>,
    writes: Mutex<Vec<Write>>,
}

impl Simulation {
    fn now(&self) -> DateTime<Utc> {
        self.born_at + self.clock.monotonic().saturating_sub(self.born)
    }
}

/// A write that was asked for through [`Cluster`], and accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    pub verb: Verb,
    pub key: ObjectKey,
    /// `scale` or `status`; empty for the object itself.
    pub subresource: String,
    /// The merge patch, or the new object; null for a deletion.
    pub body: Value,
    /// Empty for a deletion.
    pub field_manager: String,
    pub at: DateTime<Utc>,
    pub dry_run: bool,
}

impl SimCluster {
    /// A cluster with the namespaces `default` and `kube-system`, and nothing else.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let cluster = Self::empty(clock);
        cluster.enter().need_usual_namespaces();
        cluster
    }

    fn empty(clock: Arc<dyn Clock>) -> Self {
        let (born_at, born) = (clock.now(), clock.monotonic());
        let state = State::new(born_at);
        let kinds = state.kinds.clone();
        let world = Simulation { clock, born_at, born, state: Mutex::new(state), writes: Mutex::default() };
        Self { world: Arc::new(world), kinds, granted: None }
    }

    /// A cluster in which these objects have been for a while: [`Self::load`].
    ///
    /// # Errors
    /// Those of [`Self::load`].
    pub fn from_objects(clock: Arc<dyn Clock>, objects: Vec<Object>) -> Result<Self, ClusterError> {
        Self::of_kinds(clock, [], objects)
    }

    /// As [`Self::from_objects`], where these kinds are known: [`Self::knows`].
    ///
    /// # Errors
    /// Those of [`Self::load`].
    pub fn of_kinds(
        clock: Arc<dyn Clock>,
        kinds: impl IntoIterator<Item = &'static Kind>,
        objects: Vec<Object>,
    ) -> Result<Self, ClusterError> {
        // The usual namespaces may be among them, annotated.
        let cluster = Self::empty(clock);
        cluster.knows(kinds);
        cluster.load(objects)?;
        cluster.enter().need_usual_namespaces();
        Ok(cluster)
    }

    /// Takes objects of these kinds from now on, without a schema; a definition of one counts
    /// instead.
    pub fn knows(&self, kinds: impl IntoIterator<Item = &'static Kind>) {
        let state = self.enter();
        kinds.into_iter().for_each(|kind| state.custom.loose.add(kind));
    }

    /// Puts in objects as they are, statuses and field managers included, and what belongs to them and was not given:
    /// namespaces, and the pods of workloads, as many of them ready as the status says. Owners may be given without
    /// UIDs. Nobody is on record as the manager of what is given without `managedFields`.
    ///
    /// # Errors
    /// A kind that is not known, a name that is none or is there already, a shape that is no object's. Those that were
    /// put in before it stay.
    pub fn load(&self, objects: Vec<Object>) -> Result<(), ClusterError> {
        self.enter().load_all(objects)
    }

    /// Does all that is due by now, each thing at its time, and says when the next one is due.
    pub fn turn(&self) -> Option<DateTime<Utc>> {
        let now = self.world.now();
        let next = self.lock().run(now)?;
        Some(self.world.clock.now() + (next - now))
    }

    /// The object, as [`Cluster::get`] gives it, whatever goes wrong.
    pub fn object(&self, key: &ObjectKey) -> Option<Object> {
        self.enter().object(key)
    }

    /// All objects of a kind, in the order of their names; an empty namespace stands for all.
    pub fn objects(&self, kind: &str, namespace: &str) -> Vec<Object> {
        let state = self.enter();
        state.objects.of_kind(kind, namespace).into_iter().filter_map(|id| state.objects.object(id)).collect()
    }

    /// Creates the object as an administrator, or makes the one that is there match it. Its namespace is made if need be.
    ///
    /// # Errors
    /// What the API server would refuse.
    pub fn apply(&self, object: &Object, manager: &str) -> Result<Object, ClusterError> {
        let key = object.key();
        let mut state = self.enter();
        let kind = state.kind(&key.kind)?;
        state.need_namespace(&key.namespace);
        match state.object(&key) {
            None => state.create(kind, object, manager, false),
            Some(there) => state.patch(&Patch {
                key,
                subresource: None,
                body: object.as_new().0,
                uid: there.uid().to_owned(),
                resource_version: None,
                field_manager: manager.to_owned(),
                dry_run: false,
            }),
        }
    }

    /// Changes the object by a merge patch as somebody who may write everything, its status too, and whom nothing stops.
    ///
    /// # Errors
    /// The object is not there, or would be none any more.
    pub fn change(&self, key: &ObjectKey, patch: &Value, manager: &str) -> Result<Object, ClusterError> {
        let mut state = self.enter();
        let absent = || ClusterError::NotFound(key.to_string());
        let id = state.objects.find(&key.kind, &key.namespace, &key.name).ok_or_else(absent)?;
        let mut changed = state.objects.value(id);
        merge(&mut changed, patch);
        if let Some(message) = shape::misshapen(&changed) {
            return Err(ClusterError::Refused { what: format!("change {key}"), message });
        }
        let writer = Writer { manager, subresource: "" };
        state.as_user(|state| state.change(id, writer, |object| *object = changed));
        state.objects.object(id).ok_or_else(absent)
    }

    /// Deletes the object as an administrator, and all that it owns after it. Nothing happens when it is not there.
    pub fn remove(&self, key: &ObjectKey) {
        let mut state = self.enter();
        if let Some(id) = state.objects.find(&key.kind, &key.namespace, &key.name) {
            state.as_user(|state| state.delete(id, false));
        }
    }

    /// Lets something go wrong from now on.
    pub fn fault(&self, fault: Fault) {
        self.enter().begin_fault(fault);
    }

    /// What goes wrong now, each with the times that are left.
    pub fn faults(&self) -> Vec<Fault> {
        self.enter().faults.standing().to_vec()
    }

    /// What goes wrong with a request to something else than the API server, such as Patroni,
    /// before it has any effect.
    ///
    /// # Errors
    /// The fault.
    pub fn mishap_before(&self, verb: Verb, of: &str, what: &str) -> Result<(), ClusterError> {
        self.enter().faults.before(verb, of, what, "", false)
    }

    /// A change of `key` that was made by a request to something else than the API server,
    /// `subresource` says which. It stands among [`Self::writes`].
    ///
    /// # Errors
    /// The answer is lost.
    pub fn made_elsewhere(&self, of: &str, key: &ObjectKey, subresource: &str) -> Result<(), ClusterError> {
        let mut state = self.enter();
        self.note(Write {
            verb: Verb::Create,
            key: key.clone(),
            subresource: subresource.to_owned(),
            body: json!(null),
            field_manager: String::new(),
            at: state.now,
            dry_run: false,
        });
        state.faults.after(Verb::Create, of, &format!("{subresource} {key}"), false)
    }

    /// Ends a fault.
    pub fn heal(&self, fault: &Fault) {
        self.enter().end_fault(fault);
    }

    /// How long the pods of Jobs run from now on; 30 seconds if nobody says otherwise.
    pub fn jobs_take(&self, duration: Duration) {
        self.enter().job_duration = duration;
    }

    /// What was written through [`Cluster`], in order: tries without effect (`dry_run`) too, refusals not.
    pub fn writes(&self) -> Vec<Write> {
        self.world.writes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same cluster, for a user who has these rights alone.
    pub fn restricted(&self, granted: Vec<Access>) -> Self {
        Self { granted: Some(granted.into()), ..self.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in a test that held the lock says what is wrong better than a poisoned lock.
        self.world.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state as it is now.
    fn enter(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        state.run(self.world.now());
        state
    }

    fn note(&self, mutation: Write) {
        self.world.writes.lock().unwrap_or_else(PoisonError::into_inner).push(mutation);
    }
}

#[async_trait]
impl Cluster for SimCluster {
    async fn get(&self, key: &ObjectKey) -> Result<Option<Object>, ClusterError> {
        let (state, kind) = self.admit(Verb::Get, "", key, false)?;
        Ok(state.object(key).map(|object| in_version(object, kind)))
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<Object>, ClusterError> {
        let (state, kind) = self.admit(Verb::List, "", &ObjectKey::new(&query.kind, &query.namespace, ""), false)?;
        state.list(kind, query).map(|found| found.into_iter().map(|object| in_version(object, kind)).collect())
    }

    async fn logs(&self, query: &LogQuery) -> Result<Log, ClusterError> {
        self.read_log(query)
    }

    async fn exec(&self, query: &ExecQuery) -> Result<Executed, ClusterError> {
        self.run_program(query)
    }

    async fn patch(&self, patch: &Patch) -> Result<Object, ClusterError> {
        let subresource = patch.subresource.unwrap_or_default();
        let (mut state, kind) = self.admit(Verb::Patch, subresource, &patch.key, patch.dry_run)?;
        let patched = state.patch(patch)?;
        self.note(Write {
            verb: Verb::Patch,
            key: patch.key.clone(),
            subresource: subresource.to_owned(),
            body: patch.body.clone(),
            field_manager: patch.field_manager.clone(),
            at: state.now,
            dry_run: patch.dry_run,
        });
        state.faults.after(Verb::Patch, kind.id, &format!("patch {}", patch.key), patch.dry_run)?;
        Ok(in_version(patched, kind))
    }

    async fn create(&self, object: &Object, field_manager: &str, dry_run: bool) -> Result<Object, ClusterError> {
        let key = object.key();
        let (mut state, kind) = self.admit(Verb::Create, "", &key, dry_run)?;
        let created = state.create(kind, object, field_manager, dry_run)?;
        let what = format!("create {key}");
        self.note(Write {
            verb: Verb::Create,
            key,
            subresource: String::new(),
            body: object.0.clone(),
            field_manager: field_manager.to_owned(),
            at: state.now,
            dry_run,
        });
        state.faults.after(Verb::Create, kind.id, &what, dry_run)?;
        Ok(created)
    }

    async fn delete(&self, delete: &Delete) -> Result<(), ClusterError> {
        let (mut state, kind) = self.admit(Verb::Delete, "", &delete.key, delete.dry_run)?;
        state.erase(delete)?;
        self.note(Write {
            verb: Verb::Delete,
            key: delete.key.clone(),
            subresource: String::new(),
            body: json!(null),
            field_manager: String::new(),
            at: state.now,
            dry_run: delete.dry_run,
        });
        state.faults.after(Verb::Delete, kind.id, &format!("delete {}", delete.key), delete.dry_run)
    }

    async fn evict(&self, evict: &Evict) -> Result<(), ClusterError> {
        self.evict_pod(evict)
    }

    async fn allowed(&self, access: &Access) -> Result<bool, ClusterError> {
        let state = self.enter();
        let mut kinds = Kind::all().iter().chain(self.kinds.custom());
        let kind = kinds.find(|kind| kind.plural == access.resource && kind.group == access.group);
        let verbs = [Verb::Get, Verb::List, Verb::Patch, Verb::Create, Verb::Delete];
        let verb = verbs.into_iter().find(|verb| verb.as_str() == access.verb);
        let is_taken = kind.zip(verb).is_some_and(|(kind, verb)| state.faults.is_forbidden(verb, kind.id));
        Ok(self.may(access) && !is_taken)
    }

    async fn kind(&self, name: &KindName) -> Result<&'static Kind, ClusterError> {
        let mut state = self.enter();
        if name.built_in().is_none() {
            state.faults.before(Verb::Get, name.as_str(), &format!("ask for the kind {name}"), "", false)?;
        }
        state.kind(name.as_str())
    }

    fn kinds(&self) -> Arc<Kinds> {
        self.kinds.clone()
    }

    async fn version(&self) -> Result<String, ClusterError> {
        self.enter().faults.before(Verb::Get, "", "ask for its version", "", false)?;
        Ok("v1.35.4+simulated".into())
    }
}
