//! A case of a real run, from its log: what fired, what was there, what was answered and what came
//! of it.
//!
//! The log keeps what the run decided by. What it does not keep, the case says in a note.

mod alertmanager;
mod answers;
mod history;
mod manifests;
mod network;
mod sql;
mod web;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub(in crate::rehearse) use manifests::{clean, told_from};

use super::items::became;
use super::judge::changes;
use crate::action::Describe;
use crate::engine::RunState;
use crate::model::{Run, RunEvent, StepAddress, Verdict};
use crate::playbook::{Playbook, StepKind, TargetPart};

/// A run with its log, as `dogwatch log RUN-7` prints it.
#[derive(Debug, Deserialize)]
pub struct RecordedRun {
    pub run: Run,
    pub log: Vec<Recorded>,
}

/// One record.
#[derive(Debug, Deserialize)]
pub struct Recorded {
    pub at: DateTime<Utc>,
    pub event: RunEvent,
}

/// A case that was made of a run.
#[derive(Debug)]
pub struct CaseOfRun {
    /// Its fields, in the order in which people read them.
    pub fields: Vec<(&'static str, Value)>,
    /// What the log does not hold, each in a line.
    pub notes: Vec<String>,
}

/// Makes a case of a run that has ended. `playbook`: as it is now.
///
/// # Errors
/// When the run is still under way.
pub fn case_of_run(recorded: &RecordedRun, playbook: &Playbook) -> Result<CaseOfRun, String> {
    let RecordedRun { run, log } = recorded;
    let Some(outcome) = run.outcome else {
        return Err(format!("{} is still under way; a case says how a run ends, so wait for its end", run.id));
    };
    let mut notes = Vec::new();
    if run.playbook.digest != playbook.reference.digest {
        notes.push(format!("it ran version {}, and the file has changed since", run.playbook.version));
    }
    let mut fields = vec![("name", json!(format!("{} about {} ended {outcome}", run.id, run.target.key())))];
    match alert(run) {
        Some(alert) => fields.push(("alert", alert)),
        None if run.requested_by.is_none() && !playbook.schedules.is_empty() => fields.push(("planned", json!(true))),
        None => fields.push(("set", set(run, playbook))),
    }
    if run.requested_by.is_none() && run.autonomy != playbook.autonomy {
        fields.push(("autonomy", json!(run.autonomy)));
    }
    let list = |name, values: Vec<Value>| (!values.is_empty()).then_some((name, Value::Array(values)));
    fields.extend(list("objects", manifests::of(recorded, playbook, &mut notes)));
    fields.extend(list("prometheus", answers::of(recorded, playbook, &mut notes)));
    fields.extend(list("http", web::of(recorded, playbook, &mut notes)));
    fields.extend(list("network", network::of(recorded, playbook)));
    fields.extend(list("sql", sql::of(recorded, playbook, &mut notes)));
    fields.extend(list("history", history::of(recorded, playbook)));
    fields.extend(alertmanager::of(recorded, playbook, &mut notes).map(|alerts| ("alertmanager", alerts)));
    fields.extend(list("sessions", sql::sessions(recorded, playbook)));
    fields.extend(list("during", during(recorded, &mut notes)));
    let mut expect = Map::new();
    expect.insert("outcome".into(), json!(outcome));
    if let Some(because) = &run.because {
        expect.insert("because".into(), json!(because));
    }
    expect.insert("changes".into(), json!(changes(log.iter().map(|recorded| &recorded.event))));
    expect.insert("pages".into(), json!(pages(log)));
    let items = items(log);
    if !items.is_empty() {
        expect.insert("items".into(), Value::Object(items));
    }
    fields.push(("expect", Value::Object(expect)));
    Ok(CaseOfRun { fields, notes })
}

/// The action of a step, where the playbook still has it.
fn action_of<'p>(playbook: &'p Playbook, step: &StepAddress) -> Option<&'p dyn Describe> {
    let step = step.for_all();
    match &playbook.all_steps().find(|known| known.address == step)?.kind {
        StepKind::Action(action) => Some(action.describe()),
        _ => None,
    }
}

/// What was asked, in the order of the first time, each with its answers in order.
struct Asked<K>(Vec<(K, Vec<Value>)>);

impl<K: PartialEq> Asked<K> {
    fn add(&mut self, what: K, answer: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == what) {
            Some((_, answers)) => answers.push(answer),
            None => self.0.push((what, vec![answer])),
        }
    }
}

fn alert(run: &Run) -> Option<Value> {
    let name = run.alert.get("name")?.as_str().filter(|name| !name.is_empty())?;
    let texts = |field: &str| -> BTreeMap<String, Value> {
        let given = run.alert.get(field).and_then(Value::as_object).cloned().unwrap_or_default();
        given.into_iter().filter(|(key, _)| key != "alertname").collect()
    };
    let mut alert = json!({ "name": name, "labels": texts("labels") });
    let annotations = texts("annotations");
    if let Some(alert) = alert.as_object_mut().filter(|_| !annotations.is_empty()) {
        alert.insert("annotations".into(), json!(annotations));
    }
    Some(alert)
}

/// What the person gave: what is as the playbook has it by default need not be said.
fn set(run: &Run, playbook: &Playbook) -> Value {
    let mut set = Map::new();
    for (name, value) in &run.inputs {
        if playbook.inputs.get(name).and_then(|input| input.default.as_ref()) != Some(value) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            set.insert(name.clone(), text.into());
        }
    }
    let rule = &playbook.target;
    let is_given = |part: &TargetPart| matches!(part, TargetPart::Label(_));
    let target = [
        ("kind", rule.kinds.len() > 1, &run.target.kind),
        ("namespace", is_given(&rule.namespace) && !run.target.namespace.is_empty(), &run.target.namespace),
        ("name", rule.kinds.iter().any(|kind| is_given(&kind.name)), &run.target.name),
    ];
    for (name, _, value) in target.into_iter().filter(|(_, is_given, _)| *is_given) {
        set.insert(name.into(), value.clone().into());
    }
    Value::Object(set)
}

/// What people and the alert did meanwhile, each at its time after the beginning.
fn during(recorded: &RecordedRun, notes: &mut Vec<String>) -> Vec<Value> {
    let mut found = Vec::new();
    for Recorded { at, event } in &recorded.log {
        let (what, who): (&str, Value) = match event {
            RunEvent::ApprovalAnswered { verdict: Some(Verdict::Approve), by, .. } => {
                // Several are written down in one line.
                let all: Vec<&str> = by.split(" and ").collect();
                ("approve", if all.len() > 1 { json!(all) } else { json!(by) })
            }
            RunEvent::ApprovalAnswered { verdict: Some(Verdict::Deny), by, .. } => ("deny", json!(by)),
            RunEvent::AlertResolved => ("alert_resolves", json!(true)),
            RunEvent::CancelAsked { by } => ("resolve", json!(by)),
            RunEvent::ClockMoved { .. } => {
                notes.push("the wall clock was set while it was under way: times are not as they were".to_owned());
                continue;
            }
            _ => continue,
        };
        let after = (*at - recorded.run.created_at).num_seconds().max(1);
        found.push(json!({ "after": lasting(after), what: who }));
    }
    found
}

/// To the second, in one unit.
fn lasting(seconds: i64) -> String {
    match seconds {
        _ if seconds % 3_600 == 0 => format!("{}h", seconds / 3_600),
        _ if seconds % 60 == 0 => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

/// The teams, each once: what more a team is told goes to those who were paged already.
fn pages(log: &[Recorded]) -> Vec<&str> {
    let mut teams: Vec<&str> = Vec::new();
    for Recorded { event, .. } in log {
        if let RunEvent::Told { page: true, team, .. } = event
            && !teams.contains(&team.as_str())
        {
            teams.push(team);
        }
    }
    teams
}

fn items(log: &[Recorded]) -> Map<String, Value> {
    let log: Vec<(DateTime<Utc>, RunEvent)> = log.iter().map(|record| (record.at, record.event.clone())).collect();
    let state = RunState::of(&log, None);
    state.loops.iter().filter_map(|each| Some((each.address.id()?.to_owned(), json!(became(each))))).collect()
}
