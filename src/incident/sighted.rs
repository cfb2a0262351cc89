//! One cause, seen by the bot itself and told by a rule: it is one incident, whoever was first.
//!
//! What the bot sees is of a workload (`deployment web`), and rules often speak of one pod of it.
//! Alerts of several sources are else one incident only where they are about the same object.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::IncidentRules;
use super::opening::team_of;
use super::view::Seen;
use crate::model::{Alert, AlertStatus, Grouping, IncidentId, Notification, ObjectKey, Origin};
use crate::sightings::PODS;
use crate::store::{FiringAlert, Store, StoreError};

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

/// An alert that may join the incident of something else than what it is about.
struct Joins {
    own: String,
    other: String,
    team: String,
}

/// A sighting that is open.
struct Open {
    began: DateTime<Utc>,
    /// The pods that failed when it was told.
    pods: BTreeSet<String>,
}

impl Open {
    /// Whether the alert is about what is seen. That one pod of a workload fails says nothing of
    /// what befalls another one days later.
    fn shows(&self, pod: &str, alert: &Alert, within: Duration) -> bool {
        let is_near = self.began < alert.starts_at + within && alert.starts_at < self.began + within;
        is_near || self.pods.contains(pod)
    }
}

fn named_pods(annotations: &BTreeMap<String, String>) -> impl Iterator<Item = &str> {
    annotations.get(PODS).map(String::as_str).unwrap_or_default().split(", ").filter(|pod| !pod.is_empty())
}

/// The incidents that alerts join although they are about another object, by the key of what they
/// are about: that of a pod for a sighting of its workload, and that of a sighting for a pod which
/// fails as it says. Only those of the same team: a join calls nobody anew.
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
    let firing = firing.filter_map(|(alert, seen)| Some((alert, seen, object(seen)?)));
    let joins = |alert: &Alert, seen: &Seen, other: String| Joins {
        own: seen.causes.own.key.clone(),
        other,
        team: team_of(rules, &seen.coverage, alert),
    };
    let mut all: Vec<Joins> = Vec::new();
    if rules.sighted_by.contains(source) {
        for (alert, seen, own) in firing {
            let pods = named_pods(&alert.annotations);
            let pods = pods.map(|pod| at_home(ObjectKey::new("Pod", &*own.namespace, pod)));
            all.extend(pods.map(|pod| joins(alert, seen, pod)));
        }
    } else {
        let mut of_pods = Vec::new();
        for (alert, seen, pod) in firing.filter(|(_, _, object)| object.kind == "Pod") {
            let owners = seen.causes.shared.iter().filter_map(|shared| match &shared.by.by {
                Grouping::Under { object, .. } if !object.namespace.is_empty() => Some(at_home(object.clone())),
                _ => None,
            });
            of_pods.extend(owners.map(|owner| (alert, seen, pod, owner)));
        }
        let owners: BTreeSet<&str> = of_pods.iter().map(|(.., owner)| owner.as_str()).collect();
        let open = open_sightings(store, rules, &owners).await?;
        let is_seen = |alert: &Alert, pod: &ObjectKey, owner: &str| {
            let mut sightings = open.get(owner).into_iter().flatten();
            sightings.any(|open| open.shows(&pod.name, alert, rules.grouping.within))
        };
        let of_ours = of_pods.into_iter().filter(|(alert, _, pod, owner)| is_seen(alert, pod, owner));
        all.extend(of_ours.map(|(alert, seen, _, owner)| joins(alert, seen, owner)));
    }
    let asked: BTreeSet<&str> = all.iter().map(|joins| joins.other.as_str()).collect();
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let known = store.incidents_by_object(&asked.into_iter().collect::<Vec<_>>()).await?;
    let ids: BTreeSet<IncidentId> = known.values().copied().collect();
    let views = store.incident_views(&ids.into_iter().collect::<Vec<_>>()).await?;
    let teams: HashMap<IncidentId, String> =
        views.into_iter().map(|view| (view.incident.id, view.incident.team)).collect();
    let joined = all.into_iter().filter_map(|joins| {
        let incident = *known.get(&joins.other)?;
        teams.get(&incident).is_some_and(|team| *team == joins.team).then_some((joins.own, incident))
    });
    Ok(joined.collect())
}

/// What is seen of these workloads now, by their keys.
async fn open_sightings(
    store: &dyn Store,
    rules: &IncidentRules,
    workloads: &BTreeSet<&str>,
) -> Result<HashMap<String, Vec<Open>>, StoreError> {
    let mut open: HashMap<String, Vec<Open>> = HashMap::new();
    if workloads.is_empty() {
        return Ok(open);
    }
    let sources: Vec<String> = rules.sighted_by.iter().cloned().collect();
    let firing = store.firing(&sources).await?;
    for source in &sources {
        let is_asked =
            |firing: &&FiringAlert| firing.alert.source == *source && workloads.contains(firing.alert.object.as_str());
        let of_it: Vec<&FiringAlert> = firing.iter().filter(is_asked).collect();
        let fingerprints: Vec<&str> = of_it.iter().map(|firing| firing.fingerprint.as_str()).collect();
        let told = store.latest_episodes(source, &fingerprints).await?;
        for firing in of_it {
            let named = told.get(&firing.fingerprint).into_iter().flat_map(|told| named_pods(&told.annotations));
            let pods = named.chain(firing.alert.labels.get("pod").map(String::as_str)).map(str::to_owned).collect();
            open.entry(firing.alert.object.clone()).or_default().push(Open { began: firing.starts_at, pods });
        }
    }
    Ok(open)
}
