//! The connection to Discord's gateway, on its own thread and runtime.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serenity::Client;
use serenity::all::{Channel, ChannelId, ConnectionStage, GatewayError, GatewayIntents, GuildId, ShardManager};
use serenity::client::ClientBuilder;
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::door::{ASKING, Door, waits};
use super::people::People;
use super::{Asked, DiscordError};
use crate::discord::{Api, DiscordOptions, Trouble};
use crate::metrics::Metrics;
use crate::oncall::Roster;

/// How long saying goodbye may take: the library itself waits five seconds.
const GOODBYE: Duration = Duration::from_secs(6);
/// How long those who asked before may wait for their answer after that.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// How often the connection is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What the thread needs.
pub(super) struct Connection {
    options: DiscordOptions,
    api: Api,
    door: Arc<Door>,
    stop: CancellationToken,
}

/// Why a connection ended.
enum Ended {
    /// It is worth trying again.
    Lost(String),
    /// Somebody has to change something.
    Refused(DiscordError),
}

type Checked = oneshot::Sender<Result<(), DiscordError>>;

impl Connection {
    pub fn new(
        options: DiscordOptions,
        oncall: Roster,
        metrics: Arc<Metrics>,
        asks: mpsc::Sender<Asked>,
        stop: CancellationToken,
    ) -> Self {
        let api = options.api();
        metrics.chat_connected("discord", false);
        let door = Arc::new(Door {
            people: People::new(&options, oncall),
            guild: GuildId::new(options.guild),
            api,
            metrics,
            asks,
            asking: Arc::new(Semaphore::new(ASKING as usize)),
            stop: stop.clone(),
            is_ready: AtomicBool::new(false),
            is_registered: AtomicBool::new(false),
        });
        Self { options, api, door, stop }
    }

    /// The whole life of the thread. `checked` hears whether what is configured is right, as far as Discord could say.
    pub fn run(self, checked: Checked) -> Result<(), DiscordError> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("discord-worker").enable_all().build()?;
        let result = runtime.block_on(self.live(checked));
        // A task of the library may wait for ever for a connection that never came.
        runtime.shutdown_background();
        result
    }

    async fn live(&self, checked: Checked) -> Result<(), DiscordError> {
        let mut checked = Some(checked);
        let mut is_right = false;
        let mut waits = waits();
        while !self.stop.is_cancelled() {
            let ended = if is_right { self.connect().await } else { self.check().await };
            let why = match ended {
                Ok(()) if is_right => break,
                Ok(()) => {
                    is_right = true;
                    tell(&mut checked, Ok(()));
                    continue;
                }
                Err(Ended::Refused(error)) => {
                    self.door.is_connected(false);
                    // Whoever starts the gateway is told, as long as they are waiting for that.
                    return match checked.take() {
                        Some(checked) => checked.send(Err(error)).or(Ok(())),
                        None => Err(error),
                    };
                }
                Err(Ended::Lost(why)) => why,
            };
            tell(&mut checked, Ok(()));
            self.door.is_connected(false);
            if self.door.is_ready.swap(false, Ordering::Relaxed) {
                waits = self::waits();
            }
            let wait = waits.next().unwrap_or(GOODBYE);
            tracing::error!(why, wait_seconds = wait.as_secs(), "discord: not connected; trying again");
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.stop.cancelled() => {}
            }
        }
        // All permits are there when nobody asks any more.
        let _ = tokio::time::timeout(LAST_ANSWERS, self.door.asking.acquire_many(ASKING)).await;
        tracing::info!("discord: disconnected");
        Ok(())
    }

    /// One client, until it is stopped. The library itself reconnects and resumes meanwhile.
    async fn connect(&self) -> Result<(), Ended> {
        let mut client = self.client().await?;
        let shards = client.shard_manager.clone();
        tokio::select! {
            ended = client.start() => Err(match ended {
                Ok(()) => Ended::Lost("the client has ended".to_owned()),
                Err(serenity::Error::Gateway(GatewayError::InvalidAuthentication)) => Ended::Refused(DiscordError::Token),
                Err(error) => Ended::Lost(error.to_string()),
            }),
            never = self.watch(&shards) => match never {},
            () = self.stop.cancelled() => {
                // Discord shows the bot as gone at once, and not after a minute without heartbeat.
                if tokio::time::timeout(GOODBYE, shards.shutdown_all()).await.is_err() {
                    tracing::warn!("discord: said no goodbye in time");
                }
                Ok(())
            }
        }
    }

    /// Looks whether the connection stands. The library connects again by itself, for as long as it takes and without a word.
    async fn watch(&self, shards: &ShardManager) -> Infallible {
        let mut was_connected = false;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let runners = shards.runners.lock().await;
            let is_connected = runners.values().any(|runner| runner.stage == ConnectionStage::Connected);
            drop(runners);
            if was_connected && !is_connected {
                tracing::error!("discord: the connection is lost; nobody can ask there until it is back");
            }
            self.door.is_connected(is_connected);
            was_connected = is_connected;
        }
    }

    async fn client(&self) -> Result<Client, Ended> {
        let http = self.options.http();
        // The builder takes the real Discord when it cannot ask, without saying so.
        let gateway = self.call(http.get_gateway(), DiscordError::Other).await?.url;
        // Interactions come without any intent.
        let builder = ClientBuilder::new_with_http(http, GatewayIntents::empty()).event_handler_arc(self.door.clone());
        let client = self.call(builder.into_future(), DiscordError::Other).await?;
        *client.ws_url.lock().await = gateway;
        Ok(client)
    }

    /// Whether what is configured is right.
    async fn check(&self) -> Result<(), Ended> {
        let http = self.options.http();
        let (configured, channel) = (self.options.application, self.options.channel);
        let application = self.call(http.get_current_application_info(), DiscordError::Other).await?;
        if application.id.get() != configured {
            let actual = application.id.get();
            return Err(Ended::Refused(DiscordError::Application { configured, actual }));
        }
        let of_channel = |trouble| DiscordError::Channel { channel, trouble };
        match self.call(http.get_channel(ChannelId::new(channel)), of_channel).await? {
            Channel::Guild(found) if found.guild_id == self.door.guild => Ok(()),
            _ => Err(Ended::Refused(DiscordError::Guild { channel, configured: self.options.guild })),
        }
    }

    async fn call<T>(
        &self,
        asked: impl Future<Output = serenity::Result<T>>,
        refused: impl FnOnce(Trouble) -> DiscordError,
    ) -> Result<T, Ended> {
        self.api.call(asked).await.map_err(|trouble| {
            if trouble.passes() {
                Ended::Lost(trouble.to_string())
            } else if trouble.is_of_token() {
                Ended::Refused(DiscordError::Token)
            } else {
                Ended::Refused(refused(trouble))
            }
        })
    }
}

/// Tells whoever starts the gateway, once. Who has given up waiting needs no answer.
fn tell(checked: &mut Option<Checked>, result: Result<(), DiscordError>) {
    if let Some(checked) = checked.take() {
        let _ = checked.send(result);
    }
}
