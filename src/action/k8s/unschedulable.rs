//! Whether new pods come to a node: the field that `k8s.cordon` and `k8s.uncordon` write.

use serde_json::{Value, json};

use super::{doubt, objects};
use crate::action::typed::{Typed as _, output};
use crate::action::{ActionError, Doubt, Field, MARK, Output, World};
use crate::cluster::Object;
use crate::model::Intent;

pub(super) const PATH: &[&str] = &["spec", "unschedulable"];

output! {
    struct OfNode {
        /// The node's name
        node: String,
        /// Whether it takes no new pods now
        unschedulable: bool,
    }
}

pub(super) const FIELDS: &[Field] = OfNode::FIELDS;

/// A node that takes new pods has no such field: an API server leaves out what is `false`.
pub(super) fn is_set(value: &Value) -> bool {
    value == &Value::Bool(true)
}

pub(super) fn is_cordoned(node: &Object) -> bool {
    node.at("/spec/unschedulable").is_some_and(is_set)
}

/// Who cordoned the node, as its `managedFields` have it.
pub(super) fn by_whom(node: &Object) -> Option<String> {
    node.field_manager(PATH).map(|manager| manager.name)
}

/// Whether a run did, of this bot or of one on another database.
pub(super) fn is_by_a_run(node: &Object) -> bool {
    by_whom(node).is_some_and(|manager| manager.starts_with(MARK))
}

/// The change of it on a node as it was read.
pub(super) fn intent(node: &Object, cordon: bool, marker: String) -> Intent {
    let value = |cordoned: bool| if cordoned { json!(true) } else { Value::Null };
    Intent {
        summary: format!("{} {}", if cordon { "cordon" } else { "uncordon" }, node.key()),
        object: node.key(),
        uid: node.uid().to_owned(),
        resource_version: node.resource_version().to_owned(),
        before: value(!cordon),
        after: value(cordon),
        marker,
    }
}

pub(super) async fn apply(world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
    let patch = objects::patch_of(intent, json!({ "spec": { "unschedulable": intent.after } }), dry_run);
    world.cluster.patch(&patch).await?;
    Ok(made(intent))
}

/// A field that is gone bears no mark. But to be without it is all that was wanted, whoever took it
/// away.
pub(super) async fn doubt(world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
    let live = world.cluster.get(&intent.object).await?;
    if let Some(node) = &live
        && node.uid() == intent.uid
        && !is_set(&intent.after)
        && !is_cordoned(node)
    {
        return Ok(Doubt::Done(made(intent)));
    }
    Ok(doubt::about_field(live.as_ref(), intent, PATH, |a, b| is_set(a) == is_set(b), || made(intent)))
}

fn made(intent: &Intent) -> Output {
    output(&intent.object.name, is_set(&intent.after), intent.summary.clone())
}

pub(super) fn output(node: &str, unschedulable: bool, summary: impl Into<String>) -> Output {
    Output::new(&OfNode { node: node.to_owned(), unschedulable }, summary)
}
