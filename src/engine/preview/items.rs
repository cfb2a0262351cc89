//! What would be done for each item of a loop.

use chrono::{DateTime, Utc};

use super::{MitigationPreview, OnlyIf};
use crate::action::ActionError;
use crate::engine::loops;
use crate::engine::read::{self, read_object};
use crate::engine::state::RunState;
use crate::engine::walk::{Around, LoopAt, StepAt};
use crate::language::Expression;
use crate::model::{RunEvent, StepAddress};
use crate::playbook::{ForEach, StepKind};

impl MitigationPreview<'_> {
    /// What would be done for each item that is not over: of the list that was made, or would be
    /// now.
    pub(super) async fn each(&mut self, each: &ForEach, only_if: &OnlyIf) {
        if each.approval.is_some() && self.asks_again(&each.address) {
            return;
        }
        let now = self.world.clock.now();
        let mut state = self.state.clone();
        if state.listed(&each.address).is_none() {
            let at = LoopAt { foreach: each, address: each.address.clone() };
            match loops::list(self.frame, &state, &at, now) {
                // Not as a record: the phase that it belongs to may be yet to come.
                RunEvent::Listed { step, item, items } => state.loops.push(loops::Loop::new(step, item, items)),
                RunEvent::Failed { error, .. } => {
                    let told = format!("{}: its list is made after the steps before it; now: {error}", each.address);
                    return self.show(&each.address, told, false);
                }
                _ => return,
            }
        }
        let Some(listed) = state.listed(&each.address).cloned() else { return };
        // Many items leave the steps behind them their time.
        let until = now + (self.until - now) / 2;
        for item in listed.items.iter().filter(|item| item.ended.is_none()) {
            let key = std::slice::from_ref(&item.key);
            let address = each.address.for_items(key);
            let mut state = state.clone();
            match self.as_at_its_turn(&mut state, &address, until).await {
                Ok(None) => {}
                Ok(Some(why)) => {
                    self.show(&address, format!("nothing for {}: {why}", item.key), true);
                    continue;
                }
                Err(error) => {
                    self.show(&address, format!("{}: decided at its turn; now: {error}", item.key), false);
                    self.outlook.unasked.insert(address, error);
                    continue;
                }
            }
            let Self { world, frame, playbook, extent, is_asked_behind, .. } = *self;
            let outlook = &mut *self.outlook;
            let mut of_item =
                MitigationPreview { world, frame, state, playbook, extent, is_asked_behind, until, outlook };
            of_item.blocks(&each.blocks, Around { foreach: Some(each), items: key }, only_if).await;
        }
    }

    /// Has the item be under way, with what it is about as it is now. `Some`: why nothing would be
    /// done for it.
    async fn as_at_its_turn(
        &self,
        state: &mut RunState,
        address: &StepAddress,
        until: DateTime<Utc>,
    ) -> Result<Option<String>, ActionError> {
        let Some(item) = state.item_mut(address) else { return Ok(None) };
        item.wave.get_or_insert(0);
        if let Some(target) = item.target.clone().filter(|_| !item.is_read) {
            let object = read_object(self.world, &target, until).await?;
            item.read(object.as_ref());
        }
        Ok(item.is_other.clone())
    }

    /// Shows why nothing is done for an item, unless something is.
    pub(super) fn item_ends(&mut self, at: &StepAt<'_>) {
        let (StepKind::DoneIf(condition)
        | StepKind::EscalateIf(condition)
        | StepKind::LeaveIf(condition)
        | StepKind::Require(condition)) = &at.step.kind
        else {
            return;
        };
        if self.is_shown(at) {
            return;
        }
        let scope = self.frame.scope(&self.state, &at.address);
        let source = condition.expression.source();
        let because = condition.because.as_ref().map(|because| because.render_leniently(&scope));
        let because = because.unwrap_or_else(|| format!("`{source}` decides it"));
        let key = at.address.items().first().map(ToString::to_string).unwrap_or_default();
        self.show(&at.address, format!("nothing for {key}: {because}"), true);
    }

    /// Gives an item's names their values, as long as nothing is shown of it that would be changed
    /// before.
    pub(super) fn set(&mut self, at: &StepAt<'_>, values: &[(String, Expression)]) {
        if !at.is_in_loop() || at.step.when.is_some() || self.is_shown(at) {
            return;
        }
        if let RunEvent::Set { values, .. } = read::values(self.world, self.frame, &self.state, at, values) {
            self.state.outputs_of(&at.address).extend(values);
        }
    }
}
