//! The watchdog for incidents that nobody has taken care of by their time.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::store::{NewPage, PageReason, Store};
use crate::worker::{Turn, TurnError, Worker};

/// Pages for each incident whose `page_by` has come, whatever its run is doing then.
pub struct PageWorker {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl PageWorker {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }
}

#[async_trait]
impl Worker for PageWorker {
    fn name(&self) -> &'static str {
        "pages"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.store.bells().decisions.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        let (due, next) = self.store.due_pages(self.clock.now()).await?;
        if due.is_empty() {
            return Ok(Turn::Idle { until: next });
        }
        for incident in due {
            let page = NewPage { level: 1, team: incident.team, reason: PageReason::Overdue, text: None };
            self.store.page_now(incident.id, page).await?;
        }
        Ok(Turn::Worked)
    }
}
