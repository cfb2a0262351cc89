//! The watch for the ends of maintenance windows.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::model::{Signal, SignalBody, Window};
use crate::store::{Accepted, Store};
use crate::worker::{Turn, TurnError, Worker};

/// Lets the end of each window in through the front door: what follows is decided where alerts are,
/// one after the other.
pub struct WindowWorker {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl WindowWorker {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }
}

/// The same end is the same signal.
fn ended(window: &Window, now: DateTime<Utc>) -> Signal {
    Signal {
        source: "window".into(),
        key: format!("{} has ended", window.id),
        received_at: now,
        body: SignalBody::WindowEnded { window: window.id },
    }
}

#[async_trait]
impl Worker for WindowWorker {
    fn name(&self) -> &'static str {
        "windows"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.store.bells().decisions.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        let now = self.clock.now();
        let (over, next) = self.store.ended_windows(now).await?;
        let mut told = false;
        for window in &over {
            told |= matches!(self.store.accept(&ended(window, now)).await?, Accepted::New(_));
        }
        Ok(if told { Turn::Worked } else { Turn::Idle { until: next } })
    }
}
