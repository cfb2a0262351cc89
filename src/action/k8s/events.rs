//! `k8s.events`: what the cluster says about an object.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::named::{named, written_out};
use super::objects;
use crate::action::amounts::Count;
use crate::action::declaration::CLUSTER_EVENTS;
use crate::action::typed::{Arguments as _, OrNull, Typed as _, arguments, output};
use crate::action::{
    AT_WILL, Action, ActionError, Declaration, Declared, Effect, Named, Output, Read, Right, StepContext, World,
};
use crate::cluster::{KindName, ListQuery, Object};
use crate::language::Arg;
use crate::model::{Autonomy, KindText, ObjectKey};

arguments! {
    pub(in crate::action) struct K8sEvents {
        /// Of what kind the object is, beside `name`; written out. The target by default
        kind: Option<Arg<KindName>>,
        /// In which namespace it is; written out. The target's by default
        namespace: Option<Arg<String>>,
        /// Its name, beside `kind`
        name: Option<Arg<String>>,
        /// How many are kept, the newest
        limit: Option<Arg<Count>> = "20",
    }
}

output! {
    struct Events {
        /// The newest first
        items: Vec<Event>,
        /// How many there are about the object, those beyond `limit` too
        count: usize,
    }
}

output! {
    struct Event {
        /// `Normal` or `Warning`
        r#type: String,
        /// A word: `FailedScheduling`
        reason: String,
        /// What happened, cut at 500 characters
        message: String,
        /// How often
        count: i64,
        /// When it happened last
        last: OrNull<String>,
    }
}

/// The most events about one object that are read to find the newest: a sick node has hundreds.
const MOST_READ: usize = 2_000;

/// The longest message that is kept, in characters: some hold a whole manifest.
const LONGEST_MESSAGE: usize = 500;

impl Declared for K8sEvents {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.events",
        summary: "Lists what the cluster says about an object",
        effect: Effect::Reads,
        about: "No event at all is an answer: the API server keeps them for an hour only. Events about an object of that name which \
            was deleted before the target do not count.",
        errors: "More than 2000 events are about the object.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Events::FIELDS,
        rights: &[Right::on_events(&["list"])],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: events
  k8s.events: { limit: 5 }
",
    };

    fn named(&self) -> Named {
        named(self.kind.as_ref(), self.namespace.as_ref())
    }

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        match (&self.kind, &self.name) {
            (Some(kind), Some(_)) => written_out(kind, self.namespace.as_ref()),
            (None, None) if self.namespace.is_none() => Ok(()),
            (None, None) => Err("`namespace` needs `kind` and `name` beside it; leave it out for the target".into()),
            _ => Err("`kind` and `name` belong together; leave out both for the target".into()),
        }
    }
}

#[async_trait]
impl Read for K8sEvents {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let about = match (&self.kind, &self.name) {
            (Some(kind), Some(name)) => {
                let kind = world.cluster.kind(&kind.resolve(step.scope)?).await?;
                objects::key(&step, kind, self.namespace.as_ref(), name)?
            }
            _ => step.target.clone(),
        };
        let uid = if about == *step.target { uid_of_target(&step) } else { "" };
        let limit = self.limit(step.scope)?.0 as usize;
        let found = world.cluster.list(&query(&about, uid)).await?;
        Ok(newest_first(&about, &found, limit))
    }
}

/// The UID of the target as it was last there: an object of that name which was deleted before has Events too. A kubelet's
/// Events about its Node name the Node where the UID should be.
fn uid_of_target<'s>(step: &StepContext<'s>) -> &'s str {
    let seen = || step.scope.get("target")?.pointer("/metadata/uid")?.as_str();
    if step.target.kind == "Node" { "" } else { seen().unwrap_or_default() }
}

fn query(about: &ObjectKey, uid: &str) -> ListQuery {
    // Whose group and version they are, Events say in a field by which none are found.
    let kind = KindText::of(&about.kind).word;
    let mut fields = format!("involvedObject.kind={kind},involvedObject.name={}", about.name);
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
    let items: Vec<Event> = events
        .iter()
        .take(limit)
        .map(|(last, event)| {
            let message: String = event.text("/message").trim().chars().take(LONGEST_MESSAGE).collect();
            Event {
                r#type: event.text("/type").to_owned(),
                reason: event.text("/reason").to_owned(),
                message,
                count: event.number("/series/count").or(event.number("/count")).unwrap_or(1),
                last: OrNull(last.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))),
            }
        })
        .collect();
    let summary = match items.first() {
        Some(newest) => {
            let number = if found.len() == 1 { "1 event".into() } else { format!("{} events", found.len()) };
            format!("{number} about {about}; the newest: {}: {}", newest.reason, newest.message)
        }
        None => format!("no events about {about}"),
    };
    Output::new(&Events { items, count: found.len() }, summary)
}

/// When it happened last: events of the old and the new API keep that in different fields.
fn last_seen(event: &Object) -> Option<DateTime<Utc>> {
    ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"]
        .into_iter()
        .find_map(|pointer| objects::time_at(&event.0, pointer))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

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
