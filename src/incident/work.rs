//! What runs are at work for an incident, and whether one more is begun.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::notification::Decider;
use super::spell::{note, page_by};
use super::{Coverage, IncidentRules};
use crate::model::{Alert, Autonomy, HumanDuration, Target, Under};
use crate::playbook::{Catalog, Limits, Playbook, alert_value};
use crate::store::{Change, Decision, IncidentEvent, IncidentRef, IncidentView, NewRun, RunHead};

/// What is done for an incident already.
#[derive(Default)]
pub(super) struct Work {
    /// Why nothing is begun on any target.
    stopped: Option<String>,
    /// Which run is at work on each target.
    at_work: BTreeMap<String, String>,
    /// On which targets runs were opened lately.
    targets: BTreeSet<String>,
}

impl Work {
    pub fn of(known: Option<&IncidentView>, is_late: bool) -> Self {
        let Some(view) = known else { return Self::default() };
        let at_work = view.runs.iter().map(|run| (run.target_key.clone(), format!("{} of {}", run.id, run.playbook)));
        let taken = view.taken_by.as_ref().map(|by| format!("{by} works on the incident by hand (/take)"));
        Self {
            stopped: taken.or_else(|| is_late.then(|| "its alert began before the incident was mitigated".to_owned())),
            at_work: at_work.collect(),
            targets: view.recent_targets.iter().cloned().collect(),
        }
    }

    /// Why no run is begun on the target. `most`: on so many targets of one incident.
    pub fn why_not(&self, target: &Target, most: usize) -> Option<String> {
        let key = target.key();
        // The second one would diagnose what the first one is changing, and then wait for its lock.
        if let Some(run) = self.at_work.get(&key) {
            let why = format!("{run} is at work for this incident, and two at once would work against each other");
            return Some(why);
        }
        if self.stopped.is_some() {
            return self.stopped.clone();
        }
        (!self.targets.contains(&key) && self.targets.len() >= most).then(|| {
            format!(
                "runs on {most} targets in an hour show whether it helps, and what does not is not done to more of them"
            )
        })
    }

    pub fn begins(&mut self, playbook: &Playbook, target: &Target) {
        self.at_work.insert(target.key(), format!("a run of {}", playbook.name));
        self.targets.insert(target.key());
    }
}

/// Opens the run that the alert asks for.
pub(super) fn open_run(
    decider: &mut Decider<'_>,
    incident: IncidentRef,
    alert: &Alert,
    (playbook, target, inputs): (&Playbook, &Target, &Map<String, Value>),
) {
    let alert_fingerprint = alert.fingerprint.as_str();
    let mut alert = alert_value(alert);
    alert["source"] = decider.came.source.into();
    alert["fingerprint"] = alert_fingerprint.into();
    let autonomy = autonomy(decider, incident, playbook, target);
    let run = NewRun {
        alert,
        alert_waited: alert_waited(decider, incident, playbook, autonomy),
        because: "its alert fires".to_owned(),
        ..new_run(playbook, target.clone(), inputs.clone(), autonomy)
    };
    decider.changes.push(Change::OpenRun { incident, run: Box::new(run) });
}

/// A run that has yet to be told of an alert, and why it is opened. What it is pinned to, [`pin`]
/// says.
pub(super) fn new_run(playbook: &Playbook, target: Target, inputs: Map<String, Value>, autonomy: Autonomy) -> NewRun {
    NewRun {
        playbook: playbook.reference.clone(),
        playbook_source: playbook.source.to_string(),
        target,
        inputs,
        alert: Value::Null,
        alert_waited: None,
        autonomy,
        requested_by: None,
        pins: Vec::new(),
        handed_over: 0,
        because: String::new(),
    }
}

/// Has each run that is opened keep the playbooks to which it may be handed over, as they are now.
pub(super) fn pin(catalog: &Catalog, decision: &mut Decision) {
    for change in &mut decision.changes {
        let Change::OpenRun { run, .. } = change else { continue };
        let Some(playbook) = catalog.by_digest(&run.playbook.digest) else { continue };
        run.pins = catalog.pins(playbook);
    }
}

/// How far the run may go: within the ceilings, and what nobody vouches for starts no mutation.
fn autonomy(decider: &mut Decider<'_>, incident: IncidentRef, playbook: &Playbook, target: &Target) -> Autonomy {
    let vouched = vouched(decider, incident, playbook);
    let Some((lowered, text)) = lowered(decider.rules, playbook, target, vouched) else { return vouched };
    note(decider, incident, IncidentEvent::Remark { text });
    lowered
}

fn vouched(decider: &mut Decider<'_>, incident: IncidentRef, playbook: &Playbook) -> Autonomy {
    if !decider.came.unauthenticated || playbook.autonomy <= Autonomy::Suggest {
        return playbook.autonomy;
    }
    let text = format!(
        "{} may only suggest, and not {}: whoever sends alerts need not authenticate (server.webhook_auth is not set)",
        playbook.name, playbook.autonomy
    );
    note(decider, incident, IncidentEvent::Remark { text });
    Autonomy::Suggest
}

/// How long its alert waited here, unless that was meant: what it says was so then, and the run
/// asks before it acts on that.
fn alert_waited(
    decider: &mut Decider<'_>,
    incident: IncidentRef,
    playbook: &Playbook,
    autonomy: Autonomy,
) -> Option<Duration> {
    if decider.came.is_held {
        return None;
    }
    let waited = (decider.now - decider.came.received_at).to_std().unwrap_or_default();
    let is_old = page_by(playbook, playbook.severity).is_some_and(|page_by| waited > page_by);
    if is_old && autonomy >= Autonomy::Approve {
        let text = format!(
            "{} finds out whether its alert still fires before it changes anything: its alert waited here for {}, and \
             nobody told again that it fires",
            playbook.name,
            HumanDuration(waited)
        );
        note(decider, incident, IncidentEvent::Remark { text });
    }
    Some(waited)
}

/// Whether a playbook that knows the alert has had no run for this incident.
pub(super) fn has_not_run(decider: &Decider<'_>, view: &IncidentView, coverage: &Coverage) -> bool {
    let Coverage::Covered { playbook, target, .. } = coverage else { return false };
    // Storms go on for a while: what opened the incident is not asked again with each of its alerts.
    let opened_it = view.incident.playbook.as_deref() == Some(playbook.name.as_str())
        && view.incident.target.as_ref() == Some(target);
    let history = decider.view.history.get(&(playbook.name.clone(), target.key()));
    let ran = history.is_some_and(|runs| runs.iter().any(|run| run.incident == view.incident.id));
    !opened_it && !ran
}

pub(super) fn why_not_run(decider: &Decider<'_>, playbook: &Playbook, target: &Target, work: &Work) -> Option<NotRun> {
    if let Some(because) = work.why_not(target, decider.rules.grouping.runs) {
        return Some(NotRun { because, is_over_limit: false });
    }
    over_the_limit(decider, playbook, &target.key()).map(|because| NotRun { because, is_over_limit: true })
}

fn over_the_limit(decider: &Decider<'_>, playbook: &Playbook, target_key: &str) -> Option<String> {
    let history = decider.view.history.get(&(playbook.name.clone(), target_key.to_owned()))?;
    over_its_limits(&playbook.limits, history, decider.now)
}

/// Why one run more is too many, by the runs of the playbook on the target.
pub(super) fn over_its_limits(limits: &Limits, history: &[RunHead], now: DateTime<Utc>) -> Option<String> {
    if let Some(under_way) = history.iter().find(|run| run.ended_at.is_none()) {
        return Some(format!("{} of it is under way on this target", under_way.id));
    }
    RunHead::too_often(history, limits.of_target(), now)
}

/// How far a run may go where a ceiling lowers that, and what is said of it.
pub(super) fn lowered(
    rules: &IncidentRules,
    playbook: &Playbook,
    target: &Target,
    wanted: Autonomy,
) -> Option<(Autonomy, String)> {
    let namespaces = [target.namespace.as_str()];
    let under = Under { playbook: &playbook.name, team: &playbook.owner, namespaces: &namespaces };
    let (lowered, why) = rules.ceilings.get().lower(wanted, under)?;
    let shown = match lowered {
        Autonomy::Observe | Autonomy::Suggest => "only shows what it would do",
        Autonomy::Approve | Autonomy::Auto => "asks before it changes anything",
    };
    Some((lowered, format!("{} {shown}, and is not {wanted}: {why}", playbook.name)))
}

/// Why an alert's playbook is not run.
pub(super) struct NotRun {
    pub because: String,
    pub is_over_limit: bool,
}
