//! The Kubernetes cluster: what actions may ask of it and do to it.
//!
//! Two implementations: the real one through kube, and a simulated one in memory. One suite (`tests/contract`) holds
//! both to what this trait promises.

mod built_in;
mod claims;
mod definition;
mod fields;
mod kind_name;
mod kinds;
mod known_kinds;
mod merge;
mod object;
mod real;
pub mod sim;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use claims::claim_origins;
pub use definition::Definition;
pub use fields::{FieldAt, fields_of};
pub use kind_name::{KindError, KindName};
pub use kinds::{CustomKind, Kind};
pub use known_kinds::Kinds;
pub use merge::difference;
pub use object::{FieldManager, Object, segment};
pub use real::{ConnectError, Connection, RealCluster};
pub use sim::SimCluster;

use crate::model::ObjectKey;

/// Reads from and writes to one cluster.
///
/// Every write carries a precondition, so that what was decided on is what is changed, and a field manager, by which
/// the change is recognised afterwards (`metadata.managedFields`).
#[async_trait]
pub trait Cluster: Send + Sync + 'static {
    /// The object, or `None` when it is not there. May be repeated.
    async fn get(&self, key: &ObjectKey) -> Result<Option<Object>, ClusterError>;

    /// All objects that match, in the order of their names; an error when there are more than `limit`: half an answer
    /// would be taken for a whole one. May be repeated.
    async fn list(&self, query: &ListQuery) -> Result<Vec<Object>, ClusterError>;

    /// One page of all that matches, from where the page before said that the next one begins; in
    /// no order that can be relied on. A cluster that makes no pages gives all at once, and
    /// [`ClusterError::TooMany`] when that is more than the query's limit. Objects that come or go
    /// meanwhile may be missed. May be repeated.
    async fn list_page(&self, query: &ListQuery, _from: Option<&str>) -> Result<ListPage, ClusterError> {
        Ok(ListPage { objects: self.list(query).await?, next: None })
    }

    /// The newest lines of a container's log, [`LOG_BYTES`] at most. May be repeated.
    /// [`ClusterError::Refused`] where the container has no log, as it has not started, or not run
    /// before.
    async fn logs(&self, query: &LogQuery) -> Result<Log, ClusterError>;

    /// Runs a program in a container, without a shell, a terminal or an input, and waits for its
    /// end. What it does is not known here. [`ClusterError::Refused`] where the container or the
    /// program is not there. After [`ClusterError::Unavailable`] it may have run, and may still. A
    /// cluster that runs no programs refuses.
    async fn exec(&self, query: &ExecQuery) -> Result<Executed, ClusterError> {
        let message = "no programs are run there".to_owned();
        Err(ClusterError::Refused { what: query.phrase(), message })
    }

    /// A JSON merge patch (RFC 7386) of the object or of a subresource. [`ClusterError::Conflict`] when the
    /// precondition does not hold. Gives back the object after the change; for `scale`, that is the `Scale`, whose
    /// metadata has the object's own name, UID and resourceVersion. After [`ClusterError::Unavailable`] it may have
    /// taken effect or not.
    async fn patch(&self, patch: &Patch) -> Result<Object, ClusterError>;

    /// Creates the object. [`ClusterError::AlreadyExists`] when one of that name is there. What the server gives each
    /// object by itself (UID, resourceVersion, times, field managers) and the status are left out, so that a recorded
    /// object can be created again.
    async fn create(&self, object: &Object, field_manager: &str, dry_run: bool) -> Result<Object, ClusterError>;

    /// Asks for the deletion of the object with that UID. Whether it is gone, and when, must be looked at afterwards.
    async fn delete(&self, delete: &Delete) -> Result<(), ClusterError>;

    /// Asks for the eviction of the pod with that UID, as a drain does (`policy/v1`).
    /// [`ClusterError::Budget`] when a PodDisruptionBudget does not allow it for now. Whether it is
    /// gone, and when, must be looked at afterwards.
    async fn evict(&self, evict: &Evict) -> Result<(), ClusterError>;

    /// Whether we may do that (SelfSubjectAccessReview).
    async fn allowed(&self, access: &Access) -> Result<bool, ClusterError>;

    /// The kind, with its plural and its scope. [`ClusterError::UnknownKind`] when the cluster has
    /// no such kind now: it may be installed later. May be repeated; what is known is not asked
    /// again.
    async fn kind(&self, name: &KindName) -> Result<&'static Kind, ClusterError>;

    /// Which kinds are known of it by now, beside Kubernetes' own.
    fn kinds(&self) -> Arc<Kinds>;

    /// The server's version, such as `v1.35.4`: also the proof that it can be reached.
    async fn version(&self) -> Result<String, ClusterError>;
}

/// Which objects to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListQuery {
    pub kind: String,
    /// Empty: in all namespaces, or a kind of the whole cluster.
    pub namespace: String,
    /// A label selector as kubectl takes it: `app=pg,tier!=test`. Empty: all.
    pub labels: String,
    /// A field selector: `involvedObject.name=data-pg-1`. Empty: all.
    pub fields: String,
    /// The most objects that the asker can use.
    pub limit: usize,
}

/// Some of what matches.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListPage {
    pub objects: Vec<Object>,
    /// Where the next page begins; `None`: this is the last.
    pub next: Option<String>,
}

impl ListQuery {
    /// For messages: `pods in shop with app=web`.
    fn what(&self, kind: &Kind) -> String {
        let mut what = kind.plural.to_owned();
        for (word, text) in [("in", &self.namespace), ("with", &self.labels), ("with", &self.fields)] {
            if !text.is_empty() {
                what = format!("{what} {word} {text}");
            }
        }
        what
    }
}

/// Which lines of a log to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogQuery {
    /// The pod.
    pub key: ObjectKey,
    pub container: String,
    /// Of the container that ran before the last restart.
    pub previous: bool,
    /// So many of the newest.
    pub lines: usize,
    /// None that are older.
    pub since: Option<Duration>,
}

/// Lines of a log, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// What is no UTF-8 is shown as U+FFFD.
    pub text: String,
    /// Whether fewer lines came than were asked for, as they were too long.
    pub is_cut: bool,
}

/// The most that is read of a log: what a few thousand lines have.
pub const LOG_BYTES: usize = 1024 * 1024;

/// Which program to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecQuery {
    /// The pod.
    pub key: ObjectKey,
    pub container: String,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// From the connection to its end.
    pub timeout: Duration,
}

impl ExecQuery {
    /// `run df in pod/db-0 in shop`
    fn phrase(&self) -> String {
        format!("run {} in {}", self.argv.first().map_or("nothing", String::as_str), self.key)
    }
}

/// What a program said, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Executed {
    /// What is no UTF-8 is shown as U+FFFD.
    pub stdout: String,
    pub stderr: String,
    /// `0`: all went well.
    pub code: i64,
    /// Whether it said more than [`LOG_BYTES`].
    pub is_cut: bool,
}

/// A change of some fields of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    pub key: ObjectKey,
    /// `scale` or `status`; `None` for the object itself.
    pub subresource: Option<&'static str>,
    /// The merge patch, without preconditions.
    pub body: Value,
    /// The object must still have this UID,
    pub uid: String,
    /// and this resourceVersion. `None`: any; only for changes that may be made over whatever is there.
    pub resource_version: Option<String>,
    pub field_manager: String,
    pub dry_run: bool,
}

impl Patch {
    /// The merge patch with the preconditions in its metadata, as the API server takes them.
    fn with_preconditions(&self) -> Result<Value, ClusterError> {
        let refused = |message: &str| {
            Err(ClusterError::Refused { what: format!("patch {}", self.key), message: message.to_owned() })
        };
        if self.uid.is_empty() {
            return refused("no uid was given, and so another object of that name could be hit");
        }
        let mut body = self.body.clone();
        let Some(fields) = body.as_object_mut() else {
            return refused("the patch is no JSON object");
        };
        let Some(metadata) = fields.entry("metadata").or_insert_with(|| json!({})).as_object_mut() else {
            return refused("the patch's metadata is no JSON object");
        };
        metadata.insert("uid".into(), self.uid.as_str().into());
        if let Some(version) = &self.resource_version {
            metadata.insert("resourceVersion".into(), version.as_str().into());
        } else {
            metadata.remove("resourceVersion");
        }
        Ok(body)
    }
}

/// A deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delete {
    pub key: ObjectKey,
    pub uid: String,
    /// `true`: the object stays until all that it owns is gone (foreground propagation).
    pub wait_for_dependents: bool,
    pub dry_run: bool,
}

/// An eviction of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evict {
    pub key: ObjectKey,
    pub uid: String,
    pub dry_run: bool,
}

/// One right: verb on resource. This is also what `dogwatch rbac` prints rules from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Access {
    /// `get`, `list`, `patch`, `create`, `delete`.
    pub verb: String,
    /// The API group; empty for the core group.
    pub group: String,
    /// The plural: `deployments`.
    pub resource: String,
    /// `scale`; empty for the resource itself.
    #[serde(default)]
    pub subresource: String,
    /// Empty: in all namespaces.
    #[serde(default)]
    pub namespace: String,
    /// Empty: whatever the object is called.
    #[serde(default)]
    pub name: String,
}

/// What a cluster answers instead of doing it. Each message says what failed, on what, and the next move.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// Not there (for writes; a read gives `None`).
    #[error("{0} is not there")]
    NotFound(String),
    /// The precondition does not hold: somebody changed the object meanwhile.
    #[error("{what} was changed meanwhile: {message}")]
    Conflict { what: String, message: String },
    #[error("{0} exists already")]
    AlreadyExists(String),
    /// It does not know who we are.
    #[error(
        "the cluster does not accept our credentials (401) when asked to {what}: look whether the token or certificate has run \
         out, in the kubeconfig or of the pod's service account"
    )]
    Unauthorized { what: String },
    /// RBAC or an admission plugin refused.
    #[error("not allowed to {what}: {message}; `dogwatch rbac` prints the role that the bot needs")]
    Forbidden { what: String, message: String },
    /// The server understood and refused: a quota, a validation, a class that forbids expansion.
    #[error("the cluster refused to {what}: {message}")]
    Refused { what: String, message: String },
    /// A PodDisruptionBudget does not allow an eviction for now; it may when other pods are well
    /// again.
    #[error(
        "a disruption budget does not allow for now to {what}: {message}; `kubectl get pdb` shows what it waits for"
    )]
    Budget { what: String, message: String },
    /// More objects than asked for.
    #[error("more than {limit} objects match {what}; narrow the selector")]
    TooMany { what: String, limit: usize },
    /// The kind is not known, here or to the server.
    #[error("{}", unknown_kind(.0))]
    UnknownKind(String),
    /// Not reachable, overloaded or too slow. Trying again later makes sense.
    #[error("the cluster did not answer when asked to {what}: {message}")]
    Unavailable { what: String, message: String },
}

fn unknown_kind(kind: &str) -> String {
    if kind.contains('.') {
        return format!(
            "the cluster has no kind `{kind}` now; look whether its CustomResourceDefinition is installed and serves it: `kubectl \
             api-resources`"
        );
    }
    format!(
        "the kind `{kind}` is not known to the cluster; write it as in its manifest, such as `Deployment`, and what is not Kubernetes' own \
         with its group, such as `Certificate.cert-manager.io`"
    )
}

impl ClusterError {
    /// Whether the same request may work in a moment.
    pub fn is_transient(&self) -> bool {
        matches!(self, ClusterError::Unavailable { .. } | ClusterError::Conflict { .. } | ClusterError::Budget { .. })
    }
}
