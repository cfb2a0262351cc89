//! Each action at its edge: as a playbook writes it, on a simulated cluster, with no more rights than it asks for.

mod alertmanager;
mod annotate;
mod certmanager;
mod configmap;
mod declared;
mod delete_pod;
mod diagnosis;
mod evict;
mod exec;
mod expand;
mod history;
mod hpa;
mod http;
mod image;
mod jobs;
mod label;
mod looking;
mod network;
mod nodes;
mod owners;
mod patch;
mod patroni;
mod patroni_leads;
mod pausing;
mod prometheus;
mod resources;
mod restart;
mod rollout;
mod scale;
mod sql;
mod suspension;

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use serde_json::Value;

use super::registry::tests::action;
use super::{
    Action, ActionError, Commands, Doubt, Field, Mutation, Output, Patchable, Plan, RunMark, ScriptedPast, StepContext,
    World, prepare, take_back,
};
use crate::alertmanager::ScriptedAlertmanager;
use crate::clock::{Clock, ManualClock};
use crate::cluster::sim::SimCluster;
use crate::cluster::{Cluster, Object};
use crate::language::Scope;
use crate::model::{Intent, ObjectKey, RunId, StepAddress};
use crate::network::ScriptedNetwork;
use crate::patroni::SimPatroni;
use crate::prometheus::ScriptedPrometheus;
use crate::sql::ScriptedDatabases;
use crate::web::ScriptedWeb;

/// A world with that cluster, and a Prometheus that knows nothing.
pub(crate) fn world(cluster: &SimCluster, clock: Arc<ManualClock>) -> World {
    let patroni = Arc::new(SimPatroni::new(cluster.clone(), clock.clone()));
    let (prometheus, web) = (Arc::new(ScriptedPrometheus::default()), Arc::new(ScriptedWeb::default()));
    World {
        cluster: Arc::new(cluster.clone()),
        prometheus,
        patroni,
        web,
        network: Arc::new(ScriptedNetwork::default()),
        databases: Arc::new(ScriptedDatabases::default()),
        alertmanager: Arc::new(ScriptedAlertmanager::default()),
        past: Arc::new(ScriptedPast::default()),
        clock,
        patchable: Patchable::default(),
        commands: Commands::default(),
    }
}

/// A run about one target, in a cluster that the test sets up.
struct Edge {
    clock: Arc<ManualClock>,
    cluster: SimCluster,
    prometheus: Arc<ScriptedPrometheus>,
    patroni: Arc<SimPatroni>,
    web: Arc<ScriptedWeb>,
    network: Arc<ScriptedNetwork>,
    databases: Arc<ScriptedDatabases>,
    alertmanager: Arc<ScriptedAlertmanager>,
    past: Arc<ScriptedPast>,
    target: ObjectKey,
    scope: Scope,
    step: StepAddress,
    /// What the bot is configured to be allowed.
    patchable: Patchable,
    commands: Commands,
}

impl Edge {
    /// The cluster holds these objects; the run is about the first one.
    fn about(objects: Vec<Object>) -> Self {
        let start = DateTime::parse_from_rfc3339("2026-05-01T12:00:00Z").unwrap().to_utc();
        let clock = Arc::new(ManualClock::new(start));
        let target = objects.first().unwrap().key();
        let cluster = SimCluster::from_objects(clock.clone(), objects).unwrap();
        let prometheus = Arc::new(ScriptedPrometheus::default());
        let patroni = Arc::new(SimPatroni::new(cluster.clone(), clock.clone()));
        let (web, scope, step) = (Arc::new(ScriptedWeb::default()), Scope::new(), "mitigate.act".parse().unwrap());
        let patchable = Patchable::default();
        let databases = Arc::new(ScriptedDatabases::default());
        databases.are_in(&cluster);
        Self {
            clock,
            cluster,
            prometheus,
            patroni,
            web,
            network: Arc::default(),
            databases,
            alertmanager: Arc::default(),
            past: Arc::default(),
            target,
            scope,
            step,
            patchable,
            commands: Commands::default(),
        }
    }

    /// With this in the scope.
    fn with(mut self, scope: Value) -> Self {
        let Value::Object(scope) = scope else { panic!("a scope is an object") };
        self.scope = scope;
        self
    }

    fn passes(&self, duration: Duration) {
        let end = self.clock.now() + duration;
        while let Some(next) = self.cluster.turn().filter(|next| *next <= end) {
            self.clock.set(next);
        }
        self.clock.set(end);
        self.cluster.turn();
    }

    fn live(&self, key: &ObjectKey) -> Object {
        self.cluster.object(key).unwrap_or_else(|| panic!("{key} is not there"))
    }

    /// The world as the action sees it, with its rights alone.
    fn world(&self, action: Option<&Action>) -> World {
        let cluster = match action {
            Some(action) => {
                self.cluster.restricted(action.describe().access(&self.target.kind, &Cluster::kinds(&self.cluster)))
            }
            None => self.cluster.clone(),
        };
        World {
            cluster: Arc::new(cluster),
            prometheus: self.prometheus.clone(),
            patroni: self.patroni.clone(),
            web: self.web.clone(),
            network: self.network.clone(),
            databases: self.databases.clone(),
            alertmanager: self.alertmanager.clone(),
            past: self.past.clone(),
            clock: self.clock.clone(),
            patchable: self.patchable.clone(),
            commands: self.commands.clone(),
        }
    }

    fn context(&self) -> StepContext<'_> {
        StepContext {
            run: RunMark { database: "", run: RunId(7) },
            step: &self.step,
            tag: None,
            target: &self.target,
            object: None,
            scope: &self.scope,
        }
    }

    async fn reads(&self, yaml: &str) -> Result<Output, ActionError> {
        let action = action(yaml).unwrap();
        let Action::Read(read) = &action else { panic!("{yaml} does not read") };
        let output = read.read(&self.world(Some(&action)), self.context()).await?;
        Ok(as_declared(&action, output))
    }

    /// What the action would do now.
    async fn would(&self, yaml: &str) -> Result<Plan, ActionError> {
        let action = action(yaml).unwrap();
        let plan = prepare(mutation(&action), &self.world(Some(&action)), self.context()).await?;
        Ok(match plan {
            Plan::Unneeded(output) => Plan::Unneeded(as_declared(&action, output)),
            intended @ Plan::Do(_) => intended,
        })
    }

    /// The intent of an action that has something to do.
    async fn intends(&self, yaml: &str) -> Intent {
        match self.would(yaml).await {
            Ok(Plan::Do(intent)) => intent,
            other => panic!("{yaml}: {other:?}"),
        }
    }

    /// Makes the change that was intended.
    async fn makes(&self, yaml: &str, intent: &Intent) -> Result<Output, ActionError> {
        let action = action(yaml).unwrap();
        let output = mutation(&action).apply(&self.world(Some(&action)), intent, false).await?;
        Ok(as_declared(&action, output))
    }

    /// What a crash between intent and outcome leaves to find out.
    async fn doubts(&self, yaml: &str, intent: &Intent) -> Doubt {
        let action = action(yaml).unwrap();
        match mutation(&action).doubt(&self.world(Some(&action)), intent).await.unwrap() {
            Doubt::Done(output) => Doubt::Done(as_declared(&action, output)),
            other => other,
        }
    }

    /// What would take the change back.
    async fn takes_back(&self, yaml: &str, made: &Intent) -> Result<Plan, ActionError> {
        let action = action(yaml).unwrap();
        let (world, undo) = (self.world(Some(&action)), "mitigate.act.undo".parse().unwrap());
        take_back(mutation(&action), &world, &self.target, made, self.context().run, &undo).await
    }

    /// Intends and makes the change.
    async fn does(&self, yaml: &str) -> Output {
        let intent = self.intends(yaml).await;
        self.makes(yaml, &intent).await.unwrap()
    }

    /// What was really written, as `patch deployment/coredns in kube-system/scale`.
    fn written(&self) -> Vec<String> {
        let mutations = self.cluster.writes().into_iter().filter(|mutation| !mutation.dry_run);
        mutations
            .map(|mutation| {
                format!("{} {} {}", mutation.verb.as_str(), mutation.key, mutation.subresource).trim_end().to_owned()
            })
            .collect()
    }
}

fn mutation(action: &Action) -> &dyn Mutation {
    match action {
        Action::Mutate(mutation) => mutation.as_ref(),
        other => panic!("{other:?} changes nothing"),
    }
}

/// The output, once it is seen to have the fields that the action declares, and no others.
fn as_declared(action: &Action, output: Output) -> Output {
    let declaration = action.describe().declaration();
    is_as_declared(declaration.name, declaration.output, &output.value);
    output
}

fn is_as_declared(of: &str, declared: &[Field], value: &serde_json::Map<String, Value>) {
    for name in value.keys() {
        assert!(
            declared.iter().any(|field| field.name == name),
            "{of} has the field `{name}`, and does not declare it"
        );
    }
    for field in declared {
        let found = value.get(field.name);
        assert!(field.optional || found.is_some(), "{of} declares the field `{}`, and has none", field.name);
        if let (false, Some(Value::Array(entries))) = (field.entries.is_empty(), found) {
            for entry in entries {
                is_as_declared(&format!("{of}.{}", field.name), field.entries, entry.as_object().unwrap());
            }
        }
        let is_null = field.nullable && found.is_some_and(Value::is_null);
        if let Some(found) = found.filter(|_| !is_null) {
            assert!(is_of_type(field.of_type, found), "{of}.{} is no {}: {found}", field.name, field.of_type);
        }
    }
}

fn is_of_type(of_type: &str, value: &Value) -> bool {
    match of_type {
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "list" => value.is_array(),
        "mapping" => value.is_object(),
        "any" => true,
        other => panic!("an output of the type `{other}`"),
    }
}

/// A field of an output.
fn field<'o>(output: &'o Output, name: &str) -> &'o Value {
    output.value.get(name).unwrap_or_else(|| panic!("{name}: {output:?}"))
}

/// Why a human must decide.
fn needs_human<T: std::fmt::Debug>(result: Result<T, ActionError>) -> String {
    let error = result.unwrap_err();
    let is_left =
        matches!(error.class, crate::model::FailureClass::NeedsHuman | crate::model::FailureClass::LeaveAlone);
    assert!(is_left, "{error}");
    error.message
}
