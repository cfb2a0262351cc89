//! What a run asks of the world and decides by itself, whoever carries it out: the hand that
//! changes something (`drive`), and the one that only shows (`preview_run`).

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::filing;
use super::loops;
use super::plan::Next;
use super::read;
use super::scope::Frame;
use super::state::RunState;
use super::walk::StepAt;
use super::watch;
use crate::action::{ActionError, Tell, World};
use crate::language::Scope;
use crate::model::{ActingTeams, HumanDuration, RunEvent, StepAddress};
use crate::playbook::Playbook;

/// What came of it.
pub(super) enum Observed<'p> {
    /// This goes on the log.
    Record(RunEvent),
    Failed {
        at: StepAt<'p>,
        attempt: u32,
        error: ActionError,
    },
    TargetUnread(ActionError),
    ItemUnread {
        address: StepAddress,
        error: ActionError,
    },
    /// A read that is repeated goes on. `is_told`: that goes on the log.
    NotYet {
        looked: RunEvent,
        is_told: bool,
        found: Option<(Value, String)>,
    },
    /// That is no question: whoever drives the run knows what to do.
    Other(Next<'p>),
}

/// Asks what comes next, until then at most, if it is something to ask. Changes nothing; may be
/// repeated.
pub(super) async fn observe<'p>(
    world: &World,
    frame: &Frame,
    state: &RunState,
    playbook: &Playbook,
    next: Next<'p>,
    until: DateTime<Utc>,
) -> Observed<'p> {
    Observed::Record(match next {
        Next::Enter { phase, because } => RunEvent::Entered { phase, because },
        Next::ReadTarget => match read::read_target(world, frame, until).await {
            Ok(event) => event,
            Err(error) => return Observed::TargetUnread(error),
        },
        Next::Evaluate { at, kind, condition } => read::evaluate(world, frame, state, &at, kind, condition),
        Next::Choose { at } => read::choose(world, frame, state, &at),
        Next::List { at } => loops::list(frame, state, &at, world.clock.now()),
        Next::Wave { address, keys } => RunEvent::Wave { step: address, keys },
        Next::ReadItem { address, target } => match loops::item_read(world, &target, address.clone(), until).await {
            Ok(event) => event,
            Err(error) => return Observed::ItemUnread { address, error },
        },
        Next::EndItem { address, outcome, because } => RunEvent::ItemEnded { step: address, outcome, because },
        Next::Set { at, values } => read::values(world, frame, state, &at, values),
        Next::Read { at, action, attempt } => match read::read(world, frame, state, &at, action, until).await {
            Ok((output, summary)) => RunEvent::Read { step: at.address.clone(), output, summary },
            Err(error) => return Observed::Failed { at, attempt, error },
        },
        Next::BeginWatch { at, watch } => RunEvent::Watching {
            step: at.address.clone(),
            every: HumanDuration(watch.every),
            give_up_at: world.clock.now() + watch.within,
        },
        Next::Watch { at, action, watch } => return watch::look(world, frame, state, (at, action, watch), until).await,
        Next::EndWait { at } => RunEvent::Waited { step: at.address.clone() },
        Next::GoWithout { address, error } => RunEvent::ReadFailed { step: address, error },
        Next::Stand { address, because } => RunEvent::Stands { step: address, because },
        Next::Skip { address, because } => RunEvent::Skipped { step: address, because },
        Next::Look { at, verify } => read::look(world, frame, state, playbook, &at, verify, until).await,
        other => return Observed::Other(other),
    })
}

/// Whom a page, notice or ticket goes to, and what it says: the team that can act on the cause (of
/// a page), the one that is named, or the owner.
pub(super) fn told(
    frame: &Frame,
    state: &RunState,
    playbook: &Playbook,
    step: &StepAddress,
    tell: &Tell,
    acting: &ActingTeams,
) -> RunEvent {
    let mut scope = frame.scope(state, step);
    scope.insert("because".into(), state.entered_because.clone().into());
    // A team that cannot be found out is nobody: then the owner is called.
    let named = tell.team().and_then(|team| team.resolve(&scope).ok());
    let named = named.filter(|team| !team.trim().is_empty()).unwrap_or_else(|| playbook.owner.clone());
    let (page, text) = match tell {
        Tell::Page(message) => (true, message.text(&scope)),
        Tell::Notice(message) => (false, message.text(&scope)),
        Tell::Ticket(ticket) => return filing::filed(frame, state, playbook, step, (named, ticket, &scope)),
    };
    let acts = state.role.filter(|_| page);
    let owners = OWNERS.iter().filter_map(|path| text_at(&scope, path));
    let team = acts.and_then(|role| acting.team(role, owners));
    let role = acts.filter(|_| team.is_some());
    RunEvent::Told { step: step.clone(), page, team: team.unwrap_or(named), text, role }
}

/// Where it stands whose an object is, the surest first.
const OWNERS: [&[&str]; 3] = [
    &["target", "metadata", "labels", "team"],
    &["target", "metadata", "annotations", "team"],
    &["alert", "labels", "team"],
];

fn text_at<'s>(scope: &'s Scope, path: &[&str]) -> Option<&'s str> {
    let (first, rest) = path.split_first()?;
    let found = rest.iter().try_fold(scope.get(*first)?, |value, key| value.get(key))?;
    found.as_str()
}
