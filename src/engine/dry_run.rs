//! What the API server makes of a change before it is made: its admission, its defaults, its
//! validation. <https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run>

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::read::within;
use crate::action::{ActionError, Mutation, World};
use crate::cluster::{
    Access, Cluster, ClusterError, Delete, Evict, ExecQuery, Executed, Kind, KindName, Kinds, ListQuery, Log, LogQuery,
    Object, Patch,
};
use crate::model::{DryRun, FailureClass, Intent, ObjectKey, redact_value};

/// So many fields are kept of one change, and so many letters of each: what matters of it is in the
/// first few.
const MOST_FIELDS: usize = 40;
const LONGEST_VALUE: usize = 200;

/// What differs at each write, whatever is written; and what the server, not the change, says.
const NOT_OF_THE_CHANGE: [&str; 8] = [
    "status",
    "metadata.managedFields",
    "metadata.resourceVersion",
    "metadata.generation",
    "metadata.uid",
    "metadata.creationTimestamp",
    "metadata.selfLink",
    "apiVersion",
];

/// A label that a Job's own UID is in, which is another one each time.
const OF_THE_UID: &str = "controller-uid";

/// Has the API server look at the change, until then at most. Nothing is changed, whatever the
/// action does: what it asks for goes on as a dry run only.
///
/// # Errors
/// The server would refuse the change.
pub(super) async fn dry_run(
    world: &World,
    action: &dyn Mutation,
    intent: &Intent,
    until: DateTime<Utc>,
) -> Result<DryRun, ActionError> {
    let seen = Arc::new(Mutex::new(None));
    let cluster = Arc::new(DryCluster { inner: world.cluster.clone(), seen: seen.clone() });
    let dry = World { cluster, ..world.clone() };
    if let Err(error) = within(world, until, action.apply(&dry, intent, true)).await {
        let is_unknown = error.class == FailureClass::Retry || error.message.contains(NO_DRY_RUN);
        return match is_unknown {
            true => Ok(DryRun::Unknown(error.message)),
            false => Err(ActionError { message: format!("the API server would refuse it: {error}"), ..error }),
        };
    }
    let after = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(after) = after else { return Ok(DryRun::Taken) };
    let before = match within(world, until, async { Ok(world.cluster.get(&intent.object).await?) }).await {
        Ok(before) => before,
        Err(error) => return Ok(DryRun::Unknown(error.message)),
    };
    Ok(match differences(before.as_ref(), &after) {
        lines if lines.is_empty() => DryRun::Taken,
        lines => DryRun::Differs(lines.join("\n")),
    })
}

/// An admission webhook that does more than to answer is not asked in a dry run, and so the server
/// says no to all of it.
const NO_DRY_RUN: &str = "does not support dry run";

/// The fields of which the server would keep another value, the old one and the new one a line
/// each.
fn differences(before: Option<&Object>, after: &Object) -> Vec<String> {
    let is_scale = after.kind() == "Scale";
    let before = before.map(|before| if is_scale { scale_of(before) } else { before.0.clone() });
    let before = before.map(|before| fields(&before)).unwrap_or_default();
    let after = fields(&if is_scale { scale_of(after) } else { after.0.clone() });
    let mut paths: Vec<&String> = before.keys().chain(after.keys()).collect();
    paths.sort();
    paths.dedup();
    let mut lines = Vec::new();
    let mut more = 0;
    for path in paths.into_iter().filter(|path| before.get(*path) != after.get(*path)) {
        if lines.len() >= MOST_FIELDS {
            more += 1;
            continue;
        }
        lines.extend(before.get(path).map(|value| format!("- {path}: {value}")));
        lines.extend(after.get(path).map(|value| format!("+ {path}: {value}")));
    }
    if more > 0 {
        lines.push(format!("… {more} more fields"));
    }
    lines
}

/// All that the subresource says of an object that is no business of others.
fn scale_of(object: &Object) -> Value {
    json!({ "spec": { "replicas": object.at("/spec/replicas").cloned().unwrap_or_default() } })
}

/// The leaves by their paths: `spec.template.spec.containers.0.image`.
fn fields(object: &Value) -> BTreeMap<String, String> {
    let mut object = object.clone();
    redact_value(&mut object);
    let mut found = BTreeMap::new();
    collect(String::new(), &object, &mut found);
    found
}

fn collect(path: String, value: &Value, found: &mut BTreeMap<String, String>) {
    if NOT_OF_THE_CHANGE.contains(&path.as_str()) || path.ends_with(OF_THE_UID) {
        return;
    }
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| collect(below(name), value, found)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, value)| collect(below(&n.to_string()), value, found));
        }
        Value::Null => {}
        leaf => {
            let text = leaf.as_str().map_or_else(|| leaf.to_string(), str::to_owned);
            let text = text.lines().collect::<Vec<_>>().join(" ");
            let shown: String = text.chars().take(LONGEST_VALUE).collect();
            found.insert(path, shown);
        }
    }
}

/// A cluster in which each write is a dry run, and what the last one would leave is kept.
struct DryCluster {
    inner: Arc<dyn Cluster>,
    seen: Arc<Mutex<Option<Object>>>,
}

impl DryCluster {
    fn keep(&self, object: &Object) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(object.clone());
    }
}

#[async_trait]
impl Cluster for DryCluster {
    async fn get(&self, key: &ObjectKey) -> Result<Option<Object>, ClusterError> {
        self.inner.get(key).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<Object>, ClusterError> {
        self.inner.list(query).await
    }

    async fn logs(&self, query: &LogQuery) -> Result<Log, ClusterError> {
        self.inner.logs(query).await
    }

    async fn exec(&self, query: &ExecQuery) -> Result<Executed, ClusterError> {
        self.inner.exec(query).await
    }

    async fn patch(&self, patch: &Patch) -> Result<Object, ClusterError> {
        let answer = self.inner.patch(&Patch { dry_run: true, ..patch.clone() }).await?;
        self.keep(&answer);
        Ok(answer)
    }

    async fn create(&self, object: &Object, field_manager: &str, _: bool) -> Result<Object, ClusterError> {
        let answer = self.inner.create(object, field_manager, true).await?;
        self.keep(&answer);
        Ok(answer)
    }

    async fn delete(&self, delete: &Delete) -> Result<(), ClusterError> {
        self.inner.delete(&Delete { dry_run: true, ..delete.clone() }).await
    }

    async fn evict(&self, evict: &Evict) -> Result<(), ClusterError> {
        self.inner.evict(&Evict { dry_run: true, ..evict.clone() }).await
    }

    async fn allowed(&self, access: &Access) -> Result<bool, ClusterError> {
        self.inner.allowed(access).await
    }

    async fn kind(&self, name: &KindName) -> Result<&'static Kind, ClusterError> {
        self.inner.kind(name).await
    }

    fn kinds(&self) -> Arc<Kinds> {
        self.inner.kinds()
    }

    async fn version(&self) -> Result<String, ClusterError> {
        self.inner.version().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_change_is_about_is_told() {
        let before = Object(json!({
            "kind": "ConfigMap",
            "metadata": { "name": "dns", "uid": "1", "resourceVersion": "7", "labels": { "tier": "1" } },
            "data": { "linear": "{min: 2}", "password": "hunter2hunter2" },
        }));
        let after = Object(json!({
            "kind": "ConfigMap",
            "metadata": { "name": "dns", "uid": "1", "resourceVersion": "8", "labels": {}, "generation": 3 },
            "data": { "linear": "{min: 4}", "password": "hunter3hunter3" },
            "status": { "ready": 1 },
        }));
        assert_eq!(
            differences(Some(&before), &after),
            ["- data.linear: {min: 2}", "+ data.linear: {min: 4}", "- metadata.labels.tier: 1"]
        );
        assert_eq!(differences(Some(&after), &after), [] as [String; 0]);
    }

    #[test]
    fn of_a_scale_the_number_is_told() {
        let before = Object(json!({ "kind": "Deployment", "spec": { "replicas": 4, "paused": false } }));
        let after = Object(json!({ "kind": "Scale", "spec": { "replicas": 6 }, "status": { "replicas": 4 } }));
        assert_eq!(differences(Some(&before), &after), ["- spec.replicas: 4", "+ spec.replicas: 6"]);
    }

    #[test]
    fn what_would_be_made_is_told_up_to_a_bound() {
        let data: serde_json::Map<String, Value> = (0..60).map(|n| (format!("key-{n:02}"), json!("v"))).collect();
        let lines = differences(None, &Object(json!({ "kind": "ConfigMap", "data": data })));
        assert_eq!(lines.len(), MOST_FIELDS + 1);
        assert_eq!(lines.last().unwrap(), "… 21 more fields");
    }
}
