//! Making parcels from what is true now.

use std::sync::Arc;

use super::{Button, ButtonAction, Contact, Parcel, ParcelKind, Tone};
use crate::clock::Clock;
use crate::model::{Approval, ApprovalState, Incident, IncidentState, Outcome, Run, Severity};
use crate::oncall::{Member, OnCall};
use crate::store::{Delivery, DeliverySubject, Page, PageReason, Store, StoreError};

/// Reads what a delivery is about, and says it.
pub(super) struct Renderer {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    oncall: Arc<OnCall>,
}

impl Renderer {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, oncall: Arc<OnCall>) -> Self {
        Self { store, clock, oncall }
    }

    /// What is to be told; `None` when there is nothing to tell any more.
    pub async fn parcel(&self, sink: &str, delivery: &Delivery) -> Result<Option<Parcel>, StoreError> {
        match &delivery.subject {
            DeliverySubject::Page { page } => match self.store.page(*page).await? {
                // Somebody was quicker: calling them again would only cost sleep.
                Some(page) if page.acknowledged_at.is_none() => self.page(sink, &page).await,
                _ => Ok(None),
            },
            DeliverySubject::Card { incident } => match self.store.incident(*incident).await? {
                Some(incident) => self.card(delivery, &incident).await.map(Some),
                None => Ok(None),
            },
            DeliverySubject::Approval { approval } => match self.store.approval(*approval).await? {
                // A question that was never shown and is none any more needs no answer to it either.
                Some(asked) if asked.state == ApprovalState::Open || delivery.external.is_some() => {
                    self.approval(sink, delivery, &asked).await
                }
                _ => Ok(None),
            },
            DeliverySubject::Notice { incident, text } => match self.store.incident(*incident).await? {
                Some(incident) => {
                    let mut parcel = self.about(ParcelKind::Notice, &incident);
                    parcel.key = format!("dogwatch-notice-{}", delivery.id.0);
                    parcel.thread = self.store.external_message(sink, incident.id).await?;
                    text.clone_into(&mut parcel.body);
                    Ok(Some(parcel))
                }
                None => Ok(None),
            },
        }
    }

    fn about(&self, kind: ParcelKind, incident: &Incident) -> Parcel {
        Parcel {
            kind,
            key: String::new(),
            previous: None,
            thread: None,
            at: self.clock.now(),
            incident: incident.id,
            severity: incident.severity,
            team: incident.team.clone(),
            title: format!("{} {} {}", incident.id, incident.severity, incident.title),
            body: String::new(),
            fields: Vec::new(),
            tone: Tone::Neutral,
            buttons: Vec::new(),
            mention: Vec::new(),
            channel: None,
        }
    }

    /// Who is on call for the team now.
    fn called(&self, team: &str) -> Vec<Contact> {
        match self.oncall.who(team, self.clock.now()) {
            Ok(watch) => {
                let contact = |member: &Member| Contact { name: member.name.clone(), discord: member.discord };
                watch.iter().map(|watch| contact(&watch.member)).collect()
            }
            Err(error) => {
                tracing::error!(team, %error, "nobody is called by name");
                Vec::new()
            }
        }
    }

    async fn page(&self, sink: &str, page: &Page) -> Result<Option<Parcel>, StoreError> {
        let Some(incident) = self.store.incident(page.incident).await? else { return Ok(None) };
        let runs = self.store.runs_of(incident.id).await?;
        let mut body = vec![reason_text(&page.reason, incident.severity)];
        body.extend(page.text.clone());
        body.extend(runs.iter().map(run_line));
        Ok(Some(Parcel {
            key: page.key.clone(),
            thread: self.store.external_message(sink, incident.id).await?,
            severity: page.severity,
            team: page.team.clone(),
            body: body.join("\n"),
            fields: fields(&incident),
            tone: Tone::Alarm,
            buttons: buttons(&incident),
            mention: self.called(&page.team),
            channel: self.oncall.team(&page.team).ok().and_then(|team| team.channel),
            ..self.about(ParcelKind::Page, &incident)
        }))
    }

    async fn card(&self, delivery: &Delivery, incident: &Incident) -> Result<Parcel, StoreError> {
        let runs = self.store.runs_of(incident.id).await?;
        Ok(Parcel {
            key: format!("dogwatch-{}", incident.id),
            previous: delivery.external.clone(),
            body: runs.iter().map(run_line).collect::<Vec<_>>().join("\n"),
            fields: fields(incident),
            tone: tone(incident, &runs),
            buttons: buttons(incident),
            ..self.about(ParcelKind::Card, incident)
        })
    }

    async fn approval(
        &self,
        sink: &str,
        delivery: &Delivery,
        approval: &Approval,
    ) -> Result<Option<Parcel>, StoreError> {
        let Some(incident) = self.store.incident(approval.incident).await? else { return Ok(None) };
        let mut body: Vec<String> = Vec::new();
        for step in &approval.preview.steps {
            let effect = if step.mutating { "changes" } else { "looks" };
            body.push(format!("{effect}: {}", step.summary));
            body.extend(step.diff.clone());
        }
        let by = approval.answered_by.as_deref().unwrap_or("somebody");
        let (said, tone) = match approval.state {
            ApprovalState::Open => {
                (format!("may it? until {}", approval.expires_at.format("%H:%M UTC")), Tone::Question)
            }
            ApprovalState::Approved => (format!("approved by {by}"), Tone::Good),
            ApprovalState::Denied => (format!("denied by {by}"), Tone::Neutral),
            ApprovalState::Expired => ("nobody answered in time; nothing was done".into(), Tone::Neutral),
            ApprovalState::Withdrawn => ("no question any more: its run has ended".into(), Tone::Neutral),
        };
        body.push(said);
        let open = approval.state == ApprovalState::Open;
        let (id, digest) = (approval.id, approval.digest.clone());
        let answers = || {
            let approve = ButtonAction::Approve { approval: id, digest: digest.clone() };
            let deny = ButtonAction::Deny { approval: id, digest: digest.clone() };
            vec![Button { label: "Approve".into(), action: approve }, Button { label: "Deny".into(), action: deny }]
        };
        let buttons = if open { answers() } else { Vec::new() };
        Ok(Some(Parcel {
            key: format!("dogwatch-{id}"),
            previous: delivery.external.clone(),
            thread: self.store.external_message(sink, incident.id).await?,
            title: format!("{id}: {} asks about {}", approval.run, incident.id),
            body: body.join("\n"),
            tone,
            buttons,
            ..self.about(ParcelKind::Approval, &incident)
        }))
    }
}

fn fields(incident: &Incident) -> Vec<(String, String)> {
    let mut fields = vec![("state".to_owned(), incident.state.to_string())];
    if let Some(target) = &incident.target {
        fields.push(("target".into(), target.to_string()));
    }
    fields.push(("alerts".into(), format!("{} firing of {}", incident.open_episodes, incident.episodes)));
    fields.push(("team".into(), incident.team.clone()));
    if let Some(owner) = &incident.owner {
        fields.push(("owner".into(), owner.clone()));
    }
    fields
}

fn buttons(incident: &Incident) -> Vec<Button> {
    let id = incident.id;
    let mut buttons = Vec::new();
    if incident.state == IncidentState::Open {
        buttons.push(Button { label: "Acknowledge".into(), action: ButtonAction::Ack { incident: id } });
    }
    buttons.push(Button { label: "Why?".into(), action: ButtonAction::Why { incident: id } });
    buttons
}

fn tone(incident: &Incident, runs: &[Run]) -> Tone {
    match incident.state {
        IncidentState::Resolved | IncidentState::Mitigated => Tone::Good,
        IncidentState::Acknowledged => Tone::Busy,
        IncidentState::Open if runs.iter().any(|run| run.outcome == Some(Outcome::Escalated)) => Tone::Alarm,
        IncidentState::Open if runs.iter().any(|run| run.outcome.is_none()) => Tone::Busy,
        IncidentState::Open if incident.severity <= Severity::S2 => Tone::Alarm,
        IncidentState::Open => Tone::Neutral,
    }
}

fn run_line(run: &Run) -> String {
    let what = format!("{} {} on {}", run.id, run.playbook.name, run.target);
    match (&run.outcome, &run.because) {
        (Some(outcome), Some(because)) => format!("{what}: {outcome}: {because}"),
        (Some(outcome), None) => format!("{what}: {outcome}"),
        (None, _) => format!("{what}: under way"),
    }
}

fn reason_text(reason: &PageReason, severity: Severity) -> String {
    match reason {
        PageReason::SeverityOne => format!("{severity}: users are down or data is at risk"),
        PageReason::Uncovered => "no playbook knows this alert".into(),
        PageReason::Overdue => "nobody and nothing has taken care of it by its time".into(),
        PageReason::Escalated { run } => format!("{run} escalated"),
        PageReason::NotRun { because } => format!("no playbook was run: {because}"),
    }
}
