//! Fields of the entries of lists.

use insta::assert_snapshot;

use super::*;

const LISTS: &str = "  - id: all
    k8s.list: { kind: Pod, namespace: db }
  - id: pods
    k8s.pods: {}
  - id: node
    k8s.get: { kind: Node, name: one }
";

fn whole(text: &str) -> String {
    let problems = parse(text).map_or_else(|problems| problems, |playbook| playbook.warnings);
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Of a condition in line 25, behind a list of pods, what is seen of others, and a node.
fn told(condition: &str) -> String {
    let asked = format!("{LISTS}  - require: \"{condition}\"\n    because: it is not\n  - done_if: p99");
    whole(&with("  - done_if: p99", &asked))
}

#[test]
fn the_variable_of_a_loop_has_the_fields_of_its_list() {
    assert_snapshot!(told("all.items.exists(p, p.status.phse == 'Running')"), @"playbooks/coredns.yaml:25:44: `status` of a Pod has no `phse` in Kubernetes v1.35.4; write `phase`");
    assert_snapshot!(told("all.items.all(p, p.status.?phse.orValue('') == 'Running')"), @"playbooks/coredns.yaml:25:42: `status` of a Pod has no `phse` in Kubernetes v1.35.4; write `phase`");
    assert_snapshot!(told("size(all.items.filter(p, p.spec.nodeNam == 'a')) == 0"), @"playbooks/coredns.yaml:25:47: `spec` of a Pod has no `nodeNam` in Kubernetes v1.35.4; write `nodeName`");
    assert_snapshot!(told("all.items.map(p, p.metadata.nmae).all(n, n != '')"), @"playbooks/coredns.yaml:25:43: `metadata` of a Pod has no `nmae` in Kubernetes v1.35.4; write `name`");
    assert_snapshot!(told("all.items[0].status.phse == 'Running'"), @"playbooks/coredns.yaml:25:35: `status` of a Pod has no `phse` in Kubernetes v1.35.4; write `phase`");
    assert_snapshot!(told("has(all.items[0].status.phse)"), @"playbooks/coredns.yaml:25:39: `status` of a Pod has no `phse` in Kubernetes v1.35.4; write `phase`");
    // Lists within objects, and what a filter leaves.
    assert_snapshot!(told("node.object.status.conditions.exists(c, c.tpye == 'Ready')"), @"playbooks/coredns.yaml:25:57: `status.conditions[]` of a Node has no `tpye` in Kubernetes v1.35.4; write `type`");
    assert_snapshot!(told("target.status.?conditions.orValue([]).filter(c, c.type == 'x').exists(c, c.sttus == 'True')"), @"playbooks/coredns.yaml:25:90: `status.conditions[]` of a Deployment has no `sttus` in Kubernetes v1.35.4; write `status`");
    // What an action itself makes.
    assert_snapshot!(told("pods.items.exists(p, p.redy)"), @"playbooks/coredns.yaml:25:38: an entry of `pods.items` has no `redy`; write `ready` instead");
}

#[test]
fn within_each_other_each_variable_is_its_own() {
    assert_snapshot!(told("all.items.exists(p, p.status.containerStatuses.exists(s, s.restartCounts > p.status.x))"), @"
    playbooks/coredns.yaml:25:74: `status.containerStatuses[]` of a Pod has no `restartCounts` in Kubernetes v1.35.4; write `restartCount`
    playbooks/coredns.yaml:25:99: `status` of a Pod has no `x` in Kubernetes v1.35.4; `kubectl explain pods.status` lists what there is
    ");
    // The inner `p` is a container's status, and the outer one a pod.
    assert_eq!(
        told("all.items.exists(p, p.status.containerStatuses.exists(p, p.restartCount > 1) && p.status.phase == 'x')"),
        ""
    );
    // It hides the step of that name.
    assert_eq!(told("alert.labels.exists(node, node == 'object')"), "");
}

#[test]
fn of_what_is_not_known_nothing_is_told() {
    for condition in [
        "all.items.map(p, {'phse': p.status.phase}).exists(p, p.phse == 'x')",
        "all.items.map(p, p.status).exists(s, s.phse == 'x')",
        "all.items.exists(p, p.metadata.labels.phse == 'x')",
        "all.items.exists(p, p.metadata.?annotations.orValue({}).exists(k, k.startsWith('x')))",
        "target.metadata.labels.exists(k, k == 'x')",
        "target.spec.exists(k, k == 'phse')",
        "(all.items + pods.items).exists(p, p.phse == 'x')",
        "[{'phse': 1}].exists(p, p.phse == all.count)",
        "all.items.exists(p, p.spec.?nodeSelector.?zone.orValue('') == 'a')",
        "pods.items.exists(p, p.ready && p.summary_of == 1) || pods.items.exists(p, p.name == 'x')",
    ] {
        let said = told(condition);
        let wanted = if condition.contains("summary_of") { 1 } else { 0 };
        assert_eq!(said.lines().count(), wanted, "{condition}: {said}");
    }
}

#[test]
fn a_name_that_stands_for_a_list_is_one() {
    let set = |values: &str, condition: &str| {
        let text =
            format!("  - set: {{ {values} }}\n  - require: \"{condition}\"\n    because: it is not\n  - done_if: p99");
        whole(&with("  - done_if: p99", &format!("{LISTS}{text}")))
    };
    let sick = "sick: \"all.items.filter(p, p.status.phase == 'Failed')\"";
    assert_snapshot!(set(sick, "sick.all(s, s.status.resaon == 'Evicted')"), @"playbooks/coredns.yaml:26:36: `status` of a Pod has no `resaon` in Kubernetes v1.35.4; write `reason`");
    assert_eq!(set(sick, "sick.all(s, s.status.reason == 'Evicted')"), "");
    assert_eq!(set("names: \"all.items.map(p, p.metadata.name)\"", "names.all(n, n.resaon == 'x')"), "");
    assert_snapshot!(set(&format!("{sick}, first: node.object.status"), "first.phse == 'x'"), @"playbooks/coredns.yaml:26:21: `status` of a Node has no `phse` in Kubernetes v1.35.4; write `phase`");
}

/// Two branches give it other things.
#[test]
fn a_name_that_may_stand_for_two_things_is_not_known() {
    let branches = "  - choose:
      - branch: one
        when: p99.value > 1
        do: [{ set: { some: all.items } }]
      - otherwise: other
        do: [{ set: { some: pods.items } }]
  - require: some.all(s, s.redy == s.sttus)
    because: it is not
  - done_if: p99";
    assert_eq!(whole(&with("  - done_if: p99", &format!("{LISTS}{branches}"))), "");
}

#[test]
fn what_a_verify_and_a_watch_ask_again_has_its_fields() {
    let verify =
        with("query: p99, until: value < 0.1", "query: all, until: \"items.all(p, p.status.phse == 'Running')\"");
    let verify = verify.replace("  - done_if: p99", &format!("{LISTS}  - done_if: p99"));
    assert!(whole(&verify).contains("`status` of a Pod has no `phse`"), "{}", whole(&verify));
    let watch = "  - id: again
    k8s.list: { kind: Pod, namespace: db }
    watch: { until: \"items.all(p, p.status.phse == 'Running')\", within: 10m }
  - require: again.held
    because: it is not
  - done_if: p99";
    assert!(whole(&with("  - done_if: p99", watch)).contains("`status` of a Pod has no `phse`"));
    assert_eq!(whole(&with("  - done_if: p99", &watch.replace("phse", "phase"))), "");
}

#[test]
fn the_items_of_a_loop_have_the_fields_of_their_list() {
    let loops = |name: &str, condition: &str| {
        let text = format!(
            "mitigate:
  - id: each
    foreach: pod in all.items.filter(p, p.status.phase == 'Failed')
    target: {{ kind: Pod, namespace: kube-system, name: \"{{{{{name}}}}}\" }}
    max: 5
    do:
      - leave_if: {condition}
        because: it is one of those
      - id: evict
        k8s.evict: {{}}
        verify: {{ until: target.status.phase == 'x', within: 5m }}
"
        );
        let text = with("mitigate:\n", &text).replace("  - done_if: p99", &format!("{LISTS}  - done_if: p99"));
        let said = whole(&text);
        let of_it: Vec<&str> = said.lines().filter(|line| line.contains("of a Pod has no")).collect();
        of_it.join("\n")
    };
    assert_eq!(loops("pod.metadata.name", "pod.status.reason == 'x'"), "");
    let said = loops("pod.metadata.nmae", "pod.status.resaon == 'x'");
    assert!(
        said.contains("`metadata` of a Pod has no `nmae`") && said.contains("`status` of a Pod has no `resaon`"),
        "{said}"
    );
}
