//! A kind of objects: how it is called in the API server's paths and in RBAC rules.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use k8s_openapi::api::{apps, autoscaling, batch, coordination, core, discovery, networking, policy, storage};

use super::built_in::{self, kind_of};
use super::{Access, ClusterError};
use crate::model::{KindText, ObjectKey, is_dns_label, is_version};

/// One kind of objects, in the version in which it is read and written here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// As an [`ObjectKey`] has it: `Deployment`, and `Certificate.cert-manager.io` for what is not
    /// Kubernetes' own. With the version where one is asked for by name:
    /// `Certificate.v1.cert-manager.io`.
    pub id: &'static str,
    /// As in manifests: `Deployment`.
    pub name: &'static str,
    /// Empty for the core group.
    pub group: &'static str,
    pub version: &'static str,
    /// As in paths and in RBAC rules: `deployments`.
    pub plural: &'static str,
    /// `false`: its objects belong to the whole cluster.
    pub namespaced: bool,
}

/// A kind that Kubernetes does not bring, as a cluster or a file tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomKind {
    pub name: String,
    pub group: String,
    pub version: String,
    pub plural: String,
    pub namespaced: bool,
}

/// The kinds that were told of, each once: they are few, and stay for as long as the process lives,
/// so that a kind is copied like a number.
static TOLD_OF: Mutex<BTreeSet<&'static Kind>> = Mutex::new(BTreeSet::new());

/// No cluster has so many; what tells of more is no cluster.
const MOST_TOLD_OF: usize = 20_000;

impl CustomKind {
    /// The kind. `pinned`: it was asked for in this version, and must be read in no other one.
    ///
    /// # Errors
    /// What cannot be: `Secret`, parts that are no names.
    pub fn known(&self, pinned: bool) -> Result<&'static Kind, String> {
        let Self { name, group, version, plural, namespaced } = self;
        if !is_word(name) || !is_word(plural) || plural.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(format!("`{}` with the plural `{}` is no kind", brief(name), brief(plural)));
        }
        if !is_version(version) || !is_group(group) {
            return Err(format!("`{}/{}` is no version of an API", brief(group), brief(version)));
        }
        if super::kind_name::holds_secrets(name, group) || super::kind_name::holds_secrets(plural, group) {
            return Err("secrets are never read".into());
        }
        let id = match pinned {
            false => Kind::id_of(name, group),
            true => format!("{name}.{version}.{group}"),
        };
        let mut told_of = TOLD_OF.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |kind: &&&Kind| {
            (kind.id, kind.name, kind.group) == (&*id, &**name, &**group)
                && (kind.version, kind.plural, kind.namespaced) == (&**version, &**plural, *namespaced)
        };
        if let Some(known) = told_of.iter().find(is_it) {
            return Ok(known);
        }
        if told_of.len() >= MOST_TOLD_OF {
            return Err(format!("more than {MOST_TOLD_OF} kinds are not kept"));
        }
        let keep = |text: &str| -> &'static str { Box::leak(text.into()) };
        let kind: &'static Kind = Box::leak(Box::new(Kind {
            id: keep(&id),
            name: keep(name),
            group: keep(group),
            version: keep(version),
            plural: keep(plural),
            namespaced: *namespaced,
        }));
        told_of.insert(kind);
        Ok(kind)
    }
}

/// Whether the text can be a kind or a plural.
pub(super) fn is_word(text: &str) -> bool {
    (1..=63).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// What somebody wrote, for a message.
pub(super) fn brief(text: &str) -> String {
    text.chars().take(80).filter(|c| !c.is_control()).collect()
}

/// Whether the text can be the group of what is not Kubernetes' core.
pub(super) fn is_group(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_dns_label)
}

impl Kind {
    /// Whether Kubernetes brings it.
    pub fn is_built_in(&self) -> bool {
        built_in::KINDS.iter().any(|known| known.id == self.id)
    }

    pub const POD: Self = kind_of::<core::v1::Pod>();
    pub const NODE: Self = kind_of::<core::v1::Node>();
    pub const DEPLOYMENT: Self = kind_of::<apps::v1::Deployment>();
    pub const STATEFUL_SET: Self = kind_of::<apps::v1::StatefulSet>();
    pub const DAEMON_SET: Self = kind_of::<apps::v1::DaemonSet>();
    pub const SERVICE: Self = kind_of::<core::v1::Service>();
    pub const DISRUPTION_BUDGET: Self = kind_of::<policy::v1::PodDisruptionBudget>();
    pub const NETWORK_POLICY: Self = kind_of::<networking::v1::NetworkPolicy>();
    pub const CLAIM: Self = kind_of::<core::v1::PersistentVolumeClaim>();
    pub const VOLUME: Self = kind_of::<core::v1::PersistentVolume>();
    pub const STORAGE_CLASS: Self = kind_of::<storage::v1::StorageClass>();
    pub const NAMESPACE: Self = kind_of::<core::v1::Namespace>();
    pub const JOB: Self = kind_of::<batch::v1::Job>();
    pub const CRON_JOB: Self = kind_of::<batch::v1::CronJob>();
    pub const EVENT: Self = kind_of::<core::v1::Event>();
    pub const CONFIG_MAP: Self = kind_of::<core::v1::ConfigMap>();
    pub const AUTOSCALER: Self = kind_of::<autoscaling::v2::HorizontalPodAutoscaler>();
    pub const REPLICA_SET: Self = kind_of::<apps::v1::ReplicaSet>();
    pub const LIMIT_RANGE: Self = kind_of::<core::v1::LimitRange>();
    pub const RESOURCE_QUOTA: Self = kind_of::<core::v1::ResourceQuota>();
    pub const ENDPOINT_SLICE: Self = kind_of::<discovery::v1::EndpointSlice>();
    /// Of <https://github.com/kubernetes/autoscaler>: not each cluster has it.
    pub const VERTICAL_AUTOSCALER: Self = Self {
        id: "VerticalPodAutoscaler.autoscaling.k8s.io",
        name: "VerticalPodAutoscaler",
        group: "autoscaling.k8s.io",
        version: "v1",
        plural: "verticalpodautoscalers",
        namespaced: true,
    };
    /// Of <https://keda.sh>.
    pub const SCALED_OBJECT: Self = Self {
        id: "ScaledObject.keda.sh",
        name: "ScaledObject",
        group: "keda.sh",
        version: "v1alpha1",
        plural: "scaledobjects",
        namespaced: true,
    };
    pub const CERTIFICATE: Self = Self {
        id: "Certificate.cert-manager.io",
        name: "Certificate",
        group: "cert-manager.io",
        version: "v1",
        plural: "certificates",
        namespaced: true,
    };
    /// Of <https://github.com/kubernetes/metrics>: there where metrics-server is.
    pub const POD_METRICS: Self = Self {
        id: "PodMetrics.metrics.k8s.io",
        name: "PodMetrics",
        group: "metrics.k8s.io",
        version: "v1beta1",
        plural: "pods",
        namespaced: true,
    };
    pub const NODE_METRICS: Self = Self {
        id: "NodeMetrics.metrics.k8s.io",
        name: "NodeMetrics",
        plural: "nodes",
        namespaced: false,
        ..Self::POD_METRICS
    };
    pub const LEASE: Self = kind_of::<coordination::v1::Lease>();

    /// Kubernetes' own kind of that name, spelled as in manifests; else
    /// [`ClusterError::UnknownKind`].
    pub fn find(name: &str) -> Result<&'static Kind, ClusterError> {
        let known = built_in::KINDS.iter().find(|kind| kind.id == name);
        known.ok_or_else(|| ClusterError::UnknownKind(name.chars().take(80).collect()))
    }

    /// The kind of that id that some clusters have and programs here ask for: how its plural is
    /// called does not follow from its name.
    pub(super) fn beside(id: &str) -> Option<&'static Kind> {
        const KINDS: &[&Kind] = &[
            &Kind::VERTICAL_AUTOSCALER,
            &Kind::SCALED_OBJECT,
            &Kind::CERTIFICATE,
            &Kind::POD_METRICS,
            &Kind::NODE_METRICS,
        ];
        KINDS.iter().copied().find(|kind| kind.id == id)
    }

    /// All that Kubernetes itself brings.
    pub fn all() -> &'static [Kind] {
        built_in::KINDS
    }

    /// How [`ObjectKey`]s name the kind that manifests call so, with the group of their
    /// `apiVersion`. An object without one is taken to be Kubernetes' own.
    pub fn id_of(name: &str, group: &str) -> String {
        let is_bare = |kind: &Kind| kind.name == name && kind.id == name && kind.group == group;
        if group.is_empty() || built_in::KINDS.iter().any(is_bare) {
            name.to_owned()
        } else {
            format!("{name}.{group}")
        }
    }

    /// The kind in that version alone.
    ///
    /// # Errors
    /// As [`CustomKind::known`].
    pub(super) fn pinned(&self, version: &str) -> Result<&'static Kind, String> {
        let Self { name, group, plural, namespaced, .. } = *self;
        let version = version.to_owned();
        let (name, group, plural) = (name.to_owned(), group.to_owned(), plural.to_owned());
        CustomKind { name, group, version, plural, namespaced }.known(true)
    }

    /// Whether `text` means this kind, in whatever version: by its name or, as kubectl has it, by
    /// its plural.
    pub(super) fn is_meant_by(&self, text: &KindText<'_>) -> bool {
        let by_plural = text.word == self.plural && text.group.is_some();
        (text.word == self.name || by_plural) && text.group.unwrap_or_default() == self.group
    }

    /// As in manifests: `apps/v1`, or `v1` for the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// As the API server's messages name it: `deployments.apps`, or `pods` for the core group.
    pub fn qualified_plural(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// Whether that can be the key of an object of this kind; else why not. Names come from alerts too, and must not
    /// lead to another place than their own: `x/../../secrets/y`.
    pub fn check_key(&self, key: &ObjectKey) -> Result<(), String> {
        if self.namespaced == key.namespace.is_empty() {
            let which = if self.namespaced { "in a namespace, and none was given" } else { "in no namespace" };
            return Err(format!("a {} is {which}", self.id));
        }
        if !is_name(&key.name) || !(key.namespace.is_empty() || is_name(&key.namespace)) {
            return Err("that is no name of an object".into());
        }
        Ok(())
    }

    /// In which namespace to list: none for a kind that has none; else why that cannot be one.
    pub(super) fn check_list<'a>(&self, namespace: &'a str) -> Result<&'a str, &'static str> {
        match namespace {
            "" => Ok(""),
            _ if !self.namespaced => Ok(""),
            name if is_name(name) => Ok(name),
            _ => Err("that is no name of a namespace"),
        }
    }

    /// The right to do `verb` to objects of this kind. `subresource` may be empty; so may `namespace`: all of them.
    pub fn access(&self, verb: &str, subresource: &str, namespace: &str) -> Access {
        Access {
            verb: verb.to_owned(),
            group: self.group.to_owned(),
            resource: self.plural.to_owned(),
            subresource: subresource.to_owned(),
            namespace: namespace.to_owned(),
            name: String::new(),
        }
    }
}

/// Whether the text can only be one segment of a path.
fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
    !text.is_empty() && text.len() <= 253 && text.chars().all(fits) && !text.chars().all(|c| c == '.')
}

// Those that the simulated cluster makes objects of.
pub(super) static POD: Kind = Kind::POD;
pub(super) static CLAIM: Kind = Kind::CLAIM;
pub(super) static VOLUME: Kind = Kind::VOLUME;
pub(super) static REPLICA_SET: Kind = Kind::REPLICA_SET;
pub(super) static EVENT: Kind = Kind::EVENT;
pub(super) static NAMESPACE: Kind = Kind::NAMESPACE;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_its_name_in_manifests() {
        let deployment = Kind::find("Deployment").unwrap();
        assert_eq!(deployment.api_version(), "apps/v1");
        assert_eq!(deployment.qualified_plural(), "deployments.apps");
        assert_eq!(Kind::find("Node").unwrap().api_version(), "v1");
        assert_eq!(Kind::find("deployment"), Err(ClusterError::UnknownKind("deployment".into())));
    }

    #[test]
    fn secrets_cannot_be_addressed() {
        assert_eq!(Kind::find("Secret"), Err(ClusterError::UnknownKind("Secret".into())));
    }

    #[test]
    fn a_name_from_outside_cannot_leave_its_place_in_the_path() {
        let pod = Kind::find("Pod").unwrap();
        let check = |namespace: &str, name: &str| pod.check_key(&ObjectKey::new("Pod", namespace, name)).is_ok();
        let long = "x".repeat(254);
        for wrong in ["", ".", "..", "a/b", "../secrets/x", "a?dryRun=", "a%2Fb", "a b", "a#b", "ä", &long] {
            assert!(!check("shop", wrong) && !check(wrong, "web-0"), "{wrong}");
        }
        for right in ["web-0", "node.example.com", "system:node", "A_b"] {
            assert!(check("shop", right), "{right}");
        }
        let node = Kind::find("Node").unwrap();
        assert!(node.check_key(&ObjectKey::new("Node", "", "a")).is_ok());
        assert!(node.check_key(&ObjectKey::new("Node", "shop", "a")).is_err());
    }

    #[test]
    fn no_kind_is_listed_twice() {
        let mut names: Vec<_> = Kind::all().iter().map(|kind| kind.id).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Kind::all().len());
    }

    #[test]
    fn what_the_table_says_is_the_api_servers() {
        let of = |id: &str| {
            let kind = Kind::find(id).unwrap();
            (kind.api_version(), kind.plural, kind.namespaced)
        };
        assert_eq!(of("Ingress"), ("networking.k8s.io/v1".into(), "ingresses", true));
        assert_eq!(of("HorizontalPodAutoscaler"), ("autoscaling/v2".into(), "horizontalpodautoscalers", true));
        assert_eq!(of("PriorityClass"), ("scheduling.k8s.io/v1".into(), "priorityclasses", false));
        assert_eq!(of("Event.events.k8s.io"), ("events.k8s.io/v1".into(), "events", true));
        assert_eq!(of("Event"), ("v1".into(), "events", true));
        assert_eq!(of("CustomResourceDefinition").1, "customresourcedefinitions");
    }

    #[test]
    fn the_same_kind_is_one_however_often_it_is_told_of() {
        let told = |version: &str| CustomKind {
            name: "Certificate".into(),
            group: "cert-manager.io".into(),
            version: version.into(),
            plural: "certificates".into(),
            namespaced: true,
        };
        let first = told("v1").known(false).unwrap();
        assert!(std::ptr::eq(first, told("v1").known(false).unwrap()));
        assert_eq!((first.id, first.api_version()), ("Certificate.cert-manager.io", "cert-manager.io/v1".into()));
        assert_eq!(told("v1").known(true).unwrap().id, "Certificate.v1.cert-manager.io");
        for wrong in [
            CustomKind { plural: "../secrets".into(), ..told("v1") },
            CustomKind { plural: "secrets".into(), ..told("v1") },
            CustomKind { name: "Secret".into(), ..told("v1") },
            CustomKind { group: String::new(), ..told("v1") },
            CustomKind { group: "a/b".into(), ..told("v1") },
            told("v1/x"),
        ] {
            assert!(wrong.known(false).is_err(), "{wrong:?}");
        }
    }
}
