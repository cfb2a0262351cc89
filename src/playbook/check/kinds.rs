//! Kinds as playbooks name them.

use super::{Asks, Checker};
use crate::cluster::{Kind, KindError, KindName};
use crate::diagnostics::Code;
use crate::language::{Location, closest};

/// A kind that may be read.
pub(super) struct Named {
    name: KindName,
    /// `None`: a cluster will be asked for its plural and scope.
    pub known: Option<&'static Kind>,
}

impl Named {
    /// As keys of objects have it.
    pub fn id(&self) -> &str {
        self.known.map_or(self.name.as_str(), |kind| kind.id)
    }

    /// Whether its objects belong to no namespace, as far as anybody knows.
    pub fn is_cluster_wide(&self) -> bool {
        self.known.is_some_and(|kind| !kind.namespaced)
    }
}

impl Checker<'_> {
    /// The kind of that text. `use_`: what it would be, as in `a playbook can be about`.
    pub(super) fn kind(&mut self, text: &str, at: Location, use_: &str) -> Option<Named> {
        match text.parse::<KindName>() {
            Ok(name) => {
                let known = self.kind_is_known(&name, at)?;
                Some(Named { name, known })
            }
            Err(KindError::Secret) => {
                let message = format!("`{text}` is no kind that {use_}: secrets are never read");
                let remedy = "if a playbook must know whether one is there, ask for what depends on it";
                self.error(Code::UnknownValue, at, message, Some(remedy.into()));
                None
            }
            Err(KindError::Unknown(_)) => {
                let message = format!("`{text}` is no kind that {use_}");
                let remedy = self.instead_of_kind(text);
                self.error(Code::UnknownValue, at, message, remedy);
                None
            }
        }
    }

    /// Whether plural and scope of a kind are known, or will be: `Some(None)`. `None`: it was told
    /// that they are not.
    pub(super) fn kind_is_known(&mut self, name: &KindName, at: Location) -> Option<Option<&'static Kind>> {
        let known = self.kinds.find(name);
        if known.is_some() || self.kinds.may_be_found() || self.asks == Asks::Run {
            return Some(known);
        }
        let message = format!(
            "what `{name}` is called in paths and roles, and whether it is in namespaces, is not known without a cluster"
        );
        let custom = self.kinds.custom();
        let meant =
            closest(name.as_str(), custom.iter().map(|kind| kind.id)).map(|meant| format!("write `{meant}`; or "));
        let remedy = format!(
            "{}put its CustomResourceDefinition beside the playbooks, as `NAME.crds.yaml` (or name its folder: `--crds DIR`); or write it \
             into `kinds.yaml` there; or have a cluster say it: `dogwatch kinds > kinds.yaml`",
            meant.unwrap_or_default()
        );
        self.error(Code::UnknownValue, at, message, Some(remedy));
        None
    }

    /// What is meant by a text that is no kind.
    pub(super) fn instead_of_kind(&self, text: &str) -> String {
        let custom = self.kinds.custom();
        let ours = Kind::all().iter().map(|kind| kind.id);
        let by_name = custom.iter().find(|kind| kind.name == text || kind.plural == text).map(|kind| kind.id);
        match by_name.or_else(|| closest(text, ours.chain(custom.iter().map(|kind| kind.id)))) {
            Some(meant) => format!("write `{meant}` instead"),
            None => "write a kind of Kubernetes as in its manifest, such as `Deployment`, and any other one with its group, such as \
                     `Certificate.cert-manager.io`"
                .into(),
        }
    }
}
