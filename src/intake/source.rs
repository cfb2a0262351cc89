//! Who sends alerts, and how what it sends is read.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::generic::{Mapping, parse_events};
use super::heartbeats::take_out;
use super::{NotificationError, parse_notification};
use crate::model::{Beat, HeartbeatKey, LeftOut, Severities};
use crate::store::Delivered;

/// Who delivers.
#[derive(Debug, Clone, Copy)]
pub struct Sender<'a> {
    /// The configured name, the same for all peers of one cluster.
    pub source: &'a str,
    /// Nobody vouches for it: what it tells of may start nothing that changes something.
    pub unauthenticated: bool,
    /// What its words for severity mean.
    pub severities: &'a Severities,
}

impl<'a> From<&'a str> for Sender<'a> {
    /// One that has shown who it is.
    fn from(source: &'a str) -> Self {
        Self { source, unauthenticated: false, severities: Severities::usual() }
    }
}

/// In which form a source sends.
#[derive(Debug, Clone)]
pub enum Form {
    /// Alertmanager's webhook, version 4; also what Grafana, Mimir, vmalert and Thanos send.
    Alertmanager,
    /// Whoever calls is well, whatever he sends.
    Heartbeat,
    /// JSON of whoever, of which the mapping makes alerts.
    Generic(Arc<Mapping>),
}

impl Form {
    /// Bodies from this size on, in bytes, are read beside the runtime's own threads.
    pub fn large(&self) -> usize {
        match self {
            // 10,000 alerts take 20 ms.
            Form::Alertmanager | Form::Heartbeat => 256 * 1024,
            // Expressions take some microseconds for each event.
            Form::Generic(_) => 16 * 1024,
        }
    }

    /// Reads the body of one delivery. `heartbeats`: the names of alerts that must keep coming.
    ///
    /// # Errors
    /// When it is not of this form. Sending the same again will not help.
    pub fn parse(
        &self,
        sender: Sender<'_>,
        received_at: DateTime<Utc>,
        heartbeats: &[String],
        body: &[u8],
    ) -> Result<Delivered, NotificationError> {
        let mut delivered = match self {
            Form::Alertmanager => parse_notification(sender, received_at, body)?,
            Form::Generic(mapping) => parse_events(mapping, sender, received_at, body)?,
            Form::Heartbeat => heartbeat(sender, received_at),
        };
        take_out(&mut delivered, heartbeats);
        Ok(delivered)
    }
}

fn heartbeat(sender: Sender<'_>, received_at: DateTime<Utc>) -> Delivered {
    let source = sender.source.to_owned();
    let beat = Beat {
        key: HeartbeatKey { source: source.clone(), key: String::new() },
        alert: None,
        name: source.clone(),
        is_over: false,
    };
    Delivered {
        source,
        received_at,
        parts: Vec::new(),
        alerts: 0,
        firing: 0,
        left_out: LeftOut::default(),
        beats: vec![beat],
    }
}
