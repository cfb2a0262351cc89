//! `k8s.configmap_patch`: one value of a ConfigMap that the configuration of the bot names.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::doubt::{self, Seen};
use super::{field_owner, objects, way_back};
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{
    Action, ActionError, ChangeKind, ConfigMapKey, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan,
    Right, RunMark, StepContext, World,
};
use crate::cluster::Object;
use crate::language::Arg;
use crate::model::{Autonomy, Intent, ObjectKey, StepAddress, redact_value};

arguments! {
    pub(in crate::action) struct K8sConfigMapPatch {
        /// The key in `data`, written out
        key: Arg<String>,
        /// Its value, up to 4,096 characters
        value: Arg<String>,
    }
}

output! {
    pub(in crate::action) struct ValueSet {
        /// The key in `data`
        key: String,
        /// The value that there was
        from: String,
        /// The value that there is now
        to: String,
    }
}

/// Both values go on the run's log.
const LONGEST: usize = 4_096;

impl Declared for K8sConfigMapPatch {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.configmap_patch",
        summary: "Sets one value of the target, a ConfigMap, where the bot's configuration allows that key",
        effect: Effect::Mutates(ChangeKind::Patch),
        about: "`actions.config_maps` of dogwatch.yaml names each namespace, ConfigMap and key that may be set; no playbook allows itself one. \
            One merge patch of that key is made, on the condition of UID and resourceVersion, with the step's marker as field manager. \
            Whoever reads the ConfigMap is not told: a mounted file follows within a minute or two, and an environment variable only when \
            the pod is made anew (`k8s.rollout_restart`). The old value and the new one are kept on the run's log, and shown shortened.",
        errors: "The configuration does not name the key. The ConfigMap is being deleted or `immutable`, does not have the key, or the value \
            is longer than 4,096 characters. A human is needed where the old value or the new one holds what looks like a secret, which must \
            not be kept, and where a repository, an operator or another controller keeps the key. A conflict is tried again from the beginning.",
        repeated: "A repetition finds that the value is there already.",
        way_back: Some("The value that was there is put back, where it is still what the step made it."),
        arguments: Self::ARGUMENTS,
        output: ValueSet::FIELDS,
        rights: &[Right::on_kind(Kind::CONFIG_MAP, &["get", "patch"]), Right::on_kind(Kind::NAMESPACE, &["get"])],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: mode
  k8s.configmap_patch: { key: mode, value: read-only }
  verify: { until: \"target.data.mode == 'read-only'\", within: 1m }
  undo: unless_verified
",
    };

    const TARGETS: &'static [Kind] = &[Kind::CONFIG_MAP];

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        if self.key.literal().is_none() {
            return Err("`key` must be written out, so that it is seen beforehand what is changed".into());
        }
        self.value.literal().map_or(Ok(()), |value| fits(value))
    }
}

fn fits(value: &str) -> Result<(), String> {
    let length = value.chars().count();
    if length <= LONGEST { Ok(()) } else { Err(format!("`value` has {length} characters, and {LONGEST} is the most")) }
}

/// Why that key may not be set here, as the bot is configured now.
fn allowed(world: &World, of: &ObjectKey, key: &str) -> Result<(), ActionError> {
    let key = ConfigMapKey { namespace: of.namespace.clone(), name: of.name.clone(), key: key.to_owned() };
    world.patchable.key_refusal(&key).map_or(Ok(()), |why| Err(ActionError::fail(why)))
}

#[async_trait]
impl Mutation for K8sConfigMapPatch {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let (key, value) = (self.key.resolve(step.scope)?, self.value.resolve(step.scope)?);
        fits(&value).map_err(ActionError::fail)?;
        if !step.target.is_a("ConfigMap") {
            return Err(ActionError::fail(format!("{} is no ConfigMap", step.target)));
        }
        allowed(world, step.target, &key)?;
        plan(&objects::live_target(world.cluster.as_ref(), &step).await?, &key, &value, step.marker())
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        let (key, value) = parts(&intent.after);
        let body = json!({ "data": { key: value } });
        world.cluster.patch(&objects::patch_of(intent, body, dry_run)).await?;
        Ok(output(intent))
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        let live = world.cluster.get(&intent.object).await?;
        let doubt = doubt::about(live.as_ref(), intent, |live| look(live, intent), |a, b| a == b, || output(intent));
        // A restart may have brought another configuration.
        match &doubt {
            Doubt::NotDone(_) => {
                doubt::unless_refused(doubt, allowed(world, &intent.object, parts(&intent.after).0), intent)
            }
            _ => Ok(doubt),
        }
    }

    async fn take_back(
        &self,
        world: &World,
        made: &Intent,
        run: RunMark<'_>,
        step: &StepAddress,
    ) -> Result<Plan, ActionError> {
        let back = way_back::reversed(made, summary(&made.object, &made.after, &made.before), run, step);
        let (key, _) = parts(&made.after);
        let as_before = Output {
            summary: format!("{key} of {} is as it was: somebody has put it back", made.object),
            ..output(&back)
        };
        way_back::of(world.cluster.as_ref(), (made, back), run, |live| look(live, made), as_before).await
    }
}

fn plan(config: &Object, key: &str, value: &str, marker: String) -> Result<Plan, ActionError> {
    let of = config.key();
    if config.is_going() {
        return Err(ActionError::fail(format!("{of} is being deleted")));
    }
    if config.at("/immutable") == Some(&Value::Bool(true)) {
        let message =
            format!("{of} is immutable: one of another name takes its place, and its readers are told that name");
        return Err(ActionError::fail(message));
    }
    if let Some(who) = field_owner::controller(config).or_else(|| field_owner::keeper(config, &["data", key])) {
        return Err(ActionError::needs_human(who));
    }
    let Some(before) = config.at("/data").and_then(|data| data.get(key)?.as_str()) else {
        return Err(ActionError::fail(format!(
            "{of} has no key `{key}`; whether its readers know one is not known here"
        )));
    };
    fits(before).map_err(|why| ActionError::fail(format!("{key} of {of}: {why}")))?;
    for (which, text) in [("the value that is there", before), ("the new value", value)] {
        let mut masked = json!({ key: text });
        redact_value(&mut masked);
        if masked.get(key).and_then(Value::as_str) != Some(text) {
            return Err(ActionError::needs_human(format!(
                "{which} of {key} in {of} holds what looks like a secret, which must not be kept on a log; move it to a Secret"
            )));
        }
    }
    let (before, after) = (json!({ "key": key, "value": before }), json!({ "key": key, "value": value }));
    let intent = Intent {
        summary: summary(&of, &before, &after),
        object: of,
        uid: config.uid().to_owned(),
        resource_version: config.resource_version().to_owned(),
        before,
        after,
        marker,
    };
    if intent.before == intent.after {
        let summary = format!("{key} of {} is as wanted already", intent.object);
        return Ok(Plan::Unneeded(Output { summary, ..output(&intent) }));
    }
    Ok(Plan::Do(intent))
}

fn parts(of: &Value) -> (&str, &Value) {
    (objects::word(of, "key"), of.get("value").unwrap_or(&Value::Null))
}

fn look(live: &Object, intent: &Intent) -> Seen {
    let (key, _) = parts(&intent.after);
    Seen {
        what: key.to_owned(),
        value: json!({ "key": key, "value": live.at("/data").and_then(|data| data.get(key)) }),
        manager: live.field_manager(&["data", key]).map(|manager| manager.name),
    }
}

fn summary(of: &ObjectKey, from: &Value, to: &Value) -> String {
    let shown = |value: &Value| -> String {
        let text = value.as_str().unwrap_or_default();
        let short: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(60).collect();
        if text.chars().count() > 60 { format!("`{short}...`") } else { format!("`{short}`") }
    };
    let ((key, from), (_, to)) = (parts(from), parts(to));
    format!("set {key} of {of} {} -> {}", shown(from), shown(to))
}

fn output(intent: &Intent) -> Output {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let ((key, from), (_, to)) = (parts(&intent.before), parts(&intent.after));
    Output::new(&ValueSet { key: key.to_owned(), from: text(from), to: text(to) }, intent.summary.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::sim::build;
    use crate::model::FailureClass;

    fn decide(key: &str, value: &str, patch: &Value) -> Result<String, ActionError> {
        let config = build::configmap("shop", "web", &[("mode", "read-write"), ("password", "hunter2")]).with(patch);
        Ok(match plan(&config, key, value, "m".into())? {
            Plan::Do(intent) => intent.summary,
            Plan::Unneeded(output) => format!("unneeded: {}", output.summary),
        })
    }

    #[test]
    fn one_value_is_set_and_the_old_one_is_told() {
        assert_eq!(
            decide("mode", "read-only", &json!({})).unwrap(),
            "set mode of configmap/web in shop `read-write` -> `read-only`"
        );
        let already = decide("mode", "read-write", &json!({})).unwrap();
        assert_eq!(already, "unneeded: mode of configmap/web in shop is as wanted already");
        let long = decide("mode", &format!("a\n{}", "x".repeat(100)), &json!({})).unwrap();
        assert!(long.ends_with(&format!("-> `a {}...`", "x".repeat(58))), "{long}");
    }

    #[test]
    fn what_is_not_there_or_cannot_be_changed_is_refused() {
        for (key, patch, told) in [
            ("other", json!({}), "has no key `other`"),
            ("mode", json!({ "immutable": true }), "is immutable"),
            ("mode", json!({ "metadata": { "deletionTimestamp": "2026-05-01T12:00:00Z" } }), "is being deleted"),
        ] {
            let error = decide(key, "x", &patch).unwrap_err();
            assert_eq!(error.class, FailureClass::Fail);
            assert!(error.message.contains(told), "{error}");
        }
        assert_eq!(fits(&"x".repeat(4_097)).unwrap_err(), "`value` has 4097 characters, and 4096 is the most");
    }

    #[test]
    fn secrets_and_what_others_keep_are_for_people() {
        let fields = json!({ "f:data": { "f:mode": {} } });
        let kept = json!({ "metadata": { "managedFields": [{ "manager": "argocd-controller", "fieldsV1": fields }] } });
        for (key, value, patch, told) in [
            ("password", "x", json!({}), "the value that is there of password"),
            ("mode", "postgres://me:hunter2@db/x", json!({}), "the new value of mode"),
            ("mode", "x", kept, "is kept by Argo CD"),
        ] {
            let error = decide(key, value, &patch).unwrap_err();
            assert_eq!(error.class, FailureClass::NeedsHuman);
            assert!(error.message.contains(told) && !error.message.contains("hunter2"), "{error}");
        }
    }
}
