//! Who is called next, as the file says it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_saphyr::Spanned;

use super::{Check, shortened};
use crate::diagnostics::{Code, Diagnostic};
use crate::model::{HumanDuration, Severity};
use crate::oncall::document::{CalleeEntry, EscalationEntry, SeverityEntry, StepEntry, Text};
use crate::oncall::{Callee, Member, Policy, Step, nearest};

/// A shorter time calls everybody before the first has found the phone; a longer one is a slip of
/// the hand.
const LEAST: Duration = Duration::from_secs(60);
const MOST: Duration = Duration::from_secs(7 * 24 * 3_600);

const MOST_STEPS: usize = 20;
const MOST_CALLED: usize = 20;
const MOST_ROUNDS: u32 = 100;

/// What names refer to.
pub(super) struct Known<'a> {
    pub members: &'a [Arc<Member>],
    pub teams: Vec<&'a str>,
    pub areas: Vec<&'a str>,
}

/// What a team has that may be called.
#[derive(Clone, Copy)]
pub(super) struct Has {
    pub manager: bool,
    pub secondary: bool,
}

impl Check<'_> {
    /// `base`: what holds where the entry says nothing. `team`: what the team has whose policy it is;
    /// `None`: it is that of all teams.
    pub(super) fn policy(
        &self,
        entry: &EscalationEntry,
        base: &Policy,
        known: &Known<'_>,
        team: Option<Has>,
    ) -> Result<Policy, Diagnostic> {
        let mut policy = base.clone();
        if let Some(steps) = &entry.steps {
            if steps.value.is_empty() || steps.value.len() > MOST_STEPS {
                let message = format!("there are {} steps", steps.value.len());
                return Err(self.wrong(
                    Code::InvalidEscalation,
                    steps,
                    message,
                    format!("write 1 to {MOST_STEPS}: `- call: [on-call]`"),
                ));
            }
            let step = |entry| self.step(entry, known, team);
            policy.steps = steps.value.iter().map(step).collect::<Result<_, _>>()?;
            policy.times.first = policy.steps.first().and_then(|step| step.within);
        }
        if let Some(repeat) = &entry.repeat {
            if !(1..=MOST_ROUNDS).contains(&repeat.value) {
                let remedy = format!("write 1 to {MOST_ROUNDS}, or leave it out: until somebody acknowledges");
                return Err(self.wrong(
                    Code::OutOfRange,
                    repeat,
                    format!("{} is no number of rounds", repeat.value),
                    remedy,
                ));
            }
            policy.repeat = Some(repeat.value);
        }
        self.times(&entry.ack_within, &mut policy.times.acknowledge)?;
        self.times(&entry.touch_within, &mut policy.times.touch)?;
        Ok(policy)
    }

    fn times(
        &self,
        entries: &BTreeMap<SeverityEntry, Text>,
        times: &mut BTreeMap<Severity, Duration>,
    ) -> Result<(), Diagnostic> {
        for (severity, text) in entries {
            times.insert(severity.severity(), self.within(text)?);
        }
        Ok(())
    }

    fn within(&self, text: &Text) -> Result<Duration, Diagnostic> {
        let within = text.value.parse::<HumanDuration>().ok().map(|within| within.0);
        within.filter(|within| (LEAST..=MOST).contains(within)).ok_or_else(|| {
            let message = format!("`{}` is no time to acknowledge within", shortened(&text.value));
            self.wrong(Code::OutOfRange, text, message, "write one from `1m` to `7d`, such as `5m`")
        })
    }

    fn step(&self, entry: &StepEntry, known: &Known<'_>, team: Option<Has>) -> Result<Step, Diagnostic> {
        let call = &entry.call;
        if call.value.is_empty() || call.value.len() > MOST_CALLED {
            let message = format!("the step calls {}", call.value.len());
            return Err(self.wrong(
                Code::InvalidEscalation,
                call,
                message,
                format!("name 1 to {MOST_CALLED}: `call: [on-call]`"),
            ));
        }
        let callee = |entry| self.callee(entry, known, team);
        let call = call.value.iter().map(callee).collect::<Result<_, _>>()?;
        Ok(Step { call, within: entry.within.as_ref().map(|text| self.within(text)).transpose()? })
    }

    fn callee(&self, entry: &Spanned<CalleeEntry>, known: &Known<'_>, team: Option<Has>) -> Result<Callee, Diagnostic> {
        let CalleeEntry { kind, name } = &entry.value;
        let is_known = |name: &str| known.teams.contains(&name);
        match (kind.as_str(), name.as_deref()) {
            ("on-call", None) => Ok(Callee::OnCall),
            ("secondary", None) if team.is_some_and(|team| !team.secondary) => {
                let remedy = "name who stands behind: `secondary: { time_zone: ..., start: ... }`, beside `rotation`";
                Err(self.wrong(Code::InvalidEscalation, entry, "the team has no secondary", remedy))
            }
            ("secondary", None) => Ok(Callee::Secondary),
            ("next", None) => Ok(Callee::Next),
            ("everybody", None) => Ok(Callee::Everybody),
            ("default-team", None) => Ok(Callee::DefaultTeam),
            ("manager", None) if team.is_some_and(|team| !team.manager) => Err(self.wrong(
                Code::InvalidEscalation,
                entry,
                "the team has no manager",
                "name one: `manager: erin`, beside `escalation`",
            )),
            ("manager", None) => Ok(Callee::Manager),
            ("person", Some(name)) => match known.members.iter().find(|member| member.name == name) {
                Some(member) => Ok(Callee::Person(Arc::clone(member))),
                None => {
                    let names = known.members.iter().map(|member| member.name.as_str());
                    let message = format!("`{}` is not in members", shortened(name));
                    Err(self.wrong(Code::UnknownName, entry, message, nearest::instead(name, names)))
                }
            },
            ("experts", _) if known.areas.is_empty() => {
                let remedy = "write `experts:` beside `teams`: `- { area: storage, people: [ada], alerts: [\"KubePersistentVolume*\"] }`";
                Err(self.wrong(Code::InvalidEscalation, entry, "no area has experts", remedy))
            }
            ("experts", None) => Ok(Callee::Experts),
            ("experts", Some(name)) if known.areas.contains(&name) => Ok(Callee::ExpertsOf(name.to_owned())),
            ("experts", Some(name)) => {
                let message = format!("no area of `experts` is called `{}`", shortened(name));
                Err(self.wrong(Code::UnknownName, entry, message, nearest::instead(name, known.areas.iter().copied())))
            }
            ("rotation", Some(name)) if is_known(name) => Ok(Callee::Rotation(name.to_owned())),
            ("team", Some(name)) if is_known(name) => Ok(Callee::Team(name.to_owned())),
            ("rotation" | "team", Some(name)) => {
                let message = format!("no team is called `{}`", shortened(name));
                Err(self.wrong(Code::UnknownName, entry, message, nearest::instead(name, known.teams.iter().copied())))
            }
            (kind, _) => {
                let remedy = "write `on-call`, `secondary`, `next`, `everybody`, `manager`, `default-team`, `experts`, `{ experts: AREA }`, `{ person: NAME }`, \
                              `{ rotation: TEAM }` for who is on call there, or `{ team: TEAM }` for all of them";
                Err(self.wrong(
                    Code::UnknownValue,
                    entry,
                    format!("`{}` says of nobody whom to call", shortened(kind)),
                    remedy,
                ))
            }
        }
    }
}
