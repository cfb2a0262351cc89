//! Where a store under test lives.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::DateTime;
use dogwatch::clock::{Clock, ManualClock};
use dogwatch::store::sqlite::{Durability, SqliteStore};
use dogwatch::store::{Sinks, Store, StoreError};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// A place for one store, which outlives whoever has it open.
#[async_trait(?Send)]
pub trait Place: Send + Sync {
    /// As a server opens it.
    async fn open(&self, clock: Arc<dyn Clock>, sinks: Sinks) -> Result<Arc<dyn Store>, StoreError>;

    /// As somebody opens it who only looks, whether or not a server has it open.
    async fn open_for_reading(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, StoreError>;

    /// Closes what was opened last. What was committed is there for whoever opens it next; the
    /// store that was closed takes nothing in any more.
    async fn close(&self);
}

#[async_trait(?Send)]
impl<P: Place + ?Sized> Place for Arc<P> {
    async fn open(&self, clock: Arc<dyn Clock>, sinks: Sinks) -> Result<Arc<dyn Store>, StoreError> {
        (**self).open(clock, sinks).await
    }

    async fn open_for_reading(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, StoreError> {
        (**self).open_for_reading(clock).await
    }

    async fn close(&self) {
        (**self).close().await;
    }
}

/// One SQLite file.
pub struct SqlitePlace {
    file: PathBuf,
    opened: Mutex<Option<Arc<SqliteStore>>>,
    /// `None`: the folder is somebody else's.
    _folder: Option<TempDir>,
}

impl SqlitePlace {
    /// A file that is not there yet, in a folder of its own.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self::at(folder.path().join("dogwatch.db"));
        Self { _folder: Some(folder), ..place }
    }

    /// As [`SqlitePlace::new`], but the file is there, with an empty database in it.
    pub async fn ready() -> Self {
        let place = Self::new();
        empty_database(&place.file).await;
        place
    }

    /// That file, which may be there already.
    pub fn at(file: PathBuf) -> Self {
        Self { file, opened: Mutex::default(), _folder: None }
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The folder that the file is in.
    pub fn folder(&self) -> &Path {
        self.file.parent().unwrap()
    }
}

/// Writes an empty database there. Making the schema is most of what a new store costs: it is made
/// once, and copied. So these all have the same mark.
pub async fn empty_database(file: &Path) {
    static EMPTY: OnceCell<Vec<u8>> = OnceCell::const_new();
    let empty = EMPTY.get_or_init(|| async {
        let place = SqlitePlace::new();
        drop(place.open(Arc::new(ManualClock::new(DateTime::UNIX_EPOCH)), Sinks::default()).await.unwrap());
        place.close().await;
        std::fs::read(&place.file).unwrap()
    });
    std::fs::write(file, empty.await).unwrap();
}

#[async_trait(?Send)]
impl Place for SqlitePlace {
    async fn open(&self, clock: Arc<dyn Clock>, sinks: Sinks) -> Result<Arc<dyn Store>, StoreError> {
        let store = Arc::new(SqliteStore::open(&self.file, Durability::None, clock, sinks).await?);
        *self.opened.lock().unwrap() = Some(store.clone());
        Ok(store)
    }

    async fn open_for_reading(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, StoreError> {
        Ok(Arc::new(SqliteStore::open_for_reading(&self.file, clock).await?))
    }

    async fn close(&self) {
        let opened = self.opened.lock().unwrap().take();
        if let Some(store) = opened {
            store.close().await;
        }
    }
}
