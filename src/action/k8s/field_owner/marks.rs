//! Labels and annotations by which tools say that they keep an object, and whether that goes for
//! one field of it.

use serde_json::{Map, Value};

use super::tools::{self, TOOLS, Tool};
use super::{Certainty, Decider, Evidence, managers};
use crate::cluster::Object;

/// All who have left a mark that goes for the field.
pub(super) fn deciders(object: &Object, path: &[&str]) -> Vec<Decider> {
    let by_tools = TOOLS.iter().filter_map(|tool| {
        let told_by = tool.mark(object).filter(|_| !tool.is_off(object, path))?;
        let certainty = certainty(tool, object, path)?;
        Some(Decider {
            who: tool.who.to_owned(),
            evidence: Evidence::Mark,
            told_by,
            next: tool.next.to_owned(),
            at: None,
            certainty: if tool.keeps { certainty } else { Certainty::Possible },
        })
    });
    by_tools.chain(hints(object)).collect()
}

/// How sure it is that the tool would put the field back; `None`: it leaves it to others.
fn certainty(tool: &Tool, object: &Object, path: &[&str]) -> Option<Certainty> {
    let holders = managers::holders(object, path);
    let of_tool = |manager: Option<&Value>| manager.and_then(Value::as_str).is_some_and(|name| tool.has_manager(name));
    // What a manager of the tool has written, and this field is not of it, is left to others.
    if managers::entries(object).any(|entry| of_tool(entry.get("manager"))) {
        return holders.iter().any(|holder| tool.has_manager(holder.manager)).then_some(Certainty::Holds);
    }
    if tool.is_kubectl
        && let Some(applied) = last_applied(object)
    {
        return within(&applied, path).is_some().then_some(Certainty::Holds);
    }
    if managers::entries(object).next().is_none() {
        // No API server leaves out who wrote what; a manifest of a case does.
        return within(&object.0, path).is_some().then_some(Certainty::Assumed);
    }
    match holders.iter().all(managers::Holder::is_neutral) {
        true if holders.is_empty() => None,
        true => Some(Certainty::Possible),
        false => Some(Certainty::Assumed),
    }
}

/// What was given to `kubectl apply` the last time.
fn last_applied(object: &Object) -> Option<Value> {
    serde_json::from_str(object.annotation("kubectl.kubernetes.io/last-applied-configuration")?).ok()
}

/// The value at a path as `managedFields` has it.
fn within<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| match name.strip_prefix("k:") {
        Some(keys) => {
            let keys: Map<String, Value> = serde_json::from_str(keys).ok()?;
            let is_it = |item: &&Value| keys.iter().all(|(key, value)| item.get(key) == Some(value));
            value.as_array()?.iter().find(is_it)
        }
        None => value.get(*name),
    })
}

/// Anybody may write `managed-by`, and charts do it by habit.
fn hints(object: &Object) -> impl Iterator<Item = Decider> {
    let entries = |at: &str| object.at(at).and_then(Value::as_object).into_iter().flatten();
    let labels = entries("/metadata/labels").map(|entry| ("label", entry));
    let all = labels.chain(entries("/metadata/annotations").map(|entry| ("annotation", entry)));
    all.filter_map(|(sort, (name, value))| {
        let is_hint = name.ends_with("/managed-by") && !TOOLS.iter().any(|tool| tool.marks.iter().any(|m| m.0 == name));
        let value = value.as_str().filter(|value| is_hint && !value.is_empty())?;
        Some(Decider {
            who: value.chars().filter(|c| !c.is_control()).take(60).collect(),
            evidence: Evidence::Hint,
            told_by: tools::shown(sort, name, value),
            next: "look there whether it keeps this field".into(),
            at: None,
            certainty: Certainty::Possible,
        })
    })
}
