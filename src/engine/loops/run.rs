//! What a run's state has of its loops.

use chrono::{DateTime, Utc};

use super::guard_key;
use super::state::{ItemState, Loop};
use crate::cluster::Object;
use crate::engine::state::RunState;
use crate::engine::status::Status;
use crate::language::Scope;
use crate::model::{FailureClass, ItemKey, Phase, Remedy, RunEvent, StepAddress, WaitsFor};

impl RunState {
    /// The loop of that address, once it has its list.
    pub fn listed(&self, each: &StepAddress) -> Option<&Loop> {
        self.loops.iter().find(|listed| listed.address == *each)
    }

    /// The item that a step is done for.
    pub fn item(&self, step: &StepAddress) -> Option<&ItemState> {
        self.loops.last()?.item(step.items().first()?)
    }

    /// The loop that a step of that address is in, which is the one under way.
    pub fn around(&self, step: &StepAddress) -> Option<&Loop> {
        self.loops.last().filter(|_| !step.items().is_empty())
    }

    /// What a step is about, as it was when it was last there.
    pub fn object_of(&self, step: &StepAddress) -> Option<&Object> {
        match self.item(step).filter(|item| item.target.is_some()) {
            Some(item) => item.object.as_ref(),
            None => self.object.as_ref(),
        }
    }

    /// What a step is about, as it is now; `None` when it is not there.
    pub fn live_object_of(&self, step: &StepAddress) -> Option<&Object> {
        match self.item(step).filter(|item| item.target.is_some()) {
            Some(item) => item.live_object(),
            None => self.live_object(),
        }
    }

    /// Whether the record fits the loop that is under way.
    pub(in crate::engine) fn may_follow(&self, step: &StepAddress, event: &RunEvent) -> Result<(), &'static str> {
        let is_of_an_item = matches!(event, RunEvent::ItemRead { .. } | RunEvent::ItemEnded { .. });
        match (self.around(step), step.items()) {
            (None, []) if is_of_an_item => Err("its log speaks of no item"),
            (None, []) => Ok(()),
            (None, _) => Err("its log speaks of an item before there is a list"),
            (Some(_), _)
                if matches!(event, RunEvent::Listed { .. } | RunEvent::Wave { .. } | RunEvent::WaveAnew { .. }) =>
            {
                Err("its log has a loop in a loop")
            }
            (Some(listed), _) if is_of_an_item && listed.address != step.for_all() => {
                Err("its log speaks of an item of another loop")
            }
            (Some(listed), keys) => listed.takes(keys),
        }
    }

    /// The item of the loop under way, other than that of the step, for which the same was begun.
    pub(in crate::engine) fn another_item_with(&self, step: &StepAddress, remedy: &Remedy) -> Option<&ItemKey> {
        let own = step.items().first()?;
        let others = self.loops.last()?.items.iter().filter(|item| item.key != *own);
        others.filter(|item| item.remedies.contains(remedy)).map(|item| &item.key).next()
    }

    /// Since when that step waits for a lock, for one of the items.
    pub(in crate::engine) fn lock_waited_since(&self, step: &StepAddress) -> Option<DateTime<Utc>> {
        let of_items = self.steps.iter().filter(|(other, _)| other.for_all() == step.for_all());
        of_items.filter_map(|(_, status)| status.tried()?.waits_since(WaitsFor::Lock)).min()
    }

    /// Whether what stands against the item is for a human.
    pub(in crate::engine) fn is_held_up(&self, item: &StepAddress) -> bool {
        // Where nothing is changed, nothing is undone: what is behind the loop decides.
        if item.phase() == Phase::Mitigate && self.item(item).is_some_and(|item| item.left.is_some()) {
            return true;
        }
        let of_item = |step: &StepAddress| step.items() == item.items();
        let is_held_up = |status: &Status| matches!(status, Status::Failed { class: FailureClass::HeldUp, .. });
        self.steps.iter().any(|(step, status)| of_item(step) && is_held_up(status))
    }

    /// The same, to take something in.
    pub(in crate::engine) fn item_mut(&mut self, step: &StepAddress) -> Option<&mut ItemState> {
        self.loops.last_mut()?.item_mut(step.items().first()?)
    }

    /// The last wave of the loop under way begins again, with its guard.
    pub(in crate::engine) fn begin_wave_again(&mut self, step: &StepAddress) {
        let Some(listed) = self.loops.last_mut() else { return };
        let mut keys = match listed.begin_again() {
            Ok(keys) => keys,
            Err(why) => return self.is_illegal(format!("{step}: {why}")),
        };
        keys.extend(guard_key(listed.waves));
        let phase = step.phase();
        self.steps.retain(|of, _| of.phase() != phase || !of.items().first().is_some_and(|key| keys.contains(key)));
    }

    /// It cannot go on: the item that it is done for, the waves behind it, or the run.
    pub(in crate::engine) fn step_is_in_trouble(&mut self, step: &StepAddress, because: String) {
        match (self.loops.last_mut(), step.items().first()) {
            (Some(listed), Some(key)) => match listed.item_mut(key) {
                Some(item) => item.trouble = Some(because),
                None => listed.stopped = Some(because),
            },
            _ => self.is_in_trouble(because),
        }
    }

    /// Where a step's output is kept: with the run, with its item, or with the guard.
    pub(in crate::engine) fn outputs_of(&mut self, step: &StepAddress) -> &mut Scope {
        match (self.loops.last_mut(), step.items().first()) {
            (Some(Loop { items, guard, .. }), Some(key)) => {
                items.iter_mut().find(|item| item.key == *key).map_or(guard, |item| &mut item.outputs)
            }
            _ => &mut self.outputs,
        }
    }
}
