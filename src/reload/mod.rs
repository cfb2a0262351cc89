//! Files that are read again while the bot works: who is on call, the configuration, the playbooks.
//!
//! What lies there is looked at every few seconds, and at once when somebody asks (SIGHUP). It is
//! compared by its content, so that a link that is swapped (a ConfigMap's `..data`, git-sync's), an
//! editor that renames and a file that is written in place are all the same. What differs must look
//! the same for a moment before it counts: nobody takes a file that is half written, or a mount
//! that is half swapped. A file with a mistake does not count, and the one before it does.
//!
//! This module knows no concrete file: each is a [`Reloadable`].

mod reload_worker;
mod snapshot;
#[cfg(test)]
mod tests;
mod told;
mod watched;

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

use crate::worker::Bell;

pub use reload_worker::Reloader;
pub use snapshot::Snapshot;
pub use watched::{Look, SETTLE, Watched};

/// Files that are read again together. Both methods may block, and are never called at the same
/// time.
pub trait Reloadable: Send + Sync + 'static {
    /// In metrics: `oncall`.
    fn what(&self) -> &'static str;

    /// As people call it: `oncall.yaml`.
    fn name(&self) -> String;

    /// What lies there.
    fn read(&self) -> Snapshot;

    /// Has what was read count, as far as nothing is wrong with it: all of a file, or nothing.
    fn take(&self, read: &Snapshot) -> Taken;
}

/// What came of reading again. It says no value that may be secret.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// What counts now and did not before: `members + dana`. Empty: nothing.
    pub changes: Vec<String>,
    /// What does not count.
    pub mistakes: Vec<Mistake>,
    /// What works, and somebody should know.
    pub warnings: Vec<String>,
}

impl Taken {
    /// Nothing of it counts.
    pub fn mistake(file: impl Into<String>, text: impl Into<String>) -> Self {
        let mistake = Mistake { file: file.into(), text: text.into(), counts: Counts::Earlier };
        Self { mistakes: vec![mistake], ..Self::default() }
    }
}

/// A file that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub file: String,
    /// Where, what, and what to do: `line 7: ...; ...`.
    pub text: String,
    pub counts: Counts,
}

/// What counts instead of a file with a mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counts {
    /// What was taken last.
    Earlier,
    /// `version 3`.
    Version(String),
    /// There was none before.
    Nothing,
}

/// Somebody asks for everything to be read again, now.
#[derive(Debug, Default)]
pub struct ReadAgain {
    bell: Bell,
    asked: AtomicU64,
}

impl ReadAgain {
    pub fn ask(&self) {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.bell.ring();
    }

    /// How often somebody asked.
    fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    fn listen(&self) -> watch::Receiver<()> {
        self.bell.listen()
    }
}
