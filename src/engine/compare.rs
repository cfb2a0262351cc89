//! Whether what was shown to a person is what would be done now.

use super::preview::Outlook;
use crate::model::{Preview, PreviewStep};

/// How what was shown compares with what would be done now.
#[derive(Debug, PartialEq)]
pub(super) enum Compared {
    Same,
    Changed,
    /// That cannot be told for the moment.
    Unasked(String),
}

/// Whether a yes to `shown` is a yes to what would be done now. Of a step that was shown as
/// uncertain nothing was promised, but of the first: what it does was there to be shown. Each item
/// of a loop is compared for itself at its turn: one that has changed does not hold up the others.
pub(super) fn compare(shown: &Preview, now: &Outlook) -> Compared {
    let mut unasked = None;
    for (n, shown) in shown.steps.iter().enumerate().filter(|(_, shown)| shown.step.items().is_empty()) {
        let Some(step) = now.preview.steps.iter().find(|step| step.step == shown.step) else {
            // Another way was taken meanwhile than the one that it lies on.
            if n > 0 && !shown.certain {
                continue;
            }
            return Compared::Changed;
        };
        match (shown.certain, now.unasked.get(&shown.step)) {
            (true, Some(error)) => unasked = unasked.or(Some(error.message.clone())),
            (true, None) if !is_the_same(step, shown) => return Compared::Changed,
            (false, None) if n == 0 && step.certain => return Compared::Changed,
            _ => {}
        }
    }
    unasked.map_or(Compared::Same, Compared::Unasked)
}

/// What the API server adds of its own, and says of a dry run, is nothing that was promised: where
/// it would refuse the change, it does.
fn is_the_same(now: &PreviewStep, shown: &PreviewStep) -> bool {
    let promised = |step: &PreviewStep| PreviewStep { dry_run: None, ..step.clone() };
    promised(now) == promised(shown)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::action::ActionError;
    use crate::model::{StepAddress, Undo};

    fn address(id: &str) -> StepAddress {
        format!("mitigate.{id}").parse().unwrap()
    }

    fn step(path: &str, summary: &str, certain: bool) -> PreviewStep {
        PreviewStep {
            step: address(path),
            mutating: true,
            summary: summary.into(),
            certain,
            diff: None,
            uid: None,
            dry_run: None,
            undo: Undo::Never,
        }
    }

    fn now(steps: &[PreviewStep], unasked: &[&str]) -> Outlook {
        let lost = |path: &&str| (address(path), ActionError::retry("the connection was lost"));
        let unasked = unasked.iter().map(lost).collect();
        Outlook {
            preview: Preview { steps: steps.to_vec(), asks_again: Vec::new() },
            unasked,
            refused: BTreeMap::new(),
            intents: BTreeMap::new(),
        }
    }

    #[test]
    fn a_yes_holds_for_what_was_certain() {
        let (one, two) =
            (step("one", "scale 4 -> 6", true), step("two", "create: decided after; now: x is live", false));
        let shown = Preview { steps: vec![one.clone(), two.clone()], asks_again: Vec::new() };
        assert_eq!(compare(&shown, &now(&[one.clone(), two.clone()], &[])), Compared::Same);
        let other_error = step("two", "create: decided after; now: x is still there", false);
        assert_eq!(compare(&shown, &now(&[one.clone(), other_error], &["two"])), Compared::Same);
        assert_eq!(compare(&shown, &now(&[one, step("two", "create x", true)], &[])), Compared::Same);
        assert_eq!(compare(&shown, &now(&[step("one", "scale 5 -> 8", true), two.clone()], &[])), Compared::Changed);
        let lost = step("one", "scale: decided after; now: the connection was lost", false);
        let unasked = Compared::Unasked("the connection was lost".into());
        assert_eq!(compare(&shown, &now(&[lost.clone(), two.clone()], &["one"])), unasked);
        // It failed for good: that is another thing than what was shown.
        assert_eq!(compare(&shown, &now(&[lost, two], &[])), Compared::Changed);
    }

    #[test]
    fn a_yes_to_a_first_step_that_nobody_saw_is_a_yes_to_nothing() {
        let shown = Preview { asks_again: Vec::new(), steps: vec![step("one", "scale: now: it is held", false)] };
        assert_eq!(compare(&shown, &now(&[step("one", "scale 4 -> 6", true)], &[])), Compared::Changed);
    }
}
