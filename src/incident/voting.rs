//! Answers to the bot's questions: who may give them, and what they come to.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::commands::{decline, is_so};
use crate::model::{
    Approval, ApprovalState, ApprovalTerms, Approvers, Digest, Layer, PeopleLimits, Person, Role, Verdict, Via,
    to_the_minute,
};
use crate::oncall::OnCall;
use crate::store::{Change, CommandReply, Decision, IncidentEvent, IncidentRef, NewVote};

/// So many are named of those who may answer.
const NAMED: usize = 8;

/// What somebody answers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer<'a> {
    pub verdict: Verdict,
    /// Of the preview that the person saw.
    pub digest: Option<&'a Digest>,
    /// Why not.
    pub reason: Option<&'a str>,
}

/// Who is who, and what they may.
pub(super) struct Electorate<'a> {
    pub oncall: &'a OnCall,
    pub limits: &'a PeopleLimits,
    pub now: DateTime<Utc>,
}

/// A yes counts once for each person, and only that of those who are asked. A no ends the question,
/// whoever of those who may answer at all says it: what nobody changes hurts least.
pub(super) fn decide_vote(approval: &Approval, person: &Person, answer: Answer<'_>, all: &Electorate<'_>) -> Decision {
    let id = approval.id;
    match approval.state {
        ApprovalState::Open if all.now < approval.expires_at => {}
        ApprovalState::Open | ApprovalState::Expired => return decline(format!("{id} has expired; nothing was done")),
        ApprovalState::Denied
            if answer.verdict == Verdict::Deny && approval.answered_by.as_ref() == Some(&person.name) =>
        {
            return gives_a_reason(approval, person, answer.reason);
        }
        ApprovalState::Approved | ApprovalState::Denied => {
            let by = approval.answered_by.as_deref().unwrap_or("somebody");
            return decline(format!("{id} was answered already, by {by}"));
        }
        ApprovalState::Withdrawn => return decline(format!("{id} is no question any more: its run has ended")),
    }
    if answer.digest.is_some_and(|digest| *digest != approval.digest) {
        return decline(format!("{id} asks for something else than what you saw; look at it again"));
    }
    let reply = match answer.verdict {
        Verdict::Deny => format!("{id}: denied; {} escalates and changes nothing", approval.run),
        Verdict::Approve => {
            let progress = approval.progress().map(|progress| format!(": {progress}")).unwrap_or_default();
            if approval.approved_by.contains(&person.name) {
                let left = all.left(approval, None);
                return is_so(format!("you have said yes to {id} before{progress}; {left}"));
            }
            if let Some(why) = all.why_no_yes(approval, person) {
                return decline(why);
            }
            let yes = approval.approved_by.len() + 1;
            let people = approval.terms.people;
            if u32::try_from(yes).is_ok_and(|yes| yes < people) {
                let left = all.left(approval, Some(&person.name));
                format!("{id}: {yes} of {people} have said yes; {left}")
            } else {
                format!("{id}: approved; {} goes on", approval.run)
            }
        }
    };
    let vote = NewVote {
        approval: id,
        person: person.name.clone(),
        verdict: answer.verdict,
        reason: answer.reason.map(str::to_owned),
        after: approval.approved_by.len(),
    };
    Decision { changes: vec![Change::Vote(vote)], reply: Some(CommandReply::granted(reply)) }
}

/// A button has no room for words: they may follow.
fn gives_a_reason(approval: &Approval, person: &Person, reason: Option<&str>) -> Decision {
    let id = approval.id;
    let Some(reason) = reason else { return is_so(format!("you have denied {id} before")) };
    let text = format!("{} denied {id} for this reason: {reason}", person.name);
    let incident = IncidentRef::Existing(approval.incident);
    let changes = vec![Change::Note { incident, event: IncidentEvent::Remark { text } }];
    let reply = format!("{id} is denied already; your reason stands on the timeline of {}", approval.incident);
    Decision { changes, reply: Some(CommandReply::granted(reply)) }
}

impl Electorate<'_> {
    /// Whether the name is theirs for certain.
    pub fn knows(&self, person: &Person) -> bool {
        person.is_named_here() || self.oncall.member(&person.name).is_some()
    }

    /// Why the person's yes does not count, and whose does.
    fn why_no_yes(&self, approval: &Approval, person: &Person) -> Option<String> {
        let (id, terms) = (approval.id, &approval.terms);
        if terms.not_of.as_ref() == Some(&person.name) {
            let others = self.who_may(terms, &approval.approved_by);
            return Some(format!(
                "you asked for {}, and its playbook wants the yes of somebody else to {id}: {others}",
                approval.run
            ));
        }
        if let Some(names) = self.named(&terms.of)
            && !(self.knows(person) && names.contains(&person.name))
        {
            let others = self.who_may(terms, &approval.approved_by);
            return Some(format!("{id} asks {}, and that does not take your yes: {others}", terms.whom()));
        }
        let why = self.beyond_limits(person, &terms.owner, &terms.namespaces)?;
        let others = self.who_may(terms, &approval.approved_by);
        Some(format!("your yes to {id} does not count: {why}; {others}"))
    }

    /// Why the person may not have something of that team changed in those namespaces.
    pub fn beyond_limits(&self, person: &Person, team: &str, namespaces: &[String]) -> Option<String> {
        let namespaces: Vec<&str> = namespaces.iter().map(String::as_str).collect();
        self.limits.why_not(person, self.knows(person), Some(team).filter(|team| !team.is_empty()), &namespaces)
    }

    /// `None`: anybody.
    fn named(&self, of: &Approvers) -> Option<BTreeSet<String>> {
        match of {
            Approvers::Anybody => None,
            Approvers::Named(names) => Some(names.iter().cloned().collect()),
            Approvers::Team(team) => Some(self.members(team)),
        }
    }

    /// Who takes turns in the team, manages it, or is on call for it now, for whatever reason.
    fn members(&self, team: &str) -> BTreeSet<String> {
        let Ok(known) = self.oncall.team(team) else { return BTreeSet::new() };
        let on_call = [Layer::Primary, Layer::Secondary].into_iter();
        let on_call = on_call.filter_map(|layer| self.oncall.who_in(team, layer, self.now).ok().flatten());
        let members = known.members().into_iter().chain(known.manager.clone()).chain(on_call.map(|watch| watch.member));
        members.map(|member| member.name.clone()).collect()
    }

    /// Who else may say yes, within their limits.
    fn who_may(&self, terms: &ApprovalTerms, except: &[String]) -> String {
        let of = match &terms.of {
            Approvers::Anybody => Approvers::Team(terms.owner.clone()),
            of => of.clone(),
        };
        if let Approvers::Team(team) = &of
            && let Err(unknown) = self.oncall.team(team)
        {
            return format!("{unknown}: as it is, nobody can say yes");
        }
        let may = |name: &String| {
            // As whom the chats know them: the least that may answer at all.
            let person =
                Person { name: name.clone(), via: Via::Discord, id: String::new(), role: Some(Role::Responder) };
            terms.not_of.as_ref() != Some(name)
                && !except.contains(name)
                && self.beyond_limits(&person, &terms.owner, &terms.namespaces).is_none()
        };
        let names: Vec<String> = self.named(&of).unwrap_or_default().into_iter().filter(may).collect();
        told(&names)
    }

    /// What is waited for yet. `now_too`: who says yes now.
    fn left(&self, approval: &Approval, now_too: Option<&String>) -> String {
        let said: Vec<String> = approval.approved_by.iter().chain(now_too).cloned().collect();
        let left = usize::try_from(approval.terms.people).unwrap_or(usize::MAX).saturating_sub(said.len());
        let who = self.who_may(&approval.terms, &said);
        let until = to_the_minute(approval.expires_at);
        format!("{} waits for {left} more until {until}: {who}", approval.run)
    }

    /// Who may run or approve what belongs to the team, there.
    pub fn others(&self, team: &str, namespaces: &[String]) -> String {
        let terms =
            ApprovalTerms { owner: team.to_owned(), namespaces: namespaces.to_vec(), ..ApprovalTerms::default() };
        self.who_may(&terms, &[])
    }
}

fn told(names: &[String]) -> String {
    match names {
        [] => "nobody else may".to_owned(),
        names => {
            let more = names.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let shown: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
            format!("{}{more} may", shown.join(", "))
        }
    }
}

#[cfg(test)]
mod tests;
