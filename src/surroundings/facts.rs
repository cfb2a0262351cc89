//! What is kept of an object that was read: little, as many are.

use serde_json::Value;

use crate::cluster::{Kind, Object};
use crate::model::ObjectKey;

/// By this, Kubernetes and its operators say in which zone a node is, and who manages an object.
/// <https://kubernetes.io/docs/reference/labels-annotations-taints/>
const ZONE: &str = "topology.kubernetes.io/zone";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub uid: String,
    pub owner: Option<OwnerReference>,
    pub node: Option<String>,
    pub storage_class: Option<String>,
    pub zone: Option<String>,
    pub managed_by: Option<String>,
    /// The names of a StatefulSet's claim templates.
    pub claim_templates: Vec<String>,
    /// What its labels and annotations say under the names that are looked for, in their order.
    pub marks: Vec<String>,
}

impl Facts {
    pub fn of(object: &Object, names: &[String]) -> Self {
        let text = |pointer| Some(object.text(pointer)).filter(|text| !text.is_empty()).map(str::to_owned);
        let label = |name| object.label(name).filter(|text| !text.is_empty()).map(str::to_owned);
        let templates = object.at("/spec/volumeClaimTemplates").and_then(Value::as_array);
        let template = |claim: &Value| claim.pointer("/metadata/name")?.as_str().map(str::to_owned);
        let of = |kind: &str| object.kind() == kind;
        Self {
            uid: object.uid().to_owned(),
            owner: OwnerReference::of(object),
            node: if of("Pod") { text("/spec/nodeName") } else { None },
            storage_class: if of("PersistentVolumeClaim") { text("/spec/storageClassName") } else { None },
            zone: if of("Node") { label(ZONE) } else { None },
            managed_by: label(MANAGED_BY),
            claim_templates: templates.into_iter().flatten().filter_map(template).collect(),
            marks: names.iter().filter_map(|name| mark(object, name)).collect(),
        }
    }
}

/// The label of that name, else the annotation.
fn mark(object: &Object, name: &str) -> Option<String> {
    /// No word is longer.
    const LONGEST: usize = 100;
    let annotation = || object.at("/metadata/annotations")?.get(name)?.as_str();
    let value = object.label(name).or_else(annotation)?;
    Some(value.chars().take(LONGEST).collect::<String>()).filter(|value| !value.trim().is_empty())
}

/// What an object says of its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnerReference {
    api_version: String,
    kind: String,
    name: String,
    pub uid: String,
}

impl OwnerReference {
    /// The controller; of a claim, which may have none, its one owner.
    fn of(object: &Object) -> Option<Self> {
        let references = object.at("/metadata/ownerReferences")?.as_array()?;
        let is_controller = |reference: &&Value| reference.get("controller") == Some(&Value::Bool(true));
        let reference = references.iter().find(is_controller).or(match references.as_slice() {
            [one] if object.kind() == "PersistentVolumeClaim" => Some(one),
            _ => None,
        })?;
        let text = |field: &str| reference.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (kind, name) = (text("kind"), text("name"));
        let is_told = !kind.is_empty() && !name.is_empty();
        is_told.then(|| Self { api_version: text("apiVersion"), kind, name, uid: text("uid") })
    }

    /// The owner of something in that namespace. Owners of a kind that nobody knows here are taken
    /// to be in the same one.
    pub fn key(&self, namespace: &str) -> ObjectKey {
        let is_cluster_wide = self.native().is_some_and(|kind| !kind.namespaced);
        ObjectKey::new(Kind::id_of(&self.kind, self.group()), if is_cluster_wide { "" } else { namespace }, &*self.name)
    }

    /// Its kind, if it is Kubernetes' own: operators call theirs by the same words.
    pub fn native(&self) -> Option<&'static Kind> {
        Kind::find(&self.kind).ok().filter(|kind| kind.group == self.group())
    }

    fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claim(owners: Value) -> Object {
        let metadata = json!({ "name": "data-db-0", "namespace": "db", "ownerReferences": owners });
        Object(json!({ "kind": "PersistentVolumeClaim", "metadata": metadata }))
    }

    #[test]
    fn an_owner_is_the_controller_or_the_only_one_of_a_claim() {
        let set = json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "u" });
        let pod = json!({ "apiVersion": "v1", "kind": "Pod", "name": "db-0", "uid": "v", "controller": true });
        let owner = |object: &Object| Facts::of(object, &[]).owner.map(|owner| owner.key("db").key());
        assert_eq!(owner(&claim(json!([set]))).as_deref(), Some("StatefulSet/db/db"));
        assert_eq!(owner(&claim(json!([set, pod]))).as_deref(), Some("Pod/db/db-0"));
        assert_eq!(owner(&claim(json!([set, set]))), None);
        let of_pod = claim(json!([set])).with(&json!({ "kind": "Pod" }));
        assert_eq!(owner(&of_pod), None, "what is no controller only keeps it from being collected");
    }

    #[test]
    fn a_kind_is_kubernetes_own_by_its_group() {
        let of = |api_version: &str, kind: &str| {
            let reference = json!({ "apiVersion": api_version, "kind": kind, "name": "x", "controller": true });
            Facts::of(&claim(json!([reference])), &[]).owner.unwrap()
        };
        assert!(of("apps/v1", "ReplicaSet").native().is_some());
        assert!(of("v1", "Node").native().is_some());
        assert_eq!(of("v1", "Node").key("db"), ObjectKey::new("Node", "", "x"));
        assert!(of("serving.knative.dev/v1", "Service").native().is_none());
        assert_eq!(
            of("acid.zalan.do/v1", "postgresql").key("db"),
            ObjectKey::new("postgresql.acid.zalan.do", "db", "x")
        );
    }
}
