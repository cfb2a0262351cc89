//! Where interactions arrive: who asks what is made out, and asked at the desk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serenity::all::{
    Builder as _, CommandInteraction, ComponentInteraction, Context, CreateInteractionResponse,
    CreateInteractionResponseMessage, EventHandler, GuildId, Interaction, InteractionId, PartialChannel, Ready,
    ResumedEvent,
};
use serenity::http::Http;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::answer::Answer;
use super::commands::{read_slash, slash_commands};
use super::people::{Asker, People};
use super::{Asked, Wish};
use crate::chat::{Reply, ReplyStatus};
use crate::discord::{Api, Trouble, parse_button};
use crate::metrics::Metrics;
use crate::model::{Command, Person};

/// How many may ask at once.
pub(super) const ASKING: u32 = 64;

/// Discord gives up an interaction without a first sign after so long. The desk may take longer, so the sign comes before.
const SIGN_WITHIN: Duration = Duration::from_secs(3);

/// A sign that did not get through is worth a few more attempts within that.
const SIGN_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// How long the desk may take: longer than it waits itself, and far less than the quarter of an hour for which Discord
/// takes an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Takes interactions in.
pub(super) struct Door {
    pub people: People,
    pub guild: GuildId,
    pub api: Api,
    pub metrics: Arc<Metrics>,
    pub asks: mpsc::Sender<Asked>,
    /// Held by whoever asks.
    pub asking: Arc<Semaphore>,
    pub stop: CancellationToken,
    /// Discord has said hello since somebody looked.
    pub is_ready: AtomicBool,
    pub is_registered: AtomicBool,
}

/// An interaction, as far as it matters.
struct Interacted {
    id: InteractionId,
    /// Opens the answer, for a quarter of an hour.
    token: String,
    asker: Asker,
    wish: Option<Wish>,
    /// What was asked, in words.
    line: String,
}

#[async_trait]
impl EventHandler for Door {
    async fn ready(&self, context: Context, ready: Ready) {
        tracing::info!(bot = ready.user.name, "discord: connected");
        self.is_connected(true);
        self.is_ready.store(true, Ordering::Relaxed);
        // Commands stay registered; a new session need not say them again, and their number per day is limited.
        if !self.is_registered.swap(true, Ordering::Relaxed) {
            self.register(&context.http).await;
        }
    }

    async fn resume(&self, _: Context, _: ResumedEvent) {
        tracing::info!("discord: connected again");
        self.is_connected(true);
        self.is_ready.store(true, Ordering::Relaxed);
    }

    async fn interaction_create(&self, context: Context, interaction: Interaction) {
        let interacted = match interaction {
            Interaction::Command(command) => Interacted::typed(command),
            Interaction::Component(button) => Interacted::pressed(button),
            _ => return,
        };
        self.take(&context.http, interacted).await;
    }
}

impl Door {
    pub fn is_connected(&self, connected: bool) {
        self.metrics.chat_connected("discord", connected);
    }

    async fn register(&self, http: &Http) {
        for wait in waits() {
            match self.api.call(self.guild.set_commands(http, slash_commands())).await {
                Ok(commands) => {
                    tracing::info!(commands = commands.len(), "discord: slash commands are registered");
                    return;
                }
                Err(trouble) => {
                    tracing::error!(%trouble, "discord: slash commands are not registered; trying again. If this \
                    stays, invite the bot anew with the scope applications.commands")
                }
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    async fn take(&self, http: &Http, asked: Interacted) {
        let Ok(_permit) = self.asking.clone().try_acquire_owned() else {
            let busy = "too many ask at once; ask again in a moment";
            return self.say_at_once(http, &asked, busy).await;
        };
        let person = self.people.person(&asked.asker);
        let Some(wish) = asked.wish else {
            let old = "this button is of another version of the bot; type the command, /help lists them";
            return self.say_at_once(http, &asked, old).await;
        };
        if let Err(trouble) = self.defer(http, asked.id, &asked.token, is_private(&person, &wish)).await {
            // The person was told that it failed, and asks again: doing it nevertheless would surprise.
            tracing::warn!(%person, asked = asked.line, %trouble, "discord: not answered in time, and not done");
            return;
        }
        let reply = self.ask(person, wish, asked.id).await;
        self.answer(http, &asked.token, &Answer::new(reply, &asked.line)).await;
    }

    /// "is thinking". An interaction that comes twice, or whose first sign got through without our being told so, is answered
    /// before: it is gone on with all the same, as asking twice with one key has one effect and one answer, and the
    /// other one may have been given up.
    async fn defer(&self, http: &Http, id: InteractionId, token: &str, is_private: bool) -> Result<(), Trouble> {
        let mut last = Trouble::Silent(SIGN_WITHIN.as_secs());
        let signed = async {
            loop {
                let sign = CreateInteractionResponseMessage::new().ephemeral(is_private);
                let sign = CreateInteractionResponse::Defer(sign);
                match self.api.call(sign.execute(http, (id, token))).await {
                    Ok(()) => return Ok(()),
                    Err(trouble) if trouble.is_answered_before() => return Ok(()),
                    Err(trouble) if trouble.passes() => last = trouble,
                    Err(trouble) => return Err(trouble),
                }
                tokio::time::sleep(SIGN_AGAIN_AFTER).await;
            }
        };
        let in_time = tokio::time::timeout(SIGN_WITHIN, signed).await;
        in_time.unwrap_or(Err(last))
    }

    async fn ask(&self, person: Person, wish: Wish, id: InteractionId) -> Reply {
        let (answer, answered) = oneshot::channel();
        let asked = Asked { person, wish, key: id.to_string(), answer };
        let asking = async {
            self.asks.send(asked).await.ok()?;
            answered.await.ok()
        };
        let unavailable = |text: &str| Reply { status: ReplyStatus::Unavailable, text: text.to_owned() };
        match tokio::time::timeout(ANSWER_WITHIN, asking).await {
            Ok(Some(reply)) => reply,
            Ok(None) => unavailable("the bot is stopping; ask again in a minute"),
            Err(_) => unavailable("this takes too long; /incidents shows what came of it, if anything did"),
        }
    }

    async fn answer(&self, http: &Http, token: &str, answer: &Answer) {
        let mut with_file = answer.is_long();
        // Half a minute in all: after that nobody looks any more.
        for wait in waits().take(6) {
            let edit = answer.message(with_file);
            match self.api.call(edit.execute(http, token)).await {
                Ok(_) => return,
                Err(trouble) if trouble.passes() => {
                    tracing::warn!(%trouble, "discord: an answer did not arrive; trying again");
                    tokio::time::sleep(wait).await;
                }
                Err(trouble) if with_file => {
                    tracing::warn!(%trouble, "discord: an answer with a file is not taken; trying without");
                    with_file = false;
                }
                Err(trouble) => {
                    tracing::error!(%trouble, "discord: an answer is not taken");
                    return;
                }
            }
        }
        tracing::error!("discord: an answer did not arrive, and is given up");
    }

    /// Only to the one who asked.
    async fn say_at_once(&self, http: &Http, asked: &Interacted, text: &str) {
        let message = CreateInteractionResponseMessage::new().content(text).ephemeral(true);
        let said = CreateInteractionResponse::Message(message).execute(http, (asked.id, &asked.token));
        if let Err(trouble) = self.api.call(said).await {
            tracing::warn!(%trouble, text, "discord: an answer is not taken");
        }
    }
}

impl Interacted {
    fn typed(command: CommandInteraction) -> Self {
        let (line, read) = read_slash(&command.data.name, &command.data.options);
        let roles = command.member.as_ref().map(|member| member.roles.iter().map(|role| role.get()).collect());
        Self {
            id: command.id,
            token: command.token,
            asker: Asker {
                user: command.user.id.get(),
                name: command.user.name,
                roles: roles.unwrap_or_default(),
                guild: command.guild_id.map(GuildId::get),
                channels: channels(command.channel_id.get(), command.channel.as_ref()),
            },
            wish: Some(Wish::Typed(read)),
            line,
        }
    }

    fn pressed(button: ComponentInteraction) -> Self {
        let command = parse_button(&button.data.custom_id);
        let line = match &command {
            Some(Command::Why { incident }) => format!("why {incident}"),
            _ => button.data.custom_id.clone(),
        };
        let roles = button.member.as_ref().map(|member| member.roles.iter().map(|role| role.get()).collect());
        Self {
            id: button.id,
            token: button.token,
            asker: Asker {
                user: button.user.id.get(),
                name: button.user.name,
                roles: roles.unwrap_or_default(),
                guild: button.guild_id.map(GuildId::get),
                channels: channels(button.channel_id.get(), button.channel.as_ref()),
            },
            wish: command.map(Wish::Pressed),
            line,
        }
    }
}

fn channels(channel: u64, details: Option<&PartialChannel>) -> Vec<u64> {
    // Of a channel that is no thread the parent is a category: its id is none of ours.
    let parent = details.and_then(|details| details.parent_id).map(|parent| parent.get());
    [channel].into_iter().chain(parent).collect()
}

/// Only what changes something is told to everybody, by whom it was done. Presses of a button show in the message itself, and
/// what only looks would bury the incidents.
fn is_private(person: &Person, wish: &Wish) -> bool {
    match wish {
        Wish::Pressed(_) | Wish::Typed(Err(_)) => true,
        Wish::Typed(Ok(command)) => command.only_looks() || person.role.is_none_or(|role| role < command.needs()),
    }
}

/// One second, two, four, up to five minutes.
pub(super) fn waits() -> impl Iterator<Item = Duration> {
    (0..).map(|n: u32| Duration::from_secs(1 << n.min(9)).min(Duration::from_secs(300)))
}
