//! The playbooks that come with the project: they load without a remark, and the alerts that they name find them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use dogwatch::action::Commands;
use dogwatch::model::{Alert, AlertStatus, LabelNames};
use dogwatch::playbook::{Catalog, rights_where};

fn shipped() -> &'static Catalog {
    static SHIPPED: LazyLock<Catalog> = LazyLock::new(|| {
        let (catalog, problems) = Catalog::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks"));
        let remarks: Vec<String> = problems.iter().map(|problem| problem.render(false)).collect();
        assert!(remarks.is_empty(), "\n{}\n", remarks.join("\n"));
        catalog
    });
    &SHIPPED
}

/// The playbook that an alert with these labels starts, and its target: `pvc-filling on persistentvolumeclaim/x in y`.
fn starts(labels: &[(&str, &str)]) -> String {
    let labels: BTreeMap<String, String> =
        labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let alert = Alert {
        given: None,
        in_order: false,
        fingerprint: "0011223344556677".into(),
        status: AlertStatus::Firing,
        labels,
        annotations: BTreeMap::new(),
        starts_at: DateTime::<Utc>::UNIX_EPOCH,
        ends_at: None,
        generator_url: String::new(),
    };
    let catalog = shipped();
    let found = catalog.for_alert(&alert);
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    let Some(playbook) = found.playbook else { return "nothing".into() };
    let inputs = playbook.inputs_for(Some(&alert), &BTreeMap::new()).unwrap();
    let target = playbook.target_for(Some(&alert), &LabelNames::default(), &inputs, &BTreeMap::new()).unwrap();
    format!("{} on {target}", playbook.name)
}

/// Each alert, with the playbooks that it may start and where.
#[test]
fn each_alert_has_its_playbook() {
    let catalog = shipped();
    let mut told: Vec<String> = Vec::new();
    for playbook in catalog.iter() {
        told.extend(playbook.triggers.iter().map(|trigger| {
            let only = trigger.condition.as_ref().map(|only| format!(" where {}", only.source()));
            format!("{}: {}{}", trigger.alert, playbook.name, only.unwrap_or_default())
        }));
    }
    told.sort_unstable();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn every_database_that_cannot_resolve_names_is_about_coredns() {
    let coredns = "coredns-saturated on deployment/coredns in kube-system";
    assert_eq!(starts(&[("alertname", "CoreDNSLatencyHigh"), ("server", "dns://:53"), ("zone", ".")]), coredns);
    assert_eq!(starts(&[("alertname", "CoreDNSErrorsHigh")]), coredns);
    for database in ["db-1", "db-9999"] {
        let labels =
            [("alertname", "PostgresNameResolutionFailing"), ("namespace", "databases"), ("database", database)];
        assert_eq!(starts(&labels), coredns);
    }
}

#[test]
fn a_claim_is_named_by_the_alert() {
    let claim =
        |alert| starts(&[("alertname", alert), ("namespace", "databases"), ("persistentvolumeclaim", "data-db-17")]);
    assert_eq!(claim("KubePersistentVolumeFillingUp"), "pvc-filling on persistentvolumeclaim/data-db-17 in databases");
    assert_eq!(claim("PersistentVolumeClaimPending"), "pvc-pending on persistentvolumeclaim/data-db-17 in databases");
    assert_eq!(claim("KubePersistentVolumeInodesFillingUp"), "nothing");
}

#[test]
fn a_replica_is_named_by_the_alert() {
    let labels = [
        ("alertname", "PatroniReplicaLagging"),
        ("namespace", "databases"),
        ("pod", "pg-00017-1"),
        ("scope", "pg-00017"),
    ];
    assert_eq!(starts(&labels), "patroni-replica-lag on pod/pg-00017-1 in databases");
}

#[test]
fn an_autoscaler_is_named_by_the_alert() {
    let web = "hpa-maxed on horizontalpodautoscaler/web in shop";
    for alert in ["KubeHpaMaxedOut", "KubernetesHpaScaleMaximum"] {
        assert_eq!(starts(&[("alertname", alert), ("namespace", "shop"), ("horizontalpodautoscaler", "web")]), web);
    }
}

#[test]
fn only_volumes_of_databases_are_answered() {
    let claim = |namespace, team: Option<&str>| {
        let mut labels = vec![
            ("alertname", "KubePersistentVolumeFillingUp"),
            ("namespace", namespace),
            ("persistentvolumeclaim", "data-0"),
        ];
        labels.extend(team.map(|team| ("team", team)));
        starts(&labels)
    };
    let ours = |namespace| format!("pvc-filling on persistentvolumeclaim/data-0 in {namespace}");
    assert_eq!(claim("databases", None), ours("databases"));
    assert_eq!(claim("tenant-07", None), ours("tenant-07"));
    assert_eq!(claim("kafka", None), "nothing");
    assert_eq!(claim("my-databases", None), "nothing");
    // Where there is a team, it decides.
    assert_eq!(claim("kafka", Some("databases")), ours("kafka"));
    assert_eq!(claim("databases", Some("messaging")), "nothing");
}

#[test]
fn a_volume_of_prometheus_has_one_playbook_and_no_other_has() {
    let claim = |namespace, name, team: Option<&str>| {
        let mut labels = vec![
            ("alertname", "KubePersistentVolumeFillingUp"),
            ("namespace", namespace),
            ("persistentvolumeclaim", name),
        ];
        labels.extend(team.map(|team| ("team", team)));
        starts(&labels)
    };
    let k8s = "prometheus-k8s-db-prometheus-k8s-0";
    let its = format!("prometheus-disk on persistentvolumeclaim/{k8s} in monitoring");
    assert_eq!(claim("monitoring", k8s, None), its);
    assert_eq!(claim("monitoring", k8s, Some("platform")), its);
    let shard = "prometheus-stack-kube-prom-prometheus-db-prometheus-stack-kube-prom-prometheus-shard-1-0";
    assert!(claim("monitoring", shard, None).starts_with("prometheus-disk on "));
    for databases in
        [claim("monitoring", k8s, Some("databases")), claim("databases", k8s, None), claim("tenant-07", k8s, None)]
    {
        assert!(databases.starts_with("pvc-filling on "), "{databases}");
    }
    for nobodys in [
        claim("monitoring", "alertmanager-main-db-alertmanager-main-0", None),
        claim("monitoring", "prometheus-grafana", None),
        claim("kafka", k8s, None),
        claim("monitoring", k8s, Some("messaging")),
    ] {
        assert_eq!(nobodys, "nothing");
    }
}

#[test]
fn jobs_that_are_backups_have_their_own_playbook() {
    let job = |alert, name| starts(&[("alertname", alert), ("namespace", "databases"), ("job_name", name)]);
    for alert in ["PgBackRestBackupTimeout", "KubeJobNotCompleted", "KubeJobFailed"] {
        assert_eq!(job(alert, "backup-db-17-29"), "backup-timeout on job/backup-db-17-29 in databases");
    }
    for alert in [
        "KubeJobFailed",
        "KubeJobNotCompleted",
        "KubernetesJobFailed",
        "KubernetesJobNotStarting",
        "KubernetesJobSlowCompletion",
    ] {
        assert_eq!(job(alert, "reindex-db-17-29"), "job-failed on job/reindex-db-17-29 in databases");
    }
    for alert in ["KubernetesCronjobFailing", "KubernetesCronjobSuspended", "KubernetesCronjobTooLong"] {
        let labels = [
            ("alertname", alert),
            ("namespace", "databases"),
            ("cronjob", "backup-db-17"),
            ("job", "kube-state-metrics"),
        ];
        assert_eq!(starts(&labels), "job-failed on cronjob/backup-db-17 in databases");
    }
    assert_eq!(starts(&[("alertname", "KubeJobNotCompleted"), ("namespace", "databases")]), "nothing");
}

#[test]
fn overdue_backups_are_about_their_namespace() {
    let labels = [("alertname", "PgBackRestBackupsOverdue"), ("namespace", "databases")];
    assert_eq!(starts(&labels), "backups-failed on namespace/databases");
}

#[test]
fn a_rollout_that_is_stuck_is_about_its_deployment() {
    let labels = [("alertname", "KubeDeploymentRolloutStuck"), ("namespace", "shop"), ("deployment", "web")];
    assert_eq!(starts(&labels), "rollout-undo on deployment/web in shop");
}

#[test]
fn a_workload_without_its_pods_is_named_by_the_alert() {
    let of = |alert, label, name| starts(&[("alertname", alert), ("namespace", "shop"), (label, name)]);
    for alert in [
        "KubeDeploymentGenerationMismatch",
        "KubeDeploymentReplicasMismatch",
        "KubernetesDeploymentGenerationMismatch",
        "KubernetesDeploymentReplicasMismatch",
    ] {
        assert_eq!(of(alert, "deployment", "web"), "deploy-stuck on deployment/web in shop");
    }
    let set = of("KubernetesReplicasetReplicasMismatch", "replicaset", "web-1");
    assert_eq!(set, "deploy-stuck on replicaset/web-1 in shop");
    for alert in [
        "KubeStatefulSetReplicasMismatch",
        "KubeStatefulSetGenerationMismatch",
        "KubeStatefulSetUpdateNotRolledOut",
        "KubernetesStatefulsetDown",
        "KubernetesStatefulsetReplicasMismatch",
        "KubernetesStatefulsetGenerationMismatch",
        "KubernetesStatefulsetUpdateNotRolledOut",
    ] {
        assert_eq!(of(alert, "statefulset", "queue"), "sts-stuck on statefulset/queue in shop");
    }
    for alert in [
        "KubeDaemonSetRolloutStuck",
        "KubeDaemonSetNotScheduled",
        "KubeDaemonSetMisScheduled",
        "KubernetesDaemonsetRolloutStuck",
        "KubernetesDaemonsetMisscheduled",
    ] {
        assert_eq!(of(alert, "daemonset", "agent"), "ds-stuck on daemonset/agent in shop");
    }
}

#[test]
fn dns_that_is_down_is_about_its_namespace_whatever_it_is_called() {
    for alert in ["CoreDNSDown", "CorednsPanicCount"] {
        assert_eq!(starts(&[("alertname", alert)]), "dns-coredns-down on namespace/kube-system");
    }
    for alert in [
        "CoreDNSForwardLatencyHigh",
        "CoreDNSForwardErrorsHigh",
        "CoreDNSForwardHealthcheckFailureCount",
        "CoreDNSForwardHealthcheckBrokenCount",
    ] {
        assert_eq!(starts(&[("alertname", alert), ("to", "192.0.2.53:53")]), "dns-upstream on namespace/kube-system");
    }
}

#[test]
fn a_sick_node_is_found_by_its_name() {
    for alert in ["KubeNodeNotReady", "KubeNodeUnreachable", "KubernetesNodeNotReady"] {
        let labels = [("alertname", alert), ("node", "node-7"), ("instance", "10.0.0.7:8080")];
        assert_eq!(starts(&labels), "node-notready on node/node-7");
    }
}

#[test]
fn a_pod_in_trouble_is_named_by_the_alert() {
    for (alert, playbook) in [
        ("KubePodCrashLooping", "pod-crashloop"),
        ("KubernetesPodCrashLooping", "pod-crashloop"),
        ("KubeContainerWaiting", "pod-stuck-waiting"),
        ("KubernetesContainerOomKiller", "pod-oom"),
        ("OOMKiller", "pod-oom"),
        ("KubePodNotReady", "pod-notready"),
        ("KubernetesPodNotHealthy", "pod-notready"),
    ] {
        let labels = [("alertname", alert), ("namespace", "shop"), ("pod", "web-1"), ("container", "web")];
        assert_eq!(starts(&labels), format!("{playbook} on pod/web-1 in shop"));
    }
    assert_eq!(starts(&[("alertname", "OOMKiller"), ("instance", "10.0.0.7:9100")]), "nothing");
}

#[test]
fn a_node_that_killed_a_process_is_no_pod_of_the_exporter() {
    let labels = [
        ("alertname", "HostOomKillDetected"),
        ("nodename", "node-7"),
        ("instance", "10.0.0.7:9100"),
        ("namespace", "monitoring"),
        ("pod", "node-exporter-x"),
    ];
    assert_eq!(starts(&labels), "node-oom on node/node-7");
}

#[test]
fn all_that_is_said_of_room_for_pods_is_about_one_thing() {
    let room = "pod-unschedulable on priorityclass/system-cluster-critical";
    for alert in [
        "ClusterAutoscalerUnschedulablePods",
        "ClusterAutoscalerNodeCountNearCapacity",
        "ClusterAutoscalerNodeGroupAtCapacity",
        "ClusterAutoscalerAllNodeGroupsAtCapacity",
        "ClusterAutoscalerNodeGroupUnhealthy",
        "ClusterAutoscalerNoHealthyNodeGroups",
    ] {
        assert_eq!(starts(&[("alertname", alert), ("namespace", "kube-system"), ("job", "cluster-autoscaler")]), room);
    }
    assert_eq!(starts(&[("alertname", "KubernetesNodeOutOfPodCapacity"), ("node", "node-7")]), room);
}

/// What each may do beyond looking; a playbook that only looks is not listed.
#[test]
fn few_playbooks_may_change_something() {
    let catalog = shipped();
    let mut told: Vec<String> = Vec::new();
    for playbook in catalog.iter() {
        // No program is run in a pod unless somebody lists it.
        let changing = rights_where(playbook, Some(&Commands::default()))
            .into_iter()
            .filter(|right| !["get", "list", "watch"].contains(&&*right.verb));
        let changing: Vec<String> = changing
            .map(|right| {
                let subresource = if right.subresource.is_empty() { "" } else { "/" };
                format!("{} {}{subresource}{}", right.verb, right.resource, right.subresource)
            })
            .collect();
        if !changing.is_empty() {
            told.push(format!("{} ({}): {}", playbook.name, playbook.autonomy, changing.join(", ")));
        }
    }
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn each_playbook_asks_for_no_more_rights_than_it_uses() {
    let needs = |name: &str| -> Vec<String> {
        let catalog = shipped();
        let rights = rights_where(catalog.get(name).unwrap(), Some(&Commands::default()));
        rights
            .into_iter()
            .map(|right| {
                let subresource = if right.subresource.is_empty() { "" } else { "/" };
                let namespace =
                    if right.namespace.is_empty() { String::new() } else { format!(" in {}", right.namespace) };
                format!("{} {}{subresource}{}{namespace}", right.verb, right.resource, right.subresource)
            })
            .collect()
    };
    assert_eq!(
        needs("node-notready"),
        [
            "create pods/eviction",
            "get namespaces",
            "get nodes",
            "get persistentvolumeclaims",
            "get persistentvolumes",
            "get pods",
            "get replicasets",
            "get statefulsets",
            "list events in default",
            "list nodes",
            "list pods",
            "patch nodes",
        ]
    );
    assert_eq!(
        needs("coredns-saturated"),
        [
            "get configmaps in kube-system",
            "get namespaces",
            "get deployments in kube-system",
            "get horizontalpodautoscalers in kube-system",
            "list events in kube-system",
            "list pods in kube-system",
            "list deployments in kube-system",
            "list horizontalpodautoscalers in kube-system",
            "patch configmaps in kube-system",
            "patch deployments/scale in kube-system",
            "patch horizontalpodautoscalers in kube-system",
        ]
    );
    // Patroni itself is asked, and no API server.
    assert_eq!(
        needs("patroni-replica-lag"),
        ["get namespaces", "get pods", "get pods/log", "list events", "list pods"]
    );
    assert_eq!(
        needs("pvc-filling"),
        [
            "get namespaces",
            "get persistentvolumeclaims",
            "get statefulsets",
            "get storageclasses",
            "list events",
            "patch persistentvolumeclaims",
        ]
    );
    // No node is asked, and what Prometheus says needs no right in the cluster.
    assert_eq!(
        needs("prometheus-disk"),
        [
            "get namespaces",
            "get persistentvolumeclaims",
            "get pods",
            "get statefulsets",
            "get storageclasses",
            "list events",
            "patch persistentvolumeclaims",
        ]
    );
    assert_eq!(
        needs("pvc-pending"),
        ["get persistentvolumeclaims", "get pods", "get statefulsets", "get storageclasses", "list events"]
    );
    assert_eq!(
        needs("certificate-not-renewed"),
        [
            "get namespaces",
            "get deployments in cert-manager",
            "get certificates",
            "get clusterissuers",
            "get issuers",
            "list events",
            "list challenges",
            "list deployments in cert-manager",
            "list certificaterequests",
            "patch certificates/status",
        ]
    );
    assert_eq!(
        needs("backup-timeout"),
        [
            "create jobs",
            "delete jobs",
            "get namespaces",
            "get pods",
            "get pods/log",
            "get cronjobs",
            "get jobs",
            "list events",
            "list pods",
            "list jobs",
        ]
    );
    // No Job is deleted.
    assert_eq!(
        needs("backups-failed"),
        [
            "create jobs",
            "get namespaces",
            "get pods",
            "get pods/log",
            "get cronjobs",
            "get jobs",
            "list pods",
            "list cronjobs",
            "list jobs",
        ]
    );
    assert_eq!(
        needs("rollout-undo"),
        [
            "get namespaces",
            "get deployments",
            "get replicasets",
            "list events",
            "list pods",
            "list replicasets",
            "patch deployments",
        ]
    );
    assert_eq!(
        needs("hpa-maxed"),
        [
            "get namespaces",
            "get deployments",
            "get horizontalpodautoscalers",
            "list pods",
            "patch horizontalpodautoscalers",
        ]
    );
    assert_eq!(
        needs("memory-limit"),
        [
            "get namespaces",
            "get deployments",
            "list events",
            "list limitranges",
            "list pods",
            "list verticalpodautoscalers",
            "patch deployments",
        ]
    );
}
