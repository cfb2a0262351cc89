//! Bringing what the outbox holds to the world: chat, pages.
//!
//! A [`Sink`] knows how one receiver wants it. Each has an [`OutboxWorker`] of its own, so that a receiver that is slow or
//! down keeps nothing back from the others. What is told is made when it is sent, from what is true then; it arrives at
//! least once, under a key by which the receiver can tell a repetition.

mod answer;
mod called;
mod chat;
mod console;
mod discord;
mod earlier;
mod email;
mod hook;
mod http;
mod mattermost;
mod ntfy;
mod outbox_worker;
mod pagerduty;
mod parcel;
mod patience;
mod render;
mod settings;
mod slack;
mod teams;
#[cfg(test)]
mod tests;
mod ticket;
mod webhook;

use std::time::Duration;

use async_trait::async_trait;

use crate::message::Room;
use crate::store::TicketSite;
pub use console::ConsoleSink;
pub use discord::DiscordSink;
pub use email::{EmailOptions, EmailSettings, EmailSink, EmailTls};
pub use mattermost::{MattermostSettings, MattermostSink};
pub use ntfy::{NtfyAuth, NtfyBasic, NtfySettings, NtfySink};
pub use outbox_worker::OutboxWorker;
pub use pagerduty::{PagerDutySettings, PagerDutySink, RoutingKeys};
pub use parcel::{Contact, Parcel, ParcelKind, TicketLetter, WorkLetter};
pub use patience::SEND_WITHIN;
pub use settings::{BuildError, Finding, Findings, SinkSettings};
pub use slack::{SlackSettings, SlackSink};
pub use teams::{TeamsSettings, TeamsSink};
pub use ticket::{GitHub, GitLab, TicketSink, TicketWebhook, Tracker, TrackerOptions};
pub use webhook::{WebhookError, WebhookSettings, WebhookSink};

/// A receiver.
#[async_trait]
pub trait Sink: Send + Sync + 'static {
    /// Its name in the outbox: `discord`, `console`, `webhook`.
    fn name(&self) -> &str;

    /// How much of a page it takes. What a page cannot say there, it leaves out in the order of
    /// what matters least ([`crate::message::PageText::body`]).
    fn room(&self) -> Room {
        Room::Whole
    }

    /// In which part of which tracker it makes tickets, if it makes any.
    fn site(&self) -> Option<&TicketSite> {
        None
    }

    /// Whether it hears, too, that somebody has a page ([`crate::model::PageEvent::Acknowledge`])
    /// and that it is over ([`crate::model::PageEvent::Resolve`]), where the page has come to it.
    fn hears_ends(&self) -> bool {
        false
    }

    /// Whether it calls the next one by itself while nobody acknowledges what has come to it. Then
    /// the bot does not.
    fn escalates(&self) -> bool {
        false
    }

    /// How many deliveries it takes at once.
    fn at_once(&self) -> usize {
        8
    }

    /// Brings it there, once. Gives back the receiver's own id of it, if it has one that a later edit needs.
    ///
    /// A parcel with [`Parcel::previous`] replaces what that names, and calls nobody again. The same [`Parcel::key`] again is the
    /// same thing again, perhaps with news: a receiver that can tells repetitions by it.
    ///
    /// # Errors
    /// [`SinkError::Fail`] when it will not work until somebody changes something; else it may work
    /// later.
    async fn send(&self, parcel: &Parcel) -> Result<Option<String>, SinkError>;
}

/// Why it did not arrive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// Not reachable, overloaded, too slow. `after`: the receiver said when to come again.
    #[error("{message}")]
    Retry { message: String, after: Option<Duration> },
    /// It did not answer in time, and may have it or not.
    #[error("{message}")]
    NoAnswer { message: String },
    /// Nobody knows whether it was done, and the same again would be done twice. Whether it was
    /// shows after a while. `after`: the receiver said when to come again.
    #[error("{message}")]
    MayBeDone { message: String, after: Option<Duration> },
    /// The receiver wants to be left alone for so long, whoever asks.
    #[error("{message}")]
    Hold { message: String, after: Duration },
    /// The receiver does not want it: the same again will not work until somebody changes something.
    #[error("{message}")]
    Fail { message: String },
}

impl SinkError {
    pub fn retry(message: impl Into<String>) -> Self {
        Self::Retry { message: message.into(), after: None }
    }

    pub fn no_answer(message: impl Into<String>) -> Self {
        Self::NoAnswer { message: message.into() }
    }

    pub fn fail(message: impl Into<String>) -> Self {
        Self::Fail { message: message.into() }
    }

    /// How long all that is sent to the receiver has to wait, if it said so.
    fn asks_to_wait(&self) -> Option<Duration> {
        match self {
            Self::Hold { after, .. } => Some(*after),
            Self::MayBeDone { after, .. } => *after,
            _ => None,
        }
    }

    /// Whether it will not work until somebody changes something.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Fail { .. })
    }
}
