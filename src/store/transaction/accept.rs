//! Letting a signal in.

use chrono::{DateTime, Utc};

use super::{SignalRow, Tx};
use crate::model::{Lane, Signal, SignalBody};
use crate::store::rules::{Redelivery, redelivered};
use crate::store::{Accepted, Delivered, DeliveredPart, StoreError, identity};

/// What comes in, ready to be written.
pub(in crate::store) struct Incoming {
    source: String,
    key: String,
    received_at: DateTime<Utc>,
    lane: Lane,
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
            lane: signal.lane(),
            said: signal.said().map(|digest| digest.as_str().to_owned()),
            body,
            pieces: Vec::new(),
            tells_of_a_state: matches!(signal.body, SignalBody::Notification(_)),
        })
    }

    /// A signal for each part of a delivery.
    pub(in crate::store) fn delivery(delivered: Delivered) -> Vec<Self> {
        let Delivered { source, received_at, parts, .. } = delivered;
        let incoming = |DeliveredPart { key, lane, pieces }| {
            let mut pieces = pieces.into_iter();
            let body = pieces.next().unwrap_or_default();
            let pieces = pieces.collect();
            let source = source.clone();
            Self { source, key, received_at, lane, said: None, body, pieces, tells_of_a_state: true }
        };
        parts.into_iter().map(incoming).collect()
    }
}

/// Lets in all of it, or nothing.
pub(in crate::store) async fn accept(tx: &mut Tx<'_>, incoming: Vec<Incoming>) -> Result<Vec<Accepted>, StoreError> {
    let mut accepted = Vec::with_capacity(incoming.len());
    for incoming in incoming {
        accepted.push(let_in(tx, incoming).await?);
    }
    Ok(accepted)
}

async fn let_in(tx: &mut Tx<'_>, incoming: Incoming) -> Result<Accepted, StoreError> {
    let Incoming { source, key, received_at, lane, said, body, pieces, tells_of_a_state } = incoming;
    let Some(known) = tx.tables.known_signal(&source, &key).await? else {
        let row = SignalRow { source, key, received_at, lane, said, body, not_before: None };
        let inserted = tx.tables.insert_signal(&row).await?;
        let id = inserted.ok_or_else(|| StoreError::Failed {
            what: "accept a signal",
            message: "another one of its key came in meanwhile".into(),
        })?;
        tx.tables.keep_pieces(id, pieces).await?;
        return Ok(Accepted::New(id));
    };
    tx.tables.count_delivery(known.id, received_at).await?;
    match redelivered(&known, said.as_deref(), tells_of_a_state) {
        Redelivery::Known => Ok(Accepted::Again(known.id)),
        Redelivery::Other => Ok(Accepted::Other(known.id)),
        Redelivery::Anew => {
            let id = tx.tables.queue_again(known.id, &body, lane).await?;
            tx.tables.keep_pieces(id, pieces).await?;
            Ok(Accepted::Again(id))
        }
    }
}
