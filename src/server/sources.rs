//! Who may deliver alerts.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Credential;
use super::browser::Guard;
use crate::intake::{Form, Sender};
use crate::model::Severities;

/// One who delivers alerts.
#[derive(Debug, Clone)]
pub struct Source {
    /// Part of what its alerts are known by.
    pub name: String,
    pub form: Form,
    /// What a delivery must show. `None`: nothing, as when something in front of us authenticates.
    pub credential: Option<Credential>,
    /// Where the credential is configured, for whoever shows a wrong one.
    pub field: String,
    /// Something in front of us authenticates who delivers.
    pub insecure_no_auth: bool,
    /// The names of its alerts that must keep coming.
    pub heartbeats: Vec<String>,
    /// What its words for severity mean.
    pub severities: Arc<Severities>,
}

impl Default for Source {
    fn default() -> Self {
        Self {
            name: "alertmanager".to_owned(),
            form: Form::Alertmanager,
            credential: None,
            field: "server.webhook_auth".to_owned(),
            insecure_no_auth: false,
            heartbeats: Vec::new(),
            severities: Arc::default(),
        }
    }
}

impl Source {
    /// Whether nobody vouches for who delivers. What comes in so starts no mutation: runs only
    /// suggest.
    pub fn lets_everybody_in(&self) -> bool {
        self.credential.is_none() && !self.insecure_no_auth
    }

    /// Whether it does not matter what is sent: that somebody calls is all.
    pub(super) fn takes_any_body(&self) -> bool {
        matches!(self.form, Form::Heartbeat)
    }

    pub(super) fn guard(&self) -> Guard {
        match (&self.credential, self.insecure_no_auth) {
            (Some(_), _) => Guard::Secret,
            (None, true) => Guard::InFront,
            (None, false) => Guard::Loopback,
        }
    }

    pub(super) fn sender(&self) -> Sender<'_> {
        Sender { source: &self.name, unauthenticated: self.lets_everybody_in(), severities: &self.severities }
    }
}

/// All who deliver alerts.
#[derive(Debug, Clone)]
pub struct Sources {
    by_name: BTreeMap<String, Arc<Source>>,
    /// Who delivers to `/v1/alertmanager`.
    short: Option<Arc<Source>>,
}

impl Sources {
    /// `short` delivers to `/v1/alertmanager`; without one, the only Alertmanager among the others
    /// does.
    pub fn new(short: Option<Source>, others: Vec<Source>) -> Self {
        let short = short.map(Arc::new);
        let mut by_name: BTreeMap<String, Arc<Source>> =
            others.into_iter().map(|source| (source.name.clone(), Arc::new(source))).collect();
        let mut alertmanagers = by_name.values().filter(|source| matches!(source.form, Form::Alertmanager));
        let only = alertmanagers.next().filter(|_| alertmanagers.next().is_none()).cloned();
        by_name.extend(short.iter().map(|source| (source.name.clone(), source.clone())));
        Self { by_name, short: short.or(only) }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    pub(super) fn named(&self, name: &str) -> Option<Arc<Source>> {
        self.by_name.get(name).cloned()
    }

    pub(super) fn short(&self) -> Option<Arc<Source>> {
        self.short.clone()
    }
}

impl Default for Sources {
    /// One Alertmanager of which nothing is asked.
    fn default() -> Self {
        Self::new(Some(Source::default()), Vec::new())
    }
}
