//! The cases beside the playbooks, as `dogwatch test` runs them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dogwatch::cluster::Kinds;
use dogwatch::playbook::read_kinds;
use dogwatch::rehearse::cases::{PlaybookReport, playbook_files, test_folder};

use crate::bot::processor::Processor;
use crate::bot::shipped_file;

fn playbooks() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks")
}

/// What is wrong with a report, a line for each thing.
fn wrong(report: &PlaybookReport) -> Vec<String> {
    let mut wrong: Vec<String> = report.error.iter().map(|error| format!("{}: {error}", report.name)).collect();
    for case in report.cases.iter().filter(|case| !case.wrong.is_empty()) {
        let timeline = case.timeline.join("\n    ");
        wrong.push(format!(
            "{}, line {}: {}\n  {}\n    {timeline}",
            report.name,
            case.line,
            case.name,
            case.wrong.join("\n  ")
        ));
    }
    wrong.extend(report.missing.iter().map(|missing| format!("{}: no case in which {missing}", report.name)));
    wrong.extend(report.not_entered.iter().map(|branch| format!("{}: no case enters {branch}", report.name)));
    wrong
}

/// Every case of a shipped playbook passes, and none of its branches is left unentered.
async fn passes(name: &str) {
    let _processor = Processor::with_fewest();
    let (kinds, mut problems) = (Arc::new(Kinds::new()), Vec::new());
    read_kinds(&playbooks(), &kinds, &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    let reports = test_folder(&shipped_file(name), &kinds, |_| {}).await.unwrap();
    let told: Vec<String> = reports.iter().flat_map(wrong).collect();
    assert!(told.is_empty(), "\n{}\n", told.join("\n"));
    assert!(reports.iter().all(|report| report.branches > 0 && !report.cases.is_empty()), "{name} has no cases");
}

macro_rules! every_case_passes_of {
    ($($test:ident $name:literal)*) => {
        mod every_case_passes_of {
            $(#[tokio::test]
            async fn $test() {
                super::passes($name).await;
            })*
        }

        #[test]
        fn every_shipped_playbook_is_tested() {
            let shipped = playbook_files(&playbooks()).unwrap();
            let mut shipped: Vec<&str> = shipped.iter().map(|path| path.file_stem().unwrap().to_str().unwrap()).collect();
            shipped.sort_unstable();
            assert_eq!(shipped, [$($name),*]);
        }
    };
}

every_case_passes_of! {
    backup_timeout "backup-timeout"
    backups_failed "backups-failed"
    bk_other "bk-other"
    bk_repo "bk-repo"
    bk_stale "bk-stale"
    bk_stanza "bk-stanza"
    cert_manager_down "cert-manager-down"
    certificate_not_renewed "certificate-not-renewed"
    controlplane "controlplane"
    coredns_saturated "coredns-saturated"
    cpu_throttled "cpu-throttled"
    deploy_stuck "deploy-stuck"
    dns_coredns_down "dns-coredns-down"
    dns_upstream "dns-upstream"
    ds_stuck "ds-stuck"
    grafana "grafana"
    helm_failed "helm-failed"
    hpa_maxed "hpa-maxed"
    ingress_errors "ingress-errors"
    ip_exhausted "ip-exhausted"
    job_failed "job-failed"
    kube_certs "kube-certs"
    kube_client_certs "kube-client-certs"
    log_es "log-es"
    log_fluentbit "log-fluentbit"
    memory_limit "memory-limit"
    metrics_api_down "metrics-api-down"
    mon_alertmanager "mon-alertmanager"
    mon_exporter "mon-exporter"
    mon_kube_state_metrics "mon-kube-state-metrics"
    mon_prometheus "mon-prometheus"
    mon_prometheus_operator "mon-prometheus-operator"
    mon_prometheus_storage "mon-prometheus-storage"
    mon_target "mon-target"
    mon_target_job "mon-target-job"
    mon_target_pod "mon-target-pod"
    nfs_stale "nfs-stale"
    nfs_stale_exporter "nfs-stale-exporter"
    node_by_address "node-by-address"
    node_by_exporter "node-by-exporter"
    node_degraded "node-degraded"
    node_disk "node-disk"
    node_drain "node-drain"
    node_notready "node-notready"
    node_oom "node-oom"
    node_pressure "node-pressure"
    operator_failed "operator-failed"
    patroni_replica_lag "patroni-replica-lag"
    pdb_blocking "pdb-blocking"
    pg_cnpg_instances "pg-cnpg-instances"
    pg_cnpg_replication "pg-cnpg-replication"
    pg_connections "pg-connections"
    pg_connections_find "pg-connections-find"
    pg_corruption "pg-corruption"
    pg_disk_cluster "pg-disk-cluster"
    pg_disk_full "pg-disk-full"
    pg_down "pg-down"
    pg_locks "pg-locks"
    pg_no_leader "pg-no-leader"
    pg_patroni_state "pg-patroni-state"
    pg_replica_lag "pg-replica-lag"
    pg_role_changed "pg-role-changed"
    pg_rollbacks "pg-rollbacks"
    pg_slot "pg-slot"
    pg_slow "pg-slow"
    pg_split_brain "pg-split-brain"
    pg_spread "pg-spread"
    pg_unobserved "pg-unobserved"
    pg_vacuum "pg-vacuum"
    pg_wal_archive "pg-wal-archive"
    pg_wraparound "pg-wraparound"
    pgbouncer "pgbouncer"
    pod_crashloop "pod-crashloop"
    pod_notready "pod-notready"
    pod_oom "pod-oom"
    pod_stuck_waiting "pod-stuck-waiting"
    pod_unschedulable "pod-unschedulable"
    prometheus_disk "prometheus-disk"
    pvc_filling "pvc-filling"
    pvc_pending "pvc-pending"
    quota_full "quota-full"
    restore_drill "restore-drill"
    restore_drill_weekly "restore-drill-weekly"
    rollout_undo "rollout-undo"
    service_errors "service-errors"
    slo_probe "slo-probe"
    sts_stuck "sts-stuck"
    tls_cert_manager "tls-cert-manager"
    tls_expiry "tls-expiry"
}

/// What `dogwatch test` says about these cases of pvc-pending.
async fn says(cases: &str) -> PlaybookReport {
    says_in("", cases).await
}

/// The same with these lines before the cases.
async fn says_in(settings: &str, cases: &str) -> PlaybookReport {
    let folder = tempfile::tempdir().unwrap();
    let playbook = folder.path().join("pvc-pending.yaml");
    std::fs::copy(shipped_file("pvc-pending"), &playbook).unwrap();
    let head = "apiVersion: dogwatch/v1\nkind: Cases\nplaybook: pvc-pending\n";
    std::fs::write(folder.path().join("pvc-pending.cases.yaml"), format!("{head}{settings}cases:\n{cases}")).unwrap();
    test_folder(&playbook, &Default::default(), |_| {}).await.unwrap().remove(0)
}

const GONE: &str = "  - name: a claim that is gone
    alert: { name: PersistentVolumeClaimPending, labels: { namespace: db, persistentvolumeclaim: data-0 } }
";

#[tokio::test]
async fn a_case_may_be_about_another_cluster() {
    let other = GONE.replace("labels: { ", "labels: { cluster: staging, ");
    let expect = "    expect: { outcome: escalated, because: about the cluster staging, pages: [databases] }\n";
    let report = says_in("cluster: eu-1\n", &format!("{other}{expect}")).await;
    assert_eq!(report.passed(), 1, "{report:?}");
    let report = says_in("cluster: staging\n", &format!("{other}{expect}")).await;
    assert_eq!(report.passed(), 0, "that is this one");
}

#[tokio::test]
async fn a_case_that_expects_too_much_is_told_what_came_instead() {
    let expect = "    expect:
      outcome: fixed
      because: all is well
      changes: [scale everything]
      page_says: come quickly
";
    let report = says(&format!("{GONE}{expect}")).await;
    assert_eq!((report.passed(), report.failed(), report.cases[0].line), (0, 1, 5));
    let told = report.cases[0].wrong.join("\n");
    for part in [
        "expected the outcome fixed, and it escalated: the target is not there",
        "expected it to end because `all is well`, and it was: the target is not there",
        "expected the changes \n- scale everything\nand it made []",
        "expected to page [], and it paged [\"databases\"]",
        "expected a page that says `come quickly`, and what is said is:\nThe claim",
    ] {
        assert!(told.contains(part), "`{part}` is not in:\n{told}");
    }
    assert!(report.cases[0].timeline.iter().any(|line| line.contains("the target is not there")), "{report:?}");
    assert_eq!(report.not_entered.len(), report.branches);
}

#[tokio::test]
async fn what_a_case_provides_for_must_happen() {
    let rest = "    faults:
      - conflict: {}
    during:
      - { after: 5m, approve: nadia }
    expect: { outcome: escalated, pages: [databases] }
";
    let told = says(&format!("{GONE}{rest}")).await.cases.remove(0).wrong;
    assert_eq!(
        told,
        [
            "what should happen after 5m never did: the run had ended before",
            "nothing ran into the fault Conflict { times: 1 }",
        ]
    );
}

#[tokio::test]
async fn an_alert_that_starts_nothing_is_told() {
    let case = "  - name: another alert\n    alert: { name: Other }\n    expect: { outcome: escalated }\n";
    let told = says(case).await.error.unwrap();
    assert!(told.contains("no trigger of the playbook `pvc-pending` is the alert `Other`"), "{told}");
    assert!(told.contains(".cases.yaml:6:"), "{told}");
    let meant = case.replace("outcome: escalated", "no_run: true");
    assert_eq!(says(&meant).await.passed(), 1);
}

#[tokio::test]
async fn a_file_that_is_no_cases_says_where() {
    let report = says("  - name: x\n    expect: { outcome: mended }\n").await;
    let error = report.error.unwrap();
    assert!(error.contains(".cases.yaml:6:24") && error.contains("`mended` is not known here"), "{error}");
    let misspelt = says("  - name: x\n    alarm: y\n    expect: { outcome: fixed }\n").await.error.unwrap();
    assert!(misspelt.contains("error[unknown-field]: `alarm`") && misspelt.contains("`alert`"), "{misspelt}");
}

/// What becomes of the items of a loop, and by which ways no case comes.
#[tokio::test]
async fn a_case_says_what_becomes_of_each_item() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shop-small.yaml"), crate::loops::GROW).unwrap();
    let web = |n: u32, replicas: u32| {
        format!(
            "  - {{ apiVersion: apps/v1, kind: Deployment, metadata: {{ namespace: shop, name: web-{n} }}, spec: {{ replicas: {replicas}, \
             selector: {{ matchLabels: {{ app: web-{n} }} }}, template: {{ metadata: {{ labels: {{ app: web-{n} }} }}, \
             spec: {{ containers: [{{ name: web, image: web }}] }} }} }} }}\n"
        )
    };
    let objects: String = [(1, 2), (2, 6), (3, 3)].into_iter().map(|(n, replicas)| web(n, replicas)).collect();
    let cases = format!(
        "apiVersion: dogwatch/v1
kind: Cases
playbook: shop-small
objects:
  - {{ apiVersion: v1, kind: Namespace, metadata: {{ name: shop }} }}
{objects}cases:
  - name: all of them
    alert: &alert {{ name: ShopSlow }}
    expect:
      outcome: fixed
      items: {{ grow: {{ done: [web-1, web-3], unneeded: [web-2] }} }}
      changes: [scale deployment/web-1 in shop 2 -> 4, scale deployment/web-3 in shop 3 -> 5]
  - name: expects too much
    alert: *alert
    faults: [{{ never_ready: {{ workload: {{ kind: Deployment, namespace: shop, name: web-1 }} }} }}]
    expect:
      outcome: escalated
      items: {{ grow: {{ done: [web-1] }} }}
      changes: [scale deployment/web-1 in shop 2 -> 4]
      pages: [platform]
"
    );
    let other = cases.replace("grow: { done: [web-1] } }", "grow: { done: [web-1] }, shrink: {} }");
    std::fs::write(folder.path().join("shop-small.cases.yaml"), other).unwrap();
    let error = test_folder(&folder.path().join("shop-small.yaml"), &Default::default(), |_| {})
        .await
        .unwrap()
        .remove(0)
        .error
        .unwrap();
    assert!(error.contains("the playbook `shop-small` has no loop `shrink`"), "{error}");
    std::fs::write(folder.path().join("shop-small.cases.yaml"), cases).unwrap();
    let report =
        test_folder(&folder.path().join("shop-small.yaml"), &Default::default(), |_| {}).await.unwrap().remove(0);
    assert_eq!((report.passed(), report.cases.len()), (1, 2), "{report:#?}");
    assert_eq!(
        report.cases[1].wrong,
        ["expected of grow { done: [web-1] }\nand it was { failed: [web-1], untouched: [web-2, web-3] }",]
    );
    let not_entered: Vec<String> = report.not_entered.iter().map(ToString::to_string).collect();
    assert_eq!(
        not_entered,
        [
            "mitigate.grow: an item is left alone, as somebody holds it or it is gone",
            "mitigate.grow: its list is empty",
            "mitigate.3: it is `it is not so small`",
        ]
    );
}

/// A case goes through all that a run is handed over to, with the rights of each.
#[tokio::test]
async fn a_case_goes_on_with_the_playbook_it_is_handed_over_to() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shop-sick.yaml"), crate::hand_over::TRIAGE).unwrap();
    std::fs::write(folder.path().join("shop-slow.yaml"), crate::runs::SHOP).unwrap();
    let cases = |runs: &str| {
        format!(
            "apiVersion: dogwatch/v1
kind: Cases
playbook: shop-sick
objects:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {{ namespace: shop, name: web }}
    spec:
      replicas: 4
      selector: {{ matchLabels: {{ app: web }} }}
      template: {{ metadata: {{ labels: {{ app: web }} }}, spec: {{ containers: [{{ name: web, image: web }}] }} }}
cases:
  - name: a shop that is slow is made larger
    alert: {{ name: ShopSick }}
    prometheus: [{{ query: shop_latency, answers: [0.4, 0.4, 0.02] }}]
    expect:
      outcome: fixed
      runs: [{runs}]
      changes: [scale deployment/web in shop 4 -> 6]
"
        )
    };
    let report = async |runs: &str| {
        std::fs::write(folder.path().join("shop-sick.cases.yaml"), cases(runs)).unwrap();
        test_folder(&folder.path().join("shop-sick.yaml"), &Default::default(), |_| {}).await.unwrap().remove(0)
    };
    let right = report("shop-sick, shop-slow").await;
    assert_eq!((right.passed(), right.failed()), (1, 0), "{right:#?}");
    let wrong = report("shop-sick").await;
    assert_eq!(wrong.cases[0].wrong, ["expected runs of [shop-sick], and they were of [shop-sick, shop-slow]"]);
    let unknown = report("shop-sick, shop-slwo").await.error.unwrap();
    assert!(unknown.contains("the playbook does not hand over to `shop-slwo`"), "{unknown}");
}

/// What a time starts has no alert, and nobody asked for it.
#[tokio::test]
async fn a_case_may_be_begun_by_the_planned_time() {
    let folder = tempfile::tempdir().unwrap();
    let nightly = crate::runs::SHOP
        .replace("triggers:\n  - alert: ShopSlow", "triggers:\n  - schedule: { cron: \"0 4 * * *\", time_zone: UTC }")
        .replace("autonomy: auto", "autonomy: approve");
    assert!(nightly.contains("schedule"));
    std::fs::write(folder.path().join("shop-slow.yaml"), &nightly).unwrap();
    let cases = "apiVersion: dogwatch/v1
kind: Cases
playbook: shop-slow
objects:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: { namespace: shop, name: web }
    spec: { replicas: 4, selector: { matchLabels: { app: web } } }
prometheus: [{ query: shop_latency, answers: [0.4, 0.02] }]
cases:
  - name: a planned run asks before it scales, as nobody has asked for it
    planned: true
    during: [{ after: 1m, approve: ada }]
    expect: { outcome: fixed, changes: [scale deployment/web in shop 4 -> 6] }
";
    let says = async |cases: &str| {
        std::fs::write(folder.path().join("shop-slow.cases.yaml"), cases).unwrap();
        test_folder(&folder.path().join("shop-slow.yaml"), &Default::default(), |_| {}).await.unwrap().remove(0)
    };
    let report = says(cases).await;
    assert_eq!(report.passed(), 1, "{report:#?}");
    let both = says(&cases.replace("planned: true", "planned: true\n    set: { name: web }")).await.error.unwrap();
    assert!(both.contains("neither an alert nor anybody who gives `set`"), "{both}");
    std::fs::write(folder.path().join("shop-slow.yaml"), crate::runs::SHOP).unwrap();
    let unplanned = says(cases).await.error.unwrap();
    assert!(unplanned.contains("the playbook `shop-slow` is planned for no time"), "{unplanned}");
}

/// How a number ran decides, and is what people read.
#[tokio::test]
async fn a_case_says_how_a_series_ran() {
    let folder = tempfile::tempdir().unwrap();
    let filling = crate::runs::SHOP
        .replace(
            "prometheus.query: { expr: shop_latency_seconds }",
            "prometheus.range: { expr: shop_queue, full_at: 100 }",
        )
        .replace("done_if: p99.value < 0.1", "done_if: p99.growing <= 0.0")
        .replace("until: value < 0.1, fail_if: value > 5.0", "until: growing <= 0.0 && last < 50.0");
    let filling = filling.replace(
        "  - page: {",
        "  - page: { message: \"{{p99.summary}}\" }\n    when: p99.full_in < 3600.0\n  - page: {",
    );
    std::fs::write(folder.path().join("shop-slow.yaml"), &filling).unwrap();
    let cases = "apiVersion: dogwatch/v1
kind: Cases
playbook: shop-slow
objects:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: { namespace: shop, name: web }
    spec: { replicas: 4, selector: { matchLabels: { app: web } } }
cases:
  - name: a queue that grows is drained by more pods
    alert: { name: ShopSlow }
    prometheus: [{ query: shop_queue, answers: [{ points: [10, 70] }, { points: [90, 20] }] }]
    expect: { outcome: fixed, changes: [scale deployment/web in shop 4 -> 6] }
  - name: a queue that was long before and is drained already is no reason to scale
    alert: { name: ShopSlow }
    prometheus: [{ query: shop_queue, answers: [{ points: [90, 95, 20] }] }]
    expect: { outcome: nothing_to_do }
  - name: it is said how it ran where more pods do not help
    alert: { name: ShopSlow }
    prometheus: [{ query: shop_queue, answers: [{ points: [10, 70] }] }]
    expect:
      outcome: escalated
      changes: [scale deployment/web in shop 4 -> 6]
      pages: [shop]
      page_says: '10 -> 70 ▁▁▂▂▂▃▃▃▃▄▄▄▅▅▅▆▆▆▇▇▇▇██ (10 to 70), +60 an hour, in 30m at 100'
  - name: a queue that nobody tells of is nothing to decide by
    alert: { name: ShopSlow }
    prometheus: [{ query: shop_queue, answers: [null] }]
    expect: { outcome: escalated, because: has no samples, pages: [shop] }
";
    std::fs::write(folder.path().join("shop-slow.cases.yaml"), cases).unwrap();
    let report =
        test_folder(&folder.path().join("shop-slow.yaml"), &Default::default(), |_| {}).await.unwrap().remove(0);
    assert_eq!((report.passed(), report.failed()), (4, 0), "{report:#?}");
}

/// What else fires decides, and a case says what does.
#[tokio::test]
async fn a_case_says_what_else_fires() {
    let folder = tempfile::tempdir().unwrap();
    let looking = crate::runs::SHOP.replacen(
        "diagnose:\n",
        "diagnose:\n  - id: also\n    alertmanager.alerts: { matchers: [\"namespace={{target.metadata.namespace}}\"] }\n  \
         - escalate_if: \"'NodeNotReady' in also.names\"\n    because: \"{{also.summary}}\"\n    role: platform\n",
        1,
    );
    std::fs::write(folder.path().join("shop-slow.yaml"), &looking).unwrap();
    let cases = "apiVersion: dogwatch/v1
kind: Cases
playbook: shop-slow
objects:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: { namespace: shop, name: web }
    spec: { replicas: 4, selector: { matchLabels: { app: web } } }
prometheus: [{ query: shop_latency, answers: [0.4, 0.02] }]
cases:
  - name: a node that is away is the cause
    alert: { name: ShopSlow, labels: { namespace: shop } }
    alertmanager:
      - { name: NodeNotReady, labels: { namespace: shop, node: a }, ago: 20m }
      - { name: NodeSlow, labels: { namespace: shop }, silenced: true }
      - { name: NodeNotReady, labels: { namespace: bank } }
    expect:
      outcome: escalated
      because: '2 alerts fire for namespace=shop: NodeNotReady, ShopSlow; the newest since 2026-03-02T02:01:00Z'
      pages: [platform]
  - name: the shop is scaled where nothing else fires
    alert: { name: ShopSlow }
    alertmanager: []
    expect: { outcome: fixed, changes: [scale deployment/web in shop 4 -> 6] }
  - name: what nobody tells is not taken for nothing
    alert: { name: ShopSlow }
    alertmanager: [{ fails: no_answer }]
    expect: { outcome: escalated, because: alertmanager did not answer, pages: [shop] }
  - name: without an Alertmanager it is said what to write
    alert: { name: ShopSlow }
    expect: { outcome: escalated, because: set `alertmanager.url` in dogwatch.yaml, pages: [shop] }
";
    let says = async |cases: &str| {
        std::fs::write(folder.path().join("shop-slow.cases.yaml"), cases).unwrap();
        test_folder(&folder.path().join("shop-slow.yaml"), &Default::default(), |_| {}).await.unwrap().remove(0)
    };
    let report = says(cases).await;
    assert_eq!((report.passed(), report.failed()), (4, 0), "{report:#?}");
    let nameless = says(&cases.replace("[{ fails: no_answer }]", "[{ ago: 5m }]")).await.error.unwrap();
    assert!(nameless.contains("an alert needs a `name`"), "{nameless}");
    std::fs::write(folder.path().join("shop-slow.yaml"), crate::runs::SHOP).unwrap();
    let unasked = says(cases).await.error.unwrap();
    assert!(unasked.contains("no step of the playbook `shop-slow` asks what else fires"), "{unasked}");
}
