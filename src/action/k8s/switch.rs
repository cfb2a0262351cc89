//! A field that is on or off, as `spec.suspend` of a CronJob: who set it, and the change of it.

use serde_json::{Value, json};

use super::doubt::{self, Seen};
use super::{objects, way_back};
use crate::action::{ActionError, Doubt, MARK, Output, Plan, RunMark, World};
use crate::cluster::{Cluster, Object};
use crate::model::{Intent, StepAddress};

/// The intents about it have `{"on": true}`, and what there was also the object's generation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Switch {
    pub path: &'static [&'static str],
    /// Whether the API server keeps a `false`, and who wrote it. Else what is off bears no mark.
    pub keeps_off: bool,
}

/// Whether the value that is or was intended is on.
pub(super) fn is_on(value: &Value) -> bool {
    value.get("on") == Some(&Value::Bool(true))
}

impl Switch {
    pub fn holds(self, object: &Object) -> bool {
        object.at(&format!("/{}", self.path.join("/"))) == Some(&Value::Bool(true))
    }

    /// Who wrote it last, as `managedFields` have it.
    pub fn by_whom(self, object: &Object) -> Option<String> {
        object.field_manager(self.path).map(|manager| manager.name)
    }

    /// Whether a run did, of this bot or of one on another database.
    pub fn is_by_a_run(self, object: &Object) -> bool {
        self.by_whom(object).is_some_and(|manager| manager.starts_with(MARK))
    }

    /// The change of it on an object as it was read.
    pub fn intent(self, object: &Object, on: bool, summary: String, marker: String) -> Intent {
        Intent {
            summary,
            object: object.key(),
            uid: object.uid().to_owned(),
            resource_version: object.resource_version().to_owned(),
            before: json!({ "on": !on, "generation": object.number("/metadata/generation") }),
            after: json!({ "on": on }),
            marker,
        }
    }

    pub async fn apply(self, world: &World, intent: &Intent, dry_run: bool) -> Result<(), ActionError> {
        let value = match is_on(&intent.after) {
            true => json!(true),
            false if self.keeps_off => json!(false),
            false => Value::Null,
        };
        let body = self.path.iter().rev().fold(value, |inner, name| json!({ *name: inner }));
        world.cluster.patch(&objects::patch_of(intent, body, dry_run)).await?;
        Ok(())
    }

    /// To be off is all that is wanted of what is switched off, whoever did it.
    pub async fn doubt(
        self,
        world: &World,
        intent: &Intent,
        done: impl FnOnce() -> Output,
    ) -> Result<Doubt, ActionError> {
        let live = world.cluster.get(&intent.object).await?;
        if let Some(live) = &live
            && live.uid() == intent.uid
            && !is_on(&intent.after)
            && !self.holds(live)
        {
            return Ok(Doubt::Done(done()));
        }
        let same = |a: &Value, b: &Value| is_on(a) == is_on(b);
        Ok(doubt::about(live.as_ref(), intent, |live| self.look(live, intent), same, done))
    }

    /// The other way round, where it is still as `made` left it.
    pub async fn take_back(
        self,
        cluster: &dyn Cluster,
        (made, summary): (&Intent, String),
        run: RunMark<'_>,
        step: &StepAddress,
        as_before: Output,
    ) -> Result<Plan, ActionError> {
        let generation = cluster.get(&made.object).await?.and_then(|live| live.number("/metadata/generation"));
        let (was, is) = (is_on(&made.before), is_on(&made.after));
        let back = Intent {
            before: json!({ "on": is, "generation": generation }),
            after: json!({ "on": was }),
            ..way_back::reversed(made, summary, run, step)
        };
        way_back::of(cluster, (made, back), run, |live| self.look(live, made), as_before).await
    }

    /// What is off without a mark is as `made` left it where nothing else was written into the spec
    /// since: each such write counts the generation up by one.
    fn look(self, live: &Object, made: &Intent) -> Seen {
        let on = self.holds(live);
        let generation = made.before.get("generation").and_then(Value::as_i64);
        let is_untouched = generation.is_some_and(|before| live.number("/metadata/generation") == Some(before + 1));
        let manager = match on || self.keeps_off {
            true => self.by_whom(live),
            false => is_untouched.then(|| made.marker.clone()),
        };
        Seen { what: self.path.join("."), value: json!({ "on": on }), manager }
    }
}
