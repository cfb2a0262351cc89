//! Maintenance windows, and what they hold back.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::model::{EpisodeId, IncidentId, Window, WindowId};
use crate::store::{NewWindow, OpenAlert, StoreError};

/// What a window holds back of an incident now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Hold {
    pub window: WindowId,
    pub incident: IncidentId,
    pub alerts: u64,
    pub pages: u64,
    /// It covers all of the incident.
    pub is_whole: bool,
}

/// A window of an origin that names its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct KeptWindow {
    pub id: WindowId,
    pub key: String,
    /// It is active or to come.
    pub lasts: bool,
    pub ends_at: DateTime<Utc>,
    pub ended_by: Option<String>,
}

#[async_trait]
pub(in crate::store) trait WindowTable {
    async fn active_windows(&mut self, at: DateTime<Utc>) -> Result<Vec<Window>, StoreError>;

    /// # Errors
    /// [`StoreError::Refused`] when there is one of that number or key.
    async fn insert_window(&mut self, id: WindowId, new: &NewWindow, at: DateTime<Utc>) -> Result<(), StoreError>;

    async fn next_window_id(&mut self) -> Result<WindowId, StoreError>;

    /// Those whose keys begin like that; `at`: of those that end before, none but whose key is among
    /// `keys`.
    async fn windows_by_key(
        &mut self,
        begins: &str,
        keys: &[&str],
        at: DateTime<Utc>,
    ) -> Result<Vec<KeptWindow>, StoreError>;

    /// Whoever names its key from now on means another window.
    async fn forget_window_key(&mut self, id: WindowId) -> Result<(), StoreError>;

    /// Ends it at that moment, if it lasts longer; `false`: it does not.
    async fn end_window(&mut self, id: WindowId, at: DateTime<Utc>, by: &str) -> Result<bool, StoreError>;

    /// What it held back was looked at.
    async fn save_told_window(&mut self, id: WindowId, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Adds to what is held back.
    async fn add_hold(&mut self, hold: Hold) -> Result<(), StoreError>;

    /// Somebody is at it: no window covers all of it.
    async fn drop_whole_holds(&mut self, incident: IncidentId) -> Result<(), StoreError>;

    async fn open_alerts(&mut self, incident: IncidentId) -> Result<Vec<OpenAlert>, StoreError>;

    /// Alerts are no longer held: what follows from them was decided.
    async fn release_episodes(&mut self, ids: &[EpisodeId]) -> Result<(), StoreError>;
}
