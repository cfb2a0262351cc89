//! How kinds are written: `Deployment`, `Certificate.cert-manager.io`,
//! `Certificate.v1.cert-manager.io`.

use std::borrow::Cow;

use super::built_in_kinds::BuiltIn;

/// The parts of such a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindText<'t> {
    /// The name as in manifests, or the plural, as kubectl writes it.
    pub word: &'t str,
    pub version: Option<&'t str>,
    /// `None` for what stands without one: a kind of Kubernetes itself.
    pub group: Option<&'t str>,
}

impl<'t> KindText<'t> {
    pub fn of(text: &'t str) -> Self {
        let Some((word, rest)) = text.split_once('.') else { return Self { word: text, version: None, group: None } };
        let (version, group) = match rest.split_once('.') {
            Some((first, group)) if is_version(first) => (Some(first), Some(group)),
            None if is_version(rest) => (Some(rest), None),
            _ => (None, Some(rest)),
        };
        // `Pod.v1.`: the group of the core has no name.
        Self { word, version, group: group.filter(|group| !group.is_empty()) }
    }
}

/// The one text that stands for the kind, however it is written: `Deployment` for
/// `deployments.apps`, `Certificate.cert-manager.io` for `Certificate.v1.cert-manager.io`. The
/// version says how an object is read, and nothing about which one it is.
///
/// What the plural of a kind is that Kubernetes does not bring, only the cluster knows: see
/// `Kinds::identity`.
pub fn kind_identity(text: &str) -> Cow<'_, str> {
    // Most have a single word.
    if !text.contains('.') {
        return Cow::Borrowed(text);
    }
    let parts = KindText::of(text);
    match (BuiltIn::find(&parts), parts) {
        (Some(built_in), _) => Cow::Borrowed(built_in.id),
        (None, KindText { version: None, group: Some(_), .. }) => Cow::Borrowed(text),
        (None, KindText { word, group: None, .. }) => Cow::Borrowed(word),
        (None, KindText { word, group: Some(group), .. }) => Cow::Owned(format!("{word}.{group}")),
    }
}

/// Whether a person who writes `text` means the kind of that identity: in capitals or not, by the
/// name or the plural, with the group of what is Kubernetes' own or without.
pub fn means_kind(text: &str, identity: &str) -> bool {
    let meant = KindText::of(text);
    let own = |parts: &KindText<'_>| BuiltIn::find_loosely(parts).map(|kind| kind.id);
    let of = KindText::of(identity);
    if let (Some(meant), Some(of)) = (own(&meant), own(&of)) {
        return meant == of;
    }
    let group = |parts: &KindText<'_>| parts.group.unwrap_or_default().to_ascii_lowercase();
    let word = meant.word.to_ascii_lowercase();
    group(&meant) == group(&of) && (word == of.word.to_ascii_lowercase() || word == usual_plural(of.word))
}

/// The plural that a kind has where its definition follows the rule.
pub fn usual_plural(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    match name.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if name.ends_with(['s', 'x']) || name.ends_with("ch") => format!("{name}es"),
        _ => format!("{name}s"),
    }
}

/// As Kubernetes names versions: `v1`, `v2beta1`.
pub fn is_version(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('v') else { return false };
    let digits = |text: &str| !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (major, minor) = match rest.find(|c: char| !c.is_ascii_digit()) {
        None => return digits(rest),
        Some(at) => rest.split_at(at),
    };
    let minor = minor.strip_prefix("alpha").or_else(|| minor.strip_prefix("beta"));
    digits(major) && minor.is_some_and(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_a_word_maybe_with_a_version_and_a_group() {
        let parts = |text| {
            let KindText { word, version, group } = KindText::of(text);
            (word, version, group)
        };
        assert_eq!(parts("Deployment"), ("Deployment", None, None));
        assert_eq!(parts("Certificate.cert-manager.io"), ("Certificate", None, Some("cert-manager.io")));
        assert_eq!(parts("Certificate.v1.cert-manager.io"), ("Certificate", Some("v1"), Some("cert-manager.io")));
        assert_eq!(parts("Cluster.v1beta2.k8s.io"), ("Cluster", Some("v1beta2"), Some("k8s.io")));
        assert_eq!(parts("Pod.v1"), ("Pod", Some("v1"), None));
        assert_eq!(parts("pods.v1."), ("pods", Some("v1"), None));
        assert_eq!(parts("Thing.v1x.example.com"), ("Thing", None, Some("v1x.example.com")));
    }

    #[test]
    fn a_kind_is_the_same_however_it_is_written() {
        for text in ["Deployment", "Deployment.apps", "Deployment.v1.apps", "deployments.apps", "deployments.v1.apps"] {
            assert_eq!(kind_identity(text), "Deployment", "{text}");
        }
        for (text, identity) in [
            ("HorizontalPodAutoscaler.v1.autoscaling", "HorizontalPodAutoscaler"),
            ("Event", "Event"),
            ("Event.v1", "Event"),
            ("Event.v1.events.k8s.io", "Event.events.k8s.io"),
            ("Certificate.v1.cert-manager.io", "Certificate.cert-manager.io"),
            ("Certificate.cert-manager.io", "Certificate.cert-manager.io"),
            ("Service.serving.knative.dev", "Service.serving.knative.dev"),
            ("Pod.v1", "Pod"),
            ("Pod", "Pod"),
            ("Pod.", "Pod"),
        ] {
            assert_eq!(kind_identity(text), identity);
            assert_eq!(kind_identity(&kind_identity(text)), identity);
        }
    }

    #[test]
    fn people_write_kinds_as_they_like() {
        for text in ["deployment", "deployments", "DEPLOYMENT.apps", "Deployment.v1.apps", "deployments.apps"] {
            assert!(means_kind(text, "Deployment"), "{text}");
        }
        for text in [
            "Certificate.cert-manager.io",
            "certificates.cert-manager.io",
            "certificate.v1.cert-manager.io",
            "CERTIFICATES.cert-manager.io",
        ] {
            assert!(means_kind(text, "Certificate.cert-manager.io"), "{text}");
        }
        assert!(means_kind("networkpolicies.crd.projectcalico.org", "NetworkPolicy.crd.projectcalico.org"));
        assert!(means_kind("event", "Event") && means_kind("events.events.k8s.io", "Event.events.k8s.io"));
        for (text, other) in [
            ("Service", "Service.serving.knative.dev"),
            ("Service.serving.knative.dev", "Service"),
            ("Deployment.example.com", "Deployment"),
            ("Certificate", "Certificate.cert-manager.io"),
            ("event", "Event.events.k8s.io"),
            ("ReplicaSet", "StatefulSet"),
            ("", "Pod"),
        ] {
            assert!(!means_kind(text, other), "{text}");
        }
    }

    #[test]
    fn versions_are_named_as_kubernetes_names_them() {
        for version in ["v1", "v2beta1", "v1alpha2"] {
            assert!(is_version(version), "{version}");
        }
        for no_version in ["v", "v1gamma1", "version", "v1beta", "v12345", "1", ""] {
            assert!(!is_version(no_version), "{no_version}");
        }
    }
}
