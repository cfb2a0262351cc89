//! What maintenance windows held back of a team's incidents.

use super::summarise::ShiftRecords;
use super::summary::HeldByWindow;
use crate::model::WindowId;
use crate::store::{HeldIncident, Store, StoreError};

/// Of the windows that are active, or ended in the shift.
pub(super) async fn held(store: &dyn Store, facts: &ShiftRecords) -> Result<Vec<HeldByWindow>, StoreError> {
    let windows = store.windows_since(facts.shift.from).await?;
    let ids: Vec<WindowId> = windows.iter().map(|window| window.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let held = store.held_by(&ids).await?;
    let mut told = Vec::new();
    for window in windows {
        let is_its = |held: &&HeldIncident| held.window == window.id && facts.incident(held.incident).is_some();
        let of_it: Vec<&HeldIncident> = held.iter().filter(is_its).collect();
        if of_it.is_empty() {
            continue;
        }
        told.push(HeldByWindow {
            id: window.id.to_string(),
            until: facts.moment(window.ends_at),
            over: window.ends_at <= facts.now,
            owner: window.owner,
            reason: window.reason,
            incidents: of_it.iter().map(|held| held.incident.to_string()).collect(),
            alerts: of_it.iter().map(|held| held.alerts).sum(),
        });
    }
    Ok(told)
}
