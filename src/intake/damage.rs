//! What of a body cannot be read: where, why, and how it is told.

use crate::model::{LeftOut, redact};

/// A body, or an alert of it, that cannot be read. Sending the same again will not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {what}; {hint}")]
pub struct NotificationError {
    /// Where: `alerts[3].startsAt`, or `line 1 column 7` where the body is no JSON.
    pub at: String,
    pub what: String,
    /// The next move.
    pub hint: &'static str,
}

impl NotificationError {
    pub(super) fn new(at: impl Into<String>, what: impl Into<String>, hint: &'static str) -> Self {
        Self { at: at.into(), what: what.into(), hint }
    }
}

/// The alerts of a body that cannot be read, while others can.
#[derive(Debug, Default)]
pub(super) struct Damage {
    alerts: u64,
    first: Vec<NotificationError>,
}

/// So many places are told of. Whoever has seen these knows what is wrong.
const NAMED: usize = 5;

impl Damage {
    /// One more alert. `why` is asked only while there is room for it: finding out costs more than
    /// counting.
    pub fn alert(&mut self, why: impl FnOnce() -> NotificationError) {
        self.alerts += 1;
        self.remark(why);
    }

    /// Something that is no alert, and was done without.
    pub fn remark(&mut self, why: impl FnOnce() -> NotificationError) {
        if self.first.len() < NAMED {
            self.first.push(why());
        }
    }

    /// At least so many alerts.
    pub fn at_least(&mut self, alerts: u64) {
        self.alerts = self.alerts.max(alerts);
    }

    /// Why nothing of the body can be taken, if that is it.
    pub fn first(&self) -> Option<&NotificationError> {
        self.first.first()
    }

    pub fn told(self, left_out: LeftOut) -> LeftOut {
        let damage = self.first.into_iter().map(|NotificationError { at, what, .. }| format!("{at}: {what}")).collect();
        LeftOut { damaged: self.alerts, damage, ..left_out }
    }
}

/// What is wrong, or where: a line without secrets, of bounded length. A value stands in it as Rust
/// quotes it, and white space that parts a secret from its name is an escape there.
pub(super) fn clean(message: &str) -> String {
    const LONGEST: usize = 200;
    let message = ["\\n", "\\r", "\\t"].iter().fold(message.to_owned(), |text, escape| text.replace(escape, " "));
    let message = redact(&message.replace(char::is_whitespace, " ")).into_owned();
    if message.len() <= LONGEST {
        return message;
    }
    format!("{}…", &message[..message.floor_char_boundary(LONGEST)])
}
