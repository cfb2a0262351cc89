//! Deployments: one ReplicaSet for each template that there was.

use std::time::Duration;

use serde_json::{Value, json};

use super::{condition, hash_value, number, owner_reference, safe_text};
use crate::cluster::kinds::REPLICA_SET;
use crate::cluster::sim::objects::{Id, text};
use crate::cluster::sim::state::{CONTROLLERS, CONTROLLERS_STATUS, State};

const COMPONENT: &str = "deployment-controller";
const HASH_LABEL: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";
const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";

/// What is known of one of a Deployment's ReplicaSets.
struct Set {
    id: Id,
    is_current: bool,
    /// 0: nobody has counted it.
    revision: i64,
    wanted: i64,
    pods: i64,
    ready: i64,
}

impl State {
    pub(super) fn reconcile_deployment(&mut self, id: Id) {
        let deployment = self.objects.value(id);
        let wanted = number(&deployment, "/spec/replicas").unwrap_or(1);
        let is_paused = deployment.pointer("/spec/paused") == Some(&Value::Bool(true));
        let mut sets = self.sets_of(&deployment);
        if !sets.iter().any(|set| set.is_current) {
            if is_paused {
                return self.note_deployment(id, &deployment, wanted, &sets);
            }
            self.add_replica_set(id, &deployment, latest_revision(&sets) + 1);
            sets = self.sets_of(&deployment);
        }
        self.count_revision(id, &sets);
        let recreates = text(&deployment, "/spec/strategy/type") == "Recreate";
        let old_pods: i64 = sets.iter().filter(|set| !set.is_current).map(|set| set.pods).sum();
        let current_is_ready = sets.iter().any(|set| set.is_current && set.ready >= wanted);
        for set in &sets {
            let replicas = match set.is_current {
                true if recreates && old_pods > 0 => set.wanted,
                true => wanted,
                // The old pods stay until the new ones can stand in for them.
                false if recreates || (current_is_ready && !is_paused) => 0,
                false => set.wanted,
            };
            if replicas != set.wanted {
                self.scale_set(id, set, replicas);
            }
        }
        let sets = self.sets_of(&deployment);
        self.note_deployment(id, &deployment, wanted, &sets);
    }

    fn sets_of(&self, deployment: &Value) -> Vec<Set> {
        let template = bare_template(deployment);
        let owned = self.objects.owned_by(text(deployment, "/metadata/uid"));
        let sets = owned.into_iter().filter(|id| self.objects.get(*id).is_some_and(|it| it.kind.id == "ReplicaSet"));
        let sets = sets.map(|id| {
            let set = self.objects.value(id);
            Set {
                id,
                is_current: bare_template(&set) == template,
                revision: revision(&set),
                wanted: number(&set, "/spec/replicas").unwrap_or(0),
                pods: number(&set, "/status/replicas").unwrap_or(0),
                ready: number(&set, "/status/readyReplicas").unwrap_or(0),
            }
        });
        sets.collect()
    }

    fn add_replica_set(&mut self, id: Id, deployment: &Value, revision: i64) {
        let name = text(deployment, "/metadata/name");
        let template_hash = safe_text(hash_value(&deployment["spec"]["template"]), 10);
        let set_name = format!("{name}-{template_hash}");
        if self.objects.find("ReplicaSet", text(deployment, "/metadata/namespace"), &set_name).is_some() {
            // That of a Deployment of the same name which was deleted: it will be gone in a moment.
            self.touch_in(id, Duration::from_secs(1));
            return;
        }
        let mut template = deployment["spec"]["template"].clone();
        template["metadata"]["labels"][HASH_LABEL] = template_hash.as_str().into();
        let mut selector = deployment["spec"]["selector"].clone();
        selector["matchLabels"][HASH_LABEL] = template_hash.as_str().into();
        let revision = revision.to_string();
        let set = json!({
            "metadata": {
                "name": set_name,
                "namespace": deployment["metadata"]["namespace"],
                "labels": template["metadata"]["labels"],
                "annotations": { REVISION: revision },
                "ownerReferences": [owner_reference(deployment)],
            },
            // It is scaled up by the next look at it.
            "spec": { "replicas": 0, "selector": selector, "template": template },
        });
        self.add(&REPLICA_SET, set, CONTROLLERS);
        self.change(id, CONTROLLERS_STATUS, |deployment| {
            deployment["metadata"]["annotations"][REVISION] = revision.into();
        });
    }

    /// A template that somebody goes back to becomes the latest revision: its ReplicaSet is counted
    /// anew, and remembers which number it had.
    fn count_revision(&mut self, id: Id, sets: &[Set]) {
        let Some(current) = sets.iter().find(|set| set.is_current) else { return };
        let latest = latest_revision(sets);
        if current.revision == latest && latest > 0 {
            return;
        }
        let (former, next) = (current.revision, (latest + 1).to_string());
        self.change(current.id, CONTROLLERS, |set| {
            let history = text(set, &format!("/metadata/annotations/{}", REVISION_HISTORY.replace('/', "~1")));
            let history = match (history, former) {
                (_, 0) => None,
                ("", former) => Some(former.to_string()),
                (history, former) => Some(format!("{history},{former}")),
            };
            if let Some(history) = history {
                set["metadata"]["annotations"][REVISION_HISTORY] = history.into();
            }
            set["metadata"]["annotations"][REVISION] = next.as_str().into();
        });
        self.change(id, CONTROLLERS_STATUS, |deployment| {
            deployment["metadata"]["annotations"][REVISION] = next.into();
        });
    }

    fn scale_set(&mut self, deployment: Id, set: &Set, replicas: i64) {
        let name = self.objects.get(set.id).map(|set| set.name.clone()).unwrap_or_default();
        self.change(set.id, CONTROLLERS, |set| set["spec"]["replicas"] = json!(replicas));
        let way = if replicas > set.wanted { "up" } else { "down" };
        let message = format!("Scaled {way} replica set {name} from {} to {replicas}", set.wanted);
        self.tell(deployment, "ScalingReplicaSet", &message, COMPONENT);
    }

    fn note_deployment(&mut self, id: Id, deployment: &Value, wanted: i64, sets: &[Set]) {
        let pods: i64 = sets.iter().map(|set| set.pods).sum();
        let ready: i64 = sets.iter().map(|set| set.ready).sum();
        let current = sets.iter().find(|set| set.is_current);
        let updated = current.map_or(0, |set| set.pods);
        let count = |number: i64| if number == 0 { Value::Null } else { json!(number) };
        self.set_status(
            id,
            json!({
                "observedGeneration": deployment["metadata"]["generation"],
                "replicas": count(pods),
                "updatedReplicas": count(updated),
                "readyReplicas": count(ready),
                "availableReplicas": count(ready),
                "unavailableReplicas": count((wanted.max(pods) - ready).max(0)),
            }),
        );
        let set = current.and_then(|set| self.objects.get(set.id)).map(|set| set.name.clone()).unwrap_or_default();
        let is_complete = updated == wanted && ready == wanted && pods == wanted;
        let now = self.now;
        self.change(id, CONTROLLERS_STATUS, |deployment| {
            // A quarter may be missing: that is the default of maxUnavailable.
            if ready >= wanted - wanted / 4 {
                let message = "Deployment has minimum availability.";
                condition::set(deployment, "Available", true, "MinimumReplicasAvailable", message, now);
            } else {
                let message = "Deployment does not have minimum availability.";
                condition::set(deployment, "Available", false, "MinimumReplicasUnavailable", message, now);
            }
            if is_complete {
                let message = format!("ReplicaSet \"{set}\" has successfully progressed.");
                condition::set(deployment, "Progressing", true, "NewReplicaSetAvailable", &message, now);
            } else if updated < wanted {
                let message = format!("ReplicaSet \"{set}\" is progressing.");
                condition::set(deployment, "Progressing", true, "ReplicaSetUpdated", &message, now);
            }
        });
    }
}

fn revision(set: &Value) -> i64 {
    set["metadata"]["annotations"][REVISION].as_str().and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn latest_revision(sets: &[Set]) -> i64 {
    sets.iter().map(|set| set.revision).max().unwrap_or(0)
}

/// The template without the label that tells the ReplicaSets apart.
fn bare_template(object: &Value) -> Value {
    let mut template = object["spec"]["template"].clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(HASH_LABEL);
    }
    template
}
