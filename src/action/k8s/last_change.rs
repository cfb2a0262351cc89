//! `k8s.last_change`: who changed a field of the target, and when.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::field_path::FieldPath;
use super::objects;
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{
    AT_WILL, Action, ActionError, Declaration, Declared, Effect, Output, Read, Right, StepContext, World,
};
use crate::cluster::{FieldManager, Object};
use crate::language::Arg;
use crate::model::{Autonomy, HumanDuration};

arguments! {
    pub(in crate::action) struct K8sLastChange {
        /// The path of the field: `spec.resources.requests.storage`
        field: Arg<FieldPath>,
    }
}

output! {
    #[derive(Default)]
    struct LastChange {
        /// Whether anybody is on record. `false` says nothing about when it was changed: do not
        /// take it for long ago
        found: bool,
        /// The name of the field manager who did it
        manager: Option<String>,
        /// When
        at: Option<String>,
        /// How long ago, in seconds
        age_seconds: Option<i64>,
        /// Whether it was the creation itself: the field has its first value
        at_creation: Option<bool>,
    }
}

const STILL_CREATION: TimeDelta = TimeDelta::minutes(5);

/// An object's creation and what its maker says of it at once bear the same second, or the next.
const SAME_MOMENT: TimeDelta = TimeDelta::seconds(1);

/// Field managers of Kubernetes itself and of storage drivers, by the beginning of their names.
const CONTROLLERS: [&str; 6] =
    ["kube-controller-manager", "kube-scheduler", "kubelet", "csi-", "external-", "cloud-controller-manager"];

fn is_controller(manager: &str) -> bool {
    CONTROLLERS.iter().any(|name| manager.starts_with(name))
}

/// Whether the field still has the value that the object began with.
fn is_first_value(object: &Object, names: &[&str], manager: &FieldManager, created: DateTime<Utc>) -> bool {
    let Some(at) = manager.at else { return false };
    // Our own changes are never the creation, however young the object is.
    if manager.name.starts_with("dogwatch-") {
        return false;
    }
    let at_once = at - created <= SAME_MOMENT || (at - created <= STILL_CREATION && is_controller(&manager.name));
    at_once || (object.kind() == "PersistentVolumeClaim" && is_of_first_binding(object, names, manager, created))
}

/// A claim may be bound long after it was made. Its controller then writes the volume's name, and
/// so stands with that time at all that it has written; and the capacity. A volume grows only where
/// somebody asks for more.
fn is_of_first_binding(object: &Object, names: &[&str], manager: &FieldManager, created: DateTime<Utc>) -> bool {
    match names {
        ["spec", "resources", "requests", ..] => manager.name.starts_with("kube-controller-manager"),
        ["status", "capacity", ..] => {
            const REQUEST: [&str; 4] = ["spec", "resources", "requests", "storage"];
            is_controller(&manager.name)
                && object.field_manager(&REQUEST).is_some_and(|asked| is_first_value(object, &REQUEST, &asked, created))
        }
        _ => false,
    }
}

impl Declared for K8sLastChange {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.last_change",
        summary: "Finds out who changed a field of the target last, and when",
        effect: Effect::Reads,
        about: "The API server keeps one time for all fields of a manager. A manager that changed another field later makes this one \
            look younger than it is, never older. What Kubernetes's own controllers write within 5 minutes of the creation still \
            counts as the creation: they write to what they make once or twice more. What a person or another program writes then \
            is a change. The first binding of a claim, whenever it comes, gives its capacity the first value, and is no change.",
        errors: "The field was changed, and nobody recorded when.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: LastChange::FIELDS,
        rights: &[Right::on_target(&["get"])],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: change
  k8s.last_change: { field: spec.replicas }
",
    };

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }
}

#[async_trait]
impl Read for K8sLastChange {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let field = self.field.resolve(step.scope)?;
        // The target in the scope is without its managed fields.
        let object = objects::live_target(world.cluster.as_ref(), &step).await?;
        last_change(&object, &field, world.clock.now())
    }
}

fn last_change(object: &Object, field: &FieldPath, now: DateTime<Utc>) -> Result<Output, ActionError> {
    let names = field.names();
    let Some(manager) = object.field_manager(&names) else {
        let summary = format!("nobody is on record for {field} of {}", object.key());
        return Ok(Output::new(&LastChange::default(), summary));
    };
    let Some(at) = manager.at else {
        // The server keeps no time for a change through `scale`: "long ago" would be a guess.
        let message = format!("{field} was changed by {}, and nobody recorded when", manager.name);
        return Err(ActionError::fail(message));
    };
    let created = objects::time_at(&object.0, "/metadata/creationTimestamp");
    let at_creation = created.is_some_and(|created| is_first_value(object, &names, &manager, created));
    let age_seconds = objects::seconds_since(now, at);
    let age = HumanDuration(Duration::from_secs(age_seconds.unsigned_abs()));
    let what = if at_creation { "set at the creation" } else { "changed" };
    let summary = format!("{field} was {what} {age} ago by {}", manager.name);
    let change = LastChange {
        found: true,
        manager: Some(manager.name),
        at: Some(at.to_rfc3339_opts(SecondsFormat::Secs, true)),
        age_seconds: Some(age_seconds),
        at_creation: Some(at_creation),
    };
    Ok(Output::new(&change, summary))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const STORAGE: &str = "spec.resources.requests.storage";

    fn path(text: &str) -> FieldPath {
        text.parse().unwrap()
    }

    fn now() -> DateTime<Utc> {
        DateTime::parse_from_rfc3339("2026-05-01T12:00:00Z").unwrap().to_utc()
    }

    fn claim(managers: &[(&str, &str)]) -> Object {
        let fields = json!({ "f:spec": { "f:resources": { "f:requests": { "f:storage": {} } } } });
        let entries: Vec<Value> = managers
            .iter()
            .map(|(manager, time)| json!({ "manager": manager, "time": time, "fieldsV1": fields }))
            .collect();
        Object(json!({
            "kind": "PersistentVolumeClaim",
            "metadata": {
                "name": "data-db-17",
                "namespace": "databases",
                "creationTimestamp": "2026-04-01T08:00:00Z",
                "managedFields": entries,
            },
        }))
    }

    fn fields(managers: &[(&str, &str)]) -> Value {
        Value::Object(last_change(&claim(managers), &path(STORAGE), now()).unwrap().value)
    }

    #[test]
    fn the_creation_is_no_change() {
        let seen = fields(&[("kube-controller-manager", "2026-04-01T08:00:30Z")]);
        assert_eq!(seen["at_creation"], json!(true));
        assert_eq!(seen["manager"], json!("kube-controller-manager"));
    }

    #[test]
    fn our_own_change_is_never_the_creation() {
        let managers =
            [("kube-controller-manager", "2026-04-01T08:00:00Z"), ("dogwatch-run-1-grow", "2026-04-01T08:02:00Z")];
        assert_eq!(fields(&managers)["at_creation"], json!(false));
    }

    #[test]
    fn a_persons_patch_soon_after_the_creation_is_a_change() {
        for (manager, seconds, at_creation) in [
            ("kubectl-create", 0, true),
            ("argocd-controller", 1, true),
            ("kubectl-patch", 3, false),
            ("kubectl-edit", 120, false),
            ("kube-controller-manager", 120, true),
            ("csi-provisioner", 299, true),
            ("kube-scheduler", 301, false),
        ] {
            let at = format!("2026-04-01T08:{:02}:{:02}Z", seconds / 60, seconds % 60);
            assert_eq!(fields(&[(manager, &at)])["at_creation"], json!(at_creation), "{manager} after {seconds} s");
        }
    }

    #[test]
    fn the_first_binding_of_a_claim_is_no_change() {
        let bound = "2026-04-01T08:30:00Z";
        let capacity = |requested_by: &str, at: &str, field: &str| {
            let mut claim = claim(&[(requested_by, at)]);
            claim.0["metadata"]["managedFields"].as_array_mut().unwrap().push(json!({
                "manager": "kube-controller-manager", "subresource": "status", "time": bound,
                "fieldsV1": { "f:status": { "f:capacity": { "f:storage": {} } } },
            }));
            last_change(&claim, &path(field), now()).unwrap().value["at_creation"].clone()
        };
        let storage = "status.capacity.storage";
        assert_eq!(capacity("kubectl-create", "2026-04-01T08:00:00Z", storage), json!(true));
        // Made by the StatefulSet's controller, which is the one that binds as well.
        assert_eq!(capacity("kube-controller-manager", bound, storage), json!(true));
        assert_eq!(capacity("kube-controller-manager", bound, STORAGE), json!(true));
        assert_eq!(capacity("kubectl-edit", "2026-04-01T08:29:00Z", storage), json!(false), "it grew");
        assert_eq!(capacity("dogwatch-run-1-grow", "2026-04-01T08:29:00Z", storage), json!(false));
    }

    #[test]
    fn whoever_changed_it_last_counts() {
        let managers = [("kube-controller-manager", "2026-04-01T08:00:00Z"), ("kubectl-edit", "2026-05-01T09:00:00Z")];
        let output = last_change(&claim(&managers), &path(STORAGE), now()).unwrap();
        assert_eq!(
            Value::Object(output.value),
            json!({
                "found": true, "manager": "kubectl-edit", "at": "2026-05-01T09:00:00Z",
                "age_seconds": 10_800, "at_creation": false,
            })
        );
        assert_eq!(output.summary, "spec.resources.requests.storage was changed 3h ago by kubectl-edit");
    }

    #[test]
    fn nobody_on_record_is_not_long_ago() {
        assert_eq!(fields(&[]), json!({ "found": false }));
    }
}
