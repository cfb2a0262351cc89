//! The channels to people, as the configuration wants them.

use std::io::IsTerminal as _;
use std::sync::Arc;

use anyhow::Context as _;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::tickets;
use crate::chat::Desk;
use crate::chat::discord::{DiscordError, DiscordGateway};
use crate::clock::Clock;
use crate::config::{Config, PageSink};
use crate::discord::DiscordOptions;
use crate::links::AckLinks;
use crate::metrics::Metrics;
use crate::model::PageBudgets;
use crate::notify::{ConsoleSink, DiscordSink, OutboxWorker, Sink};
use crate::oncall::{Roster, RosterContacts};
use crate::server::PagerDutyWebhook;
use crate::store::{PageOrder, Sinks, Store, TicketSinks};
use crate::worker::Worker;

/// All sinks, and who gets what.
#[derive(Default)]
pub struct Channels {
    sinks: Vec<Arc<dyn Sink>>,
    chat: Vec<String>,
    pages: PageOrder,
    /// All that pages can go to and that call somebody.
    there: Vec<PageSink>,
    tickets: TicketSinks,
    discord: Option<DiscordOptions>,
    budgets: PageBudgets,
}

/// Sets the channels up. Nobody is written to yet.
///
/// # Errors
/// When a secret or a URL cannot be used.
pub fn build(config: &Config) -> anyhow::Result<Channels> {
    let mut channels = Channels { budgets: config.pages.budgets(), ..Channels::default() };
    let order = config.pages.order(&config.chat);
    channels.pages = PageOrder::new(order.iter().map(|entry| entry.iter().map(|sink| sink.name())));
    channels.there = config.pages.there(&config.chat);
    if let Some(discord) = &config.chat.discord {
        let options = DiscordOptions::from_config(discord)?;
        channels.sinks.push(Arc::new(DiscordSink::new(&options)));
        channels.chat.push(PageSink::DISCORD.name().to_owned());
        channels.discord = Some(options);
    }
    if config.chat.uses_console() || order.iter().flatten().any(|sink| *sink == PageSink::CONSOLE) {
        let coloured = std::io::stdout().is_terminal();
        channels.sinks.push(Arc::new(ConsoleSink::new(Box::new(std::io::stdout()), coloured)));
    }
    if config.chat.uses_console() {
        channels.chat.push(PageSink::CONSOLE.name().to_owned());
    }
    for (name, settings) in config.pages.configured() {
        let sink = settings.build().with_context(|| format!("pages cannot go to `pages.{name}`"))?;
        channels.sinks.push(sink);
    }
    for tickets in &config.tickets {
        let sink = tickets::sink(tickets)?;
        let name = sink.name().to_owned();
        channels.tickets.sites.extend(sink.site().map(|site| (name.clone(), site.clone())));
        if tickets.teams.is_empty() {
            channels.tickets.others = Some(name);
        } else {
            channels.tickets.by_team.extend(tickets.teams.iter().map(|team| (team.clone(), name.clone())));
        }
        channels.sinks.push(sink);
    }
    Ok(channels)
}

/// What comes back from PagerDuty, if it is to.
///
/// # Errors
/// When its secret is not there.
pub fn pagerduty_webhook(config: &Config, oncall: &Roster) -> anyhow::Result<Option<PagerDutyWebhook>> {
    let Some(secret) = config.pages.pagerduty.as_ref().and_then(|of| of.webhook_secret.as_ref()) else {
        return Ok(None);
    };
    Ok(Some(PagerDutyWebhook { secret: secret.read()?, oncall: oncall.clone() }))
}

impl Channels {
    /// What the store's outbox is to know.
    pub fn outbox(&self, roster: &Roster, default_team: &str) -> Sinks {
        let oncall = roster.get();
        let named = |is: fn(&dyn Sink) -> bool| {
            self.sinks.iter().filter(|sink| is(sink.as_ref())).map(|sink| sink.name().to_owned()).collect()
        };
        let there: Vec<String> = self.there.iter().map(|sink| sink.name().to_owned()).collect();
        let escalates = |name: &&String| self.sinks.iter().any(|sink| sink.name() == *name && sink.escalates());
        let calls_by_name = self.pages.all().chain(&there).find(|name| !escalates(name) && *name != "console");
        Sinks {
            chat: self.chat.clone(),
            pages: self.pages.clone(),
            calls_by_name: calls_by_name.cloned(),
            there: there.into_iter().collect(),
            contacts: Some(Arc::new(RosterContacts::new(roster.clone(), default_team))),
            hear_ends: named(|sink| sink.hears_ends()),
            escalate: named(|sink| sink.escalates()),
            budgets: self.budgets.clone(),
            tickets: TicketSinks {
                of_default_team: self.tickets.of(default_team).map(str::to_owned),
                ..self.tickets.clone()
            },
            page_for: Arc::new(oncall.page_for()),
            ack_times: Arc::new(oncall.ack_times()),
        }
    }

    /// What the sinks are called.
    pub fn names(&self) -> Vec<String> {
        self.sinks.iter().map(|sink| sink.name().to_owned()).collect()
    }

    /// One worker for each sink.
    pub fn workers(
        &self,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        oncall: &Roster,
        metrics: Arc<Metrics>,
        default_team: &str,
        ack_links: Option<AckLinks>,
    ) -> Vec<Arc<dyn Worker>> {
        let mut workers: Vec<Arc<dyn Worker>> = Vec::new();
        for sink in &self.sinks {
            let (store, clock, metrics) = (store.clone(), clock.clone(), metrics.clone());
            let worker = OutboxWorker::new(sink.clone(), store, clock, oncall.clone(), metrics);
            workers.push(Arc::new(worker.with_default_team(default_team).with_ack_links(ack_links.clone())));
        }
        workers
    }

    /// Goes to Discord, if it is configured. The task ends when the bot stops, or with the error when the gateway has died. When
    /// Discord does not want the bot any more (its token was reset), it only says so: alerts, runs and the other ways to page
    /// do not depend on it, and must go on.
    ///
    /// # Errors
    /// When Discord refuses what is configured: the token, the application, the channel.
    pub async fn start_discord(
        &self,
        desk: Arc<Desk>,
        oncall: Roster,
        stop: CancellationToken,
    ) -> anyhow::Result<Option<BoxFuture<'static, anyhow::Result<()>>>> {
        let Some(options) = &self.discord else { return Ok(None) };
        let gateway = DiscordGateway::start(options.clone(), desk, oncall, stop.clone()).await?;
        Ok(Some(Box::pin(async move {
            match gateway.serve().await {
                Err(error @ (DiscordError::Died | DiscordError::Thread(_))) => Err(error.into()),
                Err(error) => {
                    tracing::error!(%error, "nobody can ask on discord any more until this is mended and the bot is started again; \
                    everything else goes on");
                    stop.cancelled().await;
                    Ok(())
                }
                Ok(()) => Ok(()),
            }
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::SEND_WITHIN;

    #[test]
    fn who_is_called_by_name_is_called_at_a_sink_that_only_contacts_name_where_the_order_has_none() {
        let dir = tempfile::tempdir().unwrap();
        let text = "chat: { console: on }
pages:
  sinks: [pagerduty, console]
  pagerduty: { routing_key: { file: key } }
  ntfy: { url: https://ntfy.example.com, topic: pages }
";
        std::fs::write(dir.path().join("key"), "0123456789abcdef0123456789abcdef").unwrap();
        let config = Config::parse(text, &dir.path().join("dogwatch.yaml")).unwrap();
        let channels = build(&config).unwrap();
        assert_eq!(channels.outbox(&Roster::default(), "platform").calls_by_name.as_deref(), Some("ntfy"));
    }

    #[test]
    fn work_of_a_team_without_a_tracker_goes_to_that_of_the_default_team_and_no_other_ticket_does() {
        let text = "chat: { console: on }
tickets:
  - { name: db, kind: github, repository: acme/db, teams: [databases] }
  - { name: ops, kind: github, repository: acme/ops, teams: [platform] }
";
        let dir = tempfile::tempdir().unwrap();
        let config = Config::parse(text, &dir.path().join("dogwatch.yaml")).unwrap();
        let tickets = build(&config).unwrap().outbox(&Roster::default(), "platform").tickets;
        assert_eq!((tickets.of_work("databases"), tickets.of_work("web")), (Some("ticket:db"), Some("ticket:ops")));
        assert_eq!(tickets.of("web"), None);
        let tickets = build(&config).unwrap().outbox(&Roster::default(), "nobody").tickets;
        assert_eq!(tickets.of_work("web"), None);
    }

    #[test]
    fn the_two_calls_of_a_delivery_to_discord_fit_into_its_time() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("token"), "hunter2").unwrap();
        let text = "chat: { discord: { token: { file: token }, application_id: 1, guild: 2, channel: 3 } }";
        let config = Config::parse(text, &dir.path().join("dogwatch.yaml")).unwrap();
        let discord = build(&config).unwrap().discord.expect("it is configured");
        assert!(2 * discord.timeout < SEND_WITHIN, "{:?}", discord.timeout);
    }
}
