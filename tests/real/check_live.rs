//! What playbooks need of a real cluster and of a real Prometheus.

use std::process::Command;

use crate::site::Site;

#[tokio::test]
async fn check_tells_what_the_cluster_does_not_have() {
    let site = Site::open().await;
    site.prometheus.exports("kubelet_volume_stats_used_bytes{namespace=\"x\",persistentvolumeclaim=\"y\"} 1");
    site.prometheus.wait_for("kubelet_volume_stats_used_bytes").await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_dogwatch"));
    command.args(["check", "--live", "--config"]).arg(site.folder.join("dogwatch.yaml"));
    let said = tokio::task::spawn_blocking(move || command.output().expect("dogwatch runs")).await.expect("no panic");
    let out = String::from_utf8(said.stdout).expect("text");
    assert_eq!(said.status.code(), Some(1), "{out}");
    assert!(out.contains("error[missing-target]: its target deployment/coredns in kube-system is not there"), "{out}");
    assert!(
        out.contains("warning[missing-series]: Prometheus has no series `coredns_dns_responses_total` now"),
        "{out}"
    );
    // What there is, and what `dogwatch rbac` granted, is not told of.
    assert!(!out.contains("missing-right") && !out.contains("series `kubelet_volume_stats_used_bytes`"), "{out}");
}
