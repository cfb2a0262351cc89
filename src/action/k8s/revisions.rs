//! The revisions of a Deployment: it has a ReplicaSet for each template that it had, as far back as
//! `revisionHistoryLimit` goes.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::objects;
use crate::action::ActionError;
use crate::cluster::{Cluster, ListQuery, Object};
use crate::model::Digest;

/// The label that the controller adds to a template, so that ReplicaSets do not take each other's
/// pods.
pub(super) const HASH: &str = "pod-template-hash";

const REVISION: &str = "deployment.kubernetes.io/revision";
/// The numbers that a ReplicaSet had before it was gone back to.
const HISTORY: &str = "deployment.kubernetes.io/revision-history";

/// The most ReplicaSets that one Deployment's selector may match. More is not read but refused.
const MOST: usize = 1_000;

/// One of a Deployment's templates.
#[derive(Debug, Clone)]
pub(super) struct Revision {
    pub number: i64,
    pub set: Object,
}

/// The one that counts, and those that were.
#[derive(Debug, Clone)]
pub(super) struct Revisions {
    pub current: Revision,
    /// The latest first.
    pub others: Vec<Revision>,
}

/// Reads the revisions of a Deployment. Changes nothing.
///
/// # Errors
/// It is no Deployment, or its controller has not seen its present template yet.
pub(super) async fn find(cluster: &dyn Cluster, deployment: &Object) -> Result<Revisions, ActionError> {
    if deployment.kind() != "Deployment" {
        return Err(ActionError::fail(format!("{} has no revisions; only Deployments have", deployment.key())));
    }
    let query = ListQuery {
        kind: "ReplicaSet".into(),
        namespace: deployment.namespace().into(),
        labels: objects::selector(deployment)?,
        limit: MOST,
        ..ListQuery::default()
    };
    of(deployment, cluster.list(&query).await?)
}

/// The same, from what was read.
pub(super) fn of(deployment: &Object, sets: Vec<Object>) -> Result<Revisions, ActionError> {
    let key = deployment.key();
    let is_its =
        |set: &Object| objects::controller(set).and_then(|owner| owner.get("uid")?.as_str()) == Some(deployment.uid());
    let present = digest(deployment);
    let mut others: Vec<Revision> =
        sets.into_iter().filter(is_its).filter_map(|set| Some(Revision { number: number(&set)?, set })).collect();
    // As its controller does it: the oldest of those that are alike.
    let alike = others.iter().enumerate().filter(|(_, revision)| digest(&revision.set) == present);
    let current = alike.min_by_key(|(_, revision)| revision.set.text("/metadata/creationTimestamp")).map(|(at, _)| at);
    let Some(current) = current else {
        let message = format!("{key} has no ReplicaSet of its present template yet");
        return Err(if is_paused(deployment) {
            ActionError::fail(format!("{message}, as it is paused"))
        } else {
            ActionError::retry(format!("{message}; look at its events if it stays so"))
        });
    };
    let current = others.swap_remove(current);
    others.sort_by_key(|revision| std::cmp::Reverse(revision.number));
    Ok(Revisions { current, others })
}

/// The number that the controller last gave a Deployment or a ReplicaSet.
pub(super) fn number(object: &Object) -> Option<i64> {
    object.annotation(REVISION)?.parse().ok()
}

pub(super) fn is_paused(deployment: &Object) -> bool {
    deployment.at("/spec/paused") == Some(&Value::Bool(true))
}

/// What proves that a revision runs is its pods that are available: as many as there must be during
/// a rollout, or, where the change took more away, more than the change itself has. Where pods of a
/// third one are there, nobody knows which of them was the last that was good.
pub(super) fn check_proven(deployment: &Object, revisions: &Revisions, wanted: &Revision) -> Result<(), String> {
    let (key, available) = (deployment.key(), wanted.available());
    let what = format!("revision {} of {key} ({})", wanted.number, wanted.image());
    if available == 0 {
        return Err(format!("nothing proves that {what} ever ran: none of its pods is available now"));
    }
    if let Some(third) = revisions.others.iter().find(|other| other.number != wanted.number && other.is_alive()) {
        return Err(format!(
            "pods of revision {} ({}) are there beside those of {what}: somebody must say which one is good",
            third.number,
            third.image()
        ));
    }
    let needed = deployment.number("/spec/replicas").unwrap_or(1) - most_unavailable(deployment);
    if available < needed && available <= revisions.current.available() {
        return Err(format!(
            "{available} pods of {what} are available, of the {needed} that there must be, and as many or more of the present \
             revision {}: that does not prove which one is good",
            revisions.current.number
        ));
    }
    Ok(())
}

/// How many pods a rollout of a Deployment may take away at a time; the API server's own default
/// where the object says nothing.
pub(super) fn most_unavailable(deployment: &Object) -> i64 {
    let replicas = deployment.number("/spec/replicas").unwrap_or(1);
    let given = deployment.at("/spec/strategy/rollingUpdate/maxUnavailable");
    given.map_or(replicas.saturating_mul(25) / 100, |given| number_or_share(given, replicas))
}

/// `2`, or `25%` of `all`, rounded down.
pub(super) fn number_or_share(value: &Value, all: i64) -> i64 {
    let share = |percent: i64| all.saturating_mul(percent.clamp(0, 100)) / 100;
    match value {
        Value::Number(number) => number.as_i64().unwrap_or(0),
        Value::String(text) => text.trim_end_matches('%').parse().map_or(0, share),
        _ => share(25),
    }
}

impl Revisions {
    /// The one before the present one.
    pub fn previous(&self) -> Option<&Revision> {
        self.others.iter().find(|revision| revision.number < self.current.number)
    }

    /// When the template became what it is; `None`: nobody knows. The present ReplicaSet was made
    /// then, unless an older one was gone back to: then the latest write of whoever wrote the
    /// template counts.
    pub fn changed_at(&self, deployment: &Object) -> Option<DateTime<Utc>> {
        let was_there = self.current.set.annotation(HISTORY).is_some_and(|numbers| !numbers.is_empty());
        if was_there {
            deployment.field_manager(&["spec", "template"])?.at
        } else {
            objects::time_at(&self.current.set.0, "/metadata/creationTimestamp")
        }
    }
}

impl Revision {
    /// How many of its pods are available now.
    pub fn available(&self) -> i64 {
        self.set.number("/status/availableReplicas").unwrap_or(0)
    }

    /// Whether it has pods, or shall have some.
    pub fn is_alive(&self) -> bool {
        let some = |field: &str| self.set.number(field).is_some_and(|pods| pods > 0);
        self.available() > 0 || some("/status/replicas") || some("/spec/replicas")
    }

    /// Whether it once had that number.
    pub fn was(&self, number: i64) -> bool {
        let history = self.set.annotation(HISTORY).unwrap_or_default();
        history.split(',').any(|one| one.trim().parse() == Ok(number))
    }

    /// The images of its containers, with commas between them.
    pub fn image(&self) -> String {
        let containers = self.set.at("/spec/template/spec/containers").and_then(Value::as_array);
        let images = containers.into_iter().flatten().filter_map(|container| container.get("image")?.as_str());
        images.collect::<Vec<_>>().join(", ")
    }

    pub fn hash(&self) -> &str {
        self.set.label(HASH).unwrap_or_default()
    }

    /// The ConfigMaps and Secrets that its pods read, as `configmap/web-7`: their names, never what
    /// is in them.
    pub fn configuration(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        if let Some(spec) = self.set.at("/spec/template/spec") {
            collect(spec, &mut found);
        }
        found
    }
}

/// By the names that the API gives references, wherever in a pod they stand. What pulls images is
/// no configuration.
fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (field, inner) in fields {
                let (kind, name) = match field.as_str() {
                    "configMap" | "configMapRef" | "configMapKeyRef" => ("configmap", "name"),
                    // In a volume it is called otherwise than in its projection.
                    "secret" if inner.get("secretName").is_some() => ("secret", "secretName"),
                    "secret" | "secretRef" | "secretKeyRef" => ("secret", "name"),
                    _ => {
                        collect(inner, found);
                        continue;
                    }
                };
                if let Some(name) = inner.get(name).and_then(Value::as_str) {
                    found.insert(format!("{kind}/{name}"));
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

/// The template of a Deployment, or of one of its ReplicaSets as it was in the Deployment: without
/// the label that its controller added, and without the nulls that some servers write.
pub(super) fn template(object: &Object) -> Value {
    let mut template = settled(object.at("/spec/template").unwrap_or(&Value::Null));
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(HASH);
    }
    template
}

/// The same template has the same one.
pub(super) fn digest(object: &Object) -> Digest {
    Digest::of(template(object).to_string())
}

/// Without nulls in objects, and the fields in the order of their names.
fn settled(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(fields.map(|(name, value)| (name.clone(), settled(value))).collect())
        }
        Value::Array(items) => items.iter().map(settled).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    pub(in crate::action::k8s) fn template_of(image: &str) -> Value {
        json!({
            "metadata": { "labels": { "app": "web" } },
            "spec": { "containers": [{ "name": "web", "image": image }] },
        })
    }

    pub(in crate::action::k8s) fn deployment(image: &str) -> Object {
        Object(json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "namespace": "shop", "name": "web", "uid": "d", "resourceVersion": "10", "generation": 7,
                "annotations": { REVISION: "7" },
            },
            "spec": {
                "replicas": 3,
                "selector": { "matchLabels": { "app": "web" } },
                "template": template_of(image),
            },
        }))
    }

    pub(in crate::action::k8s) fn set(number: i64, image: &str, available: i64) -> Object {
        let hash = format!("h{number}");
        let owner = json!({ "kind": "Deployment", "name": "web", "uid": "d", "controller": true });
        let mut template = template_of(image);
        template["metadata"]["labels"][HASH] = hash.as_str().into();
        // As servers before 1.36 write it.
        template["metadata"]["creationTimestamp"] = Value::Null;
        Object(json!({
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "namespace": "shop",
                "name": format!("web-{hash}"),
                "labels": { "app": "web", HASH: hash },
                "annotations": { REVISION: number.to_string() },
                "creationTimestamp": format!("2026-05-01T{:02}:00:00Z", number),
                "ownerReferences": [owner],
            },
            "spec": { "template": template },
            "status": { "availableReplicas": available },
        }))
    }

    #[test]
    fn the_present_revision_is_that_of_the_present_template() {
        let sets = vec![set(5, "shop:1", 0), set(7, "shop:3", 0), set(6, "shop:2", 3)];
        let revisions = of(&deployment("shop:3"), sets.clone()).unwrap();
        assert_eq!((revisions.current.number, revisions.current.hash()), (7, "h7"));
        assert_eq!(revisions.others.iter().map(|revision| revision.number).collect::<Vec<_>>(), [6, 5]);
        let previous = revisions.previous().unwrap();
        assert_eq!((previous.number, previous.image(), previous.available()), (6, "shop:2".to_owned(), 3));
        // Somebody is going back to it, and its controller has not counted it anew yet.
        assert_eq!(of(&deployment("shop:1"), sets).unwrap().previous().map(|revision| revision.number), None);
    }

    #[test]
    fn what_the_controller_has_not_seen_is_asked_again() {
        let error = of(&deployment("shop:4"), vec![set(6, "shop:2", 3)]).unwrap_err();
        assert_eq!(error.class, crate::model::FailureClass::Retry, "{error}");
        let paused = deployment("shop:4").with(&json!({ "spec": { "paused": true } }));
        let error = of(&paused, vec![set(6, "shop:2", 3)]).unwrap_err();
        assert_eq!(
            error.message,
            "deployment/web in shop has no ReplicaSet of its present template yet, as it is paused"
        );
    }

    #[test]
    fn sets_of_another_deployment_are_not_its_own() {
        let foreign = set(9, "shop:9", 3).with(&json!({ "metadata": { "ownerReferences": null } }));
        let revisions = of(&deployment("shop:2"), vec![foreign, set(6, "shop:2", 3)]).unwrap();
        assert_eq!((revisions.current.number, revisions.others.len()), (6, 0));
    }

    #[test]
    fn what_its_pods_read_is_found_wherever_it_stands() {
        let set = set(7, "shop:3", 0).with(&json!({ "spec": { "template": { "spec": {
            "imagePullSecrets": [{ "name": "registry" }],
            "containers": [{
                "name": "web",
                "envFrom": [{ "configMapRef": { "name": "a" } }, { "secretRef": { "name": "b" } }],
                "env": [
                    { "name": "X", "valueFrom": { "configMapKeyRef": { "name": "c", "key": "x" } } },
                    { "name": "Y", "valueFrom": { "secretKeyRef": { "name": "d", "key": "y" } } },
                ],
            }],
            "volumes": [
                { "name": "e", "configMap": { "name": "e" } },
                { "name": "f", "secret": { "secretName": "f" } },
                { "name": "g", "projected": { "sources": [{ "configMap": { "name": "g" } }, { "secret": { "name": "h" } }] } },
            ],
        } } } }));
        let revision = Revision { number: 7, set };
        let found: Vec<String> = revision.configuration().into_iter().collect();
        assert_eq!(
            found,
            [
                "configmap/a",
                "configmap/c",
                "configmap/e",
                "configmap/g",
                "secret/b",
                "secret/d",
                "secret/f",
                "secret/h"
            ]
        );
    }

    #[test]
    fn a_template_is_the_same_in_the_deployment_and_in_its_set() {
        assert_eq!(digest(&deployment("shop:2")), digest(&set(6, "shop:2", 0)));
        assert_ne!(digest(&deployment("shop:2")), digest(&set(6, "shop:3", 0)));
    }
}
