//! What of two templates of pods differs, by the names of its parts: never by what is in them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::objects;
use crate::cluster::Object;

/// By which pods are made again, as kubectl has it: when somebody wanted that.
pub(super) const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

/// When somebody wanted the pods of a workload made again, as that was written.
pub(super) fn restarted_at(workload: &Object) -> Option<&str> {
    workload.at("/spec/template/metadata/annotations")?.get(RESTARTED_AT)?.as_str()
}

/// The fields of a pod that say what it may do to its node and to the API server.
const OF_SECURITY: [&str; 8] = [
    "automountServiceAccountToken",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostUsers",
    "runtimeClassName",
    "securityContext",
    // Not its old name `serviceAccount`, which the API server keeps alike.
    "serviceAccountName",
];

/// The annotations that differ, by their keys. Not one that only has pods made again, as
/// `kubectl.kubernetes.io/restartedAt` does: what they say is when somebody wanted that.
pub(super) fn annotations(one: &Value, other: &Value) -> Vec<String> {
    let restarts = |key: &str| {
        let name = key.rsplit('/').next().unwrap_or(key).to_ascii_lowercase().replace(['-', '_', '.'], "");
        matches!(name.as_str(), "restartedat" | "restarted" | "restart" | "redeployedat" | "rolloutat")
    };
    let keys = differing(one.pointer("/metadata/annotations"), other.pointer("/metadata/annotations"));
    keys.into_iter().filter(|key| !restarts(key)).collect()
}

/// Whether what runs before the containers, and ends, is another program or called otherwise: it
/// may have migrated something. A sidecar, which stands there too, runs beside them.
pub(super) fn init_differs(one: &Value, other: &Value) -> bool {
    let programs = |template: &Value| -> Vec<[Value; 4]> {
        let inits = template.pointer("/spec/initContainers").and_then(Value::as_array).into_iter().flatten();
        let inits = inits.filter(|init| objects::word(init, "restartPolicy") != "Always");
        inits
            .map(|init| ["name", "image", "command", "args"].map(|field| init.get(field).cloned().unwrap_or_default()))
            .collect()
    };
    programs(one) != programs(other)
}

/// The parts that differ which say what pods may do to their node and to the API server:
/// `hostNetwork`, `hostPath`, `securityContext of web`.
pub(super) fn security(one: &Value, other: &Value) -> Vec<String> {
    let (one_spec, other_spec) = (one.get("spec"), other.get("spec"));
    let mut parts = differing(one_spec, other_spec);
    parts.retain(|part| OF_SECURITY.contains(&part.as_str()));
    let paths = |template: &Value| -> BTreeSet<String> {
        let volumes = template.pointer("/spec/volumes").and_then(Value::as_array).into_iter().flatten();
        volumes.filter_map(|volume| Some(volume.get("hostPath")?.to_string())).collect()
    };
    if paths(one) != paths(other) {
        parts.insert("hostPath".into());
    }
    let contexts = |template: &Value| -> BTreeMap<String, Value> {
        let context = |container: &Value| container.get("securityContext").cloned().unwrap_or_default();
        containers(template).into_iter().map(|(name, container)| (name, context(&container))).collect()
    };
    let (one, other) = (contexts(one), contexts(other));
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    // A container that only one of them has may do what its own context says.
    let of = |contexts: &BTreeMap<String, Value>, name: &String| contexts.get(name).cloned().unwrap_or_default();
    let differ = names.into_iter().filter(|name| of(&one, name) != of(&other, name));
    parts.into_iter().chain(differ.map(|name| format!("securityContext of {name}"))).collect()
}

/// All parts that differ, but for images: `annotation release`, `env of web`, `volumes`.
pub(super) fn parts(one: &Value, other: &Value) -> Vec<String> {
    let named = |what: &str, keys: BTreeSet<String>| -> Vec<String> {
        keys.into_iter().map(|key| format!("{what} {key}")).collect()
    };
    let of_metadata = |field: &str| differing(one.pointer(field), other.pointer(field));
    let mut parts = named("annotation", of_metadata("/metadata/annotations"));
    parts.extend(named("label", of_metadata("/metadata/labels")));
    let mut of_pod = differing(one.get("spec"), other.get("spec"));
    of_pod.retain(|field| !matches!(field.as_str(), "containers" | "initContainers" | "serviceAccount"));
    parts.extend(of_pod);
    parts.extend(of_containers(one, other));
    parts
}

/// `env of web`; `container web` where only one of them has it.
fn of_containers(one: &Value, other: &Value) -> Vec<String> {
    let (one, other) = (containers(one), containers(other));
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let mut parts = Vec::new();
    for name in names {
        match (one.get(name), other.get(name)) {
            (Some(one), Some(other)) => {
                let fields = differing(Some(one), Some(other)).into_iter().filter(|field| field != "image");
                parts.extend(fields.map(|field| format!("{field} of {name}")));
            }
            _ => parts.push(format!("container {name}")),
        }
    }
    parts
}

/// All containers, those that run before the others too, by their names.
fn containers(template: &Value) -> BTreeMap<String, Value> {
    let lists = ["/spec/containers", "/spec/initContainers"].map(|list| template.pointer(list));
    let all = lists.into_iter().flatten().filter_map(Value::as_array).flatten();
    all.map(|container| (objects::word(container, "name").to_owned(), container.clone())).collect()
}

/// The fields that two mappings have otherwise.
fn differing(one: Option<&Value>, other: Option<&Value>) -> BTreeSet<String> {
    let fields = |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or_default();
    let (one, other) = (fields(one), fields(other));
    one.keys().chain(other.keys()).filter(|name| one.get(*name) != other.get(*name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plain() -> Value {
        json!({
            "metadata": { "labels": { "app": "web" } },
            "spec": { "containers": [{ "name": "web", "image": "shop:3" }] },
        })
    }

    #[test]
    fn an_annotation_is_configuration_but_for_one_that_restarts() {
        let with = |key: &str| {
            let mut template = plain();
            template["metadata"]["annotations"] = json!({ key: "x" });
            annotations(&plain(), &template)
        };
        assert_eq!(with("checksum/config"), ["checksum/config"]);
        for key in ["kubectl.kubernetes.io/restartedAt", "example.com/restarted-at", "rollme.example.com/restartedAt"] {
            assert_eq!(with(key), [] as [&str; 0], "{key}");
        }
    }

    #[test]
    fn an_init_container_of_another_program_is_told_from_a_sidecar() {
        let with = |init: Value| {
            let mut template = plain();
            template["spec"]["initContainers"] = json!([init]);
            template
        };
        let migrate = json!({ "name": "migrate", "image": "shop:3", "command": ["migrate"], "args": ["up"] });
        assert!(init_differs(&plain(), &with(migrate.clone())));
        for (field, value) in [("image", json!("shop:2")), ("command", json!(["x"])), ("args", json!(["down"]))] {
            let mut other = migrate.clone();
            other[field] = value;
            assert!(init_differs(&with(migrate.clone()), &with(other)), "{field}");
        }
        let mut more_memory = migrate.clone();
        more_memory["resources"] = json!({ "limits": { "memory": "1Gi" } });
        assert!(!init_differs(&with(migrate), &with(more_memory)));
        assert!(!init_differs(&plain(), &with(json!({ "name": "proxy", "restartPolicy": "Always" }))));
    }

    #[test]
    fn what_pods_may_do_is_told_by_its_parts() {
        let with = |field: &str, value: Value| {
            let mut template = plain();
            template["spec"][field] = value;
            security(&plain(), &template)
        };
        assert_eq!(with("hostNetwork", json!(true)), ["hostNetwork"]);
        assert_eq!(with("serviceAccountName", json!("admin")), ["serviceAccountName"]);
        assert_eq!(with("volumes", json!([{ "name": "v", "hostPath": { "path": "/" } }])), ["hostPath"]);
        let root = json!([{ "name": "web", "image": "shop:3", "securityContext": { "runAsUser": 0 } }]);
        assert_eq!(with("containers", root), ["securityContext of web"]);
        // Also of one that the other template does not have.
        let sidecar =
            |context: Value| json!([plain()["spec"]["containers"][0], { "name": "agent", "securityContext": context }]);
        assert_eq!(with("containers", sidecar(json!({ "privileged": true }))), ["securityContext of agent"]);
        assert_eq!(with("containers", sidecar(Value::Null)), [] as [&str; 0]);
        assert_eq!(with("nodeName", json!("a")), [] as [&str; 0]);
    }

    #[test]
    fn all_parts_but_images_are_named() {
        let other = json!({
            "metadata": { "labels": { "app": "web" }, "annotations": { "release": "2" } },
            "spec": {
                "volumes": [],
                "containers": [{ "name": "web", "image": "shop:2", "env": [] }, { "name": "log", "image": "log:1" }],
            },
        });
        assert_eq!(parts(&plain(), &other), ["annotation release", "volumes", "container log", "env of web"]);
        assert_eq!(parts(&plain(), &plain()), [] as [&str; 0]);
    }
}
