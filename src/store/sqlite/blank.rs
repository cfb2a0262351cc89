//! A migrated database with nothing in it. Rehearsals begin with a copy of it: hundreds of them
//! would spend more time on migrations than on what they rehearse.

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::OnceCell;

use super::file::DatabaseFile;
use super::{MIGRATIONS, failed};
use crate::store::StoreError;

/// Made by the first one that needs it.
static BLANK: OnceCell<Vec<u8>> = OnceCell::const_new();

/// Begins a new file with the copy; what is there is left alone. `false`: there is something.
pub(super) async fn begin(file: &DatabaseFile) -> Result<bool, StoreError> {
    if !file.is_empty() {
        return Ok(false);
    }
    file.begin_with(BLANK.get_or_try_init(make).await?)?;
    Ok(true)
}

async fn make() -> Result<Vec<u8>, StoreError> {
    let failed_to = |error: std::io::Error| StoreError::Failed {
        what: "make a database for rehearsals",
        message: format!("{error}; is there room for temporary files?"),
    };
    let file = tempfile::NamedTempFile::new().map_err(failed_to)?;
    let options = SqliteConnectOptions::new()
        .filename(file.path())
        .journal_mode(SqliteJournalMode::Memory)
        .synchronous(SqliteSynchronous::Off)
        .disable_statement_logging();
    let failed_to_open = failed("make a database for rehearsals");
    let mut connection = options.connect().await.map_err(&failed_to_open)?;
    MIGRATIONS.run(&mut connection).await.map_err(|error| StoreError::Failed {
        what: "migrate a database for rehearsals",
        message: error.to_string(),
    })?;
    connection.close().await.map_err(&failed_to_open)?;
    std::fs::read(file.path()).map_err(failed_to)
}

/// A database is told from others by its mark, and its links are signed with its own secret.
pub(super) async fn be_another(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("UPDATE identity SET mark = lower(hex(randomblob(4))), link_secret = lower(hex(randomblob(32)))")
        .execute(connection)
        .await
        .map_err(failed("give the database its mark"))?;
    Ok(())
}
