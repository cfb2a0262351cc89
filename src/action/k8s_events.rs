//! `k8s.events`: what the cluster says about an object.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::amounts::Count;
use super::k8s_get::written_out;
use super::kinds::rights;
use super::{ActionError, Describe, Kind, Output, Read, StepContext, World, objects};
use crate::cluster::{Access, ListQuery, Object};
use crate::language::{AnyArg, Arg};
use crate::model::ObjectKey;

/// Lists the events about an object. Changes nothing; may be repeated at will.
///
/// Arguments, all optional: `kind` and `name` (together; the target by default), `namespace` (the target's by default), `limit`
/// (20 by default).
///
/// Output: `items`, newest first, each with `type`, `reason`, `message`, `count` and `last`; `count`, of all events about the
/// object, also those beyond the limit. No event at all is an answer: the API server keeps them for an hour only.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct K8sEvents {
    kind: Option<Arg<Kind>>,
    namespace: Option<Arg<String>>,
    name: Option<Arg<String>>,
    limit: Option<Arg<Count>>,
}

const DEFAULT_LIMIT: Count = Count(20);

/// Where events about objects of the whole cluster are kept.
const CLUSTER_EVENTS: &str = "default";

/// The most events about one object that are read to find the newest: a sick node has hundreds.
const MOST_READ: usize = 2_000;

/// The longest message that is kept, in characters: some hold a whole manifest.
const LONGEST_MESSAGE: usize = 500;

impl Describe for K8sEvents {
    fn name(&self) -> &'static str {
        "k8s.events"
    }

    fn args(&self) -> Vec<(&'static str, &dyn AnyArg)> {
        vec![("kind", &self.kind), ("namespace", &self.namespace), ("name", &self.name), ("limit", &self.limit)]
    }

    fn check(&self) -> Result<(), String> {
        match (&self.kind, &self.name) {
            (Some(kind), Some(_)) => written_out(kind, self.namespace.as_ref()),
            (None, None) if self.namespace.is_none() => Ok(()),
            (None, None) => Err("`namespace` needs `kind` and `name` beside it; leave it out for the target".into()),
            _ => Err("`kind` and `name` belong together; leave out both for the target".into()),
        }
    }

    fn access(&self, target_kind: &str) -> Vec<Access> {
        let kind = match &self.kind {
            Some(kind) => kind.literal().copied(),
            None => target_kind.parse().ok(),
        };
        let mut namespace = self.namespace.as_ref().and_then(Arg::literal).cloned().unwrap_or_default();
        if kind.is_some_and(|kind: Kind| !kind.is_namespaced()) {
            CLUSTER_EVENTS.clone_into(&mut namespace);
        }
        rights("Event", &["list"]).into_iter().map(|access| Access { namespace: namespace.clone(), ..access }).collect()
    }

    fn output_fields(&self) -> Option<&'static [&'static str]> {
        Some(&["items", "count"])
    }

    fn item_fields(&self) -> Option<(&'static str, &'static [&'static str])> {
        Some(("items", &["type", "reason", "message", "count", "last"]))
    }
}

#[async_trait]
impl Read for K8sEvents {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let about = match (&self.kind, &self.name) {
            (Some(kind), Some(name)) => objects::key(&step, kind.resolve(step.scope)?, self.namespace.as_ref(), name)?,
            _ => step.target.clone(),
        };
        let uid = if about == *step.target { uid_of_target(&step) } else { "" };
        let limit = self.limit.as_ref().map_or(Ok(DEFAULT_LIMIT), |limit| limit.resolve(step.scope))?.0 as usize;
        let found = world.cluster.list(&query(&about, uid)).await?;
        Ok(newest_first(&about, &found, limit))
    }

    fn as_describe(&self) -> &dyn Describe {
        self
    }
}

/// The UID of the target as it was last there: an object of that name which was deleted before has Events too. A kubelet's
/// Events about its Node name the Node where the UID should be.
fn uid_of_target<'s>(step: &StepContext<'s>) -> &'s str {
    let seen = || step.scope.get("target")?.pointer("/metadata/uid")?.as_str();
    if step.target.kind == "Node" { "" } else { seen().unwrap_or_default() }
}

fn query(about: &ObjectKey, uid: &str) -> ListQuery {
    let mut fields = format!("involvedObject.kind={},involvedObject.name={}", about.kind, about.name);
    if !uid.is_empty() {
        fields.push_str(&format!(",involvedObject.uid={uid}"));
    }
    let namespace = if about.namespace.is_empty() { CLUSTER_EVENTS.into() } else { about.namespace.clone() };
    ListQuery { kind: "Event".into(), namespace, labels: String::new(), fields, limit: MOST_READ }
}

fn newest_first(about: &ObjectKey, found: &[Object], limit: usize) -> Output {
    let mut events: Vec<(Option<DateTime<Utc>>, &Object)> =
        found.iter().map(|event| (last_seen(event), event)).collect();
    events.sort_by(|(a, first), (b, second)| b.cmp(a).then_with(|| first.name().cmp(second.name())));
    let items: Vec<Value> = events
        .iter()
        .take(limit)
        .map(|(last, event)| {
            let message: String = event.text("/message").trim().chars().take(LONGEST_MESSAGE).collect();
            json!({
                "type": event.text("/type"),
                "reason": event.text("/reason"),
                "message": message,
                "count": event.number("/series/count").or(event.number("/count")).unwrap_or(1),
                "last": last.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
            })
        })
        .collect();
    let summary = match items.first() {
        Some(newest) => {
            let text = |name: &str| newest.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let number = if found.len() == 1 { "1 event".into() } else { format!("{} events", found.len()) };
            format!("{number} about {about}; the newest: {}: {}", text("reason"), text("message"))
        }
        None => format!("no events about {about}"),
    };
    Output::new(json!({ "items": items, "count": found.len() }), summary)
}

/// When it happened last: events of the old and the new API keep that in different fields.
fn last_seen(event: &Object) -> Option<DateTime<Utc>> {
    ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"]
        .into_iter()
        .find_map(|pointer| objects::time_at(&event.0, pointer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, fields: Value) -> Object {
        let mut event = json!({ "kind": "Event", "metadata": { "name": name }, "type": "Warning" });
        if let (Some(event), Value::Object(fields)) = (event.as_object_mut(), fields) {
            event.extend(fields);
        }
        Object(event)
    }

    #[test]
    fn the_newest_comes_first_whichever_api_wrote_it() {
        let about = ObjectKey::new("PersistentVolumeClaim", "databases", "data-db-17");
        let found = [
            event("a", json!({ "reason": "Old", "message": "m", "lastTimestamp": "2026-05-01T10:00:00Z", "count": 7 })),
            event(
                "b",
                json!({
                    "reason": "ProvisioningFailed",
                    "message": " storageclass \"fast\" not found\n",
                    "lastTimestamp": null,
                    "eventTime": "2026-05-01T10:01:00.123456Z",
                    "series": { "count": 40, "lastObservedTime": "2026-05-01T12:00:00.000000Z" },
                }),
            ),
            event("c", json!({ "reason": "NoTime" })),
        ];
        let output = newest_first(&about, &found, 2);
        assert_eq!(output.value.get("count"), Some(&json!(3)));
        assert_eq!(
            output.value.get("items"),
            Some(&json!([
                {
                    "type": "Warning", "reason": "ProvisioningFailed", "message": "storageclass \"fast\" not found",
                    "count": 40, "last": "2026-05-01T12:00:00Z",
                },
                { "type": "Warning", "reason": "Old", "message": "m", "count": 7, "last": "2026-05-01T10:00:00Z" },
            ]))
        );
        assert_eq!(
            output.summary,
            "3 events about persistentvolumeclaim/data-db-17 in databases; the newest: ProvisioningFailed: storageclass \"fast\" not found"
        );
    }

    #[test]
    fn no_event_is_an_answer() {
        let output = newest_first(&ObjectKey::new("Node", "", "n1"), &[], 20);
        assert_eq!(output.value.get("items"), Some(&json!([])));
        assert_eq!(output.summary, "no events about node/n1");
        assert_eq!(query(&ObjectKey::new("Node", "", "n1"), "").namespace, "default");
    }
}
