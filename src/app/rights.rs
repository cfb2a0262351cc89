//! At the start the cluster is asked what the bot may do, so that a missing right is known before the night.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};
use tokio::sync::watch;

use crate::action::Commands;
use crate::cluster::{Access, Cluster, KindName};
use crate::engine::FreezeMap;
use crate::mandate::LeaseName;
use crate::playbook::{Catalog, rights_where};
use crate::sightings::ClusterSource;
use crate::surroundings;

/// How many rights are asked about at the same time.
const AT_ONCE: usize = 8;

/// What the cluster is asked about alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LooksUp {
    Nothing,
    /// What they have in common.
    Causes,
    /// What tier their objects have, too.
    CausesAndTiers,
}

/// Checks the rights now, and again whenever the playbooks are others.
pub async fn keep_checking(
    cluster: Arc<dyn Cluster>,
    mut catalogs: watch::Receiver<Arc<Catalog>>,
    (lease, freeze_map): (LeaseName, Option<FreezeMap>),
    (looks_up, commands): (LooksUp, Commands),
    cluster_sources: Vec<ClusterSource>,
) {
    for source in &cluster_sources {
        check_source(cluster.as_ref(), source).await;
    }
    loop {
        let catalog = catalogs.borrow_and_update().clone();
        check(cluster.clone(), catalog, (&lease, freeze_map.as_ref()), (looks_up, &commands)).await;
        if catalogs.changed().await.is_err() {
            return;
        }
    }
}

/// Asks about every right that the playbooks need, and says on the log which of them cannot work;
/// and about those to look up what alerts have in common, and what tier objects have.
async fn check(
    cluster: Arc<dyn Cluster>,
    catalog: Arc<Catalog>,
    (lease, freeze_map): (&LeaseName, Option<&FreezeMap>),
    (looks_up, commands): (LooksUp, &Commands),
) {
    match cluster.version().await {
        Ok(version) => tracing::info!(version, "the cluster answers"),
        Err(error) => {
            tracing::error!(%error, "the cluster does not answer: alerts are taken in and paged, but no playbook can work");
            return;
        }
    }
    let mut needed_by: BTreeMap<Access, Vec<String>> = BTreeMap::new();
    for playbook in catalog.iter() {
        for kind in playbook.custom_kinds() {
            if let Err(error) = cluster.kind(&kind).await {
                let playbook = &playbook.name;
                tracing::warn!(%kind, playbook, %error, "whether what it needs about that kind is allowed is not known");
            }
        }
        for right in rights_where(playbook, Some(commands)) {
            needed_by.entry(right).or_default().push(playbook.name.clone());
        }
    }
    for right in lease.access() {
        needed_by.entry(right).or_default().push("all of them, to change anything".into());
    }
    for right in freeze_map.map(FreezeMap::access).unwrap_or_default() {
        let what = "all of them, as nothing is changed while it is not known whether that ConfigMap freezes it";
        needed_by.entry(right).or_default().push(what.into());
    }
    look_up(cluster.as_ref(), looks_up).await;
    let asked = stream::iter(needed_by)
        .map(|(right, playbooks)| {
            let cluster = cluster.clone();
            async move { (cluster.allowed(&right).await, right, playbooks) }
        })
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
    let mut all = true;
    for (allowed, right, playbooks) in asked {
        let what = format!("{} {}", right.verb, right.resource);
        let playbooks = playbooks.join(", ");
        match allowed {
            Ok(true) => {}
            Ok(false) => {
                all = false;
                tracing::error!(right = what, namespace = right.namespace, playbooks, "a right is missing");
            }
            Err(error) => {
                all = false;
                tracing::warn!(right = what, playbooks, %error, "it is not known whether this is allowed");
            }
        }
    }
    if !all {
        tracing::error!("some playbooks cannot work; `dogwatch rbac` prints the roles that they need");
    }
}

/// What it is not allowed to look at, it does not see.
async fn check_source(cluster: &dyn Cluster, source: &ClusterSource) {
    for kind in source.kinds().into_iter().filter_map(|kind| kind.parse::<KindName>().ok()) {
        if let Err(error) = cluster.kind(&kind).await {
            tracing::warn!(%kind, source = source.name, %error, "what the source watches of that kind is not seen");
        }
    }
    // A kind that is not known was told of just now.
    let (rights, _) = source.access(&cluster.kinds());
    for right in rights {
        let what = format!("{} {}", right.verb, right.resource);
        match cluster.allowed(&right).await {
            Ok(true) => {}
            Ok(false) => tracing::error!(
                right = what,
                namespace = right.namespace,
                source = source.name,
                "a right is missing, and so the source does not see all that it watches; `dogwatch rbac --config` prints its role"
            ),
            Err(error) => {
                tracing::warn!(right = what, source = source.name, %error, "it is not known whether this is allowed");
            }
        }
    }
}

/// No playbook depends on these: without them, less is known, and what is a tier's to make less bad
/// stays as bad as its alert says.
async fn look_up(cluster: &dyn Cluster, looks_up: LooksUp) {
    let rights = match looks_up {
        LooksUp::Nothing => return,
        LooksUp::Causes => surroundings::access(false),
        LooksUp::CausesAndTiers => surroundings::access(true),
    };
    let allowed = |right: &Access| {
        let right = right.clone();
        async move { (cluster.allowed(&right).await, format!("{} {}", right.verb, right.resource)) }
    };
    let asked = stream::iter(rights.iter().map(allowed)).buffered(AT_ONCE).collect::<Vec<_>>().await;
    let missing: Vec<String> =
        asked.into_iter().filter(|(allowed, _)| *allowed == Ok(false)).map(|(_, right)| right).collect();
    let missing = missing.join(", ");
    match looks_up {
        _ if missing.is_empty() => {}
        LooksUp::CausesAndTiers => tracing::warn!(
            missing,
            "what alerts have in common cannot be looked up in all of the cluster, and is told by labels there; nor can the tiers of \
             objects, and what cannot be read makes no alert less bad (severities.tiers); `dogwatch rbac` prints the role, and with \
             `incidents.look_up: false` the alerts' own labels say both"
        ),
        _ => tracing::info!(
            missing,
            "what alerts have in common cannot be looked up in all of the cluster, and is told by labels there; `dogwatch rbac` prints \
             the role, and `incidents.look_up: false` is for those who want none"
        ),
    }
}
