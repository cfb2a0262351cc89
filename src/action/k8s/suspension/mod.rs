//! Whether a CronJob begins Jobs: what `k8s.suspend_cronjob` and `k8s.resume_cronjob` share.

pub(in crate::action) mod resume;
pub(in crate::action) mod suspend;

use super::field_owner;
use super::switch::{Switch, is_on};
use crate::action::typed::{Typed as _, output};
use crate::action::{ActionError, Field, Output};
use crate::cluster::Object;
use crate::model::Intent;

const SUSPEND: Switch = Switch { path: &["spec", "suspend"], keeps_off: true };

output! {
    struct OfCronJob {
        /// The CronJob's name
        cronjob: String,
        /// Whether it begins no Jobs now
        suspended: bool,
    }
}

const FIELDS: &[Field] = OfCronJob::FIELDS;

fn output(name: &str, suspended: bool, summary: impl Into<String>) -> Output {
    Output::new(&OfCronJob { cronjob: name.to_owned(), suspended }, summary)
}

fn made(intent: &Intent) -> Output {
    output(&intent.object.name, is_on(&intent.after), intent.summary.clone())
}

/// Whether the field is to be changed here at all.
fn may_change(cronjob: &Object) -> Result<(), ActionError> {
    let key = cronjob.key();
    if cronjob.kind() != "CronJob" {
        return Err(ActionError::fail(format!("{key} is no CronJob")));
    }
    if cronjob.is_going() {
        return Err(ActionError::fail(format!("{key} is being deleted")));
    }
    let kept = field_owner::controller(cronjob).or_else(|| field_owner::keeper(cronjob, SUSPEND.path));
    kept.map_or(Ok(()), |who| Err(ActionError::needs_human(who)))
}

/// What comes of it where the CronJob begins Jobs again. Its controller makes up for the latest one
/// that was missed, where it may still begin.
fn missed(cronjob: &Object) -> String {
    match cronjob.number("/spec/startingDeadlineSeconds") {
        Some(seconds) => format!("a run that was missed within the last {seconds}s may start at once"),
        None => "the last run that was missed may start at once, however long ago (it has no startingDeadlineSeconds)"
            .into(),
    }
}
