//! Pods that wait for what does not come. Pure.
//!
//! Why containers wait:
//! <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-states>.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::look::PodName;
use super::settings::WatchedFor;
use super::sighting::{Owner, Sighting, is_watched};
use crate::cluster::Object;

/// Why a container waits whose image does not come.
const PULLS: [&str; 6] = [
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];

/// Why one waits that cannot be made of what its pod says.
const CONFIG_ERRORS: [&str; 2] = ["CreateContainerConfigError", "CreateContainerError"];

/// Why one waits before its pod's volumes are there.
const CREATING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// An event that came so recently says what is so: a kubelet tries again within five minutes.
const RECENT: TimeDelta = TimeDelta::minutes(15);

/// So many characters of what is said are kept.
pub(super) const LONGEST: usize = 500;

/// Pods by UID, and what is said of each.
pub(super) type Told = BTreeMap<String, String>;

/// What is known of pods whose volumes could not be attached. Kubernetes tells once that a volume
/// is in use elsewhere (Multi-Attach), so a pod that was seen fails for as long as it waits.
#[derive(Debug, Default)]
pub(super) struct Attach {
    /// Those that events tell of, or that were seen before.
    pub told: Told,
    /// Pods of alerts that fire, and when those began: one that is older is the same pod.
    pub open: BTreeMap<PodName, DateTime<Utc>>,
}

impl Attach {
    fn says(&self, pod: &Object) -> Option<&str> {
        let is_open = || {
            let began = self.open.get(&(pod.namespace().to_owned(), pod.name().to_owned()))?;
            let created: Option<DateTime<Utc>> = pod.text("/metadata/creationTimestamp").parse().ok();
            created.is_none_or(|created| created <= *began).then_some("it still waits for its volumes")
        };
        self.told.get(pod.uid()).map(String::as_str).or_else(is_open)
    }
}

/// When an event was seen last.
fn seen_at(event: &Object) -> Option<DateTime<Utc>> {
    let times =
        ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/firstTimestamp", "/metadata/creationTimestamp"];
    times.iter().find_map(|pointer| event.text(pointer).parse().ok())
}

/// What is kept of the events of one reason: there may be many for each pod.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// By the pod's UID.
    latest: BTreeMap<String, (DateTime<Utc>, String)>,
    /// The pods that recent ones speak of: what such a pod's own status says is what counts.
    pub named: BTreeSet<PodName>,
}

impl Events {
    pub fn hear(&mut self, event: &Object, now: DateTime<Utc>) {
        let text = |field: &str| event.text(&format!("/involvedObject/{field}"));
        if text("kind") != "Pod" || text("name").is_empty() {
            return;
        }
        let Some(at) = seen_at(event) else { return };
        if now - at < RECENT {
            self.named.insert((text("namespace").to_owned(), text("name").to_owned()));
        }
        if self.latest.get(text("uid")).is_none_or(|(latest, _)| *latest < at) {
            let message = event.text("/message").chars().take(LONGEST).collect();
            self.latest.insert(text("uid").to_owned(), (at, message));
        }
    }

    /// What those say that are recent, and older ones where there are recent `others` about the
    /// same pod.
    pub fn told(self, others: &Events, now: DateTime<Utc>) -> Told {
        let is_recent = |at: &DateTime<Utc>| now - *at < RECENT;
        let goes_on = |uid: &str| others.latest.get(uid).is_some_and(|(at, _)| is_recent(at));
        let so = self.latest.into_iter().filter(|(uid, (at, _))| is_recent(at) || goes_on(uid));
        so.map(|(uid, (_, message))| (uid, message)).collect()
    }
}

/// What of the pod fails in the way that is watched for. `attach`: what events say of volumes.
pub(super) fn judge(pod: &Object, what: &WatchedFor, attach: &Attach) -> Option<Sighting> {
    if !is_watched(pod) || matches!(pod.text("/status/phase"), "Succeeded" | "Failed") {
        return None;
    }
    match what {
        WatchedFor::FailedAttach => {
            let says = attach.says(pod).filter(|_| waits_for_volumes(pod))?;
            Some(sighting(pod, what, BTreeSet::new(), says))
        }
        WatchedFor::ConfigError => waiting_sighting(pod, what, &CONFIG_ERRORS),
        WatchedFor::ImagePull => waiting_sighting(pod, what, &PULLS),
        WatchedFor::ServiceWithoutEndpoints | WatchedFor::ReportsFailure(_) => None,
    }
}

struct Waiting<'p> {
    container: &'p str,
    reason: &'p str,
    message: &'p str,
}

fn containers(pod: &Object) -> impl Iterator<Item = &Value> {
    let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
    lists.into_iter().filter_map(|list| pod.at(list)?.as_array()).flatten()
}

fn waiting(status: &Value) -> Option<Waiting<'_>> {
    let text = |pointer| status.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    status.pointer("/state/waiting")?;
    let (reason, message) = (text("/state/waiting/reason"), text("/state/waiting/message"));
    Some(Waiting { container: text("/name"), reason, message })
}

fn waiting_sighting(pod: &Object, what: &WatchedFor, reasons: &[&str]) -> Option<Sighting> {
    let waits: Vec<_> =
        containers(pod).filter_map(waiting).filter(|waiting| reasons.contains(&waiting.reason)).collect();
    let first = waits.first()?;
    let says =
        if first.message.is_empty() { first.reason.to_owned() } else { format!("{}: {}", first.reason, first.message) };
    Some(sighting(pod, what, waits.iter().map(|waiting| waiting.container.to_owned()).collect(), &says))
}

/// It has its node, and none of its containers was made: it is the volumes that are missing, or the
/// network.
fn waits_for_volumes(pod: &Object) -> bool {
    let creates = |status: &Value| waiting(status).is_some_and(|waiting| CREATING.contains(&waiting.reason));
    pod.text("/status/phase") == "Pending" && !pod.text("/spec/nodeName").is_empty() && containers(pod).all(creates)
}

fn sighting(pod: &Object, what: &WatchedFor, containers: BTreeSet<String>, says: &str) -> Sighting {
    let Owner { labels: own, about } = Owner::of(pod);
    let mut besides = BTreeMap::from([("pod".to_owned(), pod.name().to_owned())]);
    besides.extend(containers.first().map(|container| ("container".to_owned(), container.clone())));
    Sighting {
        what: what.clone(),
        namespace: pod.namespace().to_owned(),
        own,
        besides,
        about,
        pods: BTreeMap::from([(pod.name().to_owned(), pod.uid().to_owned())]),
        containers,
        says: says.to_owned(),
        at_worst: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sightings::sighting::joined;

    fn now() -> DateTime<Utc> {
        "2026-03-02T02:00:00Z".parse().unwrap()
    }

    /// As a kubelet of 1.35 writes it: a Deployment's pod whose image is not there.
    fn pod(name: &str, waiting: Value) -> Object {
        Object(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": name, "namespace": "shop", "uid": format!("uid-of-{name}"),
                "labels": { "app": "web", "pod-template-hash": "6d4cf56db6" },
                "ownerReferences": [{
                    "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-6d4cf56db6", "uid": "r",
                    "controller": true, "blockOwnerDeletion": true,
                }],
            },
            "spec": { "nodeName": "node-1", "containers": [{ "name": "main", "image": "registry.example/web:2" }] },
            "status": {
                "phase": "Pending",
                "conditions": [
                    { "type": "PodReadyToStartContainers", "status": "True" }, { "type": "Initialized", "status": "True" },
                    { "type": "Ready", "status": "False", "reason": "ContainersNotReady" },
                    { "type": "PodScheduled", "status": "True" },
                ],
                "containerStatuses": [{
                    "name": "main", "image": "registry.example/web:2", "imageID": "", "ready": false, "started": false,
                    "restartCount": 0, "lastState": {}, "state": { "waiting": waiting },
                }],
            },
        }))
    }

    fn pulls(name: &str) -> Object {
        pod(
            name,
            json!({ "reason": "ImagePullBackOff", "message": "Back-off pulling image \"registry.example/web:2\"" }),
        )
    }

    fn event(of: &Object, at: &str) -> Object {
        Object(json!({
            "apiVersion": "v1", "kind": "Event", "metadata": { "name": "e", "namespace": "shop" },
            "involvedObject": { "kind": "Pod", "namespace": "shop", "name": of.name(), "uid": of.uid() },
            "reason": "FailedAttachVolume", "type": "Warning", "lastTimestamp": at, "firstTimestamp": "2026-03-02T01:00:00Z",
            "message": "AttachVolume.Attach failed for volume \"pvc-1\": volume is attached to another node",
        }))
    }

    fn events(all: &[Object]) -> Events {
        let mut events = Events::default();
        all.iter().for_each(|event| events.hear(event, now()));
        events
    }

    fn told(all: &[Object]) -> Attach {
        Attach { told: events(all).told(&Events::default(), now()), open: BTreeMap::new() }
    }

    fn seen(pod: &Object, what: WatchedFor) -> Option<Sighting> {
        judge(pod, &what, &Attach::default())
    }

    #[test]
    fn pods_of_one_deployment_are_one_failure() {
        let all =
            ["web-6d4cf56db6-a", "web-6d4cf56db6-b"].map(|name| seen(&pulls(name), WatchedFor::ImagePull).unwrap());
        let [one] = &joined(all)[..] else { panic!() };
        assert_eq!(one.about, "deployment web");
        assert_eq!(one.own, BTreeMap::from([("deployment".to_owned(), "web".to_owned())]));
        assert_eq!(one.pods.keys().map(String::as_str).collect::<Vec<_>>(), ["web-6d4cf56db6-a", "web-6d4cf56db6-b"]);
        assert_eq!(one.says, "ImagePullBackOff: Back-off pulling image \"registry.example/web:2\"");
    }

    #[test]
    fn each_way_to_wait_is_its_own_watchs() {
        for (reason, pull, config) in [
            ("ErrImagePull", true, false),
            ("InvalidImageName", true, false),
            ("CreateContainerConfigError", false, true),
            ("CreateContainerError", false, true),
            ("ContainerCreating", false, false),
            ("CrashLoopBackOff", false, false),
        ] {
            let pod = pod("web-1", json!({ "reason": reason }));
            let found = [WatchedFor::ImagePull, WatchedFor::ConfigError].map(|what| seen(&pod, what).is_some());
            assert_eq!(found, [pull, config], "{reason}");
        }
    }

    #[test]
    fn an_init_container_and_one_of_a_running_pod_count() {
        let status = json!({ "status": { "phase": "Running", "initContainerStatuses": [{
            "name": "migrate", "state": { "waiting": { "reason": "ErrImagePull" } } }] } });
        let both = pulls("web-1").with(&status);
        let sighting = seen(&both, WatchedFor::ImagePull).unwrap();
        assert_eq!(sighting.containers.iter().map(String::as_str).collect::<Vec<_>>(), ["main", "migrate"]);
    }

    #[test]
    fn what_is_over_going_or_unwatched_is_not_seen() {
        for change in [
            json!({ "status": { "phase": "Failed" } }),
            json!({ "metadata": { "deletionTimestamp": "2026-03-02T01:59:00Z" } }),
            json!({ "metadata": { "annotations": { "dogwatch/unwatched": "true" } } }),
        ] {
            assert_eq!(seen(&pulls("web-1").with(&change), WatchedFor::ImagePull), None, "{change}");
        }
        let named = json!({ "metadata": { "annotations": { "dogwatch/unwatched": "false" } } });
        assert!(seen(&pulls("web-1").with(&named), WatchedFor::ImagePull).is_some());
    }

    #[test]
    fn a_volume_fails_where_its_pod_still_waits_and_the_event_is_recent() {
        let creating = pod("pg-0", json!({ "reason": "ContainerCreating" }));
        let attach = |pod: &Object, at: &str| judge(pod, &WatchedFor::FailedAttach, &told(&[event(pod, at)]));
        let recent = "2026-03-02T01:50:00Z";
        assert!(attach(&creating, recent).unwrap().says.contains("attached to another node"));
        assert_eq!(attach(&creating, "2026-03-02T01:40:00Z"), None, "it is long ago");
        assert_eq!(attach(&pulls("pg-0"), recent), None, "it waits for something else by now");
        let unscheduled = creating.clone().with(&json!({ "spec": { "nodeName": null } }));
        assert_eq!(attach(&unscheduled, recent), None);
        let told = told(&[event(&creating, recent)]);
        assert!(judge(&creating, &WatchedFor::FailedAttach, &told).is_some());
        let successor = creating.with(&json!({ "metadata": { "uid": "another" } }));
        assert_eq!(judge(&successor, &WatchedFor::FailedAttach, &told), None, "the event is about the pod before it");
    }

    #[test]
    fn the_latest_event_says_what_is_so() {
        let pod = pod("pg-0", json!({ "reason": "ContainerCreating" }));
        let says = |at: &str, message: &str| event(&pod, at).with(&json!({ "message": message }));
        let mut events = Events::default();
        for event in [says("2026-03-02T01:55:00Z", "new"), says("2026-03-02T01:50:00Z", "old")] {
            events.hear(&event, now());
        }
        // As the events API of today writes those that come again.
        let series = json!({ "series": { "lastObservedTime": "2026-03-02T01:59:00.000000Z" }, "lastTimestamp": null });
        events.hear(&says("x", "newest").with(&series), now());
        events.hear(&event(&pod, "x").with(&json!({ "involvedObject": { "kind": "Node" } })), now());
        assert_eq!(events.named, BTreeSet::from([("shop".to_owned(), "pg-0".to_owned())]));
        let told = events.told(&Events::default(), now());
        assert_eq!(told, Told::from([(pod.uid().to_owned(), "newest".to_owned())]));
    }

    #[test]
    fn a_volume_that_is_tried_again_still_fails() {
        let pod = pod("pg-0", json!({ "reason": "ContainerCreating" }));
        let (old, recent) = ("2026-03-02T01:20:00Z", "2026-03-02T01:55:00Z");
        let first = || events(&[event(&pod, old)]);
        assert_eq!(first().told(&Events::default(), now()), Told::new());
        let mounts = events(&[event(&pod, recent).with(&json!({ "reason": "FailedMount" }))]);
        assert!(first().told(&mounts, now()).contains_key(pod.uid()));
        assert_eq!(Events::default().told(&mounts, now()), Told::new(), "a Secret may be missing");
    }

    #[test]
    fn the_pod_of_an_alert_that_fires_still_fails_and_its_successor_does_not() {
        let created = json!({ "metadata": { "creationTimestamp": "2026-03-02T01:00:00Z" } });
        let pod = pod("pg-0", json!({ "reason": "ContainerCreating" })).with(&created);
        let began = |at: &str| {
            let open = BTreeMap::from([(("shop".to_owned(), "pg-0".to_owned()), at.parse().unwrap())]);
            judge(&pod, &WatchedFor::FailedAttach, &Attach { told: Told::new(), open }).is_some()
        };
        assert_eq!([began("2026-03-02T01:01:00Z"), began("2026-03-02T00:59:00Z")], [true, false]);
    }

    #[test]
    fn what_events_spoke_of_long_ago_is_not_looked_at() {
        let pod = pulls("web-1");
        assert_eq!(events(&[event(&pod, "2026-03-02T01:40:00Z")]).named, BTreeSet::new());
        assert_eq!(events(&[event(&pod, "2026-03-02T01:50:00Z")]).named.len(), 1);
    }

    #[test]
    fn a_pod_belongs_to_its_controller_whatever_that_is() {
        let owned = |reference: Value| {
            let reference = json!([reference]);
            Owner::of(&pulls("x-0").with(&json!({ "metadata": { "ownerReferences": reference } }))).about
        };
        let by = |version: &str, kind: &str, name: &str| {
            owned(json!({ "apiVersion": version, "kind": kind, "name": name, "controller": true }))
        };
        assert_eq!(by("apps/v1", "StatefulSet", "pg"), "statefulset pg");
        assert_eq!(by("batch/v1", "Job", "backup"), "job backup");
        assert_eq!(by("apps/v1", "ReplicaSet", "by-hand"), "replicaset by-hand");
        assert_eq!(by("postgresql.cnpg.io/v1", "Cluster", "pg"), "Cluster.postgresql.cnpg.io pg");
        assert_eq!(by("v1", "Node", "node-1"), "pod x-0");
        assert_eq!(owned(json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "pg" })), "pod x-0");
    }
}
