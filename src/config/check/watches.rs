//! What the bot looks at by itself.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Checker;
use crate::cluster::KindName;
use crate::config::{SourceConfig, SourceKind, WatchesConfig};
use crate::diagnostics::Code;
use crate::model::{is_dns_label, kind_identity};

/// More often is load without use: what is seen is held for minutes.
const LEAST_EVERY: Duration = Duration::from_secs(10);
const MOST_EVERY: Duration = Duration::from_secs(10 * 60);
const MOST_HOLD: Duration = Duration::from_secs(24 * 3_600);

impl Checker<'_> {
    pub(super) fn looks(&mut self, section: &str, source: &SourceConfig) {
        if source.kind != SourceKind::Cluster {
            let given = [
                ("every", source.every.is_some()),
                ("namespaces", source.namespaces.is_some()),
                ("team", source.team.is_some()),
                ("watches", source.watches.is_some()),
            ];
            for (field, _) in given.into_iter().filter(|(_, is_given)| *is_given) {
                let field = format!("{section}.{field}");
                let remedy = "take it out, or write `kind: cluster`";
                self.problem(Code::Misplaced, &field, "only a source of the kind `cluster` is looked at", remedy);
            }
            return;
        }
        let is_secured = [("auth", source.auth.is_some()), ("insecure_no_auth", source.insecure_no_auth)];
        for (field, _) in is_secured.into_iter().filter(|(_, is_given)| *is_given) {
            let field = format!("{section}.{field}");
            self.problem(Code::Misplaced, &field, "nobody delivers to what the bot itself looks at", "take it out");
        }
        if let Some(every) = source.every
            && !(LEAST_EVERY..=MOST_EVERY).contains(&every.0)
        {
            let message = format!("{every} is no time between two looks at the cluster");
            self.problem(Code::OutOfRange, &format!("{section}.every"), message, "write `10s` to `10m`; `1m` is usual");
        }
        self.namespaces(&format!("{section}.namespaces"), source.namespaces.as_deref());
        if let Some(watches) = &source.watches {
            self.watches(&format!("{section}.watches"), watches);
        }
        if source.cluster_source().is_some_and(|source| source.watches.is_empty()) {
            let field = format!("{section}.watches");
            self.problem(
                Code::NoValue,
                &field,
                "everything is switched off",
                "switch something on, or take the source out",
            );
        }
    }

    fn namespaces(&mut self, field: &str, namespaces: Option<&[String]>) {
        let Some(namespaces) = namespaces else { return };
        if namespaces.is_empty() {
            self.problem(Code::NoValue, field, "it names no namespace", "name some, or leave it out for all");
        }
        let mut known = BTreeSet::new();
        for (n, name) in namespaces.iter().enumerate() {
            let field = format!("{field}.{n}");
            if !is_dns_label(name) {
                let message = format!("`{name}` is no name of a namespace");
                self.problem(Code::InvalidName, &field, message, "write it as kubectl shows it, such as `shop`");
            } else if !known.insert(name) {
                self.problem(Code::DuplicateName, &field, format!("`{name}` is named twice"), "name it once");
            }
        }
    }

    fn watches(&mut self, field: &str, watches: &WatchesConfig) {
        let switched = watches.switched().map(|(name, watch)| (format!("{field}.{name}"), watch.hold));
        let reports = watches.reports_failure.iter().enumerate();
        let reports = reports.map(|(n, reports)| (format!("{field}.reports_failure.{n}"), reports.hold));
        for (field, hold) in switched.into_iter().chain(reports).collect::<Vec<_>>() {
            if let Some(hold) = hold.filter(|hold| hold.0 > MOST_HOLD) {
                let message = format!("{hold} is no time after which somebody should be told");
                self.problem(Code::OutOfRange, &format!("{field}.hold"), message, "write `0s` to `24h`; `5m` is usual");
            }
        }
        let mut known = BTreeSet::new();
        for (n, reports) in watches.reports_failure.iter().enumerate() {
            let field = format!("{field}.reports_failure.{n}");
            if let Err(error) = reports.kind.parse::<KindName>() {
                let remedy = "write it with its group, such as `Certificate.cert-manager.io`";
                self.problem(Code::InvalidName, &format!("{field}.kind"), error.to_string(), remedy);
            }
            if reports.condition.trim().is_empty() {
                let remedy = "write the type of a condition, such as `Ready`";
                self.problem(Code::NoValue, &format!("{field}.condition"), "a condition without a type", remedy);
            }
            if !["True", "False", "Unknown"].iter().any(|status| reports.status.eq_ignore_ascii_case(status)) {
                let message = format!("no condition has the status `{}`", reports.status);
                let remedy = "write \"False\", \"True\" or \"Unknown\", in quotes";
                self.problem(Code::InvalidValue, &format!("{field}.status"), message, remedy);
            }
            if !known.insert((kind_identity(&reports.kind), &reports.condition)) {
                let message = format!("`{}` of `{}` is watched twice", reports.condition, reports.kind);
                self.problem(Code::DuplicateName, &field, message, "write it once");
            }
        }
    }
}
