//! Where people want to be called, and whom a page calls that names nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Member, OnCall, Roster};
use crate::model::{Concern, Contacts, KnowsContacts, PageCall, Severity};

/// Where somebody can want to be called: all sinks for pages that call.
pub const CONTACT_SINKS: [&str; 8] =
    ["pagerduty", "ntfy", "discord", "slack", "mattermost", "teams", "email", "webhook"];

/// Those of them that call whom their own service knows: nobody needs an address there.
pub(super) const WITHOUT_ADDRESS: [&str; 2] = ["pagerduty", "webhook"];

/// All at once, by severity. One that is not there is called as usual.
pub(super) type ContactsEach = BTreeMap<Severity, Vec<&'static str>>;

impl Member {
    /// Where they want to be called for what is so bad. Empty: as usual.
    pub fn contacts(&self, severity: Severity) -> &[&'static str] {
        self.contacts.get(&severity).map(Vec::as_slice).unwrap_or_default()
    }

    /// All sinks that they name, and for which severities.
    pub fn all_contacts(&self) -> impl Iterator<Item = (Severity, &'static str)> {
        self.contacts.iter().flat_map(|(severity, sinks)| sinks.iter().map(|sink| (*severity, *sink)))
    }
}

/// Whom a page calls that names nobody.
#[derive(Debug, Clone, Default)]
pub struct Paged {
    /// The team that is called. `None`: nobody is on call for any.
    pub team: Option<String>,
    pub people: Vec<Arc<Member>>,
    /// As [`Call::by_name`](super::Call::by_name).
    pub by_name: bool,
    /// The teams that were to be called before, each with why it cannot be.
    pub nobody: Vec<(String, &'static str)>,
}

impl OnCall {
    /// Who is on call at that time: for the page's team; else, as a page must reach somebody, for
    /// that of the incident, `owner`, or the default one.
    pub fn paged(
        &self,
        team: &str,
        owner: &str,
        default_team: Option<&str>,
        about: &Concern,
        at: DateTime<Utc>,
    ) -> Paged {
        let mut paged = Paged::default();
        for asked in [Some(team), Some(owner), default_team].into_iter().flatten() {
            if paged.nobody.iter().any(|(before, _)| before == asked) {
                continue;
            }
            let why = match self.first_call(asked, default_team.unwrap_or(asked), about, at) {
                Ok(Some(call)) if !call.people.is_empty() => {
                    let (people, by_name) = (call.people, call.by_name);
                    return Paged { team: Some(asked.to_owned()), people, by_name, ..paged };
                }
                Ok(_) if self.shift_before(asked, at).is_ok_and(|before| before.is_some()) => {
                    "whose rotations leave a gap now"
                }
                Ok(_) => "whose rotation begins later",
                Err(_) => "which oncall.yaml does not know",
            };
            paged.nobody.push((asked.to_owned(), why));
        }
        paged
    }
}

/// The contacts of those who are on call as it is now.
#[derive(Debug, Clone)]
pub struct RosterContacts {
    roster: Roster,
    default_team: String,
}

impl RosterContacts {
    pub fn new(roster: Roster, default_team: impl Into<String>) -> Self {
        Self { roster, default_team: default_team.into() }
    }
}

impl KnowsContacts for RosterContacts {
    fn asks_what_it_is_about(&self) -> bool {
        let oncall = self.roster.get();
        !oncall.areas().is_empty() && oncall.members().iter().any(|member| !member.contacts.is_empty())
    }

    fn contacts(&self, call: &PageCall<'_>, there: &BTreeSet<String>) -> Contacts {
        let oncall = self.roster.get();
        let mut by_name = call.by_name;
        let mut people: Vec<_> = call.people.iter().filter_map(|name| oncall.member(name)).cloned().collect();
        if people.is_empty() {
            let owner = call.incident.team.as_str();
            let paged = oncall.paged(call.team, owner, Some(&self.default_team), call.about, call.at);
            (people, by_name) = (paged.people, paged.by_name);
        }
        let wanted = |member: Arc<Member>| {
            let wanted = member.contacts(call.incident.severity).iter().map(|sink| (*sink).to_owned());
            wanted.filter(|sink| there.contains(sink)).collect()
        };
        Contacts { each: people.into_iter().map(wanted).collect(), by_name }
    }
}
