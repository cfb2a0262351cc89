//! What can be seen at Discord, and waited for.

use serde_json::Value;

use super::Discord;
use super::message::Message;
use super::state::{Request, State};

/// A registered slash command.
#[derive(Clone, Debug)]
pub struct Command {
    pub name: String,
    pub description: String,
    /// As the API shows them.
    pub options: Vec<Value>,
    /// The server it is registered in; `None` is everywhere.
    pub guild: Option<u64>,
}

impl Discord {
    /// Waits until the bot has a gateway session with a connection.
    pub async fn wait_for_ready(&self) {
        let is_ready =
            |state: &mut State| state.sessions.iter().any(|session| session.connection.is_some()).then_some(());
        self.shared.until("a bot that is connected", is_ready).await;
    }

    pub fn is_connected(&self) -> bool {
        self.shared.lock().sessions.iter().any(|session| session.connection.is_some())
    }

    /// The registered slash commands, in their order of registration.
    pub fn commands(&self) -> Vec<Command> {
        let state = self.shared.lock();
        let all =
            state.commands.iter().flat_map(|(guild, commands)| commands.iter().map(move |command| (*guild, command)));
        all.map(|(guild, command)| Command {
            name: command["name"].as_str().unwrap_or_default().to_owned(),
            description: command["description"].as_str().unwrap_or_default().to_owned(),
            options: command["options"].as_array().cloned().unwrap_or_default(),
            guild,
        })
        .collect()
    }

    /// What everybody sees in the channel, oldest first.
    pub fn messages(&self, channel: u64) -> Vec<Message> {
        let state = self.shared.lock();
        let seen = state.messages.iter().filter(|message| message.channel == channel && !message.is_ephemeral());
        seen.cloned().collect()
    }

    /// Waits for a message that everybody can see, in any channel.
    pub async fn wait_for_message(&self, mut is_wanted: impl FnMut(&Message) -> bool) -> Message {
        let find = |state: &mut State| {
            state.messages.iter().find(|message| !message.is_ephemeral() && is_wanted(message)).cloned()
        };
        self.shared.until("a message", find).await
    }

    /// All REST requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.lock().requests.clone()
    }

    /// How often the bot started a session.
    pub fn identifies(&self) -> u32 {
        self.shared.lock().identifies
    }

    /// Waits until the bot has resumed a session this often.
    pub async fn wait_for_resumes(&self, wanted: u32) {
        self.shared.until(&format!("resume number {wanted}"), |state| (state.resumes >= wanted).then_some(())).await;
    }

    /// Waits until the bot has started a session this often.
    pub async fn wait_for_identifies(&self, wanted: u32) {
        self.shared
            .until(&format!("session number {wanted}"), |state| (state.identifies >= wanted).then_some(()))
            .await;
    }

    /// Waits until so many connections were refused in outages.
    pub async fn wait_for_refused_connections(&self, wanted: u32) {
        let is_so = |state: &mut State| (state.refused_connections >= wanted).then_some(());
        self.shared.until(&format!("refused connection number {wanted}"), is_so).await;
    }

    /// Waits until the bot has sent so many heartbeats.
    pub async fn wait_for_heartbeats(&self, wanted: u32) {
        self.shared
            .until(&format!("heartbeat number {wanted}"), |state| (state.heartbeats >= wanted).then_some(()))
            .await;
    }

    /// Waits until no session of the bot has a connection: it is gone, or offline.
    pub async fn wait_for_goodbye(&self) {
        let is_gone =
            |state: &mut State| state.sessions.iter().all(|session| session.connection.is_none()).then_some(());
        self.shared.until("the bot to go", is_gone).await;
    }

    /// Whether Discord shows the bot as online: it has a session that it did not end itself.
    pub fn shows_bot_online(&self) -> bool {
        !self.shared.lock().sessions.is_empty()
    }
}
