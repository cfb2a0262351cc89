//! What a step can do. One file for each action, or one folder; adding one is a file, and a line in
//! `registry.rs`.
//!
//! An action's struct holds its typed arguments as the playbook wrote them
//! ([`Arg`](crate::language::Arg): a value or a template). Its [`Declaration`] says all that is
//! known of it without running it. A [`Read`] looks; a [`Mutation`] decides on an absolute
//! [`Intent`] first, and then makes exactly that change.

mod alertmanager;
mod amounts;
mod body;
mod certmanager;
pub mod command;
mod declaration;
mod describe;
mod dns;
mod error;
mod history;
mod holes;
mod http;
mod k8s;
mod kinds;
mod mark;
mod masked;
mod net;
mod patience;
mod patroni;
mod pgbackrest;
mod plan;
mod prometheus;
mod registry;
mod sql;
mod tcp;
mod tell;
#[cfg(test)]
pub(crate) mod tests;
mod tls;
mod typed;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};

pub use command::{Commands, Word};
use declaration::AT_WILL;
pub use declaration::{Argument, Declaration, Effect, Field, Named, On, Right};
pub use describe::{Declared, Describe};
pub use error::ActionError;
pub use history::{Past, ScriptedPast};
pub use k8s::deny::{self, ChangeKind};
pub use k8s::field_path::FieldPath;
pub use k8s::patch::{ConfigMapKey, PatchField, Patchable, why_never};
pub use k8s::set_image::Image;
pub use kinds::Kind;
use mark::MARK;
pub use mark::RunMark;
pub use plan::{Doubt, Plan};
pub use registry::{declarations, names, parse};
pub use tell::Tell;
pub use typed::{Arguments, Fields};

use crate::alertmanager::Alerts;
use crate::clock::Clock;
use crate::cluster::{Cluster, Object};
use crate::language::Scope;
use crate::model::{Intent, ObjectKey, StepAddress, Target};
use crate::network::Network;
use crate::patroni::Patroni;
use crate::prometheus::Prometheus;
use crate::sql::Databases;
use crate::web::Web;

/// The world that actions act on.
#[derive(Clone)]
pub struct World {
    pub cluster: Arc<dyn Cluster>,
    pub prometheus: Arc<dyn Prometheus>,
    pub patroni: Arc<dyn Patroni>,
    pub web: Arc<dyn Web>,
    pub network: Arc<dyn Network>,
    pub databases: Arc<dyn Databases>,
    pub alertmanager: Arc<dyn Alerts>,
    /// What the bot did before.
    pub past: Arc<dyn Past>,
    pub clock: Arc<dyn Clock>,
    /// What the configuration of the bot lets actions change beyond what each bot may.
    pub patchable: Patchable,
    /// Which programs it lets actions run in containers.
    pub commands: Commands,
}

/// What one step of one run is about.
#[derive(Debug, Clone, Copy)]
pub struct StepContext<'a> {
    pub run: RunMark<'a>,
    pub step: &'a StepAddress,
    /// What tells apart what this step creates from what other steps of the run do; `None`: it is
    /// the first that creates, whose names are those of the run.
    pub tag: Option<&'a str>,
    pub target: &'a Target,
    /// The target as it was read last; `None` when it is not there.
    pub object: Option<&'a Object>,
    pub scope: &'a Scope,
}

impl StepContext<'_> {
    /// The mark that this step leaves on what it changes, by which it is recognised after a crash:
    /// `dogwatch-run-3f9a1c2e-7-scale`. The same for all attempts, as it must be found again;
    /// within Kubernetes's 128 characters for field managers.
    pub fn marker(&self) -> String {
        self.run.marker(self.step)
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
    pub(crate) fn new(fields: &impl Fields, summary: impl Into<String>) -> Self {
        // The fields are a struct's, whose names are texts: it is an object.
        let value = match serde_json::to_value(fields) {
            Ok(Value::Object(fields)) => fields,
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
            Action::Read(read) => read.as_ref(),
            Action::Mutate(mutation) => mutation.as_ref(),
            Action::Tell(tell) => tell.as_ref(),
        }
    }
}

/// An action that looks and changes nothing. It may be repeated at will.
#[async_trait]
pub trait Read: Describe {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError>;
}

/// An action that changes one object.
///
/// The order of calls: `prepare`, then the intent goes on the run's log, then `apply`. After a
/// crash between the last two, `doubt` is asked before anything else happens.
#[async_trait]
pub trait Mutation: Describe {
    /// What it does to the object of its intent: what [`deny`] is asked about.
    fn change_kind(&self) -> ChangeKind {
        match self.declaration().effect {
            Effect::Mutates(verb) => verb,
            // A test holds that no mutation is declared so; were one, it would be held to the
            // strictest rules.
            Effect::Reads | Effect::Tells => ChangeKind::Delete,
        }
    }

    /// Reads what is there and decides what it should be. Changes nothing; may be repeated.
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError>;

    /// Makes the change, on the condition that the object is still as `prepare` saw it. Once for
    /// each attempt.
    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError>;

    /// Finds out whether `apply` of this intent took effect before a crash. Changes nothing; may be
    /// repeated.
    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError>;

    /// What puts back what `made` replaced, where its object is as that left it: the same UID, the
    /// same value, a mark of the run. `step` is the undo's own address. Changes nothing; may be
    /// repeated. What it decides is made by [`apply`](Self::apply), and [`doubt`](Self::doubt) is
    /// asked about it.
    ///
    /// # Errors
    /// [`Declaration::way_back`] is none, somebody has changed it meanwhile, or it is gone.
    async fn take_back(
        &self,
        _world: &World,
        _made: &Intent,
        _run: RunMark<'_>,
        _step: &StepAddress,
    ) -> Result<Plan, ActionError> {
        Err(ActionError::needs_human(format!("`{}` has no way back", self.name())))
    }

    /// For which object it is done: what it is done to, unless that has another name each time.
    fn remedied(&self, intent: &Intent) -> ObjectKey {
        intent.object.clone()
    }
}

/// Decides what a mutation would do, and refuses what no playbook may do ([`deny`]). Changes
/// nothing; may be repeated.
///
/// The only way to a plan: whoever calls [`Mutation::prepare`] himself has no leave to act on what
/// it says.
pub async fn prepare(mutation: &dyn Mutation, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
    let plan = mutation.prepare(world, step).await?;
    if let Plan::Do(intent) = &plan {
        deny::check_intent(world, mutation.change_kind(), step.target, intent).await?;
    }
    Ok(plan)
}

/// Decides what would take a change back, and refuses what no playbook may do. As [`prepare`], the
/// only way to such a plan.
pub async fn take_back(
    mutation: &dyn Mutation,
    world: &World,
    target: &Target,
    made: &Intent,
    run: RunMark<'_>,
    step: &StepAddress,
) -> Result<Plan, ActionError> {
    let plan = mutation.take_back(world, made, run, step).await?;
    if let Plan::Do(intent) = &plan {
        deny::check_intent(world, mutation.change_kind(), target, intent).await?;
    }
    Ok(plan)
}
