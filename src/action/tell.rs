//! `page` and `notice`: people are told.

use serde::Deserialize;

use super::typed::{Arguments, arguments};
use super::{Action, Argument, Declaration, Declared, Describe, Effect, Named};
use crate::cluster::{Access, Kinds};
use crate::language::{AnyArg, Arg, Location};
use crate::model::Autonomy;

arguments! {
    struct TellArguments {
        /// The team of `oncall.yaml` that is told; the playbook's owner by default
        team: Option<Arg<String>>,
        /// What is said. What has no value is put in as `(unknown)`, so that it goes out whatever
        /// is missing
        message: Arg<String>,
    }
}

/// A page or a notice: no cluster is asked; the engine puts it into the outbox.
#[derive(Debug)]
pub struct Tell {
    /// `true`: must be acknowledged.
    pub page: bool,
    /// `None`: the playbook's owner.
    pub team: Option<Arg<String>>,
    pub message: Arg<String>,
}

/// What a playbook wrote: a page, or a notice.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Telling<const PAGE: bool>(TellArguments);

pub(super) type Page = Telling<true>;
pub(super) type Notice = Telling<false>;

impl<const PAGE: bool> Arguments for Telling<PAGE> {
    const ARGUMENTS: &'static [Argument] = TellArguments::ARGUMENTS;

    fn args(&self) -> Vec<(&'static str, &dyn AnyArg)> {
        self.0.args()
    }
}

impl<const PAGE: bool> Telling<PAGE> {
    fn tell(self) -> Action {
        let TellArguments { team, message } = self.0;
        Action::Tell(Box::new(Tell { page: PAGE, team, message }))
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
        self.tell()
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
        self.tell()
    }
}

impl Describe for Tell {
    fn declaration(&self) -> &'static Declaration {
        if self.page { &Page::DECLARATION } else { &Notice::DECLARATION }
    }

    fn args(&self) -> Vec<(&'static str, &dyn AnyArg)> {
        vec![("team", &self.team), ("message", &self.message)]
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
