//! Who would put a field back: a change that somebody undoes a minute later is none.

use serde_json::Value;

use super::objects;
use crate::cluster::{Object, segment};

/// Field managers that keep a field at what is written elsewhere, by the beginning of their names, and where to change it.
const KEEPERS: &[(&str, &str)] = &[
    ("argocd", "Argo CD: change it in the application's repository"),
    ("kustomize-controller", "Flux: change it in the Kustomization's repository"),
    ("helm-controller", "a Helm controller: change it in the HelmRelease's values"),
    ("flux", "Flux: change it in its repository"),
    ("fleet", "Fleet: change it in its repository"),
    ("configsync", "Config Sync: change it in its repository"),
    ("kapp", "kapp-controller: change it in the App's source"),
    ("eks", "the EKS add-on: change it in the add-on's configuration"),
];

/// Who keeps the field at what is written elsewhere, as a sentence for people; `None` when nobody is known to.
pub(super) fn keeper(object: &Object, path: &[&str]) -> Option<String> {
    let entries = object.at("/metadata/managedFields")?.as_array()?;
    entries.iter().filter(|entry| holds(entry, path)).find_map(|entry| {
        let manager = entry.get("manager")?.as_str()?;
        let (_, who) = KEEPERS.iter().find(|(name, _)| is_manager(manager, name))?;
        Some(format!("{} of {} is kept by {who} (field manager `{manager}`)", path.join("."), object.key()))
    })
}

/// Whether a `managedFields` entry holds the field. With server-side apply several may, so that looking at the latest
/// change alone would miss the one that comes back.
fn holds(entry: &Value, path: &[&str]) -> bool {
    let mut fields = entry.get("fieldsV1");
    for name in path {
        fields = fields.and_then(|fields| fields.get(segment(name)));
    }
    fields.is_some()
}

fn is_manager(manager: &str, name: &str) -> bool {
    match manager.strip_prefix(name) {
        // `eks` and `eks-addon`, but not `eksctl`; `argocd-controller` and `argocd`.
        Some(rest) => rest.is_empty() || !rest.starts_with(|c: char| c.is_ascii_alphanumeric()),
        None => false,
    }
}

/// The custom resource, or other controller, that owns the whole object, as a sentence for people.
pub(super) fn controller(object: &Object) -> Option<String> {
    let owner = objects::controller(object)?;
    let text = |name: &str| owner.get(name).and_then(Value::as_str).unwrap_or("(unknown)");
    Some(format!("{} is made by {} `{}`: change it there", object.key(), text("kind"), text("name")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(manager: &str) -> Object {
        Object(json!({
            "kind": "Deployment",
            "metadata": {
                "name": "coredns",
                "namespace": "kube-system",
                "managedFields": [
                    { "manager": manager, "fieldsV1": { "f:spec": { "f:replicas": {} } } },
                    { "manager": "kubectl-scale", "fieldsV1": { "f:spec": { "f:replicas": {} } } },
                ],
            },
        }))
    }

    #[test]
    fn tools_that_put_a_field_back_are_known() {
        for manager in ["argocd-controller", "kustomize-controller", "flux-client-side-apply", "helm-controller", "eks"]
        {
            let who = keeper(&deployment(manager), &["spec", "replicas"]).unwrap();
            assert!(who.contains("spec.replicas of deployment/coredns in kube-system is kept by"), "{who}");
            assert!(who.contains(manager), "{who}");
        }
    }

    #[test]
    fn people_and_other_fields_keep_nothing() {
        for manager in ["kubectl", "kubectl-client-side-apply", "helm", "eksctl", "kubeadm", "fluxion"] {
            assert_eq!(keeper(&deployment(manager), &["spec", "replicas"]), None, "{manager}");
        }
        assert_eq!(keeper(&deployment("argocd-controller"), &["spec", "paused"]), None);
    }

    #[test]
    fn a_controller_is_named() {
        let mut deployment = deployment("kubectl");
        assert_eq!(controller(&deployment), None);
        deployment.0["metadata"]["ownerReferences"] =
            json!([{ "kind": "DNS", "name": "default", "controller": true, "apiVersion": "operator.example/v1" }]);
        let who = controller(&deployment).unwrap();
        assert_eq!(who, "deployment/coredns in kube-system is made by DNS `default`: change it there");
    }
}
