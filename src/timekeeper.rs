//! The wall clock, watched: when somebody sets it, what waits is moved by as much, and then the
//! bot's clock follows.
//!
//! A clock is set when a machine comes up with a wrong time and NTP mends it, when somebody
//! mistypes a date, when a virtual machine is restored. Without this, what waits for ten o'clock
//! would wait for a day more, or be over before it began.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::worker::{Bell, Turn, TurnError, Turns, Worker};

/// What counts as set. NTP mends less than this by a clock that runs faster or slower for a while,
/// which moves nothing.
const SET_BY: TimeDelta = TimeDelta::seconds(1);

/// How often the two clocks are compared: a time that is shown may be wrong for so long.
const LOOK_EVERY: TimeDelta = TimeDelta::seconds(5);

/// How long the turns that have begun are waited for, and how long it is until the next try. A turn
/// that lasts longer hangs, and the others must not wait for it.
const TURNS_END_WITHIN: Duration = Duration::from_secs(120);

/// Watches the wall clock.
pub struct Timekeeper {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    /// Nothing rings it: nobody says when he sets a clock.
    bell: Bell,
}

impl Timekeeper {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        Self { store, clock, metrics, bell: Bell::default() }
    }

    fn is_set(&self) -> bool {
        self.clock.disagreement().abs() >= SET_BY
    }

    /// Takes its turns until `stop`, each while all others rest.
    pub async fn keeps_time(self, turns: Turns, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.clock.sleep_until(self.clock.now() + LOOK_EVERY) => {}
            }
            if !self.is_set() {
                continue;
            }
            let Ok(_alone) = tokio::time::timeout(TURNS_END_WITHIN, turns.alone()).await else {
                tracing::warn!(
                    "the wall clock was set, and a turn does not end; the bot goes on by its own time until it has"
                );
                continue;
            };
            if let Err(error) = self.turn().await {
                tracing::error!(%error, "the wall clock was set, and what waits could not be moved; trying again");
            }
        }
    }
}

#[async_trait]
impl Worker for Timekeeper {
    fn name(&self) -> &'static str {
        "timekeeper"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.bell.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        if !self.is_set() {
            return Ok(Turn::Idle { until: None });
        }
        let by = self.clock.disagreement();
        self.store.move_what_waits(by).await?;
        let before = self.clock.now();
        self.clock.follow(by);
        self.metrics.clock_was_set();
        tracing::warn!(%before, now = %self.clock.now(), by_seconds = by.as_seconds_f64(), "the wall clock was set: what waits was moved by as much");
        Ok(Turn::Worked)
    }
}
