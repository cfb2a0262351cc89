//! Holding back what maintenance windows cover.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::Tx;
use super::tables::{Hold, KeptWindow};
use crate::model::Incident;
use crate::store::rules::holds_back;
use crate::store::{IncidentEvent, NewPage, NewWindow, StoreError, WindowOrigin};

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

/// So long before its end a window that goes on is continued by another one.
const RENEWED_BEFORE: TimeDelta = TimeDelta::hours(1);

/// Has the windows of an origin be these, as far as they are active or to come.
pub(in crate::store) async fn plan_windows(
    tx: &mut Tx<'_>,
    origin: WindowOrigin,
    planned: Vec<NewWindow>,
) -> Result<bool, StoreError> {
    let keys: BTreeSet<&str> = planned.iter().map(|new| new.key.as_str()).collect();
    let kept = tx.tables.windows_by_key(origin.prefix(), &keys.iter().copied().collect::<Vec<_>>(), tx.now).await?;
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut changes = false;
    for KeptWindow { id, key, lasts, ends_at, ended_by } in kept {
        let is_named = keys.contains(key.as_str());
        if lasts && !is_named {
            changes |= tx.tables.end_window(id, tx.now, origin.gone()).await?;
        }
        let by_itself = ended_by.as_deref().is_none_or(|by| by == origin.gone());
        // One that is about to end, and is named for longer, is another one from now on, so that there
        // is no moment between them.
        let goes_on = lasts && ends_at < tx.now + RENEWED_BEFORE;
        let goes_on = goes_on && planned.iter().any(|new| new.key == key && new.ends_at > ends_at);
        let is_another = goes_on || (!lasts && by_itself);
        if is_named && is_another {
            tx.tables.forget_window_key(id).await?;
        } else {
            known.insert(key);
        }
    }
    for new in planned {
        if !known.insert(new.key.clone()) {
            continue;
        }
        let id = tx.tables.next_window_id().await?;
        tx.tables.insert_window(id, &new, tx.now).await?;
        changes = true;
    }
    Ok(changes)
}
