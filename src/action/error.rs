//! Why an action did not do it.

use crate::alertmanager::AlertmanagerError;
use crate::cluster::ClusterError;
use crate::language::{ArgError, TemplateError};
use crate::model::FailureClass;
use crate::prometheus::QueryError;

/// Why an action did not do it. The message says what failed, on what, and the next move.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ActionError {
    pub class: FailureClass,
    pub message: String,
}

impl ActionError {
    pub fn fail(message: impl Into<String>) -> Self {
        Self { class: FailureClass::Fail, message: message.into() }
    }

    pub fn retry(message: impl Into<String>) -> Self {
        Self { class: FailureClass::Retry, message: message.into() }
    }

    pub fn needs_human(message: impl Into<String>) -> Self {
        Self { class: FailureClass::NeedsHuman, message: message.into() }
    }

    /// It is to be done, but not now and not without a human.
    pub fn held_up(message: impl Into<String>) -> Self {
        Self { class: FailureClass::HeldUp, message: message.into() }
    }

    /// This object is not to be touched: somebody has asked for that, or it is gone.
    pub fn leave_alone(message: impl Into<String>) -> Self {
        Self { class: FailureClass::LeaveAlone, message: message.into() }
    }
}

impl From<ClusterError> for ActionError {
    fn from(error: ClusterError) -> Self {
        let class = if error.is_transient() { FailureClass::Retry } else { FailureClass::Fail };
        Self { class, message: error.to_string() }
    }
}

impl From<QueryError> for ActionError {
    fn from(error: QueryError) -> Self {
        let class = match error {
            QueryError::Unavailable(_) => FailureClass::Retry,
            // What is missing or was not scraped will hardly be there within the minute for which a
            // read is tried again.
            QueryError::Refused { .. }
            | QueryError::NotConfigured
            | QueryError::Partial { .. }
            | QueryError::Stale { .. } => FailureClass::Fail,
        };
        Self { class, message: error.to_string() }
    }
}

impl From<AlertmanagerError> for ActionError {
    fn from(error: AlertmanagerError) -> Self {
        let class = match error {
            AlertmanagerError::Unavailable(_) | AlertmanagerError::Refused { status: 500.., .. } => FailureClass::Retry,
            AlertmanagerError::Refused { .. }
            | AlertmanagerError::NotConfigured
            | AlertmanagerError::Unreadable { .. }
            | AlertmanagerError::Url { .. }
            | AlertmanagerError::Client(_) => FailureClass::Fail,
        };
        Self { class, message: error.to_string() }
    }
}

impl From<ArgError> for ActionError {
    fn from(error: ArgError) -> Self {
        Self::fail(error.to_string())
    }
}

impl From<TemplateError> for ActionError {
    fn from(error: TemplateError) -> Self {
        Self::fail(error.to_string())
    }
}
