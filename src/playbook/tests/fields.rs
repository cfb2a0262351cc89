//! Fields of objects that no object has.

use std::sync::Arc;

use insta::assert_snapshot;
use serde_json::json;

use super::*;
use crate::cluster::{Definition, Kinds};

fn told_of(text: &str, kinds: &Arc<Kinds>) -> String {
    let problems = match Playbook::parse_with(Path::new("playbooks/coredns.yaml"), text, kinds) {
        Ok(playbook) => playbook.warnings,
        Err(problems) => problems,
    };
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn told(text: &str) -> String {
    told_of(text, &Arc::default())
}

/// Behind a `?` the default would stand in for ever, and nobody would see it.
#[test]
fn a_misspelt_field_is_told_before_a_default_stands_in_for_it() {
    let text = with("target.status.?readyReplicas", "target.status.?readyReplica");
    assert_snapshot!(told(&text), @"playbooks/coredns.yaml:21:29: `status` of a Deployment has no `readyReplica` in Kubernetes v1.35.4; write `readyReplicas`");
    let text = with("pods are missing, and", "{{target.metadata.nmae}}: pods are missing, and");
    assert_snapshot!(told(&text), @r#"
    playbooks/coredns.yaml:22:14: a text that starts with `{{` needs quotes, or YAML takes it for a mapping; write `"{{target.metadata.nmae}}"`
    playbooks/coredns.yaml:22:38: this is no YAML: mapping values are not allowed in this context; put quotes around a text that holds `: `, or look whether the lines around it are indented alike
    "#);
    let text = with("target.spec.replicas\n", "target.specs.?replicas.orValue(1)\n");
    assert_snapshot!(told(&text), @"playbooks/coredns.yaml:21:64: a Deployment has no `specs` in Kubernetes v1.35.4; write `spec`");
    let text = with("target.spec.replicas\n", "target.spec.template.spec.?capacity.orValue(1)\n");
    assert_snapshot!(told(&text), @"playbooks/coredns.yaml:21:84: `spec.template.spec` of a Deployment has no `capacity` in Kubernetes v1.35.4; `kubectl explain deployments.spec.template.spec` lists what there is");
}

#[test]
fn what_may_have_any_key_is_nobodys_mistake() {
    for field in [
        "target.metadata.?annotations[?'dogwatch/no-undo'].orValue(1)",
        "target.metadata.labels.team",
        "target.spec.strategy.?rollingUpdate.?maxSurge.orValue(1)",
        "target.spec.template.spec.containers[0].resources.limits.memory",
    ] {
        assert_eq!(told(&with("target.spec.replicas\n", &format!("{field}\n"))), "", "{field}");
    }
}

#[test]
fn the_type_that_the_api_server_gives_counts_beside_an_operator() {
    let text = with("target.spec.replicas\n", "2 && target.spec.replicas > '2'\n");
    assert_snapshot!(told(&text), @"playbooks/coredns.yaml:21:83: `target.spec.replicas` is a number, and `'2'` is a text: `>` of the two has no answer; write 2 without quotes");
    // A run that is under way keeps the rules of its time.
    Playbook::from_store(&text).unwrap();
}

/// A field that one of them has is asked for with a `?`.
#[test]
fn of_several_kinds_one_is_enough() {
    let several = with(
        "target: { kind: Deployment, namespace: kube-system, name: coredns }",
        "target: { kind: [Deployment, StatefulSet], from: alert }",
    );
    let asks = |field: &str| several.replace("target.status.?readyReplicas", &format!("target.status.?{field}"));
    let misspelt = told(&asks("currentReplica"));
    assert!(misspelt.contains("`status` of a Deployment or a StatefulSet has no `currentReplica`"), "{misspelt}");
    let of_one = told(&asks("currentReplicas"));
    assert!(!of_one.contains("currentReplicas"), "{of_one}");
}

#[test]
fn an_object_that_a_step_reads_has_the_fields_of_its_kind() {
    let get = "  - id: zone\n    k8s.get: { kind: Node, name: one }\n  - done_if: zone.object.status.phases == 'Running'\n    because: it runs\n";
    let text = with("  - done_if: p99", &format!("{get}  - done_if: p99"));
    assert_snapshot!(told(&text), @"playbooks/coredns.yaml:21:33: `status` of a Node has no `phases` in Kubernetes v1.35.4; write `phase`");
}

/// Operators bring definitions; where one lies beside the playbooks, it says what there is.
#[test]
fn a_custom_resource_has_the_fields_of_its_definition() {
    let kinds = Arc::new(Kinds::new());
    let crd = json!({
        "kind": "CustomResourceDefinition",
        "metadata": { "name": "clusters.postgresql.cnpg.io" },
        "spec": {
            "group": "postgresql.cnpg.io",
            "scope": "Namespaced",
            "names": { "kind": "Cluster", "plural": "clusters" },
            "versions": [{ "name": "v1", "served": true, "schema": { "openAPIV3Schema": {
                "type": "object",
                "properties": {
                    "spec": { "type": "object", "properties": { "instances": { "type": "integer" } } },
                    "status": { "type": "object", "properties": { "readyInstances": { "type": "integer" } } },
                },
            } } }],
        },
    });
    kinds.define(&Definition::of(&crd).unwrap());
    let custom = with(
        "target: { kind: Deployment, namespace: kube-system, name: coredns }",
        "target: { kind: Cluster.postgresql.cnpg.io, namespace: db, name: main }",
    )
    .replace("target.status.?readyReplicas.orValue(0) == target.spec.replicas", "CONDITION");
    let told = |condition: &str| {
        let all = told_of(&custom.replace("CONDITION", condition), &kinds);
        all.lines().filter(|line| line.contains(":21:")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(
        told("target.status.?readyInstances.orValue(0) == target.spec.instances && target.metadata.name != ''"),
        ""
    );
    assert_snapshot!(told("target.status.?readyInstance.orValue(0) == 3"), @"playbooks/coredns.yaml:21:29: `status` of a Cluster has no `readyInstance` by its definition; write `readyInstances`");
    assert_snapshot!(told("target.metadata.nam == ''"), @"playbooks/coredns.yaml:21:30: `metadata` of a Cluster has no `nam` in Kubernetes v1.35.4; `kubectl explain clusters.metadata` lists what there is");
    assert_snapshot!(told("target.spec.instances == '3'"), @"playbooks/coredns.yaml:21:36: `target.spec.instances` is a number, and `'3'` is a text: `==` of the two has no answer; write 3 without quotes");
}
