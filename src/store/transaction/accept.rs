//! Letting a signal in.

use chrono::{DateTime, Utc};

use super::{SignalRow, Tx};
use crate::model::{Beat, Lane, Severities, Signal, SignalBody, SignalId, redact};
use crate::store::rules::{Redelivery, redelivered};
use crate::store::{Accepted, Delivered, DeliveredPart, StoreError, identity};

/// What comes in, ready to be written.
pub(in crate::store) struct Incoming {
    source: String,
    key: String,
    received_at: DateTime<Utc>,
    lane: Lane,
    /// Episodes may end by it.
    may_end: bool,
    said: Option<String>,
    /// What is worked on first, and the rest of it.
    body: String,
    pieces: Vec<String>,
    tells_of_a_state: bool,
}

impl Incoming {
    /// # Errors
    /// [`StoreError::Refused`] when it cannot be written as JSON.
    pub(in crate::store) fn signal(signal: &Signal) -> Result<Self, StoreError> {
        let body = serde_json::to_string(&signal.body)
            .map_err(|error| StoreError::Refused { what: "write a signal", message: error.to_string() })?;
        Ok(Self {
            source: signal.source.clone(),
            key: identity(&signal.key).into_owned(),
            received_at: signal.received_at,
            // Alerts come as deliveries, whose door knows an operator's words.
            lane: signal.lane(Severities::usual()),
            may_end: signal.may_end(),
            said: signal.said().map(|digest| digest.as_str().to_owned()),
            body,
            pieces: Vec::new(),
            tells_of_a_state: matches!(signal.body, SignalBody::Notification(_)),
        })
    }

    /// A signal for each part of a delivery.
    pub(in crate::store) fn delivery(delivered: Delivered) -> Vec<Self> {
        let Delivered { source, received_at, parts, .. } = delivered;
        let incoming = |DeliveredPart { key, lane, may_end, pieces }| {
            let mut pieces = pieces.into_iter();
            let body = pieces.next().unwrap_or_default();
            let pieces = pieces.collect();
            let source = source.clone();
            Self { source, key, received_at, lane, may_end, said: None, body, pieces, tells_of_a_state: true }
        };
        parts.into_iter().map(incoming).collect()
    }
}

/// Lets in all of it, or nothing.
pub(in crate::store) async fn accept(
    tx: &mut Tx<'_>,
    incoming: Vec<Incoming>,
    beats: Vec<Beat>,
) -> Result<Vec<Accepted>, StoreError> {
    beat(tx, beats).await?;
    let mut accepted = Vec::with_capacity(incoming.len());
    for incoming in incoming {
        accepted.push(let_in(tx, incoming).await?);
    }
    Ok(accepted)
}

async fn let_in(tx: &mut Tx<'_>, incoming: Incoming) -> Result<Accepted, StoreError> {
    let known = tx.tables.count_delivery(&incoming.source, &incoming.key, incoming.received_at).await?;
    let Some((id, said)) = known else {
        let key = incoming.key.clone();
        return Ok(Accepted::New(insert(tx, incoming, key).await?));
    };
    if incoming.said.is_some() && said != incoming.said {
        return Ok(Accepted::Other(id));
    }
    // A command is one wish, however often it is sent.
    if !incoming.tells_of_a_state {
        return Ok(Accepted::Again(id));
    }
    let again = format!("{}{AGAIN}", incoming.key);
    let places = tx.tables.places(&incoming.source, &[&incoming.key, &again]).await?;
    let newest = tx.tables.newest().await?;
    Ok(Accepted::Again(match redelivered(&places, incoming.may_end, newest) {
        Redelivery::Told(id) => id,
        Redelivery::AlsoBehind => insert(tx, incoming, again).await?,
        Redelivery::Moves(place) => {
            let Incoming { received_at, lane, may_end, body, pieces, .. } = incoming;
            let id = tx.tables.queue_again(place, &body, lane, received_at).await?;
            tell_rest(tx, id, pieces, may_end).await?
        }
    }))
}

/// What the key of a signal's second row ends with, which stands behind an end while the first
/// waits before it.
const AGAIN: &str = " again";

async fn insert(tx: &mut Tx<'_>, incoming: Incoming, key: String) -> Result<SignalId, StoreError> {
    let Incoming { source, received_at, lane, may_end, said, body, pieces, .. } = incoming;
    let row = SignalRow { source, key, received_at, lane, said, body, not_before: None };
    let inserted = tx.tables.insert_signal(&row).await?;
    let id = inserted.ok_or_else(|| StoreError::Failed {
        what: "accept a signal",
        message: "another one of its key came in meanwhile".into(),
    })?;
    tell_rest(tx, id, pieces, may_end).await
}

async fn tell_rest(tx: &mut Tx<'_>, id: SignalId, pieces: Vec<String>, may_end: bool) -> Result<SignalId, StoreError> {
    tx.tables.keep_pieces(id, pieces).await?;
    if may_end {
        tx.tables.remember_end(id).await?;
    }
    Ok(id)
}

/// What must keep coming came.
pub(in crate::store) async fn beat(tx: &mut Tx<'_>, beats: Vec<Beat>) -> Result<(), StoreError> {
    for mut beat in beats {
        beat.name = redact(&beat.name).into_owned();
        tx.tables.save_beat(&beat, tx.now).await?;
    }
    Ok(())
}
