//! How many replicas it should be, and where that is written: a pure decision over what was read.

use serde_json::{Map, Value, json};

use super::replica_owner::Owner;
use super::wish::{Amount, Wish};
use super::{Scaled, Via};
use crate::action::k8s::field_owner;
use crate::action::k8s::hpa_set::Bound;
use crate::action::{ActionError, Output, Plan};
use crate::cluster::Object;
use crate::model::{Intent, ObjectKey};

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
        let scaled = Scaled::new(current, current, &key, Via::Scale);
        return Ok(Plan::Unneeded(Output::new(&scaled, format!("{key} has {current} replicas already"))));
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
        let Some(most) = Bound::Max.of(hpa) else {
            return Err(ActionError::needs_human(format!("{own} scales {key}, and has no maxReplicas")));
        };
        let wanted = self.within(most, &own.to_string())?;
        let least = Bound::Min.of(hpa).unwrap_or(1);
        if least >= wanted {
            return Ok(self.under_way(&own, Via::Hpa, wanted));
        }
        let summary = format!("raise minReplicas of {own} {least} -> {wanted}, as it scales {key}");
        let before = hpa.at("/spec/minReplicas").cloned().unwrap_or(Value::Null);
        Ok(self.intent(summary, hpa, before, json!(wanted)))
    }

    fn of_config(self, autoscaler: &str, config: &Object) -> Result<Plan, ActionError> {
        let (key, own) = (self.workload.key(), config.key());
        self.upwards(autoscaler)?;
        if let Some(who) = field_owner::keeper(config, &["data", "linear"]) {
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
            return Ok(self.under_way(&own, Via::Autoscaler, wanted));
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

    fn under_way(&self, owner: &ObjectKey, via: Via, wanted: u32) -> Plan {
        let scaled = Scaled::new(self.current, wanted, owner, via);
        let summary = format!("{owner} asks for {wanted} replicas or more already");
        Plan::Unneeded(Output::new(&scaled, summary))
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
mod tests;
