//! From the document to what it means: each text is read, each reference is followed.

mod addresses;
mod contacts;
mod escalation;
mod experts;
mod roles;
mod rotation;

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use chrono::{Datelike as _, NaiveDate, NaiveTime};
use chrono_tz::{TZ_VARIANTS, Tz};
use serde_saphyr::Spanned;

use super::covers::Covers;
use super::document::{Document, MemberEntry, PageForEntry, TeamEntry, Text};
use super::error::shortened;
use super::{Member, OnCall, Policy, ReadCalendar, Team, nearest};
use crate::diagnostics::{Code, Diagnostic, Diagnostics, SourceText, closest};
use crate::model::deceiving;
use escalation::{Has, Known};
use rotation::SameDay;

/// Room for some thousand members; what is larger is another file by mistake.
const MAX_BYTES: usize = 256 * 1024;

/// The longest name of a member or team: still fits a line of chat.
const MAX_NAME: usize = 64;

pub(super) fn check(name: &str, text: &str, read: ReadCalendar<'_>) -> Result<OnCall, Diagnostics> {
    let source = SourceText { path: Path::new(name), text };
    if text.len() > MAX_BYTES {
        let message = format!("the file has {} bytes, and at most {MAX_BYTES} are read", text.len());
        let wrong = source.error_of_file(Code::TooLarge, message);
        return Err(wrong.with_remedy("see whether it is the right file").into());
    }
    let document = serde_saphyr::from_str(text).map_err(|error| {
        let wrong = source.yaml_error(&error);
        match wrong.remedy {
            Some(_) => wrong,
            None => wrong.with_remedy("deploy/oncall.yaml shows what such a file looks like"),
        }
    })?;
    let check = Check { source, read, found: RefCell::default() };
    let oncall = check.document(document);
    let mut found = check.found.into_inner();
    if found.is_empty() {
        return Ok(oncall);
    }
    found.sort_by_key(|wrong| (wrong.line(), wrong.column()));
    found.dedup();
    Err(Diagnostics(found))
}

/// The file, how the calendars are read that it names, and what was found so far.
struct Check<'a> {
    source: SourceText<'a>,
    read: ReadCalendar<'a>,
    found: RefCell<Vec<Diagnostic>>,
}

impl Check<'_> {
    /// Keeps what is wrong, so that the check goes on; `None` where something is.
    fn kept<T>(&self, checked: Result<T, Diagnostic>) -> Option<T> {
        checked.map_err(|wrong| self.found.borrow_mut().push(wrong)).ok()
    }

    /// What the document means, as far as it is right.
    fn document(&self, document: Document) -> OnCall {
        self.kept(self.exactly(&document.api_version, "dogwatch/v1"));
        self.kept(self.exactly(&document.kind, "OnCall"));
        let members = self.members(&document.members.value);
        if document.teams.value.is_empty() {
            let none =
                self.wrong(Code::NoValue, &document.teams, "there is no team", "write at least one: `- name: ...`");
            self.kept::<()>(Err(none));
        }
        let areas = self.areas(&document.experts, &members);
        let names = document.teams.value.iter().map(|entry| entry.name.value.as_str());
        let known = Known {
            members: &members,
            teams: names.collect(),
            // A mistake in one is told there, and not again where it is named.
            areas: document.experts.iter().map(|area| area.area.value.as_str()).collect(),
        };
        let usual = document
            .escalation
            .as_ref()
            .and_then(|entry| self.kept(self.policy(entry, &Policy::usual(), &known, None)));
        let usual = usual.unwrap_or_else(Policy::usual);
        let mut teams: Vec<Team> = Vec::new();
        for (n, entry) in document.teams.value.iter().enumerate() {
            if document.teams.value.iter().take(n).any(|earlier| earlier.name.value == entry.name.value) {
                self.kept::<()>(Err(self.twice(&entry.name, "team")));
                continue;
            }
            teams.extend(self.kept(self.team(entry, &usual, &known)).flatten());
        }
        let given = self.roles(&document.roles, &known.teams);
        OnCall { members, teams, areas, given, usual, covers: Covers::new(), odd: deceiving(self.source.text) }
    }

    fn members(&self, entries: &[MemberEntry]) -> Vec<Arc<Member>> {
        let mut members: Vec<Arc<Member>> = Vec::new();
        for entry in entries {
            // One that is not right is a member all the same where it is named.
            let member = self.kept(self.member(entry)).unwrap_or_else(|| Member::named(&entry.name.value));
            if members.iter().any(|other| other.name == member.name) {
                self.kept::<()>(Err(self.twice(&entry.name, "member")));
                continue;
            }
            let id = member.addresses.at("discord");
            let same_id = members.iter().find(|other| id.is_some() && other.addresses.at("discord") == id);
            if let (Some(text), Some(other)) = (&entry.discord, same_id) {
                let message = format!("`{}` and `{}` have the same Discord id", other.name, member.name);
                let remedy = "give each their own, or make them one member";
                self.kept::<()>(Err(self.wrong(Code::SharedAddress, text, message, remedy)));
            }
            members.push(Arc::new(member));
        }
        members
    }

    fn member(&self, entry: &MemberEntry) -> Result<Member, Diagnostic> {
        let name = &entry.name.value;
        let fits = (1..=MAX_NAME).contains(&name.chars().count());
        if !fits || name.trim() != name || name.chars().any(char::is_control) {
            let message = format!("`{}` can be no member's name", shortened(name));
            return Err(self.wrong(
                Code::InvalidName,
                &entry.name,
                message,
                format!("write 1 to {MAX_NAME} characters, such as `alice`"),
            ));
        }
        let time_zone = entry.time_zone.as_ref().map(|text| self.time_zone(text)).transpose()?;
        let addresses = self.of_member(entry)?;
        let contacts = self.contacts(entry, &addresses)?;
        Ok(Member { name: name.clone(), addresses, contacts, time_zone })
    }

    fn team(&self, entry: &TeamEntry, usual: &Policy, known: &Known<'_>) -> Result<Option<Team>, Diagnostic> {
        let name = &entry.name.value;
        if !is_label(name) {
            let message = format!("`{}` can be no team's name", shortened(name));
            let remedy =
                format!("write at most {MAX_NAME} lower-case letters, digits and inner `-`, such as `platform`");
            return Err(self.wrong(Code::InvalidName, &entry.name, message, remedy));
        }
        let channels = self.kept(self.of_team(entry));
        let rotation = self.kept(self.rotations(name, &entry.rotation, known.members));
        let secondary = entry.secondary.as_ref().map(|entry| self.kept(self.rotations(name, entry, known.members)));
        let manager = entry.manager.as_ref().map(|name| self.kept(self.known_member(name, known.members)));
        let has = Has { manager: manager.is_some(), secondary: secondary.is_some() };
        let policy = |entry| self.kept(self.policy(entry, usual, known, Some(has)));
        let escalation = entry.escalation.as_ref().map(policy);
        // Without its rotation nothing says what its hours are.
        let Some(rotation) = rotation else { return Ok(None) };
        let hours =
            |page_for: &PageForEntry| self.kept(self.hours(&page_for.s3, rotation.time_zone(), SameDay::Needed));
        let hours = entry.page_for.as_ref().map(hours);
        let name = name.clone();
        Ok(channels.map(|channels| Team {
            name,
            channels,
            rotation,
            secondary: secondary.flatten(),
            manager: manager.flatten(),
            escalation: escalation.flatten(),
            pages_s3: hours.flatten(),
        }))
    }

    fn known_member(&self, name: &Text, known: &[Arc<Member>]) -> Result<Arc<Member>, Diagnostic> {
        known.iter().find(|member| member.name == name.value).cloned().ok_or_else(|| {
            let message = format!("`{}` is not in members", shortened(&name.value));
            self.wrong(
                Code::UnknownName,
                name,
                message,
                nearest::instead(&name.value, known.iter().map(|member| member.name.as_str())),
            )
        })
    }

    fn time(&self, text: &Text) -> Result<NaiveTime, Diagnostic> {
        parse_time(&text.value).ok_or_else(|| {
            let message = format!("`{}` is no time of day", shortened(&text.value));
            self.wrong(Code::InvalidValue, text, message, "write hours and minutes from \"00:00\" to \"23:59\"")
        })
    }

    fn date(&self, text: &Text) -> Result<NaiveDate, Diagnostic> {
        let date = NaiveDate::parse_from_str(&text.value, "%Y-%m-%d").ok();
        // A year outside of these is a slip of the hand.
        date.filter(|date| (2000..2200).contains(&date.year())).ok_or_else(|| {
            let message = format!("`{}` is no day on which a rotation can start", shortened(&text.value));
            self.wrong(Code::InvalidValue, text, message, "write year, month and day, such as `2026-01-05`")
        })
    }

    fn time_zone(&self, text: &Text) -> Result<Tz, Diagnostic> {
        text.value.parse().map_err(|_| {
            let message = format!("`{}` is no time zone", shortened(&text.value));
            let remedy = match closest(&text.value, TZ_VARIANTS.iter().map(|zone| zone.name())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write a name of the IANA time zone database, such as `Europe/Paris` or `UTC`".to_owned(),
            };
            self.wrong(Code::UnknownValue, text, message, remedy)
        })
    }

    fn exactly(&self, text: &Text, wanted: &str) -> Result<(), Diagnostic> {
        if text.value == wanted {
            return Ok(());
        }
        let message = format!("`{}` is not what an on-call file says here", shortened(&text.value));
        Err(self.wrong(Code::WrongDocument, text, message, format!("write `{wanted}`")))
    }

    fn twice(&self, name: &Text, what: &str) -> Diagnostic {
        let message = format!("a second {what} is called `{}`", name.value);
        self.wrong(Code::DuplicateName, name, message, "give each its own name")
    }

    fn wrong<T>(
        &self,
        code: Code,
        at: &Spanned<T>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Diagnostic {
        self.wrong_at(code, at.referenced, message, remedy)
    }

    fn wrong_at(
        &self,
        code: Code,
        at: serde_saphyr::Location,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Diagnostic {
        let wrong = self.source.error(code, at.into(), message).with_remedy(remedy);
        self.source.named_odd(wrong)
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
