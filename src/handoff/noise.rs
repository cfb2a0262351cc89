//! What made noise, what nobody covers, and what did not work.

use std::collections::BTreeMap;

use super::summarise::ShiftRecords;
use super::summary::{NoisyRule, PlaybookTrouble, UncoveredAlert};
use crate::model::{Outcome, Run};
use crate::store::AlertCount;

/// How many alerts are looked at, the noisiest first.
pub(super) const LOOKED_AT: usize = 200;

/// How many are shown: what can be worked on in one shift.
const SHOWN: usize = 5;

/// Fewer firings in a shift are no noise.
const NOISE: u64 = 3;

pub(super) fn noisy(counted: &[AlertCount], facts: &ShiftRecords) -> Vec<NoisyRule> {
    let noisy = counted.iter().filter(|count| count.episodes >= NOISE).take(SHOWN);
    noisy
        .map(|count| NoisyRule {
            alert: count.alert.clone(),
            episodes: count.episodes,
            incidents: count.incidents,
            proposal: proposal(count, facts),
        })
        .collect()
}

pub(super) fn uncovered(counted: &[AlertCount]) -> Vec<UncoveredAlert> {
    let uncovered = counted.iter().filter(|count| count.uncovered > 0);
    uncovered.map(|count| UncoveredAlert { alert: count.alert.clone(), incidents: count.uncovered }).collect()
}

/// The playbooks whose runs ended with a person, the worst first.
pub(super) fn failing(facts: &ShiftRecords) -> Vec<PlaybookTrouble> {
    let mut by_playbook: BTreeMap<(&str, &str), Vec<&Run>> = BTreeMap::new();
    for run in &facts.view.runs_ended {
        by_playbook.entry((&run.playbook.name, &run.playbook.version)).or_default().push(run);
    }
    let mut failing: Vec<PlaybookTrouble> = by_playbook
        .into_iter()
        .filter_map(|((name, version), runs)| {
            let escalated: Vec<&&Run> = runs.iter().filter(|run| run.outcome == Some(Outcome::Escalated)).collect();
            let latest = escalated.last()?;
            Some(PlaybookTrouble {
                name: name.to_owned(),
                version: version.to_owned(),
                runs: runs.len(),
                escalated: escalated.len(),
                because: latest.because.clone().unwrap_or_default(),
            })
        })
        .collect();
    failing.sort_by_key(|trouble| std::cmp::Reverse(trouble.escalated));
    failing
}

/// What would make a rule quieter, as far as the numbers say it.
fn proposal(count: &AlertCount, facts: &ShiftRecords) -> String {
    let for_nothing = facts
        .view
        .runs_ended
        .iter()
        .filter(|run| run.outcome == Some(Outcome::NothingToDo) && run.alert["name"] == count.alert.as_str())
        .count();
    if for_nothing >= 2 {
        return format!(
            "{for_nothing} of its runs found nothing to do: let it wait longer (`for:`) or raise its threshold"
        );
    }
    if count.incidents > 0 && count.episodes / count.incidents >= 10 {
        return "it fires for each of many objects that have one cause: alert on the cause, or on their number".into();
    }
    if count.uncovered > 0 {
        return "no playbook knows it: write one, or drop the rule if nobody acts on it".into();
    }
    if count.incidents >= 2 {
        return "it keeps coming back: its cause is not cured by what its playbook does".into();
    }
    "look whether somebody acts on it each time; else let it wait longer (`for:`)".into()
}
