//! The queries of the shipped playbooks and the shipped alerts, on Prometheus's own evaluation of made-up series.

use std::path::Path;
use std::process::Command;

use dogwatch::action::Action;
use dogwatch::language::AnyArg;
use dogwatch::playbook::{Catalog, StepKind};
use serde_json::{Value, json};

use crate::world::folder::Folder;
use crate::world::programs;

const KUBE_DNS: &str = r#"namespace="kube-system",pod="coredns-a""#;

#[test]
fn the_shipped_alerts_fire_when_they_should() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus");
    promtool(&["check", "rules", "rules.yaml"], &folder);
    promtool(&["test", "rules", "rules.test.yaml"], &folder);
}

fn complete(value: &str) -> Value {
    series(r#"pgbackrest_stanza_backup_complete_bytes{stanza="db-17"}"#, value)
}

fn network(direction: &str, value: &str) -> Value {
    let labels = r#"namespace="databases",pod="backup-db-17-1-abcde",interface="eth0""#;
    series(&format!("container_network_{direction}_bytes_total{{{labels}}}"), value)
}

#[test]
fn a_backup_stands_still_when_no_byte_is_copied_and_none_moves() {
    let (copied, traffic) = (query("backup-timeout", "copied"), query("backup-timeout", "traffic"));
    assert_eq!(value_of(&copied, &[complete("0x10 1x10 2x10 3x10 4x10 5x10")]), Some(5.0));
    assert_eq!(value_of(&copied, &[complete("1x70")]), Some(0.0));
    let old_name = series(r#"pgbackrest_stanza_backup_compete_bytes{stanza="db-17"}"#, "1x40 2x30");
    assert_eq!(value_of(&copied, &[old_name]), Some(1.0));
    // Where no exporter tells, the traffic decides; where nobody measures that, nobody does.
    assert_eq!(value_of(&copied, &[series("up", "1x70")]), Some(-1.0));
    assert_eq!(value_of(&traffic, &[series("up", "1x70")]), None);
    assert_eq!(value_of(&traffic, &[network("transmit", "0+600x70"), network("receive", "0+60x70")]), Some(11.0));
    // A repository that is a volume in the pod receives nearly all of it.
    assert_eq!(
        value_of(&traffic, &[network("transmit", "0+600x70"), network("receive", "0+600000x70")]),
        Some(10_010.0)
    );
}

#[test]
fn how_a_backup_ended_is_told_when_its_pod_is_gone() {
    let at_end = query("backup-timeout", "at_end");
    // It was ended ten minutes ago, and the exporter goes on without it.
    let moved = [network("transmit", "0+60x50 stale _x20"), network("receive", "0+600000x50 stale _x20")];
    assert_eq!(value_of(&at_end, &moved), Some(10_001.0));
    let stood = [network("transmit", "0+600000x5 3000000x45 stale _x20"), network("receive", "0+60x50 stale _x20")];
    assert_eq!(value_of(&at_end, &stood), Some(1.0));
    let copied = [complete("0x45 1x5 0x20")];
    assert_eq!(value_of(&at_end, &[stood.to_vec(), copied.to_vec()].concat()), Some(4_097.0));
    assert_eq!(value_of(&at_end, &[complete("0x70")]), None);
}

#[test]
fn backups_that_are_late_are_counted() {
    let late = query("backup-timeout", "late");
    let alert = |job: &str, state: &str| {
        series(
            &format!(r#"ALERTS{{alertname="PgBackRestBackupTimeout",alertstate="{state}",job_name="{job}"}}"#),
            "1x70",
        )
    };
    assert_eq!(value_of(&late, &[series("up", "1x70")]), Some(0.0));
    assert_eq!(value_of(&late, &[alert("a", "firing"), alert("b", "firing"), alert("c", "pending")]), Some(2.0));
    // A failed Job fires for as long as it is kept: an old one says nothing of now.
    let failed = |job: &str, since: &str| {
        let labels = format!(r#"alertname="KubeJobFailed",job_name="{job}""#);
        let firing = series(&format!(r#"ALERTS{{{labels},alertstate="firing"}}"#), "1x70");
        [firing, series(&format!("ALERTS_FOR_STATE{{{labels}}}"), since)]
    };
    let failures = [failed("a-backup", "60x70"), failed("b-backup", "-50000x70"), failed("reindex", "60x70")].concat();
    assert_eq!(value_of(&late, &failures), Some(1.0));
}

#[test]
fn a_backup_that_never_started_is_told_from_one_that_stood_still() {
    let ran = query("backup-timeout", "ran");
    let memory = |container: &str| {
        let labels = format!(r#"namespace="databases",pod="backup-db-17-1-abcde",container="{container}""#);
        series(&format!("container_memory_working_set_bytes{{{labels}}}"), "1x45 stale _x20")
    };
    assert_eq!(value_of(&ran, &[memory("pgbackrest"), memory("POD")]), Some(1.0));
    assert_eq!(value_of(&ran, &[memory("POD"), memory("")]), Some(0.0), "its sandbox alone");
    assert_eq!(value_of(&ran, &[series("up", "1x70")]), Some(0.0));
}

#[test]
fn the_lock_is_known_by_either_name() {
    let lock = query("backup-timeout", "lock");
    assert_eq!(value_of(&lock, &[series(r#"pgbackrest_stanza_lock_status{stanza="db-17"}"#, "1x70")]), Some(1.0));
    assert_eq!(
        value_of(&lock, &[series(r#"pgbackrest_stanza_backup_lock_status{stanza="db-17"}"#, "0x70")]),
        Some(0.0)
    );
    assert_eq!(value_of(&lock, &[series(r#"pgbackrest_stanza_lock_status{stanza="db-18"}"#, "1x70")]), None);
}

#[test]
fn what_backups_failed_of_is_over_when_repository_and_archiver_say_so() {
    let [repository, archiving, archived] =
        ["repository", "archiving", "archived"].map(|id| query("backups-failed", id));
    let told = |instance: &str, stanza: &str, repo: u32, code: u32| {
        let labels = format!(r#"job="pgbackrest",instance="{instance}",repo_key="{repo}",stanza="{stanza}""#);
        series(&format!("pgbackrest_repo_status{{{labels}}}"), &format!("{code}x70"))
    };
    let status = |stanza: &str, repo: u32, code: u32| told("a", stanza, repo, code);
    // Code 2 is that there is no valid backup, which is what is to be mended.
    let others = status("db-18", 1, 3);
    assert_eq!(value_of(&repository, &[status("db-17", 1, 0), status("db-17", 2, 2), others.clone()]), Some(0.0));
    assert_eq!(value_of(&repository, &[status("db-17", 1, 0), status("db-17", 2, 99), others.clone()]), Some(1.0));
    assert_eq!(value_of(&repository, &[others]), None, "of another stanza");
    let both = [told("a", "db-17", 1, 0), told("staging", "db-17", 1, 0)];
    assert_eq!(value_of(&repository, &both), None, "two exporters tell of it, and nobody knows which one's it is");

    let of = |metric: &str, database: &str, pod: &str, values: &str| {
        let labels = format!(r#"namespace="databases",database="{database}",pod="{pod}",server="localhost:5432""#);
        series(&format!("pg_stat_archiver_{metric}{{{labels}}}"), values)
    };
    let failed = |values| of("failed_count", "db-17", "db-17-0", values);
    let replica = of("failed_count", "db-17", "db-17-1", "0x70");
    assert_eq!(value_of(&archiving, &[failed("0+1x30 30x40"), replica.clone()]), Some(0.0));
    assert!(value_of(&archiving, &[failed("0+1x70"), replica]).unwrap() > 10.0);
    assert_eq!(value_of(&archiving, &[of("failed_count", "db-18", "db-18-0", "0x70")]), None);
    // Who does not lead has archived nothing for long, or never.
    let ages = [
        of("last_archive_age", "db-17", "db-17-0", "120x70"),
        of("last_archive_age", "db-17", "db-17-1", "900000x70"),
        of("last_archive_age", "db-17", "db-17-2", &["NaN"; 71].join(" ")),
    ];
    assert_eq!(value_of(&archived, &ages), Some(120.0));
    assert_eq!(value_of(&archived, &ages[2..]), None, "it has never archived");
}

#[test]
fn a_database_is_due_when_the_first_of_its_backups_is() {
    let next = query("backups-failed", "next");
    let due = |instance: &str, cronjob: &str, values: &str| {
        let labels = format!(r#"namespace="databases",cronjob="{cronjob}",instance="{instance}""#);
        series(&format!("kube_cronjob_next_schedule_time{{{labels}}}"), values)
    };
    let incremental = due("a", "db-17-backup", "10800x70");
    let full = due("a", "db-17-backup-full", "7200x70");
    let another = due("a", "db-18-backup", "3700x70");
    assert_eq!(value_of(&next, &[incremental.clone(), full.clone(), another.clone()]), Some(3_600.0));
    let twice = due("b", "db-17-backup", "10800x70");
    assert_eq!(value_of(&next, &[incremental.clone(), twice, full]), Some(3_600.0), "two kube-state-metrics");
    assert_eq!(value_of(&next, &[incremental, another.clone()]), None, "of one of its backups nobody knows");
    assert_eq!(value_of(&next, &[another]), None);
}

#[test]
fn a_backup_is_confirmed_by_the_only_exporter_that_tells_of_its_stanza() {
    let [lock, seen] = ["lock", "seen"].map(|id| query("backups-failed", id));
    assert_eq!(value_of(&lock, &[series(r#"pgbackrest_stanza_lock_status{stanza="db-17"}"#, "1x70")]), Some(1.0));
    assert_eq!(
        value_of(&lock, &[series(r#"pgbackrest_stanza_backup_lock_status{stanza="db-17"}"#, "0x70")]),
        Some(0.0)
    );
    assert_eq!(value_of(&lock, &[series(r#"pgbackrest_stanza_lock_status{stanza="db-18"}"#, "1x70")]), None);

    let since = |instance: &str, stanza: &str, kind: &str, value: &str| {
        let labels = format!(r#"job="pgbackrest",instance="{instance}",stanza="{stanza}",backup_type="{kind}""#);
        series(&format!("pgbackrest_backup_since_last_completion_seconds{{{labels}}}"), value)
    };
    let kinds = [since("a", "db-17", "full", "90000x70"), since("a", "db-17", "incr", "60x70")];
    assert_eq!(value_of(&seen, &kinds), Some(60.0));
    let [full, _] = kinds;
    assert_eq!(value_of(&seen, &[full, since("staging", "db-17", "incr", "60x70")]), None);
    assert_eq!(value_of(&seen, &[since("a", "db-18", "incr", "60x70")]), None);
}

#[test]
fn coredns_that_is_slow_by_itself_is_told_from_one_that_waits() {
    let [p99, servfail, upstream, throttled] =
        ["p99", "servfail", "upstream", "throttled"].map(|id| query("coredns-saturated", id));
    let slow = |metric: &str| {
        [("0.1", "0x70"), ("1", "0+60x70"), ("+Inf", "0+60x70")]
            .map(|(le, values)| series(&format!("{metric}_bucket{{{KUBE_DNS},le=\"{le}\"}}"), values))
    };
    let answers =
        |rcode: &str| series(&format!("coredns_dns_responses_total{{{KUBE_DNS},rcode=\"{rcode}\"}}"), "0+30x70");
    let periods = |metric: &str, values| series(&format!("{metric}{{{KUBE_DNS},container=\"coredns\"}}"), values);

    let healthy = [answers("NOERROR")];
    assert_eq!(value_of(&servfail, &healthy), Some(0.0));
    assert_eq!(value_of(&upstream, &healthy), Some(-1.0), "who answers nothing is not fast");
    assert_eq!(value_of(&throttled, &healthy), Some(0.0));
    assert_eq!(value_of(&p99, &healthy), None, "no latency is no good latency");

    assert_eq!(value_of(&p99, &slow("coredns_dns_request_duration_seconds")), Some(0.991));
    assert_eq!(value_of(&upstream, &slow("coredns_proxy_request_duration_seconds")), Some(0.991));
    assert_eq!(value_of(&upstream, &slow("coredns_forward_request_duration_seconds")), Some(0.991));
    let idle = series(&format!("coredns_proxy_request_duration_seconds_bucket{{{KUBE_DNS},le=\"+Inf\"}}"), "5x70");
    assert_eq!(value_of(&upstream, &[idle]), Some(-1.0));
    assert_eq!(value_of(&servfail, &[answers("NOERROR"), answers("SERVFAIL")]), Some(0.5));
    // What max_concurrent refuses counts as well: a quarter of each.
    let refused = series(&format!("coredns_forward_max_concurrent_rejects_total{{{KUBE_DNS}}}"), "0+15x70");
    assert_eq!(value_of(&servfail, &[answers("NOERROR"), answers("SERVFAIL"), refused.clone()]), Some(0.75));
    assert_eq!(value_of(&servfail, &[answers("REFUSED"), refused]), Some(0.5));
    let held_back = [
        periods("container_cpu_cfs_throttled_periods_total", "0+300x70"),
        periods("container_cpu_cfs_periods_total", "0+600x70"),
    ];
    assert_eq!(value_of(&throttled, &held_back), Some(0.5));

    // NodeLocal DNSCache has metrics of the same names.
    let cache = series(
        r#"coredns_dns_responses_total{namespace="kube-system",pod="node-local-dns-a",rcode="NOERROR"}"#,
        "0+30x70",
    );
    assert_eq!(value_of(&servfail, &[cache]), None);
}

#[test]
fn a_pgbouncer_is_asked_in_the_words_of_either_exporter() {
    let [clients, at_work] = ["clients", "at_work"].map(|id| query("pgbouncer", id));
    let of = |metric: &str, values: &str| {
        series(&format!(r#"pgbouncer_{metric}{{namespace="databases",pod="data-db-17"}}"#), values)
    };
    let community = [of("used_clients", "30x70"), of("config_max_client_connections", "100x70")];
    assert_eq!(value_of(&clients, &community), Some(0.3));
    let spreaker = [
        of("pools_client_active_connections", "30x70"),
        of("pools_client_waiting_connections", "10x70"),
        of("config_max_client_conn", "100x70"),
    ];
    assert_eq!(value_of(&clients, &spreaker), Some(0.4));
    // The community's exporter has the pools as well: they are not added to it.
    assert_eq!(value_of(&clients, &[&community[..], &spreaker[..2]].concat()), Some(0.3));
    for [queries, transactions] in [
        ["stats_totals_queries_duration_seconds_total", "stats_totals_server_in_transaction_seconds_total"],
        ["stats_queries_duration_microseconds_total", "stats_transactions_duration_microseconds_total"],
    ] {
        assert_eq!(value_of(&at_work, &[of(queries, "0+15x70"), of(transactions, "0+60x70")]), Some(0.25));
    }
}

#[test]
fn a_dead_zone_shows_by_itself() {
    let of_zone = |zone: &str, per_minute: u32, fast: u32| {
        let labels = format!(r#"{KUBE_DNS},server="dns://:53",zone="{zone}""#);
        [("0.1", fast), ("8", per_minute), ("+Inf", per_minute)].map(|(le, pace)| {
            let name = format!("coredns_dns_request_duration_seconds_bucket{{{labels},le=\"{le}\"}}");
            series(&name, &format!("0+{pace}x70"))
        })
    };
    let all: Vec<Value> =
        [of_zone(".", 60_000, 60_000), of_zone("corp.", 60, 0), of_zone("idle.", 0, 0)].into_iter().flatten().collect();
    let p99 = value_of(&query("coredns-saturated", "p99"), &all).unwrap();
    assert!(p99 < 0.1, "{p99}");
    let labels = r#"{server="dns://:53", zone="corp."}"#;
    let worst = value_with(&query("coredns-saturated", "zone"), &all, labels).unwrap();
    assert!(worst > 7.0, "{worst}");
}

#[test]
fn resolvers_that_fail_their_health_checks_are_counted_under_each_name() {
    let unhealthy = query("coredns-saturated", "unhealthy");
    let fails = |metric: &str| series(&format!("coredns_{metric}_total{{{KUBE_DNS},to=\"10.0.0.2:53\"}}"), "0+120x70");
    assert_eq!(value_of(&unhealthy, &[series("up", "1x70")]), Some(0.0));
    for metric in ["proxy_healthcheck_failures", "forward_healthcheck_failures", "forward_healthcheck_broken"] {
        assert_eq!(value_of(&unhealthy, &[fails(metric)]), Some(2.0), "{metric}");
    }
    let both = [fails("proxy_healthcheck_failures"), fails("forward_healthcheck_broken")];
    assert_eq!(value_of(&unhealthy, &both), Some(4.0));
}

#[test]
fn databases_that_cannot_resolve_names_are_counted() {
    let probes = query("coredns-saturated", "probes");
    let of = |metric: &str, database: &str, instance: &str, value: &str| {
        let labels = format!(r#"namespace="databases",database="{database}",instance="{instance}""#);
        series(&format!(r#"{metric}{{job="postgres-name-resolution",{labels}}}"#), value)
    };
    assert_eq!(value_of(&probes, &[series("up", "1x70")]), Some(-1.0), "no probe is no probe that succeeds");
    let well = [of("probe_success", "db-1", "a", "1x70"), of("up", "db-1", "a", "1x70")];
    assert_eq!(value_of(&probes, &well), Some(0.0));
    let failing = [of("probe_success", "db-2", "a", "0x70"), of("up", "db-2", "a", "1x70")];
    assert_eq!(value_of(&probes, &[well.clone(), failing].concat()), Some(1.0));
    // As in the alert: one probe of a database that succeeds is enough.
    let half = [of("probe_success", "db-1", "b", "0x70"), of("up", "db-1", "b", "1x70")];
    assert_eq!(value_of(&probes, &[well.clone(), half].concat()), Some(0.0));
    // The exporter cannot be reached: it is found by name.
    let away = [of("up", "db-3", "a", "0x70")];
    assert_eq!(value_of(&probes, &[well.to_vec(), away.to_vec()].concat()), Some(1.0));
}

#[test]
fn a_volume_is_as_full_as_the_fuller_report_says() {
    let at = |node: &str| format!(r#"namespace="databases",persistentvolumeclaim="data-db-17",node="{node}""#);
    let stats = |metric: &str, node: &str, values| {
        series(&format!("kubelet_volume_stats_{metric}_bytes{{{}}}", at(node)), values)
    };
    // An eighth is kept back for root: it is not used, and not available.
    let reports = [
        stats("used", "n1", "0+60x70"),
        stats("available", "n1", "6300-60x70"),
        stats("capacity", "n1", "7200x70"),
        stats("used", "n2", "0x70"),
        stats("available", "n2", "6300x70"),
        stats("capacity", "n2", "7200x70"),
    ];
    assert_eq!(value_of(&query("pvc-filling", "used"), &reports), Some(0.625));
    assert_eq!(value_of(&query("pvc-filling", "pace"), &reports), Some(1.0));
}

#[test]
fn a_container_grows_in_the_pods_of_its_own_deployment_alone() {
    let used = |pod: &str, values: &str| {
        let labels = format!(r#"namespace="databases",container="web",pod="{pod}""#);
        series(&format!("container_memory_working_set_bytes{{{labels}}}"), values)
    };
    let growth = query("memory-limit", "growth");
    let pods = [used("web-5d6f7c8b9-x2x4k", "0+60x70"), used("web-5d6f7c8b9-bcdfg", "1000x70")];
    assert_eq!(value_of(&growth, &pods), Some(3_600.0));
    for other in ["web-backup-x2x4k", "web-0", "web-5d6f7c8b9", "shop-web-5d6f7c8b9-x2x4k"] {
        assert_eq!(value_of(&growth, &[used(other, "0+60x70")]), None, "{other}");
    }
}

#[test]
fn the_load_of_an_autoscaler_is_that_of_its_worst_metric() {
    let load = query("hpa-maxed", "load");
    let of = |what: &str, metric: &str, autoscaler: &str, instance: &str, value: &str| {
        let labels = format!(
            r#"namespace="databases",horizontalpodautoscaler="{autoscaler}",metric_name="{metric}",metric_target_type="utilization",instance="{instance}""#
        );
        series(&format!("kube_horizontalpodautoscaler_{what}_target_metric{{{labels}}}"), value)
    };
    let asked = [of("spec", "cpu", "web", "a", "80x70"), of("spec", "memory", "web", "a", "50x70")];
    let used = [of("status", "cpu", "web", "a", "60x70"), of("status", "memory", "web", "a", "75x70")];
    let both = [asked.to_vec(), used.to_vec()].concat();
    assert_eq!(value_of(&load, &both), Some(1.5));
    // Of two that watch the cluster, each tells of the same.
    let twice = [of("spec", "cpu", "web", "b", "80x70"), of("status", "cpu", "web", "b", "60x70")];
    assert_eq!(value_of(&load, &[both, twice.to_vec()].concat()), Some(1.5));
    assert_eq!(value_of(&load, &asked), None, "without a metric there is no load");
    let others = [of("spec", "cpu", "api", "a", "80x70"), of("status", "cpu", "api", "a", "160x70")];
    assert_eq!(value_of(&load, &others), None);
}

#[test]
fn the_connections_of_a_database_are_counted_as_if_a_quarter_more_pods_had_as_many() {
    let connections = query("hpa-maxed", "connections");
    let of = |name: &str, labels: &str, value: &str| {
        series(&format!(r#"{name}{{namespace="databases",database="db-17"{labels}}}"#), value)
    };
    let used = [
        of("pg_stat_activity_count", r#",state="active""#, "20x70"),
        of("pg_stat_activity_count", r#",state="idle""#, "44x70"),
    ];
    let most = [of("pg_settings_max_connections", "", "100x70")];
    assert_eq!(value_of(&connections, &[used.to_vec(), most.to_vec()].concat()), Some(0.8));
    assert_eq!(value_of(&connections, &used), None);
    assert_eq!(value_of(&connections, &most), None);
    // A replica has connections of its own, and takes none of the leader's.
    let of_pod = |pod: &str, used: &str| {
        let labels = format!(r#",pod="{pod}""#);
        [of("pg_stat_activity_count", &labels, used), of("pg_settings_max_connections", &labels, "100x70")]
    };
    let both = [of_pod("db-17-0", "60x70"), of_pod("db-17-1", "40x70")].concat();
    assert_eq!(value_of(&connections, &both), Some(0.75));
}

fn tsdb(metric: &str, values: &str) -> Value {
    series(&format!(r#"prometheus_tsdb_{metric}{{namespace="databases",pod="prometheus-k8s-0"}}"#), values)
}

#[test]
fn a_prometheus_that_does_not_clean_up_is_seen_by_whatever_fails() {
    let uncleaned = query("prometheus-disk", "uncleaned");
    let failing = ["compactions_failed", "checkpoint_creations_failed", "wal_truncations_failed", "wal_corruptions"];
    let with = |sick: &str| -> Vec<Value> {
        failing
            .iter()
            .map(|metric| tsdb(&format!("{metric}_total"), if *metric == sick { "0x30 1x40" } else { "0x70" }))
            .collect()
    };
    assert_eq!(value_of(&uncleaned, &with("none")), Some(0.0));
    for sick in failing {
        assert!(value_of(&uncleaned, &with(sick)).is_some_and(|failed| failed > 0.0), "{sick}");
    }
    // Half of it is no answer.
    assert_eq!(value_of(&uncleaned, &with("none")[1..]), None);
    let other =
        series(r#"prometheus_tsdb_compactions_failed_total{namespace="databases",pod="prometheus-k8s-1"}"#, "0+1x70");
    assert_eq!(value_of(&uncleaned, &[with("none"), vec![other]].concat()), Some(0.0));
}

#[test]
fn what_prometheus_will_keep_is_told_from_what_it_has() {
    let kept = query("prometheus-disk", "kept");
    // After an hour, of which it has all: 3,600 bytes; it may keep two.
    let has = [tsdb("storage_blocks_bytes", "3600x70"), tsdb("lowest_timestamp_seconds", "0x70")];
    let all = [has.to_vec(), vec![tsdb("retention_limit_seconds", "7200x70")]].concat();
    assert_eq!(value_of(&kept, &all), Some(7_200.0));
    assert_eq!(value_of(&kept, &has), None, "before 2.49");
    assert_eq!(value_of(&query("prometheus-disk", "size_limit"), &[tsdb("retention_limit_bytes", "5x70")]), Some(5.0));
    // Of yesterday there is nothing yet.
    assert_eq!(value_of(&query("prometheus-disk", "series"), &[tsdb("head_series", "508x70")]), None);
    assert_eq!(value_of(&query("prometheus-disk", "head"), &[tsdb("head_series", "508x70")]), Some(508.0));
}

#[test]
fn a_ca_that_says_for_the_first_time_that_it_is_asked_too_much_is_heard() {
    let limited = query("certificate-not-renewed", "limited");
    let answers = |status: &str, values: &str| {
        series(&format!(r#"certmanager_http_acme_client_request_count{{status="{status}",pod="a"}}"#), values)
    };
    let runs = || series("certmanager_controller_sync_call_count", "7x70");
    assert_eq!(value_of(&limited, &[runs(), answers("200", "0+1x70")]), Some(0.0));
    // It is there from the first such answer on, and does not increase.
    assert_eq!(value_of(&limited, &[runs(), answers("429", "_x30 3x40")]), Some(3.0));
    let newer = series(r#"certmanager_acme_client_request_count{status="429",pod="a"}"#, "_x30 2x40");
    assert_eq!(value_of(&limited, &[runs(), newer.clone()]), Some(2.0));
    assert_eq!(value_of(&limited, &[runs(), newer, answers("429", "_x30 2x40")]), Some(2.0), "by both names, once");
    assert_eq!(value_of(&limited, &[series("up", "1x70")]), None, "without cert-manager's metrics nobody knows");
}

/// The query of a step of a shipped playbook, with the names of one target put in.
fn query(playbook: &str, id: &str) -> String {
    let (catalog, problems) = Catalog::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks"));
    assert!(problems.is_empty(), "{problems:?}");
    let loaded = catalog.iter().find(|loaded| loaded.name == playbook).unwrap_or_else(|| panic!("no {playbook}"));
    let step = loaded.step_by_id(id).unwrap_or_else(|| panic!("{playbook} has no step {id}"));
    let StepKind::Action(Action::Read(read)) = &step.kind else { panic!("{id} reads nothing") };
    let args = read.args();
    let expr: &dyn AnyArg = args.iter().find(|(name, _)| *name == "expr").unwrap().1;
    let name = match playbook {
        "backup-timeout" => "backup-db-17-1",
        "coredns-saturated" => "coredns",
        "memory-limit" | "hpa-maxed" => "web",
        _ => "data-db-17",
    };
    let query = expr
        .text()
        .unwrap()
        .0
        .replace("{{cronjob.object.spec.jobTemplate.metadata.labels.database}}", "db-17")
        .replace("{{backup.database}}", "db-17")
        .replace("{{backup.due.[0]}}", "db-17-backup")
        .replace("{{backup.due.[1]}}", "db-17-backup-full")
        .replace("{{backup.due.[2]}}", "db-17-backup")
        .replace("{{backup.due.[3]}}", "db-17-backup-full")
        .replace("{{backup.schedules}}", "2")
        .replace("{{backup.metadata.namespace}}", "databases")
        .replace("{{inputs.container}}", "web")
        .replace("{{database}}", "db-17")
        .replace("{{owner.pod}}", "prometheus-k8s-0")
        .replace("{{target.metadata.namespace}}", "databases")
        .replace("{{target.metadata.name}}", name);
    assert!(!query.contains("{{"), "{query}");
    query
}

fn series(name: &str, values: &str) -> Value {
    json!({ "series": name, "values": values })
}

/// What the query answers after an hour of these series, one sample a minute: exactly one sample without labels, or none.
fn value_of(query: &str, series: &[Value]) -> Option<f64> {
    value_with(query, series, "{}")
}

/// The same, where the sample has these labels.
fn value_with(query: &str, series: &[Value], labels: &str) -> Option<f64> {
    let folder = Folder::new("promtool");
    let asked = |samples: Value| {
        let test = json!({
            "evaluation_interval": "1m",
            "tests": [{
                "interval": "1m",
                "input_series": series,
                "promql_expr_test": [{ "expr": query, "eval_time": "60m", "exp_samples": samples }],
            }],
        });
        folder.write("test.yml", test.to_string());
        run(&["test", "rules", "test.yml"], folder.path())
    };
    let (is_empty, answer) = asked(json!([]));
    if is_empty {
        return None;
    }
    // promtool says what it got instead of nothing: `got:[{} 0.5E+00]`, or `got: nil`.
    let got = answer.split("got:").nth(1).unwrap_or_else(|| panic!("{query}: {answer}"));
    let (_, got) = got.split_once('}').unwrap_or_else(|| panic!("{query}: {answer}"));
    let number = got.trim_start().split(|c: char| c == ']' || c.is_whitespace() || c == '"').next();
    let value: f64 = number.unwrap().parse().unwrap_or_else(|_| panic!("{query}: {answer}"));
    let (holds, answer) = asked(json!([{ "labels": labels, "value": value }]));
    assert!(holds, "{query}: {answer}");
    Some(value)
}

fn promtool(args: &[&str], folder: &Path) {
    let (succeeded, answer) = run(args, folder);
    assert!(succeeded, "promtool {args:?}: {answer}");
}

fn run(args: &[&str], folder: &Path) -> (bool, String) {
    let output = Command::new(programs::installed("promtool")).args(args).current_dir(folder).output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.success(), said.concat())
}
