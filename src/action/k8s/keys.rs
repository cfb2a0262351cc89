//! Which keys of annotations and labels a playbook may set.

/// Domains whose annotations and labels mean something to Kubernetes, to what deploys, or to this
/// bot, with all below them.
const RESERVED: [&str; 7] = ["kubernetes.io", "k8s.io", "dogwatch", "helm.sh", "argoproj.io", "fluxcd.io", "x-k8s.io"];

/// Domains of programs that delete, scale, restore or grant by an annotation or a label, with all
/// below them and all that begins with them: none of that is done by the way.
const POWERS: [&str; 19] = [
    "acid.zalan.do",
    "azure.workload.identity",
    "cnpg.io",
    "crossplane.io",
    "crunchydata.com",
    "downscaler",
    "eks.amazonaws.com",
    "hashicorp.com",
    "iam.gke.io",
    "janitor",
    "k8s-ttl-controller",
    "karpenter.sh",
    "keda.sh",
    "percona.com",
    "reflector",
    "replicator",
    "services.k8s.aws",
    "stackgres.io",
    "strimzi.io",
];

/// Kinds by whose annotations and labels something is granted, admitted, kept or deleted.
pub(super) fn is_of_power(kind: &str) -> bool {
    const KINDS: [&str; 5] = ["Namespace", "PersistentVolume", "PersistentVolumeClaim", "Secret", "ServiceAccount"];
    KINDS.contains(&kind)
        || kind.starts_with("Role")
        || kind.starts_with("ClusterRole")
        || kind.ends_with("WebhookConfiguration")
}

/// Whether a playbook may set an annotation or a label of that key; `what` says which of the two it
/// is.
pub(super) fn may_be_set(key: &str, what: &str) -> Result<(), String> {
    let Some((domain, name)) = key.split_once('/') else {
        return Err(format!(
            "`{key}` has no domain, and programs keep their state under such keys; write `example.com/{key}`"
        ));
    };
    let is_part = |text: &str, more: &[char]| {
        let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(&c);
        text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.ends_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(fits)
    };
    let is_key =
        domain.len() <= 253 && name.len() <= 63 && is_part(domain, &['-', '.']) && is_part(name, &['-', '.', '_']);
    if !is_key || domain.chars().any(|c| c.is_ascii_uppercase()) {
        let shown: String = key.chars().take(80).collect();
        let article = if what.starts_with('a') { "an" } else { "a" };
        return Err(format!("`{shown}` is no key of {article} {what}; write it as `example.com/drained`"));
    }
    let is_power = |power: &&&str| {
        domain == **power
            || domain.strip_suffix(**power).is_some_and(|rest| rest.ends_with('.'))
            || domain.strip_prefix(**power).is_some_and(|rest| rest.starts_with('.'))
    };
    if let Some(power) = POWERS.iter().find(is_power) {
        return Err(format!(
            "by {what}s of `{power}` something is deleted, scaled, restored or granted, and that is not done by the way"
        ));
    }
    let within =
        |reserved: &&&str| domain.strip_suffix(**reserved).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    match RESERVED.iter().find(within) {
        Some(reserved) => {
            Err(format!("{what}s of `{reserved}` mean something to others, and are not set by a playbook"))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_held_to_what_an_annotation_is_and_has_its_own_name() {
        assert_eq!(may_be_set("example.com/inspect", "label"), Ok(()));
        for (key, told) in [
            ("topology.kubernetes.io/zone", "labels of `kubernetes.io` mean something to others"),
            ("node-role.kubernetes.io/worker", "labels of `kubernetes.io` mean something to others"),
            ("app", "`app` has no domain"),
            ("karpenter.sh/nodepool", "by labels of `karpenter.sh` something is deleted, scaled"),
            ("example.com/", "is no key of a label"),
        ] {
            let why = may_be_set(key, "label").unwrap_err();
            assert!(why.contains(told), "{key}: {why}");
        }
    }
}
