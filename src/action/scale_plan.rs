//! How many replicas it should be, and where that is written: a pure decision over what was read.

use serde_json::{Map, Value, json};

use super::amounts::MoreReplicas;
use super::replica_owner::Owner;
use super::{ActionError, Output, Plan};
use crate::cluster::Object;
use crate::model::Intent;

/// What the playbook wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wish {
    pub amount: Amount,
    pub max: u32,
    pub min: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Amount {
    By(MoreReplicas),
    To(u32),
}

/// Decides the change. `config` is the ConfigMap of a proportional autoscaler.
pub(super) fn plan(
    workload: &Object,
    owner: &Owner,
    config: Option<&Object>,
    wish: Wish,
    marker: String,
) -> Result<Plan, ActionError> {
    let key = workload.key();
    if !matches!(workload.kind(), "Deployment" | "StatefulSet") {
        return Err(ActionError::fail(format!("{key} cannot be scaled; only Deployments and StatefulSets can")));
    }
    if workload.is_going() {
        return Err(ActionError::fail(format!("{key} is being deleted")));
    }
    // The API server writes 1 where the manifest leaves it out.
    let current = match workload.at("/spec/replicas") {
        None | Some(Value::Null) => 1,
        Some(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()).ok_or_else(|| {
            ActionError::fail(format!("{key} has {number} replicas, which is no number that could be changed"))
        })?,
    };
    let wanted = wanted(workload, current, wish)?;
    if wanted == current {
        let fields = json!({ "from": current, "to": current, "object": key.to_string(), "via": "scale" });
        return Ok(Plan::Unneeded(Output::new(fields, format!("{key} has {current} replicas already"))));
    }
    let change = Change { workload, current, wanted, marker };
    match owner {
        Owner::Nobody => Ok(change.of_workload()),
        Owner::Other(who) => Err(ActionError::needs_human(who.clone())),
        Owner::Hpa(hpa) => change.of_hpa(hpa),
        Owner::Proportional { autoscaler, config: name } => match config {
            Some(config) => change.of_config(autoscaler, config),
            None => Err(ActionError::needs_human(format!(
                "{autoscaler} scales {key} by {name}, which is not there; look at the autoscaler first"
            ))),
        },
    }
}

fn wanted(workload: &Object, current: u32, wish: Wish) -> Result<u32, ActionError> {
    let key = workload.key();
    let is_database = workload.kind() == "StatefulSet";
    if current == 0 {
        return Err(ActionError::needs_human(format!(
            "{key} was scaled to nothing; find out why before it comes back"
        )));
    }
    let asked = match wish.amount {
        Amount::By(_) if is_database => {
            return Err(ActionError::needs_human(format!(
                "{key} is a StatefulSet: its replicas are members, not capacity; it is only scaled up to a number that the playbook names"
            )));
        }
        Amount::By(more) => more.on(current),
        Amount::To(number) => number,
    };
    if asked > current {
        if current >= wish.max {
            return Err(ActionError::fail(format!(
                "{key} has {current} replicas, and the cap is {}: more capacity must come from elsewhere, or the cap be raised by a human",
                wish.max
            )));
        }
        return Ok(asked.min(wish.max));
    }
    if asked == current {
        return Ok(current);
    }
    if is_database {
        return Err(ActionError::needs_human(format!(
            "{key} would be scaled down {current} -> {asked}: with a StatefulSet that is never automatic"
        )));
    }
    match wish.min {
        Some(min) => Ok(asked.max(min).max(1).min(current)),
        None => Err(ActionError::fail(format!(
            "{key} would be scaled down {current} -> {asked}, and the playbook names no `min`"
        ))),
    }
}

struct Change<'a> {
    workload: &'a Object,
    current: u32,
    wanted: u32,
    marker: String,
}

impl Change<'_> {
    fn of_workload(self) -> Plan {
        let summary = format!("scale {} {} -> {}", self.workload.key(), self.current, self.wanted);
        // What is there is what comes back in a doubt: also where the manifest leaves the number out.
        let before = self.workload.at("/spec/replicas").cloned().unwrap_or(Value::Null);
        self.intent(summary, self.workload, before, json!(self.wanted))
    }

    fn of_hpa(self, hpa: &Object) -> Result<Plan, ActionError> {
        let (key, own) = (self.workload.key(), hpa.key());
        self.upwards(&own.to_string())?;
        let Some(most) = hpa.number("/spec/maxReplicas").and_then(|most| u32::try_from(most).ok()) else {
            return Err(ActionError::needs_human(format!("{own} scales {key}, and has no maxReplicas")));
        };
        let wanted = self.within(most, &own.to_string())?;
        let least = hpa.number("/spec/minReplicas").unwrap_or(1);
        if least >= i64::from(wanted) {
            return Ok(self.under_way(&own.to_string(), "hpa", wanted));
        }
        let summary = format!("raise minReplicas of {own} {least} -> {wanted}, as it scales {key}");
        let before = hpa.at("/spec/minReplicas").cloned().unwrap_or(Value::Null);
        Ok(self.intent(summary, hpa, before, json!(wanted)))
    }

    fn of_config(self, autoscaler: &str, config: &Object) -> Result<Plan, ActionError> {
        let (key, own) = (self.workload.key(), config.key());
        self.upwards(autoscaler)?;
        if let Some(who) = super::field_owner::keeper(config, &["data", "linear"]) {
            return Err(ActionError::needs_human(who));
        }
        let before = config.text("/data/linear");
        let Some(mut linear) = linear(before) else {
            let mode = if config.at("/data/ladder").is_some() { "ladder" } else { "unknown" };
            return Err(ActionError::needs_human(format!(
                "{autoscaler} scales {key} by {own} in {mode} mode, which has no least number that could be raised; change its steps by hand"
            )));
        };
        let most = linear.get("max").and_then(Value::as_u64).filter(|most| *most > 0);
        let most = most.map_or(u32::MAX, |most| u32::try_from(most).unwrap_or(u32::MAX));
        let wanted = self.within(most, &own.to_string())?;
        let least = linear.get("min").and_then(Value::as_u64).unwrap_or(1);
        if least >= u64::from(wanted) {
            return Ok(self.under_way(&own.to_string(), "autoscaler", wanted));
        }
        linear.insert("min".into(), json!(wanted));
        let summary = format!("raise min of {own} {least} -> {wanted}, by which {autoscaler} scales {key}");
        let (before, after) = (json!(before), json!(Value::Object(linear).to_string()));
        Ok(self.intent(summary, config, before, after))
    }

    /// An autoscaler goes down by itself.
    fn upwards(&self, owner: &str) -> Result<(), ActionError> {
        if self.wanted > self.current {
            return Ok(());
        }
        let key = self.workload.key();
        Err(ActionError::needs_human(format!("{owner} decides how many replicas {key} has, also how few")))
    }

    /// What is wanted, within the owner's own bound.
    fn within(&self, most: u32, owner: &str) -> Result<u32, ActionError> {
        if most > self.current {
            return Ok(self.wanted.min(most));
        }
        Err(ActionError::fail(format!(
            "{} has {} replicas, which is the most that {owner} allows; raise that bound if there are nodes for more",
            self.workload.key(),
            self.current
        )))
    }

    fn under_way(&self, owner: &str, via: &str, wanted: u32) -> Plan {
        let fields = json!({ "from": self.current, "to": wanted, "object": owner, "via": via });
        let summary = format!("{owner} asks for {wanted} replicas or more already");
        Plan::Unneeded(Output::new(fields, summary))
    }

    fn intent(&self, summary: String, object: &Object, before: Value, after: Value) -> Plan {
        Plan::Do(Intent {
            summary,
            object: object.key(),
            uid: object.uid().to_owned(),
            resource_version: object.resource_version().to_owned(),
            before,
            after,
            marker: self.marker.clone(),
        })
    }
}

/// The parameters of the autoscaler's linear mode.
fn linear(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text).ok()
}

/// The least number of replicas in parameters of the linear mode.
pub(super) fn linear_min(text: &str) -> u64 {
    linear(text).and_then(|linear| linear.get("min")?.as_u64()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FailureClass, ObjectKey};

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
        let Ok(Plan::Do(intent)) = decide(&workload("Deployment", 4), &hpa(2, 20), None, by("50%", 10)) else {
            panic!()
        };
        assert_eq!((intent.uid.as_str(), intent.before, intent.after), ("u2", json!(2), json!(6)));
    }

    #[test]
    fn the_proportional_autoscaler_gets_a_higher_floor() {
        let linear = r#"{"coresPerReplica":256,"nodesPerReplica":16,"min":2,"preventSinglePointFailure":true}"#;
        let own = config(json!({ "linear": linear }));
        let Ok(Plan::Do(intent)) = decide(&workload("Deployment", 4), &proportional(), Some(&own), by("50%", 10))
        else {
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
        let scale = |data: Value| {
            summary(decide(&workload("Deployment", 4), &proportional(), Some(&config(data)), by("50%", 10)))
        };
        assert!(scale(json!({ "linear": r#"{"min":1,"max":5}"# })).contains("1 -> 5"));
        assert!(scale(json!({ "linear": r#"{"min":1,"max":4}"# })).starts_with("Fail: "));
        assert!(scale(json!({ "linear": r#"{"min":6}"# })).starts_with("unneeded: "));
    }

    #[test]
    fn an_autoscaler_that_cannot_be_raised_is_for_a_human() {
        for data in [json!({ "ladder": r#"{"nodesToReplicas":[[1,2]]}"# }), json!({ "linear": "not json" }), json!({})]
        {
            let refused =
                summary(decide(&workload("Deployment", 4), &proportional(), Some(&config(data)), by("2", 10)));
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
}
