//! `patroni.history`: how often another member has come to lead, and when.

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};

use super::view::{first_answer, target};
use crate::action::masked::masked_text;
use crate::action::typed::{Arguments as _, OrNull, Typed as _, arguments, output};
use crate::action::{
    AT_WILL, Action, ActionError, Declaration, Declared, Effect, Kind, Output, Read, Right, StepContext, World,
};
use crate::language::Arg;
use crate::model::{Autonomy, HumanDuration};
use crate::patroni::Switch;

arguments! {
    pub(in crate::action) struct PatroniHistory {
        /// How far back changes are counted
        within: Option<Arg<HumanDuration>> = "24h",
    }
}

output! {
    struct Answer {
        /// How often another timeline began within that time
        changes: usize,
        /// When the last one began, whenever that was; null where none did, or it is not known
        last: OrNull<String>,
        /// Who led from then on; null where none did, or it is not known
        leader: OrNull<String>,
        /// How many have no time: an old Patroni does not say
        undated: usize,
        /// The last of them, 20 at the most and the latest first
        timelines: Vec<Told>,
    }
}

output! {
    struct Told {
        /// The timeline that was left
        timeline: u64,
        /// When; null where it is not known
        at: OrNull<String>,
        /// In PostgreSQL's words
        reason: String,
        /// Who led on the next one; null where it is not known
        leader: OrNull<String>,
    }
}

/// So many are told.
const MOST_TOLD: usize = 20;

impl Declared for PatroniHistory {
    const DECLARATION: Declaration = Declaration {
        name: "patroni.history",
        summary: "Asks Patroni when the leader has changed, and counts it",
        effect: Effect::Reads,
        about: "The target is a pod of the cluster. Its Patroni is asked at the pod's own address (`GET /history`), or another \
            member's where it does not answer. Each line is a \
            timeline that was left: for a switchover, a failover, or a leader that came back by itself. What lies ahead of the bot's \
            own clock is counted, too. The history is as old as PostgreSQL's own: a member that is copied anew keeps it.",
        errors: "The target is no pod, or is gone. No member answers; what answers is not Patroni. A cluster whose leader never \
            changed has an empty history: that is no error.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Answer::FIELDS,
        rights: &[Right::on_target(&["get"]), Right::on_kind(Kind::POD, &["get", "list"])],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: history
  patroni.history: { within: 1h }
- escalate_if: history.changes > 2
  because: \"{{history.summary}}\"
",
    };

    const TARGETS: &'static [Kind] = &[Kind::POD];

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }
}

#[async_trait]
impl Read for PatroniHistory {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let within = self.within(step.scope)?;
        // All members know it: one that has died is what it is asked about, as a rule.
        let (teller, _) = first_answer(world, &target(world, &step).await?).await?;
        let history = world.patroni.history(&teller).await?;
        Ok(output(&history, within, world.clock.now()))
    }
}

fn output(history: &[Switch], within: HumanDuration, now: DateTime<Utc>) -> Output {
    let is_recent = |at: DateTime<Utc>| now - at <= chrono::TimeDelta::from_std(within.0).unwrap_or_default();
    let changes = history.iter().filter(|switch| switch.at.is_some_and(is_recent)).count();
    let undated = history.iter().filter(|switch| switch.at.is_none()).count();
    let time = |switch: &Switch| switch.at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
    let leader = |switch: &Switch| switch.leader.as_deref().map(masked_text);
    let told = |switch: &Switch| Told {
        timeline: switch.timeline,
        at: OrNull(time(switch)),
        reason: masked_text(&switch.reason.chars().take(200).collect::<String>()),
        leader: OrNull(leader(switch)),
    };
    let latest = history.last();
    let answer = Answer {
        changes,
        last: OrNull(latest.and_then(time)),
        leader: OrNull(latest.and_then(leader)),
        undated,
        timelines: history.iter().rev().take(MOST_TOLD).map(told).collect(),
    };
    let times = match changes {
        0 => format!("the leader has not changed within {within}"),
        1 => format!("the leader has changed once within {within}"),
        n => format!("the leader has changed {n} times within {within}"),
    };
    let last = match (&answer.last.0, &answer.leader.0) {
        (Some(at), Some(leader)) => format!(", last at {at} to {leader}"),
        (Some(at), None) => format!(", last at {at}"),
        _ => String::new(),
    };
    let unknown = match undated {
        0 => String::new(),
        1 => "; of 1 more the time is not known".to_owned(),
        n => format!("; of {n} more the time is not known"),
    };
    Output::new(&answer, format!("{times}{last}{unknown}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn left(timeline: u64, at: Option<&str>, leader: Option<&str>) -> Switch {
        let at = at.map(|at| at.parse().unwrap());
        let reason = "no recovery target specified".to_owned();
        Switch { timeline, position: 1, reason, at, leader: leader.map(str::to_owned) }
    }

    #[test]
    fn changes_are_counted_within_the_time_that_is_asked_about() {
        let history = [
            left(1, None, None),
            left(2, Some("2026-05-01T09:00:00Z"), Some("db-1")),
            left(3, Some("2026-05-01T11:30:00Z"), Some("db-0")),
            left(4, Some("2026-05-01T11:59:00Z"), Some("db-2")),
        ];
        let now = "2026-05-01T12:00:00Z".parse().unwrap();
        let of = |within: &str| output(&history, within.parse().unwrap(), now);
        let hour = of("1h");
        assert_eq!((&hour.value["changes"], &hour.value["undated"]), (&json!(2), &json!(1)));
        assert_eq!(
            hour.summary,
            "the leader has changed 2 times within 1h, last at 2026-05-01T11:59:00Z to db-2; of 1 more the time is not known"
        );
        assert_eq!(hour.value["timelines"][0]["timeline"], json!(4));
        assert_eq!(of("3h").value["changes"], json!(3));
        assert!(of("30s").summary.starts_with("the leader has not changed within 30s, last at"));
        let never = output(&[], "1h".parse().unwrap(), now);
        assert_eq!(
            (never.summary.as_str(), &never.value["last"]),
            ("the leader has not changed within 1h", &json!(null))
        );
    }
}
