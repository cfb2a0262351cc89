//! Workers: each does one thing at a time, and says when it has nothing to do.
//!
//! `dogwatch serve` runs each in a task of its own ([`run`]); a rehearsal turns them one after the other ([`settle`]),
//! on a clock that it moves by hand. Both see the same code.

mod progress;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
pub use progress::{Failing, Progress, Seen, Stuck, committed};

/// What a turn came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Something was done; there may be more.
    Worked,
    /// Nothing is due before `until`, unless the bell rings; `None`: only the bell.
    Idle { until: Option<DateTime<Utc>> },
}

/// Why a turn failed: nobody branches on it, it is logged, and the turn comes again.
pub type TurnError = Box<dyn std::error::Error + Send + Sync>;

/// Does one thing at a time.
#[async_trait]
pub trait Worker: Send + Sync + 'static {
    /// For logs.
    fn name(&self) -> &'static str;

    /// Rings when there may be something to do.
    fn bell(&self) -> watch::Receiver<()>;

    /// Does the next thing that is due, if any.
    async fn turn(&self) -> Result<Turn, TurnError>;
}

/// A bell that is rung when something may be due. Rings that nobody has heard yet are one.
#[derive(Debug)]
pub struct Bell(watch::Sender<()>);

impl Default for Bell {
    fn default() -> Self {
        Self(watch::channel(()).0)
    }
}

impl Bell {
    pub fn ring(&self) {
        self.0.send_replace(());
    }

    pub fn listen(&self) -> watch::Receiver<()> {
        self.0.subscribe()
    }
}

/// Whose turn it is: many take turns side by side, and now and then one needs all the others to
/// rest.
#[derive(Debug, Clone, Default)]
pub struct Turns(Arc<RwLock<()>>);

impl Turns {
    /// A turn beside those of others.
    pub async fn beside_others(&self) -> OwnedRwLockReadGuard<()> {
        self.0.clone().read_owned().await
    }

    /// A turn while all others rest. Those that have begun are waited for, and none begins
    /// meanwhile.
    pub async fn alone(&self) -> OwnedRwLockWriteGuard<()> {
        self.0.clone().write_owned().await
    }
}

/// How long a worker rests after a turn that failed: long enough not to flood the log, short enough not to be missed.
const REST: Duration = Duration::from_secs(1);

/// Turns `worker` until `stop`; a turn that was begun is ended.
pub async fn run(worker: Arc<dyn Worker>, clock: Arc<dyn Clock>, turns: Turns, stop: CancellationToken) {
    let progress = Progress::new(worker.name(), clock.clone());
    run_watched(worker, progress, clock, turns, stop).await;
}

/// As [`run`], and `progress` shows how far it comes.
pub async fn run_watched(
    worker: Arc<dyn Worker>,
    progress: Arc<Progress>,
    clock: Arc<dyn Clock>,
    turns: Turns,
    stop: CancellationToken,
) {
    let mut bell = worker.bell();
    while !stop.is_cancelled() {
        bell.borrow_and_update();
        let turn = {
            let _turn = turns.beside_others().await;
            progress.turn(worker.turn(), |turn| *turn == Turn::Worked).await
        };
        let until = match turn {
            Ok(Turn::Worked) => continue,
            Ok(Turn::Idle { until }) => until,
            Err(error) => {
                tracing::error!(worker = worker.name(), %error, "a turn failed; trying again");
                Some(clock.now() + REST)
            }
        };
        let timer = async {
            match until {
                Some(until) => clock.sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = timer => {}
            rung = bell.changed() => {
                if rung.is_err() {
                    // The bell is gone with the store: only the timer is left, and the store's end ends us.
                    return;
                }
            }
        }
    }
}

/// Turns all workers until none has anything to do now, and says when the next thing is due.
///
/// # Errors
/// The first turn that fails.
pub async fn settle(workers: &[Arc<dyn Worker>]) -> Result<Option<DateTime<Utc>>, TurnError> {
    loop {
        let mut worked = false;
        let mut next: Option<DateTime<Utc>> = None;
        for worker in workers {
            match worker.turn().await? {
                Turn::Worked => worked = true,
                Turn::Idle { until: Some(until) } => next = Some(next.map_or(until, |next| next.min(until))),
                Turn::Idle { until: None } => {}
            }
        }
        if !worked {
            return Ok(next);
        }
    }
}
