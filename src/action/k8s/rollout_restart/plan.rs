//! Whether a workload may be restarted: a pure decision over what was read.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::written;
use crate::action::k8s::{deny, field_owner, objects, revisions, template};
use crate::action::{ActionError, Plan};
use crate::cluster::Object;
use crate::model::{HumanDuration, Intent};
use crate::patroni::scope_label;

/// What the playbook wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wish {
    pub of_broken: bool,
    pub outage: bool,
}

impl Wish {
    /// What an intent was decided with.
    pub fn of(intent: &Intent) -> Self {
        let is = |name: &str| intent.after.get(name) == Some(&Value::Bool(true));
        Self { of_broken: is("of_broken"), outage: is("outage") }
    }
}

/// What a restart did not help with, the next one does not help with either.
const AGAIN_AFTER: TimeDelta = TimeDelta::hours(1);

/// Decides it. `pods` are those that the workload's selector matches.
pub(super) fn plan(
    workload: &Object,
    pods: &[Object],
    wish: Wish,
    now: DateTime<Utc>,
    marker: String,
) -> Result<Plan, ActionError> {
    let key = workload.key();
    may_change(workload)?;
    keeps_leaders(workload, pods)?;
    let last = template::restarted_at(workload);
    let ago = last.and_then(|at| DateTime::parse_from_rfc3339(at).ok()).map(|at| now - at.to_utc());
    if let Some(ago) = ago.filter(|ago| *ago < AGAIN_AFTER) {
        let ago = HumanDuration(ago.to_std().unwrap_or_default());
        return Err(ActionError::fail(format!(
            "{key} was restarted {ago} ago, and that did not help, or is not over: a second time within an hour hides what is wrong"
        )));
    }
    let rollout = Rollout::of(workload);
    let all = rollout.wanted;
    if all == 0 {
        return Err(ActionError::fail(format!("{key} should have no pods now, so that there is nothing to restart")));
    }
    rollout.is_over(workload)?;
    let is_outage = all == 1 || most_away(workload, all) >= all;
    if is_outage && workload.kind() == "StatefulSet" && all == 1 {
        return Err(ActionError::needs_human(format!(
            "{key} has one replica, which leads whatever it is: a person restarts it, and knows who waits for it"
        )));
    }
    if is_outage && !wish.outage {
        return Err(ActionError::fail(format!(
            "all {all} of {key} would be away at once; where nobody needs it for so long: `outage: true`"
        )));
    }
    let available = rollout.available;
    if available < all && !wish.of_broken {
        return Err(ActionError::needs_human(format!(
            "{available} of {all} pods of {key} are available: whether its template runs at all is not sure; where they hang and that is \
             why it is restarted: `of_broken: true`"
        )));
    }
    let mut summary = format!("restart {key}: {all} pods are replaced");
    if available < all {
        summary.push_str(&format!(", of which {available} are available"));
    }
    if is_outage {
        summary.push_str("; all are away for that time");
    }
    let after = json!({ "at": written(now), "pods": all, "of_broken": wish.of_broken, "outage": wish.outage });
    Ok(Plan::Do(Intent {
        summary,
        object: key,
        uid: workload.uid().to_owned(),
        resource_version: workload.resource_version().to_owned(),
        before: json!({ "at": last }),
        after,
        marker,
    }))
}

/// Whether its template is to be changed here at all.
fn may_change(workload: &Object) -> Result<(), ActionError> {
    let key = workload.key();
    if !matches!(workload.kind(), "Deployment" | "StatefulSet" | "DaemonSet") {
        return Err(ActionError::fail(format!("{key} is no Deployment, StatefulSet or DaemonSet")));
    }
    if workload.is_going() {
        return Err(ActionError::fail(format!("{key} is being deleted")));
    }
    if revisions::is_paused(workload) {
        let message = format!("{key} is paused: somebody is at work on it, and nothing would be rolled out");
        return Err(ActionError::needs_human(message));
    }
    if workload.text("/spec/updateStrategy/type") == "OnDelete" {
        return Err(ActionError::fail(format!(
            "{key} replaces no pods by itself (updateStrategy OnDelete): nothing would happen until somebody deletes them"
        )));
    }
    if workload.number("/spec/updateStrategy/rollingUpdate/partition").is_some_and(|partition| partition > 0) {
        let message = format!("{key} has a partition: somebody is rolling something out by hand");
        return Err(ActionError::needs_human(message));
    }
    let kept = field_owner::controller(workload).or_else(|| field_owner::keeper(workload, &["spec", "template"]));
    kept.map_or(Ok(()), |who| Err(ActionError::needs_human(who)))
}

/// A rollout restarts one pod after the other, and asks none whether it leads.
fn keeps_leaders(workload: &Object, pods: &[Object]) -> Result<(), ActionError> {
    let is_set = workload.kind() == "StatefulSet";
    let is_member = |pod: &Object| deny::is_of_patroni(pod) || (is_set && scope_label(pod).is_some());
    let template = Object(workload.at("/spec/template").cloned().unwrap_or(Value::Null));
    let member = pods.iter().find(|pod| is_member(pod)).map(|pod| pod.key().to_string());
    let Some(member) = member.or_else(|| is_member(&template).then(|| "its template".to_owned())) else {
        return Ok(());
    };
    Err(ActionError::needs_human(format!(
        "the pods of {} are a Patroni cluster's ({member}), and a restart of all would lose the leader: `patronictl restart` goes \
         member by member, the leader last",
        workload.key()
    )))
}

/// How far the rollout of the present template is, in pods.
#[derive(Debug, Clone, Copy)]
struct Rollout {
    wanted: i64,
    total: i64,
    updated: i64,
    available: i64,
}

impl Rollout {
    fn of(workload: &Object) -> Self {
        let status = |field: &str| workload.number(&format!("/status/{field}")).unwrap_or(0);
        if workload.kind() == "DaemonSet" {
            return Self {
                wanted: status("desiredNumberScheduled"),
                total: status("currentNumberScheduled"),
                updated: status("updatedNumberScheduled"),
                available: status("numberAvailable"),
            };
        }
        Self {
            wanted: workload.number("/spec/replicas").unwrap_or(1),
            total: status("replicas"),
            updated: status("updatedReplicas"),
            available: status("availableReplicas"),
        }
    }

    /// Whether all pods are of the present template, which came up once.
    fn is_over(self, workload: &Object) -> Result<(), ActionError> {
        let key = workload.key();
        let is_seen = workload.at("/status/observedGeneration") == workload.at("/metadata/generation");
        let Self { wanted, total, updated, .. } = self;
        if !is_seen || updated < wanted || total > wanted {
            return Err(ActionError::retry(format!(
                "a rollout of {key} is under way ({updated} of {wanted} pods are of its present template, and {total} are there): \
                 a restart would go on with what is not proven; look at that rollout first"
            )));
        }
        if came_up(workload) {
            return Ok(());
        }
        Err(ActionError::needs_human(format!(
            "the present template of {key} never came up as a whole: a restart would change nothing; look at what changed last"
        )))
    }
}

/// Whether all pods of the present template were once available, as its controller has noted.
fn came_up(workload: &Object) -> bool {
    match workload.kind() {
        "Deployment" => {
            let mut conditions = workload.at("/status/conditions").and_then(Value::as_array).into_iter().flatten();
            let progress = conditions.find(|condition| objects::word(condition, "type") == "Progressing");
            // Without a deadline for its progress, a Deployment has no such condition.
            progress.is_none_or(|progress| objects::word(progress, "reason") == "NewReplicaSetAvailable")
        }
        "StatefulSet" => workload.text("/status/currentRevision") == workload.text("/status/updateRevision"),
        _ => true,
    }
}

/// How many pods the strategy takes away at a time, of so many.
fn most_away(workload: &Object, all: i64) -> i64 {
    match workload.kind() {
        "Deployment" if workload.text("/spec/strategy/type") == "Recreate" => all,
        "Deployment" => revisions::most_unavailable(workload),
        _ => {
            let away = workload.at("/spec/updateStrategy/rollingUpdate/maxUnavailable");
            away.map_or(1, |away| revisions::number_or_share(away, all))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FailureClass;

    const CAREFUL: Wish = Wish { of_broken: false, outage: false };

    fn now() -> DateTime<Utc> {
        DateTime::parse_from_rfc3339("2026-05-01T12:00:00Z").unwrap().to_utc()
    }

    fn replicated(kind: &str, replicas: i64) -> Object {
        Object(json!({
            "kind": kind,
            "metadata": { "name": "web", "namespace": "shop", "uid": "u1", "resourceVersion": "10", "generation": 3 },
            "spec": { "replicas": replicas, "template": { "metadata": { "labels": { "app": "web" } } } },
            "status": {
                "observedGeneration": 3, "replicas": replicas, "updatedReplicas": replicas, "availableReplicas": replicas,
                "currentRevision": "web-1", "updateRevision": "web-1",
                "conditions": [{ "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable" }],
            },
        }))
    }

    fn of_nodes(nodes: i64) -> Object {
        replicated("DaemonSet", 0).with(&json!({
            "spec": { "replicas": null, "updateStrategy": { "rollingUpdate": { "maxUnavailable": 1 } } },
            "status": {
                "desiredNumberScheduled": nodes, "currentNumberScheduled": nodes, "updatedNumberScheduled": nodes,
                "numberAvailable": nodes,
            },
        }))
    }

    fn decide(workload: &Object, wish: Wish) -> Result<String, ActionError> {
        match plan(workload, &[], wish, now(), "m".into())? {
            Plan::Do(intent) => Ok(intent.summary),
            Plan::Unneeded(output) => Ok(format!("unneeded: {}", output.summary)),
        }
    }

    fn refused(workload: &Object, wish: Wish, class: FailureClass) -> String {
        let error = decide(workload, wish).unwrap_err();
        assert_eq!(error.class, class, "{error}");
        error.message
    }

    #[test]
    fn what_runs_is_replaced_by_the_same() {
        for workload in [replicated("Deployment", 3), replicated("StatefulSet", 3), of_nodes(3)] {
            let summary = decide(&workload, CAREFUL).unwrap();
            assert_eq!(summary, format!("restart {}: 3 pods are replaced", workload.key()));
        }
        let Ok(Plan::Do(intent)) = plan(&replicated("Deployment", 3), &[], CAREFUL, now(), "m".into()) else {
            panic!()
        };
        assert_eq!((&intent.before["at"], &intent.after["at"]), (&Value::Null, &json!("2026-05-01T12:00:00Z")));
        assert_eq!(Wish::of(&intent), CAREFUL);
    }

    #[test]
    fn what_is_being_rolled_out_is_not_proven() {
        for (kind, status) in [
            ("Deployment", json!({ "observedGeneration": 2 })),
            ("Deployment", json!({ "updatedReplicas": 1 })),
            ("Deployment", json!({ "replicas": 4 })),
            ("StatefulSet", json!({ "updatedReplicas": null })),
        ] {
            let workload = replicated(kind, 3).with(&json!({ "status": status }));
            for of_broken in [false, true] {
                let why = refused(&workload, Wish { of_broken, outage: true }, FailureClass::Retry);
                assert!(why.starts_with(&format!("a rollout of {} is under way", workload.key())), "{why}");
            }
        }
        let nodes = of_nodes(3).with(&json!({ "status": { "updatedNumberScheduled": 2 } }));
        assert!(refused(&nodes, CAREFUL, FailureClass::Retry).contains("2 of 3 pods are of its present template"));
    }

    #[test]
    fn pods_that_hang_are_restarted_where_that_is_said() {
        for workload in [
            replicated("Deployment", 3).with(&json!({ "status": { "availableReplicas": 1 } })),
            of_nodes(3).with(&json!({ "status": { "numberAvailable": 1 } })),
        ] {
            assert!(refused(&workload, CAREFUL, FailureClass::NeedsHuman).starts_with("1 of 3 pods of"));
            let summary = decide(&workload, Wish { of_broken: true, outage: false }).unwrap();
            assert!(summary.ends_with("3 pods are replaced, of which 1 are available"), "{summary}");
        }
    }

    #[test]
    fn a_template_that_never_came_up_is_not_started_again() {
        let progress = json!([{ "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded" }]);
        for workload in [
            replicated("Deployment", 3).with(&json!({ "status": { "conditions": progress } })),
            replicated("StatefulSet", 3).with(&json!({ "status": { "updateRevision": "web-2" } })),
        ] {
            let why = refused(&workload, Wish { of_broken: true, outage: true }, FailureClass::NeedsHuman);
            assert!(why.contains("never came up as a whole"), "{why}");
        }
        let without_a_deadline = replicated("Deployment", 3).with(&json!({ "status": { "conditions": null } }));
        assert!(decide(&without_a_deadline, CAREFUL).is_ok());
    }

    #[test]
    fn an_outage_must_be_said() {
        let recreates = json!({ "spec": { "strategy": { "type": "Recreate" } } });
        let all = json!({ "spec": { "strategy": { "rollingUpdate": { "maxUnavailable": "100%" } } } });
        let all_nodes = json!({ "spec": { "updateStrategy": { "rollingUpdate": { "maxUnavailable": "100%" } } } });
        for workload in [
            replicated("Deployment", 1),
            replicated("Deployment", 3).with(&recreates),
            replicated("Deployment", 3).with(&all),
            of_nodes(1),
            of_nodes(3).with(&all_nodes),
        ] {
            let why = refused(&workload, CAREFUL, FailureClass::Fail);
            assert!(why.contains("would be away at once"), "{why}");
            let summary = decide(&workload, Wish { of_broken: false, outage: true }).unwrap();
            assert!(summary.ends_with("; all are away for that time"), "{summary}");
        }
        let alone = replicated("StatefulSet", 1);
        let why = refused(&alone, Wish { of_broken: true, outage: true }, FailureClass::NeedsHuman);
        assert!(why.contains("has one replica, which leads"), "{why}");
    }

    #[test]
    fn a_second_restart_within_an_hour_is_refused() {
        let restarted = |at: &str| {
            let annotations = json!({ "kubectl.kubernetes.io/restartedAt": at });
            replicated("Deployment", 3)
                .with(&json!({ "spec": { "template": { "metadata": { "annotations": annotations } } } }))
        };
        let why = refused(&restarted("2026-05-01T13:20:00+02:00"), CAREFUL, FailureClass::Fail);
        assert!(why.starts_with("deployment/web in shop was restarted 40m ago"), "{why}");
        refused(&restarted("2026-05-01T12:00:30Z"), CAREFUL, FailureClass::Fail);
        for at in ["2026-05-01T11:00:00Z", "long ago"] {
            assert!(decide(&restarted(at), CAREFUL).is_ok(), "{at}");
        }
    }

    #[test]
    fn members_of_patroni_are_not_restarted() {
        let labelled =
            |labels: Value| Object(json!({ "kind": "Pod", "metadata": { "name": "db-0", "labels": labels } }));
        for labels in [json!({ "application": "spilo" }), json!({ "cluster-name": "db" })] {
            let pods = [labelled(labels)];
            let any = Wish { of_broken: true, outage: true };
            let error = plan(&replicated("StatefulSet", 3), &pods, any, now(), "m".into()).unwrap_err();
            assert_eq!(error.class, FailureClass::NeedsHuman);
            assert!(error.message.contains("would lose the leader"), "{error}");
        }
        let others = [labelled(json!({ "cluster-name": "blue" }))];
        assert!(plan(&replicated("Deployment", 3), &others, CAREFUL, now(), "m".into()).is_ok());
    }

    #[test]
    fn what_others_are_at_work_on_or_keep_is_left() {
        let kept = json!({ "metadata": { "managedFields": [
            { "manager": "argocd-controller", "fieldsV1": { "f:spec": { "f:template": { "f:spec": {} } } } },
        ] } });
        let owned =
            json!({ "metadata": { "ownerReferences": [{ "kind": "Rollout", "name": "web", "controller": true }] } });
        for (patch, told) in [
            (json!({ "spec": { "paused": true } }), "is paused"),
            (json!({ "spec": { "updateStrategy": { "rollingUpdate": { "partition": 1 } } } }), "has a partition"),
            (kept, "is kept by Argo CD"),
            (owned, "is made by Rollout `web`"),
        ] {
            let why = refused(&replicated("Deployment", 3).with(&patch), CAREFUL, FailureClass::NeedsHuman);
            assert!(why.contains(told), "{why}");
        }
        let by_hand = json!({ "spec": { "updateStrategy": { "type": "OnDelete" } } });
        refused(&replicated("StatefulSet", 3).with(&by_hand), CAREFUL, FailureClass::Fail);
        refused(&replicated("Deployment", 0), CAREFUL, FailureClass::Fail);
        let going = json!({ "metadata": { "deletionTimestamp": "2026-05-01T12:00:00Z" } });
        refused(&replicated("Deployment", 3).with(&going), CAREFUL, FailureClass::Fail);
    }
}
