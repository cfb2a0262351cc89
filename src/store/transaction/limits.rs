//! Limits over all runs: counted in the transaction that writes `started`.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Helped, Tx, announce};
use crate::model::{Breaker, Outcome, Rate, RunEvent, RunId, RunLimits};
use crate::store::rules::{LimitFacts, OverLimit, opens_breaker, over_limit, stopped};
use crate::store::{Guard, StoreError};

/// For so long a run counts among those at once: one that waits for hours whether it helped keeps
/// nobody else from acting.
const HOLDS_A_PLACE: TimeDelta = TimeDelta::hours(1);

impl Tx<'_> {
    /// The limit that stands against what the run is about to start.
    pub(super) async fn over_limit(
        &mut self,
        run: RunId,
        guard: &Guard,
        limits: &RunLimits,
        records: &[RunEvent],
    ) -> Result<Option<OverLimit>, StoreError> {
        let started = records.iter().find_map(|record| match record {
            RunEvent::Started { step, .. } => Some(step),
            _ => None,
        });
        // A limit is for what does harm in numbers: taking it back ends that.
        let Some(step) = started.filter(|step| !guard.finishes_group && !step.is_undo()) else { return Ok(None) };
        let Some((playbook, target)) = self.tables.run_subject(run).await? else { return Ok(None) };
        let fleet = &limits.fleet;
        let mut facts = LimitFacts {
            is_counted: self.tables.is_counted(run, step).await?,
            at_once: self.tables.count_at_once(run, self.now - HOLDS_A_PLACE).await?,
            ..self.stop_facts(run, &playbook, limits).await?
        };
        if let Some(rate) = fleet.mutations {
            facts.mutations = self.tables.count_mutations(None, self.since(rate)).await?;
        }
        if let Some(rate) = fleet.mutations_per_namespace {
            for namespace in &guard.namespaces {
                let counted = self.tables.count_mutations(Some(namespace), self.since(rate)).await?;
                facts.namespaces.push((namespace.clone(), counted));
            }
        }
        if let Some(rate) = limits.runs_per_playbook {
            facts.runs_of_playbook = self.tables.count_runs(&playbook, None, self.since(rate), run).await?;
        }
        if let Some(rate) = limits.runs_per_namespace {
            let namespace = Some(target.place());
            facts.runs_in_namespace = self.tables.count_runs(&playbook, namespace, self.since(rate), run).await?;
        }
        Ok(over_limit(limits, &facts, self.now))
    }

    /// What stops the playbook until a person says so, so that nobody is asked about its changes.
    pub(super) async fn stopped(&mut self, run: RunId, limits: &RunLimits) -> Result<Option<OverLimit>, StoreError> {
        let Some((playbook, _)) = self.tables.run_subject(run).await? else { return Ok(None) };
        Ok(stopped(limits, &self.stop_facts(run, &playbook, limits).await?))
    }

    async fn stop_facts(&mut self, run: RunId, playbook: &str, limits: &RunLimits) -> Result<LimitFacts, StoreError> {
        let mut facts = LimitFacts {
            playbook: playbook.to_owned(),
            has_begun: self.tables.has_begun(run).await?,
            breaker: self.tables.open_breaker(playbook).await?,
            ..LimitFacts::default()
        };
        if let Some(within) = limits.fleet.ramp {
            let since = self.now - TimeDelta::from_std(within).unwrap_or(TimeDelta::MAX);
            let begun_since = self.tables.breaker_closed_at(playbook).await?;
            facts.ramp = self.tables.ramp(playbook, (since, self.now), begun_since, run).await?;
        }
        Ok(facts)
    }

    /// Counts what was started.
    pub(super) async fn count_mutation(&mut self, run: RunId, event: &RunEvent) -> Result<(), StoreError> {
        let RunEvent::Started { step, intent, .. } = event else { return Ok(()) };
        if step.is_undo() {
            return Ok(());
        }
        self.tables.insert_mutation(run, step, intent.object.place(), self.now).await?;
        let Some((playbook, target)) = self.tables.run_subject(run).await? else { return Ok(()) };
        self.tables.insert_mitigation(run, &playbook, target.place(), self.now).await
    }

    /// A run has ended: whether it helped decides about the others of its playbook.
    pub(super) async fn count_end(
        &mut self,
        run: RunId,
        outcome: Outcome,
        did_not_help: bool,
        limits: &RunLimits,
    ) -> Result<(), StoreError> {
        let helped = match outcome {
            Outcome::Fixed => Helped::Yes,
            // What refused it, or had it wait in vain, is no failure of the playbook.
            Outcome::Escalated if did_not_help => Helped::No,
            _ => Helped::Neither,
        };
        // What it was told for then, whatever the limit is by the time that another one asks.
        let stops_until = limits.fleet.ramp.filter(|_| helped == Helped::No).map(|within| self.now + within);
        if !self.tables.end_mitigation(run, helped, stops_until, self.now).await? || helped != Helped::No {
            return Ok(());
        }
        let Some((playbook, _)) = self.tables.run_subject(run).await? else { return Ok(()) };
        if self.tables.open_breaker(&playbook).await?.is_some() {
            return Ok(());
        }
        if let Some(rate) = limits.fleet.breaker {
            let begun_since = self.tables.breaker_closed_at(&playbook).await?;
            let failed = self.tables.failed_since(&playbook, self.since(rate), begun_since).await?;
            if opens_breaker(Some(rate), u32::try_from(failed.len()).unwrap_or(u32::MAX)) {
                return self.opens_breaker(playbook, &failed, rate).await;
            }
        }
        if let Some(within) = limits.fleet.ramp {
            let since = self.now - TimeDelta::from_std(within).unwrap_or(TimeDelta::MAX);
            let begun_since = self.tables.breaker_closed_at(&playbook).await?;
            // The first stops the others; what follows is no news.
            if self.tables.failed_since(&playbook, since, begun_since).await?.len() == 1 {
                let text = format!(
                    "the ramp of {playbook} stops, as {run} did not help: no other run of it begins to change anything for {}; \
                     /close playbook={playbook} lets them",
                    crate::model::HumanDuration(within)
                );
                announce(self, text, true).await?;
            }
        }
        Ok(())
    }

    async fn opens_breaker(&mut self, playbook: String, failed: &[RunId], rate: Rate) -> Result<(), StoreError> {
        let runs: Vec<String> = failed.iter().map(ToString::to_string).collect();
        let because = format!("{} did not help, and `engine.limits.breaker` is {rate}", runs.join(", "));
        let text = format!(
            "the breaker of {playbook} is open: {because}. No run of it changes anything until a person closes it: \
             /close playbook={playbook} REASON"
        );
        self.tables.insert_breaker(&Breaker { playbook, opened_at: self.now, because }).await?;
        announce(self, text, true).await
    }

    /// A person closes the breaker, and has the ramp begin anew.
    pub(super) async fn close_breaker(&mut self, playbook: &str, by: &str, reason: &str) -> Result<(), StoreError> {
        let was_open = self.tables.open_breaker(playbook).await?.is_some();
        self.tables.close_breaker(playbook, by, reason, self.now).await?;
        let what = if was_open { "the breaker of" } else { "the ramp of" };
        let text = format!("{what} {playbook} was closed by {by}: its runs may change things again ({reason})");
        announce(self, text, false).await
    }

    fn since(&self, rate: Rate) -> DateTime<Utc> {
        self.now - TimeDelta::from_std(rate.within).unwrap_or(TimeDelta::MAX)
    }
}
