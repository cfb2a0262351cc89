//! How large a volume should be: a pure decision over what was read.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::Expanded;
use crate::action::amounts::MoreStorage;
use crate::action::k8s::{field_owner, objects};
use crate::action::{ActionError, Output, Plan};
use crate::cluster::Object;
use crate::model::{Intent, Quantity};

/// The field that asks for a size.
pub(super) const STORAGE: [&str; 4] = ["spec", "resources", "requests", "storage"];

/// How long a kubelet may take to grow the file system of a volume that is mounted. It tries every minute or two.
const FILE_SYSTEM_PATIENCE: TimeDelta = TimeDelta::minutes(15);

/// What was read beside the claim.
#[derive(Debug, Clone, Default)]
pub(super) struct Surroundings {
    /// Its storage class; `None` when it names none, or one that isn't there.
    pub class: Option<Object>,
    /// Who decides the size elsewhere, as a sentence for people.
    pub made_by: Option<String>,
}

/// Decides the new size of `claim`.
pub(super) fn plan(
    claim: &Object,
    around: &Surroundings,
    by: MoreStorage,
    max: Quantity,
    now: DateTime<Utc>,
    marker: String,
) -> Result<Plan, ActionError> {
    let key = claim.key();
    let asked = size(claim, "/spec/resources/requests/storage")?;
    let has = size(claim, "/status/capacity/storage");
    may_grow(claim, around)?;
    let has = has?;
    if let Some(waiting) = under_way(claim, asked, has, now)? {
        let class = claim.text("/spec/storageClassName").to_owned();
        let expanded = Expanded { from: has.to_string(), to: asked.to_string(), class };
        return Ok(Plan::Unneeded(Output::new(&expanded, waiting)));
    }
    // A driver may have given more than was asked for.
    let base = asked.max(has);
    if base >= max {
        return Err(ActionError::fail(format!(
            "{key} has {base}, and the cap is {max}: free space by hand, or let a human raise the cap"
        )));
    }
    let wanted = by.on(base).ok_or_else(|| ActionError::fail(format!("{key} cannot grow from {base} by that much")))?;
    let wanted = wanted.min(max);
    let before = claim.text("/spec/resources/requests/storage");
    Ok(Plan::Do(Intent {
        summary: format!("expand {key} {before} -> {wanted}"),
        object: key,
        uid: claim.uid().to_owned(),
        resource_version: claim.resource_version().to_owned(),
        before: json!(before),
        after: json!(wanted.to_string()),
        marker,
    }))
}

fn size(claim: &Object, pointer: &str) -> Result<Quantity, ActionError> {
    let text = claim.text(pointer);
    let field = || pointer.trim_start_matches('/').replace('/', ".");
    text.parse()
        .map_err(|_| ActionError::fail(format!("{} has no {} that can be read: `{text}`", claim.key(), field())))
}

/// Whether it is a claim that can grow, and nobody else's.
fn may_grow(claim: &Object, around: &Surroundings) -> Result<(), ActionError> {
    let key = claim.key();
    if claim.kind() != "PersistentVolumeClaim" {
        return Err(ActionError::fail(format!("{key} is no persistent volume claim")));
    }
    if claim.is_going() {
        return Err(ActionError::fail(format!("{key} is being deleted")));
    }
    match claim.text("/status/phase") {
        "Bound" => {}
        phase => {
            return Err(ActionError::fail(format!("{key} is {phase}, not Bound: there is no volume that could grow")));
        }
    }
    let class = claim.text("/spec/storageClassName");
    if class.is_empty() {
        return Err(ActionError::needs_human(format!(
            "{key} has no storage class: its volume was made by hand, and grows by hand"
        )));
    }
    match &around.class {
        None => {
            return Err(ActionError::needs_human(format!(
                "the storage class `{class}` of {key} is not there any more"
            )));
        }
        Some(object) if object.at("/allowVolumeExpansion") != Some(&json!(true)) => {
            return Err(ActionError::needs_human(format!(
                "the storage class `{class}` of {key} does not allow expansion; if its driver can, set allowVolumeExpansion, else move the data"
            )));
        }
        Some(_) => {}
    }
    let kept = around.made_by.clone().or_else(|| field_owner::keeper(claim, &STORAGE));
    kept.map_or(Ok(()), |who| Err(ActionError::needs_human(who)))
}

/// An expansion that was asked for and hasn't arrived, as a sentence for people.
///
/// It needs no second one: most drivers refuse to change a volume again at once, and what is on its way may be enough. One that
/// is stuck needs a human.
fn under_way(
    claim: &Object,
    asked: Quantity,
    has: Quantity,
    now: DateTime<Utc>,
) -> Result<Option<String>, ActionError> {
    let key = claim.key();
    let stuck = claim.text("/status/allocatedResourceStatuses/storage");
    if stuck.ends_with("Infeasible") || stuck.ends_with("Failed") {
        return Err(ActionError::needs_human(format!(
            "an expansion of {key} to {asked} is stuck ({stuck}); look at its events and at the storage driver"
        )));
    }
    let conditions = || claim.at("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    let holds = |kind: &str| {
        conditions().find(|condition| {
            let text = |name: &str| condition.get(name).and_then(Value::as_str).unwrap_or_default();
            text("type") == kind && text("status") == "True"
        })
    };
    for kind in ["ControllerResizeError", "NodeResizeError"] {
        if let Some(error) = holds(kind) {
            let message = error.get("message").and_then(Value::as_str).unwrap_or("no message");
            return Err(ActionError::needs_human(format!(
                "an expansion of {key} to {asked} failed ({kind}): {message}"
            )));
        }
    }
    if let Some(pending) = holds("FileSystemResizePending") {
        let since = objects::time_at(pending, "/lastTransitionTime");
        if since.is_some_and(|since| now - since > FILE_SYSTEM_PATIENCE) {
            return Err(ActionError::needs_human(format!(
                "the volume of {key} has grown, but its file system has not: it grows when the pod that mounts it restarts, which for a database a human decides"
            )));
        }
        return Ok(Some(format!("the file system of {key} is growing to {asked} already")));
    }
    if holds("Resizing").is_some() || asked > has {
        return Ok(Some(format!("an expansion of {key} to {asked} is under way already")));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObjectKey;

    fn now() -> DateTime<Utc> {
        DateTime::parse_from_rfc3339("2026-05-01T12:00:00Z").unwrap().to_utc()
    }

    fn claim(asked: &str, has: &str) -> Object {
        Object(json!({
            "kind": "PersistentVolumeClaim",
            "metadata": { "name": "data-db-17", "namespace": "databases", "uid": "u1", "resourceVersion": "10" },
            "spec": { "storageClassName": "ssd", "resources": { "requests": { "storage": asked } } },
            "status": { "phase": "Bound", "capacity": { "storage": has } },
        }))
    }

    fn class(allows: Value) -> Surroundings {
        let class = json!({ "kind": "StorageClass", "metadata": { "name": "ssd" }, "allowVolumeExpansion": allows });
        Surroundings { class: Some(Object(class)), made_by: None }
    }

    fn decide(claim: &Object, around: &Surroundings, by: &str, max: &str) -> Result<Plan, ActionError> {
        plan(claim, around, by.parse().unwrap(), max.parse().unwrap(), now(), "dogwatch-run-7-grow".into())
    }

    fn told(claim: &Object, around: &Surroundings, by: &str, max: &str) -> String {
        match decide(claim, around, by, max) {
            Ok(Plan::Do(intent)) => intent.summary,
            Ok(Plan::Unneeded(output)) => format!("unneeded: {}", output.summary),
            Err(error) => format!("{:?}: {error}", error.class),
        }
    }

    fn grows(claim: &Object, by: &str, max: &str) -> String {
        told(claim, &class(json!(true)), by, max)
    }

    #[test]
    fn the_intent_is_absolute() {
        let Ok(Plan::Do(intent)) = decide(&claim("100Gi", "100Gi"), &class(json!(true)), "20%", "500Gi") else {
            panic!()
        };
        assert_eq!(
            intent,
            Intent {
                summary: "expand persistentvolumeclaim/data-db-17 in databases 100Gi -> 120Gi".into(),
                object: ObjectKey::new("PersistentVolumeClaim", "databases", "data-db-17"),
                uid: "u1".into(),
                resource_version: "10".into(),
                before: json!("100Gi"),
                after: json!("120Gi"),
                marker: "dogwatch-run-7-grow".into(),
            }
        );
    }

    #[test]
    fn the_cap_holds() {
        assert!(grows(&claim("100Gi", "100Gi"), "50%", "110Gi").ends_with("100Gi -> 110Gi"));
        for has in ["110Gi", "200Gi"] {
            let refused = grows(&claim(has, has), "50%", "110Gi");
            assert!(refused.starts_with("Fail: ") && refused.contains("the cap is 110Gi"), "{refused}");
        }
    }

    #[test]
    fn it_never_shrinks() {
        // The driver gave more than was asked for.
        assert!(grows(&claim("100Gi", "128Gi"), "10Gi", "500Gi").ends_with("100Gi -> 138Gi"));
    }

    #[test]
    fn a_class_that_forbids_it_is_named() {
        for forbids in [json!(false), Value::Null, json!("true")] {
            let refused = told(&claim("100Gi", "100Gi"), &class(forbids), "20%", "500Gi");
            assert!(refused.starts_with("NeedsHuman: the storage class `ssd`"), "{refused}");
            assert!(refused.contains("does not allow expansion"), "{refused}");
        }
        let gone = told(&claim("100Gi", "100Gi"), &Surroundings::default(), "20%", "500Gi");
        assert!(
            gone.starts_with("NeedsHuman: the storage class `ssd`") && gone.ends_with("is not there any more"),
            "{gone}"
        );
        let mut by_hand = claim("100Gi", "100Gi");
        by_hand.0["spec"]["storageClassName"] = Value::Null;
        assert!(grows(&by_hand, "20%", "500Gi").contains("made by hand"));
    }

    #[test]
    fn only_what_is_bound_grows() {
        for phase in ["Pending", "Lost"] {
            let mut claim = claim("100Gi", "100Gi");
            claim.0["status"] = json!({ "phase": phase });
            let refused = grows(&claim, "20%", "500Gi");
            assert!(refused.starts_with("Fail: ") && refused.contains(&format!("is {phase}, not Bound")), "{refused}");
        }
    }

    #[test]
    fn what_is_under_way_is_not_asked_for_again() {
        assert_eq!(
            grows(&claim("120Gi", "100Gi"), "20%", "500Gi"),
            "unneeded: an expansion of persistentvolumeclaim/data-db-17 in databases to 120Gi is under way already"
        );
        let mut resizing = claim("100Gi", "100Gi");
        resizing.0["status"]["conditions"] = json!([{ "type": "Resizing", "status": "True" }]);
        assert!(grows(&resizing, "20%", "500Gi").starts_with("unneeded: "));
        resizing.0["status"]["conditions"] = json!([{ "type": "Resizing", "status": "False" }]);
        assert!(grows(&resizing, "20%", "500Gi").starts_with("expand "));
    }

    #[test]
    fn what_is_stuck_is_for_a_human() {
        let pending = |since: &str| {
            let mut claim = claim("120Gi", "100Gi");
            claim.0["status"]["conditions"] =
                json!([{ "type": "FileSystemResizePending", "status": "True", "lastTransitionTime": since }]);
            grows(&claim, "20%", "500Gi")
        };
        assert!(pending("2026-05-01T11:58:00Z").starts_with("unneeded: "));
        assert!(pending("2026-05-01T10:00:00Z").starts_with("NeedsHuman: "));
        for state in ["ControllerResizeInfeasible", "NodeResizeInfeasible", "ControllerResizeFailed"] {
            let mut claim = claim("120Gi", "100Gi");
            claim.0["status"]["allocatedResourceStatuses"] = json!({ "storage": state });
            assert!(grows(&claim, "20%", "500Gi").contains(&format!("is stuck ({state})")), "{state}");
        }
        let mut failed = claim("120Gi", "100Gi");
        failed.0["status"]["conditions"] =
            json!([{ "type": "ControllerResizeError", "status": "True", "message": "quota exceeded" }]);
        assert!(grows(&failed, "20%", "500Gi").ends_with("failed (ControllerResizeError): quota exceeded"));
    }

    #[test]
    fn what_others_keep_is_not_argued_with() {
        let around = Surroundings { made_by: Some("it is made by Cluster `pg`".into()), ..class(json!(true)) };
        assert_eq!(told(&claim("1Gi", "1Gi"), &around, "20%", "5Gi"), "NeedsHuman: it is made by Cluster `pg`");
        let mut kept = claim("1Gi", "1Gi");
        kept.0["metadata"]["managedFields"] = json!([{
            "manager": "argocd-controller",
            "fieldsV1": { "f:spec": { "f:resources": { "f:requests": { "f:storage": {} } } } },
        }]);
        assert!(grows(&kept, "20%", "5Gi").starts_with("NeedsHuman: spec.resources.requests.storage of"));
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        assert!(grows(&claim("much", "100Gi"), "20%", "5Gi").contains("has no spec.resources.requests.storage"));
        assert!(grows(&claim("100Gi", ""), "20%", "500Gi").contains("has no status.capacity.storage"));
    }
}
