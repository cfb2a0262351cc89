//! From the document to what it means: each text is read, each reference is followed.

mod addresses;
mod contacts;
mod escalation;
mod experts;
mod rotation;

use std::sync::Arc;

use chrono::{Datelike as _, NaiveDate, NaiveTime};
use chrono_tz::{TZ_VARIANTS, Tz};
use serde_saphyr::Spanned;

use super::covers::Covers;
use super::document::{Document, MemberEntry, TeamEntry, Text};
use super::error::{Source, shortened};
use super::{Member, OnCall, OnCallError, Policy, ReadCalendar, Team, nearest};
use escalation::{Has, Known};
use rotation::SameDay;

/// Room for some thousand members; what is larger is another file by mistake.
const MAX_BYTES: usize = 256 * 1024;

/// The longest name of a member or team: still fits a line of chat.
const MAX_NAME: usize = 64;

pub(super) fn check(name: &str, text: &str, read: ReadCalendar<'_>) -> Result<OnCall, OnCallError> {
    let source = Source { name, text };
    if text.len() > MAX_BYTES {
        let message = format!("the file has {} bytes, and at most {MAX_BYTES} are read", text.len());
        return Err(source.error(serde_saphyr::Location::UNKNOWN, message, "see whether it is the right file"));
    }
    let document = serde_saphyr::from_str(text).map_err(|error| source.yaml_error(&error))?;
    Check(source, read).document(document)
}

/// The file, and how the calendars are read that it names.
struct Check<'a>(Source<'a>, ReadCalendar<'a>);

impl Check<'_> {
    fn document(&self, document: Document) -> Result<OnCall, OnCallError> {
        self.exactly(&document.api_version, "dogwatch/v1")?;
        self.exactly(&document.kind, "OnCall")?;
        let members = self.members(&document.members.value)?;
        if document.teams.value.is_empty() {
            return Err(self.wrong(&document.teams, "there is no team", "write at least one: `- name: ...`"));
        }
        let areas = self.areas(&document.experts, &members)?;
        let names = document.teams.value.iter().map(|entry| entry.name.value.as_str());
        let known = Known {
            members: &members,
            teams: names.collect(),
            areas: areas.iter().map(|area| area.name.as_str()).collect(),
        };
        let usual = match &document.escalation {
            Some(entry) => self.policy(entry, &Policy::usual(), &known, None)?,
            None => Policy::usual(),
        };
        let mut teams: Vec<Team> = Vec::new();
        for entry in &document.teams.value {
            if teams.iter().any(|team| team.name == entry.name.value) {
                return Err(self.twice(&entry.name, "team"));
            }
            teams.push(self.team(entry, &usual, &known)?);
        }
        Ok(OnCall { members, teams, areas, usual, covers: Covers::new() })
    }

    fn members(&self, entries: &[MemberEntry]) -> Result<Vec<Arc<Member>>, OnCallError> {
        let mut members: Vec<Arc<Member>> = Vec::new();
        for entry in entries {
            let member = self.member(entry)?;
            if members.iter().any(|other| other.name == member.name) {
                return Err(self.twice(&entry.name, "member"));
            }
            let id = member.addresses.at("discord");
            let same_id = members.iter().find(|other| id.is_some() && other.addresses.at("discord") == id);
            if let (Some(text), Some(other)) = (&entry.discord, same_id) {
                let message = format!("`{}` and `{}` have the same Discord id", other.name, member.name);
                return Err(self.wrong(text, message, "give each their own, or make them one member"));
            }
            members.push(Arc::new(member));
        }
        Ok(members)
    }

    fn member(&self, entry: &MemberEntry) -> Result<Member, OnCallError> {
        let name = &entry.name.value;
        let fits = (1..=MAX_NAME).contains(&name.chars().count());
        if !fits || name.trim() != name || name.chars().any(char::is_control) {
            let message = format!("`{}` can be no member's name", shortened(name));
            return Err(self.wrong(&entry.name, message, format!("write 1 to {MAX_NAME} characters, such as `alice`")));
        }
        let time_zone = entry.time_zone.as_ref().map(|text| self.time_zone(text)).transpose()?;
        let addresses = self.of_member(entry)?;
        let contacts = self.contacts(entry, &addresses)?;
        Ok(Member { name: name.clone(), addresses, contacts, time_zone })
    }

    fn team(&self, entry: &TeamEntry, usual: &Policy, known: &Known<'_>) -> Result<Team, OnCallError> {
        let name = &entry.name.value;
        if !is_label(name) {
            let message = format!("`{}` can be no team's name", shortened(name));
            let remedy =
                format!("write at most {MAX_NAME} lower-case letters, digits and inner `-`, such as `platform`");
            return Err(self.wrong(&entry.name, message, remedy));
        }
        let channels = self.of_team(entry)?;
        let rotation = self.rotations(name, &entry.rotation, known.members)?;
        let secondary = entry.secondary.as_ref().map(|entry| self.rotations(name, entry, known.members)).transpose()?;
        let manager = entry.manager.as_ref().map(|name| self.known_member(name, known.members)).transpose()?;
        let has = Has { manager: manager.is_some(), secondary: secondary.is_some() };
        let policy = |entry| self.policy(entry, usual, known, Some(has));
        let escalation = entry.escalation.as_ref().map(policy).transpose()?;
        let hours = entry
            .page_for
            .as_ref()
            .map(|page_for| self.hours(&page_for.s3, rotation.time_zone(), SameDay::Needed))
            .transpose()?;
        let name = name.clone();
        Ok(Team { name, channels, rotation, secondary, manager, escalation, pages_s3: hours })
    }

    fn known_member(&self, name: &Text, known: &[Arc<Member>]) -> Result<Arc<Member>, OnCallError> {
        known.iter().find(|member| member.name == name.value).cloned().ok_or_else(|| {
            let message = format!("`{}` is not in members", shortened(&name.value));
            self.wrong(name, message, nearest::instead(&name.value, known.iter().map(|member| member.name.as_str())))
        })
    }

    fn time(&self, text: &Text) -> Result<NaiveTime, OnCallError> {
        parse_time(&text.value).ok_or_else(|| {
            let message = format!("`{}` is no time of day", shortened(&text.value));
            self.wrong(text, message, "write hours and minutes from \"00:00\" to \"23:59\"")
        })
    }

    fn date(&self, text: &Text) -> Result<NaiveDate, OnCallError> {
        let date = NaiveDate::parse_from_str(&text.value, "%Y-%m-%d").ok();
        // A year outside of these is a slip of the hand.
        date.filter(|date| (2000..2200).contains(&date.year())).ok_or_else(|| {
            let message = format!("`{}` is no day on which a rotation can start", shortened(&text.value));
            self.wrong(text, message, "write year, month and day, such as `2026-01-05`")
        })
    }

    fn time_zone(&self, text: &Text) -> Result<Tz, OnCallError> {
        text.value.parse().map_err(|_| {
            let message = format!("`{}` is no time zone", shortened(&text.value));
            let remedy = match nearest::nearest(&text.value, TZ_VARIANTS.iter().map(|zone| zone.name())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write a name of the IANA time zone database, such as `Europe/Paris` or `UTC`".to_owned(),
            };
            self.wrong(text, message, remedy)
        })
    }

    fn exactly(&self, text: &Text, wanted: &str) -> Result<(), OnCallError> {
        if text.value == wanted {
            return Ok(());
        }
        let message = format!("`{}` is not what an on-call file says here", shortened(&text.value));
        Err(self.wrong(text, message, format!("write `{wanted}`")))
    }

    fn twice(&self, name: &Text, what: &str) -> OnCallError {
        let message = format!("a second {what} is called `{}`", name.value);
        self.wrong(name, message, "give each its own name")
    }

    fn wrong<T>(&self, at: &Spanned<T>, message: impl Into<String>, remedy: impl Into<String>) -> OnCallError {
        self.0.error(at.referenced, message, remedy)
    }
}

/// Lower-case letters, digits and inner `-`.
fn is_label(name: &str) -> bool {
    let letters = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    letters && (1..=MAX_NAME).contains(&name.len()) && !name.starts_with('-') && !name.ends_with('-')
}

/// `09:00`, to the minute.
fn parse_time(text: &str) -> Option<NaiveTime> {
    let (hour, minute) = text.split_once(':').filter(|(hour, minute)| hour.len() <= 2 && minute.len() == 2)?;
    NaiveTime::from_hms_opt(parse_digits(hour)?.try_into().ok()?, parse_digits(minute)?.try_into().ok()?, 0)
}

/// Unlike `parse` alone, takes no sign.
fn parse_digits(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}
