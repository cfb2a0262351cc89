//! The worker that calls the next one.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use super::{Due, decide};
use crate::clock::Clock;
use crate::model::Concern;
use crate::oncall::Roster;
use crate::store::{Escalation, Store, StoreError};
use crate::worker::{Turn, TurnError, Worker};

/// Decides about each call whose time has come, by the on-call file as it is then.
pub struct EscalationWorker {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    oncall: Roster,
    default_team: String,
}

impl EscalationWorker {
    /// `default_team`: who is called where a team's own policy names it, or the team is unknown.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, oncall: Roster, default_team: String) -> Self {
        Self { store, clock, oncall, default_team }
    }

    async fn call(&self, escalation: &Escalation) -> Result<(), StoreError> {
        let Some(incident) = self.store.incident(escalation.incident).await? else { return Ok(()) };
        let page = match escalation.page {
            Some(page) => match self.store.page(page).await {
                Err(error @ StoreError::Unreadable { .. }) => {
                    tracing::error!(%page, %error, "a page cannot be read, and the next is called without it");
                    None
                }
                read => read?,
            },
            None => None,
        };
        let (oncall, default_team, now) = (self.oncall.get(), self.default_team.as_str(), self.clock.now());
        let oncall = &oncall;
        let about = match oncall.areas() {
            [] => Concern::default(),
            _ => self.store.concern_of(incident.id).await?,
        };
        let about = &about;
        let escalating = &self.store.calls_by_itself();
        let pages = &self.store.pages_of(incident.id).await?;
        let due = Due {
            escalation,
            incident: &incident,
            page: page.as_ref(),
            pages,
            oncall,
            default_team,
            about,
            escalating,
            now,
        };
        self.store.escalate(escalation, decide(&due)).await?;
        Ok(())
    }
}

#[async_trait]
impl Worker for EscalationWorker {
    fn name(&self) -> &'static str {
        "escalation"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.store.bells().outbox.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        let (due, next) = self.store.due_escalations(self.clock.now()).await?;
        if due.is_empty() {
            return Ok(Turn::Idle { until: next });
        }
        let mut failed = None;
        for escalation in due {
            // One that cannot be worked on keeps back none of the others.
            if let Err(error) = self.call(&escalation).await {
                tracing::error!(incident = %escalation.incident, %error, "nobody was called next");
                failed = Some(error);
            }
        }
        failed.map_or(Ok(Turn::Worked), |error| Err(error.into()))
    }
}
