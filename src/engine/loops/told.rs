//! What became of a loop, for people and for the steps behind it.

use serde_json::{Value, json};

use super::state::{ItemState, Loop};
use crate::model::ItemOutcome;

/// So many are named; the timeline has the others.
const MOST_NAMED: usize = 100;

impl Loop {
    fn untouched(&self) -> impl Iterator<Item = &ItemState> {
        self.items.iter().filter(|item| item.outcome().is_none())
    }

    /// `3 of 40 done, 1 failed, 36 untouched`.
    pub fn summary(&self) -> String {
        if self.items.is_empty() {
            return "there were none".to_owned();
        }
        let mut parts = vec![format!("{} of {} done", self.count(ItemOutcome::Done), self.items.len())];
        let counts = [
            (self.count(ItemOutcome::Unneeded), "unneeded"),
            (self.count(ItemOutcome::Failed), "failed"),
            (self.count(ItemOutcome::LeftAlone), "left alone"),
            (self.untouched().count(), "untouched"),
        ];
        parts.extend(counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
        parts.join(", ")
    }

    /// The summary, with the names of all that were not done, and why.
    pub fn told(&self) -> String {
        let because = |item: &ItemState| format!("{} ({})", item.key, item.because());
        let of = |outcome| self.items.iter().filter(move |item| item.outcome() == Some(outcome));
        let mut parts = vec![format!("{}: {}", self.address, self.summary())];
        let named = [
            ("failed", of(ItemOutcome::Failed).map(because).collect::<Vec<_>>()),
            ("left alone", of(ItemOutcome::LeftAlone).map(because).collect()),
            ("untouched", self.untouched().map(|item| item.key.to_string()).collect()),
        ];
        for (what, mut names) in named {
            let more = names.len().saturating_sub(MOST_NAMED);
            names.truncate(MOST_NAMED);
            if more > 0 {
                names.push(format!("and {more} more"));
            }
            if !names.is_empty() {
                parts.push(format!("{what}: {}", names.join(", ")));
            }
        }
        parts.join("; ")
    }

    /// Whether something of it was not done.
    pub fn has_left(&self) -> bool {
        let is_helped = |item: &ItemState| matches!(item.outcome(), Some(ItemOutcome::Done | ItemOutcome::Unneeded));
        !self.items.iter().all(is_helped)
    }

    /// What stands under its id, behind it.
    pub fn output(&self) -> Value {
        let items = self.items.iter().map(|item| {
            let outcome = item.outcome().map_or_else(|| "untouched".to_owned(), |outcome| outcome.to_string());
            json!({ "key": item.key, "outcome": outcome, "because": item.because() })
        });
        json!({
            "total": self.items.len(),
            "done": self.count(ItemOutcome::Done),
            "unneeded": self.count(ItemOutcome::Unneeded),
            "failed": self.count(ItemOutcome::Failed),
            "left_alone": self.count(ItemOutcome::LeftAlone),
            "untouched": self.untouched().count(),
            "items": items.collect::<Vec<_>>(),
            "summary": self.summary(),
        })
    }
}
