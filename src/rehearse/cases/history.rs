//! What was done before a case begins.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::document::{Case, CaseFile};
use crate::model::{HumanDuration, Outcome, PastRun, RunId};

/// A run before the case.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlierRun {
    /// Of which playbook.
    pub playbook: String,
    /// So long before the case it ended; one that is under way began then.
    pub ago: HumanDuration,
    /// How it ended; without it, it is under way.
    pub outcome: Option<Outcome>,
    /// Why.
    #[serde(default)]
    pub because: String,
    /// What it changed, in words.
    #[serde(default)]
    pub changed: Vec<String>,
    /// The person who asked for it.
    pub asked_by: Option<String>,
}

/// How long a run of before took.
const TOOK: TimeDelta = TimeDelta::minutes(5);

/// All that was before, the newest first.
pub(super) fn past(file: &CaseFile, case: &Case, begin: DateTime<Utc>) -> Vec<PastRun> {
    let mut said: Vec<&EarlierRun> = case.history.iter().chain(&file.history).map(|run| &run.value).collect();
    said.sort_by_key(|run| run.ago.0);
    let many = i64::try_from(said.len()).unwrap_or(i64::MAX);
    // Theirs are numbers that no run of the case has.
    said.iter().zip((1..=many).rev()).map(|(run, number)| past_run(run, RunId(1_000_000 + number), begin)).collect()
}

fn past_run(run: &EarlierRun, id: RunId, begin: DateTime<Utc>) -> PastRun {
    let at = begin - TimeDelta::from_std(run.ago.0).unwrap_or_default();
    let is_over = run.outcome.is_some();
    PastRun {
        run: id,
        playbook: run.playbook.clone(),
        began: if is_over { at - TOOK } else { at },
        ended: is_over.then_some(at),
        outcome: run.outcome,
        because: (!run.because.is_empty()).then(|| run.because.clone()),
        requested_by: run.asked_by.clone(),
        changed: run.changed.clone(),
    }
}
