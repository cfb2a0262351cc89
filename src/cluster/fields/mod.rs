//! Which fields objects have: those of Kubernetes' own kinds by `kubernetes.json`, those of others
//! by the schemas of their definitions.
//!
//! `kubernetes.json` is made from what an API server says of itself (`/openapi/v3`), without the
//! descriptions; a test against a real one makes it anew. What a kind has in one version is not
//! looked up for another one.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;

use super::built_in::kind_of;
use super::{Kind, Kinds};

mod schema;

pub(super) use schema::bare;

/// What there is at a path of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldAt {
    Number,
    Text,
    Truth,
    /// A field that has fields or entries of its own, or may be of several types.
    Other,
    /// Nobody knows: a map may have any key, and some fields may hold anything.
    Unknown,
    /// `depth`: so many parts of the path are there, and the next one is not. `known`: what is.
    Missing {
        depth: usize,
        known: Vec<String>,
    },
}

#[derive(Deserialize)]
struct Table {
    /// The API server's version: `v1.35.0`.
    kubernetes: &'static str,
    /// The type of each kind, by its `apiVersion` and name: `apps/v1 Deployment`.
    #[serde(borrow)]
    kinds: HashMap<&'static str, &'static str>,
    /// The fields of each type. Their types: `number`, `text`, `truth`, `any`, the name of another
    /// type, `[]T` for a list of T, and `{}T` for a map of T.
    #[serde(borrow)]
    types: HashMap<&'static str, BTreeMap<&'static str, &'static str>>,
}

// Empty if it could not be read, which the tests rule out.
static TABLE: LazyLock<Option<Table>> = LazyLock::new(|| serde_json::from_str(include_str!("kubernetes.json")).ok());

/// The version of Kubernetes that the fields are those of; empty if nothing is known.
pub fn fields_of() -> &'static str {
    TABLE.as_ref().map_or("", |table| table.kubernetes)
}

impl Kinds {
    /// What there is at `path` of an object of this kind. An index of a list is a part of the path.
    pub fn field_at(&self, kind: &Kind, path: &[&str]) -> FieldAt {
        match self.schema(kind) {
            None => of_a_built_in(kind, path),
            // Of these a definition says nothing that is of use here.
            Some(_) if matches!(path.first(), Some(&("apiVersion" | "kind" | "metadata"))) => of_every_object(path),
            Some(of_kind) => schema::field_at(&of_kind, path),
        }
    }
}

fn of_every_object(path: &[&str]) -> FieldAt {
    of_a_built_in(&kind_of::<k8s_openapi::api::core::v1::ConfigMap>(), path)
}

fn of_a_built_in(kind: &Kind, path: &[&str]) -> FieldAt {
    let Some(table) = TABLE.as_ref() else { return FieldAt::Unknown };
    let version =
        if kind.group.is_empty() { kind.version.to_owned() } else { format!("{}/{}", kind.group, kind.version) };
    let Some(mut here) = table.kinds.get(format!("{version} {}", kind.name).as_str()).copied() else {
        return FieldAt::Unknown;
    };
    for (depth, part) in path.iter().enumerate() {
        if let Some(entry) = here.strip_prefix("[]") {
            here = entry;
            continue;
        }
        if let Some(value) = here.strip_prefix("{}") {
            here = value;
            continue;
        }
        let Some(fields) = table.types.get(here) else { return FieldAt::Unknown };
        match fields.get(part) {
            Some(of_type) => here = of_type,
            None => return FieldAt::Missing { depth, known: fields.keys().map(|&name| name.to_owned()).collect() },
        }
    }
    match here {
        "number" => FieldAt::Number,
        "text" => FieldAt::Text,
        "truth" => FieldAt::Truth,
        "any" => FieldAt::Unknown,
        _ => FieldAt::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::KindName;

    fn at(kind: &str, path: &str) -> FieldAt {
        let kind = kind.parse::<KindName>().unwrap().built_in().unwrap();
        Kinds::new().field_at(kind, &path.split('.').collect::<Vec<_>>())
    }

    #[test]
    fn a_field_is_what_the_api_server_says() {
        assert!(fields_of().starts_with("v1."), "{}", fields_of());
        assert_eq!(at("Deployment", "spec.replicas"), FieldAt::Number);
        assert_eq!(at("Deployment", "metadata.name"), FieldAt::Text);
        assert_eq!(at("Deployment", "metadata.creationTimestamp"), FieldAt::Text);
        assert_eq!(at("Deployment", "spec.paused"), FieldAt::Truth);
        assert_eq!(at("Deployment", "metadata.labels.team"), FieldAt::Text);
        assert_eq!(at("Deployment", "spec.template.spec.containers.0.image"), FieldAt::Text);
        assert_eq!(at("Deployment", "spec.template.spec.containers"), FieldAt::Other);
        // A number or a text.
        assert_eq!(at("Deployment", "spec.strategy.rollingUpdate.maxSurge"), FieldAt::Unknown);
        assert_eq!(at("PersistentVolumeClaim", "status.capacity.storage"), FieldAt::Text);
    }

    #[test]
    fn a_field_that_is_not_there_is_told_with_those_that_are() {
        let FieldAt::Missing { depth, known } = at("Deployment", "status.availableReplica") else { panic!() };
        assert_eq!(depth, 1);
        assert!(known.contains(&"availableReplicas".to_owned()) && !known.contains(&"spec".to_owned()), "{known:?}");
        assert!(matches!(at("Pod", "spec.containers.0.imagee"), FieldAt::Missing { depth: 3, .. }));
        assert_eq!(at("Deployment", "spec.replicas.count"), FieldAt::Unknown);
    }

    #[test]
    fn each_type_that_is_named_is_there() {
        let table = TABLE.as_ref().unwrap();
        let named = table.types.values().flat_map(BTreeMap::values).chain(table.kinds.values());
        for name in named {
            let name = name.trim_start_matches("[]").trim_start_matches("{}").trim_start_matches("[]");
            let is_there = table.types.contains_key(name) || ["number", "text", "truth", "any"].contains(&name);
            assert!(is_there, "{name}");
        }
    }
}
