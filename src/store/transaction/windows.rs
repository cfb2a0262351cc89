//! Holding back what maintenance windows cover.

use std::collections::BTreeSet;

use super::Tx;
use super::tables::Hold;
use crate::model::Incident;
use crate::store::rules::holds_back;
use crate::store::windows::OF_A_FILE;
use crate::store::{IncidentEvent, NewPage, NewWindow, StoreError};

impl Tx<'_> {
    /// Holds a page back where windows cover all that fires in the incident, and says so. Every
    /// page of the bot asks here, whatever it is about.
    pub(super) async fn holds_back(&mut self, incident: &mut Incident, page: &NewPage) -> Result<bool, StoreError> {
        let windows = self.tables.active_windows(self.now).await?;
        if windows.is_empty() {
            return Ok(false);
        }
        let alerts = self.tables.open_alerts(incident.id).await?;
        let Some(window) = holds_back(&windows, &alerts) else {
            incident.held_until = None;
            self.tables.drop_whole_holds(incident.id).await?;
            return Ok(false);
        };
        incident.page_at = None;
        incident.held_until = Some(window.ends_at);
        let hold = Hold { window: window.id, incident: incident.id, alerts: 0, pages: 1, is_whole: true };
        self.tables.add_hold(hold).await?;
        let reason = Some(page.reason.clone());
        let alerts = alerts.len() as u64;
        let event = IncidentEvent::HeldBack { window: window.id, until: window.ends_at, alerts, reason };
        self.note(incident.id, &event).await?;
        Ok(true)
    }
}

/// Has the windows of a file be these, as far as they are active or to come.
pub(in crate::store) async fn plan_windows(tx: &mut Tx<'_>, planned: Vec<NewWindow>) -> Result<bool, StoreError> {
    let keys: Vec<&str> = planned.iter().map(|new| new.key.as_str()).collect();
    let kept = tx.tables.windows_by_key(OF_A_FILE, &keys, tx.now).await?;
    let known: BTreeSet<&str> = kept.iter().map(|(_, key, _)| key.as_str()).collect();
    let mut changes = false;
    for (id, _, _) in kept.iter().filter(|(_, key, lasts)| *lasts && !keys.contains(&key.as_str())) {
        changes |= tx.tables.end_window(*id, tx.now, "the file, in which it stands no more").await?;
    }
    for new in planned.iter().filter(|new| !known.contains(new.key.as_str())) {
        let id = tx.tables.next_window_id().await?;
        tx.tables.insert_window(id, new, tx.now).await?;
        changes = true;
    }
    Ok(changes)
}
