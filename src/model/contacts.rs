//! Where those whom a page calls want to be called.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Utc};

use super::{Concern, Incident};

/// A page that is made, and whom it calls.
#[derive(Debug, Clone, Copy)]
pub struct PageCall<'a> {
    pub incident: &'a Incident,
    pub team: &'a str,
    /// By name. Empty: whoever is on call for the team.
    pub people: &'a [String],
    /// Whether `people` are others than those who are on call for the team.
    pub by_name: bool,
    pub about: &'a Concern,
    pub at: DateTime<Utc>,
}

/// Which sinks they want.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contacts {
    /// Of each of them. Empty: they want none in particular, and are called as usual.
    pub each: Vec<BTreeSet<String>>,
    /// They are called by name: others than those who are on call for the team, whom its receivers
    /// know.
    pub by_name: bool,
}

/// Who knows it. The answer holds for the moment of the call, reads nothing and waits for nobody:
/// it is asked for within a transaction.
pub trait KnowsContacts: fmt::Debug + Send + Sync {
    /// Whether it depends on what the incident is about.
    fn asks_what_it_is_about(&self) -> bool;

    /// `there`: the sinks that are configured.
    fn contacts(&self, call: &PageCall<'_>, there: &BTreeSet<String>) -> Contacts;
}
