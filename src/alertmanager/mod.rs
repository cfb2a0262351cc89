//! What Alertmanager itself keeps quiet: its silences, and the alerts that it inhibits. They become
//! maintenance windows, so that nobody is paged about what somebody has silenced there.

mod answer;
mod http;
mod worker;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

pub use http::{AlertmanagerError, HttpAlertmanager};
pub use worker::QuietWorker;

use crate::store::NewWindow;

/// What is kept quiet at a moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Quiet {
    pub windows: Vec<NewWindow>,
    /// How the keys of the silences begin that it told of, whatever has become of them.
    pub told: Vec<String>,
    /// What could not be taken, and why: it covers nothing, so that somebody is paged.
    pub left_out: Vec<String>,
}

/// Tells what it keeps quiet.
#[async_trait]
pub trait Alertmanager: Send + Sync + 'static {
    /// The silences that are active or to come, and the alerts that are inhibited. May be repeated.
    async fn quiet(&self, now: DateTime<Utc>) -> Result<Quiet, AlertmanagerError>;
}
