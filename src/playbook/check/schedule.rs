//! Times that start a playbook.

use std::collections::BTreeMap;

use super::Checker;
use crate::diagnostics::Code;
use crate::language::{AnyArg, Location};
use crate::model::Schedule;
use crate::playbook::document::{Input, TargetPart, TargetRule};
use crate::playbook::load::{RawSchedule, Text, place};

/// The times that one trigger says.
pub(super) fn check(checker: &mut Checker<'_>, raw: &RawSchedule) -> Option<Schedule> {
    const WHAT: &str = "`schedule`";
    let zone = checker.required(raw.time_zone.as_ref(), &raw.seen, WHAT, "time_zone", "UTC")?;
    let read = match (&raw.at, &raw.cron) {
        (Some(at), None) => {
            let days = raw.days.as_ref().map(|days| days.value.as_str());
            (Schedule::at(&at.value, days, &zone.value), at)
        }
        (None, Some(cron)) => {
            if let Some(days) = &raw.days {
                let remedy = "write them into the last field of `cron`, or `at` in its place";
                checker.error(Code::Contradiction, place(days), "`days` belongs to `at`", Some(remedy.into()));
            }
            (Schedule::cron(&cron.value, &zone.value), cron)
        }
        (Some(_), Some(cron)) => {
            let message = "`at` and `cron` both say when";
            checker.error(Code::Contradiction, place(cron), message, Some("leave one of them out".into()));
            return None;
        }
        (None, None) => {
            if !raw.seen.is_broken("at") && !raw.seen.is_broken("cron") {
                let remedy = "add `at: \"01:00\"`, or `cron: \"0 1 * * mon-fri\"`";
                checker.error(Code::MissingField, raw.seen.at, "`schedule` does not say when", Some(remedy.into()));
            }
            return None;
        }
    };
    match read {
        (Ok(schedule), _) => Some(schedule),
        (Err(why), at) => {
            refused(checker, raw, at, &why);
            None
        }
    }
}

fn refused(checker: &mut Checker<'_>, raw: &RawSchedule, text: &Text, why: &str) {
    let (message, remedy) = why.split_once("; ").unwrap_or((why, ""));
    let at = match (&raw.time_zone, &raw.days) {
        (Some(zone), _) if message.contains("time zone") => place(zone),
        (_, Some(days)) if message.contains("is no days") => place(days),
        _ => place(text),
    };
    checker.error(Code::InvalidValue, at, message, (!remedy.is_empty()).then(|| remedy.to_owned()));
}

/// Nobody says what a planned run is about: the playbook must.
pub(super) fn knows_all(
    checker: &mut Checker<'_>,
    (at, target): (Location, &TargetRule),
    inputs: &BTreeMap<String, Input>,
) {
    let names = target.kinds.iter().map(|kind| ("name", &kind.name)).take(1);
    for (field, part) in std::iter::once(("namespace", &target.namespace)).chain(names) {
        let is_alerts = match part {
            TargetPart::Label(_) => true,
            TargetPart::Given(arg) => arg.template().is_some_and(|(template, _)| {
                template.paths().iter().any(|path| path.split('.').next() == Some("alert"))
            }),
            TargetPart::None | TargetPart::Unsaid => false,
        };
        if is_alerts {
            let message = format!("an alert says the target's `{field}`, and a planned run has none");
            let remedy = format!("write `{field}` of the target as it is, or make two playbooks");
            checker.error(Code::Contradiction, at, message, Some(remedy));
        }
    }
    for (name, _) in inputs.iter().filter(|(_, input)| input.default.is_none()) {
        let message = format!("nobody says the input `{name}` of a planned run");
        checker.error(Code::MissingField, at, message, Some(format!("give `{name}` a `default`")));
    }
}
