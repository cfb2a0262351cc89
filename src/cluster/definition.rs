//! What a CustomResourceDefinition says of its kind.
//! <https://kubernetes.io/docs/reference/kubernetes-api/extend-resources/custom-resource-definition-v1/>

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::Value;

use super::{CustomKind, Kind};
use crate::model::is_version;

/// A kind as its definition has it.
#[derive(Debug, Clone)]
pub struct Definition {
    /// In the version that a server prefers.
    pub kind: &'static Kind,
    /// What is served, by version.
    pub versions: BTreeMap<String, ServedVersion>,
}

/// One version that is served.
#[derive(Debug, Clone)]
pub struct ServedVersion {
    /// `openAPIV3Schema`, if there is one.
    pub schema: Option<Value>,
    /// Whether the status is written by itself.
    pub has_status: bool,
}

impl Definition {
    /// Reads `crd`, which is a CustomResourceDefinition.
    ///
    /// # Errors
    /// A field that is missing or cannot be; a kind that nobody may read.
    pub fn of(crd: &Value) -> Result<Self, String> {
        let text = |pointer: &str| {
            let found = crd.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
            found.map(str::to_owned).ok_or_else(|| format!("it has no `{}`", pointer[1..].replace('/', ".")))
        };
        let namespaced = match text("/spec/scope")?.as_str() {
            "Namespaced" => true,
            "Cluster" => false,
            other => return Err(format!("its `spec.scope` is `Namespaced` or `Cluster`, and not `{other}`")),
        };
        let mut versions = BTreeMap::new();
        for version in crd.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten() {
            if version["served"] != true {
                continue;
            }
            let name = version["name"].as_str().unwrap_or_default().to_owned();
            let schema = version.pointer("/schema/openAPIV3Schema").cloned();
            let has_status = version.pointer("/subresources/status").is_some();
            versions.insert(name, ServedVersion { schema, has_status });
        }
        let preferred = versions.keys().max_by_key(|version| priority(version)).cloned();
        let kind = CustomKind {
            name: text("/spec/names/kind")?,
            group: text("/spec/group")?,
            plural: text("/spec/names/plural")?,
            version: preferred.ok_or("it serves no version")?,
            namespaced,
        };
        Ok(Self { kind: kind.known(false)?, versions })
    }
}

/// How Kubernetes orders versions: `v10`, `v2`, `v1`, `v11beta2`, `v3beta1`, `v12alpha1`, and then
/// what is no version.
fn priority(version: &str) -> (u8, u32, u32, Reverse<String>) {
    let none = (0, 0, 0, Reverse(version.to_owned()));
    if !is_version(version) {
        return none;
    }
    let rest = &version[1..];
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (major, minor) = rest.split_at(end);
    let major = major.parse().unwrap_or(0);
    let number = |text: &str| text.parse().unwrap_or(0);
    match (minor.strip_prefix("beta"), minor.strip_prefix("alpha")) {
        (None, None) => (3, major, 0, none.3),
        (Some(beta), _) => (2, major, number(beta), none.3),
        (_, Some(alpha)) => (1, major, number(alpha), none.3),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_stablest_version_that_is_served_is_preferred() {
        let crd = |versions: Value| {
            json!({
                "kind": "CustomResourceDefinition",
                "spec": {
                    "group": "example.com", "scope": "Namespaced",
                    "names": { "kind": "Widget", "plural": "widgets" },
                    "versions": versions,
                },
            })
        };
        let of = |names: &[&str]| {
            let versions = names.iter().map(|name| json!({ "name": name, "served": true })).collect();
            Definition::of(&crd(versions)).unwrap().kind.version
        };
        assert_eq!(of(&["v1alpha1", "v1", "v2beta1", "v10", "v2"]), "v10");
        assert_eq!(of(&["v1alpha2", "v1beta1", "v1beta3"]), "v1beta3");
        let unserved = crd(json!([{ "name": "v2", "served": false }, { "name": "v1", "served": true }]));
        assert_eq!(Definition::of(&unserved).unwrap().kind.version, "v1");
        assert_eq!(Definition::of(&crd(json!([]))).unwrap_err(), "it serves no version");
        assert_eq!(Definition::of(&json!({})).unwrap_err(), "it has no `spec.scope`");
    }
}
