//! Who is called by a page, and where.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::render::{Renderer, TEAM};
use super::{Contact, Parcel};
use crate::message::{self, PageText, Room};
use crate::model::Concern;
use crate::oncall::{Member, OnCall, Watch};
use crate::store::Page;

/// Who is to be called, and where.
pub(super) struct Called {
    who: Vec<Contact>,
    channel: Option<String>,
    /// What the page says when it is not the page's own team.
    instead: Option<String>,
    /// Whom it calls and why them, by the schedule of this moment.
    said: String,
}

impl Called {
    /// The parcel that calls them, and says `page` in the room that its sink has.
    pub fn with(self, mut parcel: Parcel, page: PageText, room: Room) -> Parcel {
        let first = [self.instead, page.first].into_iter().flatten().reduce(|first, then| format!("{first}; {then}"));
        let page = PageText { first, ..page };
        parcel.body = page.body(room).text;
        parcel.page = Some(page);
        parcel.mention = self.who;
        parcel.channel = self.channel;
        parcel.called = Some(self.said);
        parcel
    }
}

impl Renderer {
    /// Whom the escalation calls by name; else who is on call for the page's team. `owner`: the
    /// incident's team. `sink`: by whose addresses.
    pub(super) fn called_by(&self, sink: &str, page: &Page, owner: &str, about: &Concern) -> Called {
        let oncall = self.oncall.get();
        let named: Vec<_> = page.called.iter().filter_map(|name| oncall.member(name)).collect();
        if named.is_empty() {
            return self.called(sink, &page.team, owner, about);
        }
        let said = format!("{}, by name", names(&named));
        let who = named.into_iter().map(|member| contact(sink, member)).collect();
        Called { who, channel: self.channel(sink, &page.team), instead: None, said }
    }

    /// Who is on call now, for the page's team or another one that takes its place.
    pub(super) fn called(&self, sink: &str, team: &str, owner: &str, about: &Concern) -> Called {
        let paged = self.oncall.get().paged(team, owner, self.default_team.as_deref(), about, self.clock.now());
        for (team, _) in &paged.nobody {
            tracing::error!(team, "nobody is on call for this team, which is paged");
        }
        let nobody =
            |(team, why): &(String, &str)| format!("nobody is on call for team {}, {why}", message::clip(team, TEAM));
        let instead = paged.nobody.first().map(nobody).map(|nobody| match &paged.team {
            Some(team) => format!("{nobody}: team {team} is called instead"),
            None => format!("{nobody}; whoever reads this is the first to know"),
        });
        let called = paged.team.as_deref().unwrap_or(team);
        let said = if paged.people.is_empty() {
            format!("nobody, as nobody was on call for team {}", message::clip(team, TEAM))
        } else {
            on_call(&self.oncall.get(), called, &paged.people, self.clock.now())
        };
        let who = paged.people.iter().map(|member| contact(sink, member)).collect();
        Called { who, channel: self.channel(sink, called), instead, said }
    }

    fn channel(&self, sink: &str, team: &str) -> Option<String> {
        self.oncall.get().team(team).ok().and_then(|team| team.channels.at(sink).map(str::to_owned))
    }
}

fn names(people: &[impl AsRef<Member>]) -> String {
    people.iter().map(|member| member.as_ref().name.as_str()).collect::<Vec<_>>().join(", ")
}

/// `ada, on call for databases by its rotation from ... to ...`.
fn on_call(oncall: &OnCall, team: &str, people: &[Arc<Member>], now: DateTime<Utc>) -> String {
    let (called, team_name) = (names(people), message::clip(team, TEAM));
    match oncall.who(team, now) {
        Ok(Some(Watch { member, shift, cover })) if people.iter().any(|person| person.name == member.name) => {
            let by = cover.map_or("its rotation".to_owned(), |id| format!("the override {id}"));
            let (from, to) = (message::moment(shift.from), message::moment(shift.to));
            let whose = if people.len() == 1 { String::new() } else { format!("{}: ", member.name) };
            format!("{called}, {whose}on call for {team_name} by {by} from {from} to {to}")
        }
        _ => format!("{called}, by the first step of the escalation of {team_name}"),
    }
}

fn contact(sink: &str, member: &Member) -> Contact {
    Contact { name: member.name.clone(), address: member.addresses.at(sink).map(str::to_owned), ack_url: None }
}
