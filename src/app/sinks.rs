//! The channels to people, as the configuration wants them.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::chat::Desk;
use crate::chat::discord::DiscordGateway;
use crate::clock::Clock;
use crate::config::{Config, DiscordConfig, PageSink};
use crate::discord::DiscordOptions;
use crate::metrics::Metrics;
use crate::notify::{ConsoleSink, DiscordSink, OutboxWorker, Sink, WebhookSink};
use crate::oncall::OnCall;
use crate::store::Store;
use crate::store::sqlite::Sinks;
use crate::worker::Worker;

/// All sinks, and who gets what.
pub struct Channels {
    sinks: Vec<Arc<dyn Sink>>,
    chat: Vec<String>,
    /// In the order in which they are tried.
    pages: Vec<String>,
    discord: Option<DiscordOptions>,
}

/// Sets the channels up. Nobody is written to yet.
///
/// # Errors
/// When a secret or a URL cannot be used.
pub fn build(config: &Config) -> anyhow::Result<Channels> {
    let mut channels = Channels { sinks: Vec::new(), chat: Vec::new(), pages: Vec::new(), discord: None };
    let order = config.pages.order(&config.chat);
    channels.pages = order.iter().map(|sink| sink.name().to_owned()).collect();
    if let Some(discord) = &config.chat.discord {
        let options = discord_options(discord)?;
        channels.sinks.push(Arc::new(DiscordSink::new(&options)));
        channels.chat.push(PageSink::Discord.name().to_owned());
        channels.discord = Some(options);
    }
    if config.chat.uses_console() || order.contains(&PageSink::Console) {
        let coloured = std::io::stdout().is_terminal();
        channels.sinks.push(Arc::new(ConsoleSink::new(Box::new(std::io::stdout()), coloured)));
    }
    if config.chat.uses_console() {
        channels.chat.push(PageSink::Console.name().to_owned());
    }
    if let Some(webhook) = &config.pages.webhook {
        let token = webhook.token.as_ref().map(|token| token.read()).transpose()?;
        let sink = WebhookSink::new(&webhook.url, token, &webhook.allow_hosts, webhook.timeout.0)?;
        channels.sinks.push(Arc::new(sink));
    }
    Ok(channels)
}

fn discord_options(config: &DiscordConfig) -> anyhow::Result<DiscordOptions> {
    /// Discord answers in a fraction of a second; a rate limit may take a few.
    const TIMEOUT: Duration = Duration::from_secs(15);
    Ok(DiscordOptions {
        token: config.token.read()?,
        application: config.application_id,
        guild: config.guild,
        channel: config.channel,
        responders: config.roles.responder.clone(),
        admins: config.roles.admin.clone(),
        api_base: config.api_base.clone(),
        timeout: TIMEOUT,
    })
}

impl Channels {
    /// What the store's outbox is to know: a page goes to the first channel, and to the next when that fails.
    pub fn outbox(&self) -> Sinks {
        Sinks { chat: self.chat.clone(), pages: self.pages.iter().take(1).cloned().collect() }
    }

    /// One worker for each sink.
    pub fn workers(
        &self,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        oncall: Arc<OnCall>,
        metrics: Arc<Metrics>,
    ) -> Vec<Arc<dyn Worker>> {
        let mut workers: Vec<Arc<dyn Worker>> = Vec::new();
        for sink in &self.sinks {
            let place = self.pages.iter().position(|page| page == sink.name());
            let fallback = place.and_then(|place| self.pages.get(place + 1)).cloned();
            let worker = OutboxWorker::new(
                sink.clone(),
                fallback,
                store.clone(),
                clock.clone(),
                oncall.clone(),
                metrics.clone(),
            );
            workers.push(Arc::new(worker));
        }
        workers
    }

    /// Goes to Discord, if it is configured.
    ///
    /// # Errors
    /// When Discord refuses what is configured: the token, the application, the channel.
    pub async fn start_discord(
        &self,
        desk: Arc<Desk>,
        oncall: Arc<OnCall>,
        stop: CancellationToken,
    ) -> anyhow::Result<Option<BoxFuture<'static, ()>>> {
        let Some(options) = &self.discord else { return Ok(None) };
        let gateway = DiscordGateway::start(options.clone(), desk, oncall, stop).await?;
        Ok(Some(Box::pin(async move {
            if let Err(error) = gateway.serve().await {
                tracing::error!(%error, "discord is gone; the bot goes on without it");
            }
        })))
    }
}
