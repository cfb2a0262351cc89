//! Putting a field back to what it was.

use serde_json::Value;

use crate::action::{ActionError, Output, Plan, RunMark};
use crate::cluster::Cluster;
use crate::model::Intent;

/// What puts the field at `path` back to what `made` replaced, as `back` says. `as_before` is what
/// comes of it where somebody has put it back already.
///
/// # Errors
/// Its object is gone or another one, or the field is not as `made` left it, with a mark of the
/// run: whoever changed it since has decided.
pub(super) async fn of_field(
    cluster: &dyn Cluster,
    (made, back): (&Intent, Intent),
    run: RunMark<'_>,
    path: &[&str],
    as_before: Output,
) -> Result<Plan, ActionError> {
    let Some(live) = cluster.get(&made.object).await? else {
        return Err(ActionError::needs_human(format!("{} is not there any more", made.object)));
    };
    if live.uid() != made.uid {
        return Err(ActionError::needs_human(format!("{} was replaced by another of the same name", made.object)));
    }
    let value = live.at(&format!("/{}", path.join("/"))).cloned().unwrap_or(Value::Null);
    if value == back.after {
        return Ok(Plan::Unneeded(as_before));
    }
    let manager = live.field_manager(path).map(|manager| manager.name);
    if value != made.after || !manager.as_ref().is_some_and(|manager| run.has_left(manager)) {
        let by = manager.map_or_else(|| "somebody".to_owned(), |manager| format!("`{manager}`"));
        let shown: String = value.to_string().chars().take(80).collect();
        let path = path.join(".");
        let message = format!("{path} of {} is {shown} now, set by {by} since it was changed here", made.object);
        return Err(ActionError::needs_human(message));
    }
    Ok(Plan::Do(Intent { resource_version: live.resource_version().to_owned(), ..back }))
}
