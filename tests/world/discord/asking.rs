//! Users, and the interactions that Discord makes of what they type and press.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::state::{APPLICATION, GUILD, Interaction, State};
use super::typing;

/// A member of the server.
#[derive(Clone, Debug)]
pub struct User {
    pub name: String,
    pub id: u64,
    pub roles: Vec<String>,
}

impl User {
    pub fn new(name: &str, id: u64) -> Self {
        Self { name: name.to_owned(), id, roles: Vec::new() }
    }

    pub fn with_roles<'a>(mut self, roles: impl IntoIterator<Item = &'a str>) -> Self {
        self.roles.extend(roles.into_iter().map(str::to_owned));
        self
    }

    fn json(&self) -> Value {
        json!({
            "id": self.id.to_string(), "username": self.name, "discriminator": "0", "global_name": self.name, "avatar": null,
            "public_flags": 0,
        })
    }
}

/// Sends the interaction of a slash command to the bot, and returns its id. The error says why Discord's client would not have sent it.
pub fn command(state: &mut State, user: &User, channel: u64, line: &str) -> Result<u64, String> {
    let name = typing::name(line)?;
    let command = state.command(name).ok_or_else(|| format!("no command /{name} is registered"))?;
    let data = typing::data(line, command)?;
    Ok(send(state, user, channel, 2, data, None))
}

/// Sends the interaction of a button to the bot.
pub fn press(state: &mut State, user: &User, message: u64, custom_id: &str) -> Result<u64, String> {
    let found = state.message(message).ok_or_else(|| format!("there is no message {message}"))?.clone();
    let buttons = found.buttons();
    match buttons.iter().find(|button| button.custom_id == custom_id) {
        None => {
            return Err(format!("no button {custom_id:?} under {:?}; there are {buttons:?}", found.text()));
        }
        Some(button) if button.disabled => {
            return Err(format!("the button {custom_id:?} is disabled"));
        }
        Some(_) => {}
    }
    let data = json!({ "custom_id": custom_id, "component_type": 2 });
    Ok(send(state, user, found.channel, 3, data, Some((message, found.edits, found.json()))))
}

fn send(
    state: &mut State,
    user: &User,
    channel: u64,
    kind: u8,
    data: Value,
    pressed: Option<(u64, u32, Value)>,
) -> u64 {
    let id = state.new_id();
    let token = format!("interaction-{id}");
    let roles: Vec<String> = user.roles.iter().map(|role| state.role(role).to_string()).collect();
    let mut interaction = json!({
        "id": id.to_string(), "application_id": APPLICATION.to_string(), "type": kind, "token": token, "version": 1, "data": data,
        "guild_id": GUILD.to_string(), "guild": { "id": GUILD.to_string(), "locale": "en-US", "features": [] },
        "channel_id": channel.to_string(),
        "channel": {
            "id": channel.to_string(), "type": 0, "guild_id": GUILD.to_string(), "permissions": "2248473465835073", "flags": 0,
            "name": state.channels.get(&channel), "nsfw": false, "parent_id": null, "position": 0, "topic": null,
        },
        "member": {
            "user": user.json(), "roles": roles, "permissions": "2248473465835073", "joined_at": "2026-01-01T00:00:00.000000+00:00",
            "nick": null, "avatar": null, "banner": null, "premium_since": null, "communication_disabled_until": null, "deaf": false,
            "mute": false, "pending": false, "flags": 0,
        },
        "app_permissions": "2248473465835073", "locale": "en-US", "guild_locale": "en-US", "entitlements": [],
        "authorizing_integration_owners": { "0": GUILD.to_string() }, "context": 0, "attachment_size_limit": 10_485_760,
    });
    if let Some((_, _, message)) = &pressed {
        interaction["message"] = message.clone();
    }
    state.interactions.push(Interaction {
        id,
        token,
        kind,
        user: user.json(),
        channel,
        pressed: pressed.map(|(message, edits, _)| (message, edits)),
        sent: Instant::now(),
        answer: None,
        original: None,
        followups: Vec::new(),
        expired: std::mem::take(&mut state.expires_next),
    });
    for _ in 0..=u8::from(std::mem::take(&mut state.repeats_next)) {
        state.dispatch("INTERACTION_CREATE", &interaction);
    }
    id
}
