//! What the bot changed, from the logs of its runs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::summarise::ShiftRecords;
use super::summary::ChangeMade;
use crate::model::{Intent, Run, RunEvent, StepAddress};
use crate::store::{Store, StoreError};

pub(super) async fn made(store: &dyn Store, facts: &ShiftRecords) -> Result<Vec<ChangeMade>, StoreError> {
    let mut changes: Vec<ChangeMade> = Vec::new();
    for run in facts.view.runs_ended.iter().chain(&facts.view.runs_under_way) {
        let log = store.run_log(run.id).await?;
        let mut failed: BTreeMap<(&StepAddress, &str, String), (usize, u32)> = BTreeMap::new();
        for (at, step, attempt, intent) in log.iter().filter_map(started) {
            if !facts.shift.contains(at) {
                continue;
            }
            let result = result_of(&log, step, attempt);
            if let Became::Failed(error) = &result {
                // Attempts that failed of the same are one change that was not made: the last one,
                // and how often.
                let (first, times) = failed.entry((step, &intent.summary, error.clone())).or_insert((changes.len(), 0));
                *times += 1;
                if let Some(told) = changes.get_mut(*first) {
                    told.at = facts.moment(at);
                    told.result = format!("failed {times} times: {error}");
                    continue;
                }
            }
            changes.push(change(facts, run, at, intent, result.told()));
        }
    }
    changes.sort_by_key(|change| change.at.at);
    Ok(changes)
}

fn started((at, event): &(DateTime<Utc>, RunEvent)) -> Option<(DateTime<Utc>, &StepAddress, u32, &Intent)> {
    match event {
        RunEvent::Started { step, attempt, intent, .. } => Some((*at, step, *attempt, intent)),
        _ => None,
    }
}

/// What became of one attempt. The last word counts: one that was given up may have come through late.
fn result_of(log: &[(DateTime<Utc>, RunEvent)], step: &StepAddress, attempt: u32) -> Became {
    let found = log.iter().rev().find_map(|(_, event)| match event {
        RunEvent::Done { step: of, attempt: n, recovered, .. } if of == step && *n == attempt => {
            Some(Became::Done { recovered: *recovered })
        }
        RunEvent::Failed { step: of, attempt: n, error, .. } if of == step && *n == attempt => {
            Some(Became::Failed(error.clone()))
        }
        _ => None,
    });
    // A start without an end is what a crash leaves; the run finds out before it goes on.
    found.unwrap_or(Became::InDoubt)
}

enum Became {
    Done { recovered: bool },
    Failed(String),
    InDoubt,
}

impl Became {
    fn told(&self) -> String {
        match self {
            Self::Done { recovered: false } => "done".into(),
            Self::Done { recovered: true } => "done (found done after a crash)".into(),
            Self::Failed(error) => format!("failed: {error}"),
            Self::InDoubt => "in doubt".into(),
        }
    }
}

fn change(facts: &ShiftRecords, run: &Run, at: DateTime<Utc>, intent: &Intent, result: String) -> ChangeMade {
    let outcome = match (run.outcome, &run.because) {
        (Some(outcome), Some(because)) => format!("{outcome}: {because}"),
        (Some(outcome), None) => outcome.to_string(),
        (None, _) => "under way".into(),
    };
    ChangeMade {
        at: facts.moment(at),
        run: run.id.to_string(),
        incident: run.incident.to_string(),
        playbook: format!("{} {}", run.playbook.name, run.playbook.version),
        summary: intent.summary.clone(),
        before: short(&intent.before),
        after: short(&intent.after),
        show_values: !intent.summary.contains("->") && is_plain(&intent.before) && is_plain(&intent.after),
        result,
        outcome,
    }
}

/// Whether a value says something on one line: an object that was made or deleted is told by the summary.
fn is_plain(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
}

/// A value on one line: a text as it is, anything else as JSON, cut where it gets long.
fn short(value: &Value) -> String {
    const SHOWN: usize = 120;
    let text = match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().count() <= SHOWN {
        return text;
    }
    text.chars().take(SHOWN).chain(['…']).collect()
}
