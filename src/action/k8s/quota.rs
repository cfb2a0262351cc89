//! `k8s.quota`: how much of a namespace's quotas is used, and what its limit ranges say.

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::objects::{self, quantity, word};
use crate::action::typed::{Arguments as _, OrNull, Typed as _, arguments, output};
use crate::action::{
    AT_WILL, Action, ActionError, Declaration, Declared, Effect, Kind, Named, Output, Read, Right, StepContext, World,
};
use crate::cluster::{ListQuery, Object};
use crate::language::Arg;
use crate::model::{Autonomy, Quantity};

arguments! {
    pub(in crate::action) struct K8sQuota {
        /// Of which namespace; written out. By default the target's, or the target where it is one
        namespace: Option<Arg<String>>,
    }
}

output! {
    struct Quotas {
        /// Each resource of each ResourceQuota, the fullest first
        quotas: Vec<OfResource>,
        /// Those of which nothing is left: `requests.cpu of compute`
        full: Vec<String>,
        /// Each resource of each LimitRange
        limits: Vec<OfRange>,
    }
}

output! {
    struct OfResource {
        /// The name of the ResourceQuota
        quota: String,
        /// What is counted: `requests.cpu`, `pods`
        resource: String,
        /// How much may be used
        hard: String,
        /// How much is; null: its controller has not counted it yet
        used: OrNull<String>,
        /// The share of it, 1 for all; null: not counted yet
        share: OrNull<f64>,
        /// Which pods count: `NotTerminating`, `PriorityClass In high`; empty: all
        scopes: Vec<String>,
    }
}

output! {
    struct OfRange {
        /// The name of the LimitRange
        range: String,
        /// Of what: `Container`, `Pod` or `PersistentVolumeClaim`
        r#type: String,
        /// What is limited: `memory`
        resource: String,
        /// The limit of a container that names none; empty: none is given
        default: String,
        /// The request of one that names none; empty: none is given
        default_request: String,
        /// The least that is let in; empty: whatever
        min: String,
        /// The most that is let in; empty: whatever
        max: String,
    }
}

/// The most of each in a namespace. More is not read but refused.
const MOST: usize = 500;

impl Declared for K8sQuota {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.quota",
        summary: "Looks how much of a namespace's quotas is used, and what its limit ranges say",
        effect: Effect::Reads,
        about: "Numbers are those by which the API server lets objects in: what the status of a ResourceQuota says, and of one that was made \
            just now, its specification. A quota of 0 is full. No quota at all is an answer: the lists are empty.",
        errors: "The target belongs to no namespace, and none is given. More than 500 quotas or limit ranges.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Quotas::FIELDS,
        rights: &[Right::on_kind(Kind::RESOURCE_QUOTA, &["list"]), Right::on_kind(Kind::LIMIT_RANGE, &["list"])],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: quota
  k8s.quota: {}
- escalate_if: size(quota.full) > 0
  because: \"{{quota.summary}}\"
",
    };

    fn named(&self) -> Named {
        Named { kind: None, namespace: self.namespace.as_ref().and_then(Arg::literal).cloned() }
    }

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        match self.namespace.as_ref().map(Arg::literal) {
            Some(None) => {
                Err("`namespace` must be written out, as the rights that the playbook needs follow from it; \
                 leave it out for the target's"
                    .into())
            }
            None | Some(Some(_)) => Ok(()),
        }
    }
}

#[async_trait]
impl Read for K8sQuota {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let namespace = match &self.namespace {
            Some(namespace) => objects::safe_name(namespace.resolve(step.scope)?, "namespace")?,
            None => step.target.place().to_owned(),
        };
        if namespace.is_empty() {
            return Err(ActionError::fail(format!("{} is in no namespace; give `namespace`", step.target)));
        }
        let all = |kind: Kind| ListQuery {
            kind: kind.id().into(),
            namespace: namespace.clone(),
            limit: MOST,
            ..ListQuery::default()
        };
        let quotas = world.cluster.list(&all(Kind::RESOURCE_QUOTA)).await?;
        let ranges = world.cluster.list(&all(Kind::LIMIT_RANGE)).await?;
        Ok(look_at(&namespace, &quotas, &ranges))
    }
}

fn look_at(namespace: &str, quotas: &[Object], ranges: &[Object]) -> Output {
    let mut each: Vec<OfResource> = quotas.iter().flat_map(of_quota).collect();
    each.sort_by(|a, b| {
        let share = |it: &OfResource| it.share.0.unwrap_or(-1.0);
        share(b).total_cmp(&share(a)).then_with(|| (&a.quota, &a.resource).cmp(&(&b.quota, &b.resource)))
    });
    let is_full = |it: &&OfResource| it.share.0.is_some_and(|share| share >= 1.0);
    let full: Vec<String> = each.iter().filter(is_full).map(|it| format!("{} of {}", it.resource, it.quota)).collect();
    let summary = match each.first() {
        None => format!("no quota in {namespace}"),
        Some(_) if !full.is_empty() => format!("nothing is left in {namespace} of {}", full.join(", ")),
        Some(first) => {
            let used = first.used.0.as_deref().unwrap_or("not counted yet");
            format!("the fullest in {namespace} is {} of {}: {used} of {}", first.resource, first.quota, first.hard)
        }
    };
    let limits = ranges.iter().flat_map(of_range).collect();
    Output::new(&Quotas { quotas: each, full, limits }, summary)
}

fn of_quota(quota: &Object) -> Vec<OfResource> {
    let counted = quota.at("/status/hard").and_then(Value::as_object).filter(|hard| !hard.is_empty());
    let hard = counted.or_else(|| quota.at("/spec/hard").and_then(Value::as_object));
    let each = hard.into_iter().flatten().map(|(resource, hard)| {
        let used = quota.at("/status/used").and_then(|used| used.get(resource));
        OfResource {
            quota: quota.name().to_owned(),
            resource: resource.clone(),
            hard: text(Some(hard)),
            used: OrNull(used.map(|used| text(Some(used)))),
            share: OrNull(used.and_then(|used| share(used, hard))),
            scopes: scopes(quota),
        }
    });
    each.collect()
}

/// A quota of nothing is full.
fn share(used: &Value, hard: &Value) -> Option<f64> {
    let (used, hard) = (quantity(used)?, quantity(hard)?);
    Some(if hard <= Quantity::of(0) { 1.0 } else { used.as_f64() / hard.as_f64() })
}

fn scopes(quota: &Object) -> Vec<String> {
    let list = |pointer: &str| quota.at(pointer).and_then(Value::as_array).into_iter().flatten();
    let plain = list("/spec/scopes").filter_map(Value::as_str).map(str::to_owned);
    let selected = list("/spec/scopeSelector/matchExpressions").map(|it| {
        let values = it.get("values").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let values = values.collect::<Vec<_>>().join(",");
        format!("{} {} {values}", word(it, "scopeName"), word(it, "operator")).trim_end().to_owned()
    });
    plain.chain(selected).collect()
}

fn of_range(range: &Object) -> Vec<OfRange> {
    let items = range.at("/spec/limits").and_then(Value::as_array).into_iter().flatten();
    let each = items.flat_map(|item| {
        let bound = |name: &str| item.get(name).and_then(Value::as_object);
        let mut resources: Vec<&String> =
            ["default", "defaultRequest", "min", "max"].into_iter().filter_map(bound).flat_map(Map::keys).collect();
        resources.sort_unstable();
        resources.dedup();
        let of = move |resource: &String| {
            let of = |name: &str| text(item.get(name).and_then(|bound| bound.get(resource)));
            OfRange {
                range: range.name().to_owned(),
                r#type: word(item, "type").to_owned(),
                resource: resource.clone(),
                default: of("default"),
                default_request: of("defaultRequest"),
                min: of("min"),
                max: of("max"),
            }
        };
        resources.into_iter().map(of).collect::<Vec<_>>()
    });
    each.collect()
}

/// As it is written; empty where it is not.
fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn quota(name: &str, spec: Value, status: Value) -> Object {
        Object(json!({ "kind": "ResourceQuota", "metadata": { "name": name }, "spec": spec, "status": status }))
    }

    #[test]
    fn the_fullest_comes_first_whatever_its_unit() {
        let compute = quota(
            "compute",
            json!({}),
            json!({
                "hard": { "requests.cpu": "4", "limits.memory": "8Gi", "pods": "10", "requests.storage": "0" },
                "used": { "requests.cpu": "3500m", "limits.memory": "8192Mi", "pods": "2", "requests.storage": "0" },
            }),
        );
        let new = quota("new", json!({ "hard": { "pods": 5 }, "scopes": ["BestEffort"] }), json!({}));
        let output = look_at("shop", &[new, compute], &[]);
        let told: Vec<(String, Value)> = output.value["quotas"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| {
                (format!("{} {} of {}", it["resource"].as_str().unwrap(), it["used"], it["hard"]), it["share"].clone())
            })
            .collect();
        assert_eq!(
            told,
            [
                ("limits.memory \"8192Mi\" of \"8Gi\"".into(), json!(1.0)),
                ("requests.storage \"0\" of \"0\"".into(), json!(1.0)),
                ("requests.cpu \"3500m\" of \"4\"".into(), json!(0.875)),
                ("pods \"2\" of \"10\"".into(), json!(0.2)),
                ("pods null of \"5\"".into(), json!(null)),
            ]
        );
        assert_eq!(output.value["full"], json!(["limits.memory of compute", "requests.storage of compute"]));
        assert_eq!(output.summary, "nothing is left in shop of limits.memory of compute, requests.storage of compute");
        assert_eq!(look_at("shop", &[], &[]).summary, "no quota in shop");
    }

    #[test]
    fn scopes_are_told_as_people_write_them() {
        let selector = json!({ "matchExpressions": [
            { "scopeName": "PriorityClass", "operator": "In", "values": ["high", "higher"] },
            { "scopeName": "Terminating", "operator": "Exists" },
        ] });
        let scoped = quota("a", json!({ "scopes": ["NotBestEffort"], "scopeSelector": selector }), json!({}));
        assert_eq!(scopes(&scoped), ["NotBestEffort", "PriorityClass In high,higher", "Terminating Exists"]);
    }

    #[test]
    fn a_limit_range_is_told_by_resource() {
        let range = Object(json!({
            "kind": "LimitRange", "metadata": { "name": "small" },
            "spec": { "limits": [{
                "type": "Container", "default": { "memory": "512Mi" }, "defaultRequest": { "memory": "256Mi", "cpu": "100m" },
                "max": { "memory": "1Gi" },
            }] },
        }));
        let output = look_at("shop", &[], &[range]);
        assert_eq!(
            output.value["limits"],
            json!([
                {
                    "range": "small", "type": "Container", "resource": "cpu", "default": "", "default_request": "100m",
                    "min": "", "max": "",
                },
                {
                    "range": "small", "type": "Container", "resource": "memory", "default": "512Mi",
                    "default_request": "256Mi", "min": "", "max": "1Gi",
                },
            ])
        );
    }
}
