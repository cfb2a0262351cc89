//! Kinds that Kubernetes does not bring: by their definitions, which are objects as well, or by
//! what else told of them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::objects::text;
use super::state::State;
use super::{schema, structure};
use crate::cluster::definition::Definition;
use crate::cluster::{ClusterError, CustomKind, Kind, KindName, Kinds, Object};
use crate::model::{kind_identity, usual_plural};

/// The kind of definitions.
const DEFINITION: &str = "CustomResourceDefinition";

/// The kinds that are not Kubernetes' own.
#[derive(Debug, Default)]
pub(super) struct CustomKinds {
    /// By the kind's id, and as of which write.
    defined: BTreeMap<&'static str, Definition>,
    as_of: u64,
    /// Those without a definition: any of their objects are taken as they are.
    pub loose: Kinds,
}

impl State {
    /// The kind of that name: Kubernetes' own, one that is defined, or one that was told of
    /// otherwise.
    pub fn kind(&mut self, name: &str) -> Result<&'static Kind, ClusterError> {
        let unknown = || ClusterError::UnknownKind(name.chars().take(80).collect());
        let name: KindName = name.parse().map_err(|_| unknown())?;
        if let Some(kind) = name.built_in() {
            return Ok(kind);
        }
        self.read_definitions();
        let (parts, base) = (name.parts(), kind_identity(name.as_str()));
        let kind = match self.custom.defined.values().find(|definition| definition.kind.is_meant_by(&parts)) {
            Some(Definition { kind, versions }) => match parts.version {
                Some(version) if !versions.contains_key(version) => return Err(unknown()),
                _ => kind,
            },
            None => self.custom.loose.find_text(&base).ok_or_else(unknown)?,
        };
        self.kinds.add(kind);
        match parts.version {
            Some(version) => kind.pinned(version).map_err(|_| unknown()),
            None => Ok(kind),
        }
    }

    /// The kind of an object that is given, as its manifest says.
    pub fn kind_of(&mut self, object: &Object) -> Result<&'static Kind, ClusterError> {
        let id = object.key().kind;
        match self.kind(&id) {
            Err(ClusterError::UnknownKind(_)) if id.contains('.') => {
                let Some((group, version)) = object.text("/apiVersion").split_once('/') else {
                    return Err(ClusterError::UnknownKind(id));
                };
                let told = CustomKind {
                    name: object.kind().to_owned(),
                    group: group.to_owned(),
                    version: version.to_owned(),
                    plural: usual_plural(object.kind()),
                    namespaced: !object.namespace().is_empty(),
                };
                let kind = match Kind::beside(&id) {
                    Some(kind) => kind,
                    None => told
                        .known(false)
                        .map_err(|message| ClusterError::Refused { what: format!("load {id}"), message })?,
                };
                self.custom.loose.add(kind);
                self.kind(&id)
            }
            found => found,
        }
    }

    /// What the kind's schema has against the object, as [`schema::unknown_fields`] says it.
    pub fn unknown_fields(&mut self, kind: &Kind, object: &Value) -> Result<Vec<String>, String> {
        let version = kind.version;
        self.read_definitions();
        match self.custom.defined.get(Kind::id_of(kind.name, kind.group).as_str()) {
            None => schema::unknown_fields(kind.id, object),
            Some(definition) => match definition.versions.get(version).and_then(|served| served.schema.as_ref()) {
                Some(schema) => structure::unknown_fields(schema, object),
                None => Ok(Vec::new()),
            },
        }
    }

    /// Whether objects of that kind have a status that is written by itself.
    pub fn has_own_status(&self, kind: &Kind) -> bool {
        let definition = self.custom.defined.get(Kind::id_of(kind.name, kind.group).as_str());
        let served = definition.and_then(|definition| definition.versions.get(kind.version));
        served.is_none_or(|served| served.has_status)
    }

    fn read_definitions(&mut self) {
        if self.custom.as_of == self.objects.definitions {
            return;
        }
        self.custom.as_of = self.objects.definitions;
        let crds = self.objects.of_kind(DEFINITION, "").into_iter().map(|id| self.objects.value(id));
        let read = crds.filter_map(|crd| Definition::of(&crd).ok()).map(|definition| (definition.kind.id, definition));
        self.custom.defined = read.collect();
    }
}

/// Whether writes to objects of that kind change which kinds there are.
pub(super) fn defines_kinds(kind: &Kind) -> bool {
    kind.id == DEFINITION
}

/// Why a definition cannot be.
pub(super) fn fault_of_definition(kind: &Kind, object: &Value) -> Option<String> {
    if !defines_kinds(kind) {
        return None;
    }
    match Definition::of(object) {
        Err(why) => Some(why),
        Ok(definition) => {
            let wanted = format!("{}.{}", definition.kind.plural, definition.kind.group);
            (text(object, "/metadata/name") != wanted)
                .then(|| format!("metadata.name: Invalid value: must be spec.names.plural+\".\"+spec.group: {wanted}"))
        }
    }
}

/// The object as it is given in the version of that kind: nothing is converted, as with the
/// strategy `None`.
pub(super) fn in_version(mut object: Object, kind: &Kind) -> Object {
    if object.kind() == kind.name {
        object.0["apiVersion"] = kind.api_version().into();
    }
    object
}
