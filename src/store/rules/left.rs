//! What a run that is stopped still does, or may have done.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{FailureClass, ItemKey, Phase, RunEvent, StepAddress, StepName};

/// The mutations of each `atomic` group of a playbook, in order; and those of one item of each
/// loop, with the loop.
pub type Groups = Vec<(Option<StepAddress>, Vec<StepAddress>)>;

/// What a run's log leaves open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::store) struct Left {
    /// Mutations that were started, and whose outcome is on no log yet.
    pub started: Vec<String>,
    /// Those that were given up, and may have come through late.
    pub given_up: Vec<String>,
    /// What is finished all the same, as the group that it belongs to was begun.
    pub group: Vec<StepAddress>,
    /// Some of the log cannot be read, or what its steps belong to.
    pub is_unreadable: bool,
}

/// A mutation that was on the log.
enum Mutation {
    Started(String),
    GivenUp(String),
    Done,
    Unneeded,
}

/// `records`: those of mutations, in order. `groups`: of the run's playbook; `None`: it cannot be
/// read.
pub(in crate::store) fn left(records: &[RunEvent], groups: Option<&Groups>) -> Left {
    let mut mutations: BTreeMap<&StepAddress, Mutation> = BTreeMap::new();
    let (mut left, mut over) = (Left::default(), BTreeSet::new());
    for record in records {
        match record {
            RunEvent::Started { step, intent, .. } => {
                mutations.insert(step, Mutation::Started(intent.summary.clone()));
            }
            RunEvent::Done { step, .. } => {
                mutations.insert(step, Mutation::Done);
            }
            RunEvent::Unneeded { step, .. } => {
                mutations.insert(step, Mutation::Unneeded);
            }
            RunEvent::Failed { step, class, .. } => {
                if let Some(Mutation::Started(what)) = mutations.remove(step) {
                    // What was refused, or left alone, had no effect; of the others it is not
                    // known.
                    if !matches!(class, FailureClass::Fail | FailureClass::LeaveAlone | FailureClass::HeldUp) {
                        mutations.insert(step, Mutation::GivenUp(what));
                    }
                }
            }
            RunEvent::ItemEnded { step, .. } => drop(over.insert(step.clone())),
            RunEvent::Unknown => left.is_unreadable = true,
            _ => {}
        }
    }
    for mutation in mutations.values() {
        match mutation {
            Mutation::Started(what) => left.started.push(what.clone()),
            Mutation::GivenUp(what) => left.given_up.push(what.clone()),
            Mutation::Done | Mutation::Unneeded => {}
        }
    }
    match groups {
        Some(groups) => {
            for (each, group) in groups {
                let steps = left_of(group, &mutations);
                let is_over =
                    |step: &StepAddress| each.as_ref().is_some_and(|each| over.contains(&each.for_items(step.items())));
                left.group.extend(steps.into_iter().filter(|step| !is_over(step)));
            }
        }
        None => left.is_unreadable |= !mutations.is_empty(),
    }
    left
}

/// Of one group, for each item of the loops around it. One is begun by a mutation that was made, or
/// may have been.
fn left_of(group: &[StepAddress], mutations: &BTreeMap<&StepAddress, Mutation>) -> Vec<StepAddress> {
    let is_of = |step: &StepAddress| group.iter().any(|of| named(of) == named(step));
    let begun = |mutation: &Mutation| !matches!(mutation, Mutation::Unneeded);
    let of_group = mutations.iter().filter(|(step, mutation)| is_of(step) && begun(mutation));
    let items: BTreeSet<&[ItemKey]> = of_group.map(|(step, _)| step.items()).collect();
    let of_items = items.into_iter().flat_map(|items| group.iter().map(|step| step.for_items(items)));
    of_items.filter(|step| !mutations.contains_key(step)).collect()
}

fn named(step: &StepAddress) -> (Phase, &StepName) {
    (step.phase(), step.name())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::model::{Intent, ObjectKey};

    fn step(text: &str) -> StepAddress {
        text.parse().unwrap()
    }

    fn started(of: &str) -> RunEvent {
        let intent = Intent {
            summary: format!("change {of}"),
            object: ObjectKey::new("Deployment", "shop", "web"),
            uid: "u".into(),
            resource_version: "1".into(),
            before: json!(4),
            after: json!(6),
            marker: "m".into(),
        };
        RunEvent::Started { step: step(of), attempt: 1, intent, deadline: DateTime::UNIX_EPOCH, remedy: None }
    }

    fn failed(of: &str, class: FailureClass) -> RunEvent {
        RunEvent::Failed { step: step(of), attempt: 1, class, error: "no".into(), held: false }
    }

    fn done(of: &str) -> RunEvent {
        RunEvent::Done { step: step(of), attempt: 1, output: json!({}), summary: "done".into(), recovered: false }
    }

    fn unneeded(of: &str) -> RunEvent {
        RunEvent::Unneeded { step: step(of), summary: "as wanted".into(), output: json!({}) }
    }

    fn told(records: &[RunEvent]) -> (Vec<String>, Vec<String>, Vec<String>) {
        let groups = vec![
            (None, vec![step("mitigate.stop"), step("mitigate.start")]),
            (Some(step("mitigate.each")), vec![step("mitigate.drain"), step("mitigate.back")]),
        ];
        let left = left(records, Some(&groups));
        assert!(!left.is_unreadable);
        (left.started, left.given_up, left.group.iter().map(ToString::to_string).collect())
    }

    fn of(started: &[&str], given_up: &[&str], group: &[&str]) -> (Vec<String>, Vec<String>, Vec<String>) {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        (texts(started), texts(given_up), texts(group))
    }

    #[test]
    fn a_group_is_begun_by_what_was_made_or_may_have_been() {
        let (stop, start) = ("mitigate.stop", "mitigate.start");
        assert_eq!(told(&[]), of(&[], &[], &[]));
        assert_eq!(told(&[started(stop)]), of(&["change mitigate.stop"], &[], &[start]));
        assert_eq!(told(&[started(stop), done(stop)]), of(&[], &[], &[start]));
        assert_eq!(told(&[unneeded(stop)]), of(&[], &[], &[]));
        let late = [started(stop), failed(stop, FailureClass::Retry)];
        assert_eq!(told(&late), of(&[], &["change mitigate.stop"], &[start]));
        assert_eq!(told(&[started(stop), failed(stop, FailureClass::Fail)]), of(&[], &[], &[]));
        let both = [started(stop), done(stop), started(start)];
        assert_eq!(told(&both), of(&["change mitigate.start"], &[], &[]));
        assert_eq!(told(&[started(stop), done(stop), started(start), done(start)]), of(&[], &[], &[]));
        assert_eq!(told(&[started("mitigate.alone")]), of(&["change mitigate.alone"], &[], &[]));
    }

    #[test]
    fn each_item_of_a_loop_has_a_group_of_its_own() {
        let (a, b) = ("mitigate.stop[a]", "mitigate.stop[b]");
        let records =
            [started(a), done(a), started("mitigate.start[a]"), done("mitigate.start[a]"), started(b), done(b)];
        assert_eq!(told(&records), of(&[], &[], &["mitigate.start[b]"]));
        let drained = [started("mitigate.drain[a]"), done("mitigate.drain[a]")];
        assert_eq!(told(&drained), of(&[], &[], &["mitigate.back[a]"]));
        let outcome = crate::model::ItemOutcome::Failed;
        let ended = RunEvent::ItemEnded { step: step("mitigate.each[a]"), outcome, because: "it failed".into() };
        assert_eq!(told(&[drained.as_slice(), &[ended]].concat()), of(&[], &[], &[]));
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        assert!(left(&[RunEvent::Unknown], Some(&Groups::new())).is_unreadable);
        assert!(left(&[started("mitigate.stop")], None).is_unreadable);
        assert!(!left(&[], None).is_unreadable, "it has begun nothing");
    }
}
