//! Tickets: whether what stands there fits into a tracker.

use super::Checker;
use crate::action::{Describe, Tell, Ticket};
use crate::diagnostics::Code;
use crate::language::Location;
use crate::model::{HumanDuration, parse_duration};

/// What stands in the playbook as it is; what is put into its holes is cut where it is filed.
pub(super) fn check(checker: &mut Checker<'_>, action: &dyn Describe) {
    if action.name() != "ticket" {
        return;
    }
    for (name, arg) in action.args() {
        let (Some((text, at)), None) = (arg.text(), arg.template()) else { continue };
        match name {
            "title" => fits(checker, text, at, ("title", Ticket::TITLE, "say the rest in `text`")),
            "text" => fits(checker, text, at, ("text", Ticket::TEXT, "say what whoever does it must know")),
            "key" => fits(checker, text, at, ("key", Ticket::KEY, "name what is to be done")),
            "again" => again(checker, text, at),
            _ => {}
        }
    }
}

fn fits(checker: &mut Checker<'_>, text: &str, at: Location, (name, longest, remedy): (&str, usize, &str)) {
    let length = text.chars().count();
    if text.trim().is_empty() {
        checker.error(Code::InvalidValue, at, format!("the `{name}` of a ticket says nothing"), Some(remedy.into()));
    } else if length > longest {
        let message = format!("the `{name}` has {length} characters, and {longest} fit");
        checker.rule(Code::OutOfRange, at, message, Some(remedy.into()));
    }
}

fn again(checker: &mut Checker<'_>, text: &str, at: Location) {
    let Ok(given) = parse_duration(text) else { return };
    let (least, most) = (*Ticket::AGAIN.start(), *Ticket::AGAIN.end());
    let wrong = match given {
        given if given < least => "is shorter than",
        given if given > most => "is longer than",
        _ => return,
    };
    let bound = HumanDuration(if given < least { least } else { most });
    let message = format!("{} {wrong} {bound}: it is work that outlives its incident", HumanDuration(given));
    checker.rule(Code::OutOfRange, at, message, Some(format!("write `{bound}`")));
}

/// One key for all items of a loop files the first of them alone.
pub(super) fn in_loop(checker: &mut Checker<'_>, tell: &Tell) {
    let args = tell.args();
    let key = args.iter().find(|(name, _)| *name == "key").filter(|_| tell.is_ticket());
    let Some((text, at)) = key.filter(|(_, key)| key.template().is_none()).and_then(|(_, key)| key.text()) else {
        return;
    };
    let message = format!("the key `{text}` is that of each item: the first of them is filed, and no other");
    let remedy = "put what tells the items apart into it, such as `{{item.metadata.name}}`, or file one ticket behind the `foreach`";
    checker.warning(Code::Doubtful, at, message, Some(remedy.into()));
}
