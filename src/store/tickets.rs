//! Tickets: what pages nobody, in the tracker of its team; and work that outlives its incident.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{PageReason, StoreError};
use crate::model::{Digest, IncidentId, IncidentState, RunId, Severity, TicketId};

/// Which sink makes the tickets of which team.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TicketSinks {
    pub by_team: BTreeMap<String, String>,
    /// Of all other teams; `None`: theirs stand in chat alone.
    pub others: Option<String>,
    /// Of the default team: it gets the work of teams that have none.
    pub of_default_team: Option<String>,
    /// Where each of the sinks makes them.
    pub sites: BTreeMap<String, TicketSite>,
}

/// A repository, a project, or what a webhook leads to: a number means something only there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketSite {
    /// By what two are told apart.
    pub key: String,
    /// As people call it.
    pub shown: String,
}

impl TicketSinks {
    pub fn of(&self, team: &str) -> Option<&str> {
        self.by_team.get(team).or(self.others.as_ref()).map(String::as_str)
    }

    /// For rehearsals: work is filed, and brought to nobody.
    pub fn of_work_alone() -> Self {
        Self { of_default_team: Some("ticket:tracker".into()), ..Self::default() }
    }

    /// Where work of that team is filed.
    pub fn of_work(&self, team: &str) -> Option<&str> {
        self.of(team).or(self.of_default_team.as_deref())
    }
}

/// Work that a run files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTicket {
    pub team: String,
    /// One line.
    pub title: String,
    pub text: String,
    /// What is filed once in a tracker.
    pub key: String,
    /// For so long since it was filed it is not filed again, though somebody has closed it.
    pub again: Duration,
    /// Why it is only told of.
    pub left_out: Option<String>,
}

/// What a ticket says that stands for work, and not for its incident: that lives on when the
/// incident is over. Its text is the ticket's.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    pub title: String,
    /// Which has filed it.
    pub run: RunId,
    pub again: Duration,
    /// Where the same was filed before, for whichever incident: the newest of that.
    pub before: Option<TicketPlace>,
}

/// What is known of filed work, as its delivery keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiledWork {
    /// When it was filed.
    pub at: DateTime<Utc>,
    /// When something was written there last.
    pub told_at: DateTime<Utc>,
    /// How often it was asked for, the first time included.
    pub times: u32,
    /// Somebody has closed it, and it is not filed again before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_at: Option<DateTime<Utc>>,
}

/// A ticket that is made, or is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Ticket {
    pub id: TicketId,
    /// The incident in which it is told: that it was made for, or what that is part of.
    pub incident: IncidentId,
    pub made_for: IncidentId,
    pub sink: String,
    pub team: String,
    /// Why a person is needed, and what the playbook says.
    pub reason: PageReason,
    pub text: Option<String>,
    pub created_at: DateTime<Utc>,
    /// Another one, of the incident that this one's became part of, takes its place.
    pub replaced: bool,
    /// Where it lies; `None`: it is not known to be made.
    pub place: Option<TicketPlace>,
    /// What the last attempt in vain came to, or why none is made.
    pub error: Option<String>,
    /// When it is tried next; `None`: nothing waits to be told.
    pub due_at: Option<DateTime<Utc>>,
    /// Since when something may have been made or written there of which nobody heard.
    pub tried_at: Option<DateTime<Utc>>,
    /// So many answers were lost since.
    pub lost: u32,
    /// Since when each attempt was in vain.
    pub failing_since: Option<DateTime<Utc>>,
    /// What it stands for, if not for its incident.
    pub work: Option<Work>,
    /// Of the database, and of this ticket alone.
    pub mark: String,
    pub secret: String,
}

impl Ticket {
    /// What its tracker is called in the configuration.
    pub fn tracker(&self) -> &str {
        tracker(&self.sink)
    }

    /// By what it is found in the tracker, whoever made it: of a bot that died before it heard of
    /// it. `comment`: of its n-th comment, counted from 1. Nobody can know one before it is there.
    pub fn marker(&self, comment: Option<u32>) -> String {
        let (what, n) = comment.map_or((String::new(), 0), |n| (format!("-{n}"), n));
        let proof = Digest::of(format!("{}:{n}", self.secret));
        format!("dogwatch-{}-{}{what}-{}", self.mark, self.made_for, &proof.as_str()[..16])
    }
}

/// Where a ticket lies, as its delivery keeps it, and what was told there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketPlace {
    /// The tracker's own number or key.
    pub id: String,
    pub url: Option<String>,
    pub open: bool,
    /// How many comments were made.
    #[serde(default)]
    pub comments: u32,
    /// When the last thing was written there, by the tracker's clock.
    #[serde(default)]
    pub written_at: Option<DateTime<Utc>>,
    pub told: TicketFacts,
    /// Where it was made; `None`: by an earlier version, and so where its sink made them then.
    #[serde(default)]
    pub site: Option<TicketSite>,
    /// Of work; `None`: it stands for its incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<FiledWork>,
}

impl TicketPlace {
    /// It lies elsewhere than where its sink makes tickets now.
    pub fn is_elsewhere(&self, now: Option<&TicketSite>) -> bool {
        self.site.as_ref().zip(now).is_some_and(|(site, now)| site.key != now.key)
    }

    /// Of a delivery's own id.
    pub fn parse(external: &str) -> Option<Self> {
        serde_json::from_str(external).ok()
    }

    /// The tracker's own number, and how it is called.
    pub fn shown(&self) -> String {
        self.url.clone().unwrap_or_else(|| self.id.clone())
    }
}

/// What a ticket was told of its incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketFacts {
    pub severity: Severity,
    pub state: IncidentState,
    pub spell: u32,
    /// All that ever joined it.
    pub alerts: u64,
    pub owner: Option<String>,
    /// Its runs that have ended.
    pub runs: Vec<RunId>,
    /// Why a person is needed, by digest.
    pub reason: String,
    /// The incident in which it goes on, and whether another ticket tells of that.
    pub part_of: Option<IncidentId>,
    #[serde(default)]
    pub replaced: bool,
}

/// Tickets, as they are read.
#[async_trait]
pub trait TicketStore: Send + Sync {
    async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, StoreError>;

    /// Those of these incidents, and of what is part of them, in order.
    async fn tickets_of(&self, incidents: &[IncidentId]) -> Result<Vec<Ticket>, StoreError>;

    /// Something is about to be made or written in its tracker. Unless somebody says what came of
    /// it, it is tried again after `hold`, and not before.
    async fn ticket_tried(&self, id: TicketId, hold: Duration) -> Result<(), StoreError>;

    /// An attempt was in vain.
    async fn ticket_failed(&self, id: TicketId, failure: TicketFailure) -> Result<(), StoreError>;
}

/// What an attempt in vain means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketFailure {
    /// Nobody knows whether it was done.
    pub is_lost: bool,
    /// Until when nothing is sent to the tracker, and why.
    pub left_alone: Option<(DateTime<Utc>, String)>,
    /// What the timeline is to know.
    pub trouble: Option<TicketTrouble>,
}

/// That a ticket cannot be brought to its tracker. It is told once until it was; a refusal also
/// where only a failure was told before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketTrouble {
    pub text: String,
    pub is_refusal: bool,
}

/// What a sink's tracker is called in the configuration.
pub(in crate::store) fn tracker(sink: &str) -> &str {
    sink.strip_prefix("ticket:").unwrap_or(sink)
}
