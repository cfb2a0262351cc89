//! Taking deliveries, and what becomes of them.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{DeliveryRow, TakenRow, Tx};
use crate::model::{PageId, redact};
use crate::store::reach::calls;
use crate::store::rules::{DeliveryKey, Outgoing, news_of_arrival, news_of_failure};
use crate::store::{Attempt, Delivery, DeliveryId, IncidentEvent, Standing, StoreError};

/// Takes what is due, and keeps others from taking it for `hold`.
pub(in crate::store) async fn take(
    tx: &mut Tx<'_>,
    sinks: &[String],
    limit: usize,
    hold: Duration,
) -> Result<Vec<Delivery>, StoreError> {
    let mut deliveries = Vec::new();
    for taken in tx.tables.take_due(sinks, limit, tx.now, tx.now + hold).await? {
        let TakenRow { id, sink, key, attempts, external, told, subject } = taken;
        let subject = match (subject, DeliveryKey::subject(&key)) {
            (Ok(subject), _) => subject,
            (Err(error), Some(subject)) => {
                tracing::error!(delivery = id.0, ?subject, %error, "a delivery cannot be read, and is made anew from its key");
                tx.tables.mend_delivery(id, &subject).await?;
                subject
            }
            // A newer version's: it must not keep back what we can bring.
            (Err(error), None) => {
                tracing::error!(delivery = id.0, %error, "a delivery cannot be read and is set aside");
                let error = redact(&error.to_string()).into_owned();
                tx.tables.save_failure(id, &error, None).await?;
                continue;
            }
        };
        deliveries.push(Delivery { id, sink, subject, attempts, external, told });
    }
    Ok(deliveries)
}

/// Has something told in chat that is about no incident.
pub(in crate::store) async fn announce(tx: &mut Tx<'_>, text: String, is_trouble: bool) -> Result<(), StoreError> {
    let news = Outgoing::announcement(text, is_trouble, tx.now);
    tx.send_to_chat(&news).await
}

/// Remembers an attempt, and that it came to `error`; what is like the one before is counted there.
pub(in crate::store) async fn remember(
    tx: &mut Tx<'_>,
    id: DeliveryId,
    attempt: Option<Attempt>,
    error: Option<&str>,
) -> Result<(), StoreError> {
    match attempt {
        Some(attempt) => tx.tables.save_attempt(id, &attempt, tx.now, error).await,
        None => Ok(()),
    }
}

/// It arrived. `true`: there is something new to tell, too.
pub(in crate::store) async fn arrived(
    tx: &mut Tx<'_>,
    id: DeliveryId,
    external: Option<&str>,
    told: Option<Standing>,
) -> Result<bool, StoreError> {
    let Some(row) = tx.tables.delivery_row(id).await? else { return Ok(false) };
    if let Some(ticket) = row.ticket {
        tx.ticket_arrives(ticket, external).await?;
    }
    // What changed while it was on its way is delivered once more.
    let due_at = row.changed.then_some(tx.now);
    tx.tables.save_arrival(id, tx.now, external, told, due_at).await?;
    if row.attempts > 0 {
        // It is back: what failed there meanwhile need not wait for its time.
        tx.tables.hasten_failed(&row.sink, tx.now).await?;
    }
    let Some(page) = row.page else { return Ok(row.changed || row.ticket.is_some()) };
    let Some(of) = tx.tables.page_row(page).await? else { return Ok(row.changed) };
    let sinks = tx.tables.sinks_of_page(page).await?;
    let counts = |sink: &str| if of.by_name { tx.sinks.knows_names(sink) } else { calls(sink) };
    if counts(&row.sink) || !sinks.iter().any(|sink| counts(sink)) {
        tx.tables.save_arrived(page, tx.now).await?;
    }
    let news = news_of_arrival(page, &row.sink, row.attempts, of.acknowledged, of.made_at, tx.now);
    if let Some(text) = &news {
        tx.note(of.incident, &IncidentEvent::Remark { text: text.clone() }).await?;
        tx.send_card(of.incident).await?;
    }
    // What is over needs nobody to answer: that somebody was told is enough.
    if !of.acknowledged && tx.is_over(of.incident).await? {
        tx.tables.close_pages(&[page], tx.now, false).await?;
    }
    // It may stand otherwise since it was sent. Where nothing could be told, that would go on for
    // ever.
    if told.is_some() {
        tx.tell_pagers(of.incident).await?;
    }
    Ok(news.is_some() || row.changed || tx.sinks.hear_ends.contains(&row.sink))
}

/// What became of a delivery that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Failed {
    /// It goes to these sinks now, where it had not been sent before.
    pub added: Vec<String>,
    /// There is something new to deliver.
    pub news: bool,
}

/// It did not arrive, and is tried again at `retry_at`; `passes_on`: the next of the order are
/// asked, too.
pub(in crate::store) async fn failed(
    tx: &mut Tx<'_>,
    id: DeliveryId,
    error: &str,
    retry_at: Option<DateTime<Utc>>,
    passes_on: bool,
) -> Result<Failed, StoreError> {
    let nothing = Failed { added: Vec::new(), news: false };
    let Some(row) = tx.tables.delivery_row(id).await? else { return Ok(nothing) };
    // What changed while it was on its way is worth a try of its own.
    let due_at = retry_at.or(row.changed.then_some(tx.now));
    tx.tables.save_failure(id, error, due_at).await?;
    let Some(page) = row.page else { return Ok(nothing) };
    let mut added = Vec::new();
    if passes_on {
        for sink in asked_next(tx, page, &row.sink).await? {
            if tx.tables.put_also(id, &sink, tx.now).await? {
                added.push(sink);
            }
        }
    }
    let news = tell_failure(tx, page, &row, &added).await?;
    Ok(Failed { news: news || !added.is_empty(), added })
}

/// The entry after that of `sink`, and those of its own that were never told. Nobody, where another
/// one that calls the same people has the page: somebody knows.
async fn asked_next(tx: &mut Tx<'_>, page: PageId, sink: &str) -> Result<Vec<String>, StoreError> {
    let contacts = tx.tables.contacts_of(page).await?;
    let order = tx.sinks.order_for(&contacts);
    let Some((own, next)) = order.around(sink) else { return Ok(Vec::new()) };
    let reached = tx.tables.reached_by_page(page).await?;
    let by_name = tx.tables.page_row(page).await?.is_some_and(|page| page.by_name);
    let counts = |other: &str| if by_name { tx.sinks.knows_names(other) } else { calls(other) };
    let has_it = |other: &String| other != sink && counts(other) && reached.contains(other);
    // Of several people, each is to be reached where they want to be called.
    let mut wanted = contacts.iter().filter(|wanted| wanted.contains(sink)).peekable();
    let is_known = match wanted.peek() {
        Some(_) => wanted.all(|wanted| wanted.iter().any(has_it)),
        None => own.iter().any(has_it),
    };
    Ok(if is_known { Vec::new() } else { own.iter().chain(next).cloned().collect() })
}

/// A page that fails for the first time, or goes another way, is shown as such.
async fn tell_failure(tx: &mut Tx<'_>, page: PageId, row: &DeliveryRow, added: &[String]) -> Result<bool, StoreError> {
    let Some(of) = tx.tables.page_row(page).await? else { return Ok(false) };
    if !added.is_empty() {
        let text = news_of_failure(page, &row.sink, &added.join(" and "));
        tx.note(of.incident, &IncidentEvent::Remark { text }).await?;
    }
    let news = !added.is_empty() || row.attempts == 0;
    if news {
        tx.send_card(of.incident).await?;
    }
    Ok(news)
}
