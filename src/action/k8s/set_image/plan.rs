//! Whether a container may have that image: a pure decision over what was read.

use serde_json::{Value, json};

use super::{Image, ImageSet};
use crate::action::k8s::doubt::Seen;
use crate::action::k8s::revisions::{self, Revision, Revisions};
use crate::action::k8s::{deny, field_owner, objects, template};
use crate::action::{ActionError, Output, Plan};
use crate::cluster::Object;
use crate::model::{Intent, ObjectKey};

/// What the playbook wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    pub container: String,
    pub image: Image,
}

impl Wish {
    /// What an intent was decided with.
    pub fn of(intent: &Intent) -> Result<Self, ActionError> {
        let text = |name: &str| objects::word(&intent.after, name);
        let image: Image = text("image").parse().map_err(|error| ActionError::fail(format!("{error}")))?;
        Ok(Self { container: text("container").to_owned(), image })
    }
}

/// Whether the image of that container is to be changed here at all.
pub(super) fn may_change(deployment: &Object, container: &str) -> Result<(), ActionError> {
    let key = deployment.key();
    if deployment.kind() != "Deployment" {
        return Err(ActionError::fail(format!("{key} is no Deployment, so that nothing tells which images it ran")));
    }
    if deployment.is_going() {
        return Err(ActionError::fail(format!("{key} is being deleted")));
    }
    if revisions::is_paused(deployment) {
        let message = format!("{key} is paused: somebody is at work on it, and nothing would be rolled out");
        return Err(ActionError::needs_human(message));
    }
    let segment = segment(container);
    let path = path(&segment);
    if let Some(who) = field_owner::controller(deployment).or_else(|| field_owner::keeper(deployment, &path)) {
        return Err(ActionError::needs_human(who));
    }
    let template = Object(deployment.at("/spec/template").cloned().unwrap_or(Value::Null));
    if deny::is_of_patroni(&template) {
        return Err(ActionError::needs_human(format!(
            "the pods of {key} are a Patroni cluster's, whose leader would be restarted: change it at its source"
        )));
    }
    Ok(())
}

/// Decides it. `is_allowed`: whether the configuration of the bot names the image.
pub(super) fn plan(
    deployment: &Object,
    revisions: &Revisions,
    is_allowed: bool,
    wish: &Wish,
    marker: String,
) -> Result<Plan, ActionError> {
    let (key, container, image) = (deployment.key(), &wish.container, wish.image.as_str());
    let Some(before) = image_of(deployment, container) else {
        let there: Vec<&str> = all(deployment).map(|container| objects::word(container, "name")).collect();
        return Err(ActionError::fail(format!("{key} has no container `{container}` (it has: {})", there.join(", "))));
    };
    if before == image {
        let set = ImageSet {
            container: container.clone(),
            from: before.to_owned(),
            to: image.to_owned(),
            revision: revisions.current.number,
        };
        return Ok(Plan::Unneeded(Output::new(&set, format!("{container} in {key} has {image} already"))));
    }
    let proof = proof(deployment, revisions, wish);
    let revision = match proof {
        Some(Ok(revision)) => Some(revision),
        _ if is_allowed => None,
        Some(Err(why)) => return Err(ActionError::needs_human(why)),
        None => {
            return Err(ActionError::fail(format!(
                "no earlier revision of {key} has {image} in {container}, so that nothing proves that it runs: whoever runs the bot allows \
                 an image by its digest in dogwatch.yaml, as `actions: {{ images: [\"registry.example/web@sha256:...\"] }}`"
            )));
        }
    };
    let number = revision.map_or(0, |revision| revision.number);
    let before = json!({ "container": container, "image": before });
    let after = json!({ "container": container, "image": image, "revision": number });
    let mut summary = summary(&key, &before, &after);
    match revision {
        Some(revision) => {
            summary.push_str(&format!("; pods of revision {number} run it"));
            let parts =
                template::parts(&revisions::template(&revisions.current.set), &revisions::template(&revision.set));
            if !parts.is_empty() {
                summary.push_str(&format!(", which has otherwise: {}", parts.join(", ")));
            }
        }
        None => summary.push_str("; it is allowed by its digest"),
    }
    Ok(Plan::Do(Intent {
        summary,
        object: key,
        uid: deployment.uid().to_owned(),
        resource_version: deployment.resource_version().to_owned(),
        before,
        after,
        marker,
    }))
}

/// The revision whose pods prove that the image runs in that container, or why they do not. `None`:
/// there is none with it.
fn proof<'r>(deployment: &Object, revisions: &'r Revisions, wish: &Wish) -> Option<Result<&'r Revision, String>> {
    let has = |revision: &&Revision| image_of(&revision.set, &wish.container) == Some(wish.image.as_str());
    let mut all = revisions
        .others
        .iter()
        .filter(has)
        .map(|revision| revisions::check_proven(deployment, revisions, revision).map(|()| revision));
    let first = all.next()?;
    Some(if first.is_ok() { first } else { all.find(Result::is_ok).unwrap_or(first) })
}

/// An item of the list of containers, as `managedFields` has it.
fn segment(container: &str) -> String {
    format!("k:{}", json!({ "name": container }))
}

fn path(segment: &str) -> [&str; 6] {
    ["spec", "template", "spec", "containers", segment, "image"]
}

fn all(workload: &Object) -> impl Iterator<Item = &Value> {
    workload.at("/spec/template/spec/containers").and_then(Value::as_array).into_iter().flatten()
}

fn image_of<'o>(workload: &'o Object, container: &str) -> Option<&'o str> {
    all(workload).find(|it| objects::word(it, "name") == container)?.get("image")?.as_str()
}

/// The list of containers as it should be.
pub(super) fn containers(workload: &Object, after: &Value) -> Vec<Value> {
    let mut containers: Vec<Value> = all(workload).cloned().collect();
    let name = objects::word(after, "container");
    for container in containers.iter_mut().filter(|container| objects::word(container, "name") == name) {
        container["image"] = after["image"].clone();
    }
    containers
}

/// The image of the container that `intent` is about.
pub(super) fn look(workload: &Object, intent: &Intent) -> Seen {
    let container = objects::word(&intent.after, "container");
    let segment = segment(container);
    Seen {
        what: format!("the image of {container}"),
        value: json!({ "container": container, "image": image_of(workload, container) }),
        manager: workload.field_manager(&path(&segment)).map(|manager| manager.name),
    }
}

pub(super) fn summary(key: &ObjectKey, from: &Value, to: &Value) -> String {
    let image = |value: &Value| objects::word(value, "image").to_owned();
    format!("set the image of {} in {key}: {} -> {}", objects::word(to, "container"), image(from), image(to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::k8s::revisions::tests::{deployment, set};
    use crate::model::FailureClass;

    fn wish(image: &str) -> Wish {
        Wish { container: "web".into(), image: image.parse().unwrap() }
    }

    /// Of a Deployment whose third image does not come up.
    fn decide(image: &str, is_allowed: bool, available: i64) -> Result<String, ActionError> {
        let web = deployment("shop:3");
        let revisions =
            revisions::of(&web, vec![set(5, "shop:1", 0), set(6, "shop:2", available), set(7, "shop:3", 0)])?;
        Ok(match plan(&web, &revisions, is_allowed, &wish(image), "m".into())? {
            Plan::Do(intent) => intent.summary,
            Plan::Unneeded(output) => format!("unneeded: {}", output.summary),
        })
    }

    #[test]
    fn an_image_whose_pods_run_is_set() {
        assert_eq!(
            decide("shop:2", false, 3).unwrap(),
            "set the image of web in deployment/web in shop: shop:3 -> shop:2; pods of revision 6 run it"
        );
        assert_eq!(decide("shop:3", false, 3).unwrap(), "unneeded: web in deployment/web in shop has shop:3 already");
    }

    #[test]
    fn what_nothing_proves_is_for_a_human_and_what_never_ran_is_refused() {
        for (image, available) in [("shop:1", 3), ("shop:2", 0)] {
            let error = decide(image, false, available).unwrap_err();
            assert_eq!(error.class, FailureClass::NeedsHuman, "{error}");
            assert!(error.message.contains("ever ran"), "{error}");
        }
        let error = decide("shop:9", false, 3).unwrap_err();
        assert_eq!(error.class, FailureClass::Fail);
        assert!(error.message.contains("nothing proves that it runs"), "{error}");
        assert!(decide("shop:9", true, 3).unwrap().ends_with("shop:3 -> shop:9; it is allowed by its digest"));
    }

    #[test]
    fn what_others_keep_or_are_at_work_on_is_theirs() {
        let fields = json!({ "f:spec": { "f:template": { "f:spec": { "f:containers": {
            "k:{\"name\":\"web\"}": { "f:image": {} },
        } } } } });
        let kept = json!({ "metadata": { "managedFields": [{ "manager": "argocd-controller", "fieldsV1": fields }] } });
        let spilo = json!({ "spec": { "template": { "metadata": { "labels": { "application": "spilo" } } } } });
        for (patch, told) in [
            (kept, "is kept by Argo CD"),
            (json!({ "spec": { "paused": true } }), "is paused"),
            (spilo, "a Patroni cluster's"),
        ] {
            let error = may_change(&deployment("shop:3").with(&patch), "web").unwrap_err();
            assert_eq!(error.class, FailureClass::NeedsHuman);
            assert!(error.message.contains(told), "{error}");
        }
        assert!(may_change(&deployment("shop:3"), "web").is_ok());
    }

    #[test]
    fn no_other_container_is_touched() {
        let two = deployment("shop:3").with(&json!({ "spec": { "template": { "spec": { "containers": [
            { "name": "web", "image": "shop:3" }, { "name": "log", "image": "log:1" },
        ] } } } }));
        let after = json!({ "container": "web", "image": "shop:2" });
        let images: Vec<Value> = containers(&two, &after).into_iter().map(|it| it["image"].clone()).collect();
        assert_eq!(images, [json!("shop:2"), json!("log:1")]);
    }
}
