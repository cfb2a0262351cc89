//! Whether the bot is ready to take in alerts.

use std::sync::{Mutex, PoisonError};

/// Set by whoever starts and stops the workers; asked by `/readyz`.
#[derive(Debug)]
pub struct Readiness {
    /// Why it has not begun, or is stopping.
    process: Mutex<Option<String>>,
    /// Why it only seems to be on watch.
    watch: Mutex<Option<String>>,
}

impl Default for Readiness {
    fn default() -> Self {
        Self { process: Mutex::new(Some("the workers have not been started yet".to_owned())), watch: Mutex::default() }
    }
}

impl Readiness {
    /// The workers work.
    pub fn ready(&self) {
        self.set(None);
    }

    /// Not any more, or not yet, and that is why.
    pub fn not_ready(&self, because: impl Into<String>) {
        self.set(Some(because.into()));
    }

    /// What whoever watches the workers finds, at each look; `None`: nothing.
    pub fn watched(&self, found: Option<String>) {
        *self.watch.lock().unwrap_or_else(PoisonError::into_inner) = found;
    }

    /// Why not; `None` when it is ready.
    pub fn reason(&self) -> Option<String> {
        let reason = |of: &Mutex<Option<String>>| of.lock().unwrap_or_else(PoisonError::into_inner).clone();
        reason(&self.process).or_else(|| reason(&self.watch))
    }

    fn set(&self, reason: Option<String>) {
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }
}
