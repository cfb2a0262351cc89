//! Which fields objects have: what the API server's strict validation refuses, `replicsa` or `replicas: "3"`.
//!
//! The types of `k8s-openapi` are made from the API server's own description of itself. What they do not take over is
//! no field.

use k8s_openapi::Resource as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cluster::built_in::built_in_kinds;

/// The fields of `object` that its kind does not have.
///
/// # Errors
/// A field that has the wrong type.
pub(super) fn unknown_fields(kind: &str, object: &Value) -> Result<Vec<String>, String> {
    macro_rules! by_type {
        ($($of:ty $(as $id:literal)?),* $(,)?) => {
            $(if is_called(kind, <$of>::KIND, &[$($id)?]) {
                return lost::<$of>(object);
            })*
        };
    }
    built_in_kinds!(by_type);
    if kind == "Scale" {
        return lost::<k8s_openapi::api::autoscaling::v1::Scale>(object);
    }
    Ok(Vec::new())
}

/// Whether that is the kind's id: its name, unless another kind has that already.
fn is_called(kind: &str, name: &str, ids: &[&str]) -> bool {
    ids.first().map_or(kind == name, |id| kind == *id)
}

fn lost<T: DeserializeOwned + Serialize>(object: &Value) -> Result<Vec<String>, String> {
    let typed = T::deserialize(object).map_err(|error| error.to_string())?;
    let kept = serde_json::to_value(typed).map_err(|error| error.to_string())?;
    let mut lost = Vec::new();
    compare("", object, &kept, &mut lost);
    Ok(lost)
}

fn compare(path: &str, given: &Value, kept: &Value, lost: &mut Vec<String>) {
    match (given, kept) {
        (Value::Object(given), Value::Object(kept)) => {
            for (name, value) in given.iter().filter(|(_, value)| !value.is_null()) {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match kept.get(name) {
                    Some(kept) => compare(&path, value, kept, lost),
                    None => lost.push(path),
                }
            }
        }
        (Value::Array(given), Value::Array(kept)) => {
            for (place, (given, kept)) in given.iter().zip(kept).enumerate() {
                compare(&format!("{path}[{place}]"), given, kept, lost);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::Kind;

    #[test]
    fn every_kind_has_a_schema() {
        for kind in Kind::all() {
            let object = json!({
                "apiVersion": kind.api_version(),
                "kind": kind.name,
                "metadata": { "name": "x" },
                "surprise": true,
            });
            assert_eq!(unknown_fields(kind.id, &object), Ok(vec!["surprise".into()]), "{}", kind.id);
        }
    }

    #[test]
    fn a_misspelt_field_is_found_wherever_it_is() {
        let deployment = json!({ "spec": {
            "replicsa": 3,
            "template": { "spec": { "containers": [{ "name": "a", "imgae": "x" }], "nodeSelector": { "any": "thing" } } },
        } });
        let unknown = vec!["spec.replicsa".to_owned(), "spec.template.spec.containers[0].imgae".to_owned()];
        assert_eq!(unknown_fields("Deployment", &deployment), Ok(unknown));
        let wrong = json!({ "spec": { "replicas": "3" } });
        assert!(unknown_fields("Deployment", &wrong).unwrap_err().contains("invalid type"));
    }

    #[test]
    fn what_a_server_takes_is_taken() {
        let pod = json!({
            "metadata": { "creationTimestamp": null, "annotations": {}, "managedFields": [{ "fieldsV1": { "f:x": {} } }] },
            "spec": { "containers": [{
                "name": "a",
                "resources": { "requests": { "cpu": 1, "memory": "1Gi" } },
                "ports": [{ "containerPort": 80 }],
                "livenessProbe": { "httpGet": { "port": "http" } },
            }], "volumes": [] },
        });
        assert_eq!(unknown_fields("Pod", &pod), Ok(vec![]));
    }
}
