use serde_json::json;

use super::*;

fn entry(manager: &str, operation: &str, time: Option<&str>, fields: Value) -> Value {
    let mut entry = json!({ "manager": manager, "operation": operation, "fieldsV1": fields });
    if let Some(time) = time {
        entry["time"] = json!(time);
    }
    entry
}

fn replicas() -> Value {
    json!({ "f:spec": { "f:replicas": {} } })
}

fn with(metadata: Value) -> Object {
    let object = json!({
        "kind": "Deployment",
        "metadata": { "name": "coredns", "namespace": "kube-system" },
        "spec": { "replicas": 4 },
    });
    Object(object).with(&json!({ "metadata": metadata }))
}

fn deployment(manager: &str) -> Object {
    let entries = [entry(manager, "Update", None, replicas()), entry("kubectl-scale", "Update", None, replicas())];
    with(json!({ "managedFields": entries }))
}

fn kept(object: &Object) -> Option<String> {
    keeper(object, REPLICAS)
}

#[test]
fn tools_that_put_a_field_back_are_known() {
    for manager in [
        "argocd-controller",
        "kustomize-controller",
        "flux-client-side-apply",
        "helm-controller",
        "eks",
        "fleetagent",
        "gardener-resource-manager",
    ] {
        let who = kept(&deployment(manager)).unwrap();
        assert!(who.contains("spec.replicas of deployment/coredns in kube-system is kept by"), "{who}");
        assert!(who.contains(manager), "{who}");
    }
}

#[test]
fn people_and_other_fields_keep_nothing() {
    for manager in [
        "kubectl",
        "kubectl-client-side-apply",
        "helm",
        "eksctl",
        "kubeadm",
        "fluxion",
        "python-requests",
        "kube-controller-manager",
        "dogwatch-run-7-mitigate-scale",
    ] {
        assert_eq!(kept(&deployment(manager)), None, "{manager}");
    }
    assert_eq!(keeper(&deployment("argocd-controller"), &["spec", "paused"]), None);
}

#[test]
fn a_program_that_nobody_knows_is_judged_by_how_it_writes() {
    let by = |entries: Vec<Value>| kept(&with(json!({ "managedFields": entries })));
    let by_one = |manager, operation| by(vec![entry(manager, operation, None, replicas())]);
    let who = by_one("acme-deployer", "Apply").unwrap();
    assert!(who.contains("`acme-deployer`: change it where that program takes it from"), "{who}");
    assert!(who.ends_with("(field manager `acme-deployer`, by server-side apply)"), "{who}");
    assert_eq!(by_one("kubectl", "Apply"), None);
    assert_eq!(by_one("helm", "Apply"), None);
    assert_eq!(by_one("dogwatch-run-7-mitigate-scale", "Apply"), None);

    for manager in ["dns-operator", "manager", "acme-controller-manager", "acme_reconciler"] {
        let who = by_one(manager, "Update").unwrap();
        assert!(who.contains("by its name a controller"), "{who}");
    }
    for manager in ["acme", "imanager", "deploy"] {
        assert_eq!(by_one(manager, "Update"), None, "{manager}");
    }

    let after = |later, fields: Value| {
        by(vec![
            entry("kubectl-edit", "Update", Some("2026-05-01T12:00:00Z"), fields.clone()),
            entry("acme", "Update", Some(later), fields),
        ])
    };
    let who = after("2026-05-01T12:05:00Z", replicas()).unwrap();
    assert!(who.ends_with("(field manager `acme`, which wrote it again after another)"), "{who}");
    assert_eq!(after("2026-05-01T11:00:00Z", replicas()), None);
    // Each holds a part of its own.
    assert_eq!(after("2026-05-01T12:05:00Z", json!({ "f:spec": { "f:replicas": { "f:x": {} } } })), None);

    let mut scaled = entry("acme-operator", "Update", None, replicas());
    scaled["subresource"] = json!("scale");
    assert_eq!(by(vec![scaled]), None);
}

#[test]
fn marks_of_tools_keep_what_nothing_says_they_leave() {
    for (labels, name) in [
        (json!({ "addonmanager.kubernetes.io/mode": "Reconcile" }), "the add-on manager"),
        (json!({ "argocd.argoproj.io/instance": "dns" }), "Argo CD"),
        (json!({ "kustomize.toolkit.fluxcd.io/name": "dns" }), "Flux"),
        (json!({ "objectset.rio.cattle.io/hash": "1f" }), "Rancher's Fleet or add-ons"),
        (json!({ "resources.gardener.cloud/managed-by": "gardener" }), "Gardener"),
        (json!({ "olm.owner": "dns.v1" }), "the Operator Lifecycle Manager"),
    ] {
        let who = kept(&with(json!({ "labels": labels.clone() }))).unwrap();
        assert!(who.contains(&format!("is kept by {name}: ")) && who.contains("(label `"), "{who}");
        // Nobody has set that field at all.
        assert_eq!(keeper(&with(json!({ "labels": labels })), &["spec", "paused"]), None);
    }
    for labels in [
        json!({ "addonmanager.kubernetes.io/mode": "EnsureExists" }),
        json!({ "app.kubernetes.io/managed-by": "Helm" }),
        json!({ "kapp.k14s.io/app": "1" }),
        json!({ "kustomize.toolkit.fluxcd.io/name": "dns", "kustomize.toolkit.fluxcd.io/reconcile": "disabled" }),
        json!({ "resources.gardener.cloud/managed-by": "gardener", "resources.gardener.cloud/preserve-replicas": "true" }),
    ] {
        assert_eq!(kept(&with(json!({ "labels": labels.clone() }))), None, "{labels}");
    }
    let helm = json!({ "annotations": { "meta.helm.sh/release-name": "dns" } });
    assert_eq!(kept(&with(helm)), None);
}

#[test]
fn a_mark_does_not_go_for_what_its_tool_leaves_to_others() {
    let argo = |managers: Vec<Value>, annotations: Value| {
        kept(&with(json!({
            "labels": { "argocd.argoproj.io/instance": "dns" }, "annotations": annotations, "managedFields": managers,
        })))
    };
    let template = json!({ "f:spec": { "f:template": {} } });
    let scaled = entry("kubectl-scale", "Update", None, replicas());
    let of_argo = |fields| entry("argocd-controller", "Update", None, fields);
    assert_eq!(argo(vec![of_argo(template), scaled.clone()], json!({})), None);
    let who = argo(vec![of_argo(replicas()), scaled.clone()], json!({})).unwrap();
    assert!(who.contains("(field manager `argocd-controller`, label `argocd.argoproj.io/instance: dns`)"), "{who}");

    let applied = |text: &str| json!({ "kubectl.kubernetes.io/last-applied-configuration": text });
    assert_eq!(argo(vec![scaled.clone()], applied(r#"{"spec":{"template":{}}}"#)), None);
    assert!(argo(vec![scaled.clone()], applied(r#"{"spec":{"replicas":4}}"#)).is_some());
    assert!(argo(vec![scaled], json!({})).is_some());
    // What a run, or an autoscaler, has set is still as they left it.
    for manager in ["dogwatch-run-7-mitigate-scale", "kube-controller-manager"] {
        assert_eq!(argo(vec![entry(manager, "Update", None, replicas())], json!({})), None, "{manager}");
    }
}

#[test]
fn a_mark_knows_the_container_that_was_applied() {
    let text = r#"{"spec":{"template":{"spec":{"containers":[{"name":"dns","resources":{}}]}}}}"#;
    let object = with(json!({
        "labels": { "addonmanager.kubernetes.io/mode": "Reconcile" },
        "annotations": { "kubectl.kubernetes.io/last-applied-configuration": text },
    }));
    let of = |name: &str| {
        let container = format!("k:{{\"name\":\"{name}\"}}");
        keeper(&object, &["spec", "template", "spec", "containers", &container, "resources"])
    };
    assert!(of("dns").is_some());
    assert_eq!(of("sidecar"), None);
}

#[test]
fn a_controller_is_named() {
    let mut deployment = deployment("kubectl");
    assert_eq!(controller(&deployment), None);
    deployment.0["metadata"]["ownerReferences"] =
        json!([{ "kind": "DNS", "name": "default", "controller": true, "apiVersion": "operator.example/v1" }]);
    let who = controller(&deployment).unwrap();
    assert_eq!(who, "deployment/coredns in kube-system is made by DNS `default`: change it there");
}

#[test]
fn all_that_is_known_is_told_the_surest_first() {
    let object = with(json!({
        "labels": { "app.kubernetes.io/managed-by": "Helm", "argocd.argoproj.io/instance": "dns" },
        "annotations": { "meta.helm.sh/release-name": "dns" },
        "managedFields": [
            entry("kubectl-scale", "Update", None, replicas()),
            entry("argocd-controller", "Apply", Some("2026-05-01T12:00:00Z"), replicas()),
        ],
    }));
    let found = of(&object, REPLICAS);
    let told: Vec<_> = found.iter().map(|it| (it.who.as_str(), it.evidence, it.is_certain())).collect();
    assert_eq!(
        told,
        [
            ("Argo CD", Evidence::Manager, true),
            ("whoever uses `kubectl-scale`", Evidence::Manager, false),
            ("Helm", Evidence::Mark, false),
        ]
    );
}
