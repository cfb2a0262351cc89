//! Events: what the controllers tell about an object. The same thing told again is counted.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::kinds::EVENT;
use crate::cluster::sim::objects::{Id, text};
use crate::cluster::sim::state::{CONTROLLERS, State};
use crate::cluster::sim::time::{parse, rfc3339};

/// How long the API server keeps an Event.
const KEPT: Duration = Duration::from_secs(3600);
/// How often the controllers complain about the same thing.
const AGAIN: Duration = Duration::from_secs(300);

impl State {
    /// Tells that all is as it should be.
    pub(super) fn tell(&mut self, about: Id, reason: &str, message: &str, component: &str) {
        if !self.is_settling {
            self.emit(about, "Normal", reason, message, component);
        }
    }

    /// Tells that something is wrong.
    pub(super) fn warn(&mut self, about: Id, reason: &str, message: &str, component: &str) {
        self.emit(about, "Warning", reason, message, component);
    }

    /// Tells what an object waits for, and again as long as it waits.
    pub(super) fn tell_again(&mut self, about: Id, of_type: &str, reason: &str, message: &str, component: &str) {
        let Some(object) = self.objects.get(about) else { return };
        let told = self.told.get(&(object.uid.clone(), reason.into(), message.into()));
        match told.map(|(_, at)| *at + AGAIN).filter(|next| self.now < *next) {
            Some(next) => self.touch_at(about, next),
            None => {
                self.emit(about, of_type, reason, message, component);
                self.touch_in(about, AGAIN);
            }
        }
    }

    fn emit(&mut self, about: Id, of_type: &str, reason: &str, message: &str, component: &str) {
        let Some(object) = self.objects.get(about) else { return };
        let key = (object.uid.clone(), reason.into(), message.into());
        let now = rfc3339(self.now);
        if let Some((event, at)) = self.told.get_mut(&key) {
            *at = self.now;
            let event = *event;
            self.change(event, CONTROLLERS, |event| {
                event["count"] = json!(event["count"].as_i64().unwrap_or(1) + 1);
                event["lastTimestamp"] = now.as_str().into();
            });
            self.touch_in(event, KEPT);
            return;
        }
        let Some(object) = self.objects.get(about) else { return };
        let namespace = if object.namespace.is_empty() { "default" } else { &*object.namespace };
        self.counter += 1;
        let event = json!({
            "metadata": { "name": format!("{}.{:016x}", object.name, self.counter), "namespace": namespace },
            "involvedObject": {
                "apiVersion": object.kind.api_version(),
                "kind": object.kind.name,
                "namespace": &*object.namespace,
                "name": &*object.name,
                "uid": &*object.uid,
                "resourceVersion": object.version.to_string(),
            },
            "type": of_type,
            "reason": reason,
            "message": message,
            "source": { "component": component },
            "reportingComponent": component,
            "reportingInstance": "",
            "firstTimestamp": now,
            "lastTimestamp": now,
            "eventTime": null,
            "count": 1,
        });
        let id = self.add(&EVENT, event, CONTROLLERS);
        self.told.insert(key, (id, self.now));
        self.touch_in(id, KEPT);
    }

    /// Takes away what was told long ago. An Event that was given stays as long as it would have.
    pub(super) fn reconcile_event(&mut self, id: Id) {
        let event = self.objects.value(id);
        let told =
            [text(&event, "/lastTimestamp"), text(&event, "/eventTime"), text(&event, "/metadata/creationTimestamp")];
        let Some(last) = told.into_iter().find_map(parse) else { return };
        let end = last + KEPT;
        if self.now < end {
            self.touch_at(id, end);
            return;
        }
        let about =
            |field: &str| -> Box<str> { event.pointer(field).and_then(Value::as_str).unwrap_or_default().into() };
        self.told.remove(&(about("/involvedObject/uid"), about("/reason"), about("/message")));
        self.remove(id);
    }
}
