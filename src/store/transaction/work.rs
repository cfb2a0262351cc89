//! Filing work that outlives its incident.

use chrono::TimeDelta;

use super::{SameWork, TicketRow, Tx};
use crate::model::{IncidentId, RunId};
use crate::store::rules::Outgoing;
use crate::store::tickets::tracker;
use crate::store::{IncidentEvent, NewTicket, StoreError, TicketPlace};

/// So many new ones a day are as many as a team works off: a playbook that files for each of many
/// objects must not bury the others.
const MOST_A_DAY: u64 = 20;

impl Tx<'_> {
    /// Files work in the tracker of its team. What the incident has already is not filed again, and
    /// what is on its way for another one is one with that. Gives back what chat is told where it
    /// is filed nowhere.
    pub(super) async fn file(
        &mut self,
        incident: IncidentId,
        run: RunId,
        new: &NewTicket,
    ) -> Result<Option<String>, StoreError> {
        if let Some(because) = &new.left_out {
            return self.not_filed(incident, run, new, because.clone()).await;
        }
        let Some(sink) = self.sinks.tickets.of_work(&new.team).map(str::to_owned) else {
            let because = format!("no tracker is configured for team {} (`tickets` of dogwatch.yaml)", new.team);
            return self.not_filed(incident, run, new, because).await;
        };
        let root = self.tables.incident_row(incident).await?.map_or(incident, |incident| incident.root());
        let same = self.tables.same_work(&sink, &new.key, root).await?;
        let is_new = same.is_none();
        let same_as = match same {
            Some(same) if same.incident == root => {
                let text = format!("the ticket of {} is asked for again: {}", tracker(&sink), new.title);
                self.note(root, &IncidentEvent::Remark { text }).await?;
                return Ok(None);
            }
            Some(SameWork { id, is_on_its_way: true, .. }) => Some(id),
            Some(_) | None => None,
        };
        // One that the tracker has already is asked for again at no cost.
        if is_new && self.tables.filed_since(&sink, self.now - TimeDelta::days(1)).await? >= MOST_A_DAY {
            let because = format!("{} gets at most {MOST_A_DAY} a day", tracker(&sink));
            return self.not_filed(incident, run, new, because).await;
        }
        let ticket = self.tables.insert_work((incident, run), &sink, new, same_as, self.now).await?;
        if same_as.is_none() {
            self.tables.put(&sink, &Outgoing::ticket(ticket), self.now).await?;
        }
        Ok(None)
    }

    async fn not_filed(
        &mut self,
        incident: IncidentId,
        run: RunId,
        new: &NewTicket,
        because: String,
    ) -> Result<Option<String>, StoreError> {
        let NewTicket { team, title, text, .. } = new.clone();
        let told = format!("no ticket is filed, as {because}. It would be, for team {team}:\n{title}\n{text}");
        self.note(incident, &IncidentEvent::NotFiled { run, team, title, text, because }).await?;
        Ok(Some(told))
    }

    /// It is in its tracker: the timeline of each incident for which it was asked says where.
    pub(super) async fn work_arrives(&mut self, row: TicketRow, place: TicketPlace) -> Result<(), StoreError> {
        let id = row.id;
        if row.place.is_none() {
            let mut rows = vec![row];
            rows.extend(self.tables.one_with(id).await?);
            let before = place.work.filter(|work| work.times > 1);
            for row in rows {
                let root = self.root_of(&row).await?;
                let Some((run, title)) = row.work else { continue };
                let event = IncidentEvent::Filed {
                    run,
                    sink: tracker(&row.sink).to_owned(),
                    title,
                    ticket: place.id.clone(),
                    url: place.url.clone(),
                    before: before.clone(),
                };
                self.note(root, &event).await?;
                self.send_to_chat(&Outgoing::card(root)).await?;
            }
        }
        self.tables.save_ticket_arrival(id).await
    }
}
