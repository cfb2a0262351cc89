//! Who decides how many replicas a workload has.
//!
//! A number that something else decides is changed at its source, or not at all.

use serde_json::Value;

use crate::action::ActionError;
use crate::action::k8s::field_owner;
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
    let mut scaling = hpas.iter().filter(|hpa| scales(hpa, workload));
    let hpa = match (scaling.next(), scaling.next()) {
        (Some(one), Some(other)) => {
            return Owner::Other(format!(
                "{} and {} both scale {}: they would argue with each other",
                one.key(),
                other.key(),
                workload.key()
            ));
        }
        (hpa, _) => hpa,
    };
    let source = hpa.map(|hpa| (hpa, ["spec", "minReplicas"])).unwrap_or((workload, ["spec", "replicas"]));
    if let Some(who) = field_owner::keeper(source.0, &source.1) {
        return Owner::Other(who);
    }
    if let Some(hpa) = hpa {
        // KEDA and operators make autoscalers of their own.
        return match field_owner::controller(hpa) {
            Some(who) => Owner::Other(who),
            None => Owner::Hpa(Box::new(hpa.clone())),
        };
    }
    deployments.iter().find_map(|deployment| proportional(deployment, workload)).unwrap_or(Owner::Nobody)
}

fn scales(hpa: &Object, workload: &Object) -> bool {
    hpa.text("/spec/scaleTargetRef/kind") == workload.kind() && hpa.text("/spec/scaleTargetRef/name") == workload.name()
}

/// The cluster-proportional-autoscaler of `workload`, if that is what `deployment` runs: it is known by its arguments.
/// <https://github.com/kubernetes-sigs/cluster-proportional-autoscaler>
fn proportional(deployment: &Object, workload: &Object) -> Option<Owner> {
    // Scaled to nothing it decides nothing: the usual way to switch it off.
    if deployment.number("/spec/replicas") == Some(0) {
        return None;
    }
    let containers = deployment.at("/spec/template/spec/containers")?.as_array()?;
    containers.iter().find_map(|container| {
        let words: Vec<&str> = ["command", "args"]
            .iter()
            .filter_map(|name| container.get(name)?.as_array())
            .flatten()
            .filter_map(Value::as_str)
            .flat_map(str::split_whitespace)
            .collect();
        let wanted = format!("{}/{}", workload.kind(), workload.name());
        if !flag(&words, "target")?.split(',').any(|target| target.trim().eq_ignore_ascii_case(&wanted)) {
            return None;
        }
        if flag(&words, "namespace").is_some_and(|namespace| namespace != workload.namespace()) {
            return None;
        }
        let autoscaler = deployment.key().to_string();
        let Some(config) = flag(&words, "configmap") else {
            return Some(Owner::Other(format!("{autoscaler} scales it, and has no ConfigMap that could be changed")));
        };
        let config = ObjectKey::new("ConfigMap", workload.namespace(), config);
        Some(Owner::Proportional { autoscaler, config })
    })
}

/// The value of `--name=value` or `--name value`, also with one dash.
fn flag<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    words.iter().enumerate().find_map(|(at, word)| {
        let rest = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?.strip_prefix(name)?;
        match rest.strip_prefix('=') {
            Some(value) => Some(value),
            None if rest.is_empty() => words.get(at + 1).copied(),
            None => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
