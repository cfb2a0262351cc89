//! Which number it becomes, and whether it may.

use serde_json::{Value, json};

use super::{Bound, BoundSet};
use crate::action::k8s::field_owner;
use crate::action::k8s::scale::{Amount, Wish};
use crate::action::{ActionError, Output, Plan};
use crate::cluster::Object;
use crate::model::{Intent, ObjectKey};

/// Decides the change.
pub(super) fn plan(hpa: &Object, bound: Bound, wish: Wish, marker: String) -> Result<Plan, ActionError> {
    let (key, field) = (hpa.key(), bound.field());
    if hpa.is_going() {
        return Err(ActionError::fail(format!("{key} is being deleted")));
    }
    if let Some(who) = field_owner::controller(hpa).or_else(|| field_owner::keeper(hpa, bound.path())) {
        return Err(ActionError::needs_human(who));
    }
    let Some(current) = bound.of(hpa).filter(|current| *current > 0) else {
        return Err(ActionError::needs_human(format!("{key} has no {field} that could be changed; look at it first")));
    };
    let wanted = wanted(&key, field, current, wish)?;
    let before = hpa.at(&format!("/spec/{field}")).cloned().unwrap_or(Value::Null);
    let intent = Intent {
        summary: summary(&key, bound, Some(current), Some(wanted)),
        object: key,
        uid: hpa.uid().to_owned(),
        resource_version: hpa.resource_version().to_owned(),
        before,
        after: json!(wanted),
        marker,
    };
    if wanted == current {
        let summary = format!("{field} of {} is {current} already", intent.object);
        return Ok(Plan::Unneeded(Output { summary, ..output(&intent, bound) }));
    }
    may_be(hpa, bound, wanted)?;
    Ok(Plan::Do(intent))
}

/// Within cap and floor.
fn wanted(key: &ObjectKey, field: &str, current: u32, wish: Wish) -> Result<u32, ActionError> {
    let asked = match wish.amount {
        Amount::By(more) => more.on(current),
        Amount::To(number) => number,
    };
    if asked > current && current >= wish.max {
        return Err(ActionError::fail(format!(
            "{field} of {key} is {current}, and the cap is {}: look what the pods wait for, or let a human raise the cap",
            wish.max
        )));
    }
    match wish.min {
        _ if asked >= current => Ok(asked.min(wish.max).max(current)),
        Some(min) => Ok(asked.max(min).max(1).min(current)),
        None => Err(ActionError::fail(format!(
            "{field} of {key} would be lowered {current} -> {asked}, and the playbook names no `min`"
        ))),
    }
}

/// Whether a bound fits the other one, and what runs now.
pub(super) fn may_be(hpa: &Object, bound: Bound, wanted: u32) -> Result<(), ActionError> {
    let key = hpa.key();
    let (least, most) = (Bound::Min.of(hpa).unwrap_or(1), Bound::Max.of(hpa).unwrap_or(0));
    match bound {
        Bound::Min if wanted > most => Err(ActionError::fail(format!(
            "minReplicas of {key} would be {wanted}, above its maxReplicas of {most}: raise that first, if there are nodes for more"
        ))),
        Bound::Max if wanted < least => {
            Err(ActionError::fail(format!("maxReplicas of {key} would be {wanted}, below its minReplicas of {least}")))
        }
        Bound::Max if wanted < most => {
            let now = ["/status/currentReplicas", "/status/desiredReplicas"].map(|at| hpa.number(at));
            match now.into_iter().flatten().max() {
                Some(now) if now <= i64::from(wanted) => Ok(()),
                Some(now) => Err(ActionError::fail(format!(
                    "maxReplicas of {key} would be {wanted}, and there are or shall be {now} replicas now: pods that the load asked for would \
                     be taken away"
                ))),
                None => Err(ActionError::fail(format!(
                    "how many replicas {key} has asked for is not known, so that its maxReplicas is not lowered"
                ))),
            }
        }
        _ => Ok(()),
    }
}

pub(super) fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| u32::try_from(number).ok())
}

pub(super) fn summary(key: &ObjectKey, bound: Bound, from: Option<u32>, to: Option<u32>) -> String {
    let (from, to) = (from.unwrap_or(1), to.unwrap_or(1));
    let verb = if to < from { "lower" } else { "raise" };
    format!("{verb} {} of {key} {from} -> {to}", bound.field())
}

pub(super) fn output(intent: &Intent, bound: Bound) -> Output {
    let value = |value: &Value| u64::from(number(value).unwrap_or(1));
    let set = BoundSet { bound: bound.to_string(), from: value(&intent.before), to: value(&intent.after) };
    Output::new(&set, intent.summary.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::sim::build;
    use crate::model::FailureClass;

    fn to(number: u32, max: u32, min: Option<u32>) -> Wish {
        Wish { amount: Amount::To(number), max, min }
    }

    fn by(text: &str, max: u32) -> Wish {
        Wish { amount: Amount::By(text.parse().unwrap()), max, min: None }
    }

    /// Of an autoscaler from 2 to 10, with 4 replicas.
    fn decide(bound: Bound, wish: Wish, patch: &Value) -> Result<String, ActionError> {
        let status = json!({ "status": { "currentReplicas": 4, "desiredReplicas": 4 } });
        let hpa = build::hpa("shop", "web", 2, 10).with(&status).with(patch);
        Ok(match plan(&hpa, bound, wish, "m".into())? {
            Plan::Do(intent) => intent.summary,
            Plan::Unneeded(output) => format!("unneeded: {}", output.summary),
        })
    }

    fn refused(bound: Bound, wish: Wish) -> String {
        let error = decide(bound, wish, &json!({})).unwrap_err();
        assert_eq!(error.class, FailureClass::Fail, "{error}");
        error.message
    }

    #[test]
    fn a_bound_is_set_up_to_its_cap_and_down_to_its_floor() {
        for (bound, wish, told) in [
            (Bound::Min, by("50%", 8), "raise minReplicas of horizontalpodautoscaler/web in shop 2 -> 3"),
            (Bound::Min, by("20", 8), "raise minReplicas of horizontalpodautoscaler/web in shop 2 -> 8"),
            (Bound::Max, to(12, 20, None), "raise maxReplicas of horizontalpodautoscaler/web in shop 10 -> 12"),
            (Bound::Max, to(5, 20, Some(6)), "lower maxReplicas of horizontalpodautoscaler/web in shop 10 -> 6"),
            (Bound::Min, to(1, 8, Some(1)), "lower minReplicas of horizontalpodautoscaler/web in shop 2 -> 1"),
            (Bound::Min, to(2, 8, None), "unneeded: minReplicas of horizontalpodautoscaler/web in shop is 2 already"),
        ] {
            assert_eq!(decide(bound, wish, &json!({})).unwrap(), told);
        }
        let unsaid = json!({ "spec": { "minReplicas": null } });
        assert!(
            decide(Bound::Min, to(2, 8, None), &unsaid).unwrap().ends_with("1 -> 2"),
            "where it says nothing it is 1"
        );
    }

    #[test]
    fn bounds_never_cross_each_other_or_what_runs() {
        assert!(refused(Bound::Min, to(11, 20, None)).contains("above its maxReplicas of 10"));
        assert!(refused(Bound::Max, to(1, 20, Some(1))).contains("below its minReplicas of 2"));
        assert!(refused(Bound::Max, to(3, 20, Some(1))).contains("there are or shall be 4 replicas now"));
        let more_are_wanted = json!({ "status": { "desiredReplicas": 7 } });
        assert!(decide(Bound::Max, to(5, 20, Some(1)), &more_are_wanted).unwrap_err().message.contains("shall be 7"));
        let unknown = json!({ "status": { "currentReplicas": null, "desiredReplicas": null } });
        assert!(decide(Bound::Max, to(5, 20, Some(1)), &unknown).unwrap_err().message.contains("is not known"));
        assert!(decide(Bound::Max, to(12, 20, None), &unknown).is_ok());
    }

    #[test]
    fn cap_and_floor_are_named_by_the_playbook() {
        assert!(refused(Bound::Max, by("1", 10)).contains("is 10, and the cap is 10"));
        assert!(
            refused(Bound::Max, to(5, 20, None)).contains("would be lowered 10 -> 5, and the playbook names no `min`")
        );
    }

    #[test]
    fn what_others_keep_is_theirs() {
        let owner = json!([{ "kind": "ScaledObject", "name": "web", "controller": true }]);
        let fields = json!({ "f:spec": { "f:maxReplicas": {} } });
        let kept = json!({ "metadata": { "managedFields": [{ "manager": "argocd-controller", "fieldsV1": fields }] } });
        for (patch, told) in [
            (json!({ "metadata": { "ownerReferences": owner } }), "is made by ScaledObject `web`"),
            (kept.clone(), "is kept by Argo CD"),
            (json!({ "spec": { "maxReplicas": 0 } }), "has no maxReplicas"),
        ] {
            let error = decide(Bound::Max, to(12, 20, None), &patch).unwrap_err();
            assert_eq!(error.class, FailureClass::NeedsHuman);
            assert!(error.message.contains(told), "{error}");
        }
        assert!(decide(Bound::Min, to(3, 20, None), &kept).is_ok(), "the other bound is nobody's");
    }
}
