//! Which kinds are known beside Kubernetes' own, of whomever: files, and the cluster.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

use super::Definition;
use super::fields::bare;
use super::kind_name::KindName;
use super::kinds::Kind;
use crate::model::{kind_identity, means_kind};

/// Group, name and version.
type Served = (&'static str, &'static str, String);

/// The kinds that somebody told of. Shared by all who ask: what a cluster tells later is known to
/// all of them.
#[derive(Debug, Default)]
pub struct Kinds {
    /// By group and name.
    known: RwLock<BTreeMap<(&'static str, &'static str), &'static Kind>>,
    /// Of those that were told of by a definition.
    schemas: RwLock<BTreeMap<Served, Arc<Value>>>,
    /// What is not known may still be: a cluster is asked when it is needed.
    asks_a_cluster: bool,
}

impl Kinds {
    /// None but Kubernetes' own, and nobody to ask.
    pub fn new() -> Self {
        Self::default()
    }

    /// None yet; a cluster tells of them.
    pub fn of_a_cluster() -> Self {
        Self { asks_a_cluster: true, ..Self::default() }
    }

    /// Whether what is not known is no mistake, as a cluster will be asked.
    pub fn may_be_found(&self) -> bool {
        self.asks_a_cluster
    }

    /// This kind is known from now on, instead of what was told of it before.
    pub fn add(&self, kind: &'static Kind) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert((kind.group, kind.name), kind);
    }

    /// This kind is known from now on, with what its objects have.
    pub fn define(&self, definition: &Definition) {
        let kind = definition.kind;
        self.add(kind);
        let mut schemas = self.schemas.write().unwrap_or_else(PoisonError::into_inner);
        for (version, served) in &definition.versions {
            if let Some(schema) = &served.schema {
                schemas.insert((kind.group, kind.name, version.clone()), Arc::new(bare(schema)));
            }
        }
    }

    /// What its definition says of objects in the kind's version.
    pub(super) fn schema(&self, kind: &Kind) -> Option<Arc<Value>> {
        let schemas = self.schemas.read().unwrap_or_else(PoisonError::into_inner);
        schemas.get(&(kind.group, kind.name, kind.version.to_owned())).cloned()
    }

    /// The kind, in the version that is preferred or the one that is named; `None`: nobody told of
    /// it.
    pub fn find(&self, name: &KindName) -> Option<&'static Kind> {
        if let Some(kind) = name.built_in() {
            return Some(kind);
        }
        let parts = name.parts();
        let found = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            *known.values().find(|kind| kind.is_meant_by(&parts))?
        };
        match parts.version {
            Some(version) => found.pinned(version).ok(),
            None => Some(found),
        }
    }

    /// [`Self::find`] of a text that is maybe no kind at all.
    pub fn find_text(&self, text: &str) -> Option<&'static Kind> {
        self.find(&text.parse().ok()?)
    }

    /// The one text that stands for the kind, however it is written: [`kind_identity`], and by the
    /// plural of what is known beside Kubernetes' own.
    pub fn identity(&self, text: &str) -> String {
        kind_identity(self.find_text(text).map_or(text, |kind| kind.id)).into_owned()
    }

    /// Whether two texts are of two kinds. Of what nobody told of yet, one may be the other's
    /// plural.
    pub fn differ(&self, one: &str, other: &str) -> bool {
        let is_known = |text: &str| self.find_text(text).is_some();
        let (one, other) = (self.identity(one), self.identity(other));
        let may_be_one =
            || !is_known(&one) && !is_known(&other) && (means_kind(&one, &other) || means_kind(&other, &one));
        one != other && !may_be_one()
    }

    /// Those beside Kubernetes' own, by group and name.
    pub fn custom(&self) -> Vec<&'static Kind> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).values().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::CustomKind;

    #[test]
    fn a_kind_is_found_by_name_or_plural_and_in_the_version_that_is_named() {
        let kinds = Kinds::new();
        assert!(kinds.find_text("Certificate.cert-manager.io").is_none());
        let told = CustomKind {
            name: "Certificate".into(),
            group: "cert-manager.io".into(),
            version: "v1".into(),
            plural: "certificates".into(),
            namespaced: true,
        };
        kinds.add(told.known(false).unwrap());
        let of = |text| kinds.find_text(text).map(|kind| (kind.id, kind.version));
        assert_eq!(of("Certificate.cert-manager.io"), Some(("Certificate.cert-manager.io", "v1")));
        assert_eq!(of("certificates.cert-manager.io"), of("Certificate.cert-manager.io"));
        assert_eq!(
            of("Certificate.v1alpha2.cert-manager.io"),
            Some(("Certificate.v1alpha2.cert-manager.io", "v1alpha2"))
        );
        assert_eq!(of("Certificate.example.com"), None);
        assert_eq!(of("Pod"), Some(("Pod", "v1")));
        assert_eq!(of("Secret"), None);
        for text in
            ["certificates.cert-manager.io", "Certificate.v1.cert-manager.io", "certificates.v1.cert-manager.io"]
        {
            assert_eq!(kinds.identity(text), "Certificate.cert-manager.io", "{text}");
            assert!(!kinds.differ("Certificate.cert-manager.io", text), "{text}");
        }
        let unknown = Kinds::of_a_cluster();
        assert!(!unknown.differ("Certificate.cert-manager.io", "certificates.cert-manager.io"));
        assert!(unknown.differ("Certificate.cert-manager.io", "Issuer.cert-manager.io"));
        assert!(kinds.differ("Deployment", "StatefulSet") && !kinds.differ("deployments.v1.apps", "Deployment"));
        assert!(kinds.differ("Certificate.cert-manager.io", "Certificate.example.com"));
    }
}
