//! Bodies of commands that are read: whoever sends slowly must not take the connections of all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bodies of one token that are read at once: more than all of its commands that may be at work.
const AT_ONCE: usize = 32;

/// By token. They are configured, so there are few.
#[derive(Debug, Default)]
pub(super) struct Reading(Mutex<HashMap<String, Arc<Semaphore>>>);

impl Reading {
    /// Held while a body of this token is read; `None` when there are too many.
    pub fn begin(&self, token: &str) -> Option<OwnedSemaphorePermit> {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = reading.entry(token.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE)));
        own.clone().try_acquire_owned().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sends_slowly_holds_a_few_connections_and_none_of_others() {
        let reading = Reading::default();
        let held: Vec<_> = (0..AT_ONCE).map(|_| reading.begin("eve").unwrap()).collect();
        assert!(reading.begin("eve").is_none() && reading.begin("ada").is_some());
        drop(held);
        assert!(reading.begin("eve").is_some());
    }
}
