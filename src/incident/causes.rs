//! What an alert may have in common with others: by what it joins an incident, and from how many
//! places on that is taken for one cause.
//!
//! | in common | one incident |
//! | --- | --- |
//! | the object | always |
//! | the owner; Alertmanager's group, for an alert that no playbook knows | within minutes |
//! | the node | from 3 places on, within minutes |
//! | the alert's name | from 3 places on, within minutes |
//! | the storage class | from 5 places on, within minutes, where no more than one in five has another |
//! | the zone | from 8 places on, in the same way |
//!
//! What runs on a node, is made from a storage class or is managed by an operator joins an incident
//! that is about that one itself, too. All but the object counts among alerts of one source and one
//! team only: a join calls nobody anew.

use super::opening::team_of;
use super::subject::{node, owner, place, storage_class, subject, zone};
use super::{Coverage, IncidentRules};
use crate::model::{Alert, Grouping, MayStart, ObjectKey, Origin, Scope};
use crate::sightings::gathered_by;
use crate::surroundings::{Found, Surroundings};

/// What one alert may have in common with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Causes {
    /// What it is about.
    pub own: Keyed,
    pub shared: Vec<Shared>,
}

/// A grouping with its key, which is compared often.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Keyed {
    pub key: String,
    pub by: Grouping,
}

impl std::convert::From<Grouping> for Keyed {
    fn from(by: Grouping) -> Self {
        Self { key: by.key(), by }
    }
}

/// Something in common, and from how many places on it is one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    pub by: Keyed,
    pub from: From,
}

impl Shared {
    fn new(by: Grouping, from: From) -> Self {
        Self { by: by.into(), from }
    }
}

/// From how many places on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// The first says it already: what is near in time joins it.
    Once,
    Places(usize),
    /// That many, and nearly all that there is now: nearly everything has one of a few.
    NearlyAll(usize),
    /// Only where an incident is about it.
    Never,
}

/// By the alert's own labels.
fn told_by(rules: &IncidentRules, alert: &Alert, object: Option<&ObjectKey>) -> Surroundings {
    Surroundings {
        owner: object.and_then(|object| owner(rules, alert, object)),
        node: node(rules, alert).map(str::to_owned),
        storage_class: storage_class(rules, alert).map(str::to_owned),
        zone: zone(alert).map(str::to_owned),
        operator: None,
    }
}

/// What an alert of that source may have in common with others. `found`: what the cluster says of
/// objects.
pub fn causes(
    rules: &IncidentRules,
    source: &str,
    group_key: &str,
    alert: &Alert,
    coverage: &Coverage,
    found: &Found,
) -> Causes {
    let origin = origin(rules, source, coverage);
    let cluster = match &origin {
        Origin::Cluster(cluster) => Some(cluster.clone()),
        Origin::Home | Origin::Source(_) => None,
    };
    let object = object(rules, alert, coverage);
    // Labels tell where the alert's own object is, which need not be what the playbook acts on.
    let is_told_of = coverage.target().is_none_or(|target| Some(target) == subject(rules, alert).as_ref());
    let told = if is_told_of { told_by(rules, alert, object.as_ref()) } else { Surroundings::default() };
    // The cluster knows better: a label may be the exporter's.
    let found = object.as_ref().filter(|_| origin == Origin::Home).and_then(|object| found.get(object));
    let told = found.cloned().unwrap_or_default().or(told);
    let team = team_of(rules, coverage, alert);
    let scope = Scope { source: source.to_owned(), team, origin: origin.clone() };
    let mut shared = Vec::new();
    if coverage.target().is_none() {
        let by = Grouping::Group {
            source: source.to_owned(),
            alert: alert.name().to_owned(),
            group_key: group_key.to_owned(),
            cluster,
        };
        shared.push(Shared::new(by, From::Once));
    }
    let under = |object, from| Shared::new(Grouping::Under { object, scope: scope.clone() }, from);
    shared.extend(object.iter().filter(|object| object.kind != "Pod").map(|object| under(object.clone(), From::Once)));
    shared.extend(told.owner.map(|owner| under(owner, From::Once)));
    let is = |kind: &str| object.as_ref().is_some_and(|object| object.kind == kind);
    let cluster_wide = |kind: &str, name: String| ObjectKey::new(kind, "", name);
    if !is("Node") {
        shared.extend(told.node.map(|node| under(cluster_wide("Node", node), From::Places(3))));
    }
    if !is("StorageClass") {
        let class = told.storage_class.map(|class| cluster_wide("StorageClass", class));
        shared.extend(class.map(|class| under(class, From::NearlyAll(5))));
    }
    shared.extend(told.operator.map(|operator| under(operator, From::Never)));
    let sort = match rules.sighted_by.contains(source) {
        true => gathered_by(alert),
        false => Some(alert.name().to_owned()),
    };
    let name = sort.map(|alert| Grouping::Alert { alert, scope: scope.clone() });
    shared.extend(name.map(|name| Shared::new(name, From::Places(3))));
    shared.extend(told.zone.map(|zone| Shared::new(Grouping::Zone { zone, scope }, From::NearlyAll(8))));
    let own = match object {
        Some(object) => Grouping::Object { object, origin },
        None => Grouping::Place { alert: alert.name().to_owned(), labels: place(&alert.labels), origin },
    };
    Causes { own: own.into(), shared }
}

/// The object that it is about.
fn object(rules: &IncidentRules, alert: &Alert, coverage: &Coverage) -> Option<ObjectKey> {
    coverage.target().cloned().or_else(|| subject(rules, alert))
}

/// The object that it is about, if that is one of the cluster that the bot works on, and the source
/// may speak of it.
pub(super) fn object_at_home(
    rules: &IncidentRules,
    source: &str,
    alert: &Alert,
    coverage: &Coverage,
) -> Option<ObjectKey> {
    object(rules, alert, coverage).filter(|_| origin(rules, source, coverage) == Origin::Home)
}

/// Whether what the alert says of objects is about the cluster that the bot works on, and its source
/// may speak of them.
pub(super) fn may_speak(rules: &IncidentRules, source: &str, coverage: &Coverage) -> bool {
    origin(rules, source, coverage) == Origin::Home
}

/// An alert that may not start anything for what it names joins no incident of that: it would hide
/// behind it, or it behind this one.
fn origin(rules: &IncidentRules, source: &str, coverage: &Coverage) -> Origin {
    match coverage {
        Coverage::Covered { .. } => Origin::Home,
        Coverage::Elsewhere { cluster, .. } => Origin::Cluster(cluster.clone()),
        Coverage::Unusable { .. } => Origin::Source(source.to_owned()),
        Coverage::Uncovered => match rules.may_start.of(source) {
            MayStart::Everything => Origin::Home,
            MayStart::Nothing | MayStart::Only(_) => Origin::Source(source.to_owned()),
        },
    }
}
