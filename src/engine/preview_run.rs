//! The hand that only shows: a run as it would go, with nothing changed, nobody called, and nothing
//! written.

use super::observe::{Observed, observe, told};
use super::plan::{Next, plan};
use super::preview::{Extent, preview};
use super::scope::Frame;
use super::state::RunState;
use super::timing::READ_TIMEOUT;
use super::watch;
use crate::action::World;
use crate::model::{ActingTeams, Autonomy, FailureClass, Outcome, Phase, Preview, RunEvent};
use crate::playbook::Playbook;

/// What a run would come to.
#[derive(Debug, Clone, PartialEq)]
pub struct RunPreview {
    /// What was read and decided, in order; and who would be told what.
    pub events: Vec<RunEvent>,
    /// What it would change; `None` when it would not come to that.
    pub preview: Option<Preview>,
    /// How it would end without changing anything; `None` when it would go on to the mitigation.
    pub end: Option<(Outcome, String)>,
}

/// Diagnoses for real, waits for nothing, and shows the mitigation.
pub async fn preview_run(world: &World, playbook: &Playbook, frame: &Frame) -> RunPreview {
    let mut state = RunState::default();
    let mut events = Vec::new();
    let escalates = |events, because| {
        let end = Some((Outcome::Escalated, because));
        RunPreview { events, preview: None, end }
    };
    loop {
        let now = world.clock.now();
        let until = now + READ_TIMEOUT;
        let next = plan(playbook, Autonomy::Suggest, &state, now);
        if let Next::Enter { phase: Phase::Escalate, because } = next {
            return escalates(events, because);
        }
        let event = match observe(world, frame, &state, playbook, next, until).await {
            Observed::Record(event) => event,
            Observed::Failed { at, attempt, error } => {
                RunEvent::Failed { step: at.address, attempt, class: error.class, error: error.message, held: false }
            }
            Observed::ItemUnread { address: step, error } => {
                RunEvent::Failed { step, attempt: 1, class: error.class, error: error.message, held: false }
            }
            // Nothing is waited for: the first look is what is shown.
            Observed::NotYet { looked: RunEvent::Watched { step, summary, .. }, found, .. } => match found {
                Some(found) => watch::over(&step, found, false),
                None => RunEvent::Failed { step, attempt: 1, class: FailureClass::Fail, error: summary, held: false },
            },
            // A read that is repeated says no other thing.
            Observed::NotYet { .. } => return escalates(events, String::new()),
            Observed::TargetUnread(error) => return escalates(events, error.message),
            Observed::Other(Next::Wait { at, .. }) => RunEvent::Waited { step: at.address },
            Observed::Other(Next::Tell { at, tell }) => {
                told(frame, &state, playbook, &at.address, tell, &ActingTeams::default())
            }
            Observed::Other(Next::End { outcome, because }) => {
                return RunPreview { events, preview: None, end: Some((outcome, because)) };
            }
            Observed::Other(Next::HandOver { to, .. }) => {
                let because = format!("{}: {} would go on", to.branch, to.playbook);
                return RunPreview { events, preview: None, end: Some((Outcome::HandedOver, because)) };
            }
            // With this autonomy that is `Propose`; whatever else may come would change something.
            Observed::Other(_) => {
                let preview = preview(world, frame, &state, playbook, Extent::Shown, until).await.preview;
                return RunPreview { events, preview: Some(preview), end: None };
            }
        };
        state.take(now, &event);
        events.push(event);
    }
}
