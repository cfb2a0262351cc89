//! Who sends alerts, and how what it sends is read.

use chrono::{DateTime, Utc};

use super::{NotificationError, Sender, parse_notification};
use crate::store::Delivered;

/// In which form a source sends.
#[derive(Debug, Clone)]
pub enum Form {
    /// Alertmanager's webhook, version 4; also what Grafana, Mimir, vmalert and Thanos send.
    Alertmanager,
}

impl Form {
    /// Reads the body of one delivery.
    ///
    /// # Errors
    /// When it is not of this form. Sending the same again will not help.
    pub fn parse(
        &self,
        sender: Sender<'_>,
        received_at: DateTime<Utc>,
        body: &[u8],
    ) -> Result<Delivered, NotificationError> {
        match self {
            Form::Alertmanager => parse_notification(sender, received_at, body),
        }
    }
}
