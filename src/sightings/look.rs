//! Asking the cluster, within bounds.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::conditions;
use super::pods::{self, Events, Told};
use super::services::{self, Endpoints, Service, ServiceName, Workload};
use super::settings::{ClusterSource, Reports, WORKLOADS, WatchedFor};
use super::sighting::{Sighting, joined};
use crate::cluster::{Cluster, ClusterError, KindName, ListQuery, Object};
use crate::model::ObjectKey;

/// The most objects of one list. They come page by page, and of each page only what is judged is
/// kept: 50,000 are 100 requests.
const MOST: usize = 50_000;

/// So many pods that events lead to are read by their names: pods that ran before, and are not
/// pending.
const MOST_NAMED: usize = 200;

/// Workloads are listed in so many namespaces by themselves; of more, in all at once.
const MOST_NAMESPACES: usize = 20;

/// A pod's namespace and name.
pub(super) type PodName = (String, String);

/// One look at all that a source watches.
pub(super) struct Look<'a> {
    pub cluster: &'a dyn Cluster,
    pub source: &'a ClusterSource,
    pub now: DateTime<Utc>,
    /// Pods of what is held or told: they are looked at again.
    pub before: &'a BTreeSet<PodName>,
    /// Services that had a ready endpoint in an earlier look.
    pub answered: &'a BTreeSet<ServiceName>,
}

/// What a look came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Looked {
    pub sightings: Vec<Sighting>,
    /// What could not be looked at as a whole, and why: what is not seen of it may be there.
    pub blind: BTreeMap<WatchedFor, String>,
    /// Services that have a ready endpoint, or had one in an earlier look.
    pub answered: BTreeSet<ServiceName>,
}

impl Looked {
    /// A look that was given up.
    pub fn nothing_of(source: &ClusterSource, why: &str) -> Self {
        let blind = source.watches.iter().map(|watch| (watch.what.clone(), why.to_owned())).collect();
        Self { blind, ..Self::default() }
    }
}

impl Look<'_> {
    pub async fn looked(&self) -> Looked {
        let mut looked = Looked::default();
        let watched = || self.source.watches.iter().map(|watch| &watch.what);
        let of_pods: Vec<&WatchedFor> = watched().filter(|what| what.is_of_pods()).collect();
        if !of_pods.is_empty() {
            self.pods(&of_pods, &mut looked).await;
        }
        for what in watched() {
            let seen = match what {
                WatchedFor::ServiceWithoutEndpoints => self.services(&mut looked.answered).await,
                WatchedFor::ReportsFailure(reports) => self.reports(reports).await,
                WatchedFor::FailedAttach | WatchedFor::ConfigError | WatchedFor::ImagePull => continue,
            };
            match seen {
                Ok(seen) => looked.sightings.extend(seen),
                Err(error) => {
                    looked.blind.insert(what.clone(), error.to_string());
                }
            }
        }
        looked.sightings = joined(std::mem::take(&mut looked.sightings));
        looked
    }

    /// Pods that are pending, and those that events lead to.
    async fn pods(&self, watched: &[&WatchedFor], looked: &mut Looked) {
        let (mut attach, mut named) = (Told::new(), self.before.clone());
        for reason in watched.iter().filter_map(|what| what.event()).collect::<BTreeSet<_>>() {
            match self.events(reason).await {
                // Those pods are pending, and listed as that.
                Ok(events) if reason == "FailedAttachVolume" => attach = events.told(),
                Ok(events) => named.extend(events.named),
                Err(error) => blinds(looked, watched.iter().filter(|what| what.event() == Some(reason)), &error),
            }
        }
        let mut pending = BTreeSet::new();
        let mut seen = Vec::new();
        let mut look_at = |pod: &Object| {
            pending.insert((pod.namespace().to_owned(), pod.name().to_owned()));
            seen.extend(watched.iter().filter_map(|what| pods::judge(pod, what, &attach)));
        };
        if let Err(error) = self.walk("Pod", "status.phase=Pending", &mut look_at).await {
            blinds(looked, watched.iter(), &error);
        }
        let by_name: Vec<&&WatchedFor> = watched.iter().filter(|what| ***what != WatchedFor::FailedAttach).collect();
        // What is held or told comes first: of the others, no end could be taken for one.
        let (first, others): (Vec<_>, Vec<_>) = named
            .iter()
            .filter(|pod| !by_name.is_empty() && !pending.contains(*pod) && self.source.covers(&pod.0))
            .partition(|pod| self.before.contains(*pod));
        if first.len() + others.len() > MOST_NAMED {
            let why = format!("events speak of more than {MOST_NAMED} pods that are not pending");
            looked.blind.extend(by_name.iter().map(|what| ((**what).clone(), why.clone())));
        }
        for (namespace, name) in first.into_iter().chain(others).take(MOST_NAMED) {
            match self.cluster.get(&ObjectKey::new("Pod", namespace, name)).await {
                Ok(pod) => {
                    let judged =
                        |pod: &Object| by_name.iter().filter_map(|what| pods::judge(pod, what, &attach)).collect();
                    seen.extend(pod.as_ref().map_or_else(Vec::new, judged));
                }
                Err(error) => {
                    blinds(looked, by_name.iter().copied(), &error);
                    break;
                }
            }
        }
        looked.sightings.extend(seen);
    }

    async fn events(&self, reason: &str) -> Result<Events, ClusterError> {
        let mut events = Events::default();
        let fields = format!("involvedObject.kind=Pod,reason={reason}");
        self.walk("Event", &fields, &mut |event| events.hear(event, self.now)).await?;
        Ok(events)
    }

    async fn services(&self, answered: &mut BTreeSet<ServiceName>) -> Result<Vec<Sighting>, ClusterError> {
        let (mut services, mut endpoints) = (Vec::new(), HashMap::<ServiceName, Endpoints>::new());
        self.walk("Service", "", &mut |service| services.extend(Service::of(service))).await?;
        let mut count = |slice: &Object| {
            let Some((service, of_slice)) = Endpoints::of(slice) else { return };
            let so_far = endpoints.entry(service).or_default();
            *so_far = so_far.and(of_slice);
        };
        self.walk("EndpointSlice", "", &mut count).await?;
        let of = |service: &Service| endpoints.get(&service.name).copied().unwrap_or_default();
        let (well, ill): (Vec<_>, Vec<_>) = services.into_iter().partition(|service| of(service).ready > 0);
        let answered_before = ill.iter().filter(|service| self.answered.contains(&service.name));
        answered.extend(answered_before.map(|service| service.name.clone()));
        answered.extend(well.into_iter().map(|service| service.name));
        let namespaces: BTreeSet<&str> = ill.iter().map(|service| service.name.0.as_str()).collect();
        let workloads = self.workloads(namespaces).await?;
        let judged = ill.iter().filter_map(|service| services::judge(service, of(service), &workloads, self.answered));
        Ok(judged.collect())
    }

    async fn workloads(&self, namespaces: BTreeSet<&str>) -> Result<Vec<Workload>, ClusterError> {
        let scopes = match namespaces.len() {
            0 => Vec::new(),
            few if few <= MOST_NAMESPACES => namespaces.into_iter().collect(),
            _ => self.source.scopes(),
        };
        let mut found = Vec::new();
        for kind in WORKLOADS {
            self.walk_in(&scopes, kind, "", &mut |workload| found.push(Workload::of(workload))).await?;
        }
        Ok(found)
    }

    async fn reports(&self, reports: &Reports) -> Result<Vec<Sighting>, ClusterError> {
        let unknown = |_| ClusterError::UnknownKind(reports.kind.clone());
        let name: KindName = reports.kind.parse().map_err(unknown)?;
        let scopes = if self.cluster.kind(&name).await?.namespaced { self.source.scopes() } else { vec![""] };
        let mut seen = Vec::new();
        let mut look_at = |object: &Object| seen.extend(conditions::judge(object, reports));
        self.walk_in(&scopes, &reports.kind, "", &mut look_at).await?;
        Ok(seen)
    }

    async fn walk(&self, kind: &str, fields: &str, each: &mut (dyn FnMut(&Object) + Send)) -> Result<(), ClusterError> {
        self.walk_in(&self.source.scopes(), kind, fields, each).await
    }

    /// Goes page by page over all that there is in these namespaces.
    async fn walk_in(
        &self,
        scopes: &[&str],
        kind: &str,
        fields: &str,
        each: &mut (dyn FnMut(&Object) + Send),
    ) -> Result<(), ClusterError> {
        let mut left = MOST;
        for namespace in scopes {
            let query = ListQuery {
                kind: kind.to_owned(),
                namespace: (*namespace).to_owned(),
                labels: String::new(),
                fields: fields.to_owned(),
                limit: left,
            };
            let mut next = None;
            loop {
                let page = self.cluster.list_page(&query, next.as_deref()).await?;
                let too_many = || ClusterError::TooMany { what: format!("{kind} for one look"), limit: MOST };
                left = left.checked_sub(page.objects.len()).ok_or_else(too_many)?;
                page.objects.iter().for_each(&mut *each);
                next = page.next;
                if next.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }
}

fn blinds<'w>(looked: &mut Looked, watches: impl Iterator<Item = &'w &'w WatchedFor>, error: &ClusterError) {
    for what in watches {
        looked.blind.entry((*what).clone()).or_insert_with(|| error.to_string());
    }
}
