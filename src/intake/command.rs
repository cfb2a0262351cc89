//! Commands of people.

use chrono::{DateTime, Utc};

use crate::model::{Command, Person, Signal, SignalBody};

/// A command as a signal. `key` is the way's own id of this asking (a Discord interaction, an idempotency key), by which a
/// repeated delivery is told; `None` for ways that never repeat one.
pub fn command_signal(person: &Person, command: Command, key: Option<String>, now: DateTime<Utc>) -> Signal {
    Signal {
        source: person.via.to_string(),
        key: key.unwrap_or_else(|| format!("{:032x}", rand::random::<u128>())),
        received_at: now,
        body: SignalBody::Command { person: person.clone(), command },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Role, Via};

    #[test]
    fn a_command_keeps_the_key_that_it_came_with() {
        let person = Person { name: "alice".into(), via: Via::Discord, id: "7".into(), role: Some(Role::Responder) };
        let signal = |key| command_signal(&person, Command::Help, key, DateTime::UNIX_EPOCH);
        let given = signal(Some("interaction-1".into()));
        assert_eq!((given.source.as_str(), given.key.as_str()), ("discord", "interaction-1"));
        assert_ne!(signal(None).key, signal(None).key);
    }
}
