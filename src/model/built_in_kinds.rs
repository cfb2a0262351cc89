//! The kinds of Kubernetes itself, from 1.30 to 1.35, except `Secret`: what cannot be addressed
//! cannot leak into a timeline, a page or a report.
//!
//! Where a kind is served in several versions, the stablest that 1.35 has stands here; an older
//! server that serves another one is asked for it (`cluster/real/discovery.rs`).

use k8s_openapi::Resource;

use super::KindText;

/// Calls `$then` with the types of all kinds, and the word by which each is known where another
/// kind has its name already.
macro_rules! built_in_kinds {
    ($then:ident) => {
        $then! {
            k8s_openapi::api::core::v1::ConfigMap,
            k8s_openapi::api::core::v1::ComponentStatus,
            k8s_openapi::api::core::v1::Endpoints,
            k8s_openapi::api::core::v1::Event,
            k8s_openapi::api::core::v1::LimitRange,
            k8s_openapi::api::core::v1::Namespace,
            k8s_openapi::api::core::v1::Node,
            k8s_openapi::api::core::v1::PersistentVolume,
            k8s_openapi::api::core::v1::PersistentVolumeClaim,
            k8s_openapi::api::core::v1::Pod,
            k8s_openapi::api::core::v1::PodTemplate,
            k8s_openapi::api::core::v1::ReplicationController,
            k8s_openapi::api::core::v1::ResourceQuota,
            k8s_openapi::api::core::v1::Service,
            k8s_openapi::api::core::v1::ServiceAccount,
            k8s_openapi::api::admissionregistration::v1beta1::MutatingAdmissionPolicy,
            k8s_openapi::api::admissionregistration::v1beta1::MutatingAdmissionPolicyBinding,
            k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration,
            k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicy,
            k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicyBinding,
            k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration,
            k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
            k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService,
            k8s_openapi::api::apps::v1::ControllerRevision,
            k8s_openapi::api::apps::v1::DaemonSet,
            k8s_openapi::api::apps::v1::Deployment,
            k8s_openapi::api::apps::v1::ReplicaSet,
            k8s_openapi::api::apps::v1::StatefulSet,
            k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler,
            k8s_openapi::api::batch::v1::CronJob,
            k8s_openapi::api::batch::v1::Job,
            k8s_openapi::api::certificates::v1::CertificateSigningRequest,
            k8s_openapi::api::certificates::v1beta1::ClusterTrustBundle,
            k8s_openapi::api::certificates::v1beta1::PodCertificateRequest,
            k8s_openapi::api::coordination::v1::Lease,
            k8s_openapi::api::coordination::v1beta1::LeaseCandidate,
            k8s_openapi::api::discovery::v1::EndpointSlice,
            k8s_openapi::api::events::v1::Event as "Event.events.k8s.io",
            k8s_openapi::api::flowcontrol::v1::FlowSchema,
            k8s_openapi::api::flowcontrol::v1::PriorityLevelConfiguration,
            k8s_openapi::api::apiserverinternal::v1alpha1::StorageVersion,
            k8s_openapi::api::networking::v1::IPAddress,
            k8s_openapi::api::networking::v1::Ingress,
            k8s_openapi::api::networking::v1::IngressClass,
            k8s_openapi::api::networking::v1::NetworkPolicy,
            k8s_openapi::api::networking::v1::ServiceCIDR,
            k8s_openapi::api::node::v1::RuntimeClass,
            k8s_openapi::api::policy::v1::PodDisruptionBudget,
            k8s_openapi::api::rbac::v1::ClusterRole,
            k8s_openapi::api::rbac::v1::ClusterRoleBinding,
            k8s_openapi::api::rbac::v1::Role,
            k8s_openapi::api::rbac::v1::RoleBinding,
            k8s_openapi::api::resource::v1::DeviceClass,
            k8s_openapi::api::resource::v1alpha3::DeviceTaintRule,
            k8s_openapi::api::resource::v1::ResourceClaim,
            k8s_openapi::api::resource::v1::ResourceClaimTemplate,
            k8s_openapi::api::resource::v1::ResourceSlice,
            k8s_openapi::api::scheduling::v1::PriorityClass,
            k8s_openapi::api::scheduling::v1alpha1::Workload,
            k8s_openapi::api::storage::v1::CSIDriver,
            k8s_openapi::api::storage::v1::CSINode,
            k8s_openapi::api::storage::v1::CSIStorageCapacity,
            k8s_openapi::api::storage::v1::StorageClass,
            k8s_openapi::api::storage::v1::VolumeAttachment,
            k8s_openapi::api::storage::v1::VolumeAttributesClass,
            k8s_openapi::api::storagemigration::v1beta1::StorageVersionMigration,
        }
    };
}
pub(crate) use built_in_kinds;

/// What a kind of Kubernetes itself is called.
pub(super) struct BuiltIn {
    /// As keys of objects have it: `Deployment`.
    pub id: &'static str,
    name: &'static str,
    plural: &'static str,
    /// Empty for the core group.
    group: &'static str,
}

macro_rules! table {
    ($($of:ty $(as $id:literal)?),* $(,)?) => {
        &[$(BuiltIn { $(id: $id,)? ..built_in::<$of>() }),*]
    };
}

const fn built_in<T: Resource>() -> BuiltIn {
    BuiltIn { id: T::KIND, name: T::KIND, plural: T::URL_PATH_SEGMENT, group: T::GROUP }
}

static BUILT_IN: &[BuiltIn] = built_in_kinds!(table);

impl BuiltIn {
    /// The kind that a text of these parts means: by its name, or by its plural with its group.
    pub fn find(text: &KindText<'_>) -> Option<&'static BuiltIn> {
        let group = text.group.unwrap_or_default();
        let is_it = |kind: &&BuiltIn| {
            kind.group == group && (kind.name == text.word || text.group.is_some() && kind.plural == text.word)
        };
        BUILT_IN.iter().find(is_it)
    }

    /// The kind that people mean, who write neither capitals nor groups with care.
    pub fn find_loosely(text: &KindText<'_>) -> Option<&'static BuiltIn> {
        let is_called = |name: &str| name.eq_ignore_ascii_case(text.word);
        let is_it = |kind: &&BuiltIn| {
            let is_of_group = match text.group {
                Some(group) => kind.group.eq_ignore_ascii_case(group),
                // What has a name of its own has it because another kind is called so.
                None => kind.id == kind.name && (text.version.is_none() || kind.group.is_empty()),
            };
            is_of_group && (is_called(kind.name) || is_called(kind.plural))
        };
        BUILT_IN.iter().find(is_it)
    }
}
