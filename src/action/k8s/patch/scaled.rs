//! Whose pods there would be more of.

use super::allowed::known;
use crate::action::ActionError;
use crate::action::k8s::field_path::FieldPath;
use crate::action::k8s::{deny, objects};
use crate::cluster::{Cluster, Kind, Object};
use crate::model::ObjectKey;

/// Holds of what an autoscaler scales what is held of the autoscaler: more pods are a change of the
/// workload, whoever makes them. Of other fields nothing is asked.
///
/// # Errors
/// It scales what is no Deployment, or one that is not there or is annotated `dogwatch/hands-off`.
/// Or that cannot be read: not knowing is no permission.
pub(super) async fn check(cluster: &dyn Cluster, object: &Object, field: &FieldPath) -> Result<(), ActionError> {
    let key = object.key();
    let Some(known) = known(&key.kind, field) else { return Ok(()) };
    workload(cluster, object, known.scales).await.map(|_| ())
}

/// The Deployment that an autoscaler scales.
///
/// # Errors
/// As [`check`].
pub(in crate::action::k8s) async fn scaled_by(cluster: &dyn Cluster, hpa: &Object) -> Result<Object, ActionError> {
    workload(cluster, hpa, ("", "")).await
}

async fn workload(
    cluster: &dyn Cluster,
    object: &Object,
    scales: (&'static str, &'static str),
) -> Result<Object, ActionError> {
    let scaled = scaled(object, scales)?;
    let Some(workload) = cluster.get(&scaled).await? else {
        let message = format!("{} scales {scaled}, which is not there", object.key());
        return Err(ActionError::needs_human(message));
    };
    deny::check_hands_off(&workload)?;
    Ok(workload)
}

/// The Deployment that it scales.
fn scaled(object: &Object, scales: (&'static str, &'static str)) -> Result<ObjectKey, ActionError> {
    let key = object.key();
    let of = |field: &str, default: &'static str| {
        let text = object.text(&format!("/spec/scaleTargetRef/{field}"));
        if text.is_empty() { default.to_owned() } else { text.to_owned() }
    };
    let (default_version, default_kind) = scales;
    let (version, kind, name) = (of("apiVersion", default_version), of("kind", default_kind), of("name", ""));
    let is_apps = version.split_once('/').is_some_and(|(group, _)| group == "apps");
    if kind == Kind::DEPLOYMENT.id && is_apps {
        let name = objects::safe_name(name, "name")?;
        return Ok(ObjectKey::new(Kind::DEPLOYMENT.id, key.namespace, name));
    }
    let shown: String = format!("{kind} of {version}").chars().filter(|c| !c.is_control()).take(80).collect();
    Err(ActionError::needs_human(format!(
        "{key} scales a {shown}, and only of a Deployment of apps/v1 more is simply more capacity; look what more of it would do"
    )))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn told(kind: &str, field: &str, reference: Value) -> Result<String, String> {
        let object = Object(json!({
            "kind": kind,
            "apiVersion": if kind == "ScaledObject" { "keda.sh/v1alpha1" } else { "autoscaling/v2" },
            "metadata": { "name": "web", "namespace": "shop" },
            "spec": { "scaleTargetRef": reference },
        }));
        let known = known(&object.key().kind, &field.parse().unwrap()).unwrap();
        scaled(&object, known.scales).map(|key| key.to_string()).map_err(|error| error.message)
    }

    #[test]
    fn only_a_deployment_is_simply_more_of_the_same() {
        let hpa = |reference| told("HorizontalPodAutoscaler", "spec.maxReplicas", reference);
        let keda = |reference| told("ScaledObject", "spec.maxReplicaCount", reference);
        let api = Ok("deployment/api in shop".to_owned());
        assert_eq!(hpa(json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "api" })), api);
        assert_eq!(keda(json!({ "name": "api" })), api);
        assert_eq!(keda(json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "api" })), api);
        for other in [
            json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "api" }),
            json!({ "apiVersion": "apps.example.com/v1", "kind": "Deployment", "name": "api" }),
            json!({ "apiVersion": "example.com/apps", "kind": "Deployment", "name": "api" }),
            json!({ "apiVersion": "v1", "kind": "Deployment", "name": "api" }),
            json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "api" }),
            json!({ "kind": "StatefulSet", "name": "api" }),
        ] {
            for why in [hpa(other.clone()).unwrap_err(), keda(other).unwrap_err()] {
                assert!(why.contains("only of a Deployment of apps/v1"), "{why}");
            }
        }
        for nothing in [json!({ "name": "api" }), json!({}), json!(null)] {
            assert!(hpa(nothing).unwrap_err().contains("only of a Deployment of apps/v1"));
        }
        assert!(keda(json!({})).unwrap_err().contains("is no name of an object"));
        assert!(keda(json!({ "name": "../../secrets/x" })).unwrap_err().contains("is no name of an object"));
    }
}
