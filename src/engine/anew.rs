//! A diagnosis has an age. A yes, a lock or a wait may take hours, and what was found out before is
//! then no ground to change anything: it is found out and decided again.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::compare::{Compared, compare};
use super::drive::Driver;
use super::preview::{self, Extent};
use super::state::{Approval, RunState};
use super::walk::StepAt;
use crate::model::{HumanDuration, Phase, StepAddress};

/// Why the run has to diagnose again before that change, or before somebody is asked about it.
pub(super) fn is_due_before(driver: &Driver<'_>, at: &StepAt<'_>) -> Option<String> {
    if at.is_in_begun_group(&driver.state) {
        return None;
    }
    is_due(driver)
}

/// The same of whichever change is the next.
pub(super) fn is_due(driver: &Driver<'_>) -> Option<String> {
    let lasts = driver.options.diagnosis_lasts;
    if lasts.is_zero() || driver.playbook.diagnose.is_empty() || !can_begin_again(&driver.state) {
        return None;
    }
    let diagnosed_at = driver.state.diagnosed_at?;
    let age = (driver.now() - diagnosed_at).to_std().ok()?;
    (age > lasts).then(|| too_old(diagnosed_at, lasts))
}

/// For people.
fn too_old(found_at: DateTime<Utc>, lasts: Duration) -> String {
    let (at, lasts) = (found_at.format("%H:%M UTC"), HumanDuration(lasts));
    format!("what it found is from {at}, and that is older than {lasts} (`engine.diagnosis_lasts`)")
}

/// Why the wave of an item begins again before that change: the yes to it came so much later than
/// what was found out about its items, and none of them was touched.
pub(super) fn wave_is_due_before(driver: &Driver<'_>, at: &StepAt<'_>) -> Option<(StepAddress, String)> {
    let (lasts, state) = (driver.options.diagnosis_lasts, &driver.state);
    let is_approved = matches!(state.approval, Approval::Granted { .. });
    if lasts.is_zero() || !at.is_in_loop() || at.address.phase() != Phase::Mitigate || !is_approved {
        return None;
    }
    let listed = state.loops.last()?;
    let looked_at = listed.looked_at?;
    let age = (state.answered_at? - looked_at).to_std().ok()?;
    let is_old = age > lasts && !listed.untouched_wave()?.is_empty();
    is_old.then(|| (listed.address.clone(), too_old(looked_at, lasts)))
}

/// Nothing was changed, and nothing may yet come of what was tried. A loop that has its list asks
/// its own guard.
fn can_begin_again(state: &RunState) -> bool {
    let has_begun = state.steps.values().filter_map(|status| status.tried()).any(|tried| tried.begun.is_some());
    let has_list = state.loops.iter().any(|listed| listed.address.phase() == Phase::Mitigate);
    state.phase == Some(Phase::Mitigate) && !state.mutated && !has_begun && !has_list
}

/// Whether a yes was to another thing than what would be done now, by what was found out since. Why
/// it is asked again, for people.
pub(super) async fn why_the_yes_is_void(driver: &Driver<'_>) -> Option<String> {
    let state = &driver.state;
    let Approval::Granted { preview: shown, by, .. } = &state.approval else { return None };
    if !state.yes_is_older || !can_begin_again(state) {
        return None;
    }
    let now =
        preview::preview(driver.world, &driver.frame, state, driver.playbook, Extent::Decided, driver.until()).await;
    // What cannot be asked now is asked again before the change itself, which compares it, too.
    (compare(shown, &now) == Compared::Changed).then(|| {
        format!(
            "{} asks again: what {by} approved was shown before it was diagnosed anew, and it would do another thing now",
            driver.frame.run.id
        )
    })
}
