//! Who sends alerts.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Checker;
use crate::config::error::within;
use crate::config::{SourceConfig, SourceKind};
use crate::diagnostics::Code;
use crate::intake::{Mapping, MappingError};

/// Whence signals come that no source sends.
const OURS: [&str; 8] = ["api", "console", "discord", "heartbeat", "link", "pagerduty", "run", "schedule"];

/// Less than a minute is within the jitter of what sends it.
const LEAST_WITHIN: Duration = Duration::from_secs(60);

const MOST_WITHIN: Duration = Duration::from_secs(31 * 24 * 3_600);

impl Checker<'_> {
    pub(super) fn sources(&mut self) {
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for (section, source) in self.config.all_sources() {
            let is_short = section == "server";
            let name = if is_short { "server.source".to_owned() } else { format!("{section}.name") };
            self.name(&name, &source.name);
            if let Some(other) = names.insert(source.name.clone(), name.clone()) {
                self.problem(
                    Code::DuplicateName,
                    &name,
                    format!("`{}` is the name of `{other}` too", source.name),
                    "give each its own name: an alert is known by its source and its labels",
                );
            }
            self.heartbeats(&section, &source);
            self.map(&format!("{section}.map"), &source);
            self.looks(&section, &source);
            if source.delivers() && source.auth.is_none() && !source.insecure_no_auth {
                let auth = if is_short { "server.webhook_auth".to_owned() } else { format!("{section}.auth") };
                self.unauthenticated(&source.name, is_short, &auth);
            }
        }
    }

    fn map(&mut self, field: &str, source: &SourceConfig) {
        let map = match (source.kind, &source.map) {
            (SourceKind::Alertmanager | SourceKind::Heartbeat | SourceKind::Cluster, None) => return,
            (SourceKind::Alertmanager | SourceKind::Heartbeat | SourceKind::Cluster, Some(_)) => {
                let remedy = "take it out, or write `kind: generic`";
                return self.problem(Code::Misplaced, field, "what this kind sends is known and needs no map", remedy);
            }
            (SourceKind::Generic, None) => {
                let remedy = "write `map: { name: event.title }`, with the names that its events have";
                return self.problem(
                    Code::MissingField,
                    field,
                    "nothing says what of an event is what of an alert",
                    remedy,
                );
            }
            (SourceKind::Generic, Some(map)) => map,
        };
        for MappingError { field: of_map, text, offset, message, remedy } in
            Mapping::compile(map).err().unwrap_or_default()
        {
            let field = format!("{field}.{of_map}");
            let offset = offset.unwrap_or(0);
            self.problems.push(within(&self.config.source, &field, (&text, offset), message, remedy));
        }
    }

    fn name(&mut self, field: &str, name: &str) {
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > 64 || !name.chars().all(is_word) {
            self.problem(
                Code::InvalidName,
                field,
                "this is no name of a source",
                "write up to 64 letters, digits, `-`, `_` and `.`, such as `alertmanager-eu-1`",
            );
        } else if OURS.contains(&name) {
            self.problem(
                Code::InvalidName,
                field,
                format!("`{name}` is the name of another way in"),
                "write the name of who sends alerts, such as `alertmanager-eu-1`",
            );
        }
    }

    fn heartbeats(&mut self, section: &str, source: &SourceConfig) {
        let own = format!("{section}.heartbeat");
        match (&source.heartbeat, source.kind) {
            (None, SourceKind::Heartbeat) => self.problem(
                Code::MissingField,
                &format!("{section}.kind"),
                "nothing says how often this heartbeat must come",
                "write `heartbeat: { within: 10m }` beside it",
            ),
            (Some(_), SourceKind::Alertmanager | SourceKind::Generic) => self.problem(
                Code::Misplaced,
                &own,
                "only a source of the kind `heartbeat` is one itself",
                "list the alerts that must keep coming: `heartbeats: [{ alert: Watchdog, within: 15m }]`",
            ),
            _ => {}
        }
        if source.kind == SourceKind::Cluster && source.heartbeats.is_some() {
            self.problem(
                Code::Misplaced,
                &format!("{section}.heartbeats"),
                "what the bot itself looks at sends no heartbeats",
                "write `heartbeat: { within: 10m }` for how long the cluster may go unseen",
            );
        }
        if source.kind == SourceKind::Heartbeat && source.heartbeats.is_some() {
            self.problem(
                Code::Misplaced,
                &format!("{section}.heartbeats"),
                "a source of the kind `heartbeat` sends no alerts",
                "write `heartbeat: { within: 10m }`",
            );
        }
        let expected = source.heartbeat.iter().map(|own_rule| (own.clone(), own_rule.within));
        let alerts = source.heartbeats.iter().flatten().enumerate();
        let alerts = alerts.map(|(n, rule)| (format!("{section}.heartbeats.{n}"), rule.within));
        for (field, within) in expected.chain(alerts).collect::<Vec<_>>() {
            if within.0 < LEAST_WITHIN || within.0 > MOST_WITHIN {
                self.problem(
                    Code::OutOfRange,
                    &format!("{field}.within"),
                    format!("{within} is no time after which somebody should be called"),
                    "write a time from `1m` to `31d`: more than what sends it waits between two",
                );
            }
        }
        for (n, rule) in source.heartbeats.iter().flatten().enumerate() {
            if rule.alert.trim().is_empty() {
                let field = format!("{section}.heartbeats.{n}.alert");
                self.problem(
                    Code::NoValue,
                    &field,
                    "an alert without a name",
                    "write the alert's name, such as `Watchdog`",
                );
            }
        }
    }

    fn unauthenticated(&mut self, name: &str, is_short: bool, auth: &str) {
        let listen = self.config.server.listen;
        if listen.ip().is_loopback() {
            self.warnings.push(if is_short {
                format!(
                    "webhooks are accepted from everybody on this machine, so the runs that they start only suggest; set \
                     `{auth}` to change that"
                )
            } else {
                format!(
                    "alerts of `{name}` are accepted from everybody on this machine, so the runs that they start only \
                     suggest; set `{auth}` to change that"
                )
            });
            return;
        }
        let insecure = "`insecure_no_auth: true` if something in front of the bot authenticates";
        if is_short {
            self.problem(
                Code::Unauthenticated,
                "server.listen",
                format!("{listen} can be reached from other machines, and webhooks need no authentication"),
                format!("set `{auth}`, or listen on 127.0.0.1; {insecure}"),
            );
        } else {
            self.problem(
                Code::Unauthenticated,
                auth,
                format!("`server.listen` can be reached from other machines, and `{name}` need not authenticate"),
                format!("write `{{ bearer: {{ file: path }} }}` here; {insecure}"),
            );
        }
    }
}
