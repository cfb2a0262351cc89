//! One cause, seen by the bot itself and told by a rule: it is one incident, whoever was first.
//!
//! What the bot sees is of a workload (`deployment web`), and rules often speak of one pod of it.
//! Alerts of several sources are else one incident only where they are about the same object.

use std::collections::{BTreeSet, HashMap};

use super::IncidentRules;
use super::view::Seen;
use crate::model::{AlertStatus, Grouping, IncidentId, Notification, ObjectKey, Origin};
use crate::sightings::PODS;
use crate::store::{Store, StoreError};

fn at_home(object: ObjectKey) -> String {
    Grouping::Object { object, origin: Origin::Home }.key()
}

/// The object that the alert is about, where its source may speak of it.
fn object(seen: &Seen) -> Option<&ObjectKey> {
    match &seen.causes.own.by {
        Grouping::Object { object, origin: Origin::Home } => Some(object),
        _ => None,
    }
}

/// The incidents that alerts join although they are about another object, by the key of what they
/// are about: that of a pod for a sighting of its workload, and that of a sighting for a pod of its
/// workload.
pub(super) async fn by_sightings(
    store: &dyn Store,
    rules: &IncidentRules,
    source: &str,
    notification: &Notification,
    seen: &[Seen],
) -> Result<HashMap<String, IncidentId>, StoreError> {
    if rules.sighted_by.is_empty() {
        return Ok(HashMap::new());
    }
    let alerts = notification.alerts.iter().zip(seen);
    let firing = alerts.filter(|(alert, _)| alert.status == AlertStatus::Firing);
    // What each is about, and what else it may join the incident of.
    let mut others: Vec<(String, String)> = Vec::new();
    if rules.sighted_by.contains(source) {
        for (alert, seen) in firing {
            let Some(own) = object(seen) else { continue };
            let pods = alert.annotations.get(PODS).map(String::as_str).unwrap_or_default();
            let pods = pods.split(", ").filter(|pod| !pod.is_empty());
            let pods = pods.map(|pod| at_home(ObjectKey::new("Pod", &*own.namespace, pod)));
            others.extend(pods.map(|pod| (seen.causes.own.key.clone(), pod)));
        }
    } else {
        let sources: Vec<String> = rules.sighted_by.iter().cloned().collect();
        let mut sighted: Option<BTreeSet<String>> = None;
        for (_, seen) in firing.filter(|(_, seen)| object(seen).is_some_and(|object| object.kind == "Pod")) {
            let owners = seen.causes.shared.iter().filter_map(|shared| match &shared.by.by {
                Grouping::Under { object, .. } if !object.namespace.is_empty() => Some(at_home(object.clone())),
                _ => None,
            });
            let owners: Vec<String> = owners.collect();
            if owners.is_empty() {
                continue;
            }
            if sighted.is_none() {
                let open = store.firing(&sources).await?;
                sighted = Some(open.into_iter().map(|firing| firing.alert.object).collect());
            }
            let of_ours = owners.into_iter().filter(|owner| sighted.as_ref().is_some_and(|it| it.contains(owner)));
            others.extend(of_ours.map(|owner| (seen.causes.own.key.clone(), owner)));
        }
    }
    let asked: BTreeSet<&str> = others.iter().map(|(_, other)| other.as_str()).collect();
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let known = store.incidents_by_object(&asked.into_iter().collect::<Vec<_>>()).await?;
    Ok(others.into_iter().filter_map(|(own, other)| Some((own, *known.get(&other)?))).collect())
}
