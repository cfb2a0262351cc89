//! Evictions, as the API server and the disruption controller decide them. What a budget allows is
//! reckoned at each of them, from what there is then: nobody has to wait for a status.
//!
//! <https://kubernetes.io/docs/tasks/run-application/configure-pdb/>

use std::collections::BTreeSet;

use serde_json::Value;

use super::controllers::condition;
use super::managers::Writer;
use super::objects::{Id, Stored, list, text};
use super::selector::Requirement;
use super::state::State;
use super::{SimCluster, Verb, Write};
use crate::cluster::{ClusterError, Evict};

const SERVER: Writer<'static> = Writer { manager: "kube-apiserver", subresource: "status" };

impl SimCluster {
    pub(super) fn evict_pod(&self, evict: &Evict) -> Result<(), ClusterError> {
        let (mut state, kind) = self.admit(Verb::Create, "eviction", &evict.key, evict.dry_run)?;
        state.evict(evict)?;
        self.note(Write {
            verb: Verb::Create,
            key: evict.key.clone(),
            subresource: "eviction".to_owned(),
            body: Value::Null,
            field_manager: String::new(),
            at: state.now,
            dry_run: evict.dry_run,
        });
        state.faults.after(Verb::Create, kind.id, &format!("evict {}", evict.key), evict.dry_run)
    }
}

impl State {
    fn evict(&mut self, evict: &Evict) -> Result<(), ClusterError> {
        let key = &evict.key;
        let what = || format!("evict {key}");
        let refused = |message: String| ClusterError::Refused { what: what(), message };
        if key.kind != "Pod" {
            return Err(refused("only pods are evicted".into()));
        }
        if evict.uid.is_empty() {
            return Err(refused("no uid was given, and so another pod of that name could be hit".into()));
        }
        let id = self.objects.find("Pod", &key.namespace, &key.name);
        let absent = || ClusterError::NotFound(key.to_string());
        let (id, stored) = id.and_then(|id| Some((id, self.objects.get(id)?))).ok_or_else(absent)?;
        if evict.uid != *stored.uid {
            let message = format!("UID in precondition: {}, UID in object meta: {}", evict.uid, stored.uid);
            return Err(ClusterError::Conflict { what: key.to_string(), message });
        }
        let pod = self.objects.value(id);
        // What does not run disturbs nobody.
        let is_heeded = text(&pod, "/status/phase") == "Running" && !stored.is_going;
        let budgets = if is_heeded { self.budgets_of(stored) } else { Vec::new() };
        match budgets.as_slice() {
            [] => {}
            [budget] => {
                let budget = self.objects.value(*budget);
                self.check_budget(&budget, stored.is_ready)
                    .map_err(|message| ClusterError::Budget { what: what(), message })?;
            }
            _ => {
                let message =
                    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
                return Err(refused(message.into()));
            }
        }
        if !evict.dry_run {
            self.as_user(|state| {
                let now = state.now;
                state.change(id, SERVER, |pod| {
                    let (reason, message) = ("EvictionByEvictionAPI", "Eviction API: evicting");
                    condition::set(pod, "DisruptionTarget", true, reason, message, now);
                });
                state.delete(id, false);
            });
        }
        Ok(())
    }

    /// The budgets that cover the pod.
    fn budgets_of(&self, pod: &Stored) -> Vec<Id> {
        let mut budgets = self.objects.of_kind("PodDisruptionBudget", &pod.namespace);
        budgets.retain(|budget| covers(&self.objects.value(*budget), pod));
        budgets
    }

    /// Whether the budget allows one more pod to go.
    fn check_budget(&self, budget: &Value, pod_is_ready: bool) -> Result<(), String> {
        let pods = self.objects.of_kind("Pod", text(budget, "/metadata/namespace"));
        let pods: Vec<&Stored> = pods.into_iter().filter_map(|id| self.objects.get(id)).collect();
        let pods: Vec<&Stored> = pods.into_iter().filter(|pod| !pod.is_finished && covers(budget, pod)).collect();
        let healthy = count(pods.iter().filter(|pod| pod.is_ready && !pod.is_going).count());
        let wanted_by_owners = self.wanted_by_owners(&pods);
        let (expected, needed) = match (budget.pointer("/spec/maxUnavailable"), budget.pointer("/spec/minAvailable")) {
            (Some(most), _) => (wanted_by_owners, (wanted_by_owners - of(most, wanted_by_owners)).max(0)),
            (None, Some(least)) if least.is_string() => (wanted_by_owners, of(least, wanted_by_owners)),
            (None, Some(least)) => (count(pods.len()), of(least, 0)),
            (None, None) => (0, 0),
        };
        if !pod_is_ready {
            let always = text(budget, "/spec/unhealthyPodEvictionPolicy") == "AlwaysAllow";
            if always || healthy >= needed && needed > 0 {
                return Ok(());
            }
        }
        if expected > 0 && healthy > needed {
            return Ok(());
        }
        let name = text(budget, "/metadata/name");
        Err(format!(
            "Cannot evict pod as it would violate the pod's disruption budget. The disruption budget {name} needs {needed} healthy pods \
             and has {healthy} currently"
        ))
    }

    /// How many pods those that these belong to want.
    fn wanted_by_owners(&self, pods: &[&Stored]) -> i64 {
        let owners: BTreeSet<Id> = pods.iter().filter_map(|pod| self.scaled_by(pod)).collect();
        let replicas = |id: &Id| self.objects.value(*id).pointer("/spec/replicas").and_then(Value::as_i64);
        owners.iter().filter_map(replicas).sum()
    }

    /// What has the number of replicas of a pod.
    fn scaled_by(&self, pod: &Stored) -> Option<Id> {
        let owner = |of: &Stored| of.owners.iter().find_map(|uid| self.objects.with_uid(uid));
        let first = owner(pod)?;
        match self.objects.get(first) {
            Some(set) if set.kind.id == "ReplicaSet" => owner(set).or(Some(first)),
            _ => Some(first),
        }
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number, or a share of all, rounded up.
fn of(amount: &Value, all: i64) -> i64 {
    let share = amount.as_str().and_then(|text| text.strip_suffix('%')?.parse::<i64>().ok());
    match share {
        Some(percent) => (all * percent + 99) / 100,
        None => amount.as_i64().unwrap_or(0),
    }
}

/// Whether the budget selects the pod. An empty selector is one of all pods, none at all one of
/// none.
fn covers(budget: &Value, pod: &Stored) -> bool {
    let Some(selector) = budget.pointer("/spec/selector").filter(|selector| selector.is_object()) else { return false };
    let labels = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    let labels = labels.map(|(name, value)| Requirement::In(name.clone(), vec![words(value)]));
    let expressions = list(selector, "/matchExpressions").map(|expression| {
        let name = text(expression, "/key").to_owned();
        let values = || list(expression, "/values").map(words).collect();
        match text(expression, "/operator") {
            "In" => Requirement::In(name, values()),
            "NotIn" => Requirement::NotIn(name, values()),
            "Exists" => Requirement::Exists(name),
            _ => Requirement::Absent(name),
        }
    });
    labels.chain(expressions).all(|requirement| requirement.holds(|name| pod.label(name)))
}

fn words(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
