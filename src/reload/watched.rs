//! Whether what lies there differs from what was taken, and has been written to its end.

use std::time::Duration;

use crate::model::Digest;

/// So long something new must look the same: whoever writes a file in place, or swaps the files of
/// a mount one by one, is done by then.
pub const SETTLE: Duration = Duration::from_secs(2);

/// What was taken or refused last, and what lies there now. Pure; times are monotonic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    handled: Digest,
    /// What differs, and since when it has looked like that.
    candidate: Option<(Digest, Duration)>,
}

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// It is what was handled last.
    Same,
    /// It differs, and may still be written: it is looked at again soon.
    Unsettled,
    /// It differs, and stands still.
    Settled,
}

impl Watched {
    pub fn new(handled: Digest) -> Self {
        Self { handled, candidate: None }
    }

    /// `seen` lies there at `now`.
    pub fn look(&mut self, seen: &Digest, now: Duration) -> Look {
        if *seen == self.handled {
            self.candidate = None;
            return Look::Same;
        }
        match &self.candidate {
            Some((candidate, since)) if candidate == seen => {
                if now.saturating_sub(*since) >= SETTLE {
                    Look::Settled
                } else {
                    Look::Unsettled
                }
            }
            _ => {
                self.candidate = Some((seen.clone(), now));
                Look::Unsettled
            }
        }
    }

    /// That was taken, or refused: it is not looked into again until it changes.
    pub fn handled(&mut self, seen: Digest) {
        *self = Self::new(seen);
    }
}
