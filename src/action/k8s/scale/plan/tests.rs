use super::*;
use crate::model::FailureClass;

fn workload(kind: &str, replicas: u32) -> Object {
    Object(json!({
        "kind": kind,
        "metadata": { "name": "coredns", "namespace": "kube-system", "uid": "u1", "resourceVersion": "10" },
        "spec": { "replicas": replicas },
    }))
}

fn by(text: &str, max: u32) -> Wish {
    Wish { amount: Amount::By(text.parse().unwrap()), max, min: None }
}

fn to(number: u32, max: u32, min: Option<u32>) -> Wish {
    Wish { amount: Amount::To(number), max, min }
}

fn decide(workload: &Object, owner: &Owner, config: Option<&Object>, wish: Wish) -> Result<Plan, ActionError> {
    plan(workload, owner, config, wish, "dogwatch-run-7-scale".into())
}

fn summary(plan: Result<Plan, ActionError>) -> String {
    match plan {
        Ok(Plan::Do(intent)) => intent.summary,
        Ok(Plan::Unneeded(output)) => format!("unneeded: {}", output.summary),
        Err(error) => format!("{:?}: {error}", error.class),
    }
}

fn hpa(min: u32, max: u32) -> Owner {
    Owner::Hpa(Box::new(Object(json!({
        "kind": "HorizontalPodAutoscaler",
        "metadata": { "name": "dns", "namespace": "kube-system", "uid": "u2", "resourceVersion": "20" },
        "spec": { "minReplicas": min, "maxReplicas": max },
    }))))
}

fn proportional() -> Owner {
    Owner::Proportional {
        autoscaler: "deployment/dns-autoscaler in kube-system".into(),
        config: ObjectKey::new("ConfigMap", "kube-system", "dns-autoscaler"),
    }
}

fn config(data: Value) -> Object {
    Object(json!({
        "kind": "ConfigMap",
        "metadata": { "name": "dns-autoscaler", "namespace": "kube-system", "uid": "u3", "resourceVersion": "30" },
        "data": data,
    }))
}

#[test]
fn the_intent_is_absolute() {
    let Ok(Plan::Do(intent)) = decide(&workload("Deployment", 4), &Owner::Nobody, None, by("50%", 10)) else {
        panic!()
    };
    assert_eq!(
        intent,
        Intent {
            summary: "scale deployment/coredns in kube-system 4 -> 6".into(),
            object: ObjectKey::new("Deployment", "kube-system", "coredns"),
            uid: "u1".into(),
            resource_version: "10".into(),
            before: json!(4),
            after: json!(6),
            marker: "dogwatch-run-7-scale".into(),
        }
    );
}

#[test]
fn the_cap_holds() {
    let scale = |replicas, wish| summary(decide(&workload("Deployment", replicas), &Owner::Nobody, None, wish));
    assert_eq!(scale(8, by("50%", 10)), "scale deployment/coredns in kube-system 8 -> 10");
    assert_eq!(scale(4, to(20, 10, None)), "scale deployment/coredns in kube-system 4 -> 10");
    for replicas in [10, 12] {
        let refused = scale(replicas, by("2", 10));
        assert!(
            refused.starts_with(&format!("Fail: deployment/coredns in kube-system has {replicas} replicas")),
            "{refused}"
        );
        assert!(refused.contains("the cap is 10"), "{refused}");
    }
}

#[test]
fn down_only_to_a_floor() {
    let scale = |wish| summary(decide(&workload("Deployment", 6), &Owner::Nobody, None, wish));
    assert_eq!(scale(to(2, 10, Some(3))), "scale deployment/coredns in kube-system 6 -> 3");
    assert_eq!(scale(to(2, 10, Some(8))), "unneeded: deployment/coredns in kube-system has 6 replicas already");
    assert_eq!(scale(to(6, 10, None)), "unneeded: deployment/coredns in kube-system has 6 replicas already");
    assert!(scale(to(2, 10, None)).starts_with("Fail: "));
}

#[test]
fn a_statefulset_goes_up_to_a_named_number_only() {
    let scale = |wish| summary(decide(&workload("StatefulSet", 2), &Owner::Nobody, None, wish));
    assert_eq!(scale(to(3, 3, None)), "scale statefulset/coredns in kube-system 2 -> 3");
    assert!(scale(to(1, 3, Some(1))).starts_with("NeedsHuman: "));
    assert!(scale(by("50%", 3)).starts_with("NeedsHuman: "));
}

#[test]
fn what_was_switched_off_stays_off() {
    let refused = summary(decide(&workload("Deployment", 0), &Owner::Nobody, None, to(4, 10, None)));
    assert!(refused.starts_with("NeedsHuman: ") && refused.contains("scaled to nothing"), "{refused}");
}

#[test]
fn other_kinds_are_not_scaled() {
    let refused = summary(decide(&workload("DaemonSet", 1), &Owner::Nobody, None, by("2", 5)));
    assert!(refused.contains("only Deployments and StatefulSets can"), "{refused}");
}

#[test]
fn an_hpa_is_changed_instead_of_what_it_scales() {
    let scale = |min, max, wish| summary(decide(&workload("Deployment", 4), &hpa(min, max), None, wish));
    assert_eq!(
        scale(2, 20, by("50%", 10)),
        "raise minReplicas of horizontalpodautoscaler/dns in kube-system 2 -> 6, as it scales deployment/coredns in kube-system"
    );
    assert!(scale(2, 5, by("50%", 10)).contains("2 -> 5"));
    assert!(
        scale(2, 4, by("50%", 10))
            .starts_with("Fail: deployment/coredns in kube-system has 4 replicas, which is the most")
    );
    assert!(scale(6, 20, by("50%", 10)).starts_with("unneeded: "));
    assert!(scale(2, 20, to(3, 10, Some(1))).starts_with("NeedsHuman: "));
    let Ok(Plan::Do(intent)) = decide(&workload("Deployment", 4), &hpa(2, 20), None, by("50%", 10)) else { panic!() };
    assert_eq!((intent.uid.as_str(), intent.before, intent.after), ("u2", json!(2), json!(6)));
}

#[test]
fn the_proportional_autoscaler_gets_a_higher_floor() {
    let linear = r#"{"coresPerReplica":256,"nodesPerReplica":16,"min":2,"preventSinglePointFailure":true}"#;
    let own = config(json!({ "linear": linear }));
    let Ok(Plan::Do(intent)) = decide(&workload("Deployment", 4), &proportional(), Some(&own), by("50%", 10)) else {
        panic!()
    };
    assert_eq!(
        intent.summary,
        "raise min of configmap/dns-autoscaler in kube-system 2 -> 6, by which deployment/dns-autoscaler in kube-system scales deployment/coredns in kube-system"
    );
    assert_eq!(intent.before, json!(linear));
    let after: Value = serde_json::from_str(intent.after.as_str().unwrap()).unwrap();
    assert_eq!(
        after,
        json!({ "coresPerReplica": 256, "nodesPerReplica": 16, "min": 6, "preventSinglePointFailure": true })
    );
    assert_eq!((linear_min(linear), linear_min("{}")), (2, 1));
}

#[test]
fn the_proportional_autoscaler_keeps_its_own_bound() {
    let scale =
        |data: Value| summary(decide(&workload("Deployment", 4), &proportional(), Some(&config(data)), by("50%", 10)));
    assert!(scale(json!({ "linear": r#"{"min":1,"max":5}"# })).contains("1 -> 5"));
    assert!(scale(json!({ "linear": r#"{"min":1,"max":4}"# })).starts_with("Fail: "));
    assert!(scale(json!({ "linear": r#"{"min":6}"# })).starts_with("unneeded: "));
}

#[test]
fn an_autoscaler_that_cannot_be_raised_is_for_a_human() {
    for data in [json!({ "ladder": r#"{"nodesToReplicas":[[1,2]]}"# }), json!({ "linear": "not json" }), json!({})] {
        let refused = summary(decide(&workload("Deployment", 4), &proportional(), Some(&config(data)), by("2", 10)));
        assert!(refused.starts_with("NeedsHuman: ") && refused.contains("no least number"), "{refused}");
    }
    let refused = decide(&workload("Deployment", 4), &proportional(), None, by("2", 10)).unwrap_err();
    assert_eq!(refused.class, FailureClass::NeedsHuman);
}

#[test]
fn an_owner_that_is_not_argued_with_is_named() {
    let owner = Owner::Other("spec.replicas is kept by Argo CD".into());
    let refused = decide(&workload("Deployment", 4), &owner, None, by("2", 10)).unwrap_err();
    assert_eq!(refused, ActionError::needs_human("spec.replicas is kept by Argo CD"));
}
