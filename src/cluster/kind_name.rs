//! Kinds as people write them, before anybody knows their plural and scope.

use std::fmt;
use std::str::FromStr;

use super::built_in;
use super::kinds::{Kind, brief, is_group, is_word};
use crate::model::KindText;

/// A kind as it is written in playbooks, files and keys of objects: one of Kubernetes itself by its
/// name, any other as
/// `Kind.group`, `Kind.version.group`, or as kubectl has it, `plural.group`. Never one that holds
/// secrets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KindName(String);

/// Why a text is no kind that may be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KindError {
    #[error("secrets are never read; if a playbook must know whether one is there, ask for what depends on it")]
    Secret,
    #[error(
        "`{0}` is no kind of Kubernetes itself; write it as in its manifest, such as `Deployment`, and any other kind with its group, \
         such as `Certificate.cert-manager.io`"
    )]
    Unknown(String),
}

/// Kinds beside `Secret` whose objects hold credentials in clear by their definition.
const HOLD_SECRETS: [(&str, &str, &str); 6] = [
    ("ClusterSecret", "clustersecrets", "clustersecret.io"),
    ("OAuthAccessToken", "oauthaccesstokens", "oauth.openshift.io"),
    ("OAuthAuthorizeToken", "oauthauthorizetokens", "oauth.openshift.io"),
    ("OAuthClient", "oauthclients", "oauth.openshift.io"),
    ("UserOAuthAccessToken", "useroauthaccesstokens", "oauth.openshift.io"),
    ("Token", "tokens", "management.cattle.io"),
];

/// Whether objects of that name or plural hold secrets: `Secret` in whatever group, version and
/// spelling.
pub(super) fn holds_secrets(word: &str, group: &str) -> bool {
    let is = |name: &str| word.eq_ignore_ascii_case(name);
    ["Secret", "Secrets", "SecretList"].into_iter().any(is)
        || HOLD_SECRETS.into_iter().any(|(name, plural, of)| group.eq_ignore_ascii_case(of) && (is(name) || is(plural)))
}

impl KindName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn parts(&self) -> KindText<'_> {
        KindText::of(&self.0)
    }

    /// Kubernetes' own kind, in the version that is used here or the one that is named.
    pub fn built_in(&self) -> Option<&'static Kind> {
        let parts = self.parts();
        let known = built_in::KINDS.iter().find(|kind| kind.id == self.0 || kind.is_meant_by(&parts))?;
        match parts.version {
            Some(version) if version != known.version => known.pinned(version).ok(),
            _ => Some(known),
        }
    }
}

impl FromStr for KindName {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, KindError> {
        let trimmed = text.trim();
        let parts = KindText::of(trimmed);
        if holds_secrets(parts.word, parts.group.unwrap_or_default()) {
            return Err(KindError::Secret);
        }
        let unknown = || KindError::Unknown(brief(text));
        let name = Self(trimmed.to_owned());
        if let Some(known) = name.built_in() {
            return Ok(Self(known.id.to_owned()));
        }
        // A group of Kubernetes' own is not made larger by others, and theirs have a dot.
        let is_foreign = parts.group.is_some_and(|group| group.contains('.') && is_group(group));
        if is_word(parts.word) && is_foreign { Ok(name) } else { Err(unknown()) }
    }
}

impl fmt::Display for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        text.parse::<KindName>().unwrap().to_string()
    }

    #[test]
    fn what_is_kubernetes_own_has_one_name_however_it_is_written() {
        for text in ["Deployment", "Deployment.apps", "Deployment.v1.apps", "deployments.apps", "deployments.v1.apps"] {
            assert_eq!(read(text), "Deployment", "{text}");
        }
        assert_eq!(read("Pod.v1"), "Pod");
        assert_eq!(read("Event.events.k8s.io"), "Event.events.k8s.io");
        assert_eq!(read("HorizontalPodAutoscaler.v1.autoscaling"), "HorizontalPodAutoscaler.v1.autoscaling");
    }

    #[test]
    fn any_other_kind_is_written_with_its_group() {
        for text in [
            "Certificate.cert-manager.io",
            "Certificate.v1.cert-manager.io",
            "certificates.cert-manager.io",
            "postgresql.acid.zalan.do",
            "Service.serving.knative.dev",
        ] {
            assert_eq!(read(text), text);
        }
        for text in
            ["Certificate", "deployment", "deployments", "Thing.apps", "a b.example.com", "X.", "X..io", "", "X.a/b.io"]
        {
            assert!(matches!(text.parse::<KindName>(), Err(KindError::Unknown(_))), "{text}");
        }
    }

    #[test]
    fn secrets_are_refused_in_any_spelling() {
        for spelling in [
            "Secret",
            "secret",
            "Secrets",
            " secrets",
            "SecretList",
            "secrets.v1",
            "Secret.v1",
            "secrets.v1.",
            "SECRET.example.com",
            "Secret.v1.vault.example.com",
            "OAuthClient.oauth.openshift.io",
            "clustersecrets.v1.clustersecret.io",
        ] {
            assert_eq!(spelling.parse::<KindName>(), Err(KindError::Secret), "{spelling}");
        }
        assert_eq!(read("ExternalSecret.external-secrets.io"), "ExternalSecret.external-secrets.io");
    }
}
