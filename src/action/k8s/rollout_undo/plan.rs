//! Whether a template may go back, and to which one: a pure decision over what was read.

use serde_json::{Value, json};

use super::Undone;
use crate::action::k8s::field_owner;
use crate::action::k8s::revisions::{self, Revision, Revisions, digest};
use crate::action::k8s::template;
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
    revisions::check_proven(deployment, revisions, wanted).map_err(ActionError::needs_human)?;
    let templates = (revisions::template(&current.set), revisions::template(&wanted.set));
    let powers = template::security(&templates.0, &templates.1);
    if !powers.is_empty() {
        return Err(ActionError::needs_human(format!(
            "revision {} of {key} differs from {} in what its pods may do ({}): somebody must say that it may go back",
            wish.to,
            current.number,
            powers.join(", ")
        )));
    }
    let mut summary = format!(
        "roll {key} back, revision {} ({}) -> {} ({})",
        current.number,
        current.image(),
        wish.to,
        wanted.image()
    );
    let parts = template::parts(&templates.0, &templates.1);
    if !parts.is_empty() {
        summary.push_str(&format!("; beside images it changes {}", shortened(&parts)));
    }
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

fn shortened(parts: &[String]) -> String {
    const MOST: usize = 8;
    let shown = parts.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    match parts.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
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
    fn a_few_pods_beside_many_of_the_change_prove_nothing() {
        let told = |old: i64, new: i64, spec: Value| {
            let sets = vec![set(6, "shop:2", old), set(7, "shop:3", new)];
            decide(&deployment("shop:3").with(&json!({ "spec": spec })), sets, 6, Some(7))
                .map_err(|error| error.message)
        };
        let at_most =
            |most: Value| json!({ "replicas": 10, "strategy": { "rollingUpdate": { "maxUnavailable": most } } });
        let why = told(1, 8, json!({ "replicas": 10 })).unwrap_err();
        assert!(
            why.starts_with("1 pods of revision 6 of deployment/web in shop (shop:2) are available, of the 8"),
            "{why}"
        );
        assert!(told(8, 9, json!({ "replicas": 10 })).is_ok());
        assert!(told(7, 9, at_most(json!("30%"))).is_ok() && told(7, 9, at_most(json!(2))).is_err());
        assert!(told(2, 0, json!({ "replicas": 10 })).is_ok(), "it took the others away");
    }

    #[test]
    fn where_three_revisions_have_pods_nobody_knows_the_good_one() {
        let sets = |third: Object| vec![third, set(6, "shop:2", 3), set(7, "shop:3", 0)];
        let begun = set(5, "shop:1", 0).with(&json!({ "status": { "replicas": 1 } }));
        for third in [set(5, "shop:1", 2), begun] {
            let error = decide(&deployment("shop:3"), sets(third), 6, Some(7)).unwrap_err();
            assert_eq!(error.class, FailureClass::NeedsHuman);
            assert!(error.message.starts_with("pods of revision 5 (shop:1) are there beside"), "{error}");
        }
        assert!(decide(&deployment("shop:3"), sets(set(5, "shop:1", 0)), 6, Some(7)).is_ok());
    }

    #[test]
    fn what_pods_may_do_does_not_go_back_alone() {
        let of_old = |spec: Value| {
            let old = set(6, "shop:2", 3).with(&json!({ "spec": { "template": spec } }));
            match decide(&deployment("shop:3"), vec![old, set(7, "shop:3", 0)], 6, Some(7)) {
                Ok(Plan::Do(intent)) => intent.summary,
                Ok(Plan::Unneeded(output)) => output.summary,
                Err(error) => format!("{:?}: {error}", error.class),
            }
        };
        let why = of_old(json!({ "spec": { "hostNetwork": true } }));
        assert!(why.starts_with("NeedsHuman: revision 6") && why.contains("may do (hostNetwork)"), "{why}");
        let told = of_old(json!({ "spec": { "terminationGracePeriodSeconds": 5 } }));
        assert!(told.ends_with("(shop:2); beside images it changes terminationGracePeriodSeconds"), "{told}");
    }

    #[test]
    fn a_helm_release_is_told_of() {
        let helm = json!({ "metadata": { "annotations": { "meta.helm.sh/release-name": "shop" } } });
        let told = told(&deployment("shop:3").with(&helm), 6, None);
        assert!(told.ends_with("(shop:2); its Helm release `shop` does not know of it"), "{told}");
    }
}
