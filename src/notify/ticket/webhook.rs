//! A ticket as one JSON document for each thing that happens to it, to one configured receiver.
//!
//! ```json
//! { "version": 1, "kind": "ticket", "event": "trigger", "dedup_key": "dogwatch-3f9a1c2e-INC-1-9f8e7d6c5b4a3210",
//! "at": "2026-03-01T08:00:00Z", "incident": "INC-1", "severity": "S3", "state": "open", "team": "databases",
//! "title": "...", "body": "...", "news": [], "reason": "...", "fires": ["..."], "next": ["..."] }
//! ```
//!
//! `event` is `trigger` where the ticket is made or opened again, `update` where `news` came in, and
//! `resolve` where its incident is over. The key is the ticket's for as long as it lives: the same
//! again under it is the same ticket, so that a repetition does no harm. The other fields are those
//! of a page: `severity` and `title` are those of now. An answer of JSON with a `url` says where
//! the ticket is, and people are shown that.
//!
//! Work that outlives its incident, which a playbook files, is a document with `"kind": "work"`:
//!
//! ```json
//! { "version": 1, "kind": "work", "event": "trigger",
//! "dedup_key": "dogwatch-3f9a1c2e-INC-1-9f8e7d6c5b4a3210", "at": "2026-03-01T08:00:00Z",
//! "incident": "INC-1", "team": "databases", "title": "...", "body": "...", "origin": ["..."],
//! "times": 1 }
//! ```
//!
//! Its `event` is `trigger` where it is filed, and `update` where it was seen again, under the key
//! of then, once a day at the most. It is never resolved: whoever has it closes it. As nobody tells
//! us whether they have, it is filed anew when its playbook's `again` is over.

use async_trait::async_trait;
use reqwest::{Client, Url};
use serde_json::{Value, json};

use super::{TrackerOptions, external, parts, shown_url, sink_name, work};
use crate::model::{Digest, Secret};
use crate::notify::http::{client_for, whole};
use crate::notify::webhook::{Secrets, document, post};
use crate::notify::{Parcel, Sink, SinkError, WebhookError, WorkLetter};
use crate::store::{FiledWork, TicketPlace, TicketSite};

/// Sends to one URL.
pub struct TicketWebhook {
    name: String,
    client: Client,
    url: Url,
    token: Option<Secret>,
    closes: bool,
    site: TicketSite,
}

impl TicketWebhook {
    /// `name`: as the configuration calls it. `closes`: the receiver is told that it is over.
    ///
    /// # Errors
    /// When the URL may not be sent to.
    pub fn new(name: &str, options: &TrackerOptions, closes: bool) -> Result<Self, WebhookError> {
        let (client, url) = client_for(&options.url, &options.allow_hosts, options.timeout)?;
        // The URL may hold a key of the receiver.
        let key = Digest::of(format!("webhook {}", url.as_str().trim_end_matches('/'))).short().to_owned();
        let site = TicketSite { key, shown: url.host_str().unwrap_or_default().to_owned() };
        Ok(Self { name: sink_name(name), client, url, token: options.token.clone(), closes, site })
    }
}

impl TicketWebhook {
    /// Brings it there; gives back where the receiver says that the ticket is.
    async fn tell(&self, document: &Value, parcel: &Parcel) -> Result<Option<String>, SinkError> {
        /// What says where a ticket is is short.
        const LONGEST: usize = 64 * 1024;
        let secrets = Secrets { token: self.token.as_ref(), ..Secrets::default() };
        let answer = post(&self.client, &self.url, secrets, document, parcel.at).await;
        let answer = answer.map_err(|error| match error {
            // It means all that is sent there.
            SinkError::Retry { message, after: Some(after) } => SinkError::Hold { message, after },
            error => error,
        })?;
        // Whoever takes it need say nothing.
        let said = whole(answer, LONGEST).await.ok().and_then(|body| serde_json::from_slice::<Value>(&body).ok());
        Ok(said.and_then(|said| shown_url(said.get("url")?.as_str()?)))
    }

    /// Files work, or says that it was seen again; a repetition does no harm.
    async fn file(&self, parcel: &Parcel, letter: &WorkLetter) -> Result<Option<String>, SinkError> {
        let now = parcel.at;
        let before = letter.before.as_ref().filter(|before| work::is_too_early(before, letter, now));
        let mut place = match before {
            Some(before) => work::seen_again(before, letter, now),
            None => TicketPlace {
                id: letter.marker.clone(),
                url: None,
                open: true,
                comments: 0,
                written_at: None,
                told: letter.facts.clone(),
                site: Some(self.site.clone()),
                work: Some(FiledWork { at: now, told_at: now, times: 1, again_at: None }),
            },
        };
        if before.is_some_and(|before| !work::is_told(before, now)) {
            return external(&place);
        }
        let mut document = document(parcel);
        if let Some(fields) = document.as_object_mut() {
            let event = if before.is_some() { "update" } else { "trigger" };
            fields.extend([
                ("kind".to_owned(), json!("work")),
                ("event".to_owned(), json!(event)),
                ("dedup_key".to_owned(), json!(place.id)),
                ("origin".to_owned(), json!(letter.origin)),
                ("times".to_owned(), json!(place.work.as_ref().map(|work| work.times))),
            ]);
        }
        place.url = self.tell(&document, parcel).await?.or(place.url);
        place.work = place.work.map(|work| FiledWork { told_at: now, ..work });
        external(&place)
    }
}

#[async_trait]
impl Sink for TicketWebhook {
    fn name(&self) -> &str {
        &self.name
    }

    fn site(&self) -> Option<&TicketSite> {
        Some(&self.site)
    }

    async fn send(&self, parcel: &Parcel) -> Result<Option<String>, SinkError> {
        if let Some(letter) = &parcel.work {
            return self.file(parcel, letter).await;
        }
        let (letter, _) = parts(parcel)?;
        let was_open = letter.place.as_ref().is_some_and(|place| place.open);
        let event = match (letter.open, was_open) {
            // Without `close`, that it is over is news like others.
            (false, _) if self.closes => "resolve",
            (true, false) => "trigger",
            (_, _) => "update",
        };
        let mut document = document(parcel);
        if let Some(fields) = document.as_object_mut() {
            fields.insert("event".into(), json!(event));
            fields.insert("news".into(), json!(letter.news));
        }
        let url = self.tell(&document, parcel).await?;
        let known = letter.place.as_ref().and_then(|place| place.url.clone());
        external(&TicketPlace {
            id: letter.marker.clone(),
            url: url.or(known),
            open: letter.open,
            comments: letter.comments,
            written_at: None,
            told: letter.facts.clone(),
            site: Some(self.site.clone()),
            work: None,
        })
    }
}
