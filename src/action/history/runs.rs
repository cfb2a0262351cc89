//! `history.runs`: what was tried on the target before, and whether it held.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::action::typed::{Arguments as _, OrNull, Typed as _, arguments, output};
use crate::action::{AT_WILL, Action, ActionError, Declaration, Declared, Effect, Output, Read, StepContext, World};
use crate::language::Arg;
use crate::model::{Autonomy, HumanDuration, Outcome, PastRun, RunId};

arguments! {
    pub(in crate::action) struct HistoryRuns {
        /// How far it is looked back, `90d` at the most
        within: Option<Arg<HumanDuration>> = "7d",
        /// Only of this playbook
        playbook: Option<Arg<String>>,
    }
}

output! {
    struct Runs {
        /// How many there were, without this one; 20 at the most
        count: usize,
        /// How many of them mended it
        fixed: usize,
        /// How many changed something
        changed: usize,
        /// How many mended it, and held for less than an hour
        did_not_hold: usize,
        /// The newest first
        items: Vec<Earlier>,
    }
}

output! {
    struct Earlier {
        /// `RUN-7`
        run: String,
        /// Its playbook
        playbook: String,
        /// When it began
        began: String,
        /// When it ended; `null`: it is under way
        ended: OrNull<String>,
        /// `fixed`, `nothing to do`, `proposed`, `escalated`, `cancelled`; `null`: it is under way
        outcome: OrNull<String>,
        /// Why it ended so
        because: String,
        /// What it changed, in words
        changed: Vec<String>,
        /// The person who asked for it; `null`: an alert did
        asked_by: OrNull<String>,
        /// So many seconds after its end the next run about the same object began; `null`: none has
        again_after_seconds: OrNull<i64>,
    }
}

/// The most runs that are told.
const MOST: usize = 20;

const LONGEST: Duration = Duration::from_secs(90 * 24 * 3600);

/// What was mended and was to be mended again within this time did not hold.
const HELD: i64 = 3600;

impl Declared for HistoryRuns {
    const DECLARATION: Declaration = Declaration {
        name: "history.runs",
        summary: "Tells what was tried on the target before, and whether it held",
        effect: Effect::Reads,
        about: "Asks the bot's own database, and no cluster: the runs of whatever playbook about the very same object, the newest 20. \
            A run that handed over to another one is told by that one, where it is about the same object. A run that a person asked for counts for \
            what comes again, too.",
        errors: "The database does not answer.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Runs::FIELDS,
        rights: &[],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: before
  history.runs: { within: 24h }
- escalate_if: before.did_not_hold > 0
  because: \"it was mended before, and that did not hold: {{before.summary}}\"
",
    };

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }
}

#[async_trait]
impl Read for HistoryRuns {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let within = self.within(step.scope)?.0;
        if within.is_zero() || within > LONGEST {
            let message =
                format!("`within` is {}, and is to be more than nothing and `90d` at the most", HumanDuration(within));
            return Err(ActionError::fail(message));
        }
        let playbook = self.playbook.as_ref().map(|playbook| playbook.resolve(step.scope)).transpose()?;
        let now = world.clock.now();
        let since = now - TimeDelta::from_std(within).unwrap_or_default();
        // One more, as this one is among them.
        let found = world.past.runs(step.target, since, MOST + 1).await.map_err(ActionError::retry)?;
        Ok(told(&found, step.run.run, playbook.as_deref(), HumanDuration(within)))
    }
}

/// `found`: the newest first, this run among them.
fn told(found: &[PastRun], this: RunId, playbook: Option<&str>, within: HumanDuration) -> Output {
    let mut items = Vec::new();
    // When the run after it began.
    let mut next: Option<DateTime<Utc>> = None;
    for run in found {
        let is_told = run.run != this
            && run.outcome != Some(Outcome::HandedOver)
            && playbook.is_none_or(|playbook| run.playbook == playbook);
        if is_told && items.len() < MOST {
            items.push(earlier(run, next));
        }
        next = Some(run.began);
    }
    let count = |is: fn(&Earlier) -> bool| items.iter().filter(|item| is(item)).count();
    let runs = Runs {
        count: items.len(),
        fixed: count(is_fixed),
        changed: count(|item| !item.changed.is_empty()),
        did_not_hold: count(|item| is_fixed(item) && item.again_after_seconds.0.is_some_and(|after| after < HELD)),
        items,
    };
    let summary = match runs.items.first() {
        None => format!("nothing was tried on it within {within}"),
        Some(last) => format!(
            "{} within {within}, of which {} mended it; the last: {}",
            counted(runs.count),
            runs.fixed,
            in_words(last)
        ),
    };
    Output::new(&runs, summary)
}

fn counted(runs: usize) -> String {
    if runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") }
}

fn is_fixed(item: &Earlier) -> bool {
    item.outcome.0.as_deref() == Some("fixed")
}

fn in_words(item: &Earlier) -> String {
    let what = if item.changed.is_empty() { "changed nothing".to_owned() } else { item.changed.join(", ") };
    let end = item.outcome.0.as_deref().unwrap_or("is under way");
    let again = item.again_after_seconds.0.map_or_else(String::new, |after| {
        let after = HumanDuration(Duration::from_secs(after.unsigned_abs()));
        format!(", and the next one began {after} later")
    });
    format!("{} of {} at {} ({what}; {end}{again})", item.run, item.playbook, item.began)
}

fn earlier(run: &PastRun, next: Option<DateTime<Utc>>) -> Earlier {
    let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    Earlier {
        run: run.run.to_string(),
        playbook: run.playbook.clone(),
        began: text(run.began),
        ended: OrNull(run.ended.map(text)),
        outcome: OrNull(run.outcome.map(|outcome| outcome.to_string())),
        because: run.because.clone().unwrap_or_default(),
        changed: run.changed.clone(),
        asked_by: OrNull(run.requested_by.clone()),
        again_after_seconds: OrNull(run.ended.and_then(|ended| Some((next? - ended).num_seconds().max(0)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    fn run(id: i64, began: i64, outcome: Option<Outcome>) -> PastRun {
        PastRun {
            run: RunId(id),
            playbook: if id % 2 == 0 { "even" } else { "odd" }.into(),
            began: at(began),
            ended: outcome.map(|_| at(began + 10)),
            outcome,
            because: Some("so".into()),
            requested_by: None,
            changed: if outcome == Some(Outcome::Fixed) { vec!["scale web 2 -> 3".into()] } else { Vec::new() },
        }
    }

    fn told_of(found: &[PastRun], playbook: Option<&str>) -> serde_json::Value {
        let output = told(found, RunId(9), playbook, HumanDuration(Duration::from_secs(86_400)));
        let mut value = output.value;
        value.insert("summary".into(), output.summary.into());
        serde_json::Value::Object(value)
    }

    #[test]
    fn what_came_again_within_an_hour_did_not_hold() {
        let found = [run(9, 200, None), run(8, 165, Some(Outcome::Fixed)), run(7, 0, Some(Outcome::Fixed))];
        let said = told_of(&found, None);
        assert_eq!((&said["count"], &said["fixed"], &said["did_not_hold"]), (&2.into(), &2.into(), &1.into()));
        assert_eq!(said["items"][0]["again_after_seconds"], 25 * 60, "this run is the next one");
        assert_eq!(said["items"][1]["again_after_seconds"], 155 * 60);
    }

    #[test]
    fn this_run_and_what_was_handed_over_are_not_told() {
        let found = [run(9, 200, None), run(8, 100, Some(Outcome::HandedOver)), run(7, 0, Some(Outcome::Escalated))];
        let said = told_of(&found, None);
        assert_eq!((&said["count"], &said["changed"]), (&1.into(), &0.into()));
        assert_eq!(told_of(&found[..1], None)["summary"], "nothing was tried on it within 1d");
    }

    #[test]
    fn one_playbook_may_be_asked_about() {
        let found = [run(8, 100, Some(Outcome::Fixed)), run(7, 0, Some(Outcome::Escalated))];
        let said = told_of(&found, Some("odd"));
        assert_eq!(said["items"][0]["run"], "RUN-7");
        assert_eq!(said["items"][0]["again_after_seconds"], 90 * 60, "whatever came next");
    }
}
