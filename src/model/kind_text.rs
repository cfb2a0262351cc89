//! How kinds are written: `Deployment`, `Certificate.cert-manager.io`,
//! `Certificate.v1.cert-manager.io`.

use std::borrow::Cow;

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

/// The text without a version: an object is the same one, in whatever version it is read.
pub fn without_version(text: &str) -> Cow<'_, str> {
    match KindText::of(text) {
        KindText { version: None, .. } => Cow::Borrowed(text),
        KindText { word, group: None, .. } => Cow::Borrowed(word),
        KindText { word, group: Some(group), .. } => Cow::Owned(format!("{word}.{group}")),
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
    fn a_version_says_nothing_about_which_object_it_is() {
        assert_eq!(without_version("Certificate.v1.cert-manager.io"), "Certificate.cert-manager.io");
        assert_eq!(without_version("Certificate.cert-manager.io"), "Certificate.cert-manager.io");
        assert_eq!(without_version("Pod.v1"), "Pod");
        assert_eq!(without_version("Pod"), "Pod");
        for no_version in ["v", "v1gamma1", "version", "v1beta", "v12345", "1", ""] {
            assert!(!is_version(no_version), "{no_version}");
        }
    }
}
