//! Asking the cluster, within bounds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;

use super::conditions;
use super::pods::{self, Attach, Events, Told};
use super::services::{self, Endpoints, Service, ServiceName, Workload};
use super::settings::{ClusterSource, Reports, WORKLOADS, WatchedFor};
use super::sighting::{Owner, Sighting, is_unwatched, joined};
use crate::cluster::{Cluster, ClusterError, KindName, ListQuery, Object};
use crate::model::{HumanDuration, ObjectKey};

/// The most objects of one list. They come page by page, and of each page only what is judged is
/// kept: 50,000 are 100 requests.
const MOST: usize = 50_000;

/// So many pods that are not pending are read by their names: those that fail and ran before. Of
/// more, all that run are listed.
const MOST_NAMED: usize = 200;

/// Workloads and pods are listed in so many namespaces by themselves; of more, in all at once.
const MOST_NAMESPACES: usize = 20;

/// What the watches of one sort may take of one look: the worker's turn must end. All sorts are
/// looked at at once.
pub(super) const LOOK_WITHIN: Duration = Duration::from_secs(60);

/// A pod's namespace and name.
pub(super) type PodName = (String, String);

/// One look at all that a source watches.
pub(super) struct Look<'a> {
    pub cluster: &'a dyn Cluster,
    pub source: &'a ClusterSource,
    pub now: DateTime<Utc>,
    /// [`LOOK_WITHIN`].
    pub within: Duration,
    pub before: &'a Before,
}

/// What earlier looks came to.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// Pods of what is held or told: they are looked at again.
    pub pods: BTreeSet<PodName>,
    /// Pods whose volumes could not be attached, and what was said of them.
    pub attach: Told,
    /// Pods of alerts about that which fire, and when those began.
    pub open_attach: BTreeMap<PodName, DateTime<Utc>>,
    /// Services that had a ready endpoint.
    pub answered: BTreeSet<ServiceName>,
}

/// What a look came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Looked {
    pub sightings: Vec<Sighting>,
    /// What could not be looked at as a whole, and why: what is not seen of it may be there.
    pub blind: BTreeMap<WatchedFor, String>,
    /// Where all that was seen before was looked at again, and not all else.
    pub partly: BTreeMap<WatchedFor, String>,
    /// Services that have a ready endpoint, or had one in an earlier look.
    pub answered: BTreeSet<ServiceName>,
}

impl Looked {
    /// What was not looked at as a whole, and why.
    pub fn missing(&self) -> BTreeMap<&WatchedFor, &str> {
        self.partly.iter().chain(&self.blind).map(|(what, why)| (what, why.as_str())).collect()
    }

    fn and(&mut self, other: Self) {
        self.sightings.extend(other.sightings);
        self.blind.extend(other.blind);
        self.partly.extend(other.partly);
        self.answered.extend(other.answered);
    }

    fn blinds<'w>(&mut self, watches: impl IntoIterator<Item = &'w WatchedFor>, why: &str) {
        for what in watches {
            self.blind.entry(what.clone()).or_insert_with(|| why.to_owned());
        }
    }
}

impl Look<'_> {
    pub async fn looked(&self) -> Looked {
        let watched = self.source.watches.iter().map(|watch| &watch.what);
        let (of_pods, others): (Vec<_>, Vec<_>) = watched.partition(|what| what.is_of_pods());
        let sorts = others.into_iter().map(|what| vec![what]).chain([of_pods]).filter(|sort| !sort.is_empty());
        let mut looked = Looked::default();
        for part in join_all(sorts.map(|sort| self.part(sort))).await {
            looked.and(part);
        }
        looked.sightings = joined(std::mem::take(&mut looked.sightings));
        looked
    }

    /// Looks at what is watched of one sort. What was judged before it failed counts.
    async fn part(&self, sort: Vec<&WatchedFor>) -> Looked {
        let mut part = Looked::default();
        let look = async {
            match sort.as_slice() {
                [WatchedFor::ServiceWithoutEndpoints] => self.services(&mut part).await,
                [WatchedFor::ReportsFailure(reports)] => self.reports(reports, &mut part.sightings).await,
                of_pods => match self.pods(of_pods, &mut part).await {
                    Ok(()) => self.climb(&mut part.sightings).await,
                    Err(error) => Err(error),
                },
            }
        };
        let why = match tokio::time::timeout(self.within, look).await {
            Ok(Ok(())) => return part,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("a look at it took longer than {}", HumanDuration(self.within)),
        };
        part.blinds(sort, &why);
        // Whether a CronJob made it is not known, and so not what it is called.
        part.sightings.retain(|sighting| sighting.job().is_none());
        part
    }

    /// Runs of one CronJob are one failure, although each has its Job.
    async fn climb(&self, sightings: &mut Vec<Sighting>) -> Result<(), ClusterError> {
        let jobs: BTreeSet<PodName> = sightings.iter().filter_map(Sighting::job).collect();
        if jobs.is_empty() {
            return Ok(());
        }
        let (mut owners, mut unwatched) = (BTreeMap::new(), BTreeSet::new());
        let mut look_at = |job: &Object| {
            let name = (job.namespace().to_owned(), job.name().to_owned());
            if is_unwatched(job) {
                unwatched.insert(name);
            } else if let Some(owner) = Owner::of_job(job).filter(|_| jobs.contains(&name)) {
                owners.insert(name, owner);
            }
        };
        let namespaces = jobs.iter().map(|(namespace, _)| namespace.as_str()).collect();
        self.walk_in(&self.scopes_of(namespaces), "Job", "", &mut look_at).await?;
        sightings.retain(|sighting| sighting.job().is_none_or(|job| !unwatched.contains(&job)));
        for sighting in sightings {
            if let Some(owner) = sighting.job().and_then(|job| owners.get(&job)) {
                sighting.own.clone_from(&owner.labels);
                sighting.about.clone_from(&owner.about);
            }
        }
        Ok(())
    }

    /// Pods that are pending, and those that were seen before or events lead to.
    async fn pods(&self, watched: &[&WatchedFor], part: &mut Looked) -> Result<(), ClusterError> {
        let by_name: Vec<&WatchedFor> =
            watched.iter().copied().filter(|what| **what != WatchedFor::FailedAttach).collect();
        let mut attach = Attach { told: self.before.attach.clone(), open: self.before.open_attach.clone() };
        if watched.contains(&&WatchedFor::FailedAttach) {
            match self.attach().await {
                Ok(told) => attach.told.extend(told),
                Err(error) => part.blinds([&WatchedFor::FailedAttach], &error.to_string()),
            }
        }
        let mut led_to = BTreeSet::new();
        if !by_name.is_empty() {
            match self.events("Failed").await {
                Ok(events) => led_to = events.named,
                Err(error) => part.blinds(by_name.iter().copied(), &error.to_string()),
            }
        }
        let mut pending = BTreeSet::new();
        let sightings = &mut part.sightings;
        let mut look_at = |pod: &Object| {
            pending.insert((pod.namespace().to_owned(), pod.name().to_owned()));
            sightings.extend(watched.iter().filter_map(|what| pods::judge(pod, what, &attach)));
        };
        self.walk("Pod", "status.phase=Pending", &mut look_at).await?;
        if by_name.is_empty() {
            return Ok(());
        }
        let mut look_at =
            |pod: &Object| sightings.extend(by_name.iter().filter_map(|what| pods::judge(pod, what, &attach)));
        let is_left = |pod: &&PodName| !pending.contains(*pod) && self.source.covers(&pod.0);
        let known: Vec<&PodName> = self.before.pods.iter().filter(is_left).collect();
        let new: Vec<&PodName> = led_to.difference(&self.before.pods).filter(is_left).collect();
        if known.len() > MOST_NAMED {
            return self.running(known.into_iter().chain(new), &mut look_at).await;
        }
        let lists_new = known.len() + new.len() > MOST_NAMED;
        let (named, listed) = if lists_new { (known, new) } else { ([known, new].concat(), Vec::new()) };
        for (namespace, name) in named {
            if let Some(pod) = self.cluster.get(&ObjectKey::new("Pod", namespace, name)).await? {
                look_at(&pod);
            }
        }
        if !lists_new {
            return Ok(());
        }
        match self.running(listed, &mut look_at).await {
            // No end hangs on them.
            Err(error @ ClusterError::TooMany { .. }) => {
                part.partly.extend(by_name.iter().map(|what| ((*what).clone(), error.to_string())));
                Ok(())
            }
            other => other,
        }
    }

    /// All pods that run where these are.
    async fn running<'p>(
        &self,
        pods: impl IntoIterator<Item = &'p PodName>,
        each: &mut (dyn FnMut(&Object) + Send),
    ) -> Result<(), ClusterError> {
        let namespaces = pods.into_iter().map(|(namespace, _)| namespace.as_str()).collect();
        self.walk_in(&self.scopes_of(namespaces), "Pod", "status.phase=Running", each).await
    }

    /// What events say of volumes that cannot be attached.
    async fn attach(&self) -> Result<Told, ClusterError> {
        let (attach, mounts) = (self.events("FailedAttachVolume").await?, self.events("FailedMount").await?);
        Ok(attach.told(&mounts, self.now))
    }

    async fn events(&self, reason: &str) -> Result<Events, ClusterError> {
        let mut events = Events::default();
        let fields = format!("involvedObject.kind=Pod,reason={reason}");
        self.walk("Event", &fields, &mut |event| events.hear(event, self.now)).await?;
        Ok(events)
    }

    async fn services(&self, part: &mut Looked) -> Result<(), ClusterError> {
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
        let answered_before = ill.iter().filter(|service| self.before.answered.contains(&service.name));
        part.answered.extend(answered_before.map(|service| service.name.clone()));
        part.answered.extend(well.into_iter().map(|service| service.name));
        let namespaces: BTreeSet<&str> = ill.iter().map(|service| service.name.0.as_str()).collect();
        let workloads = self.workloads(namespaces).await?;
        let judged =
            ill.iter().filter_map(|service| services::judge(service, of(service), &workloads, &self.before.answered));
        part.sightings.extend(judged);
        Ok(())
    }

    async fn workloads(&self, namespaces: BTreeSet<&str>) -> Result<Vec<Workload>, ClusterError> {
        let scopes = self.scopes_of(namespaces);
        let mut found = Vec::new();
        for kind in WORKLOADS {
            self.walk_in(&scopes, kind, "", &mut |workload| found.push(Workload::of(workload))).await?;
        }
        Ok(found)
    }

    /// A few namespaces by themselves, of more all that are looked at.
    fn scopes_of<'s>(&'s self, namespaces: BTreeSet<&'s str>) -> Vec<&'s str> {
        match namespaces.len() {
            few if few <= MOST_NAMESPACES => namespaces.into_iter().collect(),
            _ => self.source.scopes(),
        }
    }

    async fn reports(&self, reports: &Reports, seen: &mut Vec<Sighting>) -> Result<(), ClusterError> {
        let unknown = |_| ClusterError::UnknownKind(reports.kind.clone());
        let name: KindName = reports.kind.parse().map_err(unknown)?;
        let scopes = if self.cluster.kind(&name).await?.namespaced { self.source.scopes() } else { vec![""] };
        let mut look_at = |object: &Object| seen.extend(conditions::judge(object, reports));
        self.walk_in(&scopes, &reports.kind, "", &mut look_at).await
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

#[cfg(test)]
mod tests;
