//! One annotation or label of an object: what `k8s.annotate` and `k8s.label` share.

use serde_json::{Value, json};

use super::doubt::{self, Seen};
use super::{field_owner, keys, objects, way_back};
use crate::action::typed::{OrNull, Typed as _, output};
use crate::action::{ActionError, Doubt, Field, Output, Plan, RunMark, World};
use crate::cluster::Object;
use crate::model::{Intent, StepAddress};

output! {
    struct KeySet {
        /// The key
        key: String,
        /// The value that there was; null: it was not there
        from: OrNull<String>,
        /// The value that there is now
        to: String,
    }
}

pub(super) const FIELDS: &[Field] = KeySet::FIELDS;

/// Which of the two it is. Their intents have `{"key": ..., "value": ...}`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// In the metadata: `annotations`.
    pub field: &'static str,
    /// For people: `annotate`.
    pub verb: &'static str,
}

pub(super) const ANNOTATION: Place = Place { field: "annotations", verb: "annotate" };
pub(super) const LABEL: Place = Place { field: "labels", verb: "label" };

impl Place {
    /// Decides it by the object alone. Whether the key may be set at all, whoever calls this has
    /// asked.
    pub fn plan(self, object: &Object, key: &str, value: &str, marker: String) -> Result<Plan, ActionError> {
        let of = object.key();
        if keys::is_of_power(object.kind()) {
            return Err(ActionError::fail(format!(
                "{of}: by {} of a {} something may be granted, admitted or deleted; a human sets them",
                self.field,
                object.kind()
            )));
        }
        if object.is_going() {
            return Err(ActionError::fail(format!("{of} is being deleted")));
        }
        if let Some(who) = field_owner::keeper(object, &["metadata", self.field, key]) {
            return Err(ActionError::needs_human(who));
        }
        let intent = Intent {
            summary: String::new(),
            object: of,
            uid: object.uid().to_owned(),
            resource_version: object.resource_version().to_owned(),
            before: json!({ "key": key, "value": self.value(object, key) }),
            after: json!({ "key": key, "value": value }),
            marker,
        };
        let intent = Intent { summary: self.summary(&intent, &intent.before, &intent.after), ..intent };
        if intent.before == intent.after {
            let summary = format!("{key} of {} is {value} already", intent.object);
            return Ok(Plan::Unneeded(Output { summary, ..made(&intent) }));
        }
        Ok(Plan::Do(intent))
    }

    pub async fn apply(self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        let (key, value) = parts(&intent.after);
        let body = json!({ "metadata": { self.field: { key: value } } });
        world.cluster.patch(&objects::patch_of(intent, body, dry_run)).await?;
        Ok(made(intent))
    }

    pub async fn doubt(self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        let live = world.cluster.get(&intent.object).await?;
        let look = |live: &_| self.look(live, intent);
        Ok(doubt::about(live.as_ref(), intent, look, |a, b| a == b, || made(intent)))
    }

    pub async fn take_back(
        self,
        world: &World,
        of: &Intent,
        run: RunMark<'_>,
        step: &StepAddress,
    ) -> Result<Plan, ActionError> {
        let back = way_back::reversed(of, self.summary(of, &of.after, &of.before), run, step);
        let (key, _) = parts(&of.after);
        let summary = format!("{key} of {} is as it was: somebody has put it back", of.object);
        let as_before = Output { summary, ..made(&back) };
        way_back::of(world.cluster.as_ref(), (of, back), run, |live| self.look(live, of), as_before).await
    }

    fn value(self, object: &Object, key: &str) -> Option<String> {
        object.at("/metadata")?.get(self.field)?.get(key)?.as_str().map(str::to_owned)
    }

    fn look(self, live: &Object, intent: &Intent) -> Seen {
        let (key, wanted) = parts(&intent.after);
        let value = self.value(live, key);
        let manager = live.field_manager(&["metadata", self.field, key]).map(|manager| manager.name);
        // What is not there has no manager: that it is gone as was wanted is all that can be known.
        let is_gone_as_wanted = value.is_none() && wanted.is_null();
        let manager = if is_gone_as_wanted { Some(intent.marker.clone()) } else { manager };
        Seen { what: key.to_owned(), value: json!({ "key": key, "value": value }), manager }
    }

    fn summary(self, intent: &Intent, from: &Value, to: &Value) -> String {
        let shown = |value: &Value| -> String {
            value.as_str().map_or_else(|| "(none)".to_owned(), |text| text.chars().take(60).collect())
        };
        let ((key, from), (_, to)) = (parts(from), parts(to));
        format!("{} {} {key} {} -> {}", self.verb, intent.object, shown(from), shown(to))
    }
}

/// Key and value, which is null where it is not there.
fn parts(of: &Value) -> (&str, &Value) {
    (of.get("key").and_then(Value::as_str).unwrap_or_default(), of.get("value").unwrap_or(&Value::Null))
}

fn made(intent: &Intent) -> Output {
    let ((key, from), (_, to)) = (parts(&intent.before), parts(&intent.after));
    let set = KeySet {
        key: key.to_owned(),
        from: OrNull(from.as_str().map(str::to_owned)),
        to: to.as_str().unwrap_or_default().to_owned(),
    };
    Output::new(&set, intent.summary.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_that_grant_are_neither_annotated_nor_labelled() {
        for place in [ANNOTATION, LABEL] {
            for kind in
                ["ServiceAccount", "Namespace", "Secret", "RoleBinding", "ClusterRole", "MutatingWebhookConfiguration"]
            {
                let object = Object(json!({ "kind": kind, "metadata": { "name": "x" } }));
                let error = place.plan(&object, "example.com/x", "y", "m".into()).unwrap_err();
                assert!(error.message.contains("something may be granted"), "{error}");
            }
            let pod = Object(json!({ "kind": "Pod", "metadata": { "name": "x" } }));
            let Ok(Plan::Do(intent)) = place.plan(&pod, "example.com/x", "y", "m".into()) else { panic!() };
            assert_eq!(intent.summary, format!("{} pod/x example.com/x (none) -> y", place.verb));
        }
    }
}
