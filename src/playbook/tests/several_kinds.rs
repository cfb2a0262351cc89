//! Targets that may be of several kinds.

use super::*;

const TARGET: &str = "target: { kind: Deployment, namespace: kube-system, name: coredns }";

/// The good playbook about that target.
fn about(target: &str) -> String {
    with(TARGET, &format!("target: {target}"))
}

fn told(text: &str) -> String {
    match parse(text) {
        Ok(playbook) => panic!("nothing is wrong with {:?}", playbook.target),
        Err(problems) => problems.iter().map(|problem| problem.render(false)).collect::<Vec<_>>().join("\n"),
    }
}

#[test]
fn each_kind_has_its_label() {
    let labels = |target: &str| {
        let playbook = parse(&about(target)).unwrap_or_else(|problems| panic!("{target}: {problems:#?}"));
        let label = |one: &TargetKind| match &one.name {
            TargetPart::Label(label) => format!("{} by {label}", one.kind),
            other => panic!("{other:?}"),
        };
        playbook.target.kinds.iter().map(label).collect::<Vec<_>>().join(", ")
    };
    let usual = "Deployment by deployment, StatefulSet by statefulset";
    assert_eq!(labels("{ kind: [Deployment, StatefulSet], from: alert }"), usual);
    assert_eq!(labels("{ kind: [deployments.apps, StatefulSet.v1.apps], from: alert, namespace: web }"), usual);
    assert_eq!(labels("{ kind: [Deployment], from: alert }"), "Deployment by deployment");
    assert_eq!(
        labels("\n  kind:\n    - Deployment\n    - StatefulSet\n  from: alert\n  label:\n    Deployment.apps: app"),
        "Deployment by app, StatefulSet by statefulset"
    );
    assert_eq!(labels("{ kind: Deployment, from: alert, label: { Deployment: app } }"), "Deployment by app");
}

#[test]
fn a_kind_that_cannot_be_said_is_a_mistake() {
    insta::assert_snapshot!(told(&about("{ kind: [Deployment, StatefulSet], namespace: web, name: front }")), @"
    error[contradiction]: the alert says of which of several kinds the target is, and this target comes from none
      --> playbooks/coredns.yaml:12:18
       |
    12 | target: { kind: [Deployment, StatefulSet], namespace: web, name: front }
       |                  ^^^^^^^^^^
       |
       = help: add `from: alert`, or write one kind
    ");
    let name = "name: \"{{alert.labels.app}}\"";
    for (target, message, remedy) in [
        ("{ kind: [], from: alert }", "`target` names no kind", "write one kind, or a list"),
        ("{ kind: [Deployment, Deploymnet], from: alert }", "`Deploymnet` is no kind", "write `Deployment`"),
        ("{ kind: [Deployment, Secret], from: alert }", "secrets are never read", ""),
        ("{ kind: [Deployment, deployments.apps], from: alert }", "`deployments.apps` is there twice", "keep one"),
        (
            &format!("{{ kind: [Deployment, StatefulSet], from: alert, {name} }}"),
            "`name` does not say of which of several kinds",
            "leave it out",
        ),
        (
            "{ kind: [Deployment, StatefulSet], from: alert, label: app }",
            "of several kinds, each has a label of its own",
            "write `label: { Deployment: app }`",
        ),
        (
            "{ kind: [Deployment, StatefulSet], from: alert, label: { DaemonSet: ds } }",
            "`DaemonSet` is no kind of the target",
            "the kinds are `Deployment` and `StatefulSet`",
        ),
        (
            "{ kind: [Deployment, StatefulSet], from: alert, label: { Deployment: app, deployments.apps: front } }",
            "`deployments.apps` is a kind that has a label already",
            "keep one of the two",
        ),
        (
            "{ kind: [Deployment, StatefulSet], from: alert, label: { Deployment: app, StatefulSet: app } }",
            "an alert about a Deployment and one about a StatefulSet both have the label `app`",
            "each kind needs a label",
        ),
        (
            "{ kind: [Namespace, StatefulSet], from: alert }",
            "an alert about a Namespace and one about a StatefulSet both have the label `namespace`",
            "",
        ),
        (
            "{ kind: [Deployment, EndpointSlice], from: alert }",
            "which label of an alert names objects of the kind `EndpointSlice` is not known",
            "add `label: { EndpointSlice: the_label }`",
        ),
        (
            "{ kind: [Deployment, Node], from: alert, namespace: web }",
            "objects of the kind `Node` belong to no namespace",
            "leave it out",
        ),
        (
            "{ kind: [Deployment, StatefulSet], from: alert, label: { Deployment: \"a b\" } }",
            "that is no name of a label",
            "",
        ),
        ("{ kind: { Deployment: app }, from: alert }", "it is a text, or a list of texts", ""),
        ("{ kind: Deployment, from: alert, label: [app] }", "it is a text, or a text for each name", ""),
        ("{ kind: , from: alert }", "no value", "write one, or leave the key out"),
    ] {
        let told = told(&about(target));
        assert!(told.contains(message) && told.contains(remedy), "{target}: {told}");
        assert!(told.contains("coredns.yaml:12:"), "{told}");
    }
    let input = about("{ kind: [Deployment, StatefulSet], from: alert }")
        .replace("  max_rep", "  kind: { type: string }\n  max_rep");
    assert!(told(&input).contains("cannot be an input as well"), "{}", told(&input));
}

#[test]
fn an_action_must_suit_each_of_them() {
    let target = "{ kind: [Deployment, DaemonSet, StatefulSet], from: alert }";
    insta::assert_snapshot!(told(&about(target)), @"
    error[wrong-target]: `k8s.scale` does nothing with a DaemonSet, which the target may be
      --> playbooks/coredns.yaml:25:5
       |
    25 |     k8s.scale: { by: 50%, max: \"{{inputs.max_replicas}}\" }
       |     ^^^^^^^^^
       |
       = help: take another action, or a target of the kind `Deployment` or `StatefulSet`
    ");
}

#[test]
fn items_are_of_one_kind() {
    let each = "diagnose:\n  - k8s.list: { kind: Job }\n    id: jobs\n  - id: all\n    foreach: job in jobs.items\n    max: 5\n    target: { kind: [Job, CronJob], name: \"{{job.metadata.name}}\" }\n    do: [{ require: job.metadata.name != 'x' }]\n";
    let text = with("diagnose:\n", each);
    assert!(told(&text).contains("the items of a `foreach` are of one kind"), "{}", told(&text));
}

#[test]
fn the_rights_are_those_for_each_of_them() {
    let playbook = parse(&about("{ kind: [Deployment, StatefulSet], from: alert }")).unwrap();
    let rights: Vec<String> = rights(&playbook)
        .iter()
        .filter(|right| right.resource == "deployments" || right.resource == "statefulsets")
        .map(|right| {
            let subresource =
                if right.subresource.is_empty() { String::new() } else { format!("/{}", right.subresource) };
            format!("{} {}{subresource}", right.verb, right.resource)
        })
        .collect();
    for resource in ["deployments", "statefulsets"] {
        for right in [format!("get {resource}"), format!("patch {resource}/scale")] {
            assert!(rights.contains(&right), "{right}: {rights:?}");
        }
    }
    // What is not one of them is not asked for.
    let one = parse(&about("{ kind: Deployment, from: alert }")).unwrap();
    assert!(super::rights(&one).iter().all(|right| right.resource != "statefulsets"));
}

/// Whatever the run is about must be something for the other playbook, unless a text says what is.
#[test]
fn what_is_handed_over_is_one_of_the_others_kinds() {
    let read = |text: String| parse(&text).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let other = |target: &str| {
        read(about(target).replace("name: coredns-saturated", "name: other").replace("CoreDNS", "Other"))
    };
    let from = |target: &str, to: &str| {
        let hand_over =
            format!("{{ branch: it runs, when: target.spec.replicas > 0, hand_over_to: {{ playbook: other{to} }} }}");
        let otherwise = "{ otherwise: it is off, escalate: nobody knows why }";
        let step = format!("diagnose:\n  - choose:\n      - {hand_over}\n      - {otherwise}\n");
        let (before, _) = GOOD.split_once("diagnose:").unwrap();
        let text = format!("{before}{step}escalate:\n  - page: {{ message: \"{{{{because}}}}\" }}\n");
        read(text.replace(TARGET, &format!("target: {target}")))
    };
    let wrong = |from: Playbook, to: Playbook| {
        let (_, problems) = Catalog::of(vec![from, to]);
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    const BOTH: &str = "{ kind: [Deployment, StatefulSet], from: alert }";
    const ONE: &str = "{ kind: StatefulSet, namespace: db, name: pg }";
    const FROM_ALERT: &str = "{ kind: StatefulSet, from: alert }";
    assert_eq!(wrong(from(BOTH, ""), other(BOTH)), "");
    assert_eq!(wrong(from(ONE, ""), other(BOTH)), "");
    let told = wrong(from(BOTH, ""), other(FROM_ALERT));
    assert!(told.contains("`other` is about a StatefulSet, and this playbook may be about a Deployment"), "{told}");
    assert!(told.contains("add `target: \"StatefulSet/namespace/name\"`"), "{told}");
    assert_eq!(wrong(from(BOTH, ", target: \"StatefulSet/{{target.metadata.namespace}}/pg\""), other(FROM_ALERT)), "");
}
