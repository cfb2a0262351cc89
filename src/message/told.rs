//! Which entries of a timeline are worth a line: what is over is told by its end, and what repeats
//! once.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::text::time;
use super::timeline::tell;
use crate::model::{FailureClass, Look, RunEvent, RunId, StepAddress};
use crate::store::{TimelineEntry, TimelineWhat};

/// The entries of a whole timeline that are worth a line, with their texts.
pub(super) fn told(timeline: &[TimelineEntry]) -> Vec<(&TimelineEntry, String)> {
    let mut told: Vec<Told<'_>> = Vec::new();
    // What is told with the next one of its step: how often it was, and since when.
    let mut before: BTreeMap<(RunId, &StepAddress), (u32, DateTime<Utc>)> = BTreeMap::new();
    for (n, entry) in timeline.iter().enumerate() {
        let Some(text) = tell(entry) else { continue };
        match (fate(&timeline[n..]), of_step(entry)) {
            (Fate::Over, _) => continue,
            (Fate::Again, Some(step)) => {
                before.entry(step).or_insert((0, entry.at)).0 += 1;
                continue;
            }
            (Fate::Again | Fate::Stands, _) => {}
        }
        let repeats = matches!(&entry.what, TimelineWhat::Run(_, RunEvent::Looked { .. } | RunEvent::Failed { .. }));
        let (times, since) = match of_step(entry).filter(|_| repeats).and_then(|step| before.remove(&step)) {
            Some((times, since)) => (times + 1, since),
            None => (1, entry.at),
        };
        match told.last_mut().filter(|last| last.text == text && are_of_one(last.entry, entry)) {
            Some(last) => (last.entry, last.times) = (entry, last.times + times),
            None => told.push(Told { entry, text, times, since }),
        }
    }
    told.into_iter().map(|told| (told.entry, told.in_full())).collect()
}

/// What is told in one line: once, or so often in a row.
struct Told<'t> {
    /// The last one.
    entry: &'t TimelineEntry,
    text: String,
    times: u32,
    since: DateTime<Utc>,
}

impl Told<'_> {
    fn in_full(self) -> String {
        let Self { entry, text, times, since } = self;
        match &entry.what {
            _ if times == 1 => text,
            TimelineWhat::Run(_, RunEvent::Looked { .. }) => format!("{text} (look {times})"),
            _ => format!("{text} ({times} times since {})", time(since)),
        }
    }
}

fn of_step(entry: &TimelineEntry) -> Option<(RunId, &StepAddress)> {
    match &entry.what {
        TimelineWhat::Run(run, event) => Some((*run, event.step()?)),
        TimelineWhat::Incident(_) => None,
    }
}

/// Both are the incident's, or one run's.
fn are_of_one(one: &TimelineEntry, other: &TimelineEntry) -> bool {
    match (&one.what, &other.what) {
        (TimelineWhat::Run(one, _), TimelineWhat::Run(other, _)) => one == other,
        (TimelineWhat::Incident(_), TimelineWhat::Incident(_)) => true,
        _ => false,
    }
}

/// What became of an entry later on.
enum Fate {
    Stands,
    /// Its end is told.
    Over,
    /// The next look saw the same, or the next attempt failed of the same.
    Again,
}

fn fate(from_here: &[TimelineEntry]) -> Fate {
    let Some((TimelineEntry { what: TimelineWhat::Run(run, event), .. }, later)) = from_here.split_first() else {
        return Fate::Stands;
    };
    let mut later = later.iter().filter_map(|entry| match &entry.what {
        TimelineWhat::Run(other, event) if other == run => Some(event),
        _ => None,
    });
    match event {
        RunEvent::Started { step, .. } => {
            let ended = later.any(|event| {
                matches!(event, RunEvent::Done { step: other, .. } | RunEvent::Failed { step: other, .. } if other == step)
            });
            if ended { Fate::Over } else { Fate::Stands }
        }
        // A timer that is over is told by what came after it.
        RunEvent::Waiting { .. } | RunEvent::Verifying { .. } | RunEvent::Watching { .. } => {
            if later.any(|event| !matches!(event, RunEvent::Claimed { .. })) { Fate::Over } else { Fate::Stands }
        }
        RunEvent::SourceAsked { again_at: Some(_), .. } => {
            if later.any(|event| matches!(event, RunEvent::SourceAsked { .. })) { Fate::Over } else { Fate::Stands }
        }
        RunEvent::Looked { step, verdict: verdict @ (Look::NotYet | Look::Holds), .. } => {
            let looks_again = later
                .find(|event| !matches!(event, RunEvent::Claimed { .. } | RunEvent::Verifying { .. }))
                .is_some_and(|event| {
                    matches!(event, RunEvent::Looked { step: other, verdict: next, .. } if other == step && next == verdict)
                });
            if looks_again { Fate::Again } else { Fate::Stands }
        }
        RunEvent::Failed { step, class: FailureClass::Retry, error, .. } => {
            let next = later.find(|event| {
                event.step() == Some(step) && !matches!(event, RunEvent::Waiting { .. } | RunEvent::Started { .. })
            });
            let fails_again = next.is_some_and(|event| {
                matches!(event, RunEvent::Failed { class: FailureClass::Retry, error: next, .. } if next == error)
            });
            if fails_again { Fate::Again } else { Fate::Stands }
        }
        _ => Fate::Stands,
    }
}
