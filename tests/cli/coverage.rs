//! `dogwatch coverage`: what of a site's own alerts has a playbook.

use std::fs;
use std::path::Path;

use axum::Router;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::files::PLAYBOOK;
use super::*;

/// A playbook of that name with these triggers.
fn playbook(name: &str, triggers: &str) -> String {
    PLAYBOOK.replace("name: look", &format!("name: {name}")).replace("  - alert: SomethingOdd\n", triggers)
}

/// A site with playbooks in folders.
fn site() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("playbooks/disk.yaml", &playbook("disk", "  - alert: DiskFull\n"));
    let database = "  - { alert: SlowQueries, where: alert.labels.team == 'db' }\n  - alert: ReplicaLagging\n    where: alert.labels.namespace == 'db'\n";
    write("playbooks/db/database.yaml", &playbook("database", database));
    write("playbooks/db/unused.yaml", &playbook("unused", "  - alert: NobodyHasThis\n"));
    let planned =
        playbook("planned", "").replace("triggers:\n", "triggers: [{ schedule: { at: '03:00', time_zone: UTC } }]\n");
    write("playbooks/db/planned.yaml", &planned);
    write("rules/node.yaml", FILE);
    write("rules/deep/database.yaml", OBJECT);
    write("rules/deep/map.yml", MAP);
    write("rules/deployment.yaml", "kind: Deployment\nspec: { replicas: 2 }\n");
    write("rules/notes.txt", "groups: {");
    dir
}

const FILE: &str = "\
groups:
  - name: node
    rules:
      - record: job:up:sum
        expr: sum(up)
      - { alert: DiskFull, expr: up == 0, labels: { severity: critical } }
      - { alert: DiskFull, expr: up == 1, labels: { severity: critical } }
      - alert: disk_full
        expr: up
      - { alert: ClockSkew, expr: up, labels: { severity: critical } }
";

const OBJECT: &str = "\
apiVersion: v1
kind: List
items:
  - apiVersion: monitoring.coreos.com/v1
    kind: PrometheusRule
    metadata: { name: database }
    spec:
      groups:
        - name: database
          rules:
            - { alert: SlowQueries, expr: up, labels: { team: db } }
            - { alert: SlowQueries, expr: up, labels: { team: web } }
            - { alert: SlowQueries, expr: up, labels: { team: '{{ $labels.team }}' } }
            - { alert: ReplicaLagging, expr: up }
";

const MAP: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: { name: rules }
data:
  alerts.yaml: |
    groups:
      - name: mapped
        rules:
          - alert: NobodyHasThat
            expr: up
  notes: nothing of that
";

fn coverage(dir: &Path, args: &[&str]) -> Said {
    dogwatch(dir, &[&["coverage"], args].concat(), &[])
}

fn json_of(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {} {}", said.out, said.err))
}

#[test]
fn rules_of_all_forms_are_told_with_who_answers_them() {
    let dir = site();
    let said = coverage(dir.path(), &["--rules", "rules"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    insta::assert_snapshot!(said.out);
    let told = json_of(&coverage(dir.path(), &["--rules", "rules", "--format", "json"]));
    let totals = &told["totals"];
    assert_eq!(
        [&totals["rules"], &totals["covered"], &totals["maybe"], &totals["none"], &totals["percent"]],
        [9, 3, 2, 4, 33].each_ref(),
        "{totals}"
    );
    let rule = told["rules"].as_array().unwrap().iter().find(|rule| rule["alert"] == "NobodyHasThat").unwrap();
    assert_eq!((rule["source"].as_str(), rule["line"].as_u64()), (Some("rules/deep/map.yml"), Some(9)));
    assert_eq!(rule["meant"]["playbooks"], json!(["unused"]));
}

#[test]
fn a_build_fails_where_too_few_have_one() {
    let dir = site();
    for (least, code) in [("33%", 0), ("33", 0), ("34%", 1), ("100%", 1)] {
        let said = coverage(dir.path(), &["--rules", "rules", "--fail-under", least]);
        assert_eq!((said.code, said.err.contains("33 % of the rules")), (code, code == 1), "{least}: {}", said.err);
    }
    assert_eq!(coverage(dir.path(), &["--rules", "rules", "--fail-under", "101%"]).code, 2);
}

#[test]
fn a_broken_file_is_told_with_its_place_and_keeps_no_other_one_from_being_read() {
    let dir = site();
    let write = |name: &str, text: &str| fs::write(dir.path().join("rules").join(name), text).unwrap();
    write("broken.yaml", "groups:\n  - name: x\n    rules: [\n");
    write("half.yaml", "groups:\n  - name: y\n    rules:\n      - expr: up\n      - { alert: Whole, expr: up }\n");
    write("chart.yaml", "groups:\n{{- range .Values.groups }}\n  - x\n{{- end }}\n");
    // A folder may hold anything.
    std::os::unix::fs::symlink("/etc/hostname", dir.path().join("rules/link.yaml")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(dir.path().join("rules/pipe.yaml")).status().unwrap().success());
    let huge = fs::File::create(dir.path().join("rules/huge.yaml")).unwrap();
    huge.set_len(17 * 1024 * 1024).unwrap();
    let bomb: String = (1..9).map(|n| format!("a{n}: &a{n} [{}]\n", format!("*a{},", n - 1).repeat(40))).collect();
    write("bomb.yaml", &format!("a0: &a0 [x]\n{bomb}groups: []\n"));
    let said = coverage(dir.path(), &["--rules", "rules"]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.out.starts_with("10 alert rules: 3 have a playbook"), "{}", said.out);
    for told in [
        "--> rules/broken.yaml:",
        "rule 1 of the group `y` has neither `alert` nor `record`",
        "--> rules/half.yaml:2:11",
        "--> rules/chart.yaml:",
        "helm template",
        "it is larger than 16 MiB",
        "it is a link that leads out of its folder",
        "it is a pipe",
        "--> rules/huge.yaml",
        "error[too-complex]",
        "--> rules/bomb.yaml",
    ] {
        assert!(said.err.contains(told), "{told}: {}", said.err);
    }
    let told = json_of(&coverage(dir.path(), &["--rules", "rules", "--format", "json"]));
    assert_eq!(told["diagnostics"].as_array().map(Vec::len), Some(7), "{told}");
}

#[test]
fn what_is_decided_by_nobody_is_told_and_counts_as_none() {
    let dir = site();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    // Two that each answer it by their `where`: none of them runs.
    let both = "  - { alert: DiskFull, where: alert.labels.severity == 'critical' }\n";
    write("playbooks/one.yaml", &playbook("one", both));
    write("playbooks/other.yaml", &playbook("other", both));
    let told = json_of(&coverage(dir.path(), &["--rules", "rules/node.yaml", "--format", "json"]));
    let full: Vec<_> = told["rules"].as_array().unwrap().iter().filter(|rule| rule["alert"] == "DiskFull").collect();
    assert!(full.len() == 2 && full.iter().all(|rule| rule["state"] == "undecided"), "{told}");
    assert_eq!((&told["totals"]["covered"], &told["totals"]["none"]), (&json!(0), &json!(4)));
    let said = coverage(dir.path(), &["--rules", "rules/node.yaml"]);
    assert!(
        said.out.contains("so that none of them runs (2):\n  critical  DiskFull (2)  rules/node.yaml:6: one, other\n"),
        "{}",
        said.out
    );
    assert!(said.out.contains("  disk      others answer DiskFull, or"), "{}", said.out);
    assert!(said.out.contains("  one       others answer DiskFull alike"), "{}", said.out);
}

#[test]
fn what_the_bot_itself_sees_starts_a_playbook_where_it_is_to_look() {
    let dir = site();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write("playbooks/pulled.yaml", &playbook("pulled", "  - alert: DogwatchImagePullBackOff\n"));
    let of = |args: &[&str]| {
        let told = json_of(&coverage(dir.path(), &[&["--rules", "rules", "--format", "json"], args].concat()));
        let found = told["playbooks"].as_array().unwrap().iter().find(|it| it["name"] == "pulled").cloned();
        let found = found.unwrap_or_else(|| panic!("{told}"));
        (found["starts"].clone(), found["sighted"].clone())
    };
    assert_eq!(of(&[]), (json!(true), json!(true)), "it may be set up");
    let config = "oncall: { default_team: platform }\n";
    write("dogwatch.yaml", config);
    assert_eq!(of(&["--config", "dogwatch.yaml"]), (json!(false), json!(false)));
    write("dogwatch.yaml", &format!("{config}sources: [{{ name: cluster, kind: cluster }}]\n"));
    assert_eq!(of(&["--config", "dogwatch.yaml"]), (json!(true), json!(true)));
}

#[test]
fn what_holds_no_rules_is_told_where_it_was_named() {
    let dir = site();
    let said = coverage(dir.path(), &["--rules", "rules/deployment.yaml", "--rules", "rules/node.yaml"]);
    assert!(said.code == 1 && said.err.contains("error[wrong-document]: it holds no rules"), "{}", said.err);
    assert!(said.out.starts_with("4 alert rules: "), "{}", said.out);
    for (args, code, told) in [
        (&["--rules", "rules/deployment.yaml"][..], 1, "no alert rule was found"),
        (&["--rules", "nowhere"], 1, "error[unreadable]"),
        (&[], 2, "--rules"),
        (&["nowhere", "--rules", "rules"], 2, "`--shipped`"),
        (&["--prometheus"], 2, "name a URL"),
        (&["--prometheus", "playbooks"], 1, "is no URL of a Prometheus"),
    ] {
        let said = coverage(dir.path(), args);
        assert!(said.code == code && said.err.contains(told), "{args:?}: {} {}", said.code, said.err);
    }
}

/// But for those about Dogwatch itself, which go by another way than through it.
#[test]
fn each_alert_of_the_shipped_rules_has_a_shipped_playbook() {
    let said = coverage(root(), &["--shipped", "--rules", "deploy/prometheus/rules.yaml", "--format", "json"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    let told = json_of(&said);
    let rules = told["rules"].as_array().unwrap();
    // Which namespace an alert is about, its labels say only when it fires.
    let uncovered = rules.iter().filter(|rule| rule["state"] != "covered" && rule["state"] != "maybe");
    let uncovered: Vec<&str> = uncovered.map(|rule| rule["group"].as_str().unwrap()).collect();
    assert!(rules.len() > 12 && uncovered == ["dogwatch"; 3], "{uncovered:?} of {}", rules.len());
    // What is started otherwise is not told as idle.
    let of = |name: &str| told["playbooks"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap();
    assert_eq!((&of("helm-failed")["sighted"], &of("helm-failed")["starts"]), (&json!(true), &json!(true)));
    assert_eq!(
        (&of("pod-crashloop")["starts"], &of("pod-crashloop")["no_rule_because"]),
        (&json!(false), &json!("no_rule"))
    );
}

/// What a page links is there: the page of the playbook that answers the alert, or what is to be
/// done about Dogwatch.
#[test]
fn each_shipped_rule_links_what_is_to_be_done() {
    let told =
        json_of(&coverage(root(), &["--shipped", "--rules", "deploy/prometheus/rules.yaml", "--format", "json"]));
    let answers = |alert: &str| {
        let rule = told["rules"].as_array().unwrap().iter().find(|rule| rule["alert"] == alert).unwrap();
        let playbook = rule["playbooks"].as_array().unwrap().first();
        playbook.map_or("operations".to_owned(), |it| format!("playbooks/{}", it.as_str().unwrap()))
    };
    let rules = fs::read_to_string(root().join("deploy/prometheus/rules.yaml")).unwrap();
    let mut seen = 0;
    for rule in rules.split("- alert: ").skip(1) {
        let alert = rule.lines().next().unwrap();
        let link =
            rule.lines().find_map(|line| line.trim().strip_prefix("runbook_url: https://runbooks.example.com/docs/"));
        let page = format!("{}.md", answers(alert));
        assert_eq!(link, Some(page.as_str()), "{alert}");
        assert!(root().join("docs").join(&page).is_file(), "{page}");
        seen += 1;
    }
    assert_eq!(seen, told["rules"].as_array().unwrap().len());
}

/// Answers for rules, and that it has no series of `absent`. It ends with the test.
fn prometheus(rules: Value) -> (Runtime, String) {
    let runtime = Runtime::new().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = move |RawQuery(query): RawQuery| {
        let is_alerts = query.unwrap_or_default().contains("type=alert");
        let body =
            json!({ "status": "success", "data": { "groups": [{ "name": "g", "file": "/r.yaml", "rules": rules }] } });
        async move { if is_alerts { Ok(body.to_string()) } else { Err(StatusCode::BAD_REQUEST) } }
    };
    let queried = |form: String| async move {
        let at: f64 = form.split("time=").nth(1).unwrap().split('&').next().unwrap().parse().unwrap();
        let there = json!([{ "metric": {}, "value": [at, "3"] }]);
        let result = if form.contains("absent") { json!([]) } else { there };
        json!({ "status": "success", "data": { "resultType": "vector", "result": result } }).to_string()
    };
    let router = Router::new().route("/api/v1/rules", get(asked)).route("/api/v1/query", post(queried));
    runtime.spawn(async move { axum::serve(listener, router).await });
    (runtime, url)
}

#[test]
fn a_prometheus_tells_its_rules_and_which_series_it_has_not() {
    let dir = site();
    let asks = playbook("asks", "  - alert: Loaded\n").replace(
        "diagnose:\n",
        "diagnose:\n  - id: load\n    prometheus.query: { expr: 'sum(absent_total) / sum(there_total)' }\n  - done_if: load.value < 1\n    because: it is idle\n",
    );
    fs::write(dir.path().join("playbooks/asks.yaml"), asks).unwrap();
    let rules = json!([
        { "type": "alerting", "name": "Loaded", "labels": { "severity": "page" } },
        { "type": "alerting", "name": "SlowQueries", "labels": { "team": "web" } },
        { "type": "recording", "name": "job:x" },
    ]);
    let (_runtime, url) = prometheus(rules);
    let said = coverage(dir.path(), &["--prometheus", &url]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    assert!(said.out.starts_with("2 alert rules: 1 has a playbook, 0 may have one, 1 has none (50 %)"), "{}", said.out);
    assert!(said.out.contains("  asks  absent_total\n"), "{}", said.out);
    let config = format!("oncall: {{ default_team: platform }}\nprometheus: {{ url: '{url}' }}\n");
    fs::write(dir.path().join("dogwatch.yaml"), config).unwrap();
    let told = json_of(&coverage(dir.path(), &["--config", "dogwatch.yaml", "--prometheus", "--format", "json"]));
    let asks = told["playbooks"].as_array().unwrap().iter().find(|it| it["name"] == "asks").unwrap();
    assert_eq!(asks["missing_series"], json!(["absent_total"]));
    // One that is away keeps nobody from what files say.
    let args = ["--prometheus", "http://127.0.0.1:1", "--rules", "rules/node.yaml"];
    let said = coverage(dir.path(), &args);
    assert!(said.code == 1 && said.err.contains("prometheus did not tell its rules"), "{}", said.err);
    assert!(said.out.starts_with("4 alert rules: "), "{}", said.out);
}
