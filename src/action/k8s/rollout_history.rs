//! `k8s.rollout_history`: which change of the target is the last one, and what was there before it.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::revisions::{self, Revisions};
use super::{objects, template};
use crate::action::typed::{Arguments as _, OrNull, Typed as _, arguments, output};
use crate::action::{
    AT_WILL, Action, ActionError, Declaration, Declared, Effect, Kind, Output, Read, Right, StepContext, World,
};
use crate::cluster::Object;
use crate::model::{Autonomy, HumanDuration};

arguments! {
    pub(in crate::action) struct K8sRolloutHistory {}
}

output! {
    struct RolloutHistory {
        /// Whether its template was ever changed. `false`: it is the one that it began with
        changed: bool,
        /// How long ago it became what it is, in seconds
        age_seconds: i64,
        /// The number of the present revision, as `kubectl rollout history` has it
        revision: i64,
        /// What its pods have in the label `pod-template-hash`, by which `k8s.pods` tells them from
        /// others
        template_hash: String,
        /// The images of its containers, with commas between them
        image: String,
        /// The number of the revision before it; null: none is kept
        previous: OrNull<i64>,
        /// The images of that one; empty: none is kept
        previous_image: String,
        /// Whether pods of that one are available now, which proves that it runs. `false` proves
        /// nothing
        previous_was_ready: bool,
        /// Whether the present one reads other ConfigMaps or Secrets than that one, by their names,
        /// or has other annotations on its pods, as Helm's `checksum/config` (`restartedAt` does
        /// not count)
        configuration_changed: bool,
        /// Whether its init containers are others, or called otherwise: a migration may have run
        init_changed: bool,
    }
}

impl Declared for K8sRolloutHistory {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.rollout_history",
        summary: "Finds out what the last change of the target, a Deployment, was, and what was there before it",
        effect: Effect::Reads,
        about: "The revisions are those of the ReplicaSets that the Deployment has kept. The present one is that of its present template. It is \
            as old as its ReplicaSet; where an older one was gone back to, as the last write of whoever wrote the template. A ReplicaSet \
            keeps no memory of how its pods did: only what is available now proves that a revision runs, and one without pods may have \
            been good or bad. A ConfigMap that was changed in its place is no other one: `k8s.last_change` tells of that.",
        errors: "The target is no Deployment. Its controller has no ReplicaSet of its present template yet, which is asked again. Nobody \
            recorded when an older template was gone back to.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: RolloutHistory::FIELDS,
        rights: &[Right::on_target(&["get"]), Right::on_kind(Kind::REPLICA_SET, &["list"])],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: rollout
  k8s.rollout_history: {}
- require: rollout.changed && rollout.age_seconds < 2 * 3600
  because: \"its last change is none of the last two hours: {{rollout.summary}}\"
",
    };

    const TARGETS: &'static [Kind] = &[Kind::DEPLOYMENT];

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }
}

#[async_trait]
impl Read for K8sRolloutHistory {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let cluster = world.cluster.as_ref();
        let deployment = objects::live_target(cluster, &step).await?;
        let revisions = revisions::find(cluster, &deployment).await?;
        history(&deployment, &revisions, world.clock.now())
    }
}

fn history(deployment: &Object, revisions: &Revisions, now: DateTime<Utc>) -> Result<Output, ActionError> {
    let (current, previous) = (&revisions.current, revisions.previous());
    let Some(at) = revisions.changed_at(deployment) else {
        return Err(ActionError::fail(format!(
            "{} went back to the template of revision {}, and nobody recorded when",
            deployment.key(),
            current.number
        )));
    };
    let age_seconds = objects::seconds_since(now, at);
    let changed = current.number > 1 || previous.is_some();
    let (now_reads, before) = (current.configuration(), previous.map(revisions::Revision::configuration));
    let reads_others = before.as_ref().is_some_and(|before| *before != now_reads);
    let present = revisions::template(&current.set);
    let old = previous.map(|previous| revisions::template(&previous.set));
    let annotations = old.as_ref().map(|old| template::annotations(old, &present)).unwrap_or_default();
    let init_changed = old.as_ref().is_some_and(|old| template::init_differs(old, &present));
    let age = HumanDuration(Duration::from_secs(age_seconds.unsigned_abs()));
    let mut summary = format!("revision {} ({}) since {age}", current.number, current.image());
    match previous {
        Some(previous) => {
            summary.push_str(&format!(", before it {} ({}), ", previous.number, previous.image()));
            summary.push_str(&match previous.available() {
                0 => "of which no pod is available".to_owned(),
                1 => "of which 1 pod is available".to_owned(),
                pods => format!("of which {pods} pods are available"),
            });
        }
        None if changed => summary.push_str(", and none is kept from before it"),
        None => summary.push_str(", the first one"),
    }
    if let Some(before) = before.filter(|_| reads_others) {
        let names = |names: Vec<&str>| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        let brought: Vec<&str> = now_reads.difference(&before).map(String::as_str).collect();
        let left: Vec<&str> = before.difference(&now_reads).map(String::as_str).collect();
        summary.push_str(&format!("; it reads {} instead of {}", names(brought), names(left)));
    }
    if !annotations.is_empty() {
        summary.push_str(&format!("; other annotations of its pods: {}", annotations.join(", ")));
    }
    if init_changed {
        summary.push_str("; other init containers");
    }
    let history = RolloutHistory {
        changed,
        age_seconds,
        revision: current.number,
        template_hash: current.hash().to_owned(),
        image: current.image(),
        previous: OrNull(previous.map(|previous| previous.number)),
        previous_image: previous.map(revisions::Revision::image).unwrap_or_default(),
        previous_was_ready: previous.is_some_and(|previous| previous.available() > 0),
        configuration_changed: reads_others || !annotations.is_empty(),
        init_changed,
    };
    Ok(Output::new(&history, summary))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::revisions::tests::{deployment, set};
    use super::*;

    fn told(deployment: &Object, sets: Vec<Object>) -> Result<Output, ActionError> {
        let now = DateTime::parse_from_rfc3339("2026-05-01T07:25:00Z").unwrap().to_utc();
        history(deployment, &revisions::of(deployment, sets).unwrap(), now)
    }

    fn reading(set: Object, map: &str) -> Object {
        set.with(&json!({ "spec": { "template": { "spec": { "volumes": [{ "name": "v", "configMap": { "name": map } }] } } } }))
    }

    #[test]
    fn the_last_change_and_what_was_there_before_it() {
        let output =
            told(&deployment("shop:3"), vec![set(5, "shop:1", 0), set(6, "shop:2", 3), set(7, "shop:3", 0)]).unwrap();
        assert_eq!(
            Value::Object(output.value),
            json!({
                "changed": true, "age_seconds": 1500, "revision": 7, "template_hash": "h7", "image": "shop:3",
                "previous": 6, "previous_image": "shop:2", "previous_was_ready": true, "configuration_changed": false,
                "init_changed": false,
            })
        );
        assert_eq!(
            output.summary,
            "revision 7 (shop:3) since 25m, before it 6 (shop:2), of which 3 pods are available"
        );
    }

    #[test]
    fn a_set_without_pods_proves_nothing() {
        let output = told(&deployment("shop:3"), vec![set(6, "shop:2", 0), set(7, "shop:3", 3)]).unwrap();
        assert_eq!(output.value.get("previous_was_ready"), Some(&json!(false)));
        assert!(output.summary.ends_with("before it 6 (shop:2), of which no pod is available"), "{}", output.summary);
    }

    #[test]
    fn the_first_revision_is_no_change() {
        let output = told(&deployment("shop:1"), vec![set(1, "shop:1", 3)]).unwrap();
        assert_eq!(
            (output.value.get("changed"), output.value.get("previous")),
            (Some(&json!(false)), Some(&json!(null)))
        );
        let kept_none = told(&deployment("shop:3"), vec![set(7, "shop:3", 0)]).unwrap();
        assert_eq!(kept_none.value.get("changed"), Some(&json!(true)));
        assert_eq!(kept_none.summary, "revision 7 (shop:3) since 25m, and none is kept from before it");
    }

    #[test]
    fn other_configuration_is_told_by_its_names() {
        let web = Object(reading(deployment("shop:3"), "web-2").0);
        let output =
            told(&web, vec![reading(set(6, "shop:2", 3), "web-1"), reading(set(7, "shop:3", 0), "web-2")]).unwrap();
        assert_eq!(output.value.get("configuration_changed"), Some(&json!(true)));
        assert!(
            output.summary.ends_with("; it reads configmap/web-2 instead of configmap/web-1"),
            "{}",
            output.summary
        );
    }

    #[test]
    fn what_a_chart_says_of_its_configuration_counts_as_configuration() {
        let with = |patch: Value| json!({ "spec": { "template": patch } });
        let told = |patch: Value| {
            let web = deployment("shop:3").with(&with(patch.clone()));
            told(&web, vec![set(6, "shop:2", 3), set(7, "shop:3", 0).with(&with(patch))]).unwrap()
        };
        let output = told(json!({ "metadata": { "annotations": { "checksum/config": "0a" } } }));
        assert_eq!(output.value.get("configuration_changed"), Some(&json!(true)));
        assert!(output.summary.ends_with("; other annotations of its pods: checksum/config"), "{}", output.summary);
        let output = told(json!({ "metadata": { "annotations": { "kubectl.kubernetes.io/restartedAt": "now" } } }));
        assert_eq!(output.value.get("configuration_changed"), Some(&json!(false)));
        let output = told(json!({ "spec": { "initContainers": [{ "name": "migrate", "image": "shop:3" }] } }));
        assert_eq!(output.value.get("init_changed"), Some(&json!(true)));
        assert!(output.summary.ends_with("; other init containers"), "{}", output.summary);
    }

    #[test]
    fn what_was_gone_back_to_is_as_old_as_the_going_back() {
        let history = json!({ "metadata": { "annotations": { "deployment.kubernetes.io/revision-history": "2" } } });
        let sets = || vec![set(6, "shop:2", 3), set(7, "shop:3", 0).with(&history)];
        let error = told(&deployment("shop:3"), sets()).unwrap_err();
        assert!(error.message.contains("nobody recorded when"), "{error}");
        let mut web = deployment("shop:3");
        web.0["metadata"]["managedFields"] = json!([{
            "manager": "kubectl-rollout", "time": "2026-05-01T07:24:00Z", "fieldsV1": { "f:spec": { "f:template": {} } },
        }]);
        assert_eq!(told(&web, sets()).unwrap().value.get("age_seconds"), Some(&json!(60)));
    }
}
