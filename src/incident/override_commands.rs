//! What follows from a person's word about who is on call.
//!
//! An admin may change it for every team, and a responder for those of which they are: in which
//! they take turns, or which they manage. Who somebody is stands in oncall.yaml by name, and each
//! way to ask sees to it that nobody has the name of another one.

use chrono::{DateTime, TimeDelta, Utc};

use super::commands::{decline, is_so};
use crate::model::{LONGEST_OVERRIDE, Layer, Override, OverrideId, Person, Role, Start};
use crate::oncall::{OnCall, Team};
use crate::store::{Change, CommandReply, Decision, NewOverride};

/// What is known when somebody asks.
pub(super) struct Duty<'a> {
    pub oncall: &'a OnCall,
    /// Those that there are.
    pub overrides: &'a [Override],
    /// The number of the next.
    pub id: OverrideId,
    pub person: &'a Person,
    pub now: DateTime<Utc>,
}

/// An override that a person asks for.
pub(super) struct Cover<'a> {
    pub team: &'a str,
    pub layer: Layer,
    pub member: &'a str,
    pub whom: Option<&'a str>,
    pub from: Option<Start>,
    /// A time, or so long after its beginning.
    pub until: Start,
    pub reason: &'a str,
}

/// Nobody plans further ahead.
const FURTHEST: TimeDelta = TimeDelta::days(366);

/// More that last or are to come are a script that went wrong; each question about who is on call
/// looks at those of its team.
const MOST_LASTING: usize = 500;

impl Duty<'_> {
    pub fn cover(&self, wish: &Cover<'_>) -> Decision {
        let team = match self.team_of(wish.team, wish.layer) {
            Ok(team) => team,
            Err(no) => return no,
        };
        for name in std::iter::once(wish.member).chain(wish.whom) {
            if let Err(error) = self.oncall.knows_member(name) {
                return decline(error);
            }
        }
        let from = wish
            .from
            .map_or(Some(self.now), |from| from.counted_from(self.now))
            .filter(|from| *from <= self.now + FURTHEST);
        let Some(from) = from else { return decline(TOO_FAR) };
        // What was is not changed by what is said now.
        let from = from.max(self.now);
        match wish.until.counted_from(from) {
            Some(until) => self.keep(team, wish, from, until),
            None => decline(TOO_LONG),
        }
    }

    /// The person who asks takes over now, until the end of the shift that goes on.
    pub fn take(&self, team: Option<&str>, layer: Layer, until: Option<Start>) -> Decision {
        let name = &self.person.name;
        if let Err(error) = self.oncall.knows_member(name) {
            return decline(format!("only a member can be on call: {error}"));
        }
        let team = match team.map_or_else(|| self.only_team(), |team| self.team_of(team, layer)) {
            Ok(team) => team,
            Err(no) => return no,
        };
        if team.layer(layer).is_none() {
            return decline(format!("team {} has no {layer}", team.name));
        }
        if let Ok(Some(watch)) = self.oncall.who_in(&team.name, layer, self.now)
            && watch.member.name == *name
            && until.is_none()
        {
            let until = team.local(watch.shift.to);
            return is_so(format!("you are {layer} of team {} already, until {until}", team.name));
        }
        let ends = match until {
            Some(until) => until.counted_from(self.now),
            None => self.oncall.next_handoff_in(&team.name, layer, self.now).ok(),
        };
        let Some(ends) = ends else {
            return decline("nobody knows when that would end; say it: --until 4h");
        };
        // The end of a long shift, or gap, is as far as an override goes.
        let ends = if until.is_none() { ends.min(self.now + LONGEST_OVERRIDE) } else { ends };
        let team_name = team.name.clone();
        let wish = Cover {
            team: &team_name,
            layer,
            member: name,
            whom: None,
            from: None,
            until: Start::At(ends),
            reason: "taken over",
        };
        self.keep(team, &wish, self.now, ends)
    }

    /// `known`: the one of that number.
    pub fn end(&self, id: OverrideId, known: Option<&Override>) -> Decision {
        let Some(known) = known else {
            return decline(format!("there is no {id}; /oncall who names the overrides that count"));
        };
        // Its team may stand in the file no more.
        if self.person.role < Some(Role::Admin)
            && ![&known.member, &known.by].contains(&&self.person.name)
            && !self.oncall.team(&known.team).is_ok_and(|team| self.is_of(team))
        {
            return self.not_of(&known.team);
        }
        if known.is_over(self.now) {
            return is_so(format!("{id} is over already"));
        }
        let Override { member, layer, team, .. } = known;
        let what = if known.counts().0 > self.now { "is taken back before it began" } else { "has ended" };
        let reply =
            format!("{id} {what}: who is {layer} of team {team} is told by the rotation again, and not {member}");
        let changes = vec![Change::EndOverride { id, by: self.person.name.clone() }];
        Decision { changes, reply: Some(CommandReply::granted(reply)) }
    }

    fn keep(&self, team: &Team, wish: &Cover<'_>, from: DateTime<Utc>, until: DateTime<Utc>) -> Decision {
        let Cover { layer, member, whom, .. } = *wish;
        if until <= from {
            return decline(format!("that would end at {}, before it begins", team.local(until)));
        }
        if until - from > LONGEST_OVERRIDE {
            return decline(TOO_LONG);
        }
        let same = |kept: &&Override| !kept.is_over(self.now);
        if self.overrides.iter().filter(same).count() >= MOST_LASTING {
            return decline(format!("there are {MOST_LASTING} overrides already; end some of them: /unoverride OVR-7"));
        }
        let id = self.id;
        let shifts = self.oncall.shifts_in(&team.name, layer, from, until);
        let mut instead: Vec<String> = Vec::new();
        for watch in shifts.into_iter().flatten().take(SHIFTS) {
            let name = &watch.member.name;
            if name != member && !instead.contains(name) && whom.is_none_or(|whom| whom == name) {
                instead.push(name.clone());
            }
        }
        let instead = match (instead.as_slice(), whom) {
            ([], Some(whom)) => format!(", where it would be the turn of {whom}, who has none then"),
            ([], None) => String::new(),
            (names, _) => format!(" instead of {}", names.join(", ")),
        };
        let begins = if from > self.now { format!("from {} ", team.local(from)) } else { String::new() };
        let reply = format!(
            "{id}: {member} is {layer} of team {} {begins}until {}{instead}; /unoverride {id} ends it before",
            team.name,
            team.local(until)
        );
        let kept = NewOverride {
            team: team.name.clone(),
            layer,
            member: member.to_owned(),
            whom: whom.map(str::to_owned),
            from,
            until,
            reason: wish.reason.to_owned(),
            by: self.person.name.clone(),
            via: self.person.via.to_string(),
        };
        let changes = vec![Change::KeepOverride { id, kept: Box::new(kept) }];
        Decision { changes, reply: Some(CommandReply::granted(reply)) }
    }

    /// The team, if the person may change who is on call in it.
    fn team_of(&self, team: &str, layer: Layer) -> Result<&Team, Decision> {
        let team = self.oncall.team(team).map_err(|error| decline(error.to_string()))?;
        if self.person.role < Some(Role::Admin) && !self.is_of(team) {
            return Err(self.not_of(&team.name));
        }
        match team.layer(layer) {
            Some(_) => Ok(team),
            None => Err(decline(format!("team {} has no {layer}", team.name))),
        }
    }

    fn only_team(&self) -> Result<&Team, Decision> {
        let own: Vec<&Team> = self.oncall.teams().iter().filter(|team| self.is_of(team)).collect();
        match own.as_slice() {
            [team] => Ok(team),
            [] => Err(decline("say of which team: /oncall take TEAM; you take turns in none")),
            several => {
                let names: Vec<&str> = several.iter().map(|team| team.name.as_str()).collect();
                Err(decline(format!("say of which team: /oncall take {}", names.join(" or "))))
            }
        }
    }

    fn is_of(&self, team: &Team) -> bool {
        let name = &self.person.name;
        team.members().iter().chain(&team.manager).any(|member| member.name == *name)
    }

    fn not_of(&self, team: &str) -> Decision {
        let (name, admin) = (&self.person.name, Role::Admin);
        decline(format!("{name} takes no turns in team {team}: somebody who does may change that, or the role {admin}"))
    }
}

/// Of so many shifts it is looked for whom somebody covers: an answer is a line.
const SHIFTS: usize = 200;

const TOO_FAR: &str = "an override begins within 366 days from now";

const TOO_LONG: &str = "an override lasts up to 92 days; what lasts longer is a change of oncall.yaml";
