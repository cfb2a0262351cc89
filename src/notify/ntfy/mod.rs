//! ntfy: a push to the phones that listen to a topic. Each member that is called and has a topic is
//! told in it, and the team's topic or else the usual one as well.
//!
//! | event | priority | to whom |
//! | --- | --- | --- |
//! | trigger | 5 for S1, else 4 | members who are called, and the team's topic or the usual one |
//! | update | 3 | the topics in which it was told |
//! | acknowledge, resolve | 2 | the same |
//!
//! All that is told of a page has one `sequence_id`: a server and apps that know it replace what
//! they show, and others show it below.
//!
//! <https://docs.ntfy.sh/publish/#publish-as-json>

mod message;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;

use super::answer::{Answer, ask};
use super::chat::calls;
use super::http::client_for;
use super::{BuildError, Parcel, ParcelKind, Sink, SinkError};
use crate::message::Room;
use crate::model::{PageEvent, Secret};
use message::{Letter, is_topic};
pub use settings::{NtfyBasic, NtfySettings};

/// How we prove who we are.
#[derive(Debug)]
pub enum NtfyAuth {
    Token(Secret),
    Basic { username: String, password: Secret },
}

/// Publishes to the topics of one server.
pub struct NtfySink {
    client: Client,
    /// The server's root: there messages of JSON are taken.
    url: Url,
    auth: Option<NtfyAuth>,
    /// The topic of all teams that have no other one.
    topic: String,
    /// Of parcels that have not come to all yet, by their key. Whoever has one must not be woken by
    /// each attempt for the others.
    taken: Mutex<BTreeMap<String, Taken>>,
}

/// To whom an event has come.
#[derive(Default)]
struct Taken {
    event: Option<PageEvent>,
    /// By topic: in which one it stands, as that may have refused it.
    topics: BTreeMap<String, String>,
}

/// So many parcels are remembered that are under way; more are told again where they came.
const UNDER_WAY: usize = 500;

/// What a server answers that has taken a message.
#[derive(Deserialize)]
struct Published {
    id: String,
    event: String,
    topic: String,
}

/// Why a topic does not have it.
enum Refused {
    /// Another topic may take it.
    Topic(SinkError),
    Otherwise(SinkError),
}

impl NtfySink {
    /// `url`: the server's root. `topic`: where pages go of teams that have no other one.
    ///
    /// # Errors
    /// When the URL may not be sent to.
    pub fn new(url: &str, auth: Option<NtfyAuth>, topic: &str, timeout: Duration) -> Result<Self, BuildError> {
        let (client, url) = client_for(url, &[], timeout)?;
        Ok(Self { client, url, auth, topic: topic.to_owned(), taken: Mutex::default() })
    }

    /// Where a parcel goes: where the page went, or to whoever is called and to their team.
    fn topics(&self, parcel: &Parcel) -> BTreeSet<String> {
        let known: BTreeSet<String> = match parcel.previous.as_deref() {
            Some(previous) => previous.split(' ').filter(|topic| is_topic(topic)).map(str::to_owned).collect(),
            None => BTreeSet::new(),
        };
        if !known.is_empty() && !calls(parcel) {
            return known;
        }
        let members = parcel.mention.iter().filter_map(|contact| contact.address.as_deref());
        let members = members.filter(|topic| is_topic(topic) && parcel.kind == ParcelKind::Page);
        members.chain([self.of_team(parcel)]).map(str::to_owned).collect()
    }

    fn of_team<'a>(&'a self, parcel: &'a Parcel) -> &'a str {
        parcel.channel.as_deref().filter(|topic| is_topic(topic)).unwrap_or(&self.topic)
    }

    /// The link by which whoever alone reads that topic acknowledges. Where the server asks nobody
    /// who they are, anybody may read it.
    fn ack_url<'a>(&self, topic: &str, parcel: &'a Parcel) -> Option<&'a str> {
        let mut owners = parcel.mention.iter().filter(|contact| contact.address.as_deref() == Some(topic));
        let (owner, another) = (owners.next(), owners.next());
        let is_shared = another.is_some() || topic == self.topic || topic == self.of_team(parcel);
        owner.filter(|_| !is_shared && self.auth.is_some())?.ack_url.as_deref()
    }

    async fn publish(&self, letter: &Letter, topic: &str, parcel: &Parcel) -> Result<(), Refused> {
        let message = letter.to(topic, self.ack_url(topic, parcel));
        let request = self.client.post(self.url.clone()).json(&message);
        let request = match &self.auth {
            None => request,
            Some(NtfyAuth::Token(token)) => request.bearer_auth(token.expose()),
            Some(NtfyAuth::Basic { username, password }) => request.basic_auth(username, Some(password.expose())),
        };
        let answer = ask(request, &self.url, parcel.at).await.map_err(Refused::Otherwise)?;
        let published: Option<Published> = serde_json::from_slice(&answer.body).ok();
        let is_ours = |told: &Published| told.event == "message" && !told.id.is_empty() && told.topic == topic;
        if answer.status == StatusCode::OK && published.as_ref().is_some_and(is_ours) {
            return Ok(());
        }
        Err(refused(&answer, topic))
    }

    /// The same, and where the topic takes none, in the usual one. Gives the topic that has it.
    async fn bring(&self, letter: &Letter, topic: &str, parcel: &Parcel) -> Result<String, SinkError> {
        match self.publish(letter, topic, parcel).await {
            Ok(()) => Ok(topic.to_owned()),
            // Better in another topic than nowhere: somebody is to be woken.
            Err(Refused::Topic(error)) if topic != self.topic && parcel.kind == ParcelKind::Page => {
                tracing::error!(topic, %error, "the topic takes no page; the page goes to `pages.ntfy.topic`");
                let remark = format!("the topic {topic} takes no page: {error}");
                self.publish(&letter.with_remark(&remark), &self.topic, parcel).await?;
                Ok(self.topic.clone())
            }
            Err(refused) => Err(refused.into()),
        }
    }

    /// What of an earlier event is remembered says nothing of this one.
    fn has_taken(&self, parcel: &Parcel) -> BTreeMap<String, String> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let same = taken.get(&parcel.key).filter(|taken| taken.event == parcel.event);
        same.map(|taken| taken.topics.clone()).unwrap_or_default()
    }

    /// `topic` has it, in `has_it`. It is remembered at once: the attempt may be cut off.
    fn remember(&self, parcel: &Parcel, topic: &str, has_it: &str) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.len() >= UNDER_WAY && !taken.contains_key(&parcel.key) {
            taken.pop_first();
        }
        let of_it = taken.entry(parcel.key.clone()).or_default();
        if of_it.event != parcel.event {
            *of_it = Taken { event: parcel.event, topics: BTreeMap::new() };
        }
        of_it.topics.insert(topic.to_owned(), has_it.to_owned());
    }

    fn forget(&self, key: &str) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[async_trait]
impl Sink for NtfySink {
    fn name(&self) -> &str {
        "ntfy"
    }

    fn room(&self) -> Room {
        Room::Units(message::ROOM)
    }

    fn hears_ends(&self) -> bool {
        true
    }

    async fn send(&self, parcel: &Parcel) -> Result<Option<String>, SinkError> {
        let letter = Letter::new(parcel);
        let taken = self.has_taken(parcel);
        // All at once: whoever is behind one that does not answer hears it as soon.
        let bring = async |topic: String| match taken.get(&topic) {
            Some(has_it) => Ok(has_it.clone()),
            None => {
                let has_it = self.bring(&letter, &topic, parcel).await?;
                self.remember(parcel, &topic, &has_it);
                Ok(has_it)
            }
        };
        let brought = join_all(self.topics(parcel).into_iter().map(bring)).await;
        let reached = brought.into_iter().collect::<Result<BTreeSet<String>, SinkError>>()?;
        self.forget(&parcel.key);
        Ok(Some(reached.into_iter().collect::<Vec<_>>().join(" ")))
    }
}

impl From<Refused> for SinkError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Topic(error) | Refused::Otherwise(error) => error,
        }
    }
}

/// What an answer means that is no yes: an error is JSON with a `code`, of which the first three
/// digits are the status.
fn refused(answer: &Answer, topic: &str) -> Refused {
    let told = answer.json().unwrap_or_default();
    let code = told.get("code").and_then(serde_json::Value::as_u64).unwrap_or_default();
    let said = answer.told("ntfy");
    let fail = |next: String| SinkError::fail(format!("{said}; {next}"));
    match (answer.status.as_u16(), code) {
        (401, _) => Refused::Otherwise(fail(
            "put a token or password that the server takes where `pages.ntfy` says, and start again".to_owned(),
        )),
        (403, _) => Refused::Topic(fail(format!("let the account of `pages.ntfy` write to the topic {topic}"))),
        (400, 40_009 | 40_010) => Refused::Topic(fail(format!("choose another name than {topic} for the topic"))),
        (404 | 405, _) => Refused::Otherwise(fail("write the root of the server in `pages.ntfy.url`".to_owned())),
        _ => Refused::Otherwise(match answer.trouble("ntfy") {
            Some(trouble) => trouble,
            None if answer.status.is_success() => answer.no_yes("ntfy", "a message with an `id` and that topic"),
            None => fail("this is a fault of dogwatch: please report it".to_owned()),
        }),
    }
}
