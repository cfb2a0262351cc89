//! Who is called next while nobody acknowledges.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Member, OnCall, ScheduleError, Team};
use crate::model::{AckTimes, AckTimesOf, Concern, Layer, Severity};

/// Who is called one after the other, and how long each has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// At least one.
    pub steps: Vec<Step>,
    /// So often all steps are taken; `None`: until somebody acknowledges.
    pub repeat: Option<u32>,
    pub times: AckTimes,
}

/// All who are called at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// At least one.
    pub call: Vec<Callee>,
    /// How long they have, whatever the severity; `None`: as long as the severity says.
    pub within: Option<Duration>,
}

/// Who may be called. Of no other team: those of the one that is paged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Callee {
    /// Who is on call as the primary.
    OnCall,
    /// Who is on call as the secondary.
    Secondary,
    /// Who stands behind whoever is on call: the secondary, where somebody else is that now, as
    /// they are on duty; else whoever takes over.
    Next,
    /// All who take turns, as primary or secondary.
    Everybody,
    Manager,
    /// The default team's who is on call, unless it is the same team.
    DefaultTeam,
    Person(Arc<Member>),
    /// Those of the areas that match the incident.
    Experts,
    /// Those of that area, whatever the incident is about.
    ExpertsOf(String),
    /// Another team's who is on call.
    Rotation(String),
    /// All who take turns in another team.
    Team(String),
}

/// Who is called by a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// How many steps were taken before, over all rounds.
    pub step: u32,
    /// The team in whose name they are called, and in whose channel.
    pub team: String,
    /// Empty: the rotation says of nobody that it is theirs.
    pub people: Vec<Arc<Member>>,
    /// Whether they are others than those who are on call for `team`: a receiver with a schedule of
    /// its own would call somebody else.
    pub by_name: bool,
    pub within: Option<Duration>,
    /// Whom the policy names.
    pub said: String,
}

impl Callee {
    /// Whether it is whoever is on call for a team.
    fn is_on_call(&self) -> bool {
        matches!(self, Callee::OnCall | Callee::DefaultTeam | Callee::Rotation(_))
    }
}

impl Policy {
    /// Where `oncall.yaml` says nothing: once more, then who takes over, then the default team;
    /// until somebody acknowledges.
    pub fn usual() -> Self {
        let step = |callee| Step { call: vec![callee], within: None };
        let steps = [Callee::OnCall, Callee::OnCall, Callee::Next, Callee::DefaultTeam].map(step);
        Self { steps: steps.to_vec(), repeat: None, times: AckTimes::usual() }
    }
}

impl OnCall {
    /// The policy of a team.
    pub fn policy(&self, team: &str) -> &Policy {
        self.team(team).ok().and_then(|team| team.escalation.as_ref()).unwrap_or(&self.usual)
    }

    /// How long whoever is called has, in all teams.
    pub fn ack_times(&self) -> AckTimesOf {
        let own =
            self.teams.iter().filter_map(|team| Some((team.name.clone(), team.escalation.as_ref()?.times.clone())));
        AckTimesOf { usual: self.usual.times.clone(), by_team: own.collect() }
    }

    /// Whom a team's policy calls after so many steps. Steps that call nobody are passed over.
    /// `None`: it is at its end. An unknown team's policy is the default team's.
    pub fn call(&self, team: &str, default_team: &str, steps: u32, about: &Concern, at: DateTime<Utc>) -> Option<Call> {
        let owner = self.team(team).or_else(|_| self.team(default_team)).ok()?;
        let policy = self.policy(&owner.name);
        let all = u32::try_from(policy.steps.len()).unwrap_or(u32::MAX);
        let end = policy.repeat.map(|rounds| rounds.saturating_mul(all));
        let mut first = None;
        // One round: what calls nobody now calls nobody then either.
        for step in (steps..steps.saturating_add(all)).take_while(|step| end.is_none_or(|end| *step < end)) {
            let call = self.step(owner, default_team, policy, step, about, at)?;
            if !call.people.is_empty() {
                return Some(call);
            }
            first.get_or_insert(call);
        }
        first
    }

    /// Who is called first when a team is paged. Empty: nobody is on call. Where nobody knows about
    /// it, steps that call experts alone are passed over; whoever comes after them is called again
    /// by the step of their own.
    ///
    /// # Errors
    /// An unknown team.
    pub fn first(
        &self,
        team: &str,
        default_team: &str,
        about: &Concern,
        at: DateTime<Utc>,
    ) -> Result<Vec<Arc<Member>>, ScheduleError> {
        Ok(self.first_call(team, default_team, about, at)?.map(|call| call.people).unwrap_or_default())
    }

    /// As [`Self::first`], with how they are called.
    pub(super) fn first_call(
        &self,
        team: &str,
        default_team: &str,
        about: &Concern,
        at: DateTime<Utc>,
    ) -> Result<Option<Call>, ScheduleError> {
        let (owner, policy) = (self.team(team)?, self.policy(team));
        for (n, step) in (0..).zip(&policy.steps) {
            let call = self.step(owner, default_team, policy, n, about, at);
            let calls = call.as_ref().is_some_and(|call| !call.people.is_empty());
            if calls || !step.call.iter().all(|callee| *callee == Callee::Experts) {
                return Ok(call);
            }
        }
        Ok(None)
    }

    /// How long whoever a team's policy calls by a step has; `None`: for ever.
    pub fn within(&self, team: &str, default_team: &str, step: u32, severity: Severity) -> Option<Duration> {
        let owner = self.team(team).or_else(|_| self.team(default_team)).ok()?;
        let policy = self.policy(&owner.name);
        let index = usize::try_from(step).ok()?.checked_rem(policy.steps.len())?;
        let usual = policy.times.acknowledge.get(&severity).copied()?;
        Some(policy.steps.get(index)?.within.unwrap_or(usual))
    }

    fn step(
        &self,
        owner: &Team,
        default_team: &str,
        policy: &Policy,
        step: u32,
        about: &Concern,
        at: DateTime<Utc>,
    ) -> Option<Call> {
        let index = usize::try_from(step).ok()?.checked_rem(policy.steps.len())?;
        let Step { call, within } = policy.steps.get(index)?;
        let mut people: Vec<Arc<Member>> = Vec::new();
        let mut teams = BTreeSet::new();
        let mut by_name = false;
        for callee in call {
            let (team, called) = self.callee(owner, default_team, callee, about, at);
            if !called.is_empty() {
                teams.insert(team);
                by_name |= !callee.is_on_call();
            }
            people.extend(called);
        }
        let mut seen = BTreeSet::new();
        people.retain(|member| seen.insert(member.name.clone()));
        let team = match teams.iter().next() {
            Some(other) if teams.len() == 1 => (*other).to_owned(),
            _ => owner.name.clone(),
        };
        // A receiver calls who is on call for one team.
        let by_name = by_name || teams.len() > 1;
        let said = call.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        Some(Call { step, team, people, by_name, within: *within, said })
    }

    fn callee<'a>(
        &'a self,
        owner: &'a Team,
        default_team: &'a str,
        callee: &'a Callee,
        about: &Concern,
        at: DateTime<Utc>,
    ) -> (&'a str, Vec<Arc<Member>>) {
        let on_call = |team: &str| self.who(team, at).ok().flatten().map(|watch| watch.member).into_iter().collect();
        let own = owner.name.as_str();
        match callee {
            Callee::OnCall => (own, on_call(own)),
            Callee::Secondary => (own, self.secondary(own, at).into_iter().collect()),
            Callee::Next => (own, self.behind(own, at).into_iter().collect()),
            Callee::Everybody => (own, owner.members()),
            Callee::Manager => (own, owner.manager.iter().cloned().collect()),
            Callee::DefaultTeam if default_team == own => (own, Vec::new()),
            Callee::DefaultTeam => (default_team, on_call(default_team)),
            Callee::Person(member) => (own, vec![Arc::clone(member)]),
            Callee::Experts => (own, self.experts(about)),
            Callee::ExpertsOf(area) => (own, self.area(area).map(|area| area.people.clone()).unwrap_or_default()),
            Callee::Rotation(team) => (team, on_call(team)),
            Callee::Team(team) => {
                let members = self.team(team).map(Team::members);
                (team, members.unwrap_or_default())
            }
        }
    }
}

/// Whoever takes over comes within so many shifts, or there is nobody else.
const SHIFTS_AHEAD: usize = 400;

impl OnCall {
    fn secondary(&self, team: &str, at: DateTime<Utc>) -> Option<Arc<Member>> {
        self.who_in(team, Layer::Secondary, at).ok().flatten().map(|watch| watch.member)
    }

    fn behind(&self, team: &str, at: DateTime<Utc>) -> Option<Arc<Member>> {
        let now = self.who(team, at).ok()?.map(|watch| watch.member);
        let is_another = |member: &Arc<Member>| now.as_ref().is_none_or(|now| now.name != member.name);
        if let Some(secondary) = self.secondary(team, at).filter(is_another) {
            return Some(secondary);
        }
        let shifts = self.shifts_between(team, at, DateTime::<Utc>::MAX_UTC).ok()?;
        shifts.take(SHIFTS_AHEAD).map(|watch| watch.member).find(is_another)
    }
}

impl fmt::Display for Callee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Callee::OnCall => f.write_str("on-call"),
            Callee::Secondary => f.write_str("secondary"),
            Callee::Next => f.write_str("next"),
            Callee::Everybody => f.write_str("everybody"),
            Callee::Manager => f.write_str("manager"),
            Callee::DefaultTeam => f.write_str("the default team"),
            Callee::Person(member) => write!(f, "person {}", member.name),
            Callee::Experts => f.write_str("experts"),
            Callee::ExpertsOf(area) => write!(f, "experts of {area}"),
            Callee::Rotation(team) => write!(f, "rotation {team}"),
            Callee::Team(team) => write!(f, "team {team}"),
        }
    }
}
