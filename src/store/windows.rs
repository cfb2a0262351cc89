//! Maintenance windows, and what they hold back.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::model::{
    Alert, AlertStatus, Coverable, IncidentId, IncidentState, Severity, Target, Window, WindowId, WindowScope,
};

/// A window to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWindow {
    /// The same again is the same window.
    pub key: String,
    pub scope: WindowScope,
    pub reason: String,
    pub owner: String,
    pub via: String,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
}

/// Who else than people says which windows there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowOrigin {
    /// The file of planned windows.
    File,
    /// Alertmanager: its silences, and the alerts that it inhibits.
    Alertmanager,
}

impl WindowOrigin {
    /// How the keys of its windows begin.
    pub fn prefix(self) -> &'static str {
        match self {
            WindowOrigin::File => "file:",
            WindowOrigin::Alertmanager => "alertmanager:",
        }
    }

    /// What ends a window that it names no more.
    pub(super) fn gone(self) -> &'static str {
        match self {
            WindowOrigin::File => "the file, in which it stands no more",
            WindowOrigin::Alertmanager => "Alertmanager, which tells of it no more",
        }
    }
}

/// An alert that fires, as far as windows ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAlert {
    pub source: String,
    pub alert: String,
    pub labels: BTreeMap<String, String>,
    /// The key of what it is about.
    pub object: String,
    /// How bad it was found to be; `None`: an earlier version took it in.
    pub severity: Option<Severity>,
}

impl OpenAlert {
    /// What windows ask of it.
    pub fn coverable(&self) -> Coverable<'_> {
        Coverable { source: &self.source, labels: &self.labels, object: &self.object }
    }
}

/// An alert that fires, and which firing it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiringAlert {
    pub fingerprint: String,
    pub starts_at: DateTime<Utc>,
    pub alert: OpenAlert,
}

impl FiringAlert {
    /// Its end, as whoever sent it would tell it.
    pub fn ended(&self, now: DateTime<Utc>) -> Alert {
        Alert {
            fingerprint: self.fingerprint.clone(),
            given: None,
            in_order: false,
            status: AlertStatus::Resolved,
            labels: self.alert.labels.clone(),
            annotations: BTreeMap::new(),
            starts_at: self.starts_at,
            ends_at: Some(now),
            generator_url: String::new(),
        }
    }
}

/// What a window has held back of one incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldIncident {
    pub window: WindowId,
    /// The one in which all is told, where it was put into another one since.
    pub incident: IncidentId,
    pub title: String,
    pub severity: Severity,
    pub state: IncidentState,
    pub team: String,
    /// How many alerts joined it without a page or a run.
    pub alerts: u64,
    /// How often a page of it was due.
    pub pages: u64,
    /// How many alerts fire in it now.
    pub firing: u64,
}

/// What pages nobody for a time.
#[async_trait]
pub trait WindowStore: Send + Sync {
    /// Those that cover things at that moment.
    async fn windows_at(&self, at: DateTime<Utc>) -> Result<Vec<Window>, StoreError>;

    /// Those whose end was not told, and those that ended at or after `since`, by when they begin.
    async fn windows_since(&self, since: DateTime<Utc>) -> Result<Vec<Window>, StoreError>;

    async fn window(&self, id: WindowId) -> Result<Option<Window>, StoreError>;

    /// Those that hold something of an incident back, or did, in order.
    async fn windows_of(&self, incident: IncidentId) -> Result<Vec<Window>, StoreError>;

    /// The number that the next window has, unless another one is kept before.
    async fn next_window_id(&self) -> Result<WindowId, StoreError>;

    /// Those that have ended and whose end was not told, and when the next one ends.
    async fn ended_windows(&self, now: DateTime<Utc>) -> Result<(Vec<Window>, Option<DateTime<Utc>>), StoreError>;

    /// What those have held back, by window and then the worst first.
    async fn held_by(&self, windows: &[WindowId]) -> Result<Vec<HeldIncident>, StoreError>;

    /// What fires in an incident: the newest, up to `MOST_ALERTS`.
    async fn open_alerts(&self, incident: IncidentId) -> Result<Vec<OpenAlert>, StoreError>;

    /// What fires and came from these sources, or from any where none is named: the newest, up to
    /// `MOST_ALERTS`.
    async fn firing(&self, sources: &[String]) -> Result<Vec<FiringAlert>, StoreError>;

    /// What fires about a target and came from that source: the newest, up to `MOST_ALERTS`. An
    /// alert that cannot be read is an error: what is not among them is taken as over.
    async fn firing_about(&self, source: &str, target: &Target) -> Result<Vec<FiringAlert>, StoreError>;

    /// Keeps those of an origin that are not kept, and ends those of its that are active or to come
    /// and are not among them. One that ended so and is named again is a new window; one that a
    /// person has ended is not. `false`: nothing changes.
    async fn plan_windows(&self, origin: WindowOrigin, planned: Vec<NewWindow>) -> Result<bool, StoreError>;
}

/// As many alerts of an incident are asked about. An incident with more of them is what these say.
pub const MOST_ALERTS: usize = 10_000;
