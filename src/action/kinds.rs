//! The kinds that actions work on by their nature, and the rights that go with them. What kinds
//! playbooks name is [`cluster::KindName`].

use std::fmt;

use crate::cluster;

/// One of Kubernetes' own kinds, or one that is asked for where a cluster has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind(&'static cluster::Kind);

impl Kind {
    pub const POD: Self = Self(&cluster::Kind::POD);
    pub const NODE: Self = Self(&cluster::Kind::NODE);
    pub const DEPLOYMENT: Self = Self(&cluster::Kind::DEPLOYMENT);
    pub const STATEFUL_SET: Self = Self(&cluster::Kind::STATEFUL_SET);
    pub const DAEMON_SET: Self = Self(&cluster::Kind::DAEMON_SET);
    pub const SERVICE: Self = Self(&cluster::Kind::SERVICE);
    pub const DISRUPTION_BUDGET: Self = Self(&cluster::Kind::DISRUPTION_BUDGET);
    pub const NETWORK_POLICY: Self = Self(&cluster::Kind::NETWORK_POLICY);
    pub const CLAIM: Self = Self(&cluster::Kind::CLAIM);
    pub const VOLUME: Self = Self(&cluster::Kind::VOLUME);
    pub const STORAGE_CLASS: Self = Self(&cluster::Kind::STORAGE_CLASS);
    pub const NAMESPACE: Self = Self(&cluster::Kind::NAMESPACE);
    pub const JOB: Self = Self(&cluster::Kind::JOB);
    pub const CRON_JOB: Self = Self(&cluster::Kind::CRON_JOB);
    pub const EVENT: Self = Self(&cluster::Kind::EVENT);
    pub const CONFIG_MAP: Self = Self(&cluster::Kind::CONFIG_MAP);
    pub const REPLICA_SET: Self = Self(&cluster::Kind::REPLICA_SET);
    pub const LIMIT_RANGE: Self = Self(&cluster::Kind::LIMIT_RANGE);
    pub const RESOURCE_QUOTA: Self = Self(&cluster::Kind::RESOURCE_QUOTA);
    pub const ENDPOINT_SLICE: Self = Self(&cluster::Kind::ENDPOINT_SLICE);
    pub const POD_METRICS: Self = Self(&cluster::Kind::POD_METRICS);
    pub const NODE_METRICS: Self = Self(&cluster::Kind::NODE_METRICS);
    pub const VERTICAL_AUTOSCALER: Self = Self(&cluster::Kind::VERTICAL_AUTOSCALER);
    pub const SCALED_OBJECT: Self = Self(&cluster::Kind::SCALED_OBJECT);
    pub const CERTIFICATE: Self = Self(&cluster::Kind::CERTIFICATE);
    pub const AUTOSCALER: Self = Self(&cluster::Kind::AUTOSCALER);

    /// As Kubernetes spells it: `Deployment`.
    pub fn as_str(self) -> &'static str {
        self.0.name
    }

    /// As keys and lists of objects name it: with its group where it is not Kubernetes' own.
    pub fn id(self) -> &'static str {
        self.0.id
    }

    pub(super) fn known(self) -> &'static cluster::Kind {
        self.0
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}
