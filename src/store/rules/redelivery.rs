//! What a delivery means that was seen before.

use crate::model::SignalId;

/// A signal that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct KnownSignal {
    pub id: SignalId,
    /// What it says, by digest, if it is a command.
    pub said: Option<String>,
    pub is_worked_on: bool,
    /// Whether an episode has ended since it was worked on: told by counting ends, and by no clock.
    pub ended_since: bool,
}

/// What one more delivery of it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Redelivery {
    /// It is there, and nothing else follows.
    Known,
    /// The same key says something else: it is another, and refused.
    Other,
    /// It tells of a state that is over since, and so tells anew.
    Anew,
}

/// What follows from a delivery with a known key. Only what tells of a state (an alert that fires)
/// is told anew; a command is one wish, however often it is sent.
pub(in crate::store) fn redelivered(known: &KnownSignal, said: Option<&str>, tells_of_a_state: bool) -> Redelivery {
    if said.is_some() && known.said.as_deref() != said {
        return Redelivery::Other;
    }
    if tells_of_a_state && known.is_worked_on && known.ended_since { Redelivery::Anew } else { Redelivery::Known }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(is_worked_on: bool, ended_since: bool) -> KnownSignal {
        KnownSignal { id: SignalId(1), said: None, is_worked_on, ended_since }
    }

    #[test]
    fn a_state_that_is_over_since_is_told_anew() {
        assert_eq!(redelivered(&known(true, true), None, true), Redelivery::Anew);
        assert_eq!(redelivered(&known(true, false), None, true), Redelivery::Known, "nothing has ended");
        assert_eq!(redelivered(&known(false, true), None, true), Redelivery::Known, "it is still to be told");
        assert_eq!(redelivered(&known(true, true), None, false), Redelivery::Known, "a command is one wish");
    }

    #[test]
    fn a_key_that_says_something_else_is_refused() {
        let ack = KnownSignal { said: Some("ack 1".into()), ..known(true, true) };
        assert_eq!(redelivered(&ack, Some("ack 2"), false), Redelivery::Other);
        assert_eq!(redelivered(&ack, Some("ack 1"), false), Redelivery::Known);
        assert_eq!(redelivered(&known(true, true), Some("ack 1"), false), Redelivery::Other, "it was no command");
    }
}
