//! What a step can do. One file for each action; adding one is a file, and a line in [`parse`].
//!
//! An action's struct holds its typed arguments as the playbook wrote them ([`Arg`]: a value or a template). A
//! [`Read`] looks; a [`Mutation`] decides on an absolute [`Intent`] first, and then makes exactly that change.

mod amounts;
pub mod deny;
mod doubt;
mod expand_plan;
mod field_owner;
mod holes;
mod jobs;
mod k8s_claim_owner;
mod k8s_create_job;
mod k8s_delete_job;
mod k8s_events;
mod k8s_expand_pvc;
mod k8s_get;
mod k8s_last_change;
mod k8s_list;
mod k8s_pods;
mod k8s_scale;
mod kinds;
mod objects;
mod other_bot;
mod prometheus_query;
mod registry;
mod replica_owner;
mod scale_plan;
#[cfg(test)]
pub(crate) mod tests;

use std::fmt::{self, Debug};
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};

pub use deny::Verb;
pub use kinds::{Kind, KindError};
pub use registry::{names, parse};

use crate::clock::Clock;
use crate::cluster::{Access, Cluster, ClusterError, Object};
use crate::language::{AnyArg, Arg, ArgError, Location, Scope, TemplateError};
use crate::model::{FailureClass, Intent, ObjectKey, RunId, StepAddress, Target};
use crate::prometheus::{Prometheus, QueryError};

/// The world that actions act on.
#[derive(Clone)]
pub struct World {
    pub cluster: Arc<dyn Cluster>,
    pub prometheus: Arc<dyn Prometheus>,
    pub clock: Arc<dyn Clock>,
}

/// What one step of one run is about.
#[derive(Debug, Clone, Copy)]
pub struct StepContext<'a> {
    pub run: RunMark<'a>,
    pub step: &'a StepAddress,
    /// What tells apart what this step creates from what other steps of the run do; `None`: it is the first that creates, whose
    /// names are those of the run.
    pub tag: Option<&'a str>,
    pub target: &'a Target,
    /// The target as it was read last; `None` when it is not there.
    pub object: Option<&'a Object>,
    pub scope: &'a Scope,
}

impl StepContext<'_> {
    /// The mark that this step leaves on what it changes, by which it is recognised after a crash:
    /// `dogwatch-run-3f9a1c2e-7-scale`. The same for all attempts, as it must be found again; within Kubernetes's 128 characters
    /// for field managers.
    pub fn marker(&self) -> String {
        format!("dogwatch-run-{}-{}", self.run, self.step.mark())
    }
}

/// A run's number, and whose number it is: with a new database they begin at 1 again, and a Job or a field that run 1 of the
/// last one left behind must not be taken for our own.
#[derive(Debug, Clone, Copy)]
pub struct RunMark<'a> {
    /// At most eight characters that a name may hold; empty: nobody counts beside us.
    pub database: &'a str,
    pub run: RunId,
}

impl fmt::Display for RunMark<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.database {
            "" => write!(f, "{}", self.run.0),
            database => write!(f, "{database}-{}", self.run.0),
        }
    }
}

/// What an action found or did.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// An object: its fields are what conditions and templates see under the step's id.
    pub value: Map<String, Value>,
    /// One line for people.
    pub summary: String,
}

impl Output {
    /// `fields` must be an object: anything else gives an output without fields.
    pub(crate) fn new(fields: Value, summary: impl Into<String>) -> Self {
        let value = match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        Self { value, summary: summary.into() }
    }
}

/// An action of any effect, as a playbook's step holds it.
#[derive(Debug)]
pub enum Action {
    Read(Box<dyn Read>),
    Mutate(Box<dyn Mutation>),
    /// A page or a notice.
    Tell(Box<Tell>),
}

impl Action {
    pub fn describe(&self) -> &dyn Describe {
        match self {
            Action::Read(read) => read.as_describe(),
            Action::Mutate(mutation) => mutation.as_describe(),
            Action::Tell(tell) => tell.as_ref(),
        }
    }
}

/// What is known about an action without running it.
pub trait Describe: Debug + Send + Sync {
    /// As playbooks write it: `k8s.scale`.
    fn name(&self) -> &'static str;

    /// All arguments, so that `dogwatch check` can look at their templates.
    fn args(&self) -> Vec<(&'static str, &dyn AnyArg)>;

    /// A contradiction between arguments: `by` and `to` both given.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// The PromQL that it asks, with a name in the place of each hole, and where it stands.
    fn query(&self) -> Option<(String, Location)> {
        None
    }

    /// The rights it needs on a target of that kind (namespaces are filled in by the caller).
    fn access(&self, target_kind: &str) -> Vec<Access>;

    /// The names of the output's fields, for the check of conditions; `None` where they depend on the data.
    fn output_fields(&self) -> Option<&'static [&'static str]> {
        None
    }

    /// The list in the output, and the names of the fields of its entries, where those are known.
    fn item_fields(&self) -> Option<(&'static str, &'static [&'static str])> {
        None
    }
}

/// An action that looks and changes nothing. It may be repeated at will.
#[async_trait]
pub trait Read: Describe {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError>;

    fn as_describe(&self) -> &dyn Describe;
}

/// An action that changes one object.
///
/// The order of calls: `prepare`, then the intent goes on the run's log, then `apply`. After a crash between the last
/// two, `doubt` is asked before anything else happens.
#[async_trait]
pub trait Mutation: Describe {
    /// What it does to the object of its intent: what [`deny`] is asked about.
    fn verb(&self) -> Verb;

    /// Reads what is there and decides what it should be. Changes nothing; may be repeated.
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError>;

    /// Makes the change, on the condition that the object is still as `prepare` saw it. Once for each attempt.
    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError>;

    /// Finds out whether `apply` of this intent took effect before a crash. Changes nothing; may be repeated.
    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError>;

    /// For which object it is done: what it is done to, unless that has another name each time.
    fn remedied(&self, intent: &Intent) -> ObjectKey {
        intent.object.clone()
    }

    fn as_describe(&self) -> &dyn Describe;
}

/// Decides what a mutation would do, and refuses what no playbook may do ([`deny`]). Changes nothing; may be repeated.
///
/// The only way to a plan: whoever calls [`Mutation::prepare`] himself has no leave to act on what it says.
pub async fn prepare(mutation: &dyn Mutation, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
    let plan = mutation.prepare(world, step).await?;
    if let Plan::Do(intent) = &plan {
        deny::check_intent(world, mutation.verb(), step.target, intent).await?;
    }
    Ok(plan)
}

/// What [`Mutation::prepare`] decided.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    Do(Intent),
    /// It is as wanted already.
    Unneeded(Output),
}

/// What [`Mutation::doubt`] found.
#[derive(Debug, Clone, PartialEq)]
pub enum Doubt {
    /// Still what was there before: make the change, on the condition of this refreshed intent.
    NotDone(Intent),
    /// The wanted value, with our mark.
    Done(Output),
    /// Neither: somebody else changed it too. A human decides.
    Unclear(String),
}

/// A page or a notice: no cluster is asked; the engine puts it into the outbox.
#[derive(Debug)]
pub struct Tell {
    /// `true`: must be acknowledged.
    pub page: bool,
    /// `None`: the playbook's owner.
    pub team: Option<Arg<String>>,
    pub message: Arg<String>,
}

impl Describe for Tell {
    fn name(&self) -> &'static str {
        if self.page { "page" } else { "notice" }
    }

    fn args(&self) -> Vec<(&'static str, &dyn AnyArg)> {
        vec![("team", &self.team), ("message", &self.message)]
    }

    fn access(&self, _target_kind: &str) -> Vec<Access> {
        Vec::new()
    }
}

/// Why an action did not do it. The message says what failed, on what, and the next move.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ActionError {
    pub class: FailureClass,
    pub message: String,
}

impl ActionError {
    pub fn fail(message: impl Into<String>) -> Self {
        Self { class: FailureClass::Fail, message: message.into() }
    }

    pub fn retry(message: impl Into<String>) -> Self {
        Self { class: FailureClass::Retry, message: message.into() }
    }

    pub fn needs_human(message: impl Into<String>) -> Self {
        Self { class: FailureClass::NeedsHuman, message: message.into() }
    }
}

impl From<ClusterError> for ActionError {
    fn from(error: ClusterError) -> Self {
        let class = if error.is_transient() { FailureClass::Retry } else { FailureClass::Fail };
        Self { class, message: error.to_string() }
    }
}

impl From<QueryError> for ActionError {
    fn from(error: QueryError) -> Self {
        let class = match error {
            QueryError::Unavailable(_) => FailureClass::Retry,
            // What is missing or was not scraped will hardly be there within the minute for which a
            // read is tried again.
            QueryError::Refused { .. }
            | QueryError::NotConfigured
            | QueryError::Partial { .. }
            | QueryError::Stale { .. } => FailureClass::Fail,
        };
        Self { class, message: error.to_string() }
    }
}

impl From<ArgError> for ActionError {
    fn from(error: ArgError) -> Self {
        Self::fail(error.to_string())
    }
}

impl From<TemplateError> for ActionError {
    fn from(error: TemplateError) -> Self {
        Self::fail(error.to_string())
    }
}
