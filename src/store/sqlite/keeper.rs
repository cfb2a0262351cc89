//! Who looks after the database while the writer writes: whether its file is still there, whether
//! it can be written, and what to do with what lies in a file that has lost its name.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{Row as _, SqliteConnection};

use super::file::DatabaseFile;
use super::health::WriteHealth;
use super::writer::Trouble;
use crate::clock::Clock;
use crate::files::Mode;

/// So many idle looks (of a second) without anything written are followed by a try: readiness must
/// not be news of an hour ago.
const PROBE_EVERY: u32 = 10;

/// How long copying may take: a year's database has some gigabytes.
const RESCUE_WITHIN: Duration = Duration::from_secs(10 * 60);

pub(super) struct Keeper {
    /// `None`: the database is thrown away anyhow.
    file: Option<Arc<DatabaseFile>>,
    pub health: Arc<WriteHealth>,
    clock: Arc<dyn Clock>,
}

impl Keeper {
    pub fn new(file: Option<Arc<DatabaseFile>>, health: Arc<WriteHealth>, clock: Arc<dyn Clock>) -> Self {
        Self { file, health, clock }
    }

    /// Whether what is written can be read again.
    pub fn check(&self) -> Result<(), Trouble> {
        self.file.as_ref().map_or(Ok(()), |file| file.check()).map_err(Trouble::Over)
    }

    /// Whether what was just committed can be read again: its names, and how the files begin.
    pub fn check_written(&self) -> Result<(), Trouble> {
        self.check()?;
        self.file.as_ref().map_or(Ok(()), |file| file.check_begin()).map_err(Trouble::Over)
    }

    /// Whether it is time to see if something can be written.
    pub fn wants_probe(&self, idle: u32) -> bool {
        self.file.is_some() && (self.health.is_failing() || idle >= PROBE_EVERY)
    }

    /// Saves what can be saved, and says what happened and what to do.
    pub async fn give_up(&self, connection: &mut SqliteConnection, why: String) -> String {
        self.health.ended(Some((why.clone(), false)));
        let Some(file) = &self.file else { return why };
        if file.check().is_ok() {
            return why;
        }
        let what_now = if file.is_in_place() {
            checkpoint(connection).await
        } else {
            let stamp = self.clock.now().format("%Y%m%dT%H%M%S").to_string();
            let rescued = tokio::time::timeout(RESCUE_WITHIN, rescue(connection, file, &file.rescue(&stamp))).await;
            rescued.unwrap_or_else(|_| "what was accepted could not be copied in time; put the file back".into())
        };
        let said = format!("{why}; {what_now}");
        tracing::error!("{said}");
        said
    }

    /// For a database that nobody misses.
    #[cfg(test)]
    pub fn careless() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(crate::clock::SystemClock::default());
        Self::new(None, Arc::new(WriteHealth::new(clock.clone())), clock)
    }
}

/// The log beside the database has lost its name, and the database has not: what is in the log goes
/// into it.
async fn checkpoint(connection: &mut SqliteConnection) -> String {
    let done = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(connection).await;
    match done.and_then(|row| row.try_get::<i64, _>(0)) {
        Ok(0) => "all that was accepted is in the database now, and the next start goes on with it".into(),
        Ok(_) => "not all that was accepted could be brought into the database, as somebody reads it".into(),
        Err(error) => format!("what was accepted last could not be brought into the database: {error}"),
    }
}

/// The database itself has lost its name: all that is in it is copied, and the copy takes its place
/// if that is vacant and nobody has the file under another name.
async fn rescue(connection: &mut SqliteConnection, file: &DatabaseFile, copy: &Path) -> String {
    let (path, shown) = (file.path().display(), copy.display());
    if let Err(error) = copy_to(connection, copy).await {
        return format!(
            "what was accepted could not be copied to {shown}: {error}; put the file back before the next start"
        );
    }
    match file.put_back(copy) {
        Ok(true) => {
            format!("a copy of all that was accepted lies in its place ({path}), and the next start goes on with it")
        }
        Ok(false) => format!(
            "all that was accepted is in {shown}: stop the bot and move that to {path}, without a `-wal` and `-shm` beside it, or take \
             it away"
        ),
        Err(error) => format!("all that was accepted is in {shown}, which could not be moved to {path}: {error}"),
    }
}

async fn copy_to(connection: &mut SqliteConnection, copy: &Path) -> Result<(), String> {
    use std::os::unix::fs::OpenOptionsExt as _;
    // SQLite writes into an empty file that is there already: one that nobody else may read.
    let part = copy.with_added_extension("part");
    let made = File::options().write(true).create_new(true).mode(Mode::PRIVATE.file()).open(&part);
    let made = made.map_err(|error| error.to_string())?;
    let copied = sqlx::query("VACUUM INTO ?").bind(part.display().to_string()).execute(connection).await;
    // Another file than the database, and so no lock is given up when it is closed.
    let kept = copied
        .map_err(|error| error.to_string())
        .and_then(|_| made.sync_all().and_then(|()| fs::rename(&part, copy)).map_err(|error| error.to_string()));
    if kept.is_err() {
        let _ = fs::remove_file(&part);
    }
    kept
}
