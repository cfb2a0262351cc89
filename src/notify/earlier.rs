//! Other incidents of the same object or alert, of the last hours: what a page says of before.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::message::{CHANGED_WITHIN, Earlier};
use crate::model::Incident;
use crate::store::{IncidentFilter, Store, StoreError};

/// Of more of them, the newest say enough.
const MOST: usize = 3;

/// How old the list may be. In a storm of pages it is not read for each; and what opens meanwhile
/// is no earlier incident of the same object, as that one would have been opened again.
const FRESH: TimeDelta = TimeDelta::seconds(30);

/// The incidents of the last hours.
pub(super) struct Recent {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    read: Mutex<Option<Read>>,
}

/// What was read, and when.
type Read = (DateTime<Utc>, Arc<[Incident]>);

impl Recent {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, read: Mutex::default() }
    }

    /// Those that are about what `incident` is about, the newest first, with what happened to them.
    pub async fn like(&self, incident: &Incident) -> Result<Vec<Earlier>, StoreError> {
        let all = self.all().await?;
        let is_like = |other: &&Incident| {
            let same_object = other.target.is_some() && other.target == incident.target;
            other.root() != incident.id && (same_object || other.grouping == incident.grouping)
        };
        let mut like: Vec<&Incident> = all.iter().filter(is_like).collect();
        like.sort_by_key(|other| std::cmp::Reverse(other.id));
        let mut earlier = Vec::new();
        for other in like.into_iter().take(MOST) {
            let timeline = super::render::or_blank(self.store.timeline(other.id).await)?;
            earlier.push(Earlier { incident: other.clone(), timeline });
        }
        Ok(earlier)
    }

    async fn all(&self) -> Result<Arc<[Incident]>, StoreError> {
        let now = self.clock.now();
        let mut read = self.read.lock().await;
        if let Some((at, incidents)) = &*read
            && (now - *at).abs() < FRESH
        {
            return Ok(incidents.clone());
        }
        let within = IncidentFilter::Touching { from: now - CHANGED_WITHIN, to: now };
        let incidents: Arc<[Incident]> = super::render::or_blank(self.store.incidents(within).await)?.into();
        *read = Some((now, incidents.clone()));
        Ok(incidents)
    }
}
