//! What the store knows that a decision about a notification needs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::affected::{Affected, Asking, Counting};
use super::causes::{Causes, causes};
use super::earlier::{by_given_name, worse};
use super::gather::Joinable;
use super::left_out::{cut_grouping, cut_told, damage_grouping, damage_is_told};
use super::rating::rate;
use super::sighted::by_sightings;
use super::{Coverage, IncidentRules, Rating};
use crate::model::{
    Alert, AlertStatus, EpisodeId, Grouping, IncidentId, IncidentState, Notification, Origin, Target, Window,
};
use crate::store::{EpisodeHead, IncidentView, RecentIncident, RunHead, Store, StoreError};
use crate::surroundings::{Found, Marks};

/// What the store knows.
#[derive(Debug, Default)]
pub struct View {
    /// The latest episode of each alert, by fingerprint.
    pub episodes: HashMap<String, EpisodeHead>,
    /// Those firings of the notification (fingerprint and start) that have an episode.
    pub known: HashSet<(String, DateTime<Utc>)>,
    /// What alerts may join, and what the episodes belong to.
    pub incidents: HashMap<IncidentId, IncidentView>,
    /// The latest incident by the key of what alerts join it by.
    pub by_grouping: HashMap<String, IncidentId>,
    /// The unresolved incident in which something fires about each object, by the object's key.
    pub by_object: HashMap<String, IncidentId>,
    pub recent: Vec<RecentIncident>,
    /// Earlier runs, the newest first, by playbook and target key: as far back as the playbook's
    /// limits look.
    pub history: HashMap<(String, String), Vec<RunHead>>,
    /// How many alerts of this group were told of as left out by their sender.
    pub cut_told: u64,
    /// Alerts that are worse than what their open episodes say, where identity does not tell the
    /// two apart.
    pub worse: HashSet<String>,
    /// Whether the same damage of this group was told of.
    pub damage_told: bool,
    /// The maintenance windows that are active.
    pub windows: Vec<Window>,
    /// How closely it was counted what is affected.
    pub counting: Counting,
    /// What is affected in each incident that so many objects could make worse, but for what ends
    /// now.
    pub affected: HashMap<IncidentId, Affected>,
}

/// An alert of a notification with what is known of it before any incident is looked at.
#[derive(Debug, Clone)]
pub struct Seen {
    pub coverage: Coverage,
    /// What an operator should know about the search for its playbook.
    pub remarks: Vec<String>,
    pub causes: Causes,
    /// How bad it is.
    pub rating: Rating,
}

impl Seen {
    /// What an alert of that source may have in common with others is told by `coverage`, too, and
    /// by what was `found` in the cluster.
    pub fn new(
        rules: &IncidentRules,
        source: &str,
        group_key: &str,
        alert: &Alert,
        (coverage, remarks): (Coverage, Vec<String>),
        found: &Found,
    ) -> Self {
        let causes = causes(rules, source, group_key, alert, &coverage, found);
        let rating = rate(rules, &coverage, alert, None);
        Self { coverage, remarks, causes, rating }
    }

    /// Rates it by what the cluster says of its tier, too.
    pub(super) fn rated_by(self, rules: &IncidentRules, alert: &Alert, marks: &Marks) -> Self {
        let rating = rate(rules, &self.coverage, alert, Some(marks));
        Self { rating, ..self }
    }
}

impl View {
    /// The incident of a grouping.
    pub(super) fn of(&self, grouping: &Grouping) -> Option<&IncidentView> {
        self.by_grouping.get(&grouping.key()).and_then(|id| self.incidents.get(id))
    }

    /// The incident of the alert's last firing, if it is still the one to go on with.
    pub(super) fn incident_before(
        &self,
        fingerprint: &str,
        rules: &IncidentRules,
        now: DateTime<Utc>,
    ) -> Option<IncidentId> {
        let incident = self.episodes.get(fingerprint)?.incident;
        self.incidents.get(&incident).filter(|view| view.is_reusable(rules, now)).map(|_| incident)
    }

    /// What alerts may join now.
    pub(super) fn joinable(&self, rules: &IncidentRules, now: DateTime<Utc>) -> Joinable {
        let reusable = |id: &IncidentId| self.incidents.get(id).is_some_and(|view| view.is_reusable(rules, now));
        let recent = |id: &IncidentId| self.incidents.get(id).is_some_and(|view| view.is_near(rules, now));
        let of = |fits: &dyn Fn(&IncidentId) -> bool| {
            let fitting = self.by_grouping.iter().filter(|(_, id)| fits(id));
            fitting.map(|(key, id)| (key.clone(), *id)).collect::<HashMap<_, _>>()
        };
        let mut own = of(&reusable);
        own.extend(self.by_object.iter().map(|(key, id)| (key.clone(), *id)));
        let near = of(&|id| reusable(id) && recent(id));
        Joinable { own, near, recent: self.recent.clone() }
    }
}

impl View {
    /// Counts more closely what is affected in these. `false`: it was counted as closely as can be.
    pub(super) async fn count(
        &mut self,
        store: &dyn Store,
        rules: &IncidentRules,
        notification: &Notification,
        wide: &BTreeSet<IncidentId>,
    ) -> Result<bool, StoreError> {
        let closer = self.counting.closer(&self.windows).filter(|_| !wide.is_empty());
        let Some(counting) = closer else { return Ok(false) };
        let resolved = notification.alerts.iter().filter(|alert| alert.status == AlertStatus::Resolved);
        let ends = resolved.filter_map(|alert| self.episodes.get(&alert.fingerprint)).map(|episode| episode.id);
        let ends: Vec<EpisodeId> = ends.collect();
        let incidents = wide.iter().filter_map(|id| self.incidents.get(id)).map(|view| &view.incident);
        let incidents = incidents.filter(|incident| !incident.is_over());
        let asking = Asking { store, rules, windows: &self.windows, but: &ends };
        let affected = asking.of(incidents.map(|incident| (incident.id, incident.severity)), counting).await?;
        (self.counting, self.affected) = (counting, affected);
        Ok(true)
    }
}

impl IncidentView {
    /// How long ago it was resolved says only where an alert is told of: it calls somebody in
    /// either incident.
    fn is_reusable(&self, rules: &IncidentRules, now: DateTime<Utc>) -> bool {
        match (self.incident.state, self.incident.resolved_at) {
            (IncidentState::Resolved, Some(resolved_at)) => now < resolved_at + rules.reopen_within,
            (IncidentState::Resolved, None) => false,
            _ => true,
        }
    }

    /// Something joined it minutes ago.
    fn is_near(&self, rules: &IncidentRules, now: DateTime<Utc>) -> bool {
        now < self.incident.last_joined() + rules.grouping.within
    }
}

/// Those firings of the notification (fingerprint and start) that have an episode.
pub(super) async fn known_firings(
    store: &dyn Store,
    source: &str,
    notification: &Notification,
) -> Result<HashSet<(String, DateTime<Utc>)>, StoreError> {
    let firings: Vec<(&str, DateTime<Utc>)> =
        notification.alerts.iter().map(|alert| (alert.fingerprint.as_str(), alert.starts_at)).collect();
    store.known_firings(source, &firings).await
}

/// Reads what a decision about the notification needs. `seen`: what is known of each of its alerts;
/// `known`: its [`known_firings`].
pub(super) async fn gather_view(
    store: &dyn Store,
    rules: &IncidentRules,
    source: &str,
    notification: &Notification,
    (seen, mut known): (&[Seen], HashSet<(String, DateTime<Utc>)>),
    now: DateTime<Utc>,
) -> Result<View, StoreError> {
    let fingerprints: Vec<&str> = notification.alerts.iter().map(|alert| alert.fingerprint.as_str()).collect();
    let mut episodes = store.latest_episodes(source, &fingerprints).await?;
    for (fingerprint, episode) in by_given_name(store, source, notification, &episodes).await? {
        known.insert((fingerprint.clone(), episode.starts_at));
        episodes.insert(fingerprint, episode);
    }
    let worse = worse(store, &rules.severities, notification, &episodes).await?;
    let windows = store.windows_at(now).await?;
    let mut view = View { episodes, known, worse, windows, ..View::default() };
    let firing = || {
        let alerts = notification.alerts.iter().zip(seen);
        alerts.filter(|(alert, _)| alert.status == AlertStatus::Firing).map(|(_, seen)| seen)
    };
    let own: BTreeSet<&str> = firing().map(|seen| seen.causes.own.key.as_str()).collect();
    let shared = firing().flat_map(|seen| &seen.causes.shared).map(|shared| shared.by.key.as_str());
    let left_out = match notification.left_out.is_nothing() {
        true => Vec::new(),
        false => [Grouping::SetAside, cut_grouping(source), damage_grouping(source)].map(|it| it.key()).into(),
    };
    let keys: BTreeSet<&str> = own.iter().copied().chain(shared).chain(left_out.iter().map(String::as_str)).collect();
    let keys: Vec<&str> = keys.into_iter().collect();
    for (key, found) in store.incidents_by_grouping(&keys).await? {
        view.by_grouping.insert(key, found.incident.id);
        view.incidents.insert(found.incident.id, found);
    }
    if !own.is_empty() {
        view.by_object = store.incidents_by_object(&own.into_iter().collect::<Vec<_>>()).await?;
        for (own, incident) in by_sightings(store, rules, source, notification, seen).await? {
            view.by_object.entry(own).or_insert(incident);
        }
        view.recent = store.recent_incidents(now - rules.grouping.within).await?;
    }
    // One that is resolved was about something else, or was not put right.
    let open = |grouping: &Grouping| {
        let view = view.of(grouping).filter(|view| view.incident.state != IncidentState::Resolved);
        view.map(|view| view.incident.id)
    };
    let cut_told = match open(&cut_grouping(source)) {
        Some(id) => cut_told(&notification.group_key, &store.timeline(id).await?),
        None => 0,
    };
    let damage_told = match open(&damage_grouping(source)) {
        Some(id) => damage_is_told(notification, &store.timeline(id).await?),
        None => false,
    };
    (view.cut_told, view.damage_told) = (cut_told, damage_told);
    let others: BTreeSet<IncidentId> = view.episodes.values().map(|episode| episode.incident).collect();
    let others = others.into_iter().chain(view.by_object.values().copied());
    let others = others.chain(view.recent.iter().map(|recent| recent.id));
    let others: BTreeSet<IncidentId> = others.filter(|id| !view.incidents.contains_key(id)).collect();
    for found in store.incident_views(&others.into_iter().collect::<Vec<_>>()).await? {
        view.incidents.insert(found.incident.id, found);
    }
    let mut limited = BTreeMap::new();
    for seen in firing() {
        if let Coverage::Covered { playbook, target, .. } = &seen.coverage {
            limited.insert((playbook.name.clone(), target.key()), playbook.limits.of_target().look_back());
        }
    }
    for ((playbook, target_key), look_back) in limited {
        let runs = store.run_history(&playbook, &target_key, now - look_back).await?;
        view.history.insert((playbook, target_key), runs);
    }
    Ok(view)
}

/// The latest incident that is about the target: something of it fires there, or it was opened for
/// it.
pub(super) async fn incident_about(store: &dyn Store, target: &Target) -> Result<Option<IncidentView>, StoreError> {
    let key = Grouping::Object { object: target.clone(), origin: Origin::Home }.key();
    match store.incidents_by_object(&[&key]).await?.remove(&key) {
        Some(id) => Ok(store.incident_views(&[id]).await?.pop()),
        None => Ok(store.incidents_by_grouping(&[&key]).await?.remove(&key)),
    }
}
