//! A receiver of pages that remembers who was called, and may be away.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use dogwatch::clock::{Clock, ManualClock};
use dogwatch::model::PageEvent;
use dogwatch::notify::{Parcel, ParcelKind, Sink, SinkError};
use dogwatch::oncall::{OnCall, Roster};

use super::Bot;

pub struct Pager {
    name: String,
    clock: Arc<ManualClock>,
    /// It hears that somebody has a page and that it is over; and it may call the next by itself.
    hears_ends: bool,
    escalates: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    got: Vec<Got>,
    /// It does not answer, or says that it wants none of it.
    trouble: Option<SinkError>,
}

/// A page that came.
#[derive(Debug, Clone)]
pub struct Got {
    pub at: DateTime<Utc>,
    pub key: String,
    pub people: Vec<String>,
    pub text: String,
    pub pager_key: String,
    pub event: &'static str,
    pub outcome: Option<String>,
}

impl Bot {
    /// From now on its pages go to the first of these, and to each next one when that fails;
    /// `oncall` says whom they call.
    pub async fn pages_by(&mut self, pagers: &[Arc<Pager>], oncall: &str) {
        self.pagers = pagers.to_vec();
        self.is_on_call_by(oncall).await;
    }

    /// The on-call file says that.
    pub async fn is_on_call_by(&mut self, oncall: &str) {
        let oncall = OnCall::parse("oncall.yaml", oncall).unwrap();
        self.sinks.ack_times = Arc::new(oncall.ack_times());
        self.rules.oncall = Roster::new(oncall);
        self.is_restarted().await;
    }
}

impl Pager {
    pub fn new(name: &str, clock: Arc<ManualClock>) -> Arc<Self> {
        Arc::new(Self::that(name, clock, false, false))
    }

    fn that(name: &str, clock: Arc<ManualClock>, hears_ends: bool, escalates: bool) -> Self {
        Self { name: name.to_owned(), clock, hears_ends, escalates, state: Mutex::default() }
    }

    /// One that hears of ends.
    pub fn listening(name: &str, clock: Arc<ManualClock>) -> Arc<Self> {
        Arc::new(Self::that(name, clock, true, false))
    }

    /// One that also calls the next by itself.
    pub fn escalating(name: &str, clock: Arc<ManualClock>) -> Arc<Self> {
        Arc::new(Self::that(name, clock, true, true))
    }

    /// `00:05 trigger INC-1-1-S1`, with what came of it, for all that came.
    pub fn heard(&self) -> Vec<String> {
        let got = self.got().into_iter();
        got.map(|got| {
            let outcome = got.outcome.map(|outcome| format!(": {outcome}")).unwrap_or_default();
            // Without what tells the databases apart.
            let key: String = got.pager_key.splitn(3, '-').nth(2).unwrap_or_default().to_owned();
            format!("{} {} {key}{outcome}", got.at.format("%H:%M"), got.event)
        })
        .collect()
    }

    pub fn is_away(&self) {
        self.state.lock().unwrap().trouble = Some(SinkError::retry("it is away"));
    }

    /// It is away, and says so in other words than before.
    pub fn is_away_as(&self, trouble: &str) {
        self.state.lock().unwrap().trouble = Some(SinkError::retry(trouble));
    }

    pub fn refuses(&self) {
        self.state.lock().unwrap().trouble = Some(SinkError::fail("it does not want it"));
    }

    pub fn is_back(&self) {
        self.state.lock().unwrap().trouble = None;
    }

    pub fn got(&self) -> Vec<Got> {
        self.state.lock().unwrap().got.clone()
    }

    /// `02:05 alice, bob`, for each page that was new; what came again under a known key calls
    /// nobody.
    pub fn calls(&self) -> Vec<String> {
        let mut seen = std::collections::BTreeSet::new();
        let got = self.got().into_iter().filter(|got| seen.insert(got.key.clone()));
        got.map(|got| format!("{} {}", got.at.format("%H:%M"), got.people.join(", "))).collect()
    }
}

#[async_trait]
impl Sink for Pager {
    fn name(&self) -> &str {
        &self.name
    }

    fn hears_ends(&self) -> bool {
        self.hears_ends
    }

    fn escalates(&self) -> bool {
        self.escalates
    }

    async fn send(&self, parcel: &Parcel) -> Result<Option<String>, SinkError> {
        let mut state = self.state.lock().unwrap();
        if let Some(trouble) = &state.trouble {
            return Err(trouble.clone());
        }
        if parcel.kind == ParcelKind::Page {
            let people = parcel.mention.iter().map(|contact| contact.name.clone()).collect();
            let text = format!("{}\n{}", parcel.title, parcel.body);
            state.got.push(Got {
                at: self.clock.now(),
                key: parcel.key.clone(),
                people,
                text,
                pager_key: parcel.pager_key.clone(),
                event: parcel.event.map(PageEvent::name).unwrap_or_default(),
                outcome: parcel.outcome.clone(),
            });
        }
        Ok(None)
    }
}
