//! Whether a run may begin one more change, by what all runs have begun.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{Breaker, Rate, RunId, RunLimits, to_the_minute};

/// What limits count, at one moment.
#[derive(Debug, Clone, Default)]
pub(in crate::store) struct LimitFacts {
    pub playbook: String,
    /// The change is counted already: it is tried once more.
    pub is_counted: bool,
    /// The run has begun to change something before.
    pub has_begun: bool,
    pub mutations: Counted,
    /// In each namespace of the change.
    pub namespaces: Vec<(String, Counted)>,
    /// Other runs that are changing something.
    pub at_once: u32,
    /// Other runs of the playbook that began in the time of its limit.
    pub runs_of_playbook: Counted,
    pub runs_in_namespace: Counted,
    pub breaker: Option<Breaker>,
    /// Of the playbook's other runs, in the time of the ramp.
    pub ramp: RampFacts,
}

/// How many there were in a limit's time, and when the first of them was.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::store) struct Counted {
    pub count: u32,
    pub first_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(in crate::store) struct RampFacts {
    pub helped: u32,
    pub under_way: u32,
    /// The one that did not help and stops the others for the longest, and until when.
    pub stopped: Option<(RunId, DateTime<Utc>)>,
}

/// The limit that a change would exceed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverLimit {
    /// As it is called in the configuration: `engine.limits.mutations`.
    pub limit: &'static str,
    /// With its numbers, as people are told.
    pub said: String,
    /// When to ask again; `None`: it is for a person.
    pub again_at: Option<DateTime<Utc>>,
}

/// When something is asked about again that ends by itself, nobody knows when.
const LOOK_AGAIN: TimeDelta = TimeDelta::seconds(60);

/// What keeps all changes of the playbook from beginning until a person says so; `None`: nothing.
pub(in crate::store) fn stopped(limits: &RunLimits, facts: &LimitFacts) -> Option<OverLimit> {
    let playbook = &facts.playbook;
    if let Some(Breaker { opened_at, because, .. }) = &facts.breaker {
        let since = to_the_minute(*opened_at);
        let said = format!(
            "the breaker of {playbook} is open since {since} ({because}); /close playbook={playbook} closes it"
        );
        return Some(OverLimit { limit: "engine.limits.breaker", said, again_at: None });
    }
    if let (Some(_), Some((run, until)), false) = (limits.fleet.ramp, facts.ramp.stopped, facts.has_begun) {
        let until = until.format("%H:%M UTC");
        let said = format!(
            "the ramp of {playbook} has stopped, as {run} did not help; /close playbook={playbook} lets others begin before {until}"
        );
        return Some(OverLimit { limit: "engine.limits.ramp", said, again_at: None });
    }
    None
}

/// The first limit that stands against the change; `None`: it may begin.
pub(in crate::store) fn over_limit(limits: &RunLimits, facts: &LimitFacts, now: DateTime<Utc>) -> Option<OverLimit> {
    let fleet = &limits.fleet;
    if let Some(stopped) = stopped(limits, facts) {
        return Some(stopped);
    }
    if facts.is_counted {
        return None;
    }
    let soon = now + LOOK_AGAIN;
    let over = |limit, rate: Option<Rate>, counted: Counted, what: &str| {
        let rate = rate.filter(|rate| counted.count >= rate.most)?;
        let said = format!("`{limit}` is {rate}, and {} {what} in that time", counted.count);
        let free_at = counted.first_at.map_or(soon, |at| at + rate.within);
        Some(OverLimit { limit, said, again_at: Some(free_at.max(now + TimeDelta::seconds(1))) })
    };
    let namespaces = facts.namespaces.iter().filter_map(|(namespace, counted)| {
        let what = format!("changes were begun in namespace {namespace}");
        over("engine.limits.mutations_per_namespace", fleet.mutations_per_namespace, *counted, &what)
    });
    let mutations = over("engine.limits.mutations", fleet.mutations, facts.mutations, "changes were begun");
    let budget = mutations.or_else(|| namespaces.into_iter().next());
    if budget.is_some() || facts.has_begun {
        return budget;
    }
    if let Some(most) = fleet.at_once.filter(|most| facts.at_once >= *most) {
        let said = format!("`engine.limits.at_once` is {most}, and {} runs are changing something", facts.at_once);
        return Some(OverLimit { limit: "engine.limits.at_once", said, again_at: Some(soon) });
    }
    let of_playbook = format!("runs of {} began to change something", facts.playbook);
    let in_namespace = format!("{of_playbook} in its namespace");
    over("limits.runs_per_playbook", limits.runs_per_playbook, facts.runs_of_playbook, &of_playbook)
        .or_else(|| {
            over("limits.runs_per_namespace", limits.runs_per_namespace, facts.runs_in_namespace, &in_namespace)
        })
        .or_else(|| over_ramp(limits, facts, soon))
}

fn over_ramp(limits: &RunLimits, facts: &LimitFacts, soon: DateTime<Utc>) -> Option<OverLimit> {
    limits.fleet.ramp?;
    let wave = wave(facts.ramp.helped);
    (facts.ramp.under_way >= wave).then(|| OverLimit {
        limit: "engine.limits.ramp",
        said: format!(
            "the ramp of {} lets {wave} of its runs change something at once, as {} helped lately, and {} do",
            facts.playbook, facts.ramp.helped, facts.ramp.under_way
        ),
        again_at: Some(soon),
    })
}

/// How many runs may go on at once after so many helped: 1, then 2, then 4, ...
fn wave(helped: u32) -> u32 {
    1 << (helped + 1).ilog2().min(16)
}

/// Whether so many runs that did not help open the playbook's breaker.
pub(in crate::store) fn opens_breaker(breaker: Option<Rate>, failed: u32) -> bool {
    breaker.is_some_and(|breaker| failed >= breaker.most)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::FleetLimits;

    #[test]
    fn waves_double_when_all_of_the_last_one_helped() {
        let waves: Vec<u32> = (0..8).map(wave).collect();
        assert_eq!(waves, [1, 2, 2, 4, 4, 4, 4, 8]);
        assert_eq!(wave(u32::MAX - 1), 1 << 16);
    }

    #[test]
    fn each_limit_is_named_with_its_numbers() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::hours(1);
        let rate = |text: &str| Some(text.parse().unwrap());
        let hour = Some(Duration::from_secs(3_600));
        let fleet = FleetLimits {
            mutations: rate("3 per 10m"),
            mutations_per_namespace: rate("2 per 10m"),
            at_once: Some(2),
            ramp: hour,
            breaker: rate("3 per 1h"),
        };
        let limits = RunLimits { fleet, runs_per_playbook: rate("5 per 1h"), runs_per_namespace: rate("4 per 1h") };
        let counted = |count| Counted { count, first_at: Some(now - TimeDelta::minutes(9)) };
        let none = || LimitFacts { playbook: "dns".into(), ..LimitFacts::default() };
        let over = |facts: LimitFacts| over_limit(&limits, &facts, now).map(|over| (over.said, over.again_at));
        let (soon, free) = (Some(now + LOOK_AGAIN), Some(now + TimeDelta::minutes(1)));
        assert_eq!(over(none()), None);
        let said = |text: &str, at| Some((text.to_owned(), at));
        let full = LimitFacts { mutations: counted(3), ..none() };
        assert_eq!(
            over(full.clone()),
            said("`engine.limits.mutations` is 3 per 10m, and 3 changes were begun in that time", free)
        );
        assert_eq!(over(LimitFacts { is_counted: true, ..full.clone() }), None, "it is tried once more");
        assert!(over(LimitFacts { has_begun: true, ..full }).is_some());
        let namespaces = vec![("web".into(), counted(1)), ("db".into(), counted(2))];
        let text = "`engine.limits.mutations_per_namespace` is 2 per 10m, and 2 changes were begun in namespace db in that time";
        assert_eq!(over(LimitFacts { namespaces, ..none() }), said(text, free));
        let busy = LimitFacts { at_once: 2, ..none() };
        assert_eq!(over(busy.clone()), said("`engine.limits.at_once` is 2, and 2 runs are changing something", soon));
        assert_eq!(over(LimitFacts { has_begun: true, ..busy }), None);
        let text = "`limits.runs_per_playbook` is 5 per 1h, and 5 runs of dns began to change something in that time";
        let free = Some(now + TimeDelta::minutes(51));
        assert_eq!(over(LimitFacts { runs_of_playbook: counted(5), ..none() }), said(text, free));
        let text = "`limits.runs_per_namespace` is 4 per 1h, and 4 runs of dns began to change something in its namespace in that time";
        assert_eq!(over(LimitFacts { runs_in_namespace: counted(4), ..none() }), said(text, free));
        let ramp = RampFacts { helped: 1, under_way: 2, stopped: None };
        let text = "the ramp of dns lets 2 of its runs change something at once, as 1 helped lately, and 2 do";
        assert_eq!(over(LimitFacts { ramp, ..none() }), said(text, soon));
        let ramp = RampFacts { stopped: Some((RunId(3), now + TimeDelta::hours(1))), ..RampFacts::default() };
        let text = "the ramp of dns has stopped, as RUN-3 did not help; /close playbook=dns lets others begin before 02:00 UTC";
        assert_eq!(over(LimitFacts { ramp, ..none() }), said(text, None));
        assert_eq!(over(LimitFacts { ramp, has_begun: true, ..none() }), None);
        let breaker = Some(Breaker { playbook: "dns".into(), opened_at: now, because: "3 runs did not help".into() });
        let text = "the breaker of dns is open since 1970-01-01 01:00 UTC (3 runs did not help); /close playbook=dns closes it";
        assert_eq!(over(LimitFacts { breaker, is_counted: true, has_begun: true, ..none() }), said(text, None));
    }
}
