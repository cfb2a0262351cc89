//! `page`, `notice` and `ticket`: people are told.

use serde::Deserialize;

use super::ticket::Ticket;
use super::typed::{Arguments, arguments};
use super::{Action, Argument, Declaration, Declared, Describe, Effect, Named};
use crate::cluster::{Access, Kinds};
use crate::language::{AnyArg, Arg, Location, Scope};
use crate::model::Autonomy;

arguments! {
    /// What a playbook wrote of a page or a notice.
    pub struct Message {
        /// The team of `oncall.yaml` that is told; the playbook's owner by default
        team: Option<Arg<String>>,
        /// What is said. What has no value is put in as `(unknown)`, so that it goes out whatever
        /// is missing
        message: Arg<String>,
    }
}

impl Message {
    /// What is said, with `(unknown)` where a name has no value.
    pub fn text(&self, scope: &Scope) -> String {
        self.message.text_leniently(scope)
    }
}

/// What people are told: no cluster is asked; the engine puts it into the outbox.
#[derive(Debug)]
pub enum Tell {
    /// Must be acknowledged.
    Page(Message),
    Notice(Message),
    Ticket(Box<Ticket>),
}

impl Tell {
    pub fn is_page(&self) -> bool {
        matches!(self, Self::Page(_))
    }

    pub fn is_ticket(&self) -> bool {
        matches!(self, Self::Ticket(_))
    }

    /// `None`: the playbook's owner.
    pub fn team(&self) -> Option<&Arg<String>> {
        match self {
            Self::Page(message) | Self::Notice(message) => message.team.as_ref(),
            Self::Ticket(ticket) => ticket.team(),
        }
    }
}

/// What a playbook wrote: a page, or a notice.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Telling<const PAGE: bool>(Message);

pub(super) type Page = Telling<true>;
pub(super) type Notice = Telling<false>;

impl<const PAGE: bool> Arguments for Telling<PAGE> {
    const ARGUMENTS: &'static [Argument] = Message::ARGUMENTS;

    fn args(&self) -> Vec<(&'static str, &dyn AnyArg)> {
        self.0.args()
    }
}

impl Declared for Page {
    const DECLARATION: Declaration = Declaration {
        name: "page",
        summary: "Calls whoever is on call, until somebody acknowledges it",
        effect: Effect::Tells,
        about: "A page goes to the team's on-call engineer by the sinks of `pages.sinks`, with the evidence of the run, and on by the \
            team's escalation. Where the severity pages nobody (S3, S4), it waits in chat, `incidents`, `why` and the handoff \
            instead. Each playbook has one in `escalate` that no `when` can skip.",
        errors: "None: what cannot be delivered is tried again, and goes down the order of sinks.",
        repeated: "An incident is paged for once at each level of its escalation, however many steps say so.",
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: &[],
        rights: &[],
        most_autonomy: Autonomy::Auto,
        example: "\
- page: { message: \"coredns is slow, and more replicas did not help: {{because}}\" }
",
    };

    fn into_action(self) -> Action {
        Action::Tell(Box::new(Tell::Page(self.0)))
    }
}

impl Declared for Notice {
    const DECLARATION: Declaration = Declaration {
        name: "notice",
        summary: "Tells a team something that nobody must acknowledge",
        effect: Effect::Tells,
        about: "The text goes on the incident's timeline and to all sinks that take notices, whichever the team: that stands on the \
            timeline. Nobody is called, and nobody is reminded.",
        errors: "None: what cannot be delivered is tried again.",
        repeated: "Each step tells once.",
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: &[],
        rights: &[],
        most_autonomy: Autonomy::Auto,
        example: "\
- notice: { team: platform, message: \"coredns of {{target.metadata.namespace}} is at its limit\" }
",
    };

    fn into_action(self) -> Action {
        Action::Tell(Box::new(Tell::Notice(self.0)))
    }
}

impl Describe for Tell {
    fn declaration(&self) -> &'static Declaration {
        match self {
            Self::Page(_) => &Page::DECLARATION,
            Self::Notice(_) => &Notice::DECLARATION,
            Self::Ticket(_) => &Ticket::DECLARATION,
        }
    }

    fn args(&self) -> Vec<(&'static str, &dyn AnyArg)> {
        match self {
            Self::Page(message) | Self::Notice(message) => message.args(),
            Self::Ticket(ticket) => ticket.all_args(),
        }
    }

    fn query(&self) -> Option<(String, Location)> {
        None
    }

    fn named(&self) -> Named {
        Named::default()
    }

    fn access(&self, _target_kind: &str, _kinds: &Kinds) -> Vec<Access> {
        Vec::new()
    }
}
