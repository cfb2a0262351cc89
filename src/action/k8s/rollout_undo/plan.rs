//! Whether a template may go back, and to which one: a pure decision over what was read.

use serde_json::{Value, json};

use super::Undone;
use crate::action::k8s::field_owner;
use crate::action::k8s::revisions::{self, Revision, Revisions, digest};
use crate::action::{ActionError, Output, Plan};
use crate::cluster::Object;
use crate::model::Intent;

/// What the playbook wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wish {
    pub to: i64,
    pub from: Option<i64>,
}

/// A revision as an intent has it. The template itself is not in it: it is long, and may hold what
/// does not belong on a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'i> {
    pub revision: i64,
    /// The ReplicaSet's name.
    pub set: &'i str,
    /// The template's digest.
    pub template: &'i str,
}

impl<'i> Place<'i> {
    pub fn of(value: &'i Value) -> Self {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        Self {
            revision: value.get("revision").and_then(Value::as_i64).unwrap_or_default(),
            set: text("replica_set"),
            template: text("template"),
        }
    }
}

fn place(revision: &Revision) -> Value {
    json!({
        "revision": revision.number,
        "replica_set": revision.set.name(),
        "template": digest(&revision.set).as_str(),
    })
}

/// Decides on the revision to go back to.
pub(super) fn plan(
    deployment: &Object,
    revisions: &Revisions,
    wish: Wish,
    marker: String,
) -> Result<Plan, ActionError> {
    let (key, current) = (deployment.key(), &revisions.current);
    let helm = helm_release(deployment);
    if current.number == wish.to || current.was(wish.to) {
        let undone = Undone { from: current.number, to: wish.to, helm_release: helm.to_owned() };
        let summary = format!("{key} has the template of revision {} already", wish.to);
        return Ok(Plan::Unneeded(Output::new(&undone, summary)));
    }
    if let Some(from) = wish.from.filter(|from| *from != current.number) {
        return Err(ActionError::needs_human(format!(
            "{key} is at revision {} ({}), and no longer at {from}: somebody has changed it meanwhile; look whether that helps",
            current.number,
            current.image()
        )));
    }
    let Some(wanted) = revisions.others.iter().find(|revision| revision.number == wish.to) else {
        let kept: Vec<String> = revisions.others.iter().map(|revision| revision.number.to_string()).collect();
        let kept = if kept.is_empty() { "none".to_owned() } else { kept.join(", ") };
        return Err(ActionError::fail(format!(
            "{key} has kept no revision {} (kept beside the present {}: {kept})",
            wish.to, current.number
        )));
    };
    if wanted.available() == 0 {
        return Err(ActionError::needs_human(format!(
            "nothing proves that revision {} of {key} ({}) ever ran: none of its pods is available now",
            wish.to,
            wanted.image()
        )));
    }
    let mut summary = format!(
        "roll {key} back, revision {} ({}) -> {} ({})",
        current.number,
        current.image(),
        wish.to,
        wanted.image()
    );
    if !helm.is_empty() {
        summary.push_str(&format!("; its Helm release `{helm}` does not know of it"));
    }
    Ok(Plan::Do(Intent {
        summary,
        object: key,
        uid: deployment.uid().to_owned(),
        resource_version: deployment.resource_version().to_owned(),
        before: place(current),
        after: place(wanted),
        marker,
    }))
}

/// Whether its template is to be changed here at all.
pub(super) fn may_change(deployment: &Object) -> Result<(), ActionError> {
    let key = deployment.key();
    if deployment.is_going() {
        return Err(ActionError::fail(format!("{key} is being deleted")));
    }
    if revisions::is_paused(deployment) {
        return Err(ActionError::needs_human(format!(
            "{key} is paused: somebody is at work on it, and nothing would be rolled out"
        )));
    }
    let kept = field_owner::controller(deployment).or_else(|| field_owner::keeper(deployment, &["spec", "template"]));
    kept.map_or(Ok(()), |who| Err(ActionError::needs_human(who)))
}

/// The Helm release that brought the object; empty: none.
pub(super) fn helm_release(deployment: &Object) -> &str {
    deployment.annotation("meta.helm.sh/release-name").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::k8s::revisions::tests::{deployment, set};
    use crate::model::FailureClass;

    fn decide(deployment: &Object, sets: Vec<Object>, to: i64, from: Option<i64>) -> Result<Plan, ActionError> {
        may_change(deployment)?;
        let revisions = revisions::of(deployment, sets)?;
        plan(deployment, &revisions, Wish { to, from }, "dogwatch-run-7-back".into())
    }

    fn sets() -> Vec<Object> {
        vec![set(5, "shop:1", 0), set(6, "shop:2", 3), set(7, "shop:3", 0)]
    }

    fn told(deployment: &Object, to: i64, from: Option<i64>) -> String {
        match decide(deployment, sets(), to, from) {
            Ok(Plan::Do(intent)) => intent.summary,
            Ok(Plan::Unneeded(output)) => format!("unneeded: {}", output.summary),
            Err(error) => format!("{:?}: {error}", error.class),
        }
    }

    #[test]
    fn the_intent_names_the_template_and_does_not_hold_it() {
        let Ok(Plan::Do(intent)) = decide(&deployment("shop:3"), sets(), 6, Some(7)) else { panic!() };
        assert_eq!(intent.summary, "roll deployment/web in shop back, revision 7 (shop:3) -> 6 (shop:2)");
        let (before, after) = (Place::of(&intent.before), Place::of(&intent.after));
        assert_eq!((before.revision, before.set, after.revision, after.set), (7, "web-h7", 6, "web-h6"));
        assert_eq!(before.template, digest(&deployment("shop:3")).as_str());
        assert_eq!(after.template, digest(&deployment("shop:2")).as_str());
        assert_eq!((&*intent.uid, &*intent.resource_version, &*intent.marker), ("d", "10", "dogwatch-run-7-back"));
    }

    #[test]
    fn what_was_never_seen_to_run_is_not_gone_back_to() {
        let why = told(&deployment("shop:3"), 5, Some(7));
        assert!(why.starts_with("NeedsHuman: nothing proves that revision 5 of deployment/web in shop"), "{why}");
        let gone = told(&deployment("shop:3"), 4, None);
        assert_eq!(gone, "Fail: deployment/web in shop has kept no revision 4 (kept beside the present 7: 6, 5)");
    }

    #[test]
    fn what_somebody_has_changed_meanwhile_is_theirs() {
        let why = told(&deployment("shop:3"), 5, Some(6));
        assert!(why.contains("is at revision 7 (shop:3), and no longer at 6"), "{why}");
        assert_eq!(
            told(&deployment("shop:3"), 7, Some(6)),
            "unneeded: deployment/web in shop has the template of revision 7 already"
        );
    }

    #[test]
    fn a_revision_that_was_gone_back_to_is_known_by_its_former_number() {
        let again = json!({ "metadata": { "annotations": { "deployment.kubernetes.io/revision-history": "2,4" } } });
        let sets = vec![set(6, "shop:2", 3), set(7, "shop:3", 0).with(&again)];
        let Ok(Plan::Unneeded(output)) = decide(&deployment("shop:3"), sets, 4, None) else { panic!() };
        assert!(output.summary.ends_with("has the template of revision 4 already"), "{}", output.summary);
    }

    #[test]
    fn what_somebody_else_decides_is_not_changed() {
        let refused = |patch: Value| {
            let error = decide(&deployment("shop:3").with(&patch), sets(), 6, Some(7)).unwrap_err();
            assert!(matches!(error.class, FailureClass::NeedsHuman | FailureClass::Fail), "{error}");
            error.message
        };
        assert!(refused(json!({ "spec": { "paused": true } })).contains("is paused"));
        assert!(
            refused(json!({ "metadata": { "deletionTimestamp": "2026-05-01T12:00:00Z" } })).contains("being deleted")
        );
        let template = json!({ "f:spec": { "f:template": { "f:spec": {} } } });
        let argo =
            json!({ "metadata": { "managedFields": [{ "manager": "argocd-controller", "fieldsV1": template }] } });
        assert!(refused(argo).contains("spec.template of deployment/web in shop is kept by Argo CD"));
        let operator =
            json!({ "metadata": { "ownerReferences": [{ "kind": "Shop", "name": "web", "controller": true }] } });
        assert!(refused(operator).contains("is made by Shop `web`: change it there"));
    }

    #[test]
    fn a_helm_release_is_told_of() {
        let helm = json!({ "metadata": { "annotations": { "meta.helm.sh/release-name": "shop" } } });
        let told = told(&deployment("shop:3").with(&helm), 6, None);
        assert!(told.ends_with("(shop:2); its Helm release `shop` does not know of it"), "{told}");
    }
}
