//! What playbooks need of a real cluster and of a real Prometheus.

use std::process::Command;

use crate::site::Site;

/// Nobody has granted what it takes, and the cluster has no such kind.
const OF_NO_USE_HERE: &str = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: of-no-use-here, version: 1.0.0, owner: platform }
summary: a certificate was not renewed
severity: S3
autonomy: observe
target: { kind: Certificate.cert-manager.io, namespace: shop, name: web }
diagnose:
  - id: daemons
    k8s.list: { kind: DaemonSet }
  - done_if: daemons.count == 0
    because: nothing uses it
escalate:
  - page: { message: '{{because}}' }
";

#[tokio::test]
async fn check_tells_what_the_cluster_does_not_have() {
    let site = Site::open().await;
    site.prometheus.exports("kubelet_volume_stats_used_bytes{namespace=\"x\",persistentvolumeclaim=\"y\"} 1");
    site.prometheus.wait_for("kubelet_volume_stats_used_bytes").await;
    site.folder.write("playbooks/of-no-use-here.yaml", OF_NO_USE_HERE);
    let mut command = Command::new(env!("CARGO_BIN_EXE_dogwatch"));
    command.args(["check", "--live", "--config"]).arg(site.folder.join("dogwatch.yaml"));
    let said = tokio::task::spawn_blocking(move || command.output().expect("dogwatch runs")).await.expect("no panic");
    let out = String::from_utf8(said.stdout).expect("text");
    assert_eq!(said.status.code(), Some(1), "{out}");
    for told in [
        "error[missing-target]: its target deployment/coredns in kube-system is not there",
        "warning[missing-series]: Prometheus has no series `coredns_dns_responses_total` now",
        "error[missing-kind]: the cluster has no kind `Certificate.cert-manager.io` now",
        "error[missing-right]: it may not list daemonsets",
    ] {
        assert!(out.contains(told), "{told}: {out}");
    }
    // What there is, and what `dogwatch rbac` granted for the others, is not told of.
    assert!(!out.contains("series `kubelet_volume_stats_used_bytes`"), "{out}");
    let missing = out.split("error[missing-right]").skip(1);
    assert!(missing.clone().count() > 0 && missing.clone().all(|told| told.contains("of-no-use-here.yaml")), "{out}");
}
