//! What is written down for people to read is masked first: here, in one place, whatever a store is
//! made of. Every store calls this before it carries something out.
//!
//! What identifies something (a fingerprint, a grouping) is decided about as it came, and stored as
//! [`identity`] where it holds a secret. What is acted on (a run's target and inputs) is never
//! changed: if masking would change it, there is no run.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    Append, Ask, Attempt, Change, CommandReply, Decision, InboxItem, NewEpisode, NewFreeze, NewIncident, NewOverride,
    NewPage, NewRun, NewTicket, NewVote, NewWindow, StoreError, TicketFailure, TicketTrouble,
};
use crate::model::{
    ApprovalTerms, Digest, Grouping, Intent, Preview, RunEvent, Signal, Target, redact, redact_named, redact_value,
};

/// What identifies a thing, as it is stored: itself, or where it holds what looks like a secret,
/// the rest of it and a digest that keeps it apart from others.
pub fn identity(raw: &str) -> Cow<'_, str> {
    match redact(raw) {
        Cow::Borrowed(same) => Cow::Borrowed(same),
        Cow::Owned(masked) => Cow::Owned(format!("{masked}#{}", Digest::of(raw).short())),
    }
}

impl Decision {
    /// The decision as it may be written down.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when it opens a run that would act on something masked.
    pub fn masked(self) -> Result<Self, StoreError> {
        let changes = self.changes.into_iter().map(change).collect::<Result<_, _>>()?;
        let reply = self.reply.map(|reply| CommandReply { text: text(reply.text), ..reply });
        Ok(Self { changes, reply })
    }
}

impl Attempt {
    /// As it may be written down.
    pub fn masked(self) -> Self {
        Self { called: text(self.called), ..self }
    }
}

impl TicketFailure {
    /// As it may be written down.
    pub fn masked(self) -> Self {
        let trouble = self.trouble.map(|trouble| TicketTrouble { text: text(trouble.text), ..trouble });
        let left_alone = self.left_alone.map(|(until, because)| (until, text(because)));
        Self { trouble, left_alone, ..self }
    }
}

impl Append {
    /// The records as they may be written down. What a run is to act on is not in them but by its
    /// intents, which the engine refuses to record when masking would change them.
    pub fn masked(self) -> Self {
        Self {
            events: self.events.into_iter().map(record).collect(),
            ask: self.ask.map(|ask| Ask {
                preview: document::<Preview>(ask.preview),
                terms: document::<ApprovalTerms>(ask.terms),
                ..ask
            }),
            pages: self.pages.into_iter().map(NewPage::masked).collect(),
            notices: self.notices.into_iter().map(text).collect(),
            tickets: self.tickets.into_iter().map(NewTicket::masked).collect(),
            end: self.end.map(|(outcome, because)| (outcome, text(because))),
            ..self
        }
    }
}

/// A grouping as it is found, and as people may read it.
pub fn stored_grouping(grouping: &Grouping) -> (String, Grouping) {
    (identity(&grouping.key()).into_owned(), document(grouping.clone()))
}

impl NewPage {
    /// The page as it may be written down.
    pub fn masked(self) -> Self {
        Self { level: self.level, team: text(self.team), reason: document(self.reason), text: self.text.map(text) }
    }
}

impl NewTicket {
    /// The ticket as it may be written down: two whose keys differ by a secret are still two.
    pub fn masked(self) -> Self {
        let key = identity(&self.key).into_owned();
        Self { team: text(self.team), title: text(self.title), text: text(self.text), key, ..self }
    }
}

impl NewWindow {
    /// The window as it may be written down. What it covers is compared with labels: it stays as it
    /// is, and whoever makes it refuses what masking would change.
    pub fn masked(self) -> Self {
        Self { reason: text(self.reason), owner: text(self.owner), ..self }
    }
}

impl NewOverride {
    /// The override as it may be written down. Its team and members are names of the on-call file,
    /// with which they are compared.
    pub fn masked(self) -> Self {
        Self { reason: text(self.reason), by: text(self.by), ..self }
    }
}

impl NewFreeze {
    /// The freeze as it may be written down. What it covers is compared with names: whoever makes it
    /// refuses what masking would change.
    pub fn masked(self) -> Self {
        Self { reason: text(self.reason), by: text(self.by), ..self }
    }
}

/// An intent stays as it is to the letter but for what people read of it: it is compared with the
/// cluster.
fn record(event: RunEvent) -> RunEvent {
    match event {
        RunEvent::Started { step, attempt, intent, deadline, remedy } => {
            let intent = Intent { summary: text(intent.summary), ..intent };
            RunEvent::Started { step, attempt, intent, deadline, remedy }
        }
        other => document(other),
    }
}

/// What a signal said that was set aside: its documents by their names, what is no JSON as a text.
pub fn masked_body(body: &[u8]) -> String {
    match serde_json::from_slice::<Value>(body) {
        Ok(mut value) => {
            redact_value(&mut value);
            value.to_string()
        }
        Err(_) => redact(&String::from_utf8_lossy(body)).into_owned(),
    }
}

/// Names every sort of change, so that a new one is thought about.
fn change(change: Change) -> Result<Change, StoreError> {
    Ok(match change {
        // The groupings' keys are made of them as they came.
        Change::OpenIncident(incident) => Change::OpenIncident(NewIncident {
            title: text(incident.title),
            target: incident.target.map(target),
            team: text(incident.team),
            ..incident
        }),
        Change::OpenEpisode { incident, episode } => Change::OpenEpisode { incident, episode: masked_episode(episode) },
        Change::Retell { episode, annotations } => Change::Retell { episode, annotations: named(annotations) },
        Change::Hold { signal, lane, until, notes } => {
            let notes = notes.into_iter().map(|(incident, event)| (incident, document(event))).collect();
            let signal = Box::new(Signal { key: identity(&signal.key).into_owned(), ..*signal });
            Change::Hold { signal, lane, until, notes }
        }
        Change::Call { incident, why } => Change::Call { incident, why: document(why) },
        Change::Acknowledge { incident, by } => Change::Acknowledge { incident, by: text(by) },
        Change::Page { incident, page } => Change::Page { incident, page: page.masked() },
        Change::Ticket { incident, page } => Change::Ticket { incident, page: page.masked() },
        Change::OpenRun { incident, run } => Change::OpenRun { incident, run: Box::new(masked_run(*run)?) },
        Change::ToRun { run, item } => Change::ToRun { run, item: document::<InboxItem>(item) },
        Change::Vote(vote) => {
            Change::Vote(NewVote { person: text(vote.person), reason: vote.reason.map(text), ..vote })
        }
        Change::Note { incident, event } => Change::Note { incident, event: document(event) },
        Change::ReopenEpisode { incident, episode, held_by, counted_as } => {
            Change::ReopenEpisode { incident, episode, held_by, counted_as: counted_as.map(text) }
        }
        Change::CloseEpisode { .. }
        | Change::ClosedThere { .. }
        | Change::Mitigate { .. }
        | Change::Touch { .. }
        | Change::Resolve { .. }
        | Change::Reopen { .. }
        | Change::Severity { .. }
        | Change::PageAt { .. }
        | Change::HoldBack { .. }
        | Change::HoldOver { .. }
        | Change::Release { .. }
        | Change::WindowTold { .. }
        | Change::TellStarted { .. }
        | Change::GiveBack { .. }
        // As above.
        | Change::Gather { .. }
        | Change::Detach { .. } => change,
        Change::Merge { from, into, by, because } => {
            Change::Merge { from, into, by: by.map(text), because: text(because) }
        }
        Change::KeepWindow { id, window } => Change::KeepWindow { id, window: Box::new(window.masked()) },
        Change::KeepOverride { id, kept } => Change::KeepOverride { id, kept: Box::new(kept.masked()) },
        Change::EndOverride { id, by } => Change::EndOverride { id, by: text(by) },
        Change::KeepFreeze { id, freeze } => Change::KeepFreeze { id, freeze: Box::new(freeze.masked()) },
        Change::CloseBreaker { playbook, by, reason } => {
            Change::CloseBreaker { playbook, by: text(by), reason: text(reason) }
        }
        Change::EndFreeze { id, by } => Change::EndFreeze { id, by: text(by) },
        Change::Take { incident, by } => Change::Take { incident, by: text(by) },
        Change::EndWindow { window, by } => Change::EndWindow { window, by: text(by) },
        Change::Split { incident, by } => Change::Split { incident, by: text(by) },
        Change::Tell { incident, at_once, page } => Change::Tell { incident, at_once, page: page.masked() },
    })
}

fn masked_episode(episode: NewEpisode) -> NewEpisode {
    NewEpisode {
        fingerprint: identity(&episode.fingerprint).into_owned(),
        object: identity(&episode.object).into_owned(),
        alert: text(episode.alert),
        counted_as: episode.counted_as.map(text),
        labels: named(episode.labels),
        annotations: named(episode.annotations),
        ..episode
    }
}

fn named(texts: BTreeMap<String, String>) -> BTreeMap<String, String> {
    texts
        .into_iter()
        .map(|(name, value)| {
            let value = redact_named(&name, &value);
            (text(name), value)
        })
        .collect()
}

/// A run acts on its target and inputs: they are as they came, or there is none. What its
/// conditions see of the alert is masked; a label that would be is left out, so that a condition on
/// it fails instead of comparing masks.
fn masked_run(run: NewRun) -> Result<NewRun, StoreError> {
    if let Some(what) = unfit_to_act_on(&run.target, &Value::Object(run.inputs.clone())) {
        return Err(StoreError::Refused { what: "open a run", message: what });
    }
    let mut alert = run.alert;
    if let Some(labels) = alert.get_mut("labels").and_then(Value::as_object_mut) {
        labels.retain(|name, value| value.as_str().is_none_or(|value| redact_named(name, value) == value));
    }
    redact_value(&mut alert);
    Ok(NewRun { alert, requested_by: run.requested_by.map(text), because: text(run.because), ..run })
}

/// Why nothing may be done with this target and these inputs: one of them holds what looks like a
/// secret, which would have to stand in rows that people read.
pub fn unfit_to_act_on(target: &Target, inputs: &Value) -> Option<String> {
    let said =
        |what: &str| Some(format!("{what} holds what looks like a secret, and a masked one must not be acted on"));
    if target_texts(target).into_iter().any(|text| redact(text) != text) || redact(&target.key()) != target.key() {
        return said("its target");
    }
    let mut masked = inputs.clone();
    redact_value(&mut masked);
    for (name, value) in inputs.as_object().into_iter().flatten() {
        if masked.get(name) != Some(value) {
            return said(&format!("its input `{}`", redact(name)));
        }
    }
    None
}

fn target_texts(target: &Target) -> [&str; 3] {
    [&target.kind, &target.namespace, &target.name]
}

fn target(target: Target) -> Target {
    Target { kind: text(target.kind), namespace: text(target.namespace), name: text(target.name) }
}

fn text(text: String) -> String {
    match redact(&text) {
        Cow::Owned(masked) => masked,
        Cow::Borrowed(_) => text,
    }
}

/// A document with all its texts masked. Its shape stays as it is: names of variants and fields
/// look like no secret.
fn document<T: Serialize + DeserializeOwned>(document: T) -> T {
    let Ok(before) = serde_json::to_value(&document) else { return document };
    let mut after = before.clone();
    redact_value(&mut after);
    if after == before {
        return document;
    }
    serde_json::from_value(after).unwrap_or(document)
}
