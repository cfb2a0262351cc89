//! Every content of a playbook that counts is kept, also those with which no run was opened.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::playbook::Catalog;
use crate::store::{RunStore, Store};
use crate::worker::{Turn, TurnError, Worker};

/// Keeps what the catalog holds, at the start and whenever it changes.
pub struct PlaybookWorker {
    store: Arc<dyn Store>,
    catalog: watch::Receiver<Arc<Catalog>>,
    /// The catalog that was kept last.
    kept: Mutex<Option<Arc<Catalog>>>,
}

impl PlaybookWorker {
    pub fn new(store: Arc<dyn Store>, catalog: watch::Receiver<Arc<Catalog>>) -> Self {
        Self { store, catalog, kept: Mutex::default() }
    }
}

#[async_trait]
impl Worker for PlaybookWorker {
    fn name(&self) -> &'static str {
        "playbooks"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.store.bells().clock.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        let catalog = self.catalog.borrow().clone();
        let is_kept = |kept: &Option<Arc<Catalog>>| kept.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, &catalog));
        if is_kept(&self.kept.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(Turn::Idle { until: None });
        }
        let store: &dyn RunStore = &*self.store;
        for playbook in catalog.iter() {
            if store.playbook_source(&playbook.reference.digest).await?.is_none() {
                store.keep_playbook(&playbook.reference, &playbook.source).await?;
            }
        }
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(catalog);
        Ok(Turn::Worked)
    }
}
