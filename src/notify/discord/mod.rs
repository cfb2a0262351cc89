//! Discord: one message for each incident, edited as it goes on; pages, questions and notices reply to it.

mod message;

use async_trait::async_trait;
use serenity::all::{Builder as _, ChannelId, Message, MessageId};
use serenity::http::Http;

use super::{Parcel, ParcelKind, Sink, SinkError};
use crate::discord::{Api, DiscordOptions, Place, Trouble};
use crate::message::Room;
use crate::model::PageEvent;
use message::Letter;

/// Writes to one server. Everything goes to its channel but pages of teams that have another one.
pub struct DiscordSink {
    http: Http,
    api: Api,
    guild: u64,
    channel: ChannelId,
}

impl DiscordSink {
    /// Nothing is asked of Discord yet.
    pub fn new(options: &DiscordOptions) -> Self {
        Self {
            http: options.http(),
            api: options.api(),
            guild: options.guild,
            channel: ChannelId::new(options.channel),
        }
    }

    /// Makes the message. The same letter again, while Discord remembers its nonce, is the same message.
    async fn post(&self, channel: ChannelId, letter: &Letter) -> Result<Message, Trouble> {
        let posted = self.api.call(letter.create(channel).execute(&self.http, (channel, None))).await?;
        // It may be the message of an earlier attempt whose answer was lost, and there may be news since.
        if letter.is_as_in(&posted) {
            return Ok(posted);
        }
        self.edit(Place { channel, message: posted.id }, letter).await
    }

    async fn edit(&self, place: Place, letter: &Letter) -> Result<Message, Trouble> {
        self.api.call(letter.edit().execute(&self.http, (place.channel, place.message, None))).await
    }

    async fn create(&self, parcel: &Parcel) -> Result<Place, SinkError> {
        let thread = parcel.thread.as_deref().and_then(|thread| thread.parse::<Place>().ok());
        let wanted = parcel.channel.as_deref().and_then(channel_id).unwrap_or(self.channel);
        let letter = Letter::new(parcel, wanted, self.guild, thread);
        match self.post(wanted, &letter).await {
            Ok(posted) => Ok(Place { channel: wanted, message: posted.id }),
            // Better in another channel than nowhere: somebody is to be woken.
            Err(trouble) if trouble.is_of_channel() && wanted != self.channel && parcel.kind == ParcelKind::Page => {
                tracing::error!(team = parcel.team, channel = %wanted, %trouble,
                    "the team's channel takes no page; set it right in oncall.yaml. The page goes to the bot's channel");
                let mut letter = Letter::new(parcel, self.channel, self.guild, thread);
                letter.add_remark(&format!(
                    "the channel {wanted} of team {} takes no page: {trouble}; set it right in oncall.yaml",
                    parcel.team
                ));
                let posted = self.post(self.channel, &letter).await;
                let posted = posted.map_err(|trouble| refusal(&trouble, self.channel))?;
                Ok(Place { channel: self.channel, message: posted.id })
            }
            Err(trouble) => Err(refusal(&trouble, wanted)),
        }
    }
}

#[async_trait]
impl Sink for DiscordSink {
    fn name(&self) -> &str {
        "discord"
    }

    fn room(&self) -> Room {
        Room::Units(message::BODY)
    }

    fn hears_ends(&self) -> bool {
        true
    }

    async fn send(&self, parcel: &Parcel) -> Result<Option<String>, SinkError> {
        if parcel.previous.is_none() && parcel.event == Some(PageEvent::Acknowledge) {
            // Nobody heard whether the page came, and the incident's own message tells who has it.
            return Ok(None);
        }
        if let Some(place) = parcel.previous.as_deref().and_then(|previous| previous.parse::<Place>().ok()) {
            let letter = Letter::new(parcel, place.channel, self.guild, None);
            match self.edit(place, &letter).await {
                Ok(_) => return Ok(Some(place.to_string())),
                Err(trouble) if trouble.is_of_message() => {
                    tracing::info!(incident = %parcel.incident.id, %place, %trouble, "the message is gone; making a new one");
                }
                // The bot was given another channel, and has lost its rights in the old one.
                Err(trouble) if trouble.is_of_channel() && place.channel != self.channel => {
                    tracing::info!(incident = %parcel.incident.id, %place, %trouble, "the channel is closed; making a new message");
                }
                Err(trouble) => return Err(refusal(&trouble, place.channel)),
            }
        }
        Ok(Some(self.create(parcel).await?.to_string()))
    }
}

fn channel_id(address: &str) -> Option<ChannelId> {
    address.parse().ok().filter(|id| *id != 0).map(ChannelId::new)
}

/// Whether to try again, and what somebody has to do if not.
fn refusal(trouble: &Trouble, channel: ChannelId) -> SinkError {
    if let Trouble::Silent(_) = trouble {
        return SinkError::no_answer(trouble.to_string());
    }
    if trouble.passes() {
        return SinkError::retry(trouble.to_string());
    }
    let next = if trouble.is_of_token() {
        "put the bot's current token where `chat.discord.token` says, and start again".to_owned()
    } else if trouble.is_of_channel() {
        format!(
            "check that the channel {channel} is there, in `chat.discord.channel` or the team's in oncall.yaml, and that the bot \
             may view it, send messages, embed links and read the history there"
        )
    } else {
        "this is a fault of dogwatch: please report it".to_owned()
    };
    SinkError::fail(format!("{trouble}; {next}"))
}

/// The message that a parcel's thread names.
fn reply_to(thread: Option<Place>, channel: ChannelId) -> Option<MessageId> {
    thread.filter(|thread| thread.channel == channel).map(|thread| thread.message)
}
