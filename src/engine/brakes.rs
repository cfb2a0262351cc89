//! What stops mutations although a playbook wants them: freezes, and ceilings on autonomy that were
//! lowered meanwhile. A group that was begun is finished, and nothing else is changed.

use super::drive::{Driver, Flow};
use super::freeze_map::MapSays;
use super::plan::Next;
use super::state::Approval;
use crate::model::{Autonomy, Intent, Phase, RunEvent, Under};
use crate::store::{Append, StoreError};

impl Driver<'_> {
    /// How far the run may go alone now; `Some` says why it goes less far than it was opened for. Where
    /// nothing was begun, it shows what it would do.
    pub(super) fn autonomy(&self) -> (Autonomy, Option<String>) {
        let (own, lowered) = match self.under_ceilings(self.frame.run.autonomy, &[]) {
            Some((ceiling, why)) => (ceiling, Some(why)),
            None => (self.frame.run.autonomy, None),
        };
        let shown = |why: String| format!("what it would do is shown, not done: {why}");
        match self.options.mandate.left(self.world.clock.as_ref()) {
            Err(why) if why.observes && !self.has_begun() && own > Autonomy::Suggest => {
                (Autonomy::Suggest, Some(shown(why.to_string())))
            }
            _ => (own, lowered.map(shown)),
        }
    }

    fn has_begun(&self) -> bool {
        matches!(self.state.phase, Some(Phase::Mitigate | Phase::Escalate))
    }

    fn under_ceilings(&self, wanted: Autonomy, namespaces: &[&str]) -> Option<(Autonomy, String)> {
        let run = &self.frame.run;
        let namespaces: Vec<&str> =
            std::iter::once(run.target.namespace.as_str()).chain(namespaces.iter().copied()).collect();
        let under = Under { playbook: &run.playbook.name, team: &self.playbook.owner, namespaces: &namespaces };
        self.options.ceilings.get().lower(wanted, under)
    }

    /// By what the run is frozen, where it is about to mitigate: then it shows what it would do. What
    /// cannot be found out now is asked again before the change itself.
    pub(super) async fn frozen_before_it_begins(&self, next: &Next<'_>) -> Result<Option<String>, StoreError> {
        if !matches!(next, Next::Enter { phase: Phase::Mitigate, .. }) {
            return Ok(None);
        }
        let by = match self.frozen_here().await? {
            Some(by) => Some(by),
            None => self.map_freezes().await,
        };
        Ok(by.map(|by| format!("what it would do is shown, not done: {by} freezes it")))
    }

    /// Whether a freeze or a ceiling stops the run, which is asked before each change, and before
    /// somebody is asked about one.
    pub(super) async fn is_stopped_by_a_brake(&mut self, next: &Next<'_>) -> Result<bool, StoreError> {
        let asks = matches!(next, Next::Ask { .. } | Next::AskSource { .. });
        let would_change = asks || matches!(next, Next::Act { .. } | Next::Doubt { .. });
        if !would_change || self.state.cancelled_by.is_some() || self.state.phase != Some(Phase::Mitigate) {
            return Ok(false);
        }
        let stopped_by = match self.frozen_here().await? {
            Some(by) => Some(by),
            None => match self.under_ceilings(self.allowed(), &[]) {
                // One that was lowered to `approve` has the run ask.
                Some((Autonomy::Suggest, why)) => Some(format!("the ceiling on autonomy ({why})")),
                _ if asks => self.map_freezes().await,
                _ => None,
            },
        };
        let Some(by) = stopped_by else { return Ok(false) };
        self.stopped_by(by, Vec::new()).await?;
        Ok(true)
    }

    /// Why this very change is held up: by a ceiling where its object is, or by the ConfigMap.
    pub(super) async fn held_up(&self, intent: &Intent) -> MapSays {
        let namespaces = self.namespaces(intent);
        let namespaces: Vec<&str> = namespaces.iter().map(String::as_str).collect();
        if let Some((_, why)) = self.under_ceilings(self.allowed(), &namespaces) {
            return MapSays::Frozen(format!("the ceiling on autonomy ({why})"));
        }
        self.freeze_map_says(&namespaces).await
    }

    /// Where it changes something, and for whose sake.
    pub(super) fn namespaces(&self, intent: &Intent) -> Vec<String> {
        let mut namespaces = vec![self.frame.run.target.namespace.clone(), intent.object.namespace.clone()];
        namespaces.dedup();
        namespaces
    }

    /// The run goes the way of one that a person stopped. `before` goes on the log ahead of it.
    pub(super) async fn stopped_by(&mut self, by: String, mut before: Vec<RunEvent>) -> Result<Flow, StoreError> {
        before.push(RunEvent::CancelAsked { by });
        self.append(Append { events: before, ..Append::default() }).await?;
        Ok(Flow::On)
    }

    /// How far it has gone: what a person said yes to needs no more than `approve`.
    fn allowed(&self) -> Autonomy {
        match self.state.approval {
            Approval::Granted { .. } => Autonomy::Approve,
            _ => self.frame.run.autonomy,
        }
    }

    async fn frozen_here(&self) -> Result<Option<String>, StoreError> {
        let run = &self.frame.run;
        let freezes = self.store.freezes_at(self.now()).await?;
        let covers = freezes.iter().find(|freeze| freeze.scope.covers_run(&run.playbook.name, &run.target));
        Ok(covers.map(crate::model::Freeze::named))
    }

    async fn map_freezes(&self) -> Option<String> {
        match self.freeze_map_says(&[self.frame.run.target.namespace.as_str()]).await {
            MapSays::Frozen(by) => Some(by),
            MapSays::NotFrozen | MapSays::Unknown(_) => None,
        }
    }
}
