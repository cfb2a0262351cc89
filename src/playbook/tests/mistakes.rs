//! Mistakes that people make in playbooks, and what they are told.

use super::{parse, with};
use crate::model::Phase;
use crate::playbook::Block;

/// What a verify asks again of a stretch of time holds what was before the change.
#[test]
fn a_verify_that_looks_back_over_the_change_is_warned_of() {
    let warned = |range: &str, settle: &str| {
        let (before, rest) = crate::playbook::tests::GOOD.split_once("    prometheus.query").unwrap();
        let rest = rest.split_once('\n').unwrap().1.replace("value", "last").replace("settle: 6m", settle);
        let playbook = parse(&format!("{before}    prometheus.range: {range}\n{rest}")).unwrap();
        playbook.warnings.into_iter().map(|warning| warning.message).collect::<Vec<_>>()
    };
    let looks_back = "the query looks back 10m, and is asked 6m after the change: it still sees what was before";
    assert_eq!(warned("{ expr: 'sum(rate(x[5m]))', over: 5m }", "settle: 6m"), [looks_back]);
    assert_eq!(warned("{ expr: 'sum(rate(x[5m]))', over: 5m }", "settle: 10m"), [""; 0]);
    let patience =
        "the query looks back 1h, and patience ends after 12m: all that it ever sees is mixed with what was before";
    assert_eq!(warned("{ expr: sum(x) }", "settle: 6m"), [patience]);
}

/// What people are told about the mistake.
fn told(old: &str, new: &str) -> String {
    let problems = match parse(&with(old, new)) {
        Ok(playbook) => playbook.warnings,
        Err(problems) => problems,
    };
    assert!(!problems.is_empty(), "nothing is wrong with `{new}`");
    problems.iter().map(|problem| problem.render(false)).collect::<Vec<_>>().join("\n")
}

macro_rules! told {
    ($old:expr => $new:expr, @$snapshot:literal) => {
        insta::assert_snapshot!(told($old, $new), @$snapshot)
    };
}

#[test]
fn fields() {
    told!("page_by: 10m" => "pageby: 10m", @"
    error[unknown-field]: unknown field `pageby` in a playbook
     --> playbooks/coredns.yaml:7:1
      |
    7 | pageby: 10m
      | ^^^^^^
      |
      = help: write `page_by` instead
    ");
    told!("    undo: never\n" => "    undo: never\n    approval: { role: sre }\n", @"
    error[unknown-field]: unknown field `role` in `approval`
      --> playbooks/coredns.yaml:28:17
       |
    28 |     approval: { role: sre }
       |                 ^^^^
       |
       = help: the fields are `people`, `of`, `by`, `within`, `requester` and `question`
    ");
    told!("owner: platform }" => "owner: platform, team: x }", @"
    error[unknown-field]: unknown field `team` in `metadata`
     --> playbooks/coredns.yaml:3:71
      |
    3 | metadata: { name: coredns-saturated, version: 1.2.0, owner: platform, team: x }
      |                                                                       ^^^^
      |
      = help: the fields are `name`, `version`, `owner` and `review_by`
    ");
    told!("maximum: 50" => "max: 50", @"
    error[unknown-field]: unknown field `max` in an input
      --> playbooks/coredns.yaml:14:47
       |
    14 |   max_replicas: { type: integer, default: 10, max: 50 }
       |                                               ^^^
       |
       = help: write `maximum` instead
    ");
    told!("by: 50%," => "by: 50%, maxx: 3,", @r#"
    error[unknown-field]: unknown field `maxx` in `k8s.scale`
      --> playbooks/coredns.yaml:25:27
       |
    25 |     k8s.scale: { by: 50%, maxx: 3, max: "{{inputs.max_replicas}}" }
       |                           ^^^^
       |
       = help: write `max` instead
    "#);
    told!("severity: S2\n" => "severity: S2\nseverity: S3\n", @"
    error[duplicate-key]: the key `severity` is given twice
     --> playbooks/coredns.yaml:6:1
      |
    6 | severity: S3
      | ^^^^^^^^
      |
      = help: keep one of the two
    ");
    told!("severity: S2\n" => "severity: high\n", @"
    error[unknown-value]: `high` is no severity
     --> playbooks/coredns.yaml:5:11
      |
    5 | severity: high
      |           ^^^^
      |
      = help: write one of `S1`, `S2`, `S3` and `S4`
    ");
    told!("autonomy: auto" => "autonomy: automatic", @"
    error[unknown-value]: `automatic` is no autonomy
     --> playbooks/coredns.yaml:6:11
      |
    6 | autonomy: automatic
      |           ^^^^^^^^^
      |
      = help: write one of `observe`, `suggest`, `approve` and `auto`
    ");
    told!("page_by: 10m" => "page_by: soon", @"
    error[invalid-value]: `soon` is no duration
     --> playbooks/coredns.yaml:7:10
      |
    7 | page_by: soon
      |          ^^^^
      |
      = help: write a number and a unit, such as `90s`, `10m`, `6h`, `1d` or `1h30m`
    ");
    told!("page_by: 10m" => "page_by: [10m]", @"
    error[wrong-type]: `page_by` must be a single value, and here is a list
     --> playbooks/coredns.yaml:7:10
      |
    7 | page_by: [10m]
      |          ^
      |
      = help: write `page_by: ...` in one line
    ");
    told!("apiVersion: dogwatch/v1" => "apiVersion: v1", @"
    error[wrong-document]: this is no playbook: its apiVersion is `v1`
     --> playbooks/coredns.yaml:1:13
      |
    1 | apiVersion: v1
      |             ^^
      |
      = help: write `dogwatch/v1`
    ");
    told!("{ name: coredns-saturated, version: 1.2.0, owner: platform }" => "{ name: CoreDNS_full, version: '1.2' }", @"
    error[missing-field]: `metadata` needs `owner`
     --> playbooks/coredns.yaml:3:13
      |
    3 | metadata: { name: CoreDNS_full, version: '1.2' }
      |             ^^^^
      |
      = help: add `owner: platform`

    error[invalid-name]: `CoreDNS_full` cannot be a playbook's name
     --> playbooks/coredns.yaml:3:19
      |
    3 | metadata: { name: CoreDNS_full, version: '1.2' }
      |                   ^^^^^^^^^^^^
      |
      = help: write lowercase letters, digits and `-`, 63 at most

    error[invalid-value]: `1.2` is no version
     --> playbooks/coredns.yaml:3:42
      |
    3 | metadata: { name: CoreDNS_full, version: '1.2' }
      |                                          ^^^^^
      |
      = help: write three numbers, such as `1.0.0`
    ");
    told!("runs: 3 per 1h" => "runs: 3/h", @"
    error[invalid-value]: `3/h` does not say how many runs in what time
      --> playbooks/coredns.yaml:15:17
       |
    15 | limits: { runs: 3/h, cooldown: 15m }
       |                 ^
       |
       = help: write `3 per 1h`
    ");
}

#[test]
fn yaml() {
    told!("  - alert: CoreDNSErrorsHigh\n" => "  - alert: CoreDNSErrorsHigh\n\twhere: 'true'\n", @"
    error[odd-character]: a tab (U+0009) stands here
      --> playbooks/coredns.yaml:11:1
       |
    11 |  where: 'true'
       | ^
       |
       = help: write spaces instead: YAML cannot be indented with tabs
    ");
    told!("summary: CoreDNS has too little" => "summary: CoreDNS: too little", @"
    error[invalid-yaml]: this is no YAML: mapping values are not allowed in this context
     --> playbooks/coredns.yaml:4:17
      |
    4 | summary: CoreDNS: too little capacity for the cluster's queries
      |                 ^
      |
      = help: put quotes around a text that holds `: `, or look whether the lines around it are indented alike
    ");
    told!("message: \"CoreDNS p99 is {{p99.value}}s; {{scale.summary}}\"" => "message: {{p99.value}}", @r#"
    error[wrong-type]: a text that starts with `{{` needs quotes, or YAML takes it for a mapping
      --> playbooks/coredns.yaml:29:38
       |
    29 |   - page: { team: platform, message: {{p99.value}} }
       |                                      ^
       |
       = help: write `"{{p99.value}}"`
    "#);
    told!("name: coredns }" => "name: coredns", @"
    error[invalid-yaml]: this is no YAML: while parsing a flow mapping, did not find expected ',' or '}'
      --> playbooks/coredns.yaml:13:7
       |
    13 | inputs:
       |       ^
       |
       = help: look whether a bracket in one of the lines before it is not closed
    ");
    told!("triggers:\n  - alert: CoreDNSLatencyHigh\n" => "triggers:\n    alert: CoreDNSLatencyHigh\n", @"
    error[wrong-type]: `triggers` must be a list, and here is a mapping
     --> playbooks/coredns.yaml:9:5
      |
    9 |     alert: CoreDNSLatencyHigh
      |     ^^^^^
      |
      = help: put `- ` before each entry

    error[invalid-yaml]: this is no YAML: while parsing a block mapping, did not find expected key
      --> playbooks/coredns.yaml:10:3
       |
    10 |   - alert: CoreDNSErrorsHigh
       |   ^
    ");
    told!("    undo: never\n" => "    undo: { k8s.scale: { to: 4 } }\n", @"
    error[invalid-value]: `undo` says when, in a word
      --> playbooks/coredns.yaml:27:11
       |
    27 |     undo: { k8s.scale: { to: 4 } }
       |           ^
       |
       = help: write `never`, `unless_verified` or `at_end`: the action knows the way back itself
    ");
    told!("    because: the latency is back to normal\n" => "    because:\n", @"
    error[no-value]: `because` has no value
      --> playbooks/coredns.yaml:20:12
       |
    20 |     because:
       |            ^
       |
       = help: write one, or leave the key out
    ");
    told!("escalate:" => "---\nescalate:", @"
    error[too-complex]: the file holds more than one document
      --> playbooks/coredns.yaml:28:1
       |
    28 | ---
       | ^^^
    ");
}

#[test]
fn actions() {
    told!("    k8s.scale:" => "    k8s.scal:", @r#"
    error[unknown-action]: there is no action `k8s.scal`
      --> playbooks/coredns.yaml:25:5
       |
    25 |     k8s.scal: { by: 50%, max: "{{inputs.max_replicas}}" }
       |     ^^^^^^^^
       |
       = help: write `k8s.scale` instead
    "#);
    told!("    k8s.scale:" => "    helm.rollback:", @r#"
    error[unknown-action]: there is no action `helm.rollback`
      --> playbooks/coredns.yaml:25:5
       |
    25 |     helm.rollback: { by: 50%, max: "{{inputs.max_replicas}}" }
       |     ^^^^^^^^^^^^^
       |
       = help: the actions are `prometheus.query`, `prometheus.range`, `alertmanager.alerts`, `http.request`, `dns.lookup`, `tcp.connect`, `tls.inspect`, `k8s.get`, `k8s.list`, `k8s.events`, `k8s.pods`, `k8s.logs`, `k8s.last_change`, `history.runs`, `k8s.owners`, `k8s.claim_owner`, `k8s.rollout_history`, `k8s.rollout_status`, `k8s.endpoints`, `k8s.quota`, `k8s.images`, `k8s.top`, `k8s.scale`, `k8s.hpa_set`, `k8s.expand_pvc`, `k8s.delete_job`, `k8s.create_job`, `k8s.suspend_cronjob`, `k8s.resume_cronjob`, `k8s.rollout_undo`, `k8s.rollout_restart`, `k8s.rollout_pause`, `k8s.rollout_resume`, `k8s.set_resources`, `k8s.set_image`, `k8s.patch`, `k8s.configmap_patch`, `k8s.annotate`, `k8s.label`, `k8s.cordon` and 25 more
    "#);
    told!("    k8s.scale:" => "    k8s.list: { kind: Pod }\n    k8s.scale:", @r#"
    error[second-action]: one step cannot do both `k8s.list` and `k8s.scale`
      --> playbooks/coredns.yaml:26:5
       |
    26 |     k8s.scale: { by: 50%, max: "{{inputs.max_replicas}}" }
       |     ^^^^^^^^^
       |
       = help: begin a new step with `- ` before it
    "#);
    told!("  - done_if: p99.value < 0.1\n    because: the latency is back to normal\n" => "  - id: nothing\n", @"
    error[no-action]: the step does nothing
      --> playbooks/coredns.yaml:19:5
       |
    19 |   - id: nothing
       |     ^^
       |
       = help: name its action, such as `prometheus.query: { expr: ... }`
    ");
    told!("    because: pods are missing" => "    timeout: 5s\n    because: pods are missing", @"
    error[misplaced]: `timeout` belongs to a step that does something that can take long
      --> playbooks/coredns.yaml:22:14
       |
    22 |     timeout: 5s
       |              ^^
       |
       = help: leave it out
    ");
    told!("by: 50%" => "by: half", @r#"
    error[invalid-argument]: `half` is no number of replicas to add
      --> playbooks/coredns.yaml:25:22
       |
    25 |     k8s.scale: { by: half, max: "{{inputs.max_replicas}}" }
       |                      ^^^^
       |
       = help: write `50%` or `2`
    "#);
    told!("message: \"CoreDNS" => "text: \"CoreDNS", @r#"
    error[unknown-field]: unknown field `text` in `page`
      --> playbooks/coredns.yaml:29:29
       |
    29 |   - page: { team: platform, text: "CoreDNS p99 is {{p99.value}}s; {{scale.summary}}" }
       |                             ^^^^
       |
       = help: the fields are `team` and `message`
    "#);
}

#[test]
fn names() {
    told!("done_if: p99.value" => "done_if: p98.value", @"
    error[unknown-name]: there is nothing called `p98` here
      --> playbooks/coredns.yaml:19:14
       |
    19 |   - done_if: p98.value < 0.1
       |              ^^^^^^^^^
       |
       = help: write `p99` instead
    ");
    told!("done_if: p99.value" => "done_if: p99.vlaue", @"
    error[unknown-name]: the output of `p99` has no `vlaue`
      --> playbooks/coredns.yaml:19:18
       |
    19 |   - done_if: p99.vlaue < 0.1
       |                  ^^^^^
       |
       = help: write `p99.value` instead
    ");
    told!("{{inputs.max_replicas}}" => "{{inputs.max_replica}}", @r#"
    error[unknown-name]: there is no input `max_replica`
      --> playbooks/coredns.yaml:25:42
       |
    25 |     k8s.scale: { by: 50%, max: "{{inputs.max_replica}}" }
       |                                          ^^^^^^^^^^^
       |
       = help: write `inputs.max_replicas` instead
    "#);
    told!("{{p99.value}}s" => "{{p99.val}}s", @r#"
    error[unknown-name]: the output of `p99` has no `val`
      --> playbooks/coredns.yaml:29:60
       |
    29 |   - page: { team: platform, message: "CoreDNS p99 is {{p99.val}}s; {{scale.summary}}" }
       |                                                            ^^^
       |
       = help: write `p99.value` instead
    "#);
    told!("done_if: p99.value < 0.1" => "done_if: scale.replicas > 3", @"
    error[not-yet-known]: the step `scale` runs only after this one
      --> playbooks/coredns.yaml:19:14
       |
    19 |   - done_if: scale.replicas > 3
       |              ^^^^^^^^^^^^^^
       |
       = help: move `scale` to before this step
    ");
    told!("    k8s.scale: { by" => "    when: scale.before > 3\n    k8s.scale: { by", @"
    error[not-yet-known]: the step `scale` uses its own output, which it has yet to make
      --> playbooks/coredns.yaml:25:11
       |
    25 |     when: scale.before > 3
       |           ^^^^^^^^^^^^
    ");
    told!("until: value < 0.1" => "until: valu < 0.1", @"
    error[unknown-name]: there is nothing called `valu` here
      --> playbooks/coredns.yaml:26:34
       |
    26 |     verify: { query: p99, until: valu < 0.1, settle: 6m, within: 12m }
       |                                  ^^^^
       |
       = help: write `value` instead
    ");
    told!("query: p99, until" => "until", @"
    error[unknown-name]: there is nothing called `value` here
      --> playbooks/coredns.yaml:26:22
       |
    26 |     verify: { until: value < 0.1, settle: 6m, within: 12m }
       |                      ^^^^^
       |
       = help: name the step whose `value` is meant with `query: ...`; without it, the target is read again, as `target`
    ");
    told!("where: alert.labels.rcode" => "where: target.labels.rcode", @"
    error[unknown-name]: `where` sees the alert alone, and `target` is something else
      --> playbooks/coredns.yaml:11:12
       |
    11 |     where: target.labels.rcode == 'SERVFAIL'
       |            ^^^^^^^^^^^^^^^^^^^
       |
       = help: all there is here is `alert`
    ");
    told!("where: alert.labels.rcode" => "where: alert.label.rcode", @"
    error[unknown-name]: `alert` has no field `label`
      --> playbooks/coredns.yaml:11:18
       |
    11 |     where: alert.label.rcode == 'SERVFAIL'
       |                  ^^^^^^^^^^^
       |
       = help: write `alert.labels` instead
    ");
    told!("because: the latency is back to normal" => "because: it is {{now}}", @"
    error[unknown-name]: `now` is known to conditions only
      --> playbooks/coredns.yaml:20:22
       |
    20 |     because: it is {{now}}
       |                      ^^^
       |
       = help: leave it out; every message says its time
    ");
    told!("name: coredns }" => "name: \"{{p99.value}}\" }", @r#"
    error[not-yet-known]: the target is found before any step runs, so `p99` has no value here
      --> playbooks/coredns.yaml:12:62
       |
    12 | target: { kind: Deployment, namespace: kube-system, name: "{{p99.value}}" }
       |                                                              ^^^^^^^^^
    "#);
    told!("id: scale" => "id: p99", @r#"
    error[duplicate-name]: the id `p99` is used twice: the first time in line 17
      --> playbooks/coredns.yaml:24:9
       |
    24 |   - id: p99
       |         ^^^
       |
       = help: give this step another id

    error[unknown-name]: there is nothing called `scale` here
      --> playbooks/coredns.yaml:29:72
       |
    29 |   - page: { team: platform, message: "CoreDNS p99 is {{p99.value}}s; {{scale.summary}}" }
       |                                                                        ^^^^^^^^^^^^^
       |
       = help: here are `alert`, `because`, `incident`, `inputs`, `p99`, `run` and `target`
    "#);
    told!("id: scale" => "id: size", @r#"
    error[invalid-name]: `size` cannot be an id: conditions and texts use the word for something else
      --> playbooks/coredns.yaml:24:9
       |
    24 |   - id: size
       |         ^^^^
       |
       = help: write `size_1`, or better what the step finds out

    error[unknown-name]: there is nothing called `scale` here
      --> playbooks/coredns.yaml:29:72
       |
    29 |   - page: { team: platform, message: "CoreDNS p99 is {{p99.value}}s; {{scale.summary}}" }
       |                                                                        ^^^^^^^^^^^^^
       |
       = help: here are `alert`, `because`, `incident`, `inputs`, `p99`, `run`, `size` and `target`
    "#);
    told!("id: scale" => "id: Scale-Up", @r#"
    error[invalid-name]: `Scale-Up` cannot be an id: ids are lowercase letters, digits and `_`, and do not begin with a digit
      --> playbooks/coredns.yaml:24:9
       |
    24 |   - id: Scale-Up
       |         ^^^^^^^^
       |
       = help: write `scale_up` instead

    error[unknown-name]: there is nothing called `scale` here
      --> playbooks/coredns.yaml:29:72
       |
    29 |   - page: { team: platform, message: "CoreDNS p99 is {{p99.value}}s; {{scale.summary}}" }
       |                                                                        ^^^^^^^^^^^^^
       |
       = help: here are `Scale-Up`, `alert`, `because`, `incident`, `inputs`, `p99`, `run` and `target`
    "#);
}

#[test]
fn conditions() {
    told!("done_if: p99.value < 0.1" => "done_if: p99.value < 0.1 and true", @"
    error[invalid-condition]: conditions have no `and`
      --> playbooks/coredns.yaml:19:30
       |
    19 |   - done_if: p99.value < 0.1 and true
       |                              ^^^
       |
       = help: write `&&`
    ");
    told!("target.status.?readyReplicas.orValue(0) ==" => "target.status.?readyReplicas ==", @"
    error[invalid-condition]: `target.status.readyReplicas` may have no value here
      --> playbooks/coredns.yaml:21:29
       |
    21 |   - require: target.status.?readyReplicas == target.spec.replicas
       |                             ^^^^^^^^^^^^^
       |
       = help: add `.orValue(...)` to say what counts when it is absent
    ");
    told!("require: target" => "require: >\n      hass(target.spec) &&\n      target", @"
    error[invalid-condition]: there is no function `hass`
      --> playbooks/coredns.yaml:22:7
       |
    22 |       hass(target.spec) &&
       |       ^^^^
       |
       = help: write `has` instead
    ");
    told!("done_if: p99.value < 0.1" => "done_if: true", @"
    error[never-reached]: this step is never reached: the `done_if` before it always holds
      --> playbooks/coredns.yaml:21:5
       |
    21 |   - require: target.status.?readyReplicas.orValue(0) == target.spec.replicas
       |     ^^^^^^^
       |
       = help: leave the condition out, or the steps after it
    ");
    told!("require: target.status.?readyReplicas.orValue(0) == target.spec.replicas" => "require: 1 > 2", @"
    error[never-reached]: this step is never reached: the `require` before it never holds
      --> playbooks/coredns.yaml:24:5
       |
    24 |   - id: scale
       |     ^^
       |
       = help: leave the condition out, or the steps after it
    ");
    told!("require: target.status.?readyReplicas.orValue(0) == target.spec.replicas" => "require: true", @"
    warning[constant-condition]: this `require` always holds
      --> playbooks/coredns.yaml:21:14
       |
    21 |   - require: true
       |              ^^^^
       |
       = help: leave it out
    ");
    told!("    k8s.scale: { by" => "    when: false\n    k8s.scale: { by", @"
    error[never-reached]: this step never runs: its `when` is always false
      --> playbooks/coredns.yaml:25:11
       |
    25 |     when: false
       |           ^^^^^
       |
       = help: leave the step out
    ");
}

#[test]
fn mutations() {
    told!("    verify: { query: p99, until: value < 0.1, settle: 6m, within: 12m }\n" => "", @"
    error[no-verify]: the step changes something, and nothing verifies that it helped
      --> playbooks/coredns.yaml:24:5
       |
    24 |   - id: scale
       |     ^^
       |
       = help: add `verify: { until: ..., within: 10m }`
    ");
    told!("query: p99, until: value < 0.1" => "query: scale, until: replicas > 3", @"
    error[not-yet-known]: the step `scale` does not run before this one
      --> playbooks/coredns.yaml:26:22
       |
    26 |     verify: { query: scale, until: replicas > 3, settle: 6m, within: 12m }
       |                      ^^^^^
       |
       = help: name an earlier step that reads
    ");
    told!("    undo: never\n" => "    undo: never\n  - k8s.scale: { by: 1, max: 5 }\n    verify: { query: scale, until: replicas > 3, within: 12m }\n", @"
    error[stale-verify]: the step `scale` cannot be repeated by a verify: it is no action that only reads
      --> playbooks/coredns.yaml:29:22
       |
    29 |     verify: { query: scale, until: replicas > 3, within: 12m }
       |                      ^^^^^
       |
       = help: the steps that read are `p99`
    ");
    told!("query: p99, until" => "query: p95, until", @"
    error[unknown-name]: there is no step `p95`
      --> playbooks/coredns.yaml:26:22
       |
    26 |     verify: { query: p95, until: value < 0.1, settle: 6m, within: 12m }
       |                      ^^^
       |
       = help: write `p99` instead
    ");
    told!("settle: 6m" => "settle: 1m", @"
    warning[stale-verify]: the query looks back 5m, and is asked 1m after the change: it still sees what was before
      --> playbooks/coredns.yaml:26:55
       |
    26 |     verify: { query: p99, until: value < 0.1, settle: 1m, within: 12m }
       |                                                       ^^
       |
       = help: write `settle: 5m` or more
    ");
    told!("within: 12m" => "within: 5m", @"
    error[out-of-range]: nothing is looked at for 6m (`settle`), and patience ends after 5m (`within`)
      --> playbooks/coredns.yaml:26:67
       |
    26 |     verify: { query: p99, until: value < 0.1, settle: 6m, within: 5m }
       |                                                                   ^^
       |
       = help: write more than 6m
    ");
    told!("until: value < 0.1" => "until: true", @"
    error[constant-condition]: `until` is always true, and proves nothing
      --> playbooks/coredns.yaml:26:34
       |
    26 |     verify: { query: p99, until: true, settle: 6m, within: 12m }
       |                                  ^^^^
       |
       = help: write a condition on what was measured
    ");
    told!("until: value < 0.1" => "until: p99.value < 0.1", @"
    error[stale-verify]: `until` looks at nothing that is measured after the change: `p99.value` is what was seen before it
      --> playbooks/coredns.yaml:26:34
       |
    26 |     verify: { query: p99, until: p99.value < 0.1, settle: 6m, within: 12m }
       |                                  ^^^^^^^^^
       |
       = help: write `value`, which is what `p99` answers when it is asked again
    ");
    told!("until: value < 0.1" => "until: inputs.max_replicas > 0", @"
    error[stale-verify]: `until` looks at nothing that is measured after the change
      --> playbooks/coredns.yaml:26:34
       |
    26 |     verify: { query: p99, until: inputs.max_replicas > 0, settle: 6m, within: 12m }
       |                                  ^^^^^^^^^^^^^^^^^^^
       |
       = help: name what `p99` answers when it is asked again: `value`, `shown`, `samples` and `count`
    ");
    told!("query: p99, until: value < 0.1" => "until: p99.value < 0.1", @"
    error[stale-verify]: `until` looks at nothing that is measured after the change
      --> playbooks/coredns.yaml:26:22
       |
    26 |     verify: { until: p99.value < 0.1, settle: 6m, within: 12m }
       |                      ^^^^^^^^^
       |
       = help: name `target`, which is read again, or the step that is to be asked again with `query: ...`
    ");
    told!("until: value < 0.1" => "until: value < 0.1, fail_if: p99.value > 5", @"
    error[stale-verify]: `fail_if` looks at nothing that is measured after the change: `p99.value` is what was seen before it
      --> playbooks/coredns.yaml:26:56
       |
    26 |     verify: { query: p99, until: value < 0.1, fail_if: p99.value > 5, settle: 6m, within: 12m }
       |                                                        ^^^^^^^^^
       |
       = help: write `value`, which is what `p99` answers when it is asked again
    ");
    told!(", within: 12m" => "", @"
    error[missing-field]: `verify` needs `within`
      --> playbooks/coredns.yaml:26:15
       |
    26 |     verify: { query: p99, until: value < 0.1, settle: 6m }
       |               ^^^^^
       |
       = help: add `within: 10m`
    ");
    told!("    undo: never\n" => "    at_most: twice a day\n", @"
    error[invalid-value]: `twice a day` does not say how often in what time, 20 times at the most
      --> playbooks/coredns.yaml:27:14
       |
    27 |     at_most: twice a day
       |              ^^^^^
       |
       = help: write `1 per 24h`
    ");
    told!("    undo: never\n" => "    at_most: 21 per 24h\n", @"
    error[invalid-value]: `21 per 24h` does not say how often in what time, 20 times at the most
      --> playbooks/coredns.yaml:27:14
       |
    27 |     at_most: 21 per 24h
       |              ^^
       |
       = help: write `1 per 24h`
    ");
    told!("  - id: scale\n" => "  - wait: 10s\n    at_most: 1 per 24h\n  - id: scale\n", @"
    error[misplaced]: `at_most` belongs to a step that changes something
      --> playbooks/coredns.yaml:25:14
       |
    25 |     at_most: 1 per 24h
       |              ^
       |
       = help: leave it out
    ");
    told!("    undo: never\n" => "    undo: unless_verifed\n", @"
    error[invalid-value]: `unless_verifed` is no way to undo
      --> playbooks/coredns.yaml:27:11
       |
    27 |     undo: unless_verifed
       |           ^^^^^^^^^^^^^^
       |
       = help: write `unless_verified` instead
    ");
    told!("    undo: never\n" => "    undo: never\n  - k8s.expand_pvc: { by: 20%, max: 1Ti }\n    verify: { until: has(target.spec), within: 5m }\n    undo: at_end\n", @"
    error[invalid-value]: `k8s.expand_pvc` has no way back
      --> playbooks/coredns.yaml:30:11
       |
    30 |     undo: at_end
       |           ^^^^^^
       |
       = help: write `undo: never`, or leave it out
    ");
    told!("    undo: never\n" => "    undo: later\n", @"
    error[invalid-value]: `later` is no way to undo
      --> playbooks/coredns.yaml:27:11
       |
    27 |     undo: later
       |           ^^^^^
       |
       = help: write `never`, `unless_verified` or `at_end`
    ");
    told!("  - done_if: p99.value" => "  - k8s.scale: { by: 1, max: 5 }\n    verify: { until: has(target.spec), within: 5m }\n  - done_if: p99.value", @"
    error[misplaced]: `k8s.scale` changes something, and `diagnose` only looks and tells
      --> playbooks/coredns.yaml:19:5
       |
    19 |   - k8s.scale: { by: 1, max: 5 }
       |     ^^^^^^^^^
       |
       = help: move the step to `mitigate`
    ");
    told!("    verify: { query" => "    retry: { for: a while }\n    verify: { query", @"
    error[invalid-value]: `a while` is no duration
      --> playbooks/coredns.yaml:26:19
       |
    26 |     retry: { for: a while }
       |                   ^
       |
       = help: write a number and a unit, such as `90s`, `10m`, `6h`, `1d` or `1h30m`
    ");
}

#[test]
fn escalation() {
    told!("escalate:\n  - page: { team: platform, message: \"CoreDNS p99 is {{p99.value}}s; {{scale.summary}}\" }\n" => "", @"
    error[no-page]: the playbook does not say what happens when it cannot help: it needs `escalate`
     --> playbooks/coredns.yaml:1:1
      |
    1 | apiVersion: dogwatch/v1
      | ^^^^^^^^^^
      |
      = help: add `escalate: [ { page: { message: ... } } ]`
    ");
    told!("  - page: { team" => "  - notice: { team", @r#"
    error[no-page]: `escalate` pages nobody for certain: no step is a `page` without `when`
      --> playbooks/coredns.yaml:29:5
       |
    29 |   - notice: { team: platform, message: "CoreDNS p99 is {{p99.value}}s; {{scale.summary}}" }
       |     ^^^^^^
       |
       = help: add the step `page: { message: ... }`
    "#);
    told!("  - page: { team" => "  - when: p99.value > 1\n    page: { team", @"
    error[no-page]: `escalate` pages nobody for certain: no step is a `page` without `when`
      --> playbooks/coredns.yaml:29:5
       |
    29 |   - when: p99.value > 1
       |     ^^^^
       |
       = help: add the step `page: { message: ... }`
    ");
    told!("  - page: { team" => "  - done_if: p99.value > 1\n  - page: { team", @"
    error[misplaced]: `done_if` has no place in `escalate`: a human is needed already
      --> playbooks/coredns.yaml:29:5
       |
    29 |   - done_if: p99.value > 1
       |     ^^^^^^^
       |
       = help: leave it out, or write `when` at a step
    ");
}

#[test]
fn fields_that_a_bot_may_not_change() {
    let scale = "k8s.scale: { by: 50%, max: \"{{inputs.max_replicas}}\" }";
    told!(scale => "k8s.patch: { field: spec.replicas, by: 50%, max: 10 }", @"
    error[field-not-allowed]: `spec.replicas` is changed by `k8s.scale`, which asks who decides how many there are
      --> playbooks/coredns.yaml:25:18
       |
    25 |     k8s.patch: { field: spec.replicas, by: 50%, max: 10 }
       |                  ^^^^^
       |
       = help: take the action that it names, or leave the step to people
    ");
    told!(scale => "k8s.patch: { field: spec.minReadySeconds, by: 50%, max: 10 }", @"
    warning[field-not-allowed]: the bot may not change `spec.minReadySeconds` of a Deployment: whoever runs it allows that in dogwatch.yaml, as `actions: { patch: [{ kind: Deployment, field: spec.minReadySeconds }] }`
      --> playbooks/coredns.yaml:25:18
       |
    25 |     k8s.patch: { field: spec.minReadySeconds, by: 50%, max: 10 }
       |                  ^^^^^
       |
       = help: check it with `--config`, which says whether it is allowed
    ");
    let playbook = parse(&with(scale, "k8s.patch: { field: spec.minReadySeconds, by: 50%, max: 10 }")).unwrap();
    let wrong = playbook.wrong_fields(|kind, field| Some(format!("{field} of a {kind}")));
    assert_eq!(
        wrong.iter().map(|wrong| wrong.message.as_str()).collect::<Vec<_>>(),
        ["spec.minReadySeconds of a Deployment"]
    );
    assert!(playbook.wrong_fields(|_, _| None).is_empty());
}

#[test]
fn inputs_and_targets() {
    told!("default: 10" => "default: ten", @"
    error[invalid-value]: the default must be a whole number, and `ten` is none
      --> playbooks/coredns.yaml:14:43
       |
    14 |   max_replicas: { type: integer, default: ten, maximum: 50 }
       |                                           ^^^
    ");
    told!("default: 10" => "default: 100", @"
    error[invalid-value]: the default is 100, and 50 is the most
      --> playbooks/coredns.yaml:14:43
       |
    14 |   max_replicas: { type: integer, default: 100, maximum: 50 }
       |                                           ^^^
    ");
    told!("maximum: 50" => "minimum: 60, maximum: 50", @"
    error[contradiction]: the minimum is greater than the maximum
      --> playbooks/coredns.yaml:14:56
       |
    14 |   max_replicas: { type: integer, default: 10, minimum: 60, maximum: 50 }
       |                                                        ^^
       |
       = help: swap them
    ");
    told!("type: integer" => "type: int", @"
    error[unknown-value]: `int` is no type of input
      --> playbooks/coredns.yaml:14:25
       |
    14 |   max_replicas: { type: int, default: 10, maximum: 50 }
       |                         ^^^
       |
       = help: write `integer` instead
    ");
    told!("type: integer, default: 10, maximum: 50" => "type: duration, default: soon, maximum: 1d", @"
    error[invalid-value]: the default must be a duration: `soon` is no duration; write a number and a unit, such as `90s`, `10m`, `6h`, `1d` or `1h30m`
      --> playbooks/coredns.yaml:14:44
       |
    14 |   max_replicas: { type: duration, default: soon, maximum: 1d }
       |                                            ^^^^
    ");
    told!("type: integer, default: 10, maximum: 50" => "default: 10", @"
    error[missing-field]: the input `max_replicas` needs `type`
      --> playbooks/coredns.yaml:14:19
       |
    14 |   max_replicas: { default: 10 }
       |                   ^^^^^^^
       |
       = help: add `type: string`
    ");
    told!("  - alert: CoreDNSLatencyHigh\n" => "  - where: 'true'\n", @"
    error[missing-field]: a trigger needs `alert`
     --> playbooks/coredns.yaml:9:5
      |
    9 |   - where: 'true'
      |     ^^^^^
      |
      = help: add `alert: TheAlertsName`
    ");
    told!("kind: Deployment" => "kind: deployment", @"
    error[unknown-value]: `deployment` is no kind that a playbook can be about
      --> playbooks/coredns.yaml:12:17
       |
    12 | target: { kind: deployment, namespace: kube-system, name: coredns }
       |                 ^^^^^^^^^^
       |
       = help: write `Deployment` instead
    ");
    told!("kind: Deployment, namespace" => "kind: Node, namespace", @"
    error[misplaced]: objects of the kind `Node` belong to no namespace
      --> playbooks/coredns.yaml:12:34
       |
    12 | target: { kind: Node, namespace: kube-system, name: coredns }
       |                                  ^^^^^^^^^^^
       |
       = help: leave it out
    ");
    told!("namespace: kube-system, name: coredns" => "from: alerts", @"
    error[unknown-value]: a target cannot come from `alerts`
      --> playbooks/coredns.yaml:12:35
       |
    12 | target: { kind: Deployment, from: alerts }
       |                                   ^^^^^^
       |
       = help: write `alert`, or `name` and `namespace` in place of `from`
    ");
    told!("namespace: kube-system, name: coredns" => "name: ../coredns", @"
    error[missing-field]: `target` needs `namespace`
      --> playbooks/coredns.yaml:12:11
       |
    12 | target: { kind: Deployment, name: ../coredns }
       |           ^^^^
       |
       = help: add `namespace: kube-system`

    error[invalid-name]: `../coredns` cannot be the name of an object
      --> playbooks/coredns.yaml:12:35
       |
    12 | target: { kind: Deployment, name: ../coredns }
       |                                   ^^
       |
       = help: write lowercase letters, digits and `-`, as the object is called
    ");
    told!("{ kind: Deployment, namespace: kube-system, name: coredns }" => "{ kind: Endpoints, from: alert }", @r#"
    error[missing-field]: which label of an alert names objects of the kind `Endpoints` is not known
      --> playbooks/coredns.yaml:12:17
       |
    12 | target: { kind: Endpoints, from: alert }
       |                 ^^^^^^^^^
       |
       = help: add `label: the_label`, or `name: "{{alert.labels.the_label}}"`
    "#);
}

#[test]
fn one_look_shows_all_mistakes() {
    let text = with("severity: S2", "severity: S9")
        .replace("page_by: 10m", "page_by: {}")
        .replace("by: 50%", "by: 50%%")
        .replace("done_if: p99.value", "done_iff: p99.value")
        .replace("  max_replicas: {", "  max_replicas: { min: 3,")
        .replace("query: p99, until: value < 0.1", "query: p99, until: vlue < 0.1, every: never");
    let problems = parse(&text).unwrap_err();
    insta::assert_snapshot!(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"), @r###"
    playbooks/coredns.yaml:5:11: `S9` is no severity; write one of `S1`, `S2`, `S3` and `S4`
    playbooks/coredns.yaml:7:10: `page_by` must be a single value, and here is a mapping; write `page_by: ...` in one line
    playbooks/coredns.yaml:14:19: unknown field `min` in an input; write `minimum` instead
    playbooks/coredns.yaml:19:5: unknown field or action `done_iff` in a step; write `done_if` instead
    playbooks/coredns.yaml:25:22: `50%%` is no number of replicas to add; write `50%` or `2`
    playbooks/coredns.yaml:26:34: there is nothing called `vlue` here; write `value` instead
    playbooks/coredns.yaml:26:53: `never` is no duration; write a number and a unit, such as `90s`, `10m`, `6h`, `1d` or `1h30m`
    "###);
}

#[test]
fn names_in_the_bodies_of_texts() {
    told!("{{scale.summary}}\"" => "{{#each p99.samples}}{{labels}} {{vale}} {{alert.name}} {{../alert.nme}} {{@root/p98.value}}{{/each}}\"", @r#"
    error[unknown-name]: an entry of `p99.samples` has no `vale`
      --> playbooks/coredns.yaml:29:104
       |
    29 |   - page: { team: platform, message: "CoreDNS p99 is {{p99.value}}s; {{#each p99.samples}}{{labels}} {{vale}} {{...
       |                                                                                                        ^^^^
       |
       = help: write `value` instead

    error[unknown-name]: an entry of `p99.samples` has no `alert`
      --> playbooks/coredns.yaml:29:113
       |
    29 | ...e}}s; {{#each p99.samples}}{{labels}} {{vale}} {{alert.name}} {{../alert.nme}} {{@root/p98.value}}{{/each}}" }
       |                                                     ^^^^^^^^^^
       |
       = help: write `@root/alert.name`: in here, names are those of the entry

    error[unknown-name]: `alert` has no field `nme`
      --> playbooks/coredns.yaml:29:137
       |
    29 | ...mples}}{{labels}} {{vale}} {{alert.name}} {{../alert.nme}} {{@root/p98.value}}{{/each}}" }
       |                                                         ^^^
       |
       = help: write `alert.name` instead

    error[unknown-name]: there is nothing called `p98` here
      --> playbooks/coredns.yaml:29:151
       |
    29 | ... {{vale}} {{alert.name}} {{../alert.nme}} {{@root/p98.value}}{{/each}}" }
       |                                                      ^^^^^^^^^
       |
       = help: write `p99` instead
    "#);
}

#[test]
fn groups() {
    let group = |steps: &str| {
        with("  - id: scale\n    k8s.scale: { by: 50%, max: \"{{inputs.max_replicas}}\" }\n    verify: { query: p99, until: value < 0.1, settle: 6m, within: 12m }\n    undo: never\n", steps)
        .replace("; {{scale.summary}}", "")
            .replace("target: { kind: Deployment", "target: { kind: Job")
    };
    let good = group(
        "  - notice: { message: now }\n  - atomic:\n      - id: stop\n        k8s.delete_job: {}\n      - wait: 10s\n      - id: start\n        k8s.create_job: {}\n        verify: { query: p99, until: value < 0.1, settle: 6m, within: 12m }\n  - notice: { message: done }\n",
    );
    match parse(&good) {
        Ok(playbook) => {
            let groups: Vec<usize> = playbook
                .mitigate
                .iter()
                .map(|block| if let Block::Atomic(steps) = block { steps.len() } else { 0 })
                .collect();
            assert_eq!(groups, [0, 3, 0]);
            assert_eq!(playbook.steps(Phase::Mitigate).nth(2).unwrap().address.to_string(), "mitigate.3");
        }
        Err(problems) => panic!("{problems:#?}"),
    }
    let told = |steps: &str| {
        let problems = parse(&group(steps)).unwrap_err();
        problems.iter().filter(|problem| problem.is_error()).map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(told("  - atomic:\n      - k8s.delete_job: {}\n      - wait: 10s\n"), @"playbooks/coredns.yaml:25:9: the `atomic` group changes something, and nothing verifies that it helped; add `verify: { until: ..., within: 10m }`");
    insta::assert_snapshot!(told("  - atomic:\n      - k8s.delete_job: {}\n      - k8s.create_job: {}\n        when: p99.value > 3\n        verify: { query: p99, until: value < 0.1, settle: 6m, within: 12m }\n"), @"playbooks/coredns.yaml:25:9: the step changes something, and the `verify` after it is skipped with its step when `when` does not hold; take that `when` away, or give this step a `verify` too");
    insta::assert_snapshot!(told("  - atomic: []\n"), @"playbooks/coredns.yaml:24:5: an `atomic` group needs steps");
    insta::assert_snapshot!(told("  - atomic:\n      - done_if: p99.value > 3\n      - atomic: [ { wait: 1s } ]\n    when: p99.value > 1\n"), @r###"
    playbooks/coredns.yaml:25:9: `done_if` would end the run in the middle of an `atomic` group; move it to before the group
    playbooks/coredns.yaml:26:9: an `atomic` group cannot hold another; put its steps here
    playbooks/coredns.yaml:27:11: an `atomic` group has nothing but its steps; write this at one of the steps within
    "###);
}
