//! Everything above the steps, but for inputs and target.

use std::time::Duration;

use chrono::NaiveDate;

use super::durations::{COUNTED, UNTIL_A_PAGE};
use super::names::Names;
use super::visible::Sees;
use super::{Checker, visible};
use crate::diagnostics::Code;
use crate::language::{Location, closest};
use crate::model::{Autonomy, Rate, Schedule, Severity, is_dns_label};
use crate::playbook::document::{Limits, Trigger};
use crate::playbook::load::{RawLimits, RawMetadata, RawPlaybook, Text, place};

/// The fields that are texts or one of a few words.
pub(super) struct Header {
    pub name: String,
    pub version: String,
    pub owner: String,
    pub summary: String,
    pub severity: Severity,
    pub autonomy: Autonomy,
    pub page_by: Option<Duration>,
    pub review_by: Option<NaiveDate>,
}

pub(super) fn check(checker: &mut Checker<'_>, raw: &RawPlaybook) -> Option<Header> {
    const WHAT: &str = "a playbook";
    let seen = &raw.seen;
    for (value, field, wanted) in [(&raw.api_version, "apiVersion", "dogwatch/v1"), (&raw.kind, "kind", "Playbook")] {
        let value = checker.required(value.as_ref(), seen, WHAT, field, wanted);
        if let Some(value) = value.filter(|value| value.value != wanted) {
            checker.error(
                Code::WrongDocument,
                place(value),
                format!("this is no playbook: its {field} is `{}`", value.value),
                format!("write `{wanted}`"),
            );
        }
    }
    let metadata = checker
        .required(raw.metadata.as_ref(), seen, WHAT, "metadata", "{ name: ..., version: 1.0.0, owner: ... }")
        .and_then(|metadata| check_metadata(checker, metadata));
    let summary = checker
        .required(raw.summary.as_ref(), seen, WHAT, "summary", "what is wrong when it runs, in a line")
        .and_then(|text| checker.words(text, "summary").map(str::to_owned));
    let severity = checker.required(raw.severity.as_ref(), seen, WHAT, "severity", "S2").and_then(|text| {
        one_of(
            checker,
            text,
            "severity",
            &[("S1", Severity::S1), ("S2", Severity::S2), ("S3", Severity::S3), ("S4", Severity::S4)],
        )
    });
    let autonomy = checker.required(raw.autonomy.as_ref(), seen, WHAT, "autonomy", "suggest").and_then(|text| {
        let all = [Autonomy::Observe, Autonomy::Suggest, Autonomy::Approve, Autonomy::Auto];
        let names = all.map(|autonomy| autonomy.to_string());
        let choices: Vec<(&str, Autonomy)> = names.iter().map(String::as_str).zip(all).collect();
        one_of(checker, text, "autonomy", &choices)
    });
    let page_by = raw.page_by.as_ref().map(|text| checker.duration(text, UNTIL_A_PAGE));
    let Metadata { name, version, owner, review_by } = metadata?;
    let page_by = match page_by {
        Some(read) => Some(read?),
        None => None,
    };
    let (summary, severity, autonomy) = (summary?, severity?, autonomy?);
    Some(Header { name, version, owner, summary, severity, autonomy, page_by, review_by })
}

struct Metadata {
    name: String,
    version: String,
    owner: String,
    review_by: Option<NaiveDate>,
}

fn check_metadata(checker: &mut Checker<'_>, raw: &RawMetadata) -> Option<Metadata> {
    const WHAT: &str = "`metadata`";
    let name = checker.required(raw.name.as_ref(), &raw.seen, WHAT, "name", "coredns-saturated");
    let version = checker.required(raw.version.as_ref(), &raw.seen, WHAT, "version", "1.0.0");
    let owner = checker.required(raw.owner.as_ref(), &raw.seen, WHAT, "owner", "platform");
    if let Some(name) = name.filter(|name| !is_dns_label(&name.value)) {
        let message = format!("`{}` cannot be a playbook's name", name.value);
        checker.error(
            Code::InvalidName,
            place(name),
            message,
            Some("write lowercase letters, digits and `-`, 63 at most".into()),
        );
    }
    if let Some(version) = version.filter(|version| !is_version(&version.value)) {
        let message = format!("`{}` is no version", version.value);
        checker.error(Code::InvalidValue, place(version), message, Some("write three numbers, such as `1.0.0`".into()));
    }
    if let Some(owner) = owner.filter(|owner| !is_team(&owner.value)) {
        let message = format!("`{}` cannot be the name of a team", owner.value);
        checker.error(
            Code::InvalidName,
            place(owner),
            message,
            Some("write the team's name as `oncall.yaml` does".into()),
        );
    }
    let review_by = raw.review_by.as_ref().map(|text| {
        let read = NaiveDate::parse_from_str(&text.value, "%Y-%m-%d");
        if read.is_err() {
            let message = format!("`{}` is no date", text.value);
            checker.error(Code::InvalidValue, place(text), message, Some("write a day, such as `2027-03-31`".into()));
        }
        read.ok()
    });
    let review_by = match review_by {
        Some(read) => Some(read?),
        None => None,
    };
    Some(Metadata {
        name: name?.value.clone(),
        version: version?.value.clone(),
        owner: owner?.value.clone(),
        review_by,
    })
}

/// `1.2.3` or `1.2.3-rc.1`.
fn is_version(text: &str) -> bool {
    let (numbers, rest) = text.split_once('-').map_or((text, None), |(numbers, rest)| (numbers, Some(rest)));
    let parts: Vec<&str> = numbers.split('.').collect();
    let number = |part: &&str| (1..=9).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let suffix = |rest: &str| {
        (1..=32).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
    };
    parts.len() == 3 && parts.iter().all(number) && rest.is_none_or(suffix)
}

pub(in crate::playbook) fn is_team(text: &str) -> bool {
    (1..=63).contains(&text.len()) && text.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
}

pub(super) fn one_of<T: Copy>(checker: &mut Checker<'_>, text: &Text, field: &str, choices: &[(&str, T)]) -> Option<T> {
    if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text.value) {
        return Some(*value);
    }
    let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    let remedy = match closest(&text.value, names.iter().copied()) {
        Some(meant) => format!("write `{meant}` instead"),
        None => format!("write one of {}", crate::language::list(names)),
    };
    checker.error(Code::UnknownValue, place(text), format!("`{}` is no {field}", text.value), remedy);
    None
}

pub(super) fn triggers(
    checker: &mut Checker<'_>,
    raw: &RawPlaybook,
    names: &Names,
) -> (Vec<Trigger>, Vec<(Location, Schedule)>) {
    let (mut triggers, mut schedules): (Vec<Trigger>, Vec<_>) = (Vec::new(), Vec::new());
    for raw in &raw.triggers {
        if let Some(schedule) = &raw.schedule {
            if let Some(other) = raw.alert.as_ref().or(raw.condition.as_ref()) {
                let message = "a trigger is an alert or a `schedule`, and not both";
                checker.error(Code::Contradiction, place(other), message, Some("make two triggers of it".into()));
            }
            schedules.extend(super::schedule::check(checker, schedule).map(|it| (schedule.seen.at, it)));
            continue;
        }
        let condition = raw.condition.as_ref().map(|text| checker.condition(text, visible(names, Sees::Alert, false)));
        let Some(alert) = checker.required(raw.alert.as_ref(), &raw.seen, "a trigger", "alert", "TheAlertsName") else {
            continue;
        };
        let Some(name) = checker.words(alert, "alert").map(str::to_owned) else { continue };
        let Some(condition) = condition.map_or(Some(None), |compiled| compiled.map(Some)) else { continue };
        if is_pattern(&name) {
            let message = format!("`alert` is the name of one alert, and `{name}` looks like a pattern");
            let remedy = "write a trigger for each alert that is meant";
            if checker.rule(Code::InvalidName, place(alert), message, Some(remedy.into())) {
                continue;
            }
        }
        if triggers.iter().any(|earlier| earlier.alert == name && earlier.condition.is_none()) {
            let message = format!("every `{name}` has triggered it already, by the trigger above");
            checker.error(
                Code::ShadowedTrigger,
                place(alert),
                message,
                Some("leave this trigger out, or give the one above a `where`".into()),
            );
        }
        triggers.push(Trigger { alert: name, condition });
    }
    (triggers, schedules)
}

/// Names may have brackets and blanks in them; these are no parts of one.
fn is_pattern(name: &str) -> bool {
    name.contains('*') || name.contains(".+") || name.starts_with('^') || name.ends_with('$') || name.starts_with('~')
}

pub(super) fn limits(checker: &mut Checker<'_>, raw: &RawLimits) -> Limits {
    if let (Some(_), Some(same)) = (&raw.runs, &raw.runs_per_target) {
        let message = "`runs` and `runs_per_target` are the same limit";
        checker.error(Code::Contradiction, place(same), message, Some("write one of them".into()));
    }
    let per_target = rate(checker, raw.runs.as_ref().or(raw.runs_per_target.as_ref()));
    Limits {
        runs: per_target.map(|rate| (rate.most, rate.within)),
        cooldown: raw.cooldown.as_ref().and_then(|text| checker.duration(text, COUNTED)),
        runs_per_playbook: rate(checker, raw.runs_per_playbook.as_ref()),
        runs_per_namespace: rate(checker, raw.runs_per_namespace.as_ref()),
        ramp: raw.ramp.as_ref().and_then(|text| match text.value.trim() {
            "none" => Some(Duration::ZERO),
            _ => checker.duration(text, COUNTED),
        }),
    }
}

fn rate(checker: &mut Checker<'_>, text: Option<&Text>) -> Option<Rate> {
    let text = text?;
    let Ok(rate) = text.value.parse::<Rate>() else {
        let message = format!("`{}` does not say how many runs in what time", text.value);
        checker.error(Code::InvalidValue, place(text), message, Some("write `3 per 1h`".into()));
        return None;
    };
    checker.is_at_most(rate.within, COUNTED, place(text)).then_some(rate)
}
