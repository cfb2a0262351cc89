//! The state in the hands of everybody: the servers change it, the tests look at it and wait for its changes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::state::State;

/// How long a test waits for what it expects. Generous: a loaded machine must not fail a test.
const PATIENCE: Duration = Duration::from_secs(30);

/// The state, and a signal to all who wait for a change of it.
#[derive(Clone)]
pub struct Shared {
    state: Arc<Mutex<State>>,
    changed: watch::Sender<()>,
}

impl Shared {
    pub fn new(state: State) -> Self {
        Self { state: Arc::new(Mutex::new(state)), changed: watch::Sender::new(()) }
    }

    /// To read. What changes something goes through [`Shared::change`].
    pub fn lock(&self) -> MutexGuard<'_, State> {
        // A test that failed while it held the lock has said so itself.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.send_replace(());
        result
    }

    /// Waits until `look` finds something. Panics with what there is when it takes too long.
    pub async fn until<T>(&self, what: &str, mut look: impl FnMut(&mut State) -> Option<T>) -> T {
        let mut changes = self.changed.subscribe();
        let found = timeout(PATIENCE, async {
            loop {
                changes.mark_unchanged();
                if let Some(found) = look(&mut self.lock()) {
                    return found;
                }
                // The sender is in `self`.
                let _ = changes.changed().await;
            }
        })
        .await;
        found.unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain for {what}\n{}", self.lock().describe()))
    }
}
