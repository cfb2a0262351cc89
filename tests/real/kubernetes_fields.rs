//! The fields that `dogwatch check` knows are those that a real API server says it has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::world::control_plane::ControlPlane;

const FILE: &str = "src/cluster/fields/kubernetes.json";

/// What people read as a text, though a manifest may have a number there.
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";

fn short(name: &str) -> String {
    let name = name.strip_prefix("io.k8s.api.").unwrap_or(name);
    let name = name.strip_prefix("io.k8s.apimachinery.pkg.apis.").unwrap_or(name);
    name.strip_prefix("io.k8s.").unwrap_or(name).to_owned()
}

struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    /// The type of a field, as the file has it; `found` hears of the types that it names.
    fn type_of(&self, schema: &Value, found: &mut Vec<String>) -> String {
        let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
        if let Some(reference) = reference {
            let name = reference.rsplit('/').next().unwrap();
            let of = &self.0[name];
            if name == QUANTITY {
                return "text".into();
            }
            if !of["properties"].is_object() {
                return self.type_of(of, found);
            }
            found.push(name.to_owned());
            return short(name);
        }
        match schema["type"].as_str() {
            _ if schema.get("oneOf").or(schema.get("anyOf")).is_some() || schema["format"] == "int-or-string" => {
                "any".into()
            }
            Some("string") => "text".into(),
            Some("integer" | "number") => "number".into(),
            Some("boolean") => "truth".into(),
            Some("array") => format!("[]{}", self.type_of(&schema["items"], found)),
            Some("object") if schema["additionalProperties"].is_object() => {
                format!("{{}}{}", self.type_of(&schema["additionalProperties"], found))
            }
            _ => "any".into(),
        }
    }

    /// The types of these names, and of all fields in them.
    fn types(&self, names: impl IntoIterator<Item = String>) -> Map<String, Value> {
        let mut waiting: Vec<String> = names.into_iter().collect();
        let (mut seen, mut types) = (BTreeSet::new(), Map::new());
        while let Some(name) = waiting.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            let properties = self.0[&name]["properties"].as_object().unwrap();
            let fields: Map<String, Value> = properties
                .iter()
                .map(|(field, schema)| (field.clone(), self.type_of(schema, &mut waiting).into()))
                .collect();
            types.insert(short(&name), fields.into());
        }
        types.sort_keys();
        types
    }
}

/// A line for each kind and type, so that what another version of Kubernetes has differs in few.
fn written(table: &Value) -> String {
    let lines = |of: &str| {
        let entries: Vec<String> = table[of]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| format!("    {}: {value}", json!(name)))
            .collect();
        entries.join(",\n")
    };
    let (kinds, types) = (lines("kinds"), lines("types"));
    let version = &table["kubernetes"];
    format!("{{\n  \"kubernetes\": {version},\n  \"kinds\": {{\n{kinds}\n  }},\n  \"types\": {{\n{types}\n  }}\n}}\n")
}

#[tokio::test]
async fn the_fields_that_are_known_are_those_of_kubernetes() {
    let admin = &ControlPlane::shared().await.admin;
    let version = admin.get("/version").await["gitVersion"].clone();
    let paths = admin.get("/openapi/v3").await["paths"].clone();
    let (mut schemas, mut kinds) = (BTreeMap::new(), BTreeMap::new());
    for path in paths.as_object().unwrap().keys().filter(|path| path.starts_with("api")) {
        let document = admin.get(&format!("/openapi/v3/{path}")).await;
        for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            if !name.starts_with("io.k8s.") {
                continue;
            }
            for of in schema["x-kubernetes-group-version-kind"].as_array().into_iter().flatten() {
                let [group, version, kind] = ["group", "version", "kind"].map(|part| of[part].as_str().unwrap());
                let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
                let is_object = schema["properties"]["metadata"].is_object() && !kind.ends_with("List");
                // It is never read.
                if is_object && kind != "Secret" {
                    kinds.insert(format!("{api_version} {kind}"), name.clone());
                }
            }
            schemas.insert(name.clone(), schema.clone());
        }
    }
    let types = Schemas(schemas).types(kinds.values().cloned());
    let kinds: Map<String, Value> = kinds.iter().map(|(kind, name)| (kind.clone(), short(name).into())).collect();
    let now = written(&json!({ "kubernetes": version, "kinds": kinds, "types": types }));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &now).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(kept == now, "write {FILE} anew: UPDATE_DOCS=1 cargo test --test real kubernetes_fields");
}
