use super::*;
use crate::model::FailureClass;

fn autoscaler(min: Value, max: Value) -> Object {
    Object(json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": { "name": "web", "namespace": "shop", "uid": "u1", "resourceVersion": "10" },
        "spec": { "minReplicas": min, "maxReplicas": max },
    }))
}

fn wish(amount: Amount, max: &str, min: Option<&str>) -> Wish {
    Wish { amount, max: max.parse().unwrap(), min: min.map(|min| min.parse().unwrap()) }
}

fn by(by: &str, max: &str) -> Wish {
    wish(Amount::By(by.parse().unwrap()), max, None)
}

fn to(to: &str, max: &str, min: Option<&str>) -> Wish {
    wish(Amount::To(to.parse().unwrap()), max, min)
}

fn decide(object: &Object, field: &str, wish: Wish) -> Result<Plan, ActionError> {
    plan(object, &field.parse().unwrap(), wish, "dogwatch-run-7-raise".into())
}

fn told(object: &Object, field: &str, wish: Wish) -> String {
    match decide(object, field, wish) {
        Ok(Plan::Do(intent)) => intent.summary,
        Ok(Plan::Unneeded(output)) => format!("unneeded: {}", output.summary),
        Err(error) => format!("{:?}: {error}", error.class),
    }
}

fn most(max: i64, wish: Wish) -> String {
    told(&autoscaler(json!(2), json!(max)), "spec.maxReplicas", wish)
}

#[test]
fn the_intent_is_absolute() {
    let Ok(Plan::Do(intent)) = decide(&autoscaler(json!(2), json!(10)), "spec.maxReplicas", by("25%", "20")) else {
        panic!()
    };
    assert_eq!(intent.summary, "raise spec.maxReplicas of horizontalpodautoscaler/web in shop 10 -> 13");
    assert_eq!((intent.before, intent.after), (json!(10), json!(13)));
    assert_eq!((&*intent.uid, &*intent.resource_version, &*intent.marker), ("u1", "10", "dogwatch-run-7-raise"));
}

#[test]
fn a_whole_number_stays_one_and_the_cap_holds() {
    let raised = |to: &str| format!("raise spec.maxReplicas of horizontalpodautoscaler/web in shop {to}");
    assert_eq!(most(10, by("3", "20")), raised("10 -> 13"));
    assert_eq!(most(10, by("500m", "20")), raised("10 -> 11"));
    assert_eq!(most(1, by("1%", "20")), raised("1 -> 2"));
    assert_eq!(most(10, by("50%", "12")), raised("10 -> 12"));
    assert_eq!(most(10, by("50%", "12500m")), raised("10 -> 12"));
    assert_eq!(most(10, to("16", "20", None)), raised("10 -> 16"));
    assert_eq!(most(10, to("30", "20", None)), raised("10 -> 20"));
    let cap = "Fail: spec.maxReplicas of horizontalpodautoscaler/web in shop is";
    assert!(most(20, by("25%", "20")).starts_with(&format!("{cap} 20, and the cap is 20: more must come")));
    assert!(most(24, by("25%", "20")).starts_with(&format!("{cap} 24, and the cap is 20")));
    assert!(most(12, by("25%", "12500m")).starts_with(&format!("{cap} 12, and the cap is 12: more")));
    assert!(most(1_024, by("25%", "1024")).starts_with(&format!("{cap} 1024, and the cap is 1024")));
    assert!(most(30, to("25", "20", Some("4"))).starts_with(&format!("{cap} 30, and the cap is 20")));
}

#[test]
fn a_quantity_keeps_its_form() {
    let pool = |value: Value| {
        Object(json!({
            "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": { "name": "apps" },
            "spec": { "limits": { "cpu": value } },
        }))
    };
    let grows = |value: &str, by_much: &str| {
        let told = told(&pool(json!(value)), "spec.limits.cpu", by(by_much, "10Ti"));
        told.strip_prefix("raise spec.limits.cpu of nodepool.karpenter.sh/apps ").unwrap_or(&told).to_owned()
    };
    assert_eq!(grows("33", "25%"), "33 -> 42");
    assert_eq!(grows("819", "25%"), "819 -> 1024");
    assert_eq!(grows("10Gi", "25%"), "10Gi -> 12800Mi");
    assert_eq!(grows("1Gi", "20%"), "1Gi -> 1229Mi");
    assert_eq!(grows("1Gi", "1Gi"), "1Gi -> 2Gi");
    assert_eq!(grows("500m", "25%"), "500m -> 625m");
    assert_eq!(grows("501m", "25%"), "501m -> 627m");
    assert!(grows("auto", "25%").contains(r#"is "auto", which is neither a whole number nor a quantity"#));
    assert!(grows("", "25%").contains("is \"\", which is neither"));
    for wrong in [json!(1.5), json!(true), json!({ "a": 1 }), json!([1])] {
        assert!(told(&pool(wrong), "spec.limits.cpu", by("1", "9")).contains("neither a whole number nor a quantity"));
    }
}

#[test]
fn it_is_lowered_only_to_a_floor_that_the_playbook_names() {
    assert!(most(10, to("5", "20", None)).contains("would be lowered from 10 to 5, and the playbook names no `min`"));
    let lowered = |to: &str| format!("lower spec.maxReplicas of horizontalpodautoscaler/web in shop {to}");
    assert_eq!(most(10, to("5", "20", Some("4"))), lowered("10 -> 5"));
    assert_eq!(most(10, to("3", "20", Some("4"))), lowered("10 -> 4"));
    assert_eq!(most(30, to("10", "20", Some("4"))), lowered("30 -> 10"));
    assert!(most(30, to("10", "20", Some("25"))).contains("`min` is 25 and beyond `max`, which is 20"));
    let unneeded = "unneeded: spec.maxReplicas of horizontalpodautoscaler/web in shop is";
    assert_eq!(most(4, to("3", "20", Some("4"))), format!("{unneeded} 4 already"));
    assert_eq!(most(3, to("2", "20", Some("4"))), format!("{unneeded} 3 already"));
    assert_eq!(most(10, to("10", "20", None)), format!("{unneeded} 10 already"));
}

#[test]
fn a_ceiling_is_not_below_its_floor() {
    let own = told(&autoscaler(json!(6), json!(10)), "spec.maxReplicas", to("4", "20", Some("2")));
    assert!(own.starts_with("NeedsHuman: spec.maxReplicas of horizontalpodautoscaler/web in shop would be 4"), "{own}");
    assert!(own.ends_with("and spec.minReplicas is 6"), "{own}");
    let scaled = Object(json!({
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": { "name": "web", "namespace": "shop" },
        "spec": { "minReplicaCount": 6, "maxReplicaCount": 10 },
    }));
    assert!(told(&scaled, "spec.maxReplicaCount", to("4", "20", Some("2"))).contains("spec.minReplicaCount is 6"));
    assert!(told(&scaled, "spec.maxReplicaCount", by("25%", "20")).ends_with("10 -> 13"));
    let unsaid = told(&autoscaler(json!(null), json!(10)), "spec.maxReplicas", to("4", "20", Some("2")));
    assert!(unsaid.ends_with("10 -> 4"), "{unsaid}");
}

#[test]
fn what_is_not_there_or_means_something_else_is_not_counted_on() {
    let absent = told(&autoscaler(json!(2), json!(null)), "spec.maxReplicas", by("1", "20"));
    assert!(absent.starts_with("Fail: horizontalpodautoscaler/web in shop has no spec.maxReplicas"), "{absent}");
    assert!(most(0, by("1", "20")).starts_with("NeedsHuman: spec.maxReplicas"), "{}", most(0, by("1", "20")));
    assert!(told(&autoscaler(json!(2), json!(5)), "spec.maxReplicas.x", by("1", "20")).contains("has no"));
    let going =
        autoscaler(json!(2), json!(5)).with(&json!({ "metadata": { "deletionTimestamp": "2026-05-01T12:00:00Z" } }));
    assert!(told(&going, "spec.maxReplicas", by("1", "20")).contains("is being deleted"));
}

#[test]
fn what_others_keep_is_changed_there() {
    let with = |metadata: Value| {
        let kept = autoscaler(json!(2), json!(5)).with(&json!({ "metadata": metadata }));
        let Err(error) = decide(&kept, "spec.maxReplicas", by("1", "20")) else { panic!() };
        assert_eq!(error.class, FailureClass::NeedsHuman, "{error}");
        error.message
    };
    let keda = json!({ "ownerReferences": [{ "kind": "ScaledObject", "name": "web", "controller": true }] });
    assert!(with(keda).contains("is made by ScaledObject `web`: change it there"));
    let old_keda = json!({ "labels": { "scaledobject.keda.sh/name": "web" } });
    assert!(with(old_keda).contains("is made by ScaledObject `web`: change its spec.maxReplicaCount"));
    let argo = json!({ "managedFields": [
        { "manager": "argocd-controller", "fieldsV1": { "f:spec": { "f:maxReplicas": {} } } },
    ] });
    assert!(with(argo).contains("spec.maxReplicas of horizontalpodautoscaler/web in shop is kept by Argo CD"));
}
