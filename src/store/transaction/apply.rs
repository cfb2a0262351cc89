//! Carrying out a decision of the incident module.

use std::collections::BTreeMap;

use super::merge::Touched;
use super::{EpisodeAgain, EpisodeEnd, Hold, SignalRow, Tx};
use crate::model::{EpisodeId, Grouping, Incident, IncidentId, Lane, Signal, SignalId, Verdict};
use crate::store::rules::{Closing, Voted, closed_by, voted};
use crate::store::{
    Applied, Change, Decision, InboxItem, IncidentEvent, IncidentRef, NewEpisode, NewIncident, NewRun, NewVote,
    StoreError,
};

pub(in crate::store) async fn apply(
    tx: &mut Tx<'_>,
    signal: SignalId,
    decision: Decision,
) -> Result<Applied, StoreError> {
    // What came of a piece is in the same transaction as the next one's turn: whoever dies goes on
    // where it ended.
    if !tx.tables.next_piece(signal).await? && !tx.tables.finish_signal(signal, tx.now, decision.reply.as_ref()).await?
    {
        return Err(StoreError::Fenced(format!("{signal} was worked on already")));
    }
    let by_a_person = decision.reply.is_some();
    let mut applier = Applier { tx, signal, by_a_person, applied: Applied::default(), touched: Touched::new() };
    let mut changes = decision.changes.into_iter().peekable();
    while let Some(change) = changes.next() {
        // A storm is thousands of equal changes in a row: they are written together.
        match change {
            Change::OpenEpisode { incident, episode } => {
                let mut episodes = vec![(incident, episode)];
                while let Some(Change::OpenEpisode { incident, episode }) =
                    changes.next_if(|next| matches!(next, Change::OpenEpisode { .. }))
                {
                    episodes.push((incident, episode));
                }
                applier.open_episodes(episodes).await?;
            }
            Change::CloseEpisode { incident, episode, at, start } => {
                let mut closed = vec![(incident, episode)];
                let same = |next: &Change| matches!(next, Change::CloseEpisode { at: other, start: told, .. } if (*other, *told) == (at, start));
                while let Some(Change::CloseEpisode { incident, episode, .. }) = changes.next_if(same) {
                    closed.push((incident, episode));
                }
                applier.close_episodes(closed, EpisodeEnd { at, by: signal, start }).await?;
            }
            other => applier.change(other).await?,
        }
    }
    applier.finish().await
}

/// A decision under way.
struct Applier<'t, 'a> {
    tx: &'t mut Tx<'a>,
    /// What the decision follows from.
    signal: SignalId,
    /// Somebody has asked for it.
    by_a_person: bool,
    applied: Applied,
    /// Incidents as they become, whose message must be made anew.
    touched: Touched,
}

impl Applier<'_, '_> {
    fn id(&self, incident: IncidentRef) -> Result<IncidentId, StoreError> {
        match incident {
            IncidentRef::Existing(id) => Ok(id),
            IncidentRef::New(n) => self.applied.incidents.get(n).copied().ok_or_else(|| StoreError::Refused {
                what: "apply a decision",
                message: format!("it speaks of its incident number {n}, which it did not open"),
            }),
        }
    }

    /// The incident as it is by now in this decision; it is written at the end.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when it has become part of another one since it was decided about: what
    /// is over, and who has it, is to be decided about that one.
    async fn touch(&mut self, incident: IncidentRef) -> Result<&mut Incident, StoreError> {
        let id = self.id(incident)?;
        let incident = self.tx.touch(&mut self.touched, id).await?;
        match incident.merged {
            Some(merged) => Err(StoreError::Fenced(format!("{id} has become part of {}", merged.root))),
            None => Ok(incident),
        }
    }

    async fn open_incident(&mut self, new: NewIncident) -> Result<(), StoreError> {
        let (gathers, shares) = (new.gathers.clone(), new.shares.clone());
        let grouping = new.grouping.clone();
        let incident = self.tx.tables.insert_incident(new, self.tx.now).await?;
        let gathers: Vec<Grouping> = std::iter::once(grouping).chain(gathers).collect();
        self.tx.keep_causes(incident.id, &gathers, &shares).await?;
        self.applied.incidents.push(incident.id);
        self.touched.insert(incident.id, incident);
        Ok(())
    }

    async fn change(&mut self, change: Change) -> Result<(), StoreError> {
        let now = self.tx.now;
        match change {
            Change::OpenIncident(new) => self.open_incident(new).await,
            Change::Gather { incident, by, gathers, shares } => {
                let id = self.id(incident)?;
                self.tx.gather(&mut self.touched, id, &by, &gathers, &shares).await
            }
            Change::Merge { from, into, by, because } => {
                let into = self.id(into)?;
                self.tx.merge(&mut self.touched, (from, into), by, because, None).await.map(|_| ())
            }
            Change::Split { incident, by } => self.tx.split(&mut self.touched, incident, by).await.map(|_| ()),
            Change::Detach { from, into, object } => {
                let into = self.id(into)?;
                self.tx.detach(&mut self.touched, from, into, &object).await
            }
            Change::ReopenEpisode { incident, episode, held_by, counted_as } => {
                self.reopen_episode(incident, episode, EpisodeAgain { held_by, counted_as }).await
            }
            Change::Retell { episode, annotations } => self.tx.tables.save_annotations(episode, &annotations).await,
            Change::Acknowledge { incident, by } => {
                let incident = self.touch(incident).await?;
                incident.acknowledge(&by, now);
                let id = incident.id;
                self.close_pages(id, Closing::Acknowledged).await
            }
            Change::ClosedThere { incident } => {
                let id = self.touch(incident).await?.id;
                let sinks = self.tx.sinks;
                self.tx.tables.close_told(id, &sinks.escalate).await
            }
            Change::Mitigate { incident } => {
                let incident = self.touch(incident).await?;
                incident.mitigate(now);
                let (id, is_over) = (incident.id, incident.is_over());
                if is_over {
                    return Ok(());
                }
                self.tx.tables.keep_mitigated_starts(id, now).await
            }
            Change::Resolve { incident, by_itself } => self.resolve(incident, by_itself).await,
            Change::Reopen { incident } => {
                self.touch(incident).await?.reopen();
                Ok(())
            }
            Change::Severity { incident, severity } => {
                self.touch(incident).await?.severity = severity;
                Ok(())
            }
            Change::PageAt { incident, at } => {
                self.touch(incident).await?.page_at = at;
                Ok(())
            }
            Change::Page { incident, page } => {
                let id = self.touch(incident).await?.id;
                if let Some(incident) = self.touched.get_mut(&id) {
                    self.tx.page(incident, &page).await?;
                }
                Ok(())
            }
            Change::Ticket { incident, page } => {
                let incident = self.touch(incident).await?.clone();
                self.tx.ticket(&incident, &page).await
            }
            Change::Tell { incident, at_once, page } => {
                let id = self.touch(incident).await?.id;
                match self.touched.get_mut(&id) {
                    Some(incident) => self.tx.tell(incident, at_once, &page).await,
                    None => Ok(()),
                }
            }
            Change::Touch { incident } => self.touch(incident).await.map(|_| ()),
            Change::Call { incident, why } => {
                let id = self.touch(incident).await?.id;
                self.tx.ask_to_call(id, why).await
            }
            Change::OpenRun { incident, run } => self.open_run(incident, *run).await,
            Change::ToRun { run, item } => self.tx.send_to_run(run, &item).await,
            Change::Vote(vote) => self.vote(vote).await,
            Change::Note { incident, event } => {
                let id = self.touch(incident).await?.id;
                self.tx.note(id, &event).await
            }
            Change::OpenEpisode { incident, episode } => self.open_episodes(vec![(incident, episode)]).await,
            Change::CloseEpisode { incident, episode, at, start } => {
                let end = EpisodeEnd { at, by: self.signal, start };
                self.close_episodes(vec![(incident, episode)], end).await
            }
            Change::Hold { signal, lane, until, notes } => self.hold(&signal, lane, until, notes).await,
            Change::KeepWindow { id, window } => self.tx.tables.insert_window(id, &window, now).await,
            Change::EndWindow { window, by } => self.tx.tables.end_window(window, now, &by).await.map(|_| ()),
            Change::KeepOverride { id, kept } => self.tx.tables.insert_override(id, &kept, now).await,
            Change::EndOverride { id, by } => self.tx.tables.end_override(id, now, &by).await,
            Change::KeepFreeze { id, freeze } => self.tx.keep_freeze(id, &freeze).await,
            Change::EndFreeze { id, by } => self.tx.lift_freeze(id, &by).await,
            Change::CloseBreaker { playbook, by, reason } => self.tx.close_breaker(&playbook, &by, &reason).await,
            Change::TellStarted { of, groups } => self.tx.tell_started(self.signal, &of, &groups).await,
            Change::Take { incident, by } => {
                let id = self.touch(incident).await?.id;
                self.tx.tables.save_taken(id, &by, now).await
            }
            Change::GiveBack { incident } => {
                let id = self.touch(incident).await?.id;
                self.tx.tables.drop_taken(id).await
            }
            Change::HoldBack { incident, window, until, alerts, is_whole } => {
                let incident = self.touch(incident).await?.id;
                self.tx.tables.add_hold(Hold { window, incident, alerts, pages: 0, is_whole }).await?;
                let event = IncidentEvent::HeldBack { window, until, alerts, reason: None };
                self.tx.note(incident, &event).await
            }
            Change::HoldOver { incident } => {
                let incident = self.touch(incident).await?;
                incident.held_until = None;
                let id = incident.id;
                self.tx.tables.drop_whole_holds(id).await
            }
            Change::Release { episodes } => self.tx.tables.release_episodes(&episodes).await,
            Change::WindowTold { window } => {
                self.tx.tables.hasten_held(now).await?;
                self.tx.tables.save_told_window(window, now).await
            }
        }
    }

    async fn open_episodes(&mut self, episodes: Vec<(IncidentRef, NewEpisode)>) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(episodes.len());
        let now = self.tx.now;
        for (incident, episode) in episodes {
            let incident = self.touch(incident).await?;
            incident.open_episodes += 1;
            incident.episodes += 1;
            incident.joined_at = Some(now);
            rows.push((incident.id, episode));
        }
        self.tx.tables.insert_episodes(self.tx.now, &rows).await
    }

    async fn reopen_episode(
        &mut self,
        incident: IncidentRef,
        episode: EpisodeId,
        again: EpisodeAgain,
    ) -> Result<(), StoreError> {
        let id = self.touch(incident).await?.id;
        let Some(before) = self.tx.tables.ended_episode(episode).await? else { return Ok(()) };
        self.tx.tables.reopen_episode(episode, id, again).await?;
        let incident = self.touch(incident).await?;
        incident.open_episodes += 1;
        // The incident that it leaves had it, and still says so: its total is history.
        incident.episodes += u64::from(before != id);
        Ok(())
    }

    async fn close_episodes(
        &mut self,
        closed: Vec<(IncidentRef, EpisodeId)>,
        end: EpisodeEnd,
    ) -> Result<(), StoreError> {
        let mut by_incident: BTreeMap<IncidentId, Vec<EpisodeId>> = BTreeMap::new();
        for (incident, episode) in closed {
            by_incident.entry(self.id(incident)?).or_default().push(episode);
        }
        for (incident, episodes) in by_incident {
            let ended = self.tx.tables.end_episodes(&episodes, end).await?;
            // What was over already is no news, and its message is as it was.
            if ended > 0 {
                let incident = self.touch(IncidentRef::Existing(incident)).await?;
                incident.open_episodes = incident.open_episodes.saturating_sub(ended);
            }
        }
        Ok(())
    }

    async fn resolve(&mut self, incident: IncidentRef, by_itself: bool) -> Result<(), StoreError> {
        let now = self.tx.now;
        let incident = self.touch(incident).await?;
        incident.resolve(now);
        let id = incident.id;
        let end = EpisodeEnd { at: now, by: self.signal, start: None };
        self.tx.tables.end_episodes_of(id, end).await?;
        // What opens again is still theirs who took it.
        if !by_itself {
            self.tx.tables.drop_taken(id).await?;
        }
        self.close_pages(id, if by_itself { Closing::OverByItself } else { Closing::Resolved }).await
    }

    async fn close_pages(&mut self, incident: IncidentId, closing: Closing) -> Result<(), StoreError> {
        let waiting = self.tx.tables.waiting_pages(incident).await?;
        let closed = closed_by(&waiting, closing);
        if closed.is_empty() {
            return Ok(());
        }
        self.tx.tables.close_pages(&closed, self.tx.now, closing == Closing::Acknowledged).await
    }

    async fn open_run(&mut self, incident: IncidentRef, run: NewRun) -> Result<(), StoreError> {
        let incident = self.touch(incident).await?.id;
        let id = self.tx.open_run(incident, &run).await?;
        self.applied.runs.push(id);
        let digest = run.playbook.digest.short().to_owned();
        let NewRun { playbook, because, .. } = run;
        let event = IncidentEvent::RunOpened { run: id, playbook: playbook.name, digest, because };
        self.tx.note(incident, &event).await
    }

    /// Counts the answer; if it closes the question, the run is told.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when others answered, or its time was over, since it was decided what
    /// this one comes to: then that is decided again, and the person is told how it is.
    async fn vote(&mut self, vote: NewVote) -> Result<(), StoreError> {
        let NewVote { approval: id, person, verdict, reason, after } = vote;
        let Some(question) = self.tx.tables.approval_row(id).await? else { return Ok(()) };
        if verdict == Verdict::Approve && question.approved_by.contains(&person) {
            return Ok(());
        }
        let voted = voted(&question, &person, verdict, after, self.tx.now);
        if matches!(voted, Voted::TooLate | Voted::Outdated) {
            return Err(StoreError::Fenced(format!("{id} has changed since somebody's answer was decided about")));
        }
        self.tx.tables.insert_vote(id, &person, verdict, self.tx.now).await?;
        self.touch(IncidentRef::Existing(question.incident)).await?;
        if let Voted::Answered { state, by } = voted {
            self.tx.tables.close_approval(id, state, Some(&by), reason.as_deref()).await?;
            let (at, reason) = (Some(self.tx.now), reason.clone());
            let item = InboxItem::Answer { approval: id, verdict, by, at, reason };
            self.tx.send_to_run(question.run, &item).await?;
        }
        let people = question.terms.people;
        let is_counted = verdict == Verdict::Approve && people > 1;
        let progress = is_counted.then(|| format!("{} of {people}", after + 1));
        let event = IncidentEvent::Answered { approval: id, verdict, by: person, reason, progress };
        self.tx.note(question.incident, &event).await?;
        self.tx.send_question(id).await
    }

    /// Lets a signal in that is worked on at its time, once.
    async fn hold(
        &mut self,
        signal: &Signal,
        lane: Lane,
        until: chrono::DateTime<chrono::Utc>,
        notes: Vec<(IncidentRef, IncidentEvent)>,
    ) -> Result<(), StoreError> {
        let body = serde_json::to_string(&signal.body)
            .map_err(|error| StoreError::Refused { what: "put off a signal", message: error.to_string() })?;
        let row = SignalRow {
            source: signal.source.clone(),
            key: signal.key.clone(),
            received_at: signal.received_at,
            lane,
            said: None,
            body,
            not_before: Some(until),
        };
        if self.tx.tables.insert_signal(&row).await?.is_none() {
            return Ok(());
        }
        for (incident, event) in notes {
            let id = self.touch(incident).await?.id;
            self.tx.note(id, &event).await?;
        }
        Ok(())
    }

    async fn finish(self) -> Result<Applied, StoreError> {
        let Self { tx, applied, touched, by_a_person, .. } = self;
        for (id, incident) in touched {
            tx.tables.save_incident(&incident).await?;
            tx.settle_escalation(&incident, by_a_person).await?;
            tx.send_card(id).await?;
        }
        Ok(applied)
    }
}
