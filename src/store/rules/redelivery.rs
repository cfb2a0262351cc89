//! What a delivery means that was seen before.

use crate::model::SignalId;

/// A notification's place in line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Place {
    pub id: SignalId,
    /// It was not worked on yet.
    pub waits: bool,
}

/// The last that came in. Signals are numbered as they come, and no clock is asked: one that waits
/// has changed nothing yet, but will have by the time that what stands behind it is worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Newest {
    pub signal: SignalId,
    /// The last by which an episode may end.
    pub end: SignalId,
}

/// What one more delivery of a known notification comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Redelivery {
    /// It was told already, at that place.
    Told(SignalId),
    /// It is told once more, behind all others, and keeps the place that it has: others may wait
    /// for what it tells first.
    AlsoBehind,
    /// That place of it moves behind all others.
    Moves(SignalId),
}

/// Whether a notification is told once more: where its state may have been another one since it
/// was told last. What ends something may be followed by any firing; what only fires, by what may
/// end that. `places`: two at the most.
pub(in crate::store) fn redelivered(places: &[Place], may_end: bool, newest: Newest) -> Redelivery {
    let Some(last) = places.iter().map(|place| place.id).max() else { return Redelivery::AlsoBehind };
    let is_past = if may_end { newest.signal > last } else { newest.end > last };
    if !is_past {
        return Redelivery::Told(last);
    }
    match places.iter().filter(|place| !place.waits).map(|place| place.id).max() {
        Some(worked_on) => Redelivery::Moves(worked_on),
        None if places.len() > 1 => Redelivery::Moves(last),
        None => Redelivery::AlsoBehind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(id: i64, waits: bool) -> Place {
        Place { id: SignalId(id), waits }
    }

    fn newest(signal: i64, end: i64) -> Newest {
        Newest { signal: SignalId(signal), end: SignalId(end) }
    }

    #[test]
    fn a_firing_is_told_again_once_something_may_have_ended() {
        assert_eq!(redelivered(&[at(1, false)], false, newest(9, 0)), Redelivery::Told(SignalId(1)));
        assert_eq!(redelivered(&[at(1, false)], false, newest(9, 2)), Redelivery::Moves(SignalId(1)));
        assert_eq!(redelivered(&[at(3, false)], false, newest(9, 2)), Redelivery::Told(SignalId(3)));
    }

    #[test]
    fn an_end_is_told_again_after_anything_else() {
        assert_eq!(redelivered(&[at(2, false)], true, newest(2, 2)), Redelivery::Told(SignalId(2)));
        assert_eq!(redelivered(&[at(2, false)], true, newest(3, 2)), Redelivery::Moves(SignalId(2)));
    }

    #[test]
    fn what_waits_keeps_its_place_and_has_one_more_at_the_most() {
        assert_eq!(redelivered(&[at(1, true)], false, newest(2, 2)), Redelivery::AlsoBehind);
        assert_eq!(redelivered(&[at(3, true), at(1, true)], false, newest(4, 4)), Redelivery::Moves(SignalId(3)));
        assert_eq!(redelivered(&[at(1, false), at(3, true)], false, newest(4, 4)), Redelivery::Moves(SignalId(1)));
        assert_eq!(redelivered(&[at(3, true), at(1, true)], false, newest(4, 2)), Redelivery::Told(SignalId(3)));
    }
}
