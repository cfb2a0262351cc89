//! Which fields `k8s.patch` may change. A list, and not "whatever is a number": one number more or
//! less may stop a database, and no check of the cluster's own says which.

use std::sync::Arc;

use crate::action::k8s::field_path::FieldPath;
use crate::action::k8s::set_image::Image;
use crate::cluster::{KindName, Kinds};
use crate::model::kind_identity;

/// A field that each bot may change.
pub(super) struct Known {
    kind: &'static str,
    field: &'static str,
    /// The field of the same object that it must not fall below.
    pub least: &'static [&'static str],
    /// API version and kind of what it scales, where it does not say them; empty: it must.
    pub scales: (&'static str, &'static str),
}

/// A field is in this list only where a change restarts nothing, deletes nothing, is taken back by
/// the same request, and is bounded by what asks for it.
const KNOWN: [Known; 2] = [
    // A ceiling: pods come only as far as the load asks for them, and the autoscaler itself takes
    // them away again.
    Known {
        kind: "HorizontalPodAutoscaler",
        field: "spec.maxReplicas",
        least: &["spec", "minReplicas"],
        scales: ("", ""),
    },
    // The same ceiling, where KEDA makes the autoscaler of it and would put the autoscaler's own
    // back.
    Known {
        kind: "ScaledObject.keda.sh",
        field: "spec.maxReplicaCount",
        least: &["spec", "minReplicaCount"],
        scales: ("apps/v1", "Deployment"),
    },
];

/// Whether the field counts things, of whatever kind it is.
pub(super) fn is_count(field: &FieldPath) -> bool {
    KNOWN.iter().any(|known| known.field == field.as_str())
}

pub(super) fn known(kind: &str, field: &FieldPath) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.kind == kind_identity(kind) && known.field == field.as_str())
}

/// Why no bot changes the field by `k8s.patch`, whatever its configuration says: what has an action
/// of its own has checks of its own. `None`: it may be allowed.
pub fn why_never(kind: &str, field: &FieldPath) -> Option<String> {
    let (kind, names) = (kind_identity(kind), field.names());
    let has = |wanted: &[&str]| names.iter().any(|name| wanted.contains(name));
    let is_last = |wanted: &[&str]| names.last().is_some_and(|name| wanted.contains(name));
    let is_within_storage = names.split_last().is_some_and(|(_, ancestors)| ancestors.iter().any(is_of_storage));
    let by = |action: &str, why: &str| Some(format!("`{field}` is changed by `{action}`, which {why}"));
    let never = |why: &str| Some(format!("`{field}` is changed by no program: {why}"));
    match &*kind {
        "PersistentVolumeClaim" | "PersistentVolume" => {
            return by("k8s.expand_pvc", "asks its storage class, its quota and its operator");
        }
        "HorizontalPodAutoscaler" if field.as_str() == "spec.minReplicas" => {
            return by("k8s.hpa_set", "holds it below `spec.maxReplicas`, and asks what is scaled");
        }
        _ => {}
    }
    if has(&["annotations"]) {
        return by("k8s.annotate", "knows which of them mean something to others");
    }
    if has(&["volumeClaimTemplates"]) || is_last(&["storage"]) || is_within_storage {
        return by("k8s.expand_pvc", "takes the claim as its target");
    }
    if has(&["containers", "initContainers", "ephemeralContainers", "limits", "requests"]) && has_resources(&names) {
        return by("k8s.set_resources", "knows that all pods are replaced by it");
    }
    if has(&["template", "jobTemplate", "podTemplate"]) {
        return never("it is part of a template, and all that is made of it would be made anew");
    }
    if is_last(&["replicas"]) {
        return by("k8s.scale", "asks who decides how many there are");
    }
    let is_custom = kind.contains('.');
    if is_last(&["instances", "numberOfInstances", "members", "replicaCount", "nodeCount"])
        || (is_custom && is_last(&["size"]))
    {
        return never("these are members of a database, not capacity");
    }
    if is_last(&["unschedulable"]) {
        return by("k8s.cordon", "counts the nodes that are left");
    }
    match names.first() {
        Some(&"metadata" | &"kind" | &"apiVersion") => never("it says which object this is, and whose"),
        Some(&"status") => never("it is what a controller reports"),
        _ => None,
    }
}

/// `storage`, `walStorage`, `volume`, `dataVolumeClaimSpec`: how large volumes are, as operators
/// have it.
fn is_of_storage(name: &&str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with("storage") || name.ends_with("volume") || name.contains("volumeclaim")
}

/// Of a quota there are limits and requests, too, which are no container's.
fn has_resources(names: &[&str]) -> bool {
    names.iter().any(|name| name.ends_with("ontainers") || *name == "resources")
}

/// One field of one kind that the configuration of the bot allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchField {
    pub kind: KindName,
    pub field: FieldPath,
}

/// One value of one ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigMapKey {
    pub namespace: String,
    pub name: String,
    pub key: String,
}

impl ConfigMapKey {
    /// Why no bot sets it, whatever its configuration says. `None`: it may be allowed.
    pub fn why_never(&self) -> Option<&'static str> {
        // By these somebody is let in to the cluster, or told whom to trust.
        const GRANTING: [&str; 3] = ["aws-auth", "extension-apiserver-authentication", "kube-root-ca.crt"];
        if GRANTING.contains(&self.name.as_str()) {
            return Some("by this ConfigMap somebody is let in to the cluster, or trusted");
        }
        let is_empty = [&self.namespace, &self.name, &self.key].iter().any(|part| part.is_empty());
        is_empty.then_some("namespace, name and key are all written out")
    }
}

/// What this bot may change by `k8s.patch`, and what its configuration lets other actions set.
#[derive(Debug, Clone)]
pub struct Patchable(Extent);

#[derive(Debug, Clone)]
enum Extent {
    All,
    Also(Arc<Allowed>),
}

#[derive(Debug, Clone, Default)]
struct Allowed {
    fields: Vec<PatchField>,
    images: Vec<Image>,
    keys: Vec<ConfigMapKey>,
}

/// What each bot may change.
impl Default for Patchable {
    fn default() -> Self {
        Self::and([])
    }
}

impl Patchable {
    /// What each bot may change, and these.
    pub fn and(fields: impl IntoIterator<Item = PatchField>) -> Self {
        Self(Extent::Also(Arc::new(Allowed { fields: fields.into_iter().collect(), ..Allowed::default() })))
    }

    /// The same, and these images for `k8s.set_image`.
    pub fn and_images(self, images: impl IntoIterator<Item = Image>) -> Self {
        self.with(|allowed| allowed.images.extend(images))
    }

    /// The same, and these values for `k8s.configmap_patch`.
    pub fn and_keys(self, keys: impl IntoIterator<Item = ConfigMapKey>) -> Self {
        self.with(|allowed| allowed.keys.extend(keys))
    }

    /// Why `k8s.configmap_patch` may not set that value here, and what would let it; `None`: it
    /// may.
    pub fn key_refusal(&self, key: &ConfigMapKey) -> Option<String> {
        let ConfigMapKey { namespace, name, key: of } = key;
        if let Some(why) = key.why_never() {
            return Some(format!("`{of}` of configmap/{name} in {namespace} is set by no program: {why}"));
        }
        let is_allowed = match &self.0 {
            Extent::All => true,
            Extent::Also(allowed) => allowed.keys.contains(key),
        };
        (!is_allowed).then(|| {
            format!(
                "the bot may not set `{of}` of configmap/{name} in {namespace}: whoever runs it allows that in dogwatch.yaml, as \
                 `actions: {{ config_maps: [{{ namespace: {namespace}, name: {name}, key: {of} }}] }}`"
            )
        })
    }

    fn with(self, more: impl FnOnce(&mut Allowed)) -> Self {
        match self.0 {
            Extent::All => Self(Extent::All),
            Extent::Also(mut allowed) => {
                more(Arc::make_mut(&mut allowed));
                Self(Extent::Also(allowed))
            }
        }
    }

    /// Whether `k8s.set_image` may set an image that nothing proves to run.
    pub fn allows_image(&self, image: &Image) -> bool {
        match &self.0 {
            Extent::All => image.has_digest(),
            Extent::Also(allowed) => allowed.images.contains(image),
        }
    }

    /// All but what no bot changes: for a rehearsal, which asks what a playbook does and not where
    /// it may.
    pub fn all() -> Self {
        Self(Extent::All)
    }

    /// Why it may not be changed here, and what would let it; `None`: it may.
    pub fn refusal(&self, kind: &str, field: &FieldPath, kinds: &Kinds) -> Option<String> {
        if let Some(why) = why_never(kind, field) {
            return Some(why);
        }
        let identity = kinds.identity(kind);
        let is_this = |also: &PatchField| also.field == *field && kinds.identity(also.kind.as_str()) == identity;
        let is_allowed = match &self.0 {
            Extent::All => true,
            Extent::Also(allowed) => known(&identity, field).is_some() || allowed.fields.iter().any(is_this),
        };
        (!is_allowed).then(|| not_allowed(&identity, field))
    }
}

fn not_allowed(kind: &str, field: &FieldPath) -> String {
    format!(
        "the bot may not change `{field}` of a {kind}: whoever runs it allows that in dogwatch.yaml, as \
         `actions: {{ patch: [{{ kind: {kind}, field: {field} }}] }}`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> FieldPath {
        text.parse().unwrap()
    }

    fn refusal(of: &Patchable, kind: &str, field: &str) -> Option<String> {
        of.refusal(kind, &path(field), &Kinds::new())
    }

    #[test]
    fn each_bot_may_change_the_ceilings_of_autoscalers_and_nothing_else() {
        let each = Patchable::default();
        for kind in ["HorizontalPodAutoscaler", "HorizontalPodAutoscaler.v1.autoscaling"] {
            assert_eq!(refusal(&each, kind, "spec.maxReplicas"), None, "{kind}");
        }
        assert_eq!(refusal(&each, "ScaledObject.v1alpha1.keda.sh", "spec.maxReplicaCount"), None);
        for (kind, field) in [
            ("HorizontalPodAutoscaler", "spec.behavior.scaleUp.stabilizationWindowSeconds"),
            ("Deployment", "spec.maxReplicas"),
            ("ScaledObject.keda.sh", "spec.pollingInterval"),
            ("PodDisruptionBudget", "spec.maxUnavailable"),
            ("ResourceQuota", "spec.hard.pods"),
        ] {
            let why = refusal(&each, kind, field).unwrap();
            assert!(why.contains(&format!("actions: {{ patch: [{{ kind: {kind}, field: {field} }}] }}")), "{why}");
        }
    }

    #[test]
    fn who_runs_the_bot_allows_more_in_whatever_spelling() {
        let kind = "NodePool.v1.karpenter.sh".parse().unwrap();
        let more = Patchable::and([PatchField { kind, field: path("spec.limits.cpu") }]);
        assert_eq!(refusal(&more, "NodePool.karpenter.sh", "spec.limits.cpu"), None);
        assert_eq!(refusal(&more, "HorizontalPodAutoscaler", "spec.maxReplicas"), None);
        assert!(refusal(&more, "NodePool.karpenter.sh", "spec.limits.memory").is_some());
        assert!(refusal(&more, "NodePool.example.com", "spec.limits.cpu").is_some());
    }

    #[test]
    fn what_has_an_action_of_its_own_is_refused_with_its_name_whoever_allows_it() {
        for (kind, field, told) in [
            ("Deployment", "spec.replicas", "`k8s.scale`"),
            ("StatefulSet", "spec.replicas", "`k8s.scale`"),
            ("Rollout.argoproj.io", "spec.replicas", "`k8s.scale`"),
            ("HorizontalPodAutoscaler.v1.autoscaling", "spec.minReplicas", "`k8s.hpa_set`"),
            ("PersistentVolumeClaim", "spec.resources.requests.storage", "`k8s.expand_pvc`"),
            ("PersistentVolume", "spec.capacity.storage", "`k8s.expand_pvc`"),
            ("StatefulSet", "spec.volumeClaimTemplates.x", "`k8s.expand_pvc`"),
            ("Deployment", "spec.template.spec.containers.main.resources.limits.memory", "`k8s.set_resources`"),
            ("Cluster.postgresql.cnpg.io", "spec.resources.limits.memory", "`k8s.set_resources`"),
            ("Deployment", "metadata.annotations.x", "`k8s.annotate`"),
            ("Node", "spec.unschedulable", "`k8s.cordon`"),
            ("Deployment", "spec.template.spec.terminationGracePeriodSeconds", "would be made anew"),
            ("Cluster.postgresql.cnpg.io", "spec.instances", "members of a database"),
            ("postgresql.acid.zalan.do", "spec.numberOfInstances", "members of a database"),
            ("MongoDBCommunity.mongodbcommunity.mongodb.com", "spec.members", "members of a database"),
            ("PerconaXtraDBCluster.pxc.percona.com", "spec.pxc.size", "members of a database"),
            ("EtcdCluster.example.com", "spec.replicaCount", "members of a database"),
            ("Elasticsearch.example.com", "spec.nodeCount", "members of a database"),
            ("Cluster.postgresql.cnpg.io", "spec.storage.size", "`k8s.expand_pvc`"),
            ("Cluster.postgresql.cnpg.io", "spec.walStorage.size", "`k8s.expand_pvc`"),
            ("postgresql.acid.zalan.do", "spec.volume.size", "`k8s.expand_pvc`"),
            ("Kafka.kafka.strimzi.io", "spec.kafka.storage.size", "`k8s.expand_pvc`"),
            ("Prometheus.monitoring.coreos.com", "spec.storage.x.y.z", "`k8s.expand_pvc`"),
            ("PostgresCluster.example.com", "spec.dataVolumeClaimSpec.size", "`k8s.expand_pvc`"),
            ("Job", "status.failed", "a controller reports"),
            ("Job", "metadata.generation", "which object this is"),
        ] {
            let kind_name = kind.parse().unwrap();
            let allowed = Patchable::and([PatchField { kind: kind_name, field: path(field) }]);
            for of in [allowed, Patchable::all()] {
                let why = refusal(&of, kind, field).unwrap_or_else(|| panic!("{kind} {field} is let through"));
                assert!(why.contains(told), "{kind} {field}: {why}");
            }
        }
        // No container's, and so nobody's but the operator's to allow.
        assert_eq!(why_never("NodePool.karpenter.sh", &path("spec.limits.cpu")), None);
        // What a ConfigMap calls so may be anything, and whoever runs the bot says what.
        assert_eq!(why_never("ConfigMap", &path("data.size")), None);
    }
}
