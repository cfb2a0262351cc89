//! The one task that writes. What has queued up since the last commit goes into the next one: the disk is waited for
//! once for all of it.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::StoreError;
use super::health::restart_helps;
use super::keeper::Keeper;

/// How many operations may wait. At some thousand operations a second it is less than a second's worth.
const QUEUE: usize = 1_024;

/// The most operations in one transaction: bounds how long the first of them waits for the last.
const BATCH: usize = 256;

/// The queue to the writer.
pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Box<dyn Operation>>>>,
    task: tokio::sync::Mutex<JoinSet<()>>,
    ended: CancellationToken,
    /// Why it has given up.
    why: Arc<OnceLock<String>>,
}

impl Writer {
    pub(super) fn start(connection: SqliteConnection, keeper: Keeper) -> Self {
        let (queue, operations) = mpsc::channel(QUEUE);
        let ended = CancellationToken::new();
        // Also a panic drops it.
        let at_the_end = ended.clone().drop_guard();
        let why = Arc::new(OnceLock::new());
        let mut task = JoinSet::new();
        let told = why.clone();
        task.spawn(async move {
            let _at_the_end = at_the_end;
            if let Err(gone) = write_all(connection, operations, keeper).await {
                let _ = told.set(gone);
            }
        });
        Self { queue: Mutex::new(Some(queue)), task: tokio::sync::Mutex::new(task), ended, why }
    }

    /// One that takes nothing.
    pub(super) fn closed() -> Self {
        Self {
            queue: Mutex::new(None),
            task: tokio::sync::Mutex::default(),
            ended: CancellationToken::new(),
            why: Arc::default(),
        }
    }

    /// Lets the queue run dry and ends the task.
    pub(super) async fn stop(&self) {
        self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        while self.task.lock().await.join_next().await.is_some() {}
    }

    /// Waits for the end of the task, whatever it ends of; when it has given up: why.
    pub(super) fn ended(&self) -> impl Future<Output = Option<String>> + Send + 'static {
        let (ended, why) = (self.ended.clone(), self.why.clone());
        async move {
            ended.cancelled().await;
            why.get().cloned()
        }
    }

    /// Writes it in its turn, and waits for a place in the queue if need be: who writes so is one of a few, and waits for
    /// the answer before it asks for more.
    pub(super) async fn write<T, F>(&self, what: &'static str, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        let queue = self.queue(what)?;
        let (pending, answered) = pending(what, operation);
        queue.send(pending).await.map_err(|_| closed(what))?;
        let answer = answered.await.map_err(|_| closed(what))?;
        if answer.is_ok() {
            crate::worker::committed();
        }
        answer
    }

    /// As [`Writer::write`], but a full queue is [`StoreError::Overloaded`] at once: for what comes from outside, without
    /// bounds, and is sent again.
    pub(super) async fn write_or_refuse<T, F>(&self, what: &'static str, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        let queue = self.queue(what)?;
        let (pending, answered) = pending(what, operation);
        queue.try_send(pending).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Overloaded(QUEUE),
            mpsc::error::TrySendError::Closed(_) => closed(what),
        })?;
        let answer = answered.await.map_err(|_| closed(what))?;
        if answer.is_ok() {
            crate::worker::committed();
        }
        answer
    }

    fn queue(&self, what: &'static str) -> Result<mpsc::Sender<Box<dyn Operation>>, StoreError> {
        let queue = self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        queue.clone().ok_or_else(|| closed(what))
    }
}

fn closed(what: &'static str) -> StoreError {
    StoreError::Failed { what, message: "the store is closed".into() }
}

/// What goes into the queue, and where its answer comes out.
fn pending<T, F>(what: &'static str, operation: F) -> (Box<dyn Operation>, oneshot::Receiver<Result<T, StoreError>>)
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
{
    let (answer, answered) = oneshot::channel();
    (Box::new(Pending { what, operation: Some(operation), result: None, answer }), answered)
}

/// An operation that waits for its turn, whatever it returns.
trait Operation: Send {
    /// Runs it within the open transaction.
    fn run<'a>(&'a mut self, connection: &'a mut SqliteConnection) -> BoxFuture<'a, Ran>;

    /// Tells the one who waits, now that the transaction is committed or lost.
    fn finish(self: Box<Self>, committed: &Result<(), StoreError>);
}

/// What became of an operation before the commit.
enum Ran {
    Keep,
    /// What it wrote must be undone: it was refused, and nothing is wrong with the database.
    Undo,
    /// The same, as the database did not do it.
    Failed(String),
}

struct Pending<T, F> {
    what: &'static str,
    operation: Option<F>,
    result: Option<Result<T, StoreError>>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Operation for Pending<T, F>
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
{
    fn run<'a>(&'a mut self, connection: &'a mut SqliteConnection) -> BoxFuture<'a, Ran> {
        Box::pin(async move {
            let Some(operation) = self.operation.take() else { return Ran::Undo };
            // Whoever asked is told. The others, and the writer, have nothing to do with it.
            let run = AssertUnwindSafe(operation(connection)).catch_unwind().await;
            let result = run.unwrap_or_else(|_| {
                let message = "it panicked; what it said stands on standard error".to_owned();
                Err(StoreError::Refused { what: self.what, message })
            });
            let ran = match &result {
                Ok(_) => Ran::Keep,
                Err(StoreError::Failed { message, .. }) => Ran::Failed(message.clone()),
                Err(_) => Ran::Undo,
            };
            self.result = Some(result);
            ran
        })
    }

    fn finish(self: Box<Self>, committed: &Result<(), StoreError>) {
        let result = match (self.result, committed) {
            (Some(Ok(value)), Ok(())) => Ok(value),
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(error.clone()),
            (None, Ok(())) => Err(StoreError::Failed { what: "write", message: "the operation was not run".into() }),
        };
        // Whoever asked may have given up waiting; what was written stays written.
        let _ = self.answer.send(result);
    }
}

/// Writes until the queue is closed.
///
/// # Errors
/// When there is no use in going on: what is written would reach no file that anybody can find.
async fn write_all(
    mut connection: SqliteConnection,
    mut operations: mpsc::Receiver<Box<dyn Operation>>,
    keeper: Keeper,
) -> Result<(), String> {
    let mut batch = Vec::with_capacity(BATCH);
    let mut idle = 0;
    loop {
        let received = tokio::time::timeout(LOOK_EVERY, operations.recv_many(&mut batch, BATCH)).await;
        let committed = match received {
            Ok(0) => break,
            Err(_) if !keeper.wants_probe(idle) => {
                idle += 1;
                keeper.check()
            }
            Ok(_) | Err(_) => {
                idle = 0;
                attempt(&mut connection, &mut batch, &keeper).await
            }
        };
        let told = committed.clone().map_err(|why| why.error());
        for operation in batch.drain(..) {
            operation.finish(&told);
        }
        if let Err(Trouble::Over(why)) = committed {
            tracing::error!("nothing is written any more: {why}");
            // Whoever waits hears of it at once: what follows may take a while.
            operations.close();
            while let Some(operation) = operations.recv().await {
                operation.finish(&told);
            }
            let said = keeper.give_up(&mut connection, why).await;
            // Closing it would remove a `-wal` by its name, and that may be another database's by
            // now. The process ends.
            std::mem::forget(connection);
            return Err(said);
        }
    }
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "the database was not closed cleanly; the next start repairs that");
    }
    Ok(())
}

/// How often an idle writer looks whether its file is still there.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Why a batch was not written.
#[derive(Debug, Clone)]
pub(super) enum Trouble {
    /// The next may be.
    Passing(String),
    /// None will be.
    Over(String),
}

impl Trouble {
    fn error(self) -> StoreError {
        let (Trouble::Passing(message) | Trouble::Over(message)) = self;
        StoreError::Failed { what: "write to the database", message }
    }
}

/// Commits the batch, and sees to it that it can be read again. An empty one shows whether
/// something could be written.
async fn attempt(
    connection: &mut SqliteConnection,
    batch: &mut [Box<dyn Operation>],
    keeper: &Keeper,
) -> Result<(), Trouble> {
    keeper.check()?;
    keeper.health.begins();
    let committed = commit(connection, batch).await;
    if committed.is_err() {
        // It fails when no transaction is open, which is what we want to be sure of.
        let _ = execute(connection, "ROLLBACK").await;
    }
    keeper.health.ended(match &committed {
        Ok(None) => None,
        Ok(Some(failed)) => Some((failed.clone(), false)),
        Err(error) => Some((error.to_string(), restart_helps(error))),
    });
    match committed {
        // Before anybody is told that it is durable.
        Ok(_) => keeper.check_written(),
        Err(sqlx::Error::WorkerCrashed) => Err(Trouble::Over("the database's own thread has died".into())),
        Err(error) => Err(Trouble::Passing(error.to_string())),
    }
}

/// Runs all operations in one transaction, each in a savepoint of its own: one that fails undoes
/// only itself. Gives what the database said to the last of those that it did not do.
async fn commit(
    connection: &mut SqliteConnection,
    batch: &mut [Box<dyn Operation>],
) -> Result<Option<String>, sqlx::Error> {
    execute(connection, "BEGIN IMMEDIATE").await?;
    if batch.is_empty() {
        execute(connection, PROBE).await?;
    }
    let mut failed = None;
    for operation in batch {
        execute(connection, "SAVEPOINT operation").await?;
        match operation.run(connection).await {
            Ran::Keep => {}
            Ran::Undo => execute(connection, "ROLLBACK TO operation").await?,
            Ran::Failed(message) => {
                failed = Some(message);
                execute(connection, "ROLLBACK TO operation").await?;
            }
        }
        execute(connection, "RELEASE operation").await?;
    }
    execute(connection, "COMMIT").await?;
    Ok(failed)
}

/// Changes nothing, and is written all the same.
const PROBE: &str = "UPDATE identity SET mark = mark";

/// Whatever is wrong here is the database's own trouble, and none of the operations'.
async fn execute(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(sql).execute(connection).await.map(drop)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use futures_util::future::join_all;
    use sqlx::ConnectOptions as _;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;

    #[tokio::test]
    async fn a_crowd_at_the_front_door_is_refused_and_keeps_nobody_else_from_writing() {
        let writer =
            Writer::start(SqliteConnectOptions::new().in_memory(true).connect().await.unwrap(), Keeper::careless());
        let (open, gate) = oneshot::channel::<()>();
        let first = writer.write("wait", move |_| {
            Box::pin(async move {
                gate.await.unwrap();
                Ok(())
            })
        });
        let mut first = Box::pin(first);
        assert!(first.as_mut().now_or_never().is_none());
        // The writer takes the first one alone, and works on it.
        while writer.queue("look").unwrap().capacity() < QUEUE {
            tokio::task::yield_now().await;
        }
        let accept = || writer.write_or_refuse("accept", |_| Box::pin(async { Ok(()) }));
        let mut crowd: Vec<_> = (0..QUEUE).map(|_| Box::pin(accept())).collect();
        assert!(crowd.iter_mut().all(|accepted| accepted.as_mut().now_or_never().is_none()));

        assert!(matches!(accept().await, Err(StoreError::Overloaded(_))));
        let mut append = Box::pin(writer.write("append", |_| Box::pin(async { Ok(7) })));
        assert!(append.as_mut().now_or_never().is_none(), "it waits for a place");
        open.send(()).unwrap();
        let (first, crowd, append) = tokio::join!(first, join_all(crowd), append);
        assert!(first.is_ok() && crowd.iter().all(Result::is_ok));
        assert_eq!(append.unwrap(), 7);
    }
}
