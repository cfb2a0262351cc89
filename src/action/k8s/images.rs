//! `k8s.images`: which images the pods of the target run, and which cannot be pulled.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde_json::Value;

use super::objects::{self, word};
use super::unready;
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{
    AT_WILL, Action, ActionError, Declaration, Declared, Effect, Kind, Output, Read, Right, StepContext, World,
};
use crate::cluster::{ListQuery, Object};
use crate::model::Autonomy;

arguments! {
    pub(in crate::action) struct K8sImages {}
}

output! {
    struct Images {
        /// Each image and digest, what cannot be pulled first
        images: Vec<Image>,
        /// Whether one image, by its name and tag, runs as several digests
        mixed: bool,
        /// How many pods wait for an image that cannot be pulled
        not_pulled: usize,
        /// The pull secrets that the pods name; what is in them is never read
        pull_secrets: Vec<String>,
    }
}

output! {
    struct Image {
        /// As the pod names it: `registry.example/web:2`
        image: String,
        /// What was pulled: `sha256:…`; empty: nothing yet
        digest: String,
        /// How many pods have it
        pods: usize,
        /// How many of those are not ready, for whatever reason
        not_ready: usize,
        /// Why it cannot be pulled, in a word: `ImagePullBackOff`; empty: it can
        reason: String,
        /// What the kubelet says about that, cut at 300 characters
        message: String,
    }
}

/// The most pods of a workload. More is not read but refused.
const MOST: usize = 2_000;

/// What a container waits for whose image is not there.
const NOT_PULLED: [&str; 7] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];

impl Declared for K8sImages {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.images",
        summary: "Finds out which images the pods of the target run, and which cannot be pulled",
        effect: Effect::Reads,
        about: "The target is a Pod, or a workload: whatever has a `spec.selector` of labels. Images of init containers count. Pods that have \
            ended do not. One tag that runs as several digests was moved between two pulls.",
        errors: "The target has no selector; it has more than 2000 pods.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Images::FIELDS,
        rights: &[Right::on_target(&["get"]), Right::on_kind(Kind::POD, &["list"])],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: images
  k8s.images: {}
- escalate_if: images.not_pulled > 0
  because: \"{{images.summary}}\"
",
    };

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }
}

#[async_trait]
impl Read for K8sImages {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let target = objects::live_target(world.cluster.as_ref(), &step).await?;
        if target.kind() == "Pod" {
            return Ok(look_at(&[target]));
        }
        let query = ListQuery {
            kind: Kind::POD.id().into(),
            namespace: step.target.namespace.clone(),
            labels: objects::selector(&target)?,
            limit: MOST,
            ..ListQuery::default()
        };
        Ok(look_at(&world.cluster.list(&query).await?))
    }
}

fn look_at(pods: &[Object]) -> Output {
    let mut each: BTreeMap<(String, String), Image> = BTreeMap::new();
    let (mut not_pulled, mut secrets) = (0, BTreeSet::new());
    let mut running = 0;
    for pod in pods.iter().filter(|pod| !objects::has_ended(pod)) {
        running += 1;
        let named = pod.at("/spec/imagePullSecrets").and_then(Value::as_array).into_iter().flatten();
        secrets.extend(named.map(|secret| word(secret, "name").to_owned()).filter(|name| !name.is_empty()));
        let mut of_pod: BTreeMap<(String, String), (&str, String)> = BTreeMap::new();
        for container in containers(pod) {
            let status = unready::containers(pod).find(|it| word(it, "name") == word(container, "name"));
            let (reason, message) = status.map(refusal).unwrap_or_default();
            let digest = digest(status.map(|it| word(it, "imageID")).unwrap_or_default());
            let it = of_pod.entry((word(container, "image").to_owned(), digest.to_owned())).or_default();
            if it.0.is_empty() {
                *it = (reason, message);
            }
        }
        not_pulled += usize::from(of_pod.values().any(|(reason, _)| !reason.is_empty()));
        for ((image, digest), (reason, message)) in of_pod {
            let it = each.entry((image.clone(), digest.clone())).or_insert_with(|| Image {
                image,
                digest,
                pods: 0,
                not_ready: 0,
                reason: String::new(),
                message: String::new(),
            });
            it.pods += 1;
            it.not_ready += usize::from(!unready::is_ready(pod));
            if it.reason.is_empty() {
                (it.reason, it.message) = (reason.to_owned(), message);
            }
        }
    }
    let mut images: Vec<Image> = each.into_values().collect();
    images.sort_by_key(|it| it.reason.is_empty());
    let mixed = mixed(&images);
    let summary = summary(&images, running, not_pulled, mixed.as_deref());
    let found = Images { images, mixed: mixed.is_some(), not_pulled, pull_secrets: secrets.into_iter().collect() };
    Output::new(&found, summary)
}

fn summary(images: &[Image], running: usize, not_pulled: usize, mixed: Option<&str>) -> String {
    let mut summary = match images.iter().find(|it| !it.reason.is_empty()) {
        Some(bad) => {
            let message = if bad.message.is_empty() { String::new() } else { format!(": {}", bad.message) };
            format!("{not_pulled} of {running} pods wait for an image; {}: {}{message}", bad.image, bad.reason)
        }
        None => format!("{running} pods run {} images", images.len()),
    };
    if let Some(image) = mixed {
        summary.push_str(&format!("; {image} runs as several digests"));
    }
    summary
}

/// An image that runs as several digests.
fn mixed(images: &[Image]) -> Option<String> {
    let mut digests: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for image in images.iter().filter(|it| !it.digest.is_empty()) {
        digests.entry(&image.image).or_default().insert(&image.digest);
    }
    digests.into_iter().find(|(_, digests)| digests.len() > 1).map(|(image, _)| image.to_owned())
}

fn containers(pod: &Object) -> impl Iterator<Item = &Value> {
    let list = |pointer: &str| pod.at(pointer).and_then(Value::as_array).into_iter().flatten();
    list("/spec/initContainers").chain(list("/spec/containers"))
}

/// Why the container's image is not there; empty words where it is.
fn refusal(status: &Value) -> (&'static str, String) {
    let waiting = status.pointer("/state/waiting");
    let reason = waiting.and_then(|it| NOT_PULLED.into_iter().find(|reason| *reason == word(it, "reason")));
    let Some((waiting, reason)) = waiting.zip(reason) else { return Default::default() };
    (reason, unready::brief(word(waiting, "message")))
}

/// Runtimes name what was pulled by repository and digest, or by the digest alone.
fn digest(image_id: &str) -> &str {
    let digest = image_id.rsplit_once('@').map_or(image_id, |(_, digest)| digest);
    if digest.contains(':') && !digest.contains('/') { digest } else { "" }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, image: &str, id: &str, state: Value) -> Object {
        let ready = if state.get("running").is_some() { "True" } else { "False" };
        Object(json!({
            "kind": "Pod", "metadata": { "name": name },
            "spec": {
                "containers": [{ "name": "main", "image": image }],
                "imagePullSecrets": [{ "name": "registry" }],
            },
            "status": {
                "phase": "Running", "conditions": [{ "type": "Ready", "status": ready }],
                "containerStatuses": [{ "name": "main", "image": "sha256:1", "imageID": id, "state": state }],
            },
        }))
    }

    #[test]
    fn what_cannot_be_pulled_comes_first_with_what_is_said_about_it() {
        let waiting =
            json!({ "waiting": { "reason": "ImagePullBackOff", "message": "Back-off pulling: 401 Unauthorized\n" } });
        let pods = [
            pod("a", "web:1", "registry.example/web@sha256:aa", json!({ "running": {} })),
            pod(
                "b",
                "web:1",
                "docker-pullable://web@sha256:aa",
                json!({ "waiting": { "reason": "CrashLoopBackOff" } }),
            ),
            pod("c", "web:2", "", waiting),
        ];
        let output = look_at(&pods);
        assert_eq!(
            output.value["images"],
            json!([
                {
                    "image": "web:2", "digest": "", "pods": 1, "not_ready": 1,
                    "reason": "ImagePullBackOff", "message": "Back-off pulling: 401 Unauthorized",
                },
                { "image": "web:1", "digest": "sha256:aa", "pods": 2, "not_ready": 1, "reason": "", "message": "" },
            ])
        );
        assert_eq!((&output.value["mixed"], &output.value["not_pulled"]), (&json!(false), &json!(1)));
        assert_eq!(output.value["pull_secrets"], json!(["registry"]));
        assert_eq!(
            output.summary,
            "1 of 3 pods wait for an image; web:2: ImagePullBackOff: Back-off pulling: 401 Unauthorized"
        );
    }

    #[test]
    fn a_tag_that_was_moved_is_told() {
        let run = || json!({ "running": {} });
        let output =
            look_at(&[pod("a", "web:latest", "x@sha256:aa", run()), pod("b", "web:latest", "x@sha256:bb", run())]);
        assert_eq!(output.value["mixed"], json!(true));
        assert_eq!(output.summary, "2 pods run 2 images; web:latest runs as several digests");
    }

    #[test]
    fn a_digest_is_read_as_runtimes_write_it() {
        for (id, digest_of_it) in [
            ("registry.example/web@sha256:aa", "sha256:aa"),
            ("docker-pullable://registry.example:5000/web@sha256:aa", "sha256:aa"),
            ("sha256:aa", "sha256:aa"),
            ("docker.io/library/web:1", ""),
            ("", ""),
        ] {
            assert_eq!(digest(id), digest_of_it, "{id}");
        }
    }
}
