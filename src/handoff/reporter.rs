//! Making reports: for the change of shift, for whoever asks, for the command line.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use super::summarise::{Around, HandoffError, WhichShift, shift_of, summarise};
use super::write::{Written, file_name, write};
use super::{Summary, Template};
use crate::clock::Clock;
use crate::files::Mode;
use crate::model::{FreezeMapNow, Live, PageBudgets};
use crate::oncall::{Roster, Shift};
use crate::playbook::Catalog;
use crate::store::Store;

/// All that a report is made from. Cheap to clone.
#[derive(Clone)]
pub struct Reporter {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) oncall: Roster,
    template: Arc<Template>,
    mode: Mode,
    budgets: Live<PageBudgets>,
    freeze_map: Live<FreezeMapNow>,
    catalog: watch::Receiver<Arc<Catalog>>,
}

impl Reporter {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, oncall: impl Into<Roster>, template: Template) -> Self {
        let oncall = oncall.into();
        let template = Arc::new(template);
        let (budgets, freeze_map) = (Live::default(), Live::default());
        let (_, catalog) = watch::channel(Arc::default());
        Self { store, clock, oncall, template, mode: Mode::GROUP, budgets, freeze_map, catalog }
    }

    /// Whoever may read the files that it writes.
    pub fn with_mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// For how many incidents teams are to be paged.
    pub fn with_budgets(self, budgets: impl Into<Live<PageBudgets>>) -> Self {
        Self { budgets: budgets.into(), ..self }
    }

    /// What the ConfigMap that freezes says.
    pub fn with_freeze_map(self, freeze_map: Live<FreezeMapNow>) -> Self {
        Self { freeze_map, ..self }
    }

    /// The playbooks that count.
    pub fn with_catalog(self, catalog: watch::Receiver<Arc<Catalog>>) -> Self {
        Self { catalog, ..self }
    }

    /// The shift of a team that is meant, seen from now.
    ///
    /// # Errors
    /// An unknown team, or no such shift: the rotation begins later, or there is a gap.
    pub fn shift(&self, team: &str, which: WhichShift) -> Result<Shift, HandoffError> {
        shift_of(&self.oncall.get(), team, which, self.clock.now())
    }

    /// The report of one shift of one team, as data and in Markdown. Writes no file; may be repeated.
    ///
    /// # Errors
    /// An unknown team, a store that fails, a template that names what is not there.
    pub async fn report(&self, team: &str, shift: Shift) -> Result<(Summary, String), HandoffError> {
        let (budget, now) = (self.budgets.get().of(team), self.clock.now());
        let (freeze_map, catalog) = (self.freeze_map.get(), self.catalog.borrow().clone());
        let around = Around { budget, freeze_map: &freeze_map, catalog: &catalog };
        let summary = summarise(self.store.as_ref(), &self.oncall.get(), around, (team, shift), now).await?;
        let text = self.template.render(&summary)?;
        Ok((summary, text))
    }

    /// The reports of the shifts that go on, of all teams that have somebody on call. Writes no
    /// file; may be repeated.
    ///
    /// # Errors
    /// As [`Reporter::report`]; also when nobody is on call.
    pub async fn so_far(&self) -> Result<String, HandoffError> {
        let mut reports = Vec::new();
        let mut not_begun = None;
        for team in self.oncall.get().teams() {
            match self.shift(&team.name, WhichShift::Current) {
                Ok(shift) => reports.push(self.report(&team.name, shift).await?.1),
                Err(error @ (HandoffError::NotBegun(_) | HandoffError::Gap(_))) => not_begun = Some(error),
                Err(error) => return Err(error),
            }
        }
        match not_begun {
            Some(error) if reports.is_empty() => Err(error),
            _ => Ok(reports.join("\n")),
        }
    }

    /// Makes the report and writes it into its file in `dir`. A file that says something else stays, and the report lies
    /// beside it.
    ///
    /// # Errors
    /// As [`Reporter::report`]; also when the file cannot be written.
    pub async fn write(&self, dir: &Path, team: &str, shift: Shift) -> Result<(Summary, Written), HandoffError> {
        let (summary, text) = self.report(team, shift).await?;
        let name = file_name(team, shift.to, self.oncall.get().team(team)?.rotation.time_zone());
        let (to, mode) = (dir.to_owned(), self.mode);
        let written = tokio::task::spawn_blocking(move || write(&to, mode, &name, &text)).await;
        let failed = |message: String| HandoffError::Write { dir: dir.to_owned(), message };
        let written = written.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))?;
        Ok((summary, written))
    }
}
