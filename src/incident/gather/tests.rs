//! Laws of gathering, whatever comes and whatever is there.

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::*;
use crate::incident::causes::Shared;
use crate::model::{ObjectKey, Origin, Scope};

fn scope() -> Scope {
    Scope { source: "alertmanager".into(), team: "dba".into(), origin: Origin::Home }
}

fn pod(n: u8) -> Grouping {
    Grouping::Object { object: ObjectKey::new("Pod", "db", format!("pg-{n}")), origin: Origin::Home }
}

fn under(kind: &str, name: u8) -> Grouping {
    Grouping::Under { object: ObjectKey::new(kind, "", format!("n{name}")), scope: scope() }
}

fn name(n: u8) -> Grouping {
    Grouping::Alert { alert: format!("Alert{n}"), scope: scope() }
}

fn shared(by: Grouping, from: From) -> Shared {
    Shared { by: by.into(), from }
}

/// An alert about a pod that is on a node and may belong to something.
fn causes(pod_number: u8, node: u8, named: u8, owner: Option<u8>) -> Causes {
    let mut all = vec![shared(under("Node", node), From::Places(3)), shared(name(named), From::Places(3))];
    all.extend(owner.map(|owner| shared(under("StatefulSet", owner), From::Once)));
    Causes { own: pod(pod_number).into(), shared: all }
}

fn any_causes() -> impl Strategy<Value = Causes> {
    (0..8_u8, 0..3_u8, 0..3_u8, proptest::option::of(0..4_u8))
        .prop_map(|(pod, node, named, owner)| causes(pod, node, named, owner))
}

fn any_severity() -> impl Strategy<Value = Severity> {
    prop_oneof![Just(Severity::S1), Just(Severity::S2), Just(Severity::S3)]
}

/// Incidents that are there: what each is about, and what it may share.
fn any_there() -> impl Strategy<Value = Joinable> {
    let one = (0..8_u8, btree_set(0..3_u8, 0..2), btree_set(0..3_u8, 0..2), any_severity());
    vec(one, 0..6).prop_map(|incidents| {
        let mut there = Joinable::default();
        for (id, (about, nodes, names, severity)) in (1..).zip(incidents) {
            let id = IncidentId(id);
            there.own.insert(pod(about).key(), id);
            let shares = nodes.into_iter().map(|n| under("Node", n)).chain(names.into_iter().map(name));
            let shares = shares.map(|grouping| (grouping.key(), grouping)).collect();
            there.recent.push(RecentIncident { id, severity, shares });
        }
        there
    })
}

proptest! {
    #[test]
    fn each_alert_goes_into_one_incident_that_is_no_part_of_another(
        alerts in vec(any_causes(), 0..20),
        there in any_there(),
    ) {
        let gathering = gather(&alerts.iter().collect::<Vec<_>>(), &there);
        prop_assert_eq!(gathering.of.len(), alerts.len());
        let absorbed: BTreeSet<IncidentId> = gathering.groups.iter().flat_map(|group| group.absorbs.clone()).collect();
        let count = gathering.groups.iter().map(|group| group.absorbs.len()).sum::<usize>();
        prop_assert_eq!(absorbed.len(), count, "taken in once");
        let mut incidents = BTreeSet::new();
        for at in gathering.of.iter().collect::<BTreeSet<_>>() {
            let group = &gathering.groups[*at];
            if let Some(incident) = group.incident {
                prop_assert!(!absorbed.contains(&incident), "{incident} is part of another one");
                prop_assert!(incidents.insert(incident), "{incident} has two groups");
            } else {
                prop_assert!(group.by.is_some() && !group.gathers.is_empty(), "{group:?}");
            }
        }
        // Who takes others in is used: else nobody would carry it out.
        let used: BTreeSet<usize> = gathering.of.iter().copied().collect();
        for (at, group) in gathering.groups.iter().enumerate() {
            prop_assert!(group.absorbs.is_empty() || used.contains(&at), "{group:?}");
        }
        for (one, a) in alerts.iter().zip(&gathering.of) {
            for (other, b) in alerts.iter().zip(&gathering.of) {
                prop_assert!(one.own != other.own || a == b, "one object is in one incident");
            }
        }
    }

    /// However many come, they are few incidents: what is left apart is less than a third place each.
    #[test]
    fn many_of_a_name_are_one(count in 3..40_u8) {
        let alerts: Vec<Causes> = (0..count).map(|n| causes(n, n, 0, None)).collect();
        let gathering = gather(&alerts.iter().collect::<Vec<_>>(), &Joinable::default());
        prop_assert_eq!(gathering.groups.len(), 1);
    }
}

fn recent(id: i64, severity: Severity, shares: &[Grouping]) -> RecentIncident {
    let shares = shares.iter().map(|grouping| (grouping.key(), grouping.clone())).collect();
    RecentIncident { id: IncidentId(id), severity, shares }
}

#[test]
fn the_worst_takes_the_others_in_and_of_equal_ones_the_first() {
    let take = |severities: [Severity; 2]| {
        let [a, b] = severities;
        let recent = vec![recent(1, a, &[name(0)]), recent(2, b, &[name(0)])];
        let there = Joinable { recent, ..Joinable::default() };
        let group = gather(&[&causes(7, 0, 0, None)], &there).groups.remove(0);
        (group.incident.map(|id| id.0), group.absorbs[0].0)
    };
    assert_eq!(take([Severity::S2, Severity::S2]), (Some(1), 2));
    assert_eq!(take([Severity::S2, Severity::S1]), (Some(2), 1));
}

#[test]
fn what_nearly_all_have_is_a_cause_and_what_some_have_is_not() {
    let class = |n| shared(under("StorageClass", n), From::NearlyAll(5));
    let claim = |n: u8, of: u8| Causes { own: pod(n).into(), shared: vec![class(of)] };
    let groups = |classes: &[u8]| {
        let alerts: Vec<Causes> = (0..).zip(classes).map(|(n, of)| claim(n, *of)).collect();
        gather(&alerts.iter().collect::<Vec<_>>(), &Joinable::default()).groups.len()
    };
    assert_eq!(groups(&[1, 1, 1, 1]), 4, "four are no sign");
    assert_eq!(groups(&[1, 1, 1, 1, 1]), 1);
    assert_eq!(groups(&[1, 1, 1, 1, 1, 2]), 2, "one of another class");
    assert_eq!(groups(&[1, 1, 1, 1, 1, 2, 3]), 7, "that many others say that it is not the class");
}
