//! `/silence alertname=X namespace=db --for 2h an upgrade`: a maintenance window.

use super::{Argument, Definition, Given, Need, ParseError, Shell, Value};
use crate::model::{Command, Role, Start, WindowScope, parse_duration};

pub(super) static COMMAND: Definition = Definition {
    word: "silence",
    help: "a maintenance window: what it covers pages nobody and is not changed",
    example: "/silence alertname=DiskFull namespace=db --for 2h moving the volumes",
    arguments: &[
        Argument::words("cover", Value::Cover, "MATCHER", "a=b, a!=b, a=~b, a!~b as in Alertmanager; or Kind/namespace/name"),
        Argument {
            need: Need::Required,
            ..Argument::option("for", Value::Duration, "TIME", "how long it lasts: 90m, 2h, up to 30d")
        },
        Argument::option("from", Value::Start, "TIME", "when it begins, if not now: 2026-03-02T02:00Z, or 30m from now"),
        Argument { need: Need::Required, ..Argument::text("reason", "REASON", "why, for whoever reads it at night") },
    ],
    needs: Role::Responder,
    only_looks: false,
    shell: Some(Shell {
        about: "Open a maintenance window: what it covers pages nobody and is changed by no run",
        more: "\
Examples:
  dogwatch silence alertname=DiskFull namespace=db --for 2h --reason 'moving the volumes'
  dogwatch silence 'StatefulSet/db/*' --for 90m --from 2026-03-02T02:00Z --reason 'an upgrade'
  dogwatch silence 'namespace=~db|cache' severity!=critical --for 1h --reason 'a drill'

All matchers must match and, where there are targets, one of them. Incidents are opened and told as always. At the end, or \
after `dogwatch unsilence`, what still fires pages. A run under way begins no further change. What covers nearly \
everything, such as alertname=~.*, needs the role admin.",
    }),
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    let mut scope = WindowScope::default();
    for word in given.all("cover") {
        match word.parse() {
            Ok(target) => scope.targets.push(target),
            Err(_) => scope.matchers.extend(word.parse()),
        }
    }
    let lasting = given.one("for").and_then(|text| parse_duration(text).ok()).unwrap_or_default();
    let from = given.one("from").and_then(read_start);
    let reason = given.one("reason").unwrap_or_default().to_owned();
    Ok(Command::Silence { scope, lasting_secs: lasting.as_secs(), from, reason })
}

/// A moment, or how far it lies ahead.
pub(super) fn read_start(text: &str) -> Option<Start> {
    if let Ok(later) = parse_duration(text) {
        return Some(Start::InSecs(later.as_secs()));
    }
    // People leave the seconds out.
    let with_seconds = text.get(16..).map(|zone| format!("{}:00{zone}", text.get(..16).unwrap_or_default()));
    let read = |text: &str| chrono::DateTime::parse_from_rfc3339(text).ok();
    let at = read(text).or_else(|| read(&with_seconds?))?;
    Some(Start::At(at.to_utc()))
}
