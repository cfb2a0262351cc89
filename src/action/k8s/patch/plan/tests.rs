use serde_json::json;

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
    assert_eq!(most(1, by("1%", "20")), raised("1 -> 2"));
    assert_eq!(most(10, by("50%", "12")), raised("10 -> 12"));
    assert_eq!(most(10, to("16", "20", None)), raised("10 -> 16"));
    assert_eq!(most(10, to("30", "20", None)), raised("10 -> 20"));
    let cap = "Fail: spec.maxReplicas of horizontalpodautoscaler/web in shop is";
    assert!(most(20, by("25%", "20")).starts_with(&format!("{cap} 20, and the cap is 20: more must come")));
    assert!(most(24, by("25%", "20")).starts_with(&format!("{cap} 24, and the cap is 20")));
    assert!(most(12, by("25%", "12")).starts_with(&format!("{cap} 12, and the cap is 12: more")));
    assert!(most(1_024, by("25%", "1024")).starts_with(&format!("{cap} 1024, and the cap is 1024")));
    assert!(most(30, to("25", "20", Some("4"))).starts_with(&format!("{cap} 30, and the cap is 20")));
}

#[test]
fn a_count_takes_plain_whole_numbers_within_reason() {
    for wrong in ["1k", "1Ki", "5000m", "100001", "12500m", "1e3", "1.5"] {
        for (name, wish) in [
            ("max", by("25%", wrong)),
            ("by", by(wrong, "20")),
            ("to", to(wrong, "20", None)),
            ("min", to("12", "20", Some(wrong))),
        ] {
            let told = most(10, wish);
            let why = format!("Fail: `{name}` is no plain whole number, and `spec.maxReplicas` is a count");
            assert!(told.starts_with(&why) && told.ends_with("up to 100000 without a unit"), "{wrong}: {told}");
        }
    }
    assert!(most(10, by("25%", "100000")).ends_with("10 -> 13"));
}

fn pool(value: Value) -> Object {
    Object(json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": { "name": "apps" },
        "spec": { "limits": { "cpu": value } },
    }))
}

/// `5m` may be five minutes to whoever reads the field, and `0644` the mode of a file.
#[test]
fn a_unit_of_another_sort_is_not_compared() {
    let told = |value: Value, wish: Wish| told(&pool(value), "spec.limits.cpu", wish);
    for (value, wish, name) in [
        (json!(33), by("500m", "40"), "by"),
        (json!(33), by("25%", "10Gi"), "max"),
        (json!("33"), by("25%", "40k"), "max"),
        (json!("33"), to("40", "1e3", None), "max"),
        (json!("500m"), by("25%", "2"), "max"),
        (json!("500m"), by("1", "2000m"), "by"),
        (json!("500m"), by("25%", "10Gi"), "max"),
        (json!("10Gi"), to("20", "30Gi", None), "to"),
        (json!("10Gi"), to("8Gi", "30Gi", Some("500m")), "min"),
    ] {
        let told = told(value.clone(), wish);
        assert!(told.starts_with("Fail: spec.limits.cpu of nodepool.karpenter.sh/apps is "), "{value}: {told}");
        assert!(told.contains(&format!(": `{name}` must be written with")), "{value}: {told}");
    }
    for octal in ["0644", "00", "010Gi", "-07", "+0755"] {
        let told = told(json!(octal), by("25%", "9000"));
        assert!(told.contains(&format!("is \"{octal}\", whose leading zero may mean that it is octal")), "{told}");
    }
    for other in ["1.5", "+5", "12e6", "1h", "5s", "1m30s"] {
        let told = told(json!(other), by("25%", "9000"));
        assert!(told.contains("which is neither a whole number nor a quantity"), "{other}: {told}");
    }
    assert!(told(json!("0.5Gi"), by("25%", "1Gi")).ends_with("0.5Gi -> 640Mi"));
}

#[test]
fn a_quantity_keeps_its_form() {
    let grows = |value: &str, by_much: &str| {
        let cap = match value.trim_start_matches(|c: char| c.is_ascii_digit()) {
            "" => "9999",
            "m" => "9999m",
            _ => "10Ti",
        };
        let told = told(&pool(json!(value)), "spec.limits.cpu", by(by_much, cap));
        told.strip_prefix("raise spec.limits.cpu of nodepool.karpenter.sh/apps ").unwrap_or(&told).to_owned()
    };
    assert_eq!(grows("33", "25%"), "33 -> 42");
    assert_eq!(grows("819", "25%"), "819 -> 1024");
    assert_eq!(grows("10Gi", "25%"), "10Gi -> 12800Mi");
    assert_eq!(grows("1Gi", "20%"), "1Gi -> 1229Mi");
    assert_eq!(grows("1Gi", "1Gi"), "1Gi -> 2Gi");
    assert_eq!(grows("500m", "25%"), "500m -> 625m");
    assert_eq!(grows("501m", "25%"), "501m -> 627m");
    assert_eq!(grows("800m", "25%"), "800m -> 1000m");
    assert_eq!(grows("2000m", "100%"), "2000m -> 4000m");
    assert_eq!(grows("10G", "25%"), "10G -> 12500M");
    assert_eq!(grows("1k", "1%"), "1k -> 2k");
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
    let within = |field: &str| {
        told(&autoscaler(json!(2), json!(5)).with(&json!({ "spec": { "list": [[8]] } })), field, by("1", "20"))
    };
    let no_mapping =
        "horizontalpodautoscaler/web in shop has no spec.maxReplicas.x: its spec.maxReplicas is no mapping";
    assert!(within("spec.maxReplicas.x").contains(no_mapping), "{}", within("spec.maxReplicas.x"));
    assert!(within("spec.list.x").contains("its spec.list is no mapping"), "{}", within("spec.list.x"));
    assert!(within("spec.list.x.y").contains("its spec.list is no mapping"));
    assert!(within("spec.other.x").contains("has no spec.other.x: what counts"));
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
