//! Runs that stop for the same reason.

use chrono::TimeDelta;

use crate::model::{Target, Undo};

/// So soon after what joined an incident last, a run that stops for the same reason is part of it.
pub(in crate::store) const STOPS_ALIKE_WITHIN: TimeDelta = TimeDelta::minutes(15);

/// What runs of one playbook have in common that stop for one reason: what they say, but for their
/// own targets and for numbers.
pub(in crate::store) fn stop_key(team: &str, playbook: &str, because: &str, target: &Target) -> String {
    // What was taken back of it is no other reason.
    let undone = [Undo::TAKEN_BACK, Undo::STANDS].map(|told| format!("; {told}"));
    let because = undone.iter().fold(because, |because, told| because.split(told.as_str()).next().unwrap_or_default());
    format!("{team}/{playbook}: {}", without_its_own(because, target))
}

fn without_its_own(because: &str, target: &Target) -> String {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut said = String::with_capacity(because.len());
    let mut rest = because;
    while let Some(start) = rest.find(is_part) {
        let (before, word) = rest.split_at(start);
        let (word, after) = word.split_at(word.find(|c| !is_part(c)).unwrap_or(word.len()));
        said.push_str(before);
        let name = word.trim_end_matches('.');
        if name == target.name || name == target.namespace {
            said.push('…');
        } else {
            said.extend(word.chars().filter(|c| !c.is_ascii_digit() && *c != '.'));
        }
        rest = after;
    }
    said + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_reason_is_the_same_for_each_target() {
        let of = |name: &str, because: &str| {
            stop_key("platform", "pvc-filling", because, &Target::new("PersistentVolumeClaim", "db", name))
        };
        let fast = of("data-0", "the storage class fast of db/data-0 cannot expand (97.2 % full).");
        assert_eq!(fast, of("data-1", "the storage class fast of db/data-1 cannot expand (91 % full)."));
        assert_ne!(fast, of("data-1", "the storage class slow of db/data-1 cannot expand (91 % full)."));
        assert_ne!(of("a", "a query failed"), of("b", "somebody else is at work"));
        assert_eq!(of("a", "grow a"), of("b", "grow b"), "not each letter of it");
        assert_eq!(of("a", ""), of("b", ""));
        let undone = ["it did not help; taken back: scale a", "it did not help; it was not taken back: it is 8 now"];
        assert!(undone.iter().all(|undone| of("a", undone) == of("a", "it did not help")));
    }
}
