//! Putting a field back to what it was.

use super::doubt::Seen;
use crate::action::{ActionError, Output, Plan, RunMark};
use crate::cluster::{Cluster, Object};
use crate::model::{Intent, StepAddress};

/// What puts back what `made` changed, in whatever state its object is by now: `step` makes it.
pub(super) fn reversed(made: &Intent, summary: String, run: RunMark<'_>, step: &StepAddress) -> Intent {
    Intent { summary, before: made.after.clone(), after: made.before.clone(), marker: run.marker(step), ..made.clone() }
}

/// What puts the field at `path` back to what `made` replaced, as `back` says. `as_before` is what
/// comes of it where somebody has put it back already.
///
/// # Errors
/// As [`of`].
pub(super) async fn of_field(
    cluster: &dyn Cluster,
    (made, back): (&Intent, Intent),
    run: RunMark<'_>,
    path: &[&str],
    as_before: Output,
) -> Result<Plan, ActionError> {
    of(cluster, (made, back), run, |live| Seen::field(live, path), as_before).await
}

/// The same of whatever `look` sees.
///
/// # Errors
/// Its object is gone or another one, or it is not as `made` left it, with a mark of the run:
/// whoever changed it since has decided.
pub(super) async fn of(
    cluster: &dyn Cluster,
    (made, back): (&Intent, Intent),
    run: RunMark<'_>,
    look: impl Fn(&Object) -> Seen,
    as_before: Output,
) -> Result<Plan, ActionError> {
    let Some(live) = cluster.get(&made.object).await? else {
        return Err(ActionError::needs_human(format!("{} is not there any more", made.object)));
    };
    if live.uid() != made.uid {
        return Err(ActionError::needs_human(format!("{} was replaced by another of the same name", made.object)));
    }
    let seen = look(&live);
    if seen.value == back.after {
        return Ok(Plan::Unneeded(as_before));
    }
    if seen.value != made.after || !seen.manager.as_ref().is_some_and(|manager| run.has_left(manager)) {
        return Err(ActionError::needs_human(format!("{} since it was changed here", seen.told(made))));
    }
    Ok(Plan::Do(Intent { resource_version: live.resource_version().to_owned(), ..back }))
}
