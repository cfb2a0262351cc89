//! Freezes: what no run may change, as a person says so.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{FreezeId, ObjectKey};

/// No freeze that has an end lasts longer.
pub const LONGEST_FREEZE: Duration = Duration::from_secs(30 * 24 * 3_600);

/// What a freeze covers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "covers", content = "name", rename_all = "snake_case")]
pub enum FreezeScope {
    /// Whatever the bot would change.
    All,
    /// Objects of that namespace, and runs whose target is in it.
    Namespace(String),
    /// Runs of the playbook of that name.
    Playbook(String),
}

/// A text that does not say what is frozen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is nothing that can be frozen: all, namespace=NAME or playbook=NAME")]
pub struct FreezeScopeError(String);

/// As it is written in commands: `namespace=db`.
impl FromStr for FreezeScope {
    type Err = FreezeScopeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_name = |name: &str| {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '_');
            (1..=253).contains(&name.len()) && name.chars().all(fits)
        };
        match text.split_once('=') {
            None if text.eq_ignore_ascii_case("all") => Ok(Self::All),
            Some(("namespace", name)) if is_name(name) => Ok(Self::Namespace(name.to_owned())),
            Some(("playbook", name)) if is_name(name) => Ok(Self::Playbook(name.to_owned())),
            _ => Err(FreezeScopeError(text.chars().take(80).collect())),
        }
    }
}

/// A time in which no run changes what it covers. It is a time of the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    pub id: FreezeId,
    pub scope: FreezeScope,
    pub reason: String,
    pub by: String,
    /// How it came: `console`, `discord`, `api`.
    pub via: String,
    pub made_at: DateTime<Utc>,
    /// The first moment that it does not cover; `None`: until somebody ends it.
    pub until: Option<DateTime<Utc>>,
    /// When somebody ended it before its time, and who.
    pub ended: Option<(DateTime<Utc>, String)>,
}

impl FreezeScope {
    /// Whether it covers a run of that playbook on that target.
    pub fn covers_run(&self, playbook: &str, target: &ObjectKey) -> bool {
        self.covers(playbook, &[target.place()])
    }

    /// Whether it covers what a run of that playbook does in those namespaces.
    pub fn covers(&self, playbook: &str, namespaces: &[&str]) -> bool {
        match self {
            FreezeScope::All => true,
            FreezeScope::Namespace(name) => namespaces.contains(&name.as_str()),
            FreezeScope::Playbook(name) => name == playbook,
        }
    }
}

impl FreezeScope {
    /// As it is written in commands.
    pub fn written(&self) -> String {
        match self {
            FreezeScope::All => "all".to_owned(),
            FreezeScope::Namespace(name) => format!("namespace={name}"),
            FreezeScope::Playbook(name) => format!("playbook={name}"),
        }
    }
}

/// As people say it: `namespace db`.
impl fmt::Display for FreezeScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FreezeScope::All => f.write_str("everything"),
            FreezeScope::Namespace(name) => write!(f, "namespace {name}"),
            FreezeScope::Playbook(name) => write!(f, "playbook {name}"),
        }
    }
}

impl Freeze {
    pub fn is_active(&self, at: DateTime<Utc>) -> bool {
        self.ended.is_none() && self.until.is_none_or(|until| at < until)
    }

    /// Who is named where a run heeds it: `FRZ-3 (anna: moving the storage)`.
    pub fn named(&self) -> String {
        format!("{} ({}: {})", self.id, self.by, self.reason)
    }
}
