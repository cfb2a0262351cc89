//! The objects that a playbook would read, taken from a cluster: what its cases begin with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::Value;

use super::asked::asked_run;
use super::cases::{clean, told_from};
use crate::action::World;
use crate::cluster::{
    Access, Cluster, ClusterError, Delete, Evict, ExecQuery, Executed, Kind, KindError, KindName, Kinds, ListQuery,
    Log, LogQuery, Object, Patch,
};
use crate::engine::{preview_run, trimmed};
use crate::message::clip;
use crate::model::{ObjectKey, RunEvent};
use crate::playbook::Playbook;

/// What was read.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Manifests, masked, with times told from `now`; by kind, namespace and name.
    pub objects: Vec<Value>,
    /// What is not in it, and why, each in a line.
    pub notes: Vec<String>,
}

/// No output is kept here, so that none is too large.
const OUTPUT_LIMIT: usize = 4 * 1024 * 1024;

/// Diagnoses on a live cluster and shows the mitigation, with nothing changed, and gives what was
/// read for that.
///
/// # Errors
/// What is wrong with what was given, a line each.
pub async fn snapshot(
    world: &World,
    playbook: &Playbook,
    given: &BTreeMap<String, String>,
) -> Result<Snapshot, Vec<String>> {
    let now = world.clock.now();
    let frame = asked_run(playbook, given, now, OUTPUT_LIMIT)?;
    let target = frame.run.target.clone();
    let reads = Arc::new(Reads { cluster: world.cluster.clone(), seen: Mutex::default() });
    let recorded = World { cluster: reads.clone(), ..world.clone() };
    let seen = preview_run(&recorded, playbook, &frame).await;
    // What the diagnosis ends before, the mitigation might look at: the owners of the target stand
    // for that.
    let target = reads.get(&target).await.ok().flatten();
    for owner in target.iter().flat_map(owners) {
        let _ = reads.get(&owner).await;
    }
    let mut notes: Vec<String> = seen.events.iter().filter_map(failed).collect();
    if let Some((outcome, because)) = &seen.end {
        notes.push(format!("as things are, it ends {outcome} ({}), and reads no more", clip(because, 300)));
    }
    let reads = std::mem::take(&mut *lock(&reads.seen));
    notes.extend(reads.left_out);
    let objects = reads.objects.into_values().map(|object| {
        let Object(mut value) = trimmed(&object);
        clean(&mut value);
        told_from(&mut value, now);
        value
    });
    Ok(Snapshot { objects: objects.collect(), notes })
}

fn failed(event: &RunEvent) -> Option<String> {
    match event {
        RunEvent::Failed { step, error, .. } => Some(format!("{step} failed: {}", clip(error, 300))),
        _ => None,
    }
}

fn owners(object: &Object) -> Vec<ObjectKey> {
    let owners = object.at("/metadata/ownerReferences").and_then(Value::as_array);
    let text = |value: &Value, field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let key = |owner: &Value| {
        let version = text(owner, "apiVersion");
        let group = version.split_once('/').map_or("", |(group, _)| group);
        ObjectKey::new(Kind::id_of(&text(owner, "kind"), group), object.namespace(), text(owner, "name"))
    };
    owners.into_iter().flatten().map(key).collect()
}

/// A cluster that remembers what was read of it, and lets nobody write: a dry run needs the right
/// to change, too.
struct Reads {
    cluster: Arc<dyn Cluster>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    objects: BTreeMap<ObjectKey, Object>,
    left_out: BTreeSet<String>,
}

impl Reads {
    fn see(&self, object: &Object, kind: &str) {
        let mut seen = lock(&self.seen);
        if kind.parse::<KindName>() == Err(KindError::Secret) || object.kind() == "Secret" {
            seen.left_out.insert("secrets are never taken".to_owned());
            return;
        }
        let key = ObjectKey::new(kind, object.namespace(), object.name());
        seen.objects.entry(key).or_insert_with(|| object.clone());
    }

    fn refuse<T>(what: String) -> Result<T, ClusterError> {
        Err(ClusterError::Refused { what, message: "a snapshot changes nothing".to_owned() })
    }
}

#[async_trait]
impl Cluster for Reads {
    async fn get(&self, key: &ObjectKey) -> Result<Option<Object>, ClusterError> {
        let object = self.cluster.get(key).await?;
        object.iter().for_each(|object| self.see(object, &key.kind));
        Ok(object)
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<Object>, ClusterError> {
        let objects = self.cluster.list(query).await?;
        objects.iter().for_each(|object| self.see(object, &query.kind));
        Ok(objects)
    }

    async fn logs(&self, query: &LogQuery) -> Result<Log, ClusterError> {
        self.cluster.logs(query).await
    }

    async fn exec(&self, query: &ExecQuery) -> Result<Executed, ClusterError> {
        self.cluster.exec(query).await
    }

    async fn patch(&self, patch: &Patch) -> Result<Object, ClusterError> {
        Self::refuse(format!("patch {}", patch.key))
    }

    async fn create(&self, object: &Object, _: &str, _: bool) -> Result<Object, ClusterError> {
        Self::refuse(format!("create {}", object.name()))
    }

    async fn delete(&self, delete: &Delete) -> Result<(), ClusterError> {
        Self::refuse(format!("delete {}", delete.key))
    }

    async fn evict(&self, evict: &Evict) -> Result<(), ClusterError> {
        Self::refuse(format!("evict {}", evict.key))
    }

    async fn allowed(&self, access: &Access) -> Result<bool, ClusterError> {
        self.cluster.allowed(access).await
    }

    async fn kind(&self, name: &KindName) -> Result<&'static Kind, ClusterError> {
        self.cluster.kind(name).await
    }

    fn kinds(&self) -> Arc<Kinds> {
        self.cluster.kinds()
    }

    async fn version(&self) -> Result<String, ClusterError> {
        self.cluster.version().await
    }
}

/// What is behind it is whole also when a holder panicked.
fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
