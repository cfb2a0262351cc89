//! What Alertmanager itself keeps quiet: its silences, and the alerts that it inhibits. They become
//! maintenance windows, so that nobody is paged about what somebody has silenced there. It is also
//! asked whether an alert that waited for long still fires, and by playbooks what else does.

mod alerts;
mod answer;
mod ends;
mod http;
mod scripted;
mod sources;
mod worker;

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

pub use alerts::{Alerts, AlertsQuery, FiringNow, NoAlertmanager};
pub use http::{AlertmanagerError, HttpAlertmanager};
pub use scripted::ScriptedAlertmanager;
pub use sources::Sources;
pub use worker::QuietWorker;

use crate::store::NewWindow;

/// What is kept quiet at a moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Quiet {
    pub silences: Vec<NewWindow>,
    pub inhibited: Vec<Inhibited>,
    /// How the keys of the silences begin that it told of, whatever has become of them.
    pub told: Vec<String>,
    /// What could not be taken, and why: it covers nothing, so that somebody is paged.
    pub left_out: Vec<String>,
}

/// An alert that is inhibited.
#[derive(Debug, Clone, PartialEq)]
pub struct Inhibited {
    pub fingerprint: String,
    pub window: NewWindow,
}

/// Tells what it keeps quiet.
#[async_trait]
pub trait Alertmanager: Send + Sync + 'static {
    /// The silences that are active or to come, and the alerts that are inhibited. May be repeated.
    async fn quiet(&self, now: DateTime<Utc>) -> Result<Quiet, AlertmanagerError>;

    /// The fingerprints of all alerts with these names that it knows to fire, silenced and
    /// inhibited ones too; of all alerts where there are many names.
    async fn firing(&self, names: &BTreeSet<&str>) -> Result<BTreeSet<String>, AlertmanagerError>;
}
