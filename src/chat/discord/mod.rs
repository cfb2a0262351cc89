//! Commands on Discord: slash commands and buttons, over Discord's gateway.
//!
//! The client library keeps tasks of its own and can keep a core busy, so it lives in a small runtime on its own thread.
//! A bounded channel carries what people ask from there to the [`Desk`], and the answers back.

mod answer;
mod commands;
mod connection;
mod door;
mod people;

use std::sync::Arc;
use std::thread;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Desk, Reply};
use crate::command::ParseError;
use crate::discord::{DiscordOptions, Trouble};
use crate::model::{Command, Person};
use crate::oncall::Roster;
use connection::Connection;

/// How many wait at once for the desk; who comes on top is told to ask again.
const WAITING: usize = 64;

/// Why the bot is not on Discord.
#[derive(Debug, thiserror::Error)]
pub enum DiscordError {
    #[error(
        "discord refuses the bot's token; put the current one where `chat.discord.token` says (developer portal, Bot, Reset \
         Token gives a new one)"
    )]
    Token,
    #[error(
        "the token is that of application {actual}, and `chat.discord.application_id` says {configured}; set it to {actual}, or \
         use the token of the other application"
    )]
    Application { configured: u64, actual: u64 },
    #[error(
        "the channel {channel} of `chat.discord.channel` cannot be used: {trouble}; check its id, and that the bot was invited to \
         the server and may view it"
    )]
    Channel { channel: u64, trouble: Trouble },
    #[error(
        "the channel {channel} of `chat.discord.channel` is not on the server {configured} of `chat.discord.guild`; set them \
         right"
    )]
    Guild { channel: u64, configured: u64 },
    #[error("{0}")]
    Other(Trouble),
    #[error("the thread for discord cannot be started: {0}; the machine may be out of memory or threads")]
    Thread(#[from] std::io::Error),
    #[error("the thread for discord has died; its panic is in the log. Start again")]
    Died,
}

/// The bot on Discord.
pub struct DiscordGateway {
    desk: Arc<Desk>,
    asked: mpsc::Receiver<Asked>,
    ended: oneshot::Receiver<Result<(), DiscordError>>,
    thread: thread::JoinHandle<()>,
    /// Whoever drops the gateway ends its thread, too.
    _stop: DropGuard,
}

/// What somebody asks, and where the answer goes.
struct Asked {
    person: Person,
    wish: Wish,
    /// Discord's id of this asking: the same again is the same.
    key: String,
    answer: oneshot::Sender<Reply>,
}

enum Wish {
    /// A slash command.
    Typed(Result<Command, ParseError>),
    /// A button.
    Pressed(Command),
}

impl DiscordGateway {
    /// Goes to Discord, until `stop`. Returns when Discord has said that token, application and channel are right, or cannot be
    /// reached: then it is tried again and again, and the bot does without until then. People are answered by
    /// [`DiscordGateway::serve`].
    ///
    /// # Errors
    /// When Discord refuses what is configured.
    pub async fn start(
        options: DiscordOptions,
        desk: Arc<Desk>,
        oncall: impl Into<Roster>,
        stop: CancellationToken,
    ) -> Result<Self, DiscordError> {
        let stop = stop.child_token();
        let (asks, asked) = mpsc::channel(WAITING);
        let (checked, is_right) = oneshot::channel();
        let (ending, ended) = oneshot::channel();
        let connection = Connection::new(options, oncall.into(), desk.metrics().clone(), asks, stop.clone());
        let thread = thread::Builder::new().name("discord".to_owned()).spawn(move || {
            // Nobody listens any more when the gateway was dropped.
            let _ = ending.send(connection.run(checked));
        })?;
        match is_right.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(error),
            Err(_) => return Err(ended.await.ok().and_then(Result::err).unwrap_or(DiscordError::Died)),
        }
        Ok(Self { desk, asked, ended, thread, _stop: stop.drop_guard() })
    }

    /// Answers people until the gateway has said goodbye after `stop`: that takes up to a quarter of a minute. Those who have asked
    /// before are answered still.
    ///
    /// # Errors
    /// When Discord does not want the bot any more: its token was reset, say.
    pub async fn serve(mut self) -> Result<(), DiscordError> {
        let mut answering = JoinSet::new();
        let result = loop {
            tokio::select! {
                Some(asked) = self.asked.recv() => {
                    let desk = self.desk.clone();
                    answering.spawn(asked.answer(desk));
                }
                Some(_) = answering.join_next() => {}
                ended = &mut self.ended => break ended.unwrap_or(Err(DiscordError::Died)),
            }
        };
        // It has sent its last word, so this takes no time.
        if self.thread.join().is_err() {
            return Err(DiscordError::Died);
        }
        result
    }
}

impl Asked {
    async fn answer(self, desk: Arc<Desk>) {
        let key = Some(self.key);
        let reply = match self.wish {
            Wish::Typed(read) => desk.handle_read(&self.person, read, key).await,
            Wish::Pressed(command) => desk.handle(&self.person, command, key).await,
        };
        // Who has given up waiting needs no answer.
        let _ = self.answer.send(reply);
    }
}
