//! What the engine may do, and for how long it waits.

use std::time::Duration;

use super::Checker;
use crate::diagnostics::Code;
use crate::model::{HumanDuration, LEASE_MARGIN, LEAST_LEASE, MUTATION_WITHIN};

impl Checker<'_> {
    pub(super) fn engine(&mut self) {
        let engine = &self.config.engine;
        if !(1..=256).contains(&engine.workers) {
            self.problem(
                Code::OutOfRange,
                "engine.workers",
                format!("{} workers make no sense", engine.workers),
                "write 1 to 256",
            );
        }
        // A call to the cluster must end before the lease does, and a mutation with a margin.
        let least = LEAST_LEASE.max(self.config.cluster.timeout.0 * 2);
        if engine.lease.0 < least {
            self.problem(Code::OutOfRange,
                "engine.lease",
                format!("a lease of {} may end before a change that was begun in it", engine.lease),
                format!(
                    "write at least `{}`: a change may take {}, as long again to find out what became of it, {} more are \
                     kept free, and a lease is at least twice `cluster.timeout`",
                    HumanDuration(least),
                    HumanDuration(MUTATION_WITHIN),
                    HumanDuration(LEASE_MARGIN)
                ),
            );
        }
        let is_name = |field: &str, name: &str| {
            // A namespace is called by one label.
            let (longest, has_dots) = if field == "namespace" { (63, false) } else { (253, true) };
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || (has_dots && c == '.');
            (1..=longest).contains(&name.len()) && name.chars().all(fits)
        };
        let freeze = &engine.freeze;
        let named = [("name", Some(&freeze.name)), ("namespace", freeze.namespace.as_ref())];
        for (field, name) in named.into_iter().filter_map(|(field, name)| Some((field, name?))) {
            if !is_name(field, name) {
                self.problem(
                    Code::InvalidName,
                    &format!("engine.freeze.{field}"),
                    format!("`{name}` cannot be the {field} of a ConfigMap"),
                    "write letters in lower case, digits, `-` and `.`: `dogwatch-freeze`",
                );
            }
        }
        if engine.limits.untouched.is_some() {
            self.problem(
                Code::InvalidValue,
                "engine.limits.untouched",
                "a share of a workload, of the nodes or of a zone that stays untouched is not built",
                "leave it out: no action of this version takes nodes or picks pods; `at_once` and `ramp` keep runs apart",
            );
        }
        if engine.limits.at_once.0 == Some(0) {
            let what = "`at_once: 0` would change nothing, and a limit is no switch";
            let remedy = "write `none` for no limit; to change nothing, `dogwatch freeze all` or `engine.autonomy_ceiling: suggest`";
            self.problem(Code::OutOfRange, "engine.limits.at_once", what, remedy);
        }
        if engine.limits.ramp.0.is_some_and(|ramp| ramp.0.is_zero()) {
            let what = "a ramp of no time is none";
            self.problem(Code::OutOfRange, "engine.limits.ramp", what, "write `none`, or a time such as `1h`");
        }
        if let (Some(ramp), Some(breaker)) = (engine.limits.ramp.0, engine.limits.breaker.0)
            && breaker.within <= ramp.0 * breaker.most.saturating_sub(1)
        {
            self.problem(
                Code::Contradiction,
                "engine.limits.breaker",
                format!(
                    "the ramp lets one run fail in {ramp}, so that {} never fail in {}",
                    breaker.most,
                    HumanDuration(breaker.within)
                ),
                "write a longer time, such as `3 per 24h`, or a shorter ramp",
            );
        }
        if engine.output_limit.0 < 1024 {
            self.problem(
                Code::OutOfRange,
                "engine.output_limit",
                format!("{} hold no evidence", engine.output_limit),
                "write at least `1KiB`; `64KiB` is usual",
            );
        }
        if engine.approval_timeout.0 < Duration::from_secs(60) {
            self.problem(
                Code::OutOfRange,
                "engine.approval_timeout",
                format!("nobody answers a question within {}", engine.approval_timeout),
                "write at least `1m`; `30m` is usual",
            );
        }
        let timeouts = [
            ("cluster.timeout", Some(self.config.cluster.timeout), 60),
            ("alertmanager.timeout", self.config.alertmanager.as_ref().map(|asked| asked.timeout), 60),
            ("prometheus.timeout", self.config.prometheus.as_ref().map(|prometheus| prometheus.timeout), 60),
            ("patroni.timeout", Some(self.config.patroni.timeout), 60),
        ];
        for (field, timeout, most) in timeouts {
            let range = Duration::from_secs(1)..=Duration::from_secs(most);
            if let Some(timeout) = timeout.filter(|timeout| !range.contains(&timeout.0)) {
                let remedy = format!("write `1s` to `{most}s`; `10s` is usual");
                self.problem(Code::OutOfRange, field, format!("a time-out of {timeout} makes no sense"), remedy);
            }
        }
    }
}
