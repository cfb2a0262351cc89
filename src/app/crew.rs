//! The tasks of the process: each is needed until the bot is asked to stop.
//!
//! A worker that has died would be missed by nobody until the night when it is needed, while the bot goes on to say that it is ready. So
//! the first end that nobody asked for ends the process, and whatever watches over it (Kubernetes, systemd) starts it again: what was
//! under way is on the log.

use std::any::Any;
use std::collections::HashMap;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// Tasks, and what each is called.
#[derive(Default)]
pub struct Crew {
    tasks: JoinSet<anyhow::Result<()>>,
    posts: HashMap<Id, Post>,
}

struct Post {
    name: String,
    /// It may come to its end before the others do.
    may_leave: bool,
}

impl Crew {
    /// Starts a task that must not end before it is asked to; `name` says in an error who did.
    pub fn needs(&mut self, name: impl Into<String>, task: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        self.start(name.into(), false, task);
    }

    /// Starts a task that ends when it is done. A panic in it is an end that nobody asked for all the same.
    pub fn sends(&mut self, name: impl Into<String>, task: impl Future<Output = ()> + Send + 'static) {
        self.start(name.into(), true, async {
            task.await;
            Ok(())
        });
    }

    fn start(
        &mut self,
        name: String,
        may_leave: bool,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        let id = self.tasks.spawn(task).id();
        self.posts.insert(id, Post { name, may_leave });
    }

    /// Waits for `stop`.
    ///
    /// # Errors
    /// When a task ended before that: which one, and why.
    pub async fn keeps_watch(&mut self, stop: &CancellationToken) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                Some(ended) = self.tasks.join_next_with_id() => match self.lost(ended) {
                    // It saw `stop` a moment before we did.
                    Some(Loss { panicked: false, .. }) if stop.is_cancelled() => return Ok(()),
                    Some(loss) => anyhow::bail!(loss.why),
                    None => {}
                },
            }
        }
    }

    /// Who is still there, by name.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.posts.values().map(|post| post.name.clone()).collect();
        names.sort();
        names
    }

    /// Waits for the ends of all, after `stop`; `told` hears whenever one has left who is still
    /// there. `false`: some were cut off, as they took longer than `within`.
    pub async fn leaves(&mut self, within: Duration, told: impl Fn(Vec<String>)) -> bool {
        told(self.names());
        let leaving = async {
            while let Some(ended) = self.tasks.join_next_with_id().await {
                if let Some(Loss { why, panicked: true }) = self.lost(ended) {
                    tracing::error!("while stopping: {why}");
                }
                told(self.names());
            }
        };
        let left = tokio::time::timeout(within, leaving).await.is_ok();
        if !left {
            tracing::warn!(
                left = self.names().join(", "),
                "not everything ended in time; what was under way is on the log, and goes on at the next start"
            );
        }
        // A task that waits for a terminal which nobody reads cannot be cut off, and must not be waited for.
        let _ = tokio::time::timeout(CUT_OFF_WITHIN, self.tasks.shutdown()).await;
        left
    }

    /// What is wrong with this end; `None`: nothing.
    fn lost(&mut self, ended: Result<(Id, anyhow::Result<()>), JoinError>) -> Option<Loss> {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Post { name, may_leave } = self.posts.remove(&id)?;
        match ended {
            Ok((_, Ok(()))) if may_leave => None,
            Ok((_, Ok(()))) => Some(Loss { why: format!("{name} has ended, and nobody asked it to"), panicked: false }),
            Ok((_, Err(error))) => Some(Loss { why: format!("{name} has ended: {error:#}"), panicked: false }),
            Err(error) => {
                let what = error.try_into_panic().map_or("it was cut off".to_owned(), |panic| said(&*panic));
                Some(Loss { why: format!("{name} has died of a panic: {what}"), panicked: true })
            }
        }
    }
}

/// How long it takes to cut tasks off that can be.
const CUT_OFF_WITHIN: Duration = Duration::from_secs(1);

/// An end that nobody asked for.
struct Loss {
    why: String,
    panicked: bool,
}

/// What a panic said; its place and backtrace are on standard error.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it did not say what".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_trait::async_trait;
    use tokio::sync::watch;

    use super::*;
    use crate::clock::SystemClock;
    use crate::worker::{self, Bell, Turn, TurnError, Worker};

    /// Panics at its first turn.
    struct Faint(Bell);

    #[async_trait]
    impl Worker for Faint {
        fn name(&self) -> &'static str {
            "signals"
        }

        fn bell(&self) -> watch::Receiver<()> {
            self.0.listen()
        }

        async fn turn(&self) -> Result<Turn, TurnError> {
            panic!("what a night")
        }
    }

    /// Waits until it is stopped.
    async fn steady(stop: CancellationToken) -> anyhow::Result<()> {
        stop.cancelled().await;
        Ok(())
    }

    #[tokio::test]
    async fn a_worker_that_dies_is_missed() {
        let (mut crew, stop) = (Crew::default(), CancellationToken::new());
        crew.needs("the server", steady(stop.clone()));
        let worker = worker::run(
            Arc::new(Faint(Bell::default())),
            Arc::new(SystemClock::default()),
            worker::Turns::default(),
            stop.clone(),
        );
        crew.needs("the worker `signals`", async {
            worker.await;
            Ok(())
        });
        let error = crew.keeps_watch(&stop).await.unwrap_err();
        assert_eq!(error.to_string(), "the worker `signals` has died of a panic: what a night");
        stop.cancel();
        assert!(crew.leaves(Duration::from_secs(20), |_| {}).await, "the others end what they have begun");
    }

    #[tokio::test]
    async fn an_early_end_is_missed_and_an_errand_is_not() {
        let (mut crew, stop) = (Crew::default(), CancellationToken::new());
        crew.sends("the question", async {});
        crew.needs("the server", async { Ok(()) });
        let error = crew.keeps_watch(&stop).await.unwrap_err();
        assert_eq!(error.to_string(), "the server has ended, and nobody asked it to");
        crew.needs("discord", async { anyhow::bail!("its thread has died") });
        let error = crew.keeps_watch(&stop).await.unwrap_err();
        assert_eq!(error.to_string(), "discord has ended: its thread has died");
    }

    #[tokio::test]
    async fn who_stops_when_asked_is_not_missed() {
        let (mut crew, stop) = (Crew::default(), CancellationToken::new());
        crew.needs("the server", steady(stop.clone()));
        crew.needs("the sluggish", std::future::pending());
        stop.cancel();
        crew.keeps_watch(&stop).await.unwrap();
        assert_eq!(crew.names(), ["the server", "the sluggish"]);
        assert!(!crew.leaves(Duration::ZERO, |_| {}).await, "who takes too long is cut off");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_cannot_be_cut_off_is_left_behind() {
        let mut crew = Crew::default();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let (free, stuck) = std::sync::mpsc::channel::<()>();
        crew.needs("the console", async move {
            let _ = begin.send(());
            let _ = stuck.recv();
            Ok(())
        });
        begun.await.unwrap();
        let left = tokio::time::timeout(Duration::from_secs(20), crew.leaves(Duration::ZERO, |_| {})).await;
        assert!(!left.expect("nobody waits for it"));
        drop(free);
    }
}
