//! What the actions share that look at the network.

use std::fmt;
use std::str::FromStr;

use super::ActionError;
use super::patience::check_timeout;
use super::typed::Typed;
use crate::language::{Arg, Location, Scope};
use crate::model::{FailureClass, HumanDuration};
use crate::network::{Endpoint, NetworkError};

/// A port of TCP or UDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Port(pub u16);

impl Typed for Port {
    const WORDS: &'static str = "integer";
}

impl FromStr for Port {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let port = text.trim().parse().ok().filter(|port| *port > 0);
        port.map(Self).ok_or_else(|| "this is no port; write one from 1 to 65535".to_owned())
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The time that it may take: of what has been checked at load, and of what a hole held.
pub(super) fn timeout(timeout: HumanDuration) -> Result<HumanDuration, ActionError> {
    check_timeout(timeout).map(|()| timeout).map_err(ActionError::fail)
}

/// Checks a host that has no holes.
pub(super) fn check_host(host: &Arg<String>) -> Result<(), String> {
    match host.literal() {
        Some(host) => Endpoint::new(host, 1).map(drop),
        None => Ok(()),
    }
}

/// The host, where it has no holes, and where it stands.
pub(super) fn literal_host(host: &Arg<String>) -> Option<(String, Location)> {
    Some((Endpoint::parse(host.literal()?, 1).ok()?.host, host.at))
}

/// Checks what has no holes of a timeout.
pub(super) fn check_literal_timeout(timeout: Option<&Arg<HumanDuration>>) -> Result<(), String> {
    timeout.and_then(Arg::literal).map_or(Ok(()), |timeout| check_timeout(*timeout))
}

pub(super) fn endpoint(host: &Arg<String>, port: u16, scope: &Scope) -> Result<Endpoint, ActionError> {
    Endpoint::new(&host.resolve(scope)?, port).map_err(ActionError::fail)
}

impl From<NetworkError> for ActionError {
    fn from(error: NetworkError) -> Self {
        let class = if error.passes() { FailureClass::Retry } else { FailureClass::Fail };
        Self { class, message: error.to_string() }
    }
}
