//! What no playbook and no approval can do.
//!
//! Held at one place for every mutation, before its intent goes on the log. A refusal is never tried again: a human
//! decides, and does it by hand.

use std::fmt;

use serde_json::Value;

use super::other_bot;
use crate::action::{ActionError, World};
use crate::cluster::{Cluster, Object};
use crate::model::{Intent, ObjectKey};

/// On an object, or on its namespace: not by the bot. Any value but `false` counts.
pub const HANDS_OFF: &str = "dogwatch/hands-off";

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    Create,
    Patch,
    /// Also what amounts to it: an eviction, a restart.
    Delete,
    /// Of the database cluster that a pod is a member of: the pod itself goes on as it is, also that
    /// of a leader.
    Cluster,
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ChangeKind::Create => "create",
            ChangeKind::Patch | ChangeKind::Cluster => "change",
            ChangeKind::Delete => "delete",
        })
    }
}

/// Whether `verb` may be done to an object of that kind. `object`: as it is now; `None` for one that is yet to be created.
///
/// # Errors
/// A human must do it, or decide that it is not done.
pub fn check(verb: ChangeKind, kind: &str, object: Option<&Object>) -> Result<(), ActionError> {
    let what = || object.map_or_else(|| kind.to_lowercase(), |object| object.key().to_string());
    let never = |why: &str| Err(ActionError::needs_human(format!("the bot never does this: {verb} {}; {why}", what())));
    let kind_is = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(kind));
    if kind_is(&["Secret"]) {
        return never("secrets are written by people only");
    }
    if verb == ChangeKind::Delete {
        if kind_is(&["PersistentVolumeClaim", "PersistentVolume"]) {
            return never("the data may go with it");
        }
        if kind_is(&["StatefulSet", "Namespace"]) {
            return never("what depends on it would go with it");
        }
    }
    let Some(object) = object else { return Ok(()) };
    if matches!(verb, ChangeKind::Patch | ChangeKind::Delete) && kind_is(&["Pod"]) {
        match patroni_role(object) {
            Some(PatroniRole::Leader) => {
                return never("it is the leader of a Patroni cluster; switch over first (patronictl switchover)");
            }
            Some(PatroniRole::Unknown) => {
                return never("it belongs to a Patroni cluster, and whether it is the leader cannot be told");
            }
            Some(PatroniRole::Replica) | None => {}
        }
    }
    check_hands_off(object)
}

/// Whether the object itself says that the bot must leave it alone.
pub fn check_hands_off(object: &Object) -> Result<(), ActionError> {
    match object.annotation(HANDS_OFF) {
        None | Some("false") => Ok(()),
        Some(reason) => Err(ActionError::leave_alone(format!(
            "{} is annotated {HANDS_OFF}={reason}: the bot leaves it alone; take the annotation away to let it work",
            object.key()
        ))),
    }
}

/// [`check`] of the object as it is now in the cluster, and of its namespace.
///
/// # Errors
/// As [`check`]; also when the object or its namespace cannot be read: not knowing is no permission.
pub async fn check_live(
    cluster: &dyn Cluster,
    verb: ChangeKind,
    key: &ObjectKey,
) -> Result<Option<Object>, ActionError> {
    // First without asking: what is never done needs no cluster to say no.
    check(verb, &key.kind, None)?;
    let object = cluster.get(key).await?;
    check(verb, &key.kind, object.as_ref())?;
    check_namespace(cluster, key).await?;
    Ok(object)
}

/// [`check_live`] of the object that an intent changes, and the hands-off annotation of the run's
/// target where that is another object: a change at the source is still a change of the target. Nor
/// may a bot on another database be at work on either of them.
///
/// # Errors
/// As [`check_live`].
pub async fn check_intent(
    world: &World,
    verb: ChangeKind,
    target: &ObjectKey,
    intent: &Intent,
) -> Result<(), ActionError> {
    let (cluster, now) = (world.cluster.as_ref(), world.clock.now());
    if let Some(object) = check_live(cluster, verb, &intent.object).await? {
        other_bot::check(&object, &intent.marker, now)?;
    }
    if *target == intent.object {
        return Ok(());
    }
    if let Some(object) = cluster.get(target).await? {
        check_hands_off(&object)?;
        other_bot::check(&object, &intent.marker, now)?;
    }
    if target.namespace == intent.object.namespace { Ok(()) } else { check_namespace(cluster, target).await }
}

async fn check_namespace(cluster: &dyn Cluster, key: &ObjectKey) -> Result<(), ActionError> {
    if key.namespace.is_empty() {
        return Ok(());
    }
    match cluster.get(&ObjectKey::new("Namespace", "", &key.namespace)).await? {
        Some(namespace) => check_hands_off(&namespace),
        None => Ok(()),
    }
}

/// Whether it is a pod of a Patroni cluster, or a template of such pods.
pub(in crate::action) fn is_of_patroni(pod: &Object) -> bool {
    patroni_role(pod).is_some()
}

enum PatroniRole {
    Leader,
    Replica,
    /// A member, but what it is cannot be told: taken for the leader.
    Unknown,
}

/// What a pod is in its Patroni (or Patroni-like) cluster; `None` for a pod of another sort.
///
/// Patroni labels its pods with their role, and keeps its own state in the annotation `status`. The label follows a
/// switchover a moment later, so that either of the two is enough to be taken for the leader.
/// <https://patroni.readthedocs.io/en/latest/kubernetes.html>
fn patroni_role(pod: &Object) -> Option<PatroniRole> {
    const LABELS: [&str; 5] =
        ["role", "spilo-role", "cnpg.io/instanceRole", "postgres-operator.crunchydata.com/role", "stackgres.io/role"];
    let labels = LABELS.iter().filter_map(|name| pod.label(name));
    let status =
        pod.annotation("status").filter(|status| status.contains("conn_url") || status.contains("xlog_location"));
    let own = status.and_then(|status| serde_json::from_str::<Value>(status).ok());
    let own = own.as_ref().and_then(|status| status.get("role")).and_then(Value::as_str);
    let roles: Vec<&str> = labels.chain(own).collect();
    let is = |names: &[&str]| roles.iter().any(|role| names.iter().any(|name| name.eq_ignore_ascii_case(role)));
    if is(&["master", "primary", "leader", "standby_leader", "standby-leader"]) {
        return Some(PatroniRole::Leader);
    }
    let is_member = status.is_some()
        || pod.label("spilo-role").is_some()
        || pod.label("application").is_some_and(|name| matches!(name, "spilo" | "patroni"))
        || pod.label("cnpg.io/cluster").is_some()
        || pod.label("postgres-operator.crunchydata.com/cluster").is_some();
    if is(&["replica", "sync_standby", "quorum_standby"]) {
        // `role` alone is a common label: only beside the marks of a cluster it says something about Patroni.
        return is_member.then_some(PatroniRole::Replica);
    }
    is_member.then_some(PatroniRole::Unknown)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::FailureClass;

    fn object(kind: &str, labels: Value, annotations: Value) -> Object {
        json!({
            "kind": kind,
            "metadata": { "name": "x", "namespace": "databases", "labels": labels, "annotations": annotations },
        })
        .into()
    }

    fn refusal(verb: ChangeKind, object: &Object) -> Option<String> {
        let error = check(verb, object.kind(), Some(object)).err()?;
        assert!(
            matches!(error.class, FailureClass::NeedsHuman | FailureClass::LeaveAlone | FailureClass::HeldUp),
            "{error}"
        );
        Some(error.message)
    }

    #[test]
    fn what_holds_data_is_never_deleted() {
        for kind in ["PersistentVolumeClaim", "PersistentVolume", "StatefulSet", "Namespace", "persistentvolumeclaim"] {
            assert!(check(ChangeKind::Delete, kind, None).is_err(), "{kind}");
            assert!(check(ChangeKind::Patch, kind, None).is_ok(), "{kind}");
        }
        let message = check(ChangeKind::Delete, "PersistentVolumeClaim", None).unwrap_err().message;
        assert_eq!(message, "the bot never does this: delete persistentvolumeclaim; the data may go with it");
    }

    #[test]
    fn a_secret_is_never_written() {
        for verb in [ChangeKind::Create, ChangeKind::Patch, ChangeKind::Delete] {
            assert!(check(verb, "Secret", None).is_err(), "{verb}");
        }
    }

    #[test]
    fn the_leader_of_a_patroni_cluster_is_left_alone() {
        let leaders = [
            object("Pod", json!({ "role": "master" }), json!({})),
            object("Pod", json!({ "role": "primary" }), json!({})),
            object("Pod", json!({ "spilo-role": "master", "application": "spilo" }), json!({})),
            object("Pod", json!({ "cnpg.io/instanceRole": "primary", "cnpg.io/cluster": "a" }), json!({})),
            object("Pod", json!({ "postgres-operator.crunchydata.com/role": "master" }), json!({})),
            // The label is behind: Patroni itself says that it leads.
            object(
                "Pod",
                json!({ "role": "replica", "application": "patroni" }),
                json!({ "status": r#"{"conn_url":"postgres://10.0.0.1:5432/postgres","role":"primary","state":"running"}"# }),
            ),
        ];
        for pod in leaders {
            let message = refusal(ChangeKind::Delete, &pod).unwrap();
            assert!(message.contains("leader of a Patroni cluster"), "{message}");
            assert!(refusal(ChangeKind::Patch, &pod).is_some(), "{:?}", pod.0);
        }
    }

    #[test]
    fn a_member_without_a_role_is_taken_for_the_leader() {
        let pod = object("Pod", json!({ "application": "spilo" }), json!({}));
        assert!(refusal(ChangeKind::Delete, &pod).unwrap().contains("cannot be told"));
        let broken = object("Pod", json!({ "cluster-name": "a" }), json!({ "status": "{conn_url" }));
        assert!(refusal(ChangeKind::Delete, &broken).unwrap().contains("cannot be told"));
    }

    #[test]
    fn replicas_and_other_pods_may_be_deleted() {
        let replica = object("Pod", json!({ "role": "replica", "application": "patroni" }), json!({}));
        assert_eq!(refusal(ChangeKind::Delete, &replica), None);
        assert_eq!(refusal(ChangeKind::Delete, &object("Pod", json!({ "role": "worker" }), json!({}))), None);
        assert_eq!(refusal(ChangeKind::Delete, &object("Pod", json!({}), json!({ "status": "fine" }))), None);
    }

    #[test]
    fn hands_off_means_hands_off() {
        for value in ["true", "", "migration until friday"] {
            let deployment = object("Deployment", json!({}), json!({ HANDS_OFF: value }));
            let message = refusal(ChangeKind::Patch, &deployment).unwrap();
            assert!(message.contains("the bot leaves it alone; take the annotation away"), "{message}");
        }
        assert_eq!(refusal(ChangeKind::Patch, &object("Deployment", json!({}), json!({ HANDS_OFF: "false" }))), None);
    }
}
