//! Where every command ends, whichever way it came.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::budgets::{Budgets, Cost, TooMuch, Turn};
use super::explains::Explains;
use super::look::Look;
use crate::clock::Clock;
use crate::command::{ParseError, parse_command};
use crate::intake::command_signal;
use crate::message::{self, PlaybookRow};
use crate::metrics::Metrics;
use crate::model::{Command, FreezeMapNow, Live, Person, Role, Severities, SignalId, redact};
use crate::oncall::Roster;
use crate::store::{Accepted, CommandReply, Store, StoreError};

/// Shows what a playbook would do now.
#[async_trait]
pub trait Previews: Send + Sync {
    /// The preview as text, for the inputs in `set`; the error says what is wrong with them, or that there is no such playbook. Changes
    /// nothing; may be repeated.
    async fn preview(&self, playbook: &str, set: &BTreeMap<String, String>) -> Result<String, String>;
}

/// Lists the playbooks that count.
#[async_trait]
pub trait Playbooks: Send + Sync {
    /// By their names. Changes nothing; may be repeated.
    async fn listed(&self) -> Vec<PlaybookRow>;
}

/// Renders the handoff of the shift that is under way.
#[async_trait]
pub trait Handoffs: Send + Sync {
    /// The report so far. Writes no file; may be repeated.
    async fn so_far(&self) -> Result<String, String>;
}

/// Authorises commands, answers those that only look, and brings the others in as signals. What
/// one person may cost is bounded here, for all ways alike.
pub struct Desk {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    previews: Arc<dyn Previews>,
    handoffs: Arc<dyn Handoffs>,
    playbooks: Option<Arc<dyn Playbooks>>,
    budgets: Budgets,
    explains: Explains,
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: ReplyStatus,
    /// Plain text of any length: whoever shows it folds it ([`crate::message::fit`]).
    pub text: String,
}

/// What sort of answer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyStatus {
    /// It was done, or is so already, or what was asked for is in the text.
    Answered,
    /// It cannot be done as things are, or not for all that it names; the text says what was done.
    Declined,
    /// It is durable and will be worked on, but the answer was not there in time.
    Pending,
    /// The person may not ask that.
    Refused,
    /// It names what is not there, or cannot be understood.
    Wrong,
    /// It was not taken in; trying again later makes sense.
    Unavailable,
    /// The person asks more than one may, and may ask again after so long. Nothing was done.
    TooMuch { after: Duration },
}

impl Reply {
    /// Whether the command was taken.
    pub fn ok(&self) -> bool {
        matches!(self.status, ReplyStatus::Answered | ReplyStatus::Pending)
    }

    /// An answer may quote what was asked, which goes to a chat as well.
    pub(super) fn new(status: ReplyStatus, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { status, text: redact(&text).into_owned() }
    }
}

/// How long somebody waits for an answer: longer than any decision takes, and shorter than people wait without asking again.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest line of an answer to a command: a title has 160 letters, and a person's note no
/// bound of its own.
const LONGEST_LINE: usize = 1_000;

impl Desk {
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        previews: Arc<dyn Previews>,
        handoffs: Arc<dyn Handoffs>,
    ) -> Self {
        let (budgets, explains) = (Budgets::default(), Explains::default());
        Self { store, clock, metrics, previews, handoffs, playbooks: None, budgets, explains }
    }

    /// What `/playbooks` lists.
    pub fn listing(self, playbooks: Arc<dyn Playbooks>) -> Self {
        Self { playbooks: Some(playbooks), ..self }
    }

    /// What `/why` explains severities and pages by.
    pub fn explaining(self, severities: Arc<Severities>, oncall: impl Into<Roster>, default_team: &str) -> Self {
        let default_team = default_team.to_owned();
        let freeze_map = self.explains.freeze_map;
        Self { explains: Explains { severities, oncall: Some(oncall.into()), default_team, freeze_map }, ..self }
    }

    /// What the ConfigMap that freezes says, beside the freezes that are kept here.
    pub fn seeing(self, freeze_map: Live<FreezeMapNow>) -> Self {
        Self { explains: Explains { freeze_map, ..self.explains }, ..self }
    }

    /// Where the ways to the desk count.
    pub(super) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Reads a command from a line of text, and handles it.
    pub async fn handle_text(&self, person: &Person, text: &str, key: Option<String>) -> Reply {
        self.handle_read(person, parse_command(text), key).await
    }

    /// Handles what was read, or says what is wrong with it.
    pub(super) async fn handle_read(
        &self,
        person: &Person,
        read: Result<Command, ParseError>,
        key: Option<String>,
    ) -> Reply {
        match (read, person.role) {
            (Ok(command), _) => self.handle(person, command, key).await,
            // Whoever may ask nothing is not told how to ask it.
            (Err(_), None) => self.refuse(person, "text", &unknown_person(person)),
            (Err(error), Some(role)) => match self.begin(person, role, None) {
                Ok(_turn) => Reply::new(ReplyStatus::Wrong, error.to_string()),
                Err(too_much) => too_much,
            },
        }
    }

    /// Answers a command. What changes something is durable before this returns anything but a refusal. `key`: the way's own id of
    /// this asking, so that asking again with the same key changes nothing more and has the same answer.
    pub async fn handle(&self, person: &Person, command: Command, key: Option<String>) -> Reply {
        let Some(role) = person.role else {
            return self.refuse(person, command.word(), &unknown_person(person));
        };
        let _turn = match self.begin(person, role, Some(&command)) {
            Ok(turn) => turn,
            Err(too_much) => return too_much,
        };
        let needs = command.needs();
        if role < needs {
            let why = format!(
                "/{} needs the role {needs}, and {} has the role {role}; ask an admin for it",
                command.word(),
                message::clip(&person.name, 80)
            );
            return self.refuse(person, command.word(), &why);
        }
        self.metrics.command(&person.via.to_string(), false);
        if let (Command::Assign { to, .. }, Some(oncall)) = (&command, &self.explains.oncall)
            && let Err(unknown) = oncall.get().knows(to)
        {
            return Reply::new(ReplyStatus::Wrong, unknown);
        }
        let answer = if command.only_looks() {
            let (store, previews, handoffs) = (&*self.store, &*self.previews, &*self.handoffs);
            let explains = &self.explains;
            let (playbooks, now) = (self.playbooks.as_deref(), self.clock.now());
            Look { store, previews, handoffs, playbooks, explains, person, role, now }.answer(command).await
        } else {
            self.bring_in(person, command, key).await
        };
        answer.unwrap_or_else(|error| {
            tracing::error!(%error, person = %person, "a command was not worked on");
            Reply::new(ReplyStatus::Unavailable, format!("that did not work: {error}; try again in a moment"))
        })
    }

    /// A turn within what the person may cost.
    fn begin(&self, person: &Person, role: Role, command: Option<&Command>) -> Result<Turn, Reply> {
        let cost = Cost::of(command);
        self.budgets.begin(person, role, cost, self.clock.monotonic()).map_err(|TooMuch { after }| {
            self.metrics.command(&person.via.to_string(), true);
            let what = match cost {
                Cost::Asks => "too many commands of yours ask the cluster, or all that may at once do",
                Cost::Looks | Cost::Changes => "too many commands of yours come at once",
            };
            let text = format!("{what}; ask again in {} s", after.as_secs_f64().ceil());
            Reply::new(ReplyStatus::TooMuch { after }, text)
        })
    }

    fn refuse(&self, person: &Person, command: &str, why: &str) -> Reply {
        tracing::warn!(person = %person, id = person.id, command, why, "a command was refused");
        self.metrics.command(&person.via.to_string(), true);
        Reply::new(ReplyStatus::Refused, why)
    }

    async fn bring_in(&self, person: &Person, command: Command, key: Option<String>) -> Result<Reply, StoreError> {
        let name = command.word();
        // Listening begins before there is anything to hear.
        let mut decisions = self.store.bells().decisions.listen();
        let deadline = self.clock.now() + PATIENCE;
        let signal = command_signal(person, command, key, self.clock.now());
        let accepted = self.store.accept(&signal).await?;
        if let Accepted::Other(id) = accepted {
            let why =
                format!("another command came with this key before, as {id}; nothing was done: give this one its own");
            return Ok(Reply::new(ReplyStatus::Declined, why));
        }
        let id = accepted.id();
        tracing::info!(person = %person, id = person.id, command = name, signal = %id, "a command came in");
        loop {
            decisions.borrow_and_update();
            if let Some(CommandReply { text, granted }) = self.store.reply(id).await? {
                // It may hold what an alert says.
                let text = text.lines().map(|line| message::clip(line, LONGEST_LINE)).collect::<Vec<_>>().join("\n");
                let status = if granted { ReplyStatus::Answered } else { ReplyStatus::Declined };
                return Ok(Reply::new(status, if text.is_empty() { "done".to_owned() } else { text }));
            }
            tokio::select! {
                rung = decisions.changed() => {
                    if rung.is_err() {
                        return Ok(pending(id));
                    }
                }
                () = self.clock.sleep_until(deadline) => return Ok(pending(id)),
            }
        }
    }
}

fn pending(signal: SignalId) -> Reply {
    Reply::new(
        ReplyStatus::Pending,
        format!("accepted as {signal}, and still being worked on; /incidents shows what comes of it"),
    )
}

fn unknown_person(person: &Person) -> String {
    format!(
        "I do not know you, {}: ask an admin to give a role to the {} id {}",
        message::clip(&person.name, 80),
        person.via,
        message::clip(&person.id, 80)
    )
}

#[cfg(test)]
mod tests;
