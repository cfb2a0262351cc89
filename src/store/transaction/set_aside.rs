//! Taking a signal out of the queue that cannot be worked on.

use super::{Tx, apply};
use crate::model::SignalId;
use crate::store::{Applied, Decision, StoreError, masked_body};

/// Carries `decision` out, and keeps what the signal said, masked, and why nothing else came of it.
pub(in crate::store) async fn set_aside(
    tx: &mut Tx<'_>,
    signal: SignalId,
    because: &str,
    decision: Decision,
) -> Result<Applied, StoreError> {
    let body = masked_body(&tx.tables.signal_body(signal).await?);
    let applied = apply(tx, signal, decision).await?;
    if !tx.tables.keep_aside(signal, &body, because).await? {
        tx.tables.keep_piece_aside(signal, tx.now, &body, because).await?;
    }
    Ok(applied)
}
