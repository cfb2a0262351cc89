//! The worker that empties the outbox of one sink.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::sync::watch;

use super::patience::{Failures, SEND_WITHIN, SHOWS_AFTER, falls_back, wait_after};
use super::render::Renderer;
use super::ticket::trouble;
use super::{Parcel, ParcelKind, Sink, SinkError};
use crate::clock::Clock;
use crate::links::AckLinks;
use crate::metrics::Metrics;
use crate::model::PageEvent;
use crate::oncall::Roster;
use crate::store::{Attempt, Delivery, DeliverySubject, Store, StoreError};
use crate::worker::{Turn, TurnError, Worker};

/// How long a delivery that was taken is kept from being taken again: longer than an attempt may last, so that only a
/// crash makes it due before we have said what became of it.
const HOLD: Duration = Duration::from_secs(60);

/// Brings what is due to one sink.
pub struct OutboxWorker {
    sink: Arc<dyn Sink>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    renderer: Renderer,
    metrics: Arc<Metrics>,
}

impl OutboxWorker {
    pub fn new(
        sink: Arc<dyn Sink>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        oncall: impl Into<Roster>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let renderer = Renderer::new(store.clone(), clock.clone(), oncall.into());
        Self { sink, store, clock, renderer, metrics }
    }

    /// `team` is called when a page's own team is unknown, or has nobody on call.
    pub fn with_default_team(mut self, team: impl Into<String>) -> Self {
        self.renderer.default_team = Some(team.into());
        self
    }

    /// Pages that one person gets have a link that acknowledges.
    pub fn with_ack_links(mut self, links: Option<AckLinks>) -> Self {
        self.renderer.ack_links = links;
        self
    }

    /// One attempt, and what follows from it. A store that fails leaves the delivery taken: it comes again after a while.
    async fn send(&self, delivery: &Delivery, parcel: &Parcel) -> Result<(), StoreError> {
        let makes = parcel.may_make();
        if let DeliverySubject::Ticket { ticket } = delivery.subject
            && makes
        {
            // Whoever finds this after a death looks for what came of it, and not before it shows.
            self.store.ticket_tried(ticket, SEND_WITHIN + SHOWS_AFTER).await?;
        }
        let sent = match tokio::time::timeout(SEND_WITHIN, self.sink.send(parcel)).await {
            Ok(sent) => sent,
            Err(_) => {
                let message = format!("no answer within {} s", SEND_WITHIN.as_secs());
                Err(if makes { SinkError::MayBeDone { message, after: None } } else { SinkError::no_answer(message) })
            }
        };
        let lost = parcel.lost();
        match sent {
            Ok(external) => {
                self.store.delivered(delivery.id, external.as_deref(), parcel.standing, attempt(parcel)).await
            }
            Err(error) => self.failed(delivery, patience_of(parcel), lost, &error, attempt(parcel)).await,
        }
    }

    /// `lost`: so many answers before this one.
    async fn failed(
        &self,
        delivery: &Delivery,
        kind: ParcelKind,
        lost: u32,
        error: &SinkError,
        attempt: Option<Attempt>,
    ) -> Result<(), StoreError> {
        self.metrics.delivery_failed(self.sink.name());
        let wait = wait_after(kind, Failures { attempts: delivery.attempts, lost }, error, rand::random());
        let retry_at = wait.map(|wait| self.clock.now() + wait);
        let (sink, attempts) = (self.sink.name(), delivery.attempts + 1);
        match retry_at {
            Some(at) => {
                tracing::warn!(sink, kind = kind.name(), attempt = attempts, %error, retry_at = %at, "not delivered")
            }
            None => {
                tracing::error!(sink, kind = kind.name(), attempt = attempts, %error, "not delivered, and given up")
            }
        }
        let passes_on = falls_back(kind, delivery.attempts, error);
        let told = trouble::with_end(error, self.clock.now());
        let next = self.store.delivery_failed(delivery.id, &told, retry_at, passes_on, attempt).await?;
        if let DeliverySubject::Ticket { ticket } = &delivery.subject {
            trouble::tell(&*self.store, *ticket, error, retry_at, self.clock.now()).await?;
        }
        if !next.is_empty() {
            tracing::warn!(sink, ?next, "the page goes to the next sinks, too");
        }
        Ok(())
    }
}

#[async_trait]
impl Worker for OutboxWorker {
    fn name(&self) -> &'static str {
        "outbox"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.store.bells().outbox.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        let sinks = [self.sink.name()];
        let due = self.store.take_deliveries(&sinks, self.sink.at_once(), HOLD).await?;
        if due.is_empty() {
            return Ok(Turn::Idle { until: self.store.next_delivery_due(&sinks).await? });
        }
        // Made one after the other, so that they are sent in their order: a page first.
        let mut parcels = Vec::new();
        for delivery in due {
            match self.renderer.parcel(self.sink.as_ref(), &delivery).await {
                Ok(Some(parcel)) => parcels.push((delivery, parcel)),
                // There is nothing to tell any more: the page was acknowledged, the question answered.
                Ok(None) => self.store.delivered(delivery.id, None, None, None).await?,
                // One row that cannot be read must not keep back the others; and whoever was to be
                // paged hears at least that there is something.
                Err(error @ StoreError::Unreadable { .. }) => match &delivery.subject {
                    DeliverySubject::Page { page } => {
                        tracing::error!(%page, %error, "a page cannot be read, and a plain one takes its place");
                        match self.renderer.instead(self.sink.as_ref(), *page, delivery.told, &error).await? {
                            Some(parcel) => parcels.push((delivery, parcel)),
                            None => self.store.delivered(delivery.id, None, None, None).await?,
                        }
                    }
                    subject => {
                        let kind = ParcelKind::of(subject);
                        self.failed(&delivery, kind, 0, &SinkError::fail(error.to_string()), None).await?;
                    }
                },
                Err(error) => return Err(error.into()),
            }
        }
        for sent in join_all(parcels.iter().map(|(delivery, parcel)| self.send(delivery, parcel))).await {
            sent?;
        }
        Ok(Turn::Worked)
    }
}

/// That a page has ended goes no other way, and is told for as long as a ticket is: a receiver that
/// calls the next by itself goes on with that until it hears so.
fn patience_of(parcel: &Parcel) -> ParcelKind {
    if parcel.event.is_some_and(PageEvent::is_end) { ParcelKind::Ticket } else { parcel.kind }
}

fn attempt(parcel: &Parcel) -> Option<Attempt> {
    Some(Attempt { event: parcel.event?, called: parcel.called.clone()? })
}
