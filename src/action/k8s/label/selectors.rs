//! Whether something selects by a label.

use serde_json::Value;

use crate::action::{ActionError, Kind};
use crate::cluster::{Cluster, ListQuery, Object};
use crate::model::ObjectKey;

/// What selects pods, or says where they run.
const SELECTING: [Kind; 6] = [
    Kind::SERVICE,
    Kind::DISRUPTION_BUDGET,
    Kind::NETWORK_POLICY,
    Kind::DEPLOYMENT,
    Kind::STATEFUL_SET,
    Kind::DAEMON_SET,
];

/// The most of each in a namespace, or in the cluster. More is not read but refused.
const MOST: usize = 10_000;

/// Whether nothing in the namespace of `object` selects by the label; where that is in none,
/// nothing in the cluster.
///
/// # Errors
/// Something does, or cannot be listed: not knowing is no permission.
pub(super) async fn check(cluster: &dyn Cluster, object: &ObjectKey, label: &str) -> Result<(), ActionError> {
    for kind in SELECTING {
        let namespace = object.namespace.clone();
        let query = ListQuery { kind: kind.id().into(), namespace, limit: MOST, ..ListQuery::default() };
        if let Some(selecting) = cluster.list(&query).await?.iter().find(|selecting| selects(selecting, label)) {
            return Err(ActionError::fail(format!(
                "{} selects by the label `{label}`: to set it on {object} may move traffic or pods; take a key that nothing selects by",
                selecting.key()
            )));
        }
    }
    Ok(())
}

/// Whether a selector or an affinity that stands in the object names the label.
fn selects(object: &Object, label: &str) -> bool {
    let Some(spec) = object.at("/spec") else { return false };
    // A Service's has no `matchLabels` around it.
    let is_service = object.kind() == "Service";
    (is_service && spec.get("selector").is_some_and(|selector| selector.get(label).is_some())) || names(spec, label)
}

/// By the names that the API gives selectors, wherever they stand: also those of affinities, of
/// spread constraints, and of the peers of a NetworkPolicy.
fn names(value: &Value, label: &str) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(field, inner)| match field.as_str() {
            "matchLabels" | "nodeSelector" => inner.get(label).is_some(),
            "matchExpressions" => {
                let mut expressions = inner.as_array().into_iter().flatten();
                expressions.any(|expression| expression.get("key").and_then(Value::as_str) == Some(label))
            }
            "topologyKey" => inner.as_str() == Some(label),
            "matchLabelKeys" | "mismatchLabelKeys" => {
                inner.as_array().into_iter().flatten().any(|key| key.as_str() == Some(label))
            }
            _ => names(inner, label),
        }),
        Value::Array(items) => items.iter().any(|item| names(item, label)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_selector_is_found_wherever_it_stands() {
        let label = "example.com/zone";
        let expression = json!([{ "key": label, "operator": "Exists" }]);
        for (kind, spec) in [
            ("Service", json!({ "selector": { label: "a" } })),
            ("PodDisruptionBudget", json!({ "selector": { "matchLabels": { label: "a" } } })),
            ("Deployment", json!({ "selector": { "matchExpressions": expression } })),
            (
                "NetworkPolicy",
                json!({ "ingress": [{ "from": [{ "podSelector": { "matchLabels": { label: "a" } } }] }] }),
            ),
            ("StatefulSet", json!({ "template": { "spec": { "nodeSelector": { label: "a" } } } })),
            (
                "DaemonSet",
                json!({ "template": { "spec": { "affinity": { "nodeAffinity": { "required": { "nodeSelectorTerms": [
                    { "matchExpressions": expression },
                ] } } } } } }),
            ),
            (
                "Deployment",
                json!({ "template": { "spec": { "topologySpreadConstraints": [{ "topologyKey": label }] } } }),
            ),
        ] {
            assert!(selects(&Object(json!({ "kind": kind, "spec": spec })), label), "{kind} {spec}");
        }
        for (kind, spec) in [
            ("Service", json!({ "selector": { "app": "web" }, "ports": [{ "name": label }] })),
            ("Deployment", json!({ "template": { "metadata": { "labels": { label: "a" } } } })),
            ("Service", json!({})),
        ] {
            assert!(!selects(&Object(json!({ "kind": kind, "spec": spec })), label), "{kind} {spec}");
        }
    }
}
