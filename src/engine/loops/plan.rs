//! What comes next in a loop whose list was made.
//!
//! The items of a wave go on side by side, one change at a time: whatever can be done for one is
//! done while the others wait. The next wave begins when each of this one is over.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::state::{ItemState, Loop};
use super::{guard_key, of_item};
use crate::engine::in_step::{InStep, News, doubt, fails_without_harm, in_step, news, why_given_up};
use crate::engine::plan::Next;
use crate::engine::state::{Approval, RunState};
use crate::engine::status::Status;
use crate::engine::undo;
use crate::engine::walk::{LoopAt, Place, next_in_guard, next_in_item};
use crate::model::{Autonomy, FailureClass, HumanDuration, ItemKey, ItemOutcome, Outcome, Phase};
use crate::playbook::{ForEach, Playbook, WhenResolved};

/// Why no further item begins.
enum Halt {
    /// A person, a brake or a window.
    Stopped { by: String },
    /// So many have failed, its time is over, or the guard did not let it go on.
    Sick { because: Option<String> },
    /// The alert is over.
    Resolved { because: String },
}

/// Whether what is listed is done although the alert is over.
pub fn goes_on_when_resolved(each: &ForEach, state: &RunState) -> bool {
    match each.when_resolved {
        Some(WhenResolved::Finish) => true,
        Some(WhenResolved::Stop) => false,
        // Whoever approved the list approved all of it.
        None => matches!(state.approval, Approval::Granted { .. }),
    }
}

/// What stays the same for all items of one decision.
struct Planner<'p, 's> {
    playbook: &'p Playbook,
    at: LoopAt<'p>,
    listed: &'s Loop,
    state: &'s RunState,
    autonomy: Autonomy,
    news: News,
    now: DateTime<Utc>,
}

/// What comes next in it.
pub fn plan<'p>(
    playbook: &'p Playbook,
    at: LoopAt<'p>,
    listed: &Loop,
    state: &RunState,
    autonomy: Autonomy,
    now: DateTime<Utc>,
) -> Next<'p> {
    let news = if autonomy >= Autonomy::Approve { news(playbook, state) } else { News::Fresh };
    Planner { playbook, at, listed, state, autonomy, news, now }.next()
}

impl<'p> Planner<'p, '_> {
    fn next(&self) -> Next<'p> {
        // At most one change is in doubt, and it comes before everything else.
        let in_doubt = self.listed.at_work().find_map(|item| match self.place(item) {
            Some(Place::Step(at)) => doubt(&at, self.state, self.now),
            _ => None,
        });
        if let Some(next) = in_doubt {
            return next;
        }
        if let Some(trouble) = &self.state.trouble {
            return self.escalate(trouble);
        }
        // What is over may be why no other one goes on.
        if let Some(next) = self.listed.at_work().find_map(|item| self.is_over(item)) {
            return next;
        }
        let halt = self.halt();
        let mut until: Option<DateTime<Utc>> = None;
        for item in self.listed.at_work() {
            let next = match &halt {
                // Only what was begun is finished.
                Some(_) if !item.is_begun && item.is_touched => {
                    let because = "its last attempt failed, and it is not tried again";
                    self.end(item, ItemOutcome::Failed, because.to_owned())
                }
                Some(_) if !item.is_begun => continue,
                _ => self.item(item),
            };
            match next {
                Next::Park { until: at } => until = Some(until.map_or(at, |until| until.min(at))),
                next => return next,
            }
        }
        match (until, halt) {
            (Some(until), _) => Next::Park { until },
            (None, Some(halt)) => self.halted(halt),
            (None, None) => self.wave(),
        }
    }

    fn halt(&self) -> Option<Halt> {
        if let Some(by) = &self.state.cancelled_by {
            return Some(Halt::Stopped { by: by.clone() });
        }
        if let Some(because) = &self.listed.stopped {
            return Some(Halt::Sick { because: Some(because.clone()) });
        }
        if self.listed.failures() >= self.at.foreach.stop_after {
            return Some(Halt::Sick { because: None });
        }
        // What failed is somebody's to look at, whatever holds up the rest.
        if let Some(by) = &self.state.braked_by {
            return Some(match self.listed.failures() {
                0 => Halt::Stopped { by: by.clone() },
                _ => Halt::Sick { because: Some(format!("{by} stopped the rest")) },
            });
        }
        if let Some(within) = self.is_out_of_time() {
            let because = format!("its `within` of {} is over", HumanDuration(within));
            return Some(Halt::Sick { because: Some(because) });
        }
        let over = match self.news {
            News::Over => Some("its source says that its alert fires no more"),
            _ => self.state.alert_resolved.then_some("the alert resolved"),
        };
        let because = over.filter(|_| self.heeds_the_end())?.to_owned();
        Some(Halt::Resolved { because })
    }

    /// The time that it was to take, where that has passed and something is left that nobody has
    /// touched: what was begun is finished.
    fn is_out_of_time(&self) -> Option<Duration> {
        let each = self.at.foreach;
        let since = if each.changes() { self.listed.touched_at } else { self.listed.waved_at };
        let within = each.within.filter(|within| since.is_some_and(|since| self.now >= since + *within))?;
        self.listed.items.iter().any(|item| item.ended.is_none() && !item.is_touched).then_some(within)
    }

    /// Whether the alert's end is one of the loop, too. What only looks goes on, once something was
    /// changed: it may be what tells whether that helped.
    fn heeds_the_end(&self) -> bool {
        let each = self.at.foreach;
        !goes_on_when_resolved(each, self.state) && (each.changes() || !self.state.mutated)
    }

    fn place(&self, item: &ItemState) -> Option<Place<'p>> {
        next_in_item(self.playbook, self.at.foreach, &item.key, self.state)
    }

    /// The end of an item of which nothing is left to do.
    fn is_over(&self, item: &ItemState) -> Option<Next<'p>> {
        if let Some(because) = &item.trouble {
            return Some(self.end(item, ItemOutcome::Failed, because.clone()));
        }
        if let Some(because) = &item.done {
            let outcome = if item.is_begun { ItemOutcome::Done } else { ItemOutcome::Unneeded };
            return Some(self.end(item, outcome, because.clone()));
        }
        if let Some(because) = &item.left {
            // One that was begun is half done.
            let outcome = if item.is_touched { ItemOutcome::Failed } else { ItemOutcome::LeftAlone };
            return Some(self.end(item, outcome, because.clone()));
        }
        if item.target.is_some() && !item.is_read {
            let Some(Status::Failed { error, .. }) = self.state.status(&of_item(&self.at.address, &item.key)) else {
                return None;
            };
            return Some(self.end(item, ItemOutcome::Failed, error.clone()));
        }
        if let Some(why) = &item.is_other {
            return Some(self.end(item, ItemOutcome::LeftAlone, why.clone()));
        }
        let Some(place) = self.place(item) else {
            let is_needed = item.is_begun || item.last.is_none();
            let outcome = if is_needed { ItemOutcome::Done } else { ItemOutcome::Unneeded };
            let because = item.last.clone().unwrap_or_else(|| "each of its steps is done".to_owned());
            return Some(self.end(item, outcome, because));
        };
        let Some(Status::Failed { class, error, tried, .. }) = self.state.status(place.address()) else { return None };
        if matches!(&place, Place::Step(at) if fails_without_harm(at, self.state).is_some()) {
            return None;
        }
        // What holds one up says nothing about the others. One that was begun is half done.
        if matches!(class, FailureClass::LeaveAlone | FailureClass::HeldUp) && !item.is_touched {
            return Some(self.end(item, ItemOutcome::LeftAlone, error.clone()));
        }
        let because = why_given_up(&place.address().for_all(), *class, error, tried.attempts);
        Some(self.end(item, ItemOutcome::Failed, because))
    }

    /// How an item goes on that is not over.
    fn item(&self, item: &ItemState) -> Next<'p> {
        if let Some(target) = item.target.as_ref().filter(|_| !item.is_read) {
            let address = of_item(&self.at.address, &item.key);
            return match self.state.status(&address) {
                Some(Status::Waiting { until, .. }) if self.now < *until => Next::Park { until: *until },
                _ => Next::ReadItem { address, target: target.clone() },
            };
        }
        match self.place(item) {
            Some(place) => self.step(item, place),
            // Not reached: then it is over.
            None => self.end(item, ItemOutcome::Done, "each of its steps is done".to_owned()),
        }
    }

    fn step(&self, item: &ItemState, place: Place<'p>) -> Next<'p> {
        let at = match place {
            Place::Step(at) => at,
            Place::Choose(at) => return Next::Choose { at },
            // The check refuses it, also in a frozen playbook.
            Place::Loop(_) => return self.end(item, ItemOutcome::Failed, "a loop stands in another".to_owned()),
        };
        match in_step(at, self.at.address.phase(), self.autonomy, self.state, self.now, self.how(item)) {
            // What would end the run outside ends the item.
            Next::Enter { phase: Phase::Escalate, because } => self.end(item, ItemOutcome::Failed, because),
            next => next,
        }
    }

    fn how(&self, item: &ItemState) -> InStep {
        let heeds_the_end = self.heeds_the_end();
        let news = match self.news {
            News::Over if !heeds_the_end => News::Fresh,
            news if !item.is_begun => news,
            _ => News::Fresh,
        };
        InStep { in_group: item.is_begun, heeds_the_end, news }
    }

    /// Behind what is taken back of it.
    fn end(&self, item: &ItemState, outcome: ItemOutcome, because: String) -> Next<'p> {
        let end = Next::EndItem { address: of_item(&self.at.address, &item.key), outcome, because };
        undo::before(self.playbook, std::slice::from_ref(&item.key), self.state, self.now, end)
    }

    /// Each item that has begun is over: what is before the next ones, and they.
    fn wave(&self) -> Next<'p> {
        let mut left =
            self.listed.items.iter().filter(|item| item.wave.is_none()).map(|item| item.key.clone()).peekable();
        if left.peek().is_none() {
            // None of them is left, and the loop is not over.
            return self.escalate("");
        }
        let number = self.listed.waves;
        if let Some(next) = guard_key(number).and_then(|key| self.guard(&key)) {
            return next;
        }
        // A wave in which nothing was changed has shown nothing.
        let size = if self.at.foreach.changes() { self.listed.proven_waves() } else { number };
        let keys = left.take(self.at.foreach.wave(size)).collect();
        Next::Wave { address: self.at.address.clone(), keys }
    }

    /// What is asked before a wave; `None`: it may begin.
    fn guard(&self, key: &ItemKey) -> Option<Next<'p>> {
        let at = next_in_guard(self.playbook, self.at.foreach, key, self.state)?;
        if let Some(Status::Failed { class, error, tried, .. }) = self.state.status(&at.address)
            && fails_without_harm(&at, self.state).is_none()
        {
            let why = why_given_up(&at.address.for_all(), *class, error, tried.attempts);
            return Some(self.escalate(&why));
        }
        let how = InStep { in_group: false, heeds_the_end: true, news: News::Fresh };
        Some(in_step(at, self.at.address.phase(), self.autonomy, self.state, self.now, how))
    }

    fn halted(&self, halt: Halt) -> Next<'p> {
        match halt {
            Halt::Stopped { by } => {
                let because = format!("{by} stopped it; {}", self.listed.told());
                Next::End { outcome: Outcome::Cancelled, because }
            }
            Halt::Resolved { because } if !self.state.mutated && !self.listed.is_for_a_human() => {
                let because = format!("{because} before anything was changed");
                Next::End { outcome: Outcome::NothingToDo, because }
            }
            Halt::Resolved { because } => self.escalate(&format!("{because}, and the rest is for a human")),
            Halt::Sick { because } => self.escalate(&because.unwrap_or_default()),
        }
    }

    /// The text names all that were not done.
    fn escalate(&self, why: &str) -> Next<'p> {
        let told = self.listed.told();
        let because = if why.is_empty() { told } else { format!("{why}; {told}") };
        Next::Enter { phase: Phase::Escalate, because }
    }
}
