//! Actions on PostgreSQL clusters that Patroni keeps.

pub(super) mod cluster;
pub(super) mod failover;
pub(super) mod history;
mod identity;
mod leaders;
mod loss;
pub(super) mod pausing;
pub(super) mod reinitialize;
pub(super) mod restart;
pub(super) mod switchover;
mod view;

pub(super) use loss::why_it_stays;

use super::ActionError;
use crate::model::FailureClass;
use crate::patroni::PatroniError;

impl From<PatroniError> for ActionError {
    fn from(error: PatroniError) -> Self {
        let class = match error {
            PatroniError::Unavailable { .. } => FailureClass::Retry,
            PatroniError::NoAddress { .. }
            | PatroniError::Unauthorized { .. }
            | PatroniError::Elsewhere { .. }
            | PatroniError::Refused { .. }
            | PatroniError::Unreadable { .. } => FailureClass::Fail,
        };
        Self { class, message: error.to_string() }
    }
}
