//! StatefulSets: pods with ordinals, one after the other, each with its claims.

use serde_json::{Value, json};

use super::{hash_value, number, owner_reference, safe_text};
use crate::cluster::kinds::CLAIM;
use crate::cluster::sim::objects::{Id, list, text};
use crate::cluster::sim::state::{CONTROLLERS, Revision, State};

const COMPONENT: &str = "statefulset-controller";
const REVISION_LABEL: &str = "controller-revision-hash";

impl State {
    pub(super) fn reconcile_stateful_set(&mut self, id: Id) {
        let set = self.objects.value(id);
        let name = text(&set, "/metadata/name").to_owned();
        let namespace = text(&set, "/metadata/namespace").to_owned();
        let wanted = number(&set, "/spec/replicas").unwrap_or(1);
        let first = number(&set, "/spec/ordinals/start").unwrap_or(0);
        let is_parallel = text(&set, "/spec/podManagementPolicy") == "Parallel";
        let revision = self.revision(id, &set);
        let mut is_waiting = false;
        for ordinal in first..first + wanted {
            let pod_name = format!("{name}-{ordinal}");
            match self.objects.find("Pod", &namespace, &pod_name) {
                Some(pod) => {
                    self.adopt(pod, &set);
                    is_waiting |= self.objects.get(pod).is_none_or(|pod| !pod.is_ready || pod.is_going);
                }
                None => {
                    self.add_claims(&set, &pod_name);
                    let labels = [
                        ("statefulset.kubernetes.io/pod-name", pod_name.clone()),
                        ("apps.kubernetes.io/pod-index", ordinal.to_string()),
                        (REVISION_LABEL, revision.clone()),
                    ];
                    self.add_pod(&set, &pod_name, &labels);
                    let message = format!("create Pod {pod_name} in StatefulSet {name} successful");
                    self.tell(id, "SuccessfulCreate", &message, COMPONENT);
                    is_waiting = true;
                }
            }
            // Each pod waits for the one before it, which has this looked at again when it is ready.
            if is_waiting && !is_parallel {
                break;
            }
        }
        self.scale_down(id, &set, first + wanted, is_parallel);
        if !is_waiting {
            self.roll(id, &set, &revision);
        }
        self.note_stateful_set(id, &set, &revision);
    }

    /// The name of the present template's revision.
    pub(in crate::cluster::sim) fn revision(&mut self, id: Id, set: &Value) -> String {
        let template = hash_value(&set["spec"]["template"]);
        if let Some(revision) = self.revisions.get_mut(&id) {
            if revision.template != template {
                revision.template = template;
                revision.name = revision_name(set, template).into();
            }
            return revision.name.to_string();
        }
        let name = match text(set, "/status/updateRevision") {
            "" => revision_name(set, template),
            given => given.to_owned(),
        };
        self.revisions.insert(id, Revision { template, name: name.as_str().into(), first: name.as_str().into() });
        name
    }

    /// A pod of the right name that nobody owns is taken over.
    fn adopt(&mut self, pod: Id, set: &Value) {
        if self.objects.get(pod).is_some_and(|pod| pod.owners.is_empty()) {
            self.change(pod, CONTROLLERS, |pod| pod["metadata"]["ownerReferences"] = json!([owner_reference(set)]));
        }
    }

    fn scale_down(&mut self, id: Id, set: &Value, end: i64, is_parallel: bool) {
        let name = text(set, "/metadata/name");
        let mut surplus: Vec<(i64, Id)> = self.pods_by_ordinal(set).into_iter().filter(|(at, _)| *at >= end).collect();
        surplus.sort_unstable_by_key(|(ordinal, _)| std::cmp::Reverse(*ordinal));
        for (ordinal, pod) in surplus {
            let is_going = self.objects.get(pod).is_none_or(|pod| pod.is_going);
            if !is_going {
                self.delete(pod, false);
                let message = format!("delete Pod {name}-{ordinal} in StatefulSet {name} successful");
                self.tell(id, "SuccessfulDelete", &message, COMPONENT);
            }
            if !is_parallel {
                return;
            }
        }
    }

    /// Replaces the last pod that is of another revision; the others follow when it is ready again.
    fn roll(&mut self, id: Id, set: &Value, revision: &str) {
        if text(set, "/spec/updateStrategy/type") == "OnDelete" {
            return;
        }
        let partition = number(set, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
        let stale = self.pods_by_ordinal(set).into_iter();
        let stale = stale.filter(|(ordinal, pod)| *ordinal >= partition && self.revision_of(id, *pod) != revision);
        if let Some((ordinal, pod)) = stale.max() {
            let name = text(set, "/metadata/name");
            self.delete(pod, false);
            let message = format!("delete Pod {name}-{ordinal} in StatefulSet {name} successful");
            self.tell(id, "SuccessfulDelete", &message, COMPONENT);
        }
    }

    fn revision_of(&self, set: Id, pod: Id) -> &str {
        let label = self.objects.get(pod).and_then(|pod| pod.label(REVISION_LABEL));
        label.or_else(|| self.revisions.get(&set).map(|revision| &*revision.first)).unwrap_or_default()
    }

    fn pods_by_ordinal(&self, set: &Value) -> Vec<(i64, Id)> {
        let prefix = format!("{}-", text(set, "/metadata/name"));
        let owned = self.objects.owned_by(text(set, "/metadata/uid")).into_iter();
        let pods = owned.filter_map(|id| Some((id, self.objects.get(id).filter(|pod| pod.kind.id == "Pod")?)));
        pods.filter_map(|(id, pod)| Some((pod.name.strip_prefix(&prefix)?.parse().ok()?, id))).collect()
    }

    fn add_claims(&mut self, set: &Value, pod: &str) {
        let namespace = text(set, "/metadata/namespace");
        for template in list(set, "/spec/volumeClaimTemplates") {
            let name = format!("{}-{pod}", text(template, "/metadata/name"));
            if self.objects.find("PersistentVolumeClaim", namespace, &name).is_some() {
                continue;
            }
            let mut claim = template.clone();
            claim["metadata"]["name"] = name.into();
            claim["metadata"]["namespace"] = namespace.into();
            for (label, value) in
                set.pointer("/spec/selector/matchLabels").and_then(Value::as_object).into_iter().flatten()
            {
                claim["metadata"]["labels"][label] = value.clone();
            }
            if let Some(claim) = claim.as_object_mut() {
                claim.remove("status");
            }
            crate::cluster::sim::defaults::set_defaults("PersistentVolumeClaim", &mut claim);
            self.add(&CLAIM, claim, CONTROLLERS);
        }
    }

    fn note_stateful_set(&mut self, id: Id, set: &Value, revision: &str) {
        let pods = self.live_pods(text(set, "/metadata/uid"));
        let ready = pods.iter().filter(|(_, pod)| pod.is_ready).count();
        let updated = pods.iter().filter(|(pod, _)| self.revision_of(id, *pod) == revision).count();
        let replicas = pods.len();
        let current = match text(set, "/status/currentRevision") {
            given if !given.is_empty() && updated < replicas => given.to_owned(),
            _ => revision.to_owned(),
        };
        let of_current = if current == revision { updated } else { replicas - updated };
        let count = |number: usize| if number == 0 { Value::Null } else { json!(number) };
        let status = json!({
            "observedGeneration": set["metadata"]["generation"],
            "replicas": replicas,
            "readyReplicas": count(ready),
            "availableReplicas": ready,
            "currentReplicas": count(of_current),
            "updatedReplicas": count(updated),
            "currentRevision": current,
            "updateRevision": revision,
            "collisionCount": 0,
        });
        self.set_status(id, status);
    }
}

fn revision_name(set: &Value, template: u64) -> String {
    format!("{}-{}", text(set, "/metadata/name"), safe_text(template, 10))
}
