//! The trackers, as the configuration wants them.

use std::sync::Arc;

use anyhow::Context as _;

use crate::config::{TicketConfig, TicketKind};
use crate::notify::{GitHub, GitLab, Sink, TicketSink, TicketWebhook, TrackerOptions};

/// One way to make tickets. Nothing is asked of it yet.
///
/// # Errors
/// When a secret or a URL cannot be used.
pub(super) fn sink(config: &TicketConfig) -> anyhow::Result<Arc<dyn Sink>> {
    let options = TrackerOptions {
        url: config.address().to_owned(),
        token: config.token.as_ref().map(|token| token.read()).transpose()?,
        allow_hosts: config.allow_hosts.clone(),
        timeout: config.timeout.0,
        labels: config.labels.clone(),
    };
    let (name, closes) = (&config.name, config.close);
    let of = |part: &Option<String>| part.clone().with_context(|| format!("the tickets of `{name}` have no place"));
    Ok(match config.kind {
        TicketKind::Webhook => Arc::new(TicketWebhook::new(name, &options, closes)?),
        TicketKind::GitHub => Arc::new(TicketSink::new(name, GitHub::new(&options, &of(&config.repository)?)?, closes)),
        TicketKind::GitLab => Arc::new(TicketSink::new(name, GitLab::new(&options, &of(&config.project)?)?, closes)),
    })
}
