//! Programs that set a number by what they measure. They are found by what they are about, and not
//! by what they are called.

use serde_json::Value;

use super::{Certainty, Decider, Evidence, REPLICAS, merged};
use crate::cluster::Object;
use crate::model::ObjectKey;

/// What containers may use is below it.
pub(in crate::action::k8s) const CONTAINERS: [&str; 4] = ["spec", "template", "spec", "containers"];

/// What sets how many replicas a workload has.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::action::k8s) enum Scaler {
    /// A HorizontalPodAutoscaler, which follows the load.
    Hpa(Box<Object>),
    /// The cluster-proportional-autoscaler, which follows the number of nodes and cores; the
    /// ConfigMap by which it does.
    Proportional { autoscaler: ObjectKey, config: Option<ObjectKey> },
    /// A ScaledObject of KEDA, which makes an autoscaler of its own.
    Keda(ObjectKey),
}

/// What was read of a workload's namespace. What is not asked for is empty.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::action::k8s) struct Read<'a> {
    pub hpas: &'a [Object],
    pub scaled_objects: &'a [Object],
    pub verticals: &'a [Object],
    /// Those that may be an autoscaler.
    pub deployments: &'a [Object],
}

/// What sets how many replicas the workload has.
pub(in crate::action::k8s) fn of_replicas(workload: &Object, read: Read<'_>) -> Vec<Scaler> {
    let about = |object: &&Object| is_about(object, "/spec/scaleTargetRef", workload);
    let hpas = read.hpas.iter().filter(about).map(|hpa| Scaler::Hpa(Box::new(hpa.clone())));
    let keda = read.scaled_objects.iter().filter(about).map(|object| Scaler::Keda(object.key()));
    let proportional = read.deployments.iter().filter_map(|deployment| {
        let words = is_about_by_arguments(deployment, workload).filter(|words| !is_vertical(words))?;
        let config = flag(&words, "configmap").map(|name| ObjectKey::new("ConfigMap", workload.namespace(), name));
        Some(Scaler::Proportional { autoscaler: deployment.key(), config })
    });
    keda.chain(hpas).chain(proportional).collect()
}

/// Those of them that decide the field, each once.
pub(in crate::action::k8s) fn deciders(workload: &Object, path: &[&str], read: Read<'_>) -> Vec<Decider> {
    if path == REPLICAS {
        return merged(of_replicas(workload, read).iter().map(Scaler::decider).collect());
    }
    if !path.starts_with(&CONTAINERS) {
        return Vec::new();
    }
    let verticals = read.verticals.iter().filter(|vertical| sets_resources(vertical, workload));
    let verticals =
        verticals.map(|vertical| decider(vertical.key().to_string(), "change its maxAllowed, or what it goes by"));
    let proportional = read
        .deployments
        .iter()
        .filter(|deployment| is_about_by_arguments(deployment, workload).is_some_and(|words| is_vertical(&words)));
    verticals.chain(proportional.map(|it| decider(it.key().to_string(), "change its configuration"))).collect()
}

impl Scaler {
    pub fn decider(&self) -> Decider {
        match self {
            // KEDA and operators make autoscalers of their own.
            Scaler::Hpa(hpa) => match super::owner(hpa) {
                Some(owner) => {
                    let told_by = format!("its {}", hpa.key());
                    Decider { evidence: Evidence::Autoscaler, told_by, ..owner }
                }
                None => decider(hpa.key().to_string(), "change its minReplicas or maxReplicas"),
            },
            Scaler::Keda(key) => Decider {
                told_by: format!("its target in {key}"),
                ..decider(format!("ScaledObject `{}`", key.name), "change it there")
            },
            Scaler::Proportional { autoscaler, config: Some(config) } => {
                Decider { next: format!("change its {config}"), ..decider(autoscaler.to_string(), "") }
            }
            Scaler::Proportional { autoscaler, config: None } => {
                decider(autoscaler.to_string(), "change its arguments")
            }
        }
    }
}

fn decider(who: String, next: &str) -> Decider {
    Decider {
        who,
        evidence: Evidence::Autoscaler,
        told_by: "its target".into(),
        next: next.into(),
        at: None,
        certainty: Certainty::Holds,
    }
}

/// Whether the reference at `pointer` names the workload. A ScaledObject that gives no kind means a
/// Deployment.
fn is_about(object: &Object, pointer: &str, workload: &Object) -> bool {
    let kind = object.text(&format!("{pointer}/kind"));
    let kind = if kind.is_empty() { "Deployment" } else { kind };
    kind == workload.kind() && object.text(&format!("{pointer}/name")) == workload.name()
}

/// Whether a VerticalPodAutoscaler sets what pods of the workload get.
pub(in crate::action::k8s) fn sets_resources(vertical: &Object, workload: &Object) -> bool {
    is_about(vertical, "/spec/targetRef", workload) && vertical.text("/spec/updatePolicy/updateMode") != "Off"
}

/// The words by which a container of the Deployment runs, where its arguments name the workload as
/// what it scales: <https://github.com/kubernetes-sigs/cluster-proportional-autoscaler>.
fn is_about_by_arguments<'a>(deployment: &'a Object, workload: &Object) -> Option<Vec<&'a str>> {
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
        let is_target = flag(&words, "target")?.split(',').any(|target| target.trim().eq_ignore_ascii_case(&wanted));
        let is_here = flag(&words, "namespace").is_none_or(|namespace| namespace == workload.namespace());
        (is_target && is_here).then_some(words)
    })
}

/// Its sibling sets requests and limits, by a file or a default in its arguments:
/// <https://github.com/kubernetes-sigs/cluster-proportional-vertical-autoscaler>.
fn is_vertical(words: &[&str]) -> bool {
    flag(words, "config-file").or_else(|| flag(words, "default-config")).is_some()
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
