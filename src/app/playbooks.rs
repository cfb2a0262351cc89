//! The playbooks that count, as `/playbooks` lists them.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::chat::Playbooks;
use crate::message::PlaybookRow;
use crate::playbook::{Catalog, Playbook};
use crate::rehearse::cases::read_cases;

/// Those of the catalog, with the cases beside them.
pub struct CatalogListing(pub watch::Receiver<Arc<Catalog>>);

#[async_trait]
impl Playbooks for CatalogListing {
    async fn listed(&self) -> Vec<PlaybookRow> {
        let catalog = self.0.borrow().clone();
        let list = move || {
            let disabled = catalog.disabled().map(|playbook| PlaybookRow { is_disabled: true, ..row(playbook) });
            let mut rows: Vec<PlaybookRow> = catalog.iter().map(|playbook| row(playbook)).chain(disabled).collect();
            rows.sort_by(|a, b| a.reference.name.cmp(&b.reference.name));
            rows
        };
        // It reads a file for each.
        tokio::task::spawn_blocking(list).await.unwrap_or_default()
    }
}

fn row(playbook: &Playbook) -> PlaybookRow {
    let cases = read_cases(&playbook.path.with_extension("cases.yaml"), Some(playbook));
    PlaybookRow {
        reference: playbook.reference.clone(),
        owner: playbook.owner.clone(),
        severity: playbook.severity,
        autonomy: playbook.autonomy,
        cases: cases
            .map(|file| file.map_or(0, |file| file.cases.len()))
            .map_err(|wrong| wrong.0.first().map_or_else(String::new, |problem| problem.in_file())),
        review_by: playbook.review_by,
        set_here: playbook.set_here(),
        is_disabled: false,
    }
}
