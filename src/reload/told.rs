//! What is said of reading again.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Counts, Mistake, Taken};
use crate::message::clip;

/// So many changes are named one by one.
const NAMED: usize = 12;

/// How long a line may become.
const LONGEST: usize = 700;

/// What to say: a line each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct News {
    pub mistakes: Vec<String>,
    pub changes: Vec<String>,
    pub warnings: Vec<String>,
}

/// What is new in `taken`, where `known` mistakes (a text for each file) were told before. What
/// counts has done so since `since`.
pub(super) fn news(
    name: &str,
    taken: &Taken,
    known: &BTreeMap<String, String>,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> News {
    let is_new = |mistake: &&Mistake| known.get(&mistake.file) != Some(&mistake.text);
    let mistakes = taken.mistakes.iter().filter(is_new).map(|mistake| {
        let Mistake { file, text, counts } = mistake;
        let line = match counts {
            Counts::Earlier => format!("{file} was NOT read again, the one of {} counts: {text}", time(since, now)),
            Counts::Version(version) => format!("{file} was NOT read again, its {version} counts: {text}"),
            Counts::Nothing => format!("{file} was NOT read: {text}"),
        };
        clip(&line, LONGEST)
    });
    let mut changes = Vec::new();
    if !taken.changes.is_empty() {
        let mut named = taken.changes.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
        if let Some(more) = taken.changes.len().checked_sub(NAMED).filter(|more| *more > 0) {
            named.push_str(&format!("; and {more} more"));
        }
        changes.push(clip(&format!("{name} was read again: {named}"), LONGEST));
    }
    let is_wrong = |file: &String| taken.mistakes.iter().any(|mistake| mistake.file == *file);
    let mended = known.keys().filter(|file| !is_wrong(file));
    changes.extend(mended.map(|file| clip(&format!("{file} has no mistake any more"), LONGEST)));
    let warnings = taken.warnings.iter().map(|warning| clip(warning, LONGEST)).collect();
    News { mistakes: mistakes.collect(), changes, warnings }
}

impl News {
    /// The announcement; `None`: there is nothing to say. What is wrong comes first.
    pub fn text(&self) -> Option<String> {
        let lines: Vec<&str> =
            self.mistakes.iter().chain(&self.changes).chain(&self.warnings).map(String::as_str).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

fn time(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let form = if at.date_naive() == now.date_naive() { "%H:%M UTC" } else { "%Y-%m-%d %H:%M UTC" };
    at.format(form).to_string()
}
