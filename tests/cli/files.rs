//! What works on files alone: check, rbac, oncall, handoff.

use std::fs;

use dogwatch::clock::{Clock as _, SystemClock};
use dogwatch::model::Severity;
use dogwatch::store::Sinks;

use super::story::{Place as _, SqlitePlace, Story};
use super::*;

pub const PLAYBOOK: &str = r#"apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: look, version: 1.0.0, owner: platform }
summary: somebody looks
severity: S2
autonomy: observe
triggers:
  - alert: SomethingOdd
target: { kind: Deployment, namespace: kube-system, name: coredns }
diagnose:
  - require: target.status.readyReplicas == target.spec.replicas
    because: pods are missing
escalate:
  - page: { message: "somebody must look" }
"#;

pub const ONCALL: &str = "apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada, email: ada@example.org }, { name: bob, email: bob@example.org }]
teams:
  - name: platform
    rotation: { time_zone: Europe/Paris, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [ada, bob] }
";

/// A folder with a playbook, rotations and a configuration.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("playbooks")).unwrap();
    fs::write(dir.path().join("playbooks/look.yaml"), PLAYBOOK).unwrap();
    fs::write(dir.path().join("oncall.yaml"), ONCALL).unwrap();
    fs::write(dir.path().join("dogwatch.yaml"), "").unwrap();
    dir
}

#[test]
fn check_finds_nothing_in_what_is_right() {
    let dir = folder();
    for args in [&["check"][..], &["check", "playbooks"], &["check", "playbooks/look.yaml"]] {
        let said = dogwatch(dir.path(), args, &[]);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{args:?}: {}", said.out);
        assert_eq!(said.out.lines().last(), Some("1 playbook without errors; 0 errors, 0 warnings"), "{args:?}");
    }
    let said = dogwatch(dir.path(), &["check", "--config", "dogwatch.yaml"], &[]);
    assert_eq!(said.code, 0, "{}", said.out);
    assert!(said.out.contains("webhooks are accepted from everybody on this machine"), "{}", said.out);
}

#[test]
fn check_shows_each_mistake_and_ends_with_1() {
    let dir = folder();
    let wrong = PLAYBOOK.replace("severity: S2", "severty: S2");
    fs::write(dir.path().join("playbooks/wrong.yaml"), wrong).unwrap();
    let said = dogwatch(dir.path(), &["check"], &[]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("playbooks/wrong.yaml:5:1"), "{}", said.out);
    assert!(said.out.contains("severity"), "{}", said.out);
    assert!(said.out.ends_with("1 playbook without errors; 2 errors, 0 warnings\n"), "{}", said.out);
    assert!(!said.out.contains('\u{1b}'), "no colours in a pipe");
    let coloured = dogwatch(dir.path(), &["--color", "always", "check"], &[]);
    assert!(coloured.out.contains('\u{1b}'));
    let elsewhere = dogwatch(dir.path(), &["check", "nowhere"], &[]);
    assert_eq!(elsewhere.code, 2, "{}", elsewhere.err);
    fs::write(dir.path().join("look.cases.yaml"), "cases: []\n").unwrap();
    fs::write(dir.path().join("picture.yaml"), [0x89, 0xff, 0x00]).unwrap();
    for (other, hint) in [("look.cases.yaml", "`dogwatch test` reads them"), ("picture.yaml", "is no text")] {
        let said = dogwatch(dir.path(), &["check", other], &[]);
        assert_eq!(said.code, 2);
        assert!(said.err.contains(hint), "{}", said.err);
    }
}

#[test]
fn check_holds_the_files_against_each_other() {
    let dir = folder();
    fs::write(
        dir.path().join("playbooks/look.yaml"),
        PLAYBOOK.replace("owner: platform", "owner: platfrom").replace("page: { ", "page: { team: storage, "),
    )
    .unwrap();
    fs::write(dir.path().join("dogwatch.yaml"), "oncall: { default_team: nobody }\nhandoff: { template: own.hbs }\n")
        .unwrap();
    fs::write(dir.path().join("own.hbs"), "{{#each").unwrap();
    let said = dogwatch(dir.path(), &["check", "--config", "dogwatch.yaml"], &[]);
    assert_eq!(said.code, 1);
    for hint in [
        "owner of look: no team is called `platfrom`",
        "paged by look: no team is called `storage`",
        "`oncall.default_team`",
        "own.hbs does not parse",
        "4 errors",
    ] {
        assert!(said.out.contains(hint), "{hint}: {}", said.out);
    }
}

#[test]
fn check_refuses_a_query_that_cannot_be_held_to_one_cluster() {
    let dir = folder();
    let query = "diagnose:\n  - prometheus.query: { expr: 'rate(requests[5m]) keep_metric_names' }\n    id: rate";
    fs::write(dir.path().join("playbooks/look.yaml"), PLAYBOOK.replace("diagnose:", query)).unwrap();
    let config = |matchers: &str| format!("prometheus: {{ url: 'http://prometheus', match: {matchers} }}\n");
    fs::write(dir.path().join("dogwatch.yaml"), config("{}")).unwrap();
    let said = dogwatch(dir.path(), &["check", "--config", "dogwatch.yaml"], &[]);
    assert_eq!(said.code, 0, "{}", said.out);
    fs::write(dir.path().join("dogwatch.yaml"), config("{ cluster: eu-1 }")).unwrap();
    let said = dogwatch(dir.path(), &["check", "--config", "dogwatch.yaml"], &[]);
    assert_eq!(said.code, 1, "{}", said.out);
    for hint in [
        "look.yaml:11:",
        "`prometheus.match` cannot be added to it: `keep_metric_names` is a word of MetricsQL",
        "0 playbooks",
    ] {
        assert!(said.out.contains(hint), "{hint}: {}", said.out);
    }
}

/// It loads all the same: whoever runs the bot says who may be asked, and not who writes playbooks.
#[test]
fn check_warns_of_whom_the_configuration_does_not_name() {
    let dir = folder();
    let check = |more: &str, hosts: &str| {
        let url = "http://front.web.svc:8080/health/{{target.metadata.name}}";
        let step = format!("diagnose:\n  - id: health\n    http.request: {{ url: '{url}' }}{more}");
        fs::write(dir.path().join("playbooks/look.yaml"), PLAYBOOK.replace("diagnose:", &step)).unwrap();
        fs::write(dir.path().join("dogwatch.yaml"), format!("http: {{ hosts: [{hosts}] }}\n")).unwrap();
        let said = dogwatch(dir.path(), &["check", "--config", "dogwatch.yaml"], &[]);
        assert_eq!(said.code, 0, "{}", said.out);
        said.out
    };
    let (without, other) = ("\n    on_error: go_on", "{ url: http://other.web.svc:8080 }");
    let fails = "warning[host-not-allowed]: `http.hosts` of the configuration does not name http://front.web.svc:8080, so that this step fails";
    let said = check("", "");
    for hint in [fails, "look.yaml:12:", "http: { hosts: [{ url: \"http://front.web.svc:8080\" }] }", "1 playbook"] {
        assert!(said.contains(hint), "{hint}: {said}");
    }
    assert!(check("", other).contains(fails));
    assert!(check(without, other).contains("so that this step goes on without an answer"));
    // Where nobody is named, who can do without is as it is meant to be.
    for (more, hosts) in [(without, ""), ("", "{ url: http://front.web.svc:8080 }")] {
        let said = check(more, hosts);
        assert!(!said.contains("host-not-allowed"), "{said}");
    }
}

#[test]
fn check_warns_of_hosts_that_the_configuration_does_not_cover() {
    let dir = folder();
    let check = |step: &str, network: &str| {
        let step = format!("diagnose:\n  - id: look\n    {step}");
        fs::write(dir.path().join("playbooks/look.yaml"), PLAYBOOK.replace("diagnose:", &step)).unwrap();
        fs::write(dir.path().join("dogwatch.yaml"), network).unwrap();
        dogwatch(dir.path(), &["check", "--config", "dogwatch.yaml"], &[])
    };
    let step = "tls.inspect: { host: shop.example.com }";
    let said = check(step, "");
    for hint in [
        "warning[host-not-allowed]: `network.hosts` of the configuration does not cover shop.example.com, so that this step fails",
        "look.yaml:12:",
        "network: { hosts: [\"shop.example.com\"] }",
    ] {
        assert!(said.out.contains(hint), "{hint}: {}", said.out);
    }
    for (step, network) in [
        (step, "network: { hosts: ['*.example.com'] }\n"),
        ("tcp.connect: { host: db.shop.svc, port: 5432 }", ""),
        ("dns.lookup: { name: shop.example.com }", ""),
        ("dns.lookup: { name: a.test, server: 'dns.example.com:5353' }", "network: { hosts: [dns.example.com] }\n"),
    ] {
        let said = check(step, network);
        assert!(said.code == 0 && !said.out.contains("host-not-allowed"), "{}", said.out);
    }
    for (hosts, told) in [
        ("'*'", "`*` is no host; write a name such as `db.example.com`, `*.example.com`, or `10.42.0.0/16`"),
        ("169.254.169.254", "which is never looked at"),
    ] {
        let said = check(step, &format!("network: {{ hosts: [{hosts}] }}\n"));
        let all = format!("{}{}", said.out, said.err);
        assert!(
            said.code != 0 && all.contains("dogwatch.yaml:1:") && all.contains(told.split("; ").next().unwrap()),
            "{all}"
        );
    }
}

/// A playbook that looks at the network, and its cases.
const LOOKS: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: look, version: 1.0.0, owner: platform }
summary: The database cannot be reached
severity: S3
autonomy: observe
page_by: 10m
triggers: [{ alert: Unreachable }]
target: { kind: Deployment, namespace: shop, name: front }
diagnose:
  - id: name
    dns.lookup: { name: "db.{{target.metadata.namespace}}.svc.cluster.local" }
  - escalate_if: "!name.answered || name.code != 'NOERROR'"
    because: the name of the database leads nowhere
  - id: port
    tcp.connect: { host: db.shop.svc, port: 5432 }
  - escalate_if: "!port.open"
    because: nobody listens
  - id: shown
    tls.inspect: { host: db.shop.svc, port: 5432, starttls: postgres }
  - escalate_if: shown.days_left < 1.0
    because: "its certificate ends: {{shown.summary}}"
  - done_if: "true"
    because: it can be reached
escalate:
  - page: { team: platform, message: "{{because}}" }
"#;

const CASES: &str = r#"
apiVersion: dogwatch/v1
kind: Cases
playbook: look
objects:
  - { apiVersion: apps/v1, kind: Deployment, metadata: { name: front, namespace: shop }, spec: { replicas: 1 } }
network:
  - { asked: dns A db.shop.svc, answers: [{ code: NOERROR, records: [10.0.0.1] }] }
  - { asked: "tcp db.shop.svc:5432", answers: [{ open: true }] }
  - { asked: "tls db.shop.svc:5432", answers: [{ certificate: { days_left: 40 } }] }
cases:
  - name: it can be reached
    alert: { name: Unreachable }
    expect: { outcome: nothing_to_do }
  - name: its name leads nowhere
    alert: { name: Unreachable }
    network: [{ asked: dns A db.shop.svc, answers: [{ code: NXDOMAIN }] }]
    expect: { outcome: escalated, because: the name of the database leads nowhere, pages: [platform] }
  - name: no name server answers
    alert: { name: Unreachable }
    network: [{ asked: dns A db.shop.svc, answers: [{ fails: no_answer }] }]
    expect: { outcome: escalated, because: the name of the database leads nowhere, pages: [platform] }
  - name: nobody listens
    alert: { name: Unreachable }
    network: [{ asked: "tcp db.shop.svc:5432", answers: [{ fails: refused }] }]
    expect: { outcome: escalated, because: nobody listens, pages: [platform] }
  - name: the certificate ends
    alert: { name: Unreachable }
    network: [{ asked: "tls db.shop.svc:5432", answers: [{ certificate: { days_left: 0.5 } }] }]
    expect: { outcome: escalated, because: its certificate ends, pages: [platform] }
"#;

#[test]
fn cases_say_what_the_network_looks_like() {
    let dir = folder();
    fs::remove_file(dir.path().join("playbooks/look.yaml")).ok();
    fs::write(dir.path().join("playbooks/look.yaml"), LOOKS).unwrap();
    let test = |cases: &str| {
        fs::write(dir.path().join("playbooks/look.cases.yaml"), cases).unwrap();
        let said = dogwatch(dir.path(), &["test", "playbooks"], &[]);
        (said.code, format!("{}{}", said.out, said.err))
    };
    let (code, said) = test(CASES);
    assert!(code == 0 && said.contains("5 passed, 0 failed"), "{said}");
    for (from, to, told) in [
        ("[{ open: true }]", "[{ code: NOERROR }]", "`code` is no answer to `tcp.connect`"),
        ("[{ open: true }]", "[{}]", "an answer says nothing"),
        ("[{ open: true }]", "[{ open: true, fails: refused }]", "an answer is `open` or `fails`, and not both"),
        ("[{ open: true }]", "[{ open: true, records: [a] }]", "`records` belongs to an answer of a name server"),
    ] {
        let (code, said) = test(&CASES.replacen(from, to, 1));
        assert!(code != 0 && said.contains(told) && said.contains("look.cases.yaml:9"), "{told}: {said}");
    }
    fs::write(dir.path().join("playbooks/look.yaml"), PLAYBOOK).unwrap();
    let (code, said) = test(CASES);
    assert!(code != 0 && said.contains("asks `dns A db.shop.svc`"), "{said}");
}

#[test]
fn what_only_victoriametrics_takes_is_a_mistake_only_where_prometheus_answers() {
    let dir = folder();
    let query = |expr: &str| format!("diagnose:\n  - prometheus.query: {{ expr: '{expr}' }}\n    id: rate");
    let check = |expr: &str, dialect: &str| {
        fs::write(dir.path().join("playbooks/look.yaml"), PLAYBOOK.replace("diagnose:", &query(expr))).unwrap();
        let config = format!("prometheus: {{ url: 'http://prometheus'{dialect} }}\n");
        fs::write(dir.path().join("dogwatch.yaml"), config).unwrap();
        dogwatch(dir.path(), &["check", "--config", "dogwatch.yaml"], &[])
    };
    let (word, function) = ("rate(requests[5m]) keep_metric_names", "range_avg(requests)");
    for (expr, dialect, code, says) in [
        (word, "", 0, "warning[invalid-query]"),
        (word, ", dialect: promql", 1, "`prometheus.dialect` is promql: `keep_metric_names` is a word of MetricsQL"),
        (word, ", dialect: metricsql", 0, ""),
        (function, "", 0, "Prometheus has no function `range_avg`"),
        (function, ", dialect: promql", 0, "Prometheus has no function `range_avg`"),
        (function, ", dialect: metricsql", 0, ""),
        (word, ", dialect: sql", 1, "promql"),
    ] {
        let said = check(expr, dialect);
        assert_eq!(said.code, code, "{expr}{dialect}: {}", said.out);
        assert!(said.out.contains(says), "{expr}{dialect}: {}", said.out);
        assert!(!says.is_empty() || !said.out.contains("look.yaml"), "{expr}{dialect}: {}", said.out);
        assert!(!said.out.contains("2 errors") && said.out.matches("MetricsQL").count() < 2, "{}", said.out);
    }
}

#[test]
fn rbac_prints_the_least_role() {
    let dir = folder();
    let said = dogwatch(dir.path(), &["rbac"], &[]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    insta::assert_snapshot!(said.out);
    fs::write(dir.path().join("playbooks/wrong.yaml"), "kind: Playbook\n").unwrap();
    let half = dogwatch(dir.path(), &["rbac"], &[]);
    assert_eq!((half.code, half.out.as_str()), (1, ""), "a role for half of them would be taken for the whole");
}

/// What the bot itself looks at takes rights, and only for what is switched on.
#[test]
fn rbac_prints_what_a_source_of_the_cluster_needs() {
    let dir = folder();
    let watches = "failed_attach: { enabled: false }, config_error: { enabled: false }, service_without_endpoints: { enabled: false }";
    let config = |more: &str| {
        format!("sources: [{{ name: watch, kind: cluster, namespaces: [shop], watches: {{ {watches}{more} }} }}]\n")
    };
    fs::write(dir.path().join("some.yaml"), config("")).unwrap();
    let said = dogwatch(dir.path(), &["rbac", "--no-look-up", "--config", "some.yaml"], &[]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let (_, of_source) = said.out.split_once("# What the source `watch` looks at").expect("a role of its own");
    for part in
        ["kind: Role\n", "name: dogwatch-source-watch\n", "namespace: shop\n", "[events]", "[pods]", "[get, list]"]
    {
        assert!(of_source.contains(part), "{part}: {of_source}");
    }
    assert!(!of_source.contains("services") && !of_source.contains("ClusterRole"), "{of_source}");

    let custom = config(", reports_failure: [{ kind: Certificate.cert-manager.io }]");
    fs::write(dir.path().join("custom.yaml"), custom).unwrap();
    let unknown = dogwatch(dir.path(), &["rbac", "--config", "custom.yaml"], &[]);
    assert_eq!((unknown.code, unknown.out.as_str()), (1, ""), "half a role would be taken for the whole");
    assert!(
        unknown.err.contains("Certificate.cert-manager.io") && unknown.err.contains("dogwatch kinds"),
        "{}",
        unknown.err
    );
}

/// What is asked of no cluster is told by files.
#[test]
fn kinds_that_kubernetes_does_not_bring_are_told_of_beside_the_playbooks() {
    let dir = folder();
    let renewal = PLAYBOOK
        .replace("name: look", "name: renewal")
        .replace("SomethingOdd", "NotRenewed")
        .replace(
            "kind: Deployment, namespace: kube-system, name: coredns",
            "kind: Certificate.cert-manager.io, from: alert, label: name",
        )
        .replace("target.status.readyReplicas == target.spec.replicas", "target.status.conditions[0].status == 'True'");
    fs::write(dir.path().join("playbooks/renewal.yaml"), renewal).unwrap();
    let unknown = dogwatch(dir.path(), &["check"], &[]);
    assert_eq!(unknown.code, 1);
    for way in [".crds.yaml", "--crds DIR", "kinds.yaml", "dogwatch kinds"] {
        assert!(unknown.out.contains(way), "{}", unknown.out);
    }
    let half = dogwatch(dir.path(), &["rbac"], &[]);
    assert_eq!((half.code, half.out.as_str()), (1, ""));

    let crd = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: certificates.cert-manager.io }
spec:
  group: cert-manager.io
  scope: Namespaced
  names: { kind: Certificate, plural: certificates }
  versions: [{ name: v1, served: true, storage: true }]
";
    fs::create_dir(dir.path().join("crds")).unwrap();
    fs::write(dir.path().join("crds/certificates.yaml"), crd).unwrap();
    for command in ["check", "rbac"] {
        let said = dogwatch(dir.path(), &[command, "--crds", "crds"], &[]);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{command}: {}", said.out);
    }
    fs::rename(dir.path().join("crds/certificates.yaml"), dir.path().join("playbooks/cert-manager.crds.yaml")).unwrap();
    assert_eq!(dogwatch(dir.path(), &["check"], &[]).code, 0);
    let roles = dogwatch(dir.path(), &["rbac", "--no-look-up"], &[]);
    let rule = "- apiGroups: [cert-manager.io]\n    resources: [certificates]\n    verbs: [get]\n";
    assert!(roles.out.contains(rule), "{}", roles.out);
}

/// A case may hold objects of such a kind.
#[test]
fn cases_hold_custom_resources() {
    let dir = folder();
    let playbook = PLAYBOOK
        .replace(
            "kind: Deployment, namespace: kube-system, name: coredns",
            "kind: Certificate.cert-manager.io, from: alert, label: name",
        )
        .replace("target.status.readyReplicas == target.spec.replicas", "target.status.ready")
        .replace("pods are missing", "it is not ready");
    fs::write(dir.path().join("playbooks/look.yaml"), playbook).unwrap();
    let kinds = "kinds: [{ kind: Certificate.cert-manager.io, plural: certificates, version: v1 }]\n";
    fs::write(dir.path().join("playbooks/kinds.yaml"), kinds).unwrap();
    let cases = "apiVersion: dogwatch/v1
kind: Cases
playbook: look
cases:
  - name: it is not ready
    alert: { name: SomethingOdd, labels: { namespace: web, name: tls } }
    objects:
      - apiVersion: cert-manager.io/v1
        kind: Certificate
        metadata: { namespace: web, name: tls }
        status: { ready: false }
    expect: { outcome: escalated, because: it is not ready, pages: [platform] }
";
    fs::write(dir.path().join("playbooks/look.cases.yaml"), cases).unwrap();
    let said = dogwatch(dir.path(), &["test"], &[]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("1 passed, 0 failed"), "{}", said.out);
}

#[test]
fn oncall_says_who_and_until_when() {
    let dir = folder();
    let who = |at: &str| dogwatch(dir.path(), &["oncall", "who", "--at", at], &[]);
    assert_eq!(who("2026-03-02 07:59").out, "platform: bob until Mon 2026-03-02 09:00 Europe/Paris, then ada\n");
    assert_eq!(
        who("2026-03-02T09:00:00+01:00").out,
        "platform: ada until Mon 2026-03-09 09:00 Europe/Paris, then bob\n"
    );
    assert_eq!(
        who("2025-01-01 00:00").out,
        "platform: nobody; its rotation begins Mon 2026-01-05 09:00 Europe/Paris\n"
    );
    let said = dogwatch(dir.path(), &["oncall", "who", "--config", "dogwatch.yaml", "--team", "platfrom"], &[]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("`platform`"), "{}", said.err);
}

#[test]
fn oncall_tells_of_gaps_and_schedules_and_writes_a_calendar_from_the_file_alone() {
    let dir = folder();
    let oncall = |args: &[&str]| dogwatch(dir.path(), &[&["oncall"], args].concat(), &[]);
    let alone = "by the file alone: --server asks the bot, which knows the overrides\n";
    let whole = oncall(&["gaps", "--at", "2026-03-02 07:59"]);
    assert_eq!((whole.out.as_str(), whole.err.as_str()), ("platform: no gap within 90 days\n", alone));
    let check = oncall(&["check"]);
    assert_eq!(check.code, 0);
    assert_eq!(check.out, "somebody is on call at any time of the next 90 days, and everybody can be reached\n");
    let hours = ONCALL
        .replace("members: [ada, bob]", "members: [ada, bob], only: { days: mon-fri, from: \"09:00\", to: \"17:00\" }");
    fs::write(dir.path().join("oncall.yaml"), hours).unwrap();
    let gaps = oncall(&["gaps", "--at", "2026-03-06 12:00", "--days", "3"]);
    assert_eq!(
        gaps.out,
        "platform: nobody is on call\n  from Fri 2026-03-06 17:00 to Mon 2026-03-09 09:00 Europe/Paris\n"
    );
    let schedule = oncall(&["schedule", "--at", "2026-03-06 12:00", "--days", "3", "--team", "platform"]);
    assert_eq!(
        schedule.out,
        "platform, Europe/Paris\n  Fri 2026-03-06 09:00 to Fri 2026-03-06 17:00  ada\n  \
         Fri 2026-03-06 17:00 to Mon 2026-03-09 09:00  nobody\n  Mon 2026-03-09 09:00 to Mon 2026-03-09 17:00  bob\n"
    );
    let told = dogwatch(dir.path(), &["check", "--config", "dogwatch.yaml"], &[]);
    assert_eq!(told.code, 0, "it is no error: {}", told.out);
    assert!(
        told.out.contains("nobody is on call for team platform from") && told.out.contains("; 0 errors"),
        "{}",
        told.out
    );
    let calendar = oncall(&["ical", "ada", "--days", "7"]);
    assert!(calendar.out.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"), "{}", calendar.out);
    assert!(calendar.out.ends_with("END:VCALENDAR\r\n") && !calendar.out.contains("bob"), "{}", calendar.out);
    let nobody = oncall(&["ical", "adda"]);
    assert_eq!(nobody.code, 2);
    assert!(nobody.err.contains("did you mean `ada`?"), "{}", nobody.err);
}

#[test]
fn handoff_tells_of_the_servers_database_while_the_server_works() {
    let dir = folder();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let without = dogwatch(dir.path(), &["handoff"], &[]);
    assert_eq!(without.code, 1);
    assert!(without.err.contains("dogwatch.db is not there"), "{}", without.err);
    let path = dir.path().join("dogwatch.db");
    let story = runtime.block_on(async {
        let now = SystemClock::default().now();
        let story = Story::begins(SqlitePlace::at(path), now, Sinks::default()).await;
        story.incident(Severity::S2, "CoreDNS has too little capacity", "CoreDNSLatencyHigh", 1).await;
        story
    });
    let shown = dogwatch(dir.path(), &["handoff", "--out", "-"], &[]);
    assert_eq!(shown.code, 0, "{}", shown.err);
    assert!(shown.out.starts_with("# Handoff of platform: "), "{}", shown.out);
    assert!(shown.out.contains("**INC-1 S2** CoreDNS has too little capacity"), "{}", shown.out);
    let written = dogwatch(dir.path(), &["handoff"], &[]);
    let file = dir.path().join(written.out.trim());
    assert!(fs::read_to_string(&file).unwrap().contains("INC-1"), "{}{}", written.out, written.err);
    fs::write(&file, "edited").unwrap();
    let again = dogwatch(dir.path(), &["handoff", "--team", "platform"], &[]);
    assert!(again.err.contains("was left as it is"), "{}", again.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), "edited");
    runtime.block_on(story.place.close());
}

#[test]
fn check_tells_the_configurations_own_mistakes_where_there_are_no_playbooks() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("dogwatch.yaml"), "serverr: {}\n").unwrap();
    let said = dogwatch(dir.path(), &["check", "-c", "dogwatch.yaml"], &[]);
    assert_eq!((said.code, said.err.as_str()), (1, ""), "{}", said.out);
    assert!(said.out.contains("`serverr` is not known here") && said.out.contains("write `server`"), "{}", said.out);

    fs::write(dir.path().join("dogwatch.yaml"), "log: { level: inof }\n").unwrap();
    let said = dogwatch(dir.path(), &["check", "-c", "dogwatch.yaml"], &[]);
    assert_eq!(said.code, 1, "{}", said.out);
    for part in ["`inof` is no level", "dogwatch.yaml:1:8", "write `info`", "playbooks is not there or no folder"] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
}

#[test]
fn a_folder_without_playbooks_is_warned_about() {
    let dir = folder();
    fs::remove_file(dir.path().join("playbooks/look.yaml")).unwrap();
    for args in [&["check"][..], &["check", "-c", "dogwatch.yaml"]] {
        let said = dogwatch(dir.path(), args, &[]);
        assert_eq!(said.code, 0, "a warning alone is no failure: {}", said.out);
        assert!(
            said.out.contains("warning[no-playbooks]: no playbook in")
                && said.out.contains("every alert goes to a person"),
            "{}",
            said.out
        );
    }
}

#[test]
fn what_cannot_be_seen_in_a_yaml_file_is_named_with_its_place() {
    let dir = folder();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    let says = |args: &[&str], parts: &[&str]| {
        let said = dogwatch(dir.path(), args, &[]);
        assert_ne!(said.code, 0);
        let all = format!("{}{}", said.out, said.err);
        for part in parts {
            assert!(all.contains(part), "{part}: {all}");
        }
    };
    write("playbooks/look.yaml", &PLAYBOOK.replace("severity: S2", "severity:\u{a0} S3"));
    says(&["check"], &["a no-break space (U+00A0) stands here", "look.yaml:5:10"]);
    write("playbooks/look.yaml", &PLAYBOOK.replace("severity: S2", "seve\u{200b}rity: S3"));
    says(&["check"], &["a zero-width space (U+200B) stands here", "look.yaml:5:5"]);
    write("playbooks/look.yaml", &PLAYBOOK.replace("  - alert: SomethingOdd", "\t- alert: SomethingOdd"));
    says(&["check"], &["a tab (U+0009) stands here", "look.yaml:8:1", "write spaces"]);
    write("playbooks/look.yaml", PLAYBOOK);

    write("oncall.yaml", &ONCALL.replace("    rotation", "\trotation"));
    says(
        &["oncall", "who", "--file", "oncall.yaml"],
        &["a tab (U+0009) stands here", "oncall.yaml:6:1", "write spaces"],
    );
    write("oncall.yaml", &ONCALL.replace("kind: OnCall", "kind:\u{a0}OnCall"));
    says(&["oncall", "who", "--file", "oncall.yaml"], &["a no-break space (U+00A0) stands here", "oncall.yaml:2:6"]);
    write("oncall.yaml", ONCALL);

    write("dogwatch.yaml", "log:\n\tlevel: info\n");
    says(&["check", "-c", "dogwatch.yaml"], &["a tab (U+0009) stands here", "dogwatch.yaml:2:1"]);
    write("dogwatch.yaml", "log:\n  level:\u{a0}info\n");
    says(&["check", "-c", "dogwatch.yaml"], &["a no-break space (U+00A0) stands here", "dogwatch.yaml:2:9"]);

    let cases = "apiVersion: dogwatch/v1\nkind: Cases\nplaybook: look\ncases:\n\t- name: a\n";
    write("playbooks/look.cases.yaml", cases);
    says(&["test", "playbooks"], &["a tab (U+0009) stands here", "look.cases.yaml:5:1"]);
}
