//! The cluster is asked about the kinds that playbooks name and that are not Kubernetes' own,
//! before an alert needs them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::action::World;
use crate::cluster::{Cluster, ClusterError, KindName};
use crate::playbook::Catalog;
use crate::store::Store;
use crate::worker::{Turn, TurnError, Worker};

/// What is not there yet, as its operator is still being installed, is asked about so often.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Has the cluster tell of the kinds of the catalog, at the start and whenever it changes; what it
/// does not tell, again each minute.
pub struct KindWorker {
    store: Arc<dyn Store>,
    world: World,
    catalog: watch::Receiver<Arc<Catalog>>,
    asked: Mutex<Asked>,
}

#[derive(Default)]
struct Asked {
    /// The catalog that was asked about last.
    about: Option<Arc<Catalog>>,
    again_at: Option<DateTime<Utc>>,
    /// What was said to be missing, so that it is said once.
    missing: Vec<(KindName, ClusterError)>,
}

impl KindWorker {
    pub fn new(store: Arc<dyn Store>, world: World, catalog: watch::Receiver<Arc<Catalog>>) -> Self {
        Self { store, world, catalog, asked: Mutex::default() }
    }
}

/// Has the cluster tell of what the catalog names, before anything is worked on: what waited for
/// this process may need it. Of what it does not tell, [`KindWorker`] speaks.
pub async fn learn_kinds(cluster: &dyn Cluster, catalog: &Catalog) {
    ask(cluster, named(catalog)).await;
}

fn named(catalog: &Catalog) -> Vec<KindName> {
    let mut names: Vec<KindName> = catalog.iter().flat_map(|playbook| playbook.custom_kinds()).collect();
    names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
    names.dedup();
    names
}

/// Has the cluster tell of these kinds, and gives back those of which it does not.
pub(super) async fn ask(cluster: &dyn Cluster, names: Vec<KindName>) -> Vec<(KindName, ClusterError)> {
    let kinds = cluster.kinds();
    let mut missing = Vec::new();
    for name in names.into_iter().filter(|name| kinds.find(name).is_none()) {
        if let Err(error) = cluster.kind(&name).await {
            // The others would wait as long for the same answer.
            let is_away = matches!(error, ClusterError::Unavailable { .. });
            missing.push((name, error));
            if is_away {
                break;
            }
        }
    }
    missing
}

#[async_trait]
impl Worker for KindWorker {
    fn name(&self) -> &'static str {
        "kinds"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.store.bells().clock.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        let catalog = self.catalog.borrow().clone();
        {
            let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let is_same = asked.about.as_ref().is_some_and(|about| Arc::ptr_eq(about, &catalog));
            let is_due = asked.again_at.is_some_and(|at| at <= self.world.clock.now());
            if is_same && !is_due {
                return Ok(Turn::Idle { until: asked.again_at });
            }
        }
        let missing = ask(self.world.cluster.as_ref(), named(&catalog)).await;
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, error) in missing.iter().filter(|missing| !asked.missing.contains(missing)) {
            tracing::warn!(kind = name.as_str(), %error, "playbooks name a kind that the cluster has not told of: they begin no run about it");
        }
        for (name, _) in asked.missing.iter().filter(|(name, _)| missing.iter().all(|(other, _)| other != name)) {
            tracing::info!(kind = name.as_str(), "the cluster has told of the kind");
        }
        let until = (!missing.is_empty()).then(|| self.world.clock.now() + AGAIN_AFTER);
        *asked = Asked { about: Some(catalog), again_at: until, missing };
        Ok(Turn::Idle { until })
    }
}
