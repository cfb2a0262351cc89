//! A stand-in for Discord: the REST API and the gateway, version 10, on loopback, for the real client library to run against.
//!
//! It keeps one server. What a bot may do there follows Discord's documentation: limits and errors, `nonce`, who is notified, how an
//! interaction is answered, how a session is resumed. Not there: other events than READY, RESUMED and INTERACTION_CREATE (so an
//! intent brings nothing), threads, reactions, modals, autocompletion, direct messages, compression, and rate limits of its own (a
//! 429 comes when a test asks for it).
//!
//! The times of messages are made up, one second for each change.

mod asking;
mod body;
mod commands;
mod door;
mod faults;
mod gateway;
mod interactions;
mod message;
mod refusal;
mod rest;
mod rules;
mod seen;
mod session;
mod shared;
mod state;
mod typing;

use std::net::SocketAddr;
use std::time::Duration;

use serenity::http::{Http, HttpBuilder};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::tls::TlsListener;

pub use asking::User;
#[allow(unused_imports, reason = "each test binary uses the part that it needs")]
pub use message::{Button, File, Mention, Message, Reply};
use shared::Shared;
use state::State;

/// What Discord tells its clients.
const HEARTBEAT: Duration = Duration::from_millis(41_250);

/// The running stand-in. It ends with the value.
pub struct Discord {
    shared: Shared,
    api: SocketAddr,
    tls: SocketAddr,
    certificate: Vec<u8>,
    _tasks: JoinSet<()>,
}

/// An interaction that was sent and may not be answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked(u64);

impl Discord {
    pub async fn start() -> Self {
        Self::start_with_heartbeat(HEARTBEAT).await
    }

    /// With another heartbeat interval than Discord's.
    pub async fn start_with_heartbeat(interval: Duration) -> Self {
        let gateway = TcpListener::bind("127.0.0.1:0").await.expect("listen on loopback");
        let api = TcpListener::bind("127.0.0.1:0").await.expect("listen on loopback");
        // serenity's rate limiter knows no other host.
        let (tls, certificate) = TlsListener::bind("discord.com").await;
        let gateway_port = gateway.local_addr().expect("a bound listener has an address").port();
        let api_addr = api.local_addr().expect("a bound listener has an address");
        let tls_addr = axum::serve::Listener::local_addr(&tls).expect("a bound listener has an address");
        // Three parts, as a real token has; another one for each stand-in, so that a bot that talks to the wrong one is refused.
        let token = format!("c3RhbmQtaW4.{gateway_port}.not-a-real-token");
        let state = State::new(token, format!("ws://127.0.0.1:{gateway_port}"), interval);
        let shared = Shared::new(state);
        let mut tasks = JoinSet::new();
        tasks.spawn(gateway::serve(gateway, shared.clone()));
        let router = rest::router(shared.clone());
        tasks.spawn({
            let router = router.clone();
            async move { axum::serve(api, router).await.expect("serve the API") }
        });
        tasks.spawn(async move { axum::serve(tls, router).await.expect("serve the API over TLS") });
        Self { shared, api: api_addr, tls: tls_addr, certificate, _tasks: tasks }
    }

    /// The bot's token, without `Bot `.
    pub fn token(&self) -> String {
        self.shared.lock().token.clone()
    }

    /// What the bot has to use in the place of `https://discord.com`: `http://127.0.0.1:port`.
    pub fn api_url(&self) -> String {
        format!("http://{}", self.api)
    }

    pub fn guild_id(&self) -> u64 {
        state::GUILD
    }

    pub fn application_id(&self) -> u64 {
        state::APPLICATION
    }

    /// The id of a channel. Only channels that were named so exist.
    pub fn channel(&self, name: &str) -> u64 {
        self.shared.change(|state| state.channel(name))
    }

    /// The id of a role.
    pub fn role(&self, name: &str) -> u64 {
        self.shared.change(|state| state.role(name))
    }

    /// The real client's REST half, without its rate limiter, which would not let it come here.
    pub fn http(&self) -> Http {
        HttpBuilder::new(self.token()).proxy(self.api_url()).ratelimiter_disabled(true).build()
    }

    /// The same with the rate limiter: it takes the stand-in, and nothing else, for discord.com.
    pub fn http_with_limiter(&self) -> Http {
        let root = reqwest_of_serenity::Certificate::from_der(&self.certificate).expect("a valid certificate");
        let client = reqwest_of_serenity::Client::builder()
            .use_rustls_tls()
            .tls_built_in_root_certs(false)
            .add_root_certificate(root)
            .no_proxy()
            .resolve("discord.com", self.tls)
            .build()
            .expect("build an HTTP client");
        HttpBuilder::new(self.token()).client(client).build()
    }

    /// The user types a line such as `/ack incident:INC-1` in the channel, and waits for the answer. Waits first until the bot is
    /// connected and has registered the command.
    pub async fn slash(&self, user: &User, channel: u64, line: &str) -> Reply {
        self.wait_for_ready().await;
        let asked = self.types(user, channel, line).await;
        self.reply(asked).await
    }

    /// The user presses a button, and waits for the answer. Waits first until the bot is connected.
    pub async fn presses(&self, user: &User, message: u64, custom_id: &str) -> Reply {
        self.wait_for_ready().await;
        let asked = self.clicks(user, message, custom_id);
        self.reply(asked).await
    }

    /// Like [`Discord::slash`], without waiting for the answer, nor for a connection: a bot that has a session gets it when it resumes.
    pub async fn types(&self, user: &User, channel: u64, line: &str) -> Asked {
        let name = typing::name(line).unwrap_or_else(|why| panic!("{why}")).to_owned();
        let can_be_typed =
            |state: &mut State| (!state.sessions.is_empty() && state.command(&name).is_some()).then_some(());
        self.shared.until(&format!("the command /{name}"), can_be_typed).await;
        let sent = self.shared.change(|state| asking::command(state, user, channel, line));
        Asked(sent.unwrap_or_else(|why| panic!("{} cannot type {line:?}: {why}", user.name)))
    }

    /// Like [`Discord::presses`], without waiting for the answer.
    pub fn clicks(&self, user: &User, message: u64, custom_id: &str) -> Asked {
        let sent = self.shared.change(|state| asking::press(state, user, message, custom_id));
        Asked(sent.unwrap_or_else(|why| panic!("{} cannot press: {why}", user.name)))
    }

    /// Waits for the answer to an interaction; after a deferred response, for what follows it.
    pub async fn reply(&self, asked: Asked) -> Reply {
        self.shared.until(&format!("an answer to interaction {}", asked.0), |state| answer(state, asked.0)).await
    }

    /// Waits for so many messages that the bot sends after its reply, and returns them in order.
    pub async fn wait_for_followups(&self, reply: &Reply, wanted: usize) -> Vec<Message> {
        let find = |state: &mut State| {
            let ids = state.interaction(reply.interaction)?.followups.clone();
            let found: Vec<_> = ids.into_iter().filter_map(|id| state.message(id).cloned()).collect();
            (found.len() >= wanted).then_some(found)
        };
        self.shared.until(&format!("{wanted} follow-ups"), find).await
    }
}

/// The answer to an interaction, as soon as it is complete.
fn answer(state: &mut State, id: u64) -> Option<Reply> {
    let asked = state.interaction(id)?;
    let (kind, after) = asked.answer?;
    let (original, first_followup, pressed) = (asked.original?, asked.followups.first().copied(), asked.pressed);
    let message = state.message(original)?.clone();
    let message = match (kind, pressed) {
        (5, _) if message.is_loading() => return None,
        (6, Some((_, edits))) if message.edits == edits => state.message(first_followup?)?.clone(),
        _ => message,
    };
    let updated = pressed.is_some_and(|(pressed, _)| pressed == message.id);
    Some(Reply { interaction: id, message, deferred: matches!(kind, 5 | 6), updated, after })
}
