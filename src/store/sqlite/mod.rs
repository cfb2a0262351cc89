//! SQLite, the embedded default: one writer that commits together what has queued up, and a few readers beside it.

mod blank;
mod clock_moves;
mod closed;
mod counted;
mod escalations;
mod file;
mod folds;
mod freezes;
mod groupings;
mod handoffs;
mod health;
mod heartbeats;
mod incidents;
mod keeper;
mod lanes;
mod limits;
mod outbox;
mod overrides;
mod pages;
mod past;
mod playbooks;
#[cfg(test)]
mod query_plans;
mod remedies;
mod reports;
mod rows;
mod runs;
mod shifts;
mod signals;
mod start;
mod tables;
mod ticket_sites;
mod tickets;
mod windows;
mod words;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};

use super::transaction::Tx;
use super::{Bells, Sinks, Store, StoreError, StoreTrouble};
use crate::clock::Clock;
use crate::model::{Live, Secret, declare_secret};
use file::DatabaseFile;
use health::WriteHealth;
use keeper::Keeper;
use tables::SqliteTables;
use writer::Writer;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How much a commit promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// On the disk before it returns (`synchronous=FULL`).
    Full,
    /// Nothing: for rehearsals, whose database is thrown away.
    None,
}

/// The store in one SQLite file.
pub struct SqliteStore {
    reads: SqlitePool,
    writer: Writer,
    clock: Arc<dyn Clock>,
    /// Each transaction asks once.
    sinks: Live<Sinks>,
    bells: Bells,
    mark: String,
    link_secret: Secret,
    /// `None`: it only reads.
    health: Option<Arc<WriteHealth>>,
    /// Held as long as the store: a second server on the same file would be a second decider. `None`: it only reads.
    _file: Option<Arc<DatabaseFile>>,
}

impl SqliteStore {
    /// Opens the file, creates it if it is missing, and brings its schema up to date. `sinks` may
    /// change while it is open.
    ///
    /// # Errors
    /// When it cannot be opened or migrated, or when another process has opened it for writing.
    pub async fn open(
        path: &Path,
        durability: Durability,
        clock: Arc<dyn Clock>,
        sinks: impl Into<Live<Sinks>>,
    ) -> Result<Self, StoreError> {
        let sinks = sinks.into();
        let file = Arc::new(DatabaseFile::take(path)?);
        for copy in file.rescued() {
            tracing::warn!(
                copy = %copy.display(),
                "what was accepted before the database's file was lost lies beside it; look whether it is needed, and take it away"
            );
        }
        let is_copy = durability == Durability::None && blank::begin(&file).await?;
        // By its own name: what SQLite keeps beside it is found by whatever name it was opened
        // under.
        let options = options(file.path()).create_if_missing(true).synchronous(match durability {
            Durability::Full => SqliteSynchronous::Full,
            Durability::None => SqliteSynchronous::Off,
        });
        let mut connection = options
            .connect()
            .await
            .map_err(failed("open the database; check that its folder exists and can be written"))?;
        if is_copy {
            blank::be_another(&mut connection).await?;
        } else {
            MIGRATIONS.run(&mut connection).await.map_err(|error| StoreError::Failed {
                what: "migrate the database",
                message: format!("{error}; a newer Dogwatch may have written it"),
            })?;
        }
        let mark = sqlx::query("SELECT mark, link_secret FROM identity")
            .fetch_one(&mut connection)
            .await
            .map_err(failed("read the database's mark"))?;
        let link_secret = Secret::new(rows::get::<String>(&mark, "link_secret")?);
        declare_secret(link_secret.expose());
        start::take_over(&mut connection, clock.now(), &sinks.get()).await?;
        file.opened()?;
        // One thread asks a rehearsal's, and each connection reads the schema and prepares its
        // statements anew.
        let readers = if durability == Durability::Full { 4 } else { 1 };
        let reads = SqlitePoolOptions::new()
            .max_connections(readers)
            .connect_with(options.read_only(true))
            .await
            .map_err(failed("open the database for reading"))?;
        let health = Arc::new(WriteHealth::new(clock.clone()));
        // A rehearsal's database may be taken away under it.
        let kept = (durability == Durability::Full).then(|| file.clone());
        let keeper = Keeper::new(kept, health.clone(), clock.clone());
        Ok(Self {
            reads,
            writer: Writer::start(connection, keeper),
            health: Some(health),
            clock,
            sinks,
            bells: Bells::default(),
            mark: rows::get(&mark, "mark")?,
            link_secret,
            _file: Some(file),
        })
    }

    /// Opens the file for looking, also while a server works on it. Whatever would write fails.
    ///
    /// # Errors
    /// When it is not there, cannot be opened, or has another version's schema.
    pub async fn open_for_reading(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let unusable = |message: String| StoreError::Failed { what: "open the database for reading", message };
        if !path.is_file() {
            return Err(unusable(format!("{} is not there; name the server's configuration", path.display())));
        }
        let reads = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options(path).read_only(true))
            .await
            .map_err(failed("open the database for reading"))?;
        let known = MIGRATIONS.iter().map(|migration| migration.version).max();
        let row = sqlx::query("SELECT MAX(version) AS version FROM _sqlx_migrations")
            .fetch_one(&reads)
            .await
            .map_err(failed("read the database's version"))?;
        let found: Option<i64> = rows::get(&row, "version")?;
        if found != known {
            let message =
                format!("its schema is {found:?}, and this Dogwatch knows {known:?}; use the server's own version");
            return Err(unusable(message));
        }
        let writer = Writer::closed();
        let (sinks, bells, mark) = (Live::default(), Bells::default(), String::new());
        let link_secret = Secret::new("");
        Ok(Self { reads, writer, clock, sinks, bells, mark, link_secret, health: None, _file: None })
    }

    /// Eight hexadecimal digits that were made with the database: no other has them.
    pub fn mark(&self) -> &str {
        &self.mark
    }

    /// What was made with the database for signing links, and is told nobody.
    pub fn link_secret(&self) -> &Secret {
        &self.link_secret
    }

    /// Waits for the end of the writer, after which nothing is taken in any more:
    /// [`SqliteStore::close`], a panic, or that there is no file any more that anybody could read
    /// again; then it says so.
    pub fn ended(&self) -> impl Future<Output = Option<String>> + Send + 'static {
        self.writer.ended()
    }

    /// Waits until everything that was asked for is written, and closes the file.
    pub async fn close(&self) {
        // The last connection writes what is in the log beside the database into it: that must be the one that may write.
        self.reads.close().await;
        self.writer.stop().await;
    }

    /// Runs `operation` in the writer's next transaction, and returns when that is committed.
    async fn write<T, F>(&self, what: &'static str, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        self.writer.write(what, operation).await
    }

    /// Runs a named transaction in the writer's next commit, and returns when that is durable.
    async fn transact<T, F>(&self, what: &'static str, transaction: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(Tx<'t>) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        let (now, sinks) = (self.clock.now(), self.sinks.get());
        self.write(what, move |connection| Box::pin(within(connection, now, sinks, transaction))).await
    }

    /// As `transact`, but refuses at once when too much waits already.
    async fn transact_or_refuse<T, F>(&self, what: &'static str, transaction: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(Tx<'t>) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        let (now, sinks) = (self.clock.now(), self.sinks.get());
        let operation =
            self.writer.write_or_refuse(what, move |connection| Box::pin(within(connection, now, sinks, transaction)));
        operation.await
    }

    /// Now, as the database counts: microseconds since 1970.
    fn now(&self) -> i64 {
        self.clock.now().timestamp_micros()
    }
}

/// Has the transaction work on the tables of this connection.
async fn within<T, F>(
    connection: &mut SqliteConnection,
    now: DateTime<Utc>,
    sinks: Arc<Sinks>,
    transaction: F,
) -> Result<T, StoreError>
where
    F: for<'t> FnOnce(Tx<'t>) -> BoxFuture<'t, Result<T, StoreError>> + Send,
{
    let mut tables = SqliteTables(connection);
    transaction(Tx { tables: &mut tables, now, sinks: &sinks }).await
}

impl Store for SqliteStore {
    fn bells(&self) -> &Bells {
        &self.bells
    }

    fn mark(&self) -> &str {
        &self.mark
    }

    fn trouble(&self) -> Option<StoreTrouble> {
        self.health.as_ref()?.trouble()
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("journal_size_limit", "67108864")
        // A savepoint that writes more than 64 KiB would go on in a file under /tmp, and in a container there may be none.
        .pragma("temp_store", "memory")
        .disable_statement_logging()
}

fn failed(what: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| {
        let message = error.to_string();
        if is_refusal(&error) { StoreError::Refused { what, message } } else { StoreError::Failed { what, message } }
    }
}

/// Whether the same statement with the same values can never work. What is not known to be so
/// (locked, full, a disk that fails, a damaged file) may pass. What takes more memory than there is
/// takes it again.
fn is_refusal(error: &sqlx::Error) -> bool {
    /// The primary result codes of <https://www.sqlite.org/rescode.html>: SQLITE_NOMEM,
    /// SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_RANGE.
    const REFUSALS: [u32; 5] = [7, 18, 19, 20, 25];
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    // The bytes above the lowest say more about it.
    code.is_some_and(|code| REFUSALS.contains(&(code & 0xff)))
}
