//! How much a container should have: a pure decision over what was read.

use serde_json::{Map, Value, json};

use super::around::Surroundings;
use crate::action::amounts::MoreResource;
use crate::action::k8s::doubt::Seen;
use crate::action::k8s::objects::quantity;
use crate::action::k8s::{deny, field_owner, revisions};
use crate::action::{ActionError, Plan};
use crate::cluster::Object;
use crate::model::{Intent, ObjectKey, Quantity};

/// What the playbook wants.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub container: String,
    pub memory: Option<Amount>,
    pub cpu: Option<Amount>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Amount {
    pub by: MoreResource,
    pub max: Quantity,
}

/// What a container has, as far as an intent is about it:
/// `{"container": "web", "limits": {"memory": "1Gi"}, "requests": {}}`.
pub(super) struct Resources;

impl Resources {
    const PARTS: [&str; 2] = ["limits", "requests"];

    pub fn container(value: &Value) -> &str {
        value.get("container").and_then(Value::as_str).unwrap_or_default()
    }

    /// `1Gi` and `1024Mi` are the same.
    pub fn are_same(a: &Value, b: &Value) -> bool {
        let same = |part: &str| {
            let fields = |value: &Value| value.get(part).and_then(Value::as_object).cloned().unwrap_or_default();
            let (a, b) = (fields(a), fields(b));
            let is_same = |(name, value): (&String, &Value)| {
                b.get(name).is_some_and(|other| {
                    other == value || quantity(other).is_some_and(|other| quantity(value) == Some(other))
                })
            };
            a.len() == b.len() && a.iter().all(is_same)
        };
        Self::container(a) == Self::container(b) && Self::PARTS.into_iter().all(same)
    }
}

/// Decides the new limits.
pub(super) fn plan(workload: &Object, around: &Surroundings, wish: &Wish, marker: String) -> Result<Plan, ActionError> {
    let key = workload.key();
    may_change(workload, around, &wish.container)?;
    let Some(container) = container(workload, &wish.container) else {
        let there: Vec<&str> = all(workload).filter_map(|container| container.get("name")?.as_str()).collect();
        return Err(ActionError::fail(format!(
            "{key} has no container `{}` (it has: {})",
            wish.container,
            there.join(", ")
        )));
    };
    let (mut before, mut after) = (Change::new(&wish.container), Change::new(&wish.container));
    let wanted = [("memory", wish.memory, Quantity::of(1 << 20)), ("cpu", wish.cpu, Quantity::of_milli(10))];
    for (resource, amount, step) in wanted {
        let Some(amount) = amount else { continue };
        let grown = Grown::of(workload, container, resource, amount, step)?;
        let others = others(workload, &wish.container, resource);
        if let Some(why) = around.refusal(resource, grown.limit, grown.request(), others) {
            return Err(ActionError::fail(format!(
                "the {resource} limit of {} in {key} is not raised: {why}",
                wish.container
            )));
        }
        before.set("limits", resource, grown.limit_before.clone());
        after.set("limits", resource, json!(grown.limit.to_string()));
        if let (true, Some(request)) = (grown.is_guaranteed, &grown.request_before) {
            before.set("requests", resource, request.clone());
            after.set("requests", resource, json!(grown.limit.to_string()));
        }
    }
    let (before, after) = (before.value(), after.value());
    Ok(Plan::Do(Intent {
        summary: summary("raise", &key, &before, &after),
        object: key,
        uid: workload.uid().to_owned(),
        resource_version: workload.resource_version().to_owned(),
        before,
        after,
        marker,
    }))
}

/// One resource of a container, as it should be.
struct Grown {
    limit: Quantity,
    limit_before: Value,
    request_before: Option<Value>,
    /// The request is the limit, and stays it.
    is_guaranteed: bool,
}

impl Grown {
    fn of(
        workload: &Object,
        container: &Value,
        resource: &str,
        amount: Amount,
        step: Quantity,
    ) -> Result<Self, ActionError> {
        let of =
            || format!("{} in {}", container.get("name").and_then(Value::as_str).unwrap_or_default(), workload.key());
        let given = |part: &str| container.pointer(&format!("/resources/{part}/{resource}")).cloned();
        let Some(limit_before) = given("limits") else {
            return Err(ActionError::fail(format!(
                "{} has no {resource} limit that could be raised: what holds it back is the node, or a default of the namespace",
                of()
            )));
        };
        let now = quantity(&limit_before).filter(|now| *now > Quantity::of(0)).ok_or_else(|| {
            ActionError::fail(format!("the {resource} limit of {} is {limit_before}, which is no quantity", of()))
        })?;
        if now >= amount.max {
            return Err(ActionError::fail(format!(
                "the {resource} limit of {} is {now}, and the cap is {}: look for what uses it up, or let a human raise the cap",
                of(),
                amount.max
            )));
        }
        let limit = amount.by.on(now, step).ok_or_else(|| {
            ActionError::fail(format!("the {resource} limit of {} cannot grow from {now} by that much", of()))
        })?;
        let request_before = given("requests");
        let is_guaranteed = request_before.as_ref().and_then(quantity) == Some(now);
        Ok(Self { limit: limit.min(amount.max), limit_before, request_before, is_guaranteed })
    }

    /// Where none is written, the limit counts as one.
    fn request(&self) -> Option<Quantity> {
        match &self.request_before {
            Some(request) if !self.is_guaranteed => quantity(request),
            _ => Some(self.limit),
        }
    }
}

/// Whether its limits are to be changed here at all.
fn may_change(workload: &Object, around: &Surroundings, container: &str) -> Result<(), ActionError> {
    let key = workload.key();
    if !matches!(workload.kind(), "Deployment" | "StatefulSet") {
        return Err(ActionError::fail(format!("{key} is neither a Deployment nor a StatefulSet")));
    }
    if workload.is_going() {
        return Err(ActionError::fail(format!("{key} is being deleted")));
    }
    if revisions::is_paused(workload) {
        let message = format!("{key} is paused: somebody is at work on it, and nothing would be rolled out");
        return Err(ActionError::needs_human(message));
    }
    if workload.text("/spec/updateStrategy/type") == "OnDelete" {
        return Err(ActionError::fail(format!(
            "{key} replaces no pods by itself (updateStrategy OnDelete): a new limit would change nothing until somebody deletes them"
        )));
    }
    if workload.number("/spec/updateStrategy/rollingUpdate/partition").is_some_and(|partition| partition > 0) {
        let message = format!("{key} has a partition: somebody is rolling something out by hand");
        return Err(ActionError::needs_human(message));
    }
    let path = ["spec", "template", "spec", "containers", &*segment(container), "resources"];
    if let Some(who) = field_owner::controller(workload).or_else(|| field_owner::keeper(workload, &path)) {
        return Err(ActionError::needs_human(who));
    }
    if let Some(autoscaler) = around.autoscaler(workload, container) {
        return Err(ActionError::needs_human(format!(
            "{} sets what {container} in {key} gets: change its maxAllowed, or what it goes by",
            autoscaler.key()
        )));
    }
    let template = Object(workload.at("/spec/template").cloned().unwrap_or(Value::Null));
    let of_patroni = around.patroni_pod().map(Object::key);
    if deny::is_of_patroni(&template) || of_patroni.is_some() {
        let pod = of_patroni.map_or_else(|| "its template".to_owned(), |pod| pod.to_string());
        return Err(ActionError::needs_human(format!(
            "the pods of {key} are a Patroni cluster's ({pod}), and a change of its template would restart the leader: resize its \
             pods in place, or change it at its source and switch over first"
        )));
    }
    Ok(())
}

/// An item of the list of containers, as `managedFields` has it.
fn segment(container: &str) -> String {
    format!("k:{}", json!({ "name": container }))
}

fn all(workload: &Object) -> impl Iterator<Item = &Value> {
    workload.at("/spec/template/spec/containers").and_then(Value::as_array).into_iter().flatten()
}

fn container<'o>(workload: &'o Object, name: &str) -> Option<&'o Value> {
    all(workload).find(|container| container.get("name").and_then(Value::as_str) == Some(name))
}

/// The limits of the other containers together; `None`: one has none.
fn others(workload: &Object, name: &str, resource: &str) -> Option<Quantity> {
    all(workload)
        .filter(|container| container.get("name").and_then(Value::as_str) != Some(name))
        .try_fold(Quantity::of(0), |sum, container| {
            sum.plus(quantity(container.pointer(&format!("/resources/limits/{resource}"))?)?)
        })
}

/// The list of containers as it should be.
pub(super) fn containers(workload: &Object, after: &Value) -> Vec<Value> {
    let mut containers: Vec<Value> = all(workload).cloned().collect();
    let name = Resources::container(after);
    let of_it = |container: &&mut Value| container.get("name").and_then(Value::as_str) == Some(name);
    for container in containers.iter_mut().filter(of_it) {
        for part in Resources::PARTS {
            for (resource, value) in after.get(part).and_then(Value::as_object).into_iter().flatten() {
                if let Some(given) = container.pointer_mut(&format!("/resources/{part}/{resource}")) {
                    given.clone_from(value);
                }
            }
        }
    }
    containers
}

/// What the container has of what `like` is about.
pub(super) fn look(workload: &Object, like: &Value) -> Seen {
    let name = Resources::container(like);
    let found = container(workload, name);
    let mut change = Change::new(name);
    for part in Resources::PARTS {
        for resource in like.get(part).and_then(Value::as_object).into_iter().flat_map(Map::keys) {
            let value = found.and_then(|container| container.pointer(&format!("/resources/{part}/{resource}")));
            change.set(part, resource, value.cloned().unwrap_or(Value::Null));
        }
    }
    let limits = like.get("limits").and_then(Value::as_object).into_iter().flat_map(Map::keys);
    let container = segment(name);
    let managers = limits.filter_map(|resource| {
        workload.field_manager(&[
            "spec",
            "template",
            "spec",
            "containers",
            &*container,
            "resources",
            "limits",
            resource,
        ])
    });
    Seen {
        what: format!("what {name} has"),
        value: change.value(),
        // Of two limits, whoever wrote the one that was written last.
        manager: managers.max_by_key(|manager| manager.at).map(|manager| manager.name),
    }
}

/// For people: `raise the limits of web in deployment/web in shop: memory 1Gi -> 1280Mi`.
pub(super) fn summary(verb: &str, key: &ObjectKey, before: &Value, after: &Value) -> String {
    let name = Resources::container(after);
    let limit = |of: &Value, resource: &str| of.pointer(&format!("/limits/{resource}")).map(text_of);
    let changes: Vec<String> = ["memory", "cpu"]
        .into_iter()
        .filter_map(|resource| {
            let (from, to) = (limit(before, resource)?, limit(after, resource)?);
            let along =
                if after.pointer(&format!("/requests/{resource}")).is_some() { ", the request with it" } else { "" };
            Some(format!("{resource} {from} -> {to}{along}"))
        })
        .collect();
    format!("{verb} the limits of {name} in {key}: {}", changes.join("; "))
}

/// A quantity as a text, without quotes.
pub(super) fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

struct Change {
    container: String,
    limits: Map<String, Value>,
    requests: Map<String, Value>,
}

impl Change {
    fn new(container: &str) -> Self {
        Self { container: container.to_owned(), limits: Map::new(), requests: Map::new() }
    }

    fn set(&mut self, part: &str, resource: &str, value: Value) {
        let fields = if part == "limits" { &mut self.limits } else { &mut self.requests };
        fields.insert(resource.to_owned(), value);
    }

    fn value(self) -> Value {
        json!({ "container": self.container, "limits": self.limits, "requests": self.requests })
    }
}

#[cfg(test)]
mod tests;
