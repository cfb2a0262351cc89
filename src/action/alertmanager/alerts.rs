//! `alertmanager.alerts`: what else fires.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::SecondsFormat;

use super::matchers::Matchers;
use crate::action::amounts::{Count, Flag};
use crate::action::masked::masked_text;
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{AT_WILL, Action, ActionError, Declaration, Declared, Effect, Output, Read, StepContext, World};
use crate::alertmanager::{AlertsQuery, FiringNow};
use crate::language::Arg;
use crate::model::{Autonomy, Matcher};

arguments! {
    pub(in crate::action) struct AlertmanagerAlerts {
        /// Which alerts: a list of `label=value`, `!=`, `=~` and `!~`, all of which hold; with
        /// plain holes such as `{{inputs.x}}`
        matchers: Matchers,
        /// Whether those that a silence covers are told of, too
        silenced: Option<Arg<Flag>> = "false",
        /// Whether those that others inhibit are told of, too
        inhibited: Option<Arg<Flag>> = "false",
        /// How many are listed, 1 to 100
        limit: Option<Arg<Count>> = "20",
    }
}

output! {
    struct Firing {
        /// The newest first, `limit` at the most
        items: Vec<Item>,
        /// How many fire, those that are not listed too
        count: usize,
        /// What all of them are called, each once and in order; 50 names at the most
        names: Vec<String>,
    }
}

output! {
    struct Item {
        /// Its `alertname`
        name: String,
        /// Its label `severity`; empty without one
        severity: String,
        /// Since when it fires, such as `2026-05-01T12:00:00Z`
        since: String,
        /// Its other labels, 30 at the most; of a value 200 characters
        labels: BTreeMap<String, String>,
        /// `active`, `silenced` or `inhibited`
        state: String,
        /// The ids of the silences that cover it
        silenced_by: Vec<String>,
    }
}

/// More alerts nobody reads, and more names no condition asks for.
const MOST_ITEMS: u32 = 100;
const MOST_NAMES: usize = 50;
/// More labels no rule makes by itself.
const MOST_LABELS: usize = 30;
const LONGEST_VALUE: usize = 200;
/// As many names are read in a line.
const NAMES_IN_A_LINE: usize = 5;

impl Declared for AlertmanagerAlerts {
    const DECLARATION: Declaration = Declaration {
        name: "alertmanager.alerts",
        summary: "Asks Alertmanager what else fires",
        effect: Effect::Reads,
        about: "The Alertmanager of `alertmanager` in dogwatch.yaml is asked for the alerts that fire now and for which all matchers \
            hold. That none does is an answer: `count` is 0. The alert of the incident is among them unless a matcher leaves it \
            out. What is silenced or inhibited is left out where it is not asked for. Where one Alertmanager serves several clusters, \
            name the own one in a matcher. An expression of `=~` must match the whole value; a dot in what fills a hole of one \
            stands for any character.",
        errors: "No Alertmanager is configured, or it does not answer. A hole that is filled with anything but letters, digits and \
            `_ . : / @ -`.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Firing::FIELDS,
        rights: &[],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: also
  alertmanager.alerts:
    matchers: [\"namespace={{target.metadata.namespace}}\", \"severity=~critical|page\"]
- escalate_if: \"'NodeNotReady' in also.names\"
  because: \"its node is away: {{also.summary}}\"
",
    };

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        self.matchers.check()?;
        self.limit.as_ref().and_then(Arg::literal).map_or(Ok(()), |limit| check_limit(*limit))
    }
}

fn check_limit(limit: Count) -> Result<(), String> {
    if (1..=MOST_ITEMS).contains(&limit.0) {
        return Ok(());
    }
    Err(format!("`limit: {limit}` is not from 1 to {MOST_ITEMS}"))
}

#[async_trait]
impl Read for AlertmanagerAlerts {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let limit = self.limit(step.scope)?;
        check_limit(limit).map_err(ActionError::fail)?;
        let (silenced, inhibited) = (self.silenced(step.scope)?.0, self.inhibited(step.scope)?.0);
        let query = AlertsQuery { matchers: self.matchers.resolve(step.scope)?, silenced, inhibited };
        let firing = world.alertmanager.alerts(&query).await?;
        Ok(told(&query.matchers, firing, limit.0 as usize))
    }
}

fn told(matchers: &[Matcher], mut firing: Vec<FiringNow>, limit: usize) -> Output {
    // By their labels where they began at once, so that the answer is the same each time.
    firing.sort_by(|one, other| other.starts_at.cmp(&one.starts_at).then_with(|| one.labels.cmp(&other.labels)));
    let mut by_name: BTreeMap<String, usize> = BTreeMap::new();
    for alert in &firing {
        *by_name.entry(value(alert, "alertname")).or_default() += 1;
    }
    let which = matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let count = firing.len();
    let summary = match firing.first() {
        None => format!("nothing fires for {which}"),
        Some(newest) => {
            let fire = if count == 1 { "1 alert fires".to_owned() } else { format!("{count} alerts fire") };
            format!("{fire} for {which}: {}; the newest since {}", in_words(&by_name), since(newest))
        }
    };
    let answer = Firing {
        items: firing.iter().take(limit).map(item).collect(),
        count,
        names: by_name.into_keys().take(MOST_NAMES).collect(),
    };
    Output::new(&answer, summary)
}

/// Those that fire most often first: `PodDown (12), DiskFull and 3 more`.
fn in_words(by_name: &BTreeMap<String, usize>) -> String {
    let mut names: Vec<(&String, &usize)> = by_name.iter().collect();
    names.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let name = |(name, count): &(&String, &usize)| match count {
        1 => (*name).clone(),
        _ => format!("{name} ({count})"),
    };
    let told = names.iter().take(NAMES_IN_A_LINE).map(name).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES_IN_A_LINE) {
        0 => told,
        more => format!("{told} and {more} more"),
    }
}

fn item(alert: &FiringNow) -> Item {
    let is_other = |name: &str| !matches!(name, "alertname" | "severity");
    let names = alert.labels.keys().filter(|name| is_other(name)).take(MOST_LABELS);
    let state = match (alert.silenced_by.is_empty(), alert.inhibited_by.is_empty()) {
        (false, _) => "silenced",
        (true, false) => "inhibited",
        (true, true) => "active",
    };
    Item {
        name: value(alert, "alertname"),
        severity: value(alert, "severity"),
        since: since(alert),
        labels: names.map(|name| (name.clone(), value(alert, name))).collect(),
        state: state.to_owned(),
        silenced_by: alert.silenced_by.iter().take(5).map(|id| masked_text(id)).collect(),
    }
}

fn since(alert: &FiringNow) -> String {
    alert.starts_at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Of a label, as people may see it; empty without it.
fn value(alert: &FiringNow, label: &str) -> String {
    let value = masked_text(alert.labels.get(label).map_or("", String::as_str));
    value.chars().take(LONGEST_VALUE).collect()
}
