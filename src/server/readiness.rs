//! Whether the bot is ready to take in alerts.

use std::sync::{Mutex, PoisonError};

/// Set by whoever starts and stops the workers; asked by `/readyz`.
#[derive(Debug)]
pub struct Readiness(Mutex<Option<String>>);

impl Default for Readiness {
    fn default() -> Self {
        Self(Mutex::new(Some("the workers have not been started yet".to_owned())))
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

    /// Why not; `None` when it is ready.
    pub fn reason(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, reason: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }
}
