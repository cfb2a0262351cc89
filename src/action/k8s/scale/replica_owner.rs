//! Who decides how many replicas a workload has.
//!
//! A number that something else decides is changed at its source, or not at all.

use crate::action::ActionError;
use crate::action::k8s::field_owner::autoscalers::{self, Read, Scaler};
use crate::action::k8s::field_owner::{self, Decider, REPLICAS};
use crate::cluster::{Cluster, ListQuery, Object};
use crate::model::ObjectKey;

/// Where the number of replicas is decided.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Owner {
    /// In the workload itself.
    Nobody,
    /// An autoscaler that follows the load.
    Hpa(Box<Object>),
    /// The cluster-proportional-autoscaler, which follows the number of nodes and cores.
    Proportional { autoscaler: String, config: ObjectKey },
    /// Something that no program should argue with; a sentence for people.
    Other(String),
}

/// The most autoscalers, and the most Deployments that could be one, in a namespace. More is not read but refused.
const MOST: usize = 2_000;

/// Finds out who owns the replicas of `workload`. Changes nothing.
pub(super) async fn find(cluster: &dyn Cluster, workload: &Object) -> Result<Owner, ActionError> {
    let in_namespace = |kind: &str| ListQuery {
        kind: kind.into(),
        namespace: workload.namespace().into(),
        limit: MOST,
        ..ListQuery::default()
    };
    let hpas = cluster.list(&in_namespace("HorizontalPodAutoscaler")).await?;
    let deployments = cluster.list(&in_namespace("Deployment")).await?;
    Ok(decide(workload, &hpas, &deployments))
}

/// The decision, from what was read.
pub(super) fn decide(workload: &Object, hpas: &[Object], deployments: &[Object]) -> Owner {
    if let Some(who) = field_owner::controller(workload) {
        return Owner::Other(who);
    }
    let scalers = autoscalers::of_replicas(workload, Read { hpas, deployments, ..Read::default() });
    let mut keepers = field_owner::keepers(workload, REPLICAS);
    if !scalers.is_empty() {
        field_owner::beside_autoscalers(&mut keepers);
        keepers.retain(Decider::is_certain);
    }
    let deciders: Vec<String> = scalers.iter().map(name).chain(keepers.iter().map(Decider::named)).collect();
    let what = format!("how many replicas {} has", workload.key());
    if let Some(why) = field_owner::argument(&deciders, &what) {
        return Owner::Other(why);
    }
    match scalers.into_iter().next() {
        Some(Scaler::Hpa(hpa)) => {
            // KEDA and operators make autoscalers of their own.
            let kept = field_owner::keeper(&hpa, &["spec", "minReplicas"]);
            kept.or_else(|| field_owner::controller(&hpa)).map_or(Owner::Hpa(hpa), Owner::Other)
        }
        Some(Scaler::Proportional { autoscaler, config: Some(config) }) => {
            Owner::Proportional { autoscaler: autoscaler.to_string(), config }
        }
        Some(Scaler::Proportional { autoscaler, config: None }) => {
            Owner::Other(format!("{autoscaler} scales it, and has no ConfigMap that could be changed"))
        }
        Some(scaler @ Scaler::Keda(_)) => Owner::Other(format!("{} scales it: change it there", name(&scaler))),
        None => field_owner::keeper(workload, REPLICAS).map_or(Owner::Nobody, Owner::Other),
    }
}

/// With its maker, where that is what has to be changed.
fn name(scaler: &Scaler) -> String {
    let decider = scaler.decider();
    match scaler {
        Scaler::Hpa(hpa) if decider.who != hpa.key().to_string() => format!("{} of {}", hpa.key(), decider.who),
        _ => decider.who,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn coredns() -> Object {
        Object(json!({ "kind": "Deployment", "metadata": { "name": "coredns", "namespace": "kube-system" } }))
    }

    fn hpa(name: &str, target: &str) -> Object {
        Object(json!({
            "kind": "HorizontalPodAutoscaler",
            "metadata": { "name": name, "namespace": "kube-system" },
            "spec": { "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": target } },
        }))
    }

    fn runs(name: &str, replicas: u32, args: Value) -> Object {
        Object(json!({
            "kind": "Deployment",
            "metadata": { "name": name, "namespace": "kube-system" },
            "spec": { "replicas": replicas, "template": { "spec": { "containers": [{ "command": args }] } } },
        }))
    }

    #[test]
    fn nobody_owns_what_nothing_names() {
        let other = runs("other", 1, json!(["/bin/other", "--target=deployment/coredns-custom"]));
        assert_eq!(decide(&coredns(), &[hpa("a", "metrics-server")], &[other, coredns()]), Owner::Nobody);
    }

    #[test]
    fn an_autoscaler_owns_what_it_names() {
        let own = hpa("dns", "coredns");
        assert_eq!(decide(&coredns(), &[hpa("a", "x"), own.clone()], &[]), Owner::Hpa(Box::new(own)));
    }

    #[test]
    fn two_autoscalers_are_for_a_human() {
        let Owner::Other(why) = decide(&coredns(), &[hpa("a", "coredns"), hpa("b", "coredns")], &[]) else { panic!() };
        assert!(why.contains("argue with each other"), "{why}");
    }

    #[test]
    fn whatever_else_scales_beside_an_autoscaler_both_are_named() {
        let args = json!(["--configmap=dns-params", "--target=Deployment/coredns"]);
        let proportional = runs("dns-autoscaler", 1, args.clone());
        let told = |workload: &Object, hpas: &[Object], others: &[Object]| match decide(workload, hpas, others) {
            Owner::Other(why) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            told(&coredns(), &[hpa("dns", "coredns")], std::slice::from_ref(&proportional)),
            "horizontalpodautoscaler/dns in kube-system and deployment/dns-autoscaler in kube-system both decide how many replicas \
             deployment/coredns in kube-system has: they would argue with each other; let one of them go first"
        );
        let why = told(&coredns(), &[], &[proportional.clone(), runs("other", 1, args)]);
        assert!(
            why.contains("deployment/dns-autoscaler") && why.contains("deployment/other in kube-system both"),
            "{why}"
        );
        let mut kept = coredns();
        kept.0["metadata"]["managedFields"] =
            json!([{ "manager": "argocd-controller", "fieldsV1": { "f:spec": { "f:replicas": {} } } }]);
        let why = told(&kept, &[hpa("dns", "coredns")], &[proportional]);
        assert!(why.contains("and Argo CD (field manager `argocd-controller`) all decide how many replicas"), "{why}");
    }

    #[test]
    fn who_keeps_the_workload_but_not_its_number_leaves_that_to_the_autoscaler() {
        let mut kept = coredns();
        kept.0["metadata"]["labels"] = json!({ "addonmanager.kubernetes.io/mode": "Reconcile" });
        kept.0["spec"] = json!({ "replicas": 4 });
        let Owner::Other(why) = decide(&kept, &[], &[]) else { panic!() };
        assert!(why.contains("is kept by the add-on manager"), "{why}");
        assert!(matches!(decide(&kept, &[hpa("a", "coredns")], &[]), Owner::Hpa(_)));
    }

    #[test]
    fn an_autoscaler_that_was_made_by_something_is_not_touched() {
        let mut keda = hpa("keda-hpa-dns", "coredns");
        keda.0["metadata"]["ownerReferences"] = json!([{ "kind": "ScaledObject", "name": "dns", "controller": true }]);
        let Owner::Other(why) = decide(&coredns(), &[keda], &[]) else { panic!() };
        assert!(why.contains("is made by ScaledObject `dns`"), "{why}");
    }

    #[test]
    fn the_proportional_autoscaler_is_found_by_its_arguments() {
        let found = |args: Value| decide(&coredns(), &[], &[runs("dns-autoscaler", 1, args)]);
        let own = Owner::Proportional {
            autoscaler: "deployment/dns-autoscaler in kube-system".into(),
            config: ObjectKey::new("ConfigMap", "kube-system", "dns-params"),
        };
        for args in [
            json!([
                "/cluster-proportional-autoscaler",
                "--namespace=kube-system",
                "--configmap=dns-params",
                "--target=deployment/coredns"
            ]),
            json!(["/cluster-proportional-autoscaler", "--configmap", "dns-params", "--target", "Deployment/CoreDNS"]),
            json!([
                "sh",
                "-c",
                "exec /cluster-proportional-autoscaler -configmap=dns-params -target=deployment/a,deployment/coredns"
            ]),
        ] {
            assert_eq!(found(args.clone()), own, "{args}");
        }
        assert_eq!(found(json!(["--namespace=other", "--configmap=x", "--target=deployment/coredns"])), Owner::Nobody);
        assert!(matches!(found(json!(["--target=deployment/coredns"])), Owner::Other(_)));
        let off = runs("dns-autoscaler", 0, json!(["--configmap=x", "--target=deployment/coredns"]));
        assert_eq!(decide(&coredns(), &[], &[off]), Owner::Nobody);
    }

    #[test]
    fn a_repository_keeps_its_number() {
        let kept = |mut object: Object, field: &str| {
            object.0["metadata"]["managedFields"] =
                json!([{ "manager": "argocd-controller", "fieldsV1": { "f:spec": { field: {} } } }]);
            object
        };
        let Owner::Other(why) = decide(&kept(coredns(), "f:replicas"), &[], &[]) else { panic!() };
        assert!(why.contains("Argo CD"), "{why}");
        let Owner::Other(why) = decide(&coredns(), &[kept(hpa("a", "coredns"), "f:minReplicas")], &[]) else {
            panic!()
        };
        assert!(why.contains("spec.minReplicas of horizontalpodautoscaler/a"), "{why}");
        // A repository that leaves the number to the autoscaler is no hindrance.
        assert!(matches!(decide(&kept(coredns(), "f:template"), &[hpa("a", "coredns")], &[]), Owner::Hpa(_)));
    }
}
