//! What is read again while the bot works: a file here for each.

mod configuration;
mod oncall;
mod playbooks;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::edges;
use super::teams::unknown_to;
use crate::clock::Clock;
use crate::cluster::Kinds;
use crate::config::Config;
use crate::diagnostics::Diagnostic;
use crate::incident::IncidentRules;
use crate::metrics::Metrics;
use crate::model::{Digest, Live, PageBudgets};
use crate::oncall::Roster;
use crate::playbook::Catalog;
use crate::reload::{ReadAgain, Reloader};
use crate::store::{Sinks, Store};
use configuration::ConfigurationFile;
use oncall::OncallFile;
use playbooks::PlaybookFolder;

/// What counts at the moment, wherever it is used.
pub struct InForce {
    /// Of what needs a start to count, as it was at the last one.
    pub config: Live<Config>,
    pub roster: Roster,
    pub catalog: watch::Sender<Arc<Catalog>>,
    /// As the cluster tells of them.
    pub kinds: Arc<Kinds>,
    pub rules: Live<IncidentRules>,
    pub sinks: Live<Sinks>,
    pub budgets: Live<PageBudgets>,
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    /// One change at a time.
    pub turn: Mutex<()>,
}

/// The worker that reads all of it again. `problems` were found in the playbooks when they were
/// loaded. What has changed since `in_force` was read is found at its first turns.
pub fn reloader(in_force: InForce, problems: &[Diagnostic], metrics: Arc<Metrics>, again: Arc<ReadAgain>) -> Reloader {
    let (store, clock) = (in_force.store.clone(), in_force.clock.clone());
    let in_force = Arc::new(in_force);
    let configuration = ConfigurationFile::new(in_force.clone());
    let oncall = OncallFile::new(in_force.clone());
    let playbooks = PlaybookFolder::new(in_force);
    let (config, told) = (configuration.counting().digest(), playbooks.mistakes(problems));
    // What these two were made of is not kept: the first look finds that out, and says nothing
    // where it is the same.
    let unknown = Digest::of("");
    Reloader::new(store, clock, metrics, again)
        .watching(Arc::new(configuration), config, &[])
        .watching(Arc::new(oncall), unknown.clone(), &[])
        .watching(Arc::new(playbooks), unknown, &told)
}

impl InForce {
    /// Has all follow what counts now.
    fn follow(&self) {
        let (config, oncall) = (self.config.get(), self.roster.get());
        let mut rules = (*self.rules.get()).clone();
        edges::follow(&mut rules, &config, &oncall);
        self.rules.set(rules);
        let budgets = config.pages.budgets();
        let (page_for, ack_times) = (Arc::new(oncall.page_for()), Arc::new(oncall.ack_times()));
        let sinks = Sinks { budgets: budgets.clone(), page_for, ack_times, ..(*self.sinks.get()).clone() };
        self.sinks.set(sinks);
        self.budgets.set(budgets);
        // Handoffs are at other times, and whoever waits for a page may get it now.
        self.store.bells().clock.ring();
        self.store.bells().decisions.ring();
    }

    /// What works, and somebody should know.
    fn warnings(&self) -> BTreeSet<String> {
        let (config, oncall, catalog) = (self.config.get(), self.roster.get(), self.catalog.borrow().clone());
        let findings = oncall.findings(self.clock.now());
        let findings = findings.iter().map(ToString::to_string);
        findings.chain(unknown_to(&oncall, &catalog, &config)).collect()
    }

    /// Makes a change; gives what there is to warn of that there was not before.
    fn changing(&self, change: impl FnOnce()) -> Vec<String> {
        // What one file changes must not be made of what another one is about to replace.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.warnings();
        change();
        self.warnings().difference(&before).cloned().collect()
    }
}

/// The name of a file, as people call it.
fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
