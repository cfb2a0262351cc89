//! The end of the process, whatever hangs; and SIGHUP, which is no end.
//!
//! It is watched for by a thread that needs nothing of what may hang: neither the runtime whose
//! threads a worker may have taken for good, nor standard output, which nobody may read. A hard end
//! loses nothing: the bot survives one at any instant.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::reload::ReadAgain;

/// How long those who work may take to end what they have begun: saying goodbye to Discord takes up
/// to 11 s. A mutation may take longer; what is not known of it then is found out at the next
/// start.
pub(super) const LEAVE_WITHIN: Duration = Duration::from_secs(12);

/// How long closing the database may take. Where it was not closed, the next start reads its log.
pub(super) const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// When the process ends in any case. With what saying so may take it is over within 20 s of being
/// asked to, and Kubernetes gives 30.
const HARD_END_AFTER: Duration = Duration::from_secs(16);

/// How long the log, and then the exit, may take at a hard end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Stops the bot when the process is asked to end, and ends the process when the bot does not stop.
#[derive(Clone, Default)]
pub struct Ending {
    stop: CancellationToken,
    left: Arc<Mutex<Vec<String>>>,
    again: Arc<ReadAgain>,
}

impl Ending {
    /// From now on SIGTERM and SIGINT stop the bot; a second one ends the process at once. SIGHUP
    /// has files read again, whatever the process is doing, and never ends it.
    ///
    /// # Errors
    /// When signals cannot be watched for.
    pub fn watched() -> anyhow::Result<Self> {
        let ending = Self::default();
        let (told, ready) = mpsc::channel();
        let watched = ending.clone();
        // It lives as long as the process: it is there for the case that nothing else is.
        std::thread::Builder::new().name("ending".into()).spawn(move || watched.watch(&told)).context("no thread")?;
        ready.recv().context("the thread for signals has died")??;
        Ok(ending)
    }

    /// Cancelled when the bot is to stop; cancelling it has the same end.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Whoever asks for files to be read again.
    pub fn read_again(&self) -> Arc<ReadAgain> {
        self.again.clone()
    }

    /// Notes what the end waits for: the log names it when that takes too long.
    pub(super) fn waits_for(&self, left: Vec<String>) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = left;
    }

    fn watch(&self, told: &mpsc::Sender<anyhow::Result<()>>) {
        let started = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = match started.context("no runtime for signals") {
            Ok(runtime) => runtime,
            Err(error) => return drop(told.send(Err(error))),
        };
        runtime.block_on(async {
            let mut signals = match Signals::watched() {
                Ok(signals) => signals,
                Err(error) => return drop(told.send(Err(error))),
            };
            let mut hangup = match signal(SignalKind::hangup()).context("SIGHUP cannot be watched for") {
                Ok(hangup) => hangup,
                Err(error) => return drop(told.send(Err(error))),
            };
            let _ = told.send(Ok(()));
            // As long as the process: once it is watched for, SIGHUP does nothing else.
            let reading_again = async {
                while hangup.recv().await.is_some() {
                    self.again.ask();
                }
                std::future::pending::<()>().await;
            };
            let ending = async {
                tokio::select! {
                    () = signals.next() => self.stop.cancel(),
                    () = self.stop.cancelled() => {}
                }
                tokio::select! {
                    () = signals.next() => end_now("ended at once, as it was asked to once more".into()),
                    () = tokio::time::sleep(HARD_END_AFTER) => end_now(self.what_hangs()),
                }
            };
            tokio::select! {
                () = reading_again => {}
                () = ending => {}
            }
        });
    }

    fn what_hangs(&self) -> String {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner).join(", ");
        let left = if left.is_empty() { "the start".to_owned() } else { left };
        format!(
            "ended by force, as {left} did not end; what was under way is on the log, and goes on at the next start"
        )
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn watched() -> anyhow::Result<Self> {
        let terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be watched for")?;
        let interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be watched for")?;
        Ok(Self { terminate, interrupt })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Ends the process: with a word on the log, if anybody takes it.
fn end_now(why: String) {
    let (told, heard) = mpsc::channel::<()>();
    // Standard error may be a pipe that is full, and the exit writes out what standard output
    // holds.
    let _ = std::thread::Builder::new().spawn(move || {
        tracing::error!("{why}");
        drop(told);
        std::process::exit(1);
    });
    let _ = heard.recv_timeout(LAST_WORDS);
    std::thread::sleep(LAST_WORDS);
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
}
