//! What no run may change, whoever's it is: whoever comes next must know that the bot does nothing.

use super::summarise::ShiftRecords;
use super::summary::FrozenNow;
use crate::store::{Store, StoreError};

/// The freezes that hold now.
pub(super) async fn frozen(store: &dyn Store, facts: &ShiftRecords) -> Result<Vec<FrozenNow>, StoreError> {
    let freezes = store.freezes_at(facts.now).await?;
    let told = |freeze: crate::model::Freeze| FrozenNow {
        id: freeze.id.to_string(),
        what: freeze.scope.to_string(),
        since: facts.moment(freeze.made_at),
        until: freeze.until.map(|until| facts.moment(until)),
        by: freeze.by,
        reason: freeze.reason,
    };
    Ok(freezes.into_iter().map(told).collect())
}
