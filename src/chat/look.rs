//! Answers to commands that only look.

use chrono::{DateTime, TimeDelta, Utc};

use super::desk::{Handoffs, Playbooks, Previews, Reply, ReplyStatus};
use super::explains::Explains;
use crate::command::help_text;
use crate::message::{self, PagingFacts};
use crate::model::{
    Command, Incident, IncidentId, IncidentList, OncallQuestion, Person, Role, RunId, WindowId, redact,
};
use crate::oncall::{Asking, OnCall, Roster};
use crate::store::{IncidentFilter, Store, StoreError};

/// How far `/incidents all` and `/windows` look back.
const A_DAY: chrono::TimeDelta = chrono::TimeDelta::days(1);

/// As many as anybody reads of one incident: a fleet is 10,000.
const OBJECTS: usize = 20_000;

/// What there is to look at, and who looks.
pub(super) struct Look<'a> {
    pub store: &'a dyn Store,
    pub previews: &'a dyn Previews,
    pub handoffs: &'a dyn Handoffs,
    pub playbooks: Option<&'a dyn Playbooks>,
    pub explains: &'a Explains,
    pub person: &'a Person,
    pub role: Role,
    pub now: DateTime<Utc>,
}

impl Look<'_> {
    pub async fn answer(&self, command: Command) -> Result<Reply, StoreError> {
        let answered = |text: String| Reply::new(ReplyStatus::Answered, text);
        let or_wrong = |answer: Result<String, String>| match answer {
            Ok(text) => answered(text),
            Err(error) => Reply::new(ReplyStatus::Wrong, error),
        };
        let or_unknown = |incident: IncidentId, text: Option<String>| match text {
            Some(text) => answered(text),
            None => {
                let why = format!(
                    "there is no {incident}; /incidents lists those that are open, and /incidents all those of the last day"
                );
                Reply::new(ReplyStatus::Wrong, why)
            }
        };
        Ok(match command {
            Command::Incidents(list) if list.json => {
                // It is masked as a document: a mask over its text could break it.
                Reply { status: ReplyStatus::Answered, text: self.incidents(&list).await? }
            }
            Command::Incidents(list) => answered(self.incidents(&list).await?),
            Command::Why { incident } => or_unknown(incident, self.why(incident).await?),
            Command::Objects { incident } => or_unknown(incident, self.objects(incident).await?),
            Command::RunLog { run } => match self.run_log(run).await? {
                // It is masked as a document.
                Some(text) => Reply { status: ReplyStatus::Answered, text },
                None => Reply::new(
                    ReplyStatus::Wrong,
                    format!("there is no {run}; /why INC-7 names the runs of an incident"),
                ),
            },
            Command::Timeline { incident } => or_unknown(incident, self.timeline(incident).await?),
            Command::Run { playbook, set, .. } => or_wrong(self.previews.preview(&playbook, &set).await),
            Command::Breakers => answered(match self.stopped(|_| true).await? {
                text if text.is_empty() => "no breaker is open, and no ramp has stopped".to_owned(),
                text => text,
            }),
            Command::Freezes => {
                let freezes = self.store.freezes_at(self.now).await?;
                answered(message::freezes_text(&freezes, &self.explains.freeze_map.get()))
            }
            Command::Approvals => answered(message::approvals_text(&self.store.open_approvals().await?)),
            Command::Windows => answered(self.windows().await?),
            Command::Oncall { question, team, layer, at, lasting_secs } => {
                // As near as the calendar allows.
                let at = at.and_then(|at| at.counted_from(self.now)).unwrap_or(self.now);
                let lasting = lasting_secs.and_then(|secs| TimeDelta::try_seconds(i64::try_from(secs).ok()?));
                let oncall = self.explains.oncall.as_ref().map(Roster::get).unwrap_or_default();
                // A year of all teams is some work.
                let told = tokio::task::spawn_blocking(move || {
                    tell_oncall(&oncall, question, Asking { team: team.as_deref(), layer, at, lasting })
                });
                or_wrong(told.await.unwrap_or_else(|error| Err(error.to_string())))
            }
            Command::Playbooks { question } => or_wrong(self.playbooks(question).await?),
            Command::Handoff => or_wrong(self.handoffs.so_far().await),
            // The others change something, and do not come here.
            Command::Help
            | Command::Ack { .. }
            | Command::AckMany { .. }
            | Command::AckAllOf { .. }
            | Command::ClosedAtPager { .. }
            | Command::Take { .. }
            | Command::Escalate { .. }
            | Command::TestPage { .. }
            | Command::Assign { .. }
            | Command::Resolve { .. }
            | Command::ResolveMany { .. }
            | Command::Merge { .. }
            | Command::Split { .. }
            | Command::Silence { .. }
            | Command::Unsilence { .. }
            | Command::Freeze { .. }
            | Command::CloseBreaker { .. }
            | Command::Unfreeze { .. }
            | Command::Release { .. }
            | Command::TakeShift { .. }
            | Command::Override { .. }
            | Command::EndOverride { .. }
            | Command::Approve { .. }
            | Command::DenyBecause { .. } => answered(help_text(self.role)),
        })
    }

    async fn incidents(&self, list: &IncidentList) -> Result<String, StoreError> {
        let filter =
            if list.goes_back() { IncidentFilter::ResolvedSince(self.now - A_DAY) } else { IncidentFilter::Unresolved };
        // An owner is stored masked.
        let asker = redact(&self.person.name);
        let (listed, others): (Vec<Incident>, Vec<Incident>) =
            self.store.incidents(filter).await?.into_iter().partition(|incident| list.takes(incident, &asker));
        let pages = self.store.unanswered_pages().await?;
        let ids: Vec<IncidentId> = listed.iter().map(|incident| incident.id).collect();
        let tickets = self.store.tickets_of(&ids).await?;
        if list.json {
            return Ok(message::incidents_json(&listed, &pages, &tickets, self.now));
        }
        let tickets = message::tickets_text(&tickets);
        if list.is_filtered() {
            return Ok(match listed.as_slice() {
                [] => message::none_of_those(&others),
                _ => parts([message::incidents_table(&listed, &pages, self.now, list.goes_back()), tickets]),
            });
        }
        let table = message::incidents_table(&listed, &pages, self.now, list.all);
        let freezes = self.store.freezes_at(self.now).await?;
        let frozen = message::frozen_text(&freezes, &self.explains.freeze_map.get());
        let taken = message::taken_text(&self.store.taken_by(&ids).await?);
        let breakers = self.stopped(|_| true).await?;
        let heartbeats = message::heartbeats_text(&self.store.heartbeats().await?, self.now);
        Ok(parts([frozen, breakers, table, taken, tickets, heartbeats]))
    }

    /// The playbooks among these of which no run begins a change until a person says so, or for a
    /// time: a line for each.
    pub(super) async fn stopped(&self, of: impl Fn(&str) -> bool) -> Result<String, StoreError> {
        let mut breakers = self.store.breakers().await?;
        breakers.retain(|breaker| of(&breaker.playbook));
        let mut ramps = self.store.stopped_ramps(self.now).await?;
        ramps.retain(|ramp| of(&ramp.playbook));
        Ok(message::breakers_text(&breakers, &ramps))
    }

    async fn windows(&self) -> Result<String, StoreError> {
        let windows = self.store.windows_since(self.now - A_DAY).await?;
        let ids: Vec<WindowId> = windows.iter().map(|window| window.id).collect();
        let held = self.store.held_by(&ids).await?;
        Ok(message::windows_text(&windows, &held, self.now))
    }

    async fn why(&self, id: IncidentId) -> Result<Option<String>, StoreError> {
        /// As many as are told.
        const EPISODES: usize = 5;
        let Some(incident) = self.root(id).await? else { return Ok(None) };
        let asked = id;
        let id = incident.id;
        let runs = self.store.runs_of(id).await?;
        let timeline = self.store.timeline(id).await?;
        let episodes = self.store.episodes(id, EPISODES).await?;
        let pages = self.store.pages_of(id).await?;
        let windows = self.store.windows_of(id).await?;
        let attempts = self.store.page_attempts(id).await?;
        let on_call = self.explains.on_call(&pages);
        let escalation = self.store.escalation_of(id).await?;
        let about = self.store.concern_of(id).await?;
        let next_call = escalation.and_then(|escalation| {
            let page = pages.iter().find(|page| Some(page.id) == escalation.page);
            let escalating = self.store.calls_by_itself();
            let watched = page.and_then(|page| page.watched_by(&pages, &escalating));
            self.explains.next_call(&incident, &about, &escalation, watched)
        });
        let facts = message::WhyFacts {
            incident: &incident,
            runs: &runs,
            timeline: &timeline,
            episodes: &episodes,
            pages: &pages,
            now: self.now,
            paging: PagingFacts {
                severities: &self.explains.severities,
                windows: &windows,
                attempts: &attempts,
                on_call: &on_call,
                next_call: next_call.as_deref(),
                part: (asked != id).then_some(asked),
            },
        };
        let tickets = message::tickets_text(&self.store.tickets_of(&[id]).await?);
        let taken = message::taken_text(&self.store.taken_by(&[id]).await?);
        let breakers = self.stopped(|playbook| runs.iter().any(|run| run.playbook.name == playbook)).await?;
        let why =
            parts([message::why(&facts), taken, breakers, self.explains.experts(&about).unwrap_or_default(), tickets]);
        Ok(Some(if asked == id { why } else { format!("{asked} is part of {id}:\n{why}") }))
    }

    /// The incident with that number, or what it is part of.
    async fn root(&self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        match self.store.incident(id).await? {
            Some(part) if part.merged.is_some() => self.store.incident(part.root()).await,
            incident => Ok(incident),
        }
    }

    async fn timeline(&self, id: IncidentId) -> Result<Option<String>, StoreError> {
        let Some(incident) = self.root(id).await? else { return Ok(None) };
        let timeline = self.store.timeline(incident.id).await?;
        let pages = self.store.pages_of(incident.id).await?;
        Ok(Some(message::timeline_text(id, &incident, &timeline, &pages, self.now)))
    }

    async fn run_log(&self, id: RunId) -> Result<Option<String>, StoreError> {
        let Some(run) = self.store.run(id).await? else { return Ok(None) };
        Ok(Some(message::run_log_json(&run, &self.store.run_log(id).await?)))
    }

    async fn objects(&self, id: IncidentId) -> Result<Option<String>, StoreError> {
        let Some(incident) = self.root(id).await? else { return Ok(None) };
        let objects = self.store.objects_of(incident.id, OBJECTS).await?;
        let all = self.store.count_objects(incident.id).await?;
        Ok(Some(message::objects_table(&incident, &objects, all)))
    }
}

fn tell_oncall(oncall: &OnCall, question: OncallQuestion, asking: Asking<'_>) -> Result<String, String> {
    let told = match question {
        OncallQuestion::Who => oncall.tell_who(asking),
        OncallQuestion::Schedule => oncall.tell_schedule(asking),
        OncallQuestion::Gaps => oncall.tell_gaps(asking),
        OncallQuestion::Check => Ok(oncall.tell_findings(asking)),
        OncallQuestion::Ical => return oncall.calendar(asking).map_err(|error| error.to_string()),
    };
    told.map_err(|error| error.to_string())
}

/// Those that say something, with an empty line between them.
pub(super) fn parts<const N: usize>(parts: [String; N]) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}
