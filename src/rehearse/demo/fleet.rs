//! The demo's cluster: ten thousand databases, and what they stand on.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::clock::Clock;
use crate::cluster::sim::SimCluster;
use crate::cluster::{ClusterError, Object};

/// How many databases each namespace holds.
const PER_NAMESPACE: usize = 200;

/// One database of the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Database(pub usize);

impl Database {
    pub fn namespace(self) -> String {
        format!("tenant-{:02}", self.0 / PER_NAMESPACE)
    }

    pub fn name(self) -> String {
        format!("pg-{:05}", self.0)
    }

    pub fn pod(self) -> String {
        format!("{}-0", self.name())
    }

    /// The claim that its StatefulSet makes from its template.
    pub fn claim(self) -> String {
        format!("data-{}", self.pod())
    }

    pub fn cronjob(self) -> String {
        format!("{}-backup", self.name())
    }

    /// The Job of the night's backup.
    pub fn backup(self) -> String {
        format!("{}-29541240", self.cronjob())
    }
}

/// The classes of the fleet. There is no `gold-ssd`: somebody asked for it all the same.
pub const CLASS: &str = "fast-ssd";
pub const MISSING_CLASS: &str = "gold-ssd";

/// The whole cluster, with so many databases. `there` hears now and then how many there are.
///
/// # Errors
/// None with the manifests of this file: they are objects of known kinds.
pub fn come_up(clock: Arc<dyn Clock>, databases: usize, there: impl Fn(usize)) -> Result<SimCluster, ClusterError> {
    const PORTION: usize = 100;
    let mut foundation = vec![class(), coredns()];
    foundation.extend((0..databases.div_ceil(50).max(3)).map(node));
    foundation.extend((0..databases.div_ceil(PER_NAMESPACE)).map(|n| namespace(&format!("tenant-{n:02}"))));
    let cluster = SimCluster::from_objects(clock, foundation.into_iter().map(Object).collect())?;
    for first in (0..databases).step_by(PORTION) {
        let end = databases.min(first + PORTION);
        let portion = (first..end).map(Database).flat_map(|database| [stateful_set(database), cronjob(database)]);
        cluster.load(portion.map(Object).collect())?;
        there(end);
    }
    Ok(cluster)
}

/// The backup that hangs: a Job of the database's CronJob, as the CronJob controller makes it.
pub fn hanging_backup(database: Database, cronjob: &Object) -> Object {
    let template = cronjob.at("/spec/jobTemplate/spec").cloned().unwrap_or_default();
    Object(json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": database.backup(),
            "namespace": database.namespace(),
            "labels": { "database": database.name() },
            "ownerReferences": [{
                "apiVersion": "batch/v1", "kind": "CronJob", "name": database.cronjob(), "uid": cronjob.uid(),
                "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "spec": template,
    }))
}

/// A claim for a class that is not there.
pub fn pending_claim(database: Database) -> Object {
    Object(json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": { "name": format!("data-{}-replica-0", database.name()), "namespace": database.namespace() },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": MISSING_CLASS,
            "resources": { "requests": { "storage": "100Gi" } },
        },
    }))
}

fn namespace(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } })
}

fn node(n: usize) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": { "name": format!("node-{n:03}") },
        "status": { "conditions": [{ "type": "Ready", "status": "True" }] },
    })
}

fn class() -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": { "name": CLASS },
        "provisioner": "ebs.csi.aws.com",
        "allowVolumeExpansion": true,
        "volumeBindingMode": "Immediate",
        "reclaimPolicy": "Delete",
    })
}

fn coredns() -> Value {
    let labels = json!({ "k8s-app": "kube-dns" });
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "coredns", "namespace": "kube-system", "labels": labels },
        "spec": {
            "replicas": 4,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": "coredns", "image": "registry.k8s.io/coredns/coredns:v1.12.1" }] },
            },
        },
    })
}

fn stateful_set(database: Database) -> Value {
    let labels = json!({ "app": "postgres", "database": database.name() });
    json!({
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": { "name": database.name(), "namespace": database.namespace(), "labels": labels },
        "spec": {
            "replicas": 1,
            "serviceName": database.name(),
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "containers": [{
                        "name": "postgres",
                        "image": "postgres:17",
                        "volumeMounts": [{ "name": "data", "mountPath": "/var/lib/postgresql" }],
                    }],
                },
            },
            "volumeClaimTemplates": [{
                "metadata": { "name": "data" },
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "storageClassName": CLASS,
                    "resources": { "requests": { "storage": "100Gi" } },
                },
            }],
        },
    })
}

fn cronjob(database: Database) -> Value {
    json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": { "name": database.cronjob(), "namespace": database.namespace() },
        "spec": {
            "schedule": "0 0 * * *",
            "concurrencyPolicy": "Forbid",
            "jobTemplate": {
                "metadata": { "labels": { "database": database.name() } },
                "spec": {
                    "backoffLimit": 0,
                    "template": {
                        "metadata": { "labels": { "database": database.name() } },
                        "spec": {
                            "restartPolicy": "Never",
                            "containers": [{
                                "name": "pgbackrest",
                                "image": "pgbackrest:2.55",
                                "command": ["pgbackrest", format!("--stanza={}", database.name()), "backup"],
                            }],
                        },
                    },
                },
            },
        },
    })
}
