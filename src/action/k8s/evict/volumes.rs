//! Whether what a pod has on its node can be had on another one.

use serde_json::Value;

use crate::action::k8s::objects;
use crate::action::{ActionError, World};
use crate::cluster::Object;
use crate::model::ObjectKey;

/// Whether nothing is lost with the pod, and all its volumes can be had on another node.
/// `emptydir`: what it has in volumes of that kind may be lost. `elsewhere`: the next one may start
/// on another node.
pub(in crate::action::k8s) async fn check(
    world: &World,
    pod: &Object,
    emptydir: bool,
    elsewhere: bool,
) -> Result<(), ActionError> {
    check_own(pod, emptydir, elsewhere)?;
    if !elsewhere {
        return Ok(());
    }
    for volume in volumes(pod) {
        let Some(claim) = volume.pointer("/persistentVolumeClaim/claimName").and_then(Value::as_str) else { continue };
        let claim = ObjectKey::new("PersistentVolumeClaim", pod.namespace(), claim);
        let Some(claim) = world.cluster.get(&claim).await? else { continue };
        let name = claim.text("/spec/volumeName");
        if name.is_empty() {
            continue;
        }
        let volume = world.cluster.get(&ObjectKey::new("PersistentVolume", "", name)).await?;
        if volume.is_some_and(|volume| is_on_one_node(&volume)) {
            return Err(ActionError::held_up(format!(
                "{} has its data on {}, which exists on node `{}` alone: it could start nowhere else; get the node back, or move \
                 the data",
                pod.key(),
                claim.key(),
                pod.text("/spec/nodeName")
            )));
        }
    }
    Ok(())
}

fn volumes(pod: &Object) -> impl Iterator<Item = &Value> {
    pod.at("/spec/volumes").and_then(Value::as_array).into_iter().flatten()
}

/// The volumes that end with the pod, or stay behind on its node.
fn check_own(pod: &Object, emptydir: bool, elsewhere: bool) -> Result<(), ActionError> {
    for volume in volumes(pod) {
        let has = |kind: &str| volume.get(kind).is_some_and(|found| !found.is_null());
        let in_memory = volume.pointer("/emptyDir/medium").and_then(Value::as_str) == Some("Memory");
        let what = if has("emptyDir") && !in_memory && !emptydir {
            "an emptyDir, and what is in it is deleted with the pod; where that is known to be no loss: `emptydir: true`"
        } else if has("ephemeral") {
            "an ephemeral volume, whose claim is deleted with the pod"
        } else if has("hostPath") && elsewhere {
            "a directory of its node, which the next pod would not find on another one"
        } else {
            continue;
        };
        let (name, key) = (objects::word(volume, "name"), pod.key());
        return Err(ActionError::held_up(format!("{key} has the volume `{name}`: {what}")));
    }
    Ok(())
}

/// Whether a volume is bound to one node by its affinity. Local drivers have words of their own for
/// it:
/// `topology.topolvm.io/node`, `openebs.io/nodename`.
fn is_on_one_node(volume: &Object) -> bool {
    let terms = volume.at("/spec/nodeAffinity/required/nodeSelectorTerms").and_then(Value::as_array);
    let expressions = terms.into_iter().flatten().filter_map(|term| term.get("matchExpressions")?.as_array()).flatten();
    let mut keys = expressions.map(|expression| objects::word(expression, "key"));
    keys.any(|key| key.rsplit('/').next().is_some_and(|word| matches!(word, "hostname" | "node" | "nodename")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::FailureClass;

    #[test]
    fn a_volume_that_is_on_one_node_is_told_from_one_of_a_zone() {
        let volume = |key: &str| {
            let terms = json!([{ "matchExpressions": [{ "key": key, "operator": "In", "values": ["a"] }] }]);
            Object(json!({ "spec": { "nodeAffinity": { "required": { "nodeSelectorTerms": terms } } } }))
        };
        for key in ["kubernetes.io/hostname", "topology.topolvm.io/node", "openebs.io/nodename"] {
            assert!(is_on_one_node(&volume(key)), "{key}");
        }
        for key in ["topology.kubernetes.io/zone", "topology.ebs.csi.aws.com/zone"] {
            assert!(!is_on_one_node(&volume(key)), "{key}");
        }
        assert!(!is_on_one_node(&Object(json!({ "spec": {} }))));
    }

    #[test]
    fn what_ends_with_the_pod_holds_it() {
        let pod = |volume: Value| {
            let volume = json!([{ "name": "config", "configMap": { "name": "c" } }, volume]);
            Object(json!({ "kind": "Pod", "metadata": { "name": "web-1" }, "spec": { "volumes": volume } }))
        };
        for (volume, told) in [
            (json!({ "name": "v", "emptyDir": {} }), "an emptyDir"),
            (json!({ "name": "v", "emptyDir": { "sizeLimit": "1Gi" } }), "an emptyDir"),
            (json!({ "name": "v", "ephemeral": { "volumeClaimTemplate": {} } }), "an ephemeral volume"),
            (json!({ "name": "v", "hostPath": { "path": "/var/lib/db" } }), "a directory of its node"),
        ] {
            let error = check_own(&pod(volume.clone()), false, true).unwrap_err();
            assert_eq!(error.class, FailureClass::HeldUp, "{error}");
            assert!(error.message.contains(&format!("has the volume `v`: {told}")), "{error}");
            assert_eq!(check_own(&pod(volume.clone()), true, true).is_ok(), told == "an emptyDir");
            let is_on_the_node = told.starts_with("a directory");
            assert_eq!(check_own(&pod(volume), false, false).is_ok(), is_on_the_node, "the next one finds it there");
        }
        for volume in [json!({ "name": "v", "emptyDir": { "medium": "Memory" } }), json!({ "name": "v", "secret": {} })]
        {
            assert!(check_own(&pod(volume), false, true).is_ok());
        }
    }
}
