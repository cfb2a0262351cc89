//! The kinds that actions may name, and the rights that go with them.
//!
//! They are the kinds that the cluster knows; what isn't among them (Secrets above all) is never
//! read.

use std::fmt;
use std::str::FromStr;

use crate::cluster::{self, Access};

/// A kind that actions may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind(&'static cluster::Kind);

impl Kind {
    pub const POD: Self = Self(&cluster::Kind::POD);
    pub const DEPLOYMENT: Self = Self(&cluster::Kind::DEPLOYMENT);
    pub const STATEFUL_SET: Self = Self(&cluster::Kind::STATEFUL_SET);
    pub const CLAIM: Self = Self(&cluster::Kind::CLAIM);
    pub const STORAGE_CLASS: Self = Self(&cluster::Kind::STORAGE_CLASS);
    pub const NAMESPACE: Self = Self(&cluster::Kind::NAMESPACE);
    pub const JOB: Self = Self(&cluster::Kind::JOB);
    pub const CRON_JOB: Self = Self(&cluster::Kind::CRON_JOB);
    pub const EVENT: Self = Self(&cluster::Kind::EVENT);
    pub const CONFIG_MAP: Self = Self(&cluster::Kind::CONFIG_MAP);
    pub const AUTOSCALER: Self = Self(&cluster::Kind::AUTOSCALER);

    /// As Kubernetes spells it: `Deployment`.
    pub fn as_str(self) -> &'static str {
        self.0.name
    }

    /// Whether its objects live in namespaces.
    pub fn is_namespaced(self) -> bool {
        self.0.namespaced
    }

    /// The right to do `verb` to objects of this kind, or to a subresource of theirs such as
    /// `scale`, in a namespace that the caller fills in.
    pub fn access(self, verb: &str, subresource: &str) -> Access {
        self.0.access(verb, subresource, "")
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

/// A kind that must not, or cannot, be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KindError {
    #[error("secrets are never read; if a playbook must know whether one is there, ask for what depends on it")]
    Secret,
    #[error("`{0}` is no kind that actions know; write one of {known}", known = known())]
    Unknown(String),
}

fn known() -> String {
    let mut names: Vec<&str> = cluster::Kind::all().iter().map(|kind| kind.name).collect();
    names.sort_unstable();
    names.join(", ")
}

impl FromStr for Kind {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, KindError> {
        // In any spelling that somebody may try: `secret`, `Secrets`, `secrets.v1`.
        if text.trim().to_ascii_lowercase().starts_with("secret") {
            return Err(KindError::Secret);
        }
        cluster::Kind::find(text).map(Kind).map_err(|_| KindError::Unknown(text.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_refused_in_any_spelling() {
        for spelling in ["Secret", "secret", "Secrets", " secrets", "SecretList", "secrets.v1"] {
            assert_eq!(spelling.parse::<Kind>(), Err(KindError::Secret), "{spelling}");
        }
    }

    #[test]
    fn an_unknown_kind_says_which_are_known() {
        let error = "deployment".parse::<Kind>().unwrap_err().to_string();
        assert!(error.starts_with("`deployment` is no kind that actions know; write one of ConfigMap, "), "{error}");
        assert!(!error.contains("Secret"), "{error}");
    }

    #[test]
    fn a_kind_knows_its_rights() {
        let access = "Deployment".parse::<Kind>().unwrap().access("patch", "scale");
        assert_eq!((access.group.as_str(), access.resource.as_str()), ("apps", "deployments"));
        assert_eq!((access.verb.as_str(), access.subresource.as_str()), ("patch", "scale"));
    }
}
