//! Patroni in the simulated cluster: its state is where a real one keeps it with Kubernetes as its
//! store, in the annotations of the members' pods and of `SCOPE-config`.
//! <https://patroni.readthedocs.io/en/latest/kubernetes.html>

mod leading;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{Member, Members, Patroni, PatroniError, Settings, Status, Switch, answer, scope_label};
use crate::clock::Clock;
use crate::cluster::sim::{Fault, Verb};
use crate::cluster::{Object, SimCluster};
use crate::model::ObjectKey;

/// The kind by which faults speak of requests to Patroni: `get`, and `create` for those that
/// change something.
const KIND: &str = "Patroni";

/// A real one knows it of its process; the simulated one has none.
const REBUILT_SINCE: &str = "simulation/rebuilt-since";

/// How long until PostgreSQL is stopped.
const STOPPED_AFTER: TimeDelta = TimeDelta::seconds(10);
/// How long until the copy is there.
const REBUILT_AFTER: TimeDelta = TimeDelta::minutes(5);

/// The Patroni of all clusters in a simulated one.
pub struct SimPatroni {
    cluster: SimCluster,
    clock: Arc<dyn Clock>,
}

impl SimPatroni {
    pub fn new(cluster: SimCluster, clock: Arc<dyn Clock>) -> Self {
        Self { cluster, clock }
    }

    /// Lets a request in, and says who is there as things are by now.
    fn admit(&self, verb: Verb, pod: &Object) -> Result<Vec<(Object, Value)>, PatroniError> {
        let key = pod.key();
        let away = |message: String| PatroniError::Unavailable { pod: key.to_string(), message };
        let what = format!("ask Patroni in {key}");
        self.cluster.mishap_before(verb, KIND, &what).map_err(|_| away("the connection was lost".into()))?;
        let Some(pod) = self.cluster.object(&key) else {
            return Err(PatroniError::NoAddress { pod: key.to_string() });
        };
        if pod.text("/status/phase") != "Running" {
            return Err(away("connection refused".into()));
        }
        if !patroni_runs(&pod) {
            return Err(away("connection refused".into()));
        }
        self.catch_up(pod.namespace());
        let Some(scope) = scope(&pod) else {
            let message = "the pod has no label `cluster-name`".to_owned();
            return Err(PatroniError::Unreadable { pod: key.to_string(), message });
        };
        let pods = self.cluster.objects("Pod", pod.namespace());
        let members = pods.into_iter().filter(|other| self::scope(other) == Some(scope));
        Ok(members.filter_map(|pod| own(&pod).map(|own| (pod, own))).collect())
    }

    /// Brings those that are being rebuilt to where they are by now.
    fn catch_up(&self, namespace: &str) {
        let (now, faults) = (self.clock.now(), self.cluster.faults());
        for pod in self.cluster.objects("Pod", namespace) {
            let (key, Some(since)) = (pod.key(), rebuilt_since(&pod)) else { continue };
            let is_standing = |fault: &Fault| faults.contains(fault);
            let lasting = now - since;
            let state = if lasting < STOPPED_AFTER {
                "stopping"
            } else if lasting < REBUILT_AFTER || is_standing(&Fault::RebuildNeverEnds { member: key.clone() }) {
                "creating replica"
            } else if is_standing(&Fault::RebuildFails { member: key.clone() }) {
                // The data is gone, and Patroni begins once more with its next turn.
                "stopped"
            } else {
                "streaming"
            };
            self.write(&key, state);
            if lasting >= REBUILT_AFTER && state != "creating replica" {
                self.mark(&key, None);
            }
        }
    }

    /// Keeps since when a member is being rebuilt: with its pod, as it outlives whoever asked.
    fn mark(&self, key: &ObjectKey, since: Option<DateTime<Utc>>) {
        let since = since.map(|since| since.to_rfc3339());
        let mark = json!({ "metadata": { "annotations": { REBUILT_SINCE: since } } });
        // It has just been there.
        let _ = self.cluster.change(key, &mark, "Patroni");
    }

    /// As Patroni itself writes it.
    fn write(&self, key: &ObjectKey, state: &str) {
        let Some(pod) = self.cluster.object(key) else { return };
        let Some(mut own) = own(&pod).filter(|own| own["state"] != state) else { return };
        let leader = self
            .cluster
            .objects("Pod", pod.namespace())
            .into_iter()
            .find(|other| scope(other) == scope(&pod) && self::own(other).is_some_and(|own| leads(&own)));
        let leader = leader.and_then(|leader| self::own(&leader)).unwrap_or_default();
        if let Some(fields) = own.as_object_mut() {
            fields.insert("state".into(), state.into());
            if state == "streaming" {
                fields.insert("timeline".into(), leader["timeline"].clone());
                fields.insert("xlog_location".into(), leader["xlog_location"].clone());
                fields.insert("started".into(), self.clock.now().to_rfc3339().into());
            } else {
                for name in ["timeline", "xlog_location", "started"] {
                    fields.remove(name);
                }
            }
        }
        self.write_own(&pod, &own);
    }

    /// Has the pod show that, and its label `role`, where it has one.
    fn write_own(&self, pod: &Object, own: &Value) {
        let mut status = json!({ "metadata": { "annotations": { "status": own.to_string() } } });
        if pod.label("role").is_some() {
            status["metadata"]["labels"] = json!({ "role": own["role"] });
        }
        // It has just been there.
        let _ = self.cluster.change(&pod.key(), &status, "Patroni");
    }

    /// Where the cluster keeps what all members share: `SCOPE-config`, a ConfigMap or Endpoints.
    fn keeper(&self, pod: &Object) -> Option<Object> {
        let name = format!("{}-config", scope(pod)?);
        let mut kinds = ["ConfigMap", "Endpoints"].into_iter();
        kinds.find_map(|kind| self.cluster.object(&ObjectKey::new(kind, pod.namespace(), &name)))
    }

    fn kept(&self, pod: &Object, annotation: &str) -> Value {
        let keeper = self.keeper(pod);
        let text = keeper.as_ref().and_then(|object| object.annotation(annotation)).unwrap_or("null");
        serde_json::from_str(text).unwrap_or_default()
    }

    /// Whether there is a place to keep it in.
    fn keep(&self, pod: &Object, annotation: &str, value: &Value) -> bool {
        let Some(keeper) = self.keeper(pod) else { return false };
        let kept = json!({ "metadata": { "annotations": { annotation: value.to_string() } } });
        self.cluster.change(&keeper.key(), &kept, "Patroni").is_ok()
    }

    fn settings_now(&self, pod: &Object) -> Settings {
        answer::settings_of(&self.kept(pod, "config")).unwrap_or_default()
    }

    /// The change was made; its answer may be lost.
    fn made(&self, pod: &Object, what: &str) -> Result<(), PatroniError> {
        let key = pod.key();
        let lost = |_| PatroniError::Unavailable { pod: key.to_string(), message: "the connection was lost".into() };
        self.cluster.made_elsewhere(KIND, &key, what).map_err(lost)
    }
}

/// Whether the container with Patroni runs; what others of the pod do, is nothing to it.
fn patroni_runs(pod: &Object) -> bool {
    let containers = pod.0["status"]["containerStatuses"].as_array();
    let is_patroni = |container: &&Value| {
        matches!(container["name"].as_str(), Some("postgres" | "database" | "patroni" | "postgresql" | "spilo"))
    };
    let of_patroni = containers.into_iter().flatten().filter(is_patroni);
    of_patroni
        .map(|container| &container["state"])
        .all(|state| state["waiting"].is_null() && state["terminated"].is_null())
}

fn refused(pod: &Object, message: impl Into<String>) -> PatroniError {
    PatroniError::Refused { pod: pod.key().to_string(), message: message.into() }
}

#[async_trait]
impl Patroni for SimPatroni {
    async fn members(&self, pod: &Object) -> Result<Members, PatroniError> {
        let found = self.admit(Verb::Get, pod)?;
        let leader = found.iter().find(|(_, own)| leads(own)).map(|(_, own)| own.clone()).unwrap_or_default();
        let end = leader["xlog_location"].as_u64();
        let member = |(pod, own): (Object, Value)| {
            let behind = |end: u64| Some(end.saturating_sub(own["xlog_location"].as_u64()?));
            Member {
                name: pod.name().to_owned(),
                role: if leads(&own) { "leader".into() } else { role(&own, "replica") },
                state: text(&own, "state"),
                timeline: own["timeline"].as_u64(),
                lag: end.and_then(behind).filter(|_| !leads(&own)),
                host: None,
                follows_another: own["tags"]["replicatefrom"].is_string(),
                never_leads: own["tags"].as_object().is_some_and(answer::never_leads),
            }
        };
        let paused = self.settings_now(pod).paused;
        Ok(Members { members: found.into_iter().map(member).collect(), paused })
    }

    async fn status(&self, pod: &Object) -> Result<Status, PatroniError> {
        let found = self.admit(Verb::Get, pod)?;
        let streams = |(other, own): &(Object, Value)| {
            (other.name() != pod.name() && own["state"] == "streaming").then(|| other.name().to_owned())
        };
        let streams_to = found.iter().filter_map(streams).collect();
        let own = found.iter().find(|(other, _)| other.name() == pod.name()).map(|(_, own)| own);
        let own = own.cloned().unwrap_or_default();
        let is_made = own["state"] == "creating replica";
        let runs = matches!(own["state"].as_str(), Some("running" | "streaming" | "in archive recovery"));
        let started = own["started"].as_str().unwrap_or_else(|| pod.text("/status/startTime"));
        Ok(Status {
            scope: scope(pod).unwrap_or_default().to_owned(),
            state: text(&own, "state"),
            role: if is_made { "uninitialized".into() } else { role(&own, "replica") },
            timeline: own["timeline"].as_u64(),
            position: own["xlog_location"].as_u64().filter(|_| runs),
            started: runs.then(|| started.to_owned()),
            streams_to: if leads(&own) { streams_to } else { Vec::new() },
            replay_paused: own["replay_paused"] == true,
            system: Some("7713810886491092169".to_owned()),
            pending_restart: own["pending_restart"] == true,
        })
    }

    async fn history(&self, pod: &Object) -> Result<Vec<Switch>, PatroniError> {
        self.admit(Verb::Get, pod)?;
        let kept = self.kept(pod, "history");
        Ok(kept.as_array().into_iter().flatten().filter_map(answer::switch).collect())
    }

    async fn reinitialize(&self, pod: &Object) -> Result<(), PatroniError> {
        let found = self.admit(Verb::Create, pod)?;
        if !found.iter().any(|(_, own)| leads(own)) {
            return Err(refused(pod, "Cluster has no leader, can not reinitialize"));
        }
        let Some((_, own)) = found.iter().find(|(other, _)| other.name() == pod.name()) else {
            return Err(refused(pod, "it is no member"));
        };
        if leads(own) {
            return Err(refused(pod, "I am the leader, can not reinitialize"));
        }
        if own["state"] == "creating replica" || rebuilt_since(pod).is_some() {
            return Err(refused(pod, "reinitialize already in progress"));
        }
        self.mark(&pod.key(), Some(self.clock.now()));
        self.catch_up(pod.namespace());
        self.made(pod, "reinitialize")
    }

    async fn settings(&self, pod: &Object) -> Result<Settings, PatroniError> {
        self.admit(Verb::Get, pod)?;
        Ok(self.settings_now(pod))
    }

    async fn pause(&self, pod: &Object, paused: bool) -> Result<(), PatroniError> {
        self.admit(Verb::Create, pod)?;
        let key = pod.key().to_string();
        let says = |message: &str| PatroniError::Unavailable { pod: key.clone(), message: message.to_owned() };
        self.cluster.mishap_before(Verb::Patch, KIND, "change its configuration").map_err(|_| says("409 Conflict"))?;
        let mut config = self.kept(pod, "config");
        match config.as_object_mut() {
            Some(config) if paused => config.insert("pause".into(), true.into()),
            Some(config) => config.remove("pause"),
            None => None,
        };
        if !self.keep(pod, "config", &config) {
            return Err(says("503 Service Unavailable"));
        }
        self.made(pod, "config")
    }

    async fn restart(&self, pod: &Object, pending: bool) -> Result<(), PatroniError> {
        let found = self.admit(Verb::Create, pod)?;
        let own = found.iter().find(|(other, _)| other.name() == pod.name()).map(|(_, own)| own);
        let Some(own) = own.filter(|own| !leads(own) && (!pending || own["pending_restart"] == true)) else {
            return Err(refused(pod, "restart conditions are not satisfied"));
        };
        if own["state"] == "creating replica" || rebuilt_since(pod).is_some() {
            return Err(refused(pod, "reinitialize already in progress"));
        }
        let mut own = own.clone();
        own["started"] = self.clock.now().to_rfc3339().into();
        own["pending_restart"] = Value::Null;
        self.write_own(pod, &own);
        self.made(pod, "restart")
    }

    async fn switchover(&self, pod: &Object, leader: &str, candidate: &str) -> Result<String, PatroniError> {
        self.moves(pod, Some(leader), candidate)
    }

    async fn failover(&self, pod: &Object, candidate: &str) -> Result<String, PatroniError> {
        self.moves(pod, None, candidate)
    }
}

fn rebuilt_since(pod: &Object) -> Option<DateTime<Utc>> {
    pod.annotation(REBUILT_SINCE)?.parse().ok()
}

fn scope(pod: &Object) -> Option<&str> {
    scope_label(pod).map(|(_, scope)| scope)
}

/// What a member keeps of itself.
fn own(pod: &Object) -> Option<Value> {
    serde_json::from_str::<Value>(pod.annotation("status")?).ok().filter(Value::is_object)
}

fn leads(own: &Value) -> bool {
    matches!(own["role"].as_str(), Some("master" | "primary" | "leader" | "standby_leader"))
}

fn role(own: &Value, default: &str) -> String {
    own["role"].as_str().unwrap_or(default).to_owned()
}

fn text(own: &Value, field: &str) -> String {
    own[field].as_str().unwrap_or_default().to_owned()
}
