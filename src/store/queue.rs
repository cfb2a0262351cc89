//! What comes in at the front door, and what stands in its queue.

use chrono::{DateTime, Utc};

use crate::model::{Beat, Lane, LeftOut, Signal, SignalId};

/// A delivery, ready to be made durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    pub source: String,
    pub received_at: DateTime<Utc>,
    pub parts: Vec<DeliveredPart>,
    /// How many alerts are in it, and how many of them fire.
    pub alerts: usize,
    pub firing: usize,
    pub left_out: LeftOut,
    /// Those of its alerts that are heartbeats; they are in no part.
    pub beats: Vec<Beat>,
}

/// What goes in one lane, as one signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveredPart {
    pub key: String,
    pub lane: Lane,
    /// It tells that alerts are over.
    pub may_end: bool,
    /// [`crate::model::SignalBody`] in JSON, each to be worked on and committed by itself, in
    /// order. At least one.
    pub pieces: Vec<String>,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose<'a> {
    /// In the first lane that is not empty, the sources take turns, so that none waits behind all
    /// that another one sends: the oldest of the source that follows `after` by name.
    InTurn { after: &'a str },
    /// The oldest of all.
    Oldest,
}

/// A signal whose turn it is.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingSignal {
    pub id: SignalId,
    pub source: String,
    /// How often work on it was begun, and did not end.
    pub tries: u32,
    /// What it says; or why it cannot be read.
    pub signal: Result<Signal, String>,
}

/// What became of a signal at the front door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    New(SignalId),
    /// Durable already.
    Again(SignalId),
    /// Another command came with the same key before. This one was not taken in.
    Other(SignalId),
}

impl Accepted {
    pub fn id(self) -> SignalId {
        match self {
            Accepted::New(id) | Accepted::Again(id) | Accepted::Other(id) => id,
        }
    }
}
