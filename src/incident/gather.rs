//! Which incident each alert of a notification joins: one that is there, or a new one together with
//! others. Pure, and in one go for the whole notification.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::causes::{Causes, From, Keyed};
use crate::model::{Grouping, IncidentId, Severity};
use crate::store::RecentIncident;

/// What is there that alerts may join, by the keys of groupings.
#[derive(Debug, Clone, Default)]
pub struct Joinable {
    /// What each is about: joined at any time.
    pub own: HashMap<String, IncidentId>,
    /// What is one cause already, or may be from the first on: joined within minutes.
    pub near: HashMap<String, IncidentId>,
    pub recent: Vec<RecentIncident>,
}

/// Alerts that go into one incident.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// `None`: a new one.
    pub incident: Option<IncidentId>,
    /// What makes it one incident, where that is decided now.
    pub by: Option<Grouping>,
    /// By what others join it from now on.
    pub gathers: BTreeSet<Keyed>,
    /// What it may have in common with others.
    pub shares: BTreeSet<Keyed>,
    /// Incidents that turn out to be part of it.
    pub absorbs: Vec<IncidentId>,
}

/// Into which group each alert goes, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gathering {
    pub groups: Vec<Group>,
    pub of: Vec<usize>,
}

/// Gathers the alerts.
pub fn gather(alerts: &[&Causes], there: &Joinable) -> Gathering {
    let mut places = Places::of(alerts);
    let mut groups = Groups::default();
    for place in &mut places.all {
        if let Some(incident) = known(place, there) {
            place.group = Some(groups.of_incident(incident));
        }
    }
    let mut taken = BTreeSet::new();
    let mut absorbed: BTreeMap<IncidentId, usize> = BTreeMap::new();
    while let Some(found) = one_cause(&places.all, there, &taken) {
        let group = gathered(&places.all, &found);
        taken.extend(found.incidents.iter().map(|(_, id)| *id));
        let parts = group.absorbs.clone();
        let at = groups.add(group);
        absorbed.extend(parts.into_iter().map(|part| (part, at)));
        for place in found.places {
            places.all[place].group = Some(at);
        }
    }
    for place in places.all.iter_mut().filter(|place| place.group.is_none()) {
        place.group = Some(groups.add(alone(place)));
    }
    // What joins a part joins the whole.
    let whole = |group: usize| {
        let part = groups.all[group].incident.and_then(|incident| absorbed.get(&incident));
        part.copied().unwrap_or(group)
    };
    let of = places.of.iter().map(|place| whole(places.all[*place].group.unwrap_or_default())).collect();
    Gathering { groups: groups.all, of }
}

/// What is told of one place, or of places that belong together anyway.
#[derive(Default)]
struct Place<'a> {
    /// One alert of each that it is about.
    about: Vec<&'a Causes>,
    group: Option<usize>,
}

struct Places<'a> {
    all: Vec<Place<'a>>,
    /// Of which each alert tells.
    of: Vec<usize>,
}

impl<'a> Places<'a> {
    fn of(alerts: &[&'a Causes]) -> Self {
        let mut all: Vec<Place<'a>> = Vec::new();
        let mut by_key: HashMap<&str, usize> = HashMap::new();
        let mut own = HashSet::new();
        let mut of = Vec::with_capacity(alerts.len());
        for causes in alerts.iter().copied() {
            let once = causes.shared.iter().filter(|shared| shared.from == From::Once);
            let keys = || std::iter::once(&causes.own).chain(once.clone().map(|shared| &shared.by));
            let found = keys().find_map(|keyed| by_key.get(keyed.key.as_str()).copied());
            let place = found.unwrap_or_else(|| {
                all.push(Place::default());
                all.len() - 1
            });
            for keyed in keys() {
                by_key.entry(&keyed.key).or_insert(place);
            }
            if own.insert(causes.own.key.as_str()) {
                all[place].about.push(causes);
            }
            of.push(place);
        }
        Self { all, of }
    }
}

#[derive(Default)]
struct Groups {
    all: Vec<Group>,
    of_incident: HashMap<IncidentId, usize>,
}

impl Groups {
    fn of_incident(&mut self, incident: IncidentId) -> usize {
        *self.of_incident.entry(incident).or_insert_with(|| {
            self.all.push(Group { incident: Some(incident), ..Group::default() });
            self.all.len() - 1
        })
    }

    fn add(&mut self, group: Group) -> usize {
        let Some(incident) = group.incident else {
            self.all.push(group);
            return self.all.len() - 1;
        };
        let at = self.of_incident(incident);
        let Group { by, gathers, shares, absorbs, .. } = group;
        let there = &mut self.all[at];
        there.by = by.or(there.by.take());
        there.gathers.extend(gathers);
        there.shares.extend(shares);
        there.absorbs.extend(absorbs);
        at
    }
}

/// The incident that is there for a place: about the same, else of a cause that it shares.
fn known(place: &Place<'_>, there: &Joinable) -> Option<IncidentId> {
    let own = place.about.iter().find_map(|causes| there.own.get(&causes.own.key));
    let near = || {
        let mut shared = place.about.iter().flat_map(|causes| &causes.shared);
        shared.find_map(|shared| there.near.get(&shared.by.key))
    };
    own.or_else(near).copied()
}

/// Something in common, with all that have it.
struct Found<'a> {
    by: &'a Keyed,
    from: From,
    places: Vec<usize>,
    /// How many things these places are about that have it.
    about: usize,
    /// Those that are there already and may have it.
    incidents: Vec<(Severity, IncidentId)>,
    /// How many have something of the sort, such as any zone.
    of_its_sort: usize,
    /// What else all of these incidents may have in common.
    others: BTreeSet<&'a str>,
}

impl Found<'_> {
    fn count(&self) -> usize {
        self.about + self.incidents.len()
    }

    fn is_one_cause(&self) -> bool {
        match self.from {
            From::Once | From::Never => false,
            From::Places(least) => self.count() >= least,
            From::NearlyAll(least) => self.count() >= least && self.count() * 5 >= self.of_its_sort * 4,
        }
    }
}

/// What most have in common that are in no group yet, if that is enough for one cause. `taken`: the
/// incidents that are.
fn one_cause<'a>(places: &[Place<'a>], there: &'a Joinable, taken: &BTreeSet<IncidentId>) -> Option<Found<'a>> {
    let mut all: BTreeMap<&str, Found<'a>> = BTreeMap::new();
    let mut sorts: BTreeMap<Sort, usize> = BTreeMap::new();
    for (at, place) in places.iter().enumerate().filter(|(_, place)| place.group.is_none()) {
        for shared in place.about.iter().flat_map(|causes| &causes.shared) {
            let found = all.entry(&shared.by.key).or_insert_with(|| Found {
                by: &shared.by,
                from: shared.from,
                places: Vec::new(),
                about: 0,
                incidents: Vec::new(),
                of_its_sort: 0,
                others: BTreeSet::new(),
            });
            found.about += 1;
            if found.places.last() != Some(&at) {
                found.places.push(at);
            }
            *sorts.entry(Sort::of(&shared.by.by)).or_default() += 1;
        }
    }
    for recent in there.recent.iter().filter(|recent| !taken.contains(&recent.id)) {
        for (key, by) in &recent.shares {
            *sorts.entry(Sort::of(by)).or_default() += 1;
            let Some(found) = all.get_mut(key.as_str()) else { continue };
            let theirs = recent.shares.keys().map(String::as_str);
            match found.incidents.is_empty() {
                true => found.others = theirs.collect(),
                false => found.others.retain(|other| recent.shares.contains_key(*other)),
            }
            found.incidents.push((recent.severity, recent.id));
        }
    }
    for found in all.values_mut() {
        found.of_its_sort = sorts.get(&Sort::of(&found.by.by)).copied().unwrap_or_default();
    }
    // The most first; of as many, what says more: a node says more than a name.
    let enough = all.into_values().filter(Found::is_one_cause);
    enough.max_by_key(|found| (found.count(), std::cmp::Reverse(Sort::of(&found.by.by))))
}

/// What sort of thing is in common: what says more comes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    Under(String),
    Name,
    Zone,
    Other,
}

impl Sort {
    fn of(by: &Grouping) -> Self {
        match by {
            Grouping::Under { object, .. } => Self::Under(object.kind.clone()),
            Grouping::Alert { .. } => Self::Name,
            Grouping::Zone { .. } => Self::Zone,
            _ => Self::Other,
        }
    }
}

/// The group of what was found. The worst incident that is there takes the others in, of equal ones
/// the first: its page is the one that people have.
fn gathered(places: &[Place<'_>], found: &Found<'_>) -> Group {
    let root = found.incidents.iter().min().map(|(_, id)| *id);
    let absorbs = found.incidents.iter().map(|(_, id)| *id).filter(|id| Some(*id) != root).collect();
    let about: Vec<&Causes> = found.places.iter().flat_map(|at| &places[*at].about).copied().collect();
    let mut having: HashMap<&str, usize> = HashMap::new();
    for shared in about.iter().flat_map(|causes| &causes.shared) {
        *having.entry(&shared.by.key).or_default() += 1;
    }
    let mut group = Group { incident: root, by: Some(found.by.by.clone()), absorbs, ..Group::default() };
    if root.is_none() {
        group.gathers.extend(about.first().map(|causes| causes.own.clone()));
    }
    group.gathers.insert(found.by.clone());
    for shared in about.iter().flat_map(|causes| &causes.shared) {
        let key = shared.by.key.as_str();
        let is_of_all =
            having.get(key) == Some(&about.len()) && (found.incidents.is_empty() || found.others.contains(key));
        match shared.from {
            // What many begin with is no cause of them all.
            From::Once if is_of_all || about.len() <= FEW => group.gathers.insert(shared.by.clone()),
            From::Places(least) if is_of_all && found.count() >= least => group.gathers.insert(shared.by.clone()),
            From::Places(_) | From::NearlyAll(_) if is_of_all => group.shares.insert(shared.by.clone()),
            _ => false,
        };
    }
    let Group { gathers, shares, .. } = &mut group;
    shares.retain(|shared| !gathers.contains(shared));
    group
}

/// So many that what each of them has of its own is still looked for.
const FEW: usize = 20;

/// The group of a place that has nothing in common with others so far.
fn alone(place: &Place<'_>) -> Group {
    let mut group = Group::default();
    group.gathers.extend(place.about.first().map(|causes| causes.own.clone()));
    for shared in place.about.iter().flat_map(|causes| &causes.shared) {
        match shared.from {
            From::Once => {
                if let Grouping::Group { .. } = &shared.by.by {
                    group.by.get_or_insert_with(|| shared.by.by.clone());
                }
                group.gathers.insert(shared.by.clone())
            }
            From::Places(_) | From::NearlyAll(_) | From::Never => group.shares.insert(shared.by.clone()),
        };
    }
    if group.by.is_none() {
        group.by = place.about.first().map(|causes| causes.own.by.clone());
    }
    group
}

#[cfg(test)]
mod tests;
