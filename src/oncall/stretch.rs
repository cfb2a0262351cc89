//! Times in which one answer holds.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Member;
use crate::model::OverrideId;

/// From the first instant to the one that is no longer part of it. `None`: it has no such end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
}

impl Span {
    /// The time that is in both.
    pub fn and(self, other: Span) -> Span {
        let earlier = |a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>| a.into_iter().chain(b).min();
        Span { from: self.from.max(other.from), to: earlier(self.to, other.to) }
    }

    /// The part of all time that `at` lies in, where one begins and one ends.
    pub fn around(at: DateTime<Utc>, from: DateTime<Utc>, to: DateTime<Utc>) -> Span {
        if at < from {
            Span { from: None, to: Some(from) }
        } else if at < to {
            Span { from: Some(from), to: Some(to) }
        } else {
            Span { from: Some(to), to: None }
        }
    }
}

/// What makes it somebody's turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Because {
    /// A rotation of the layer, by its place in the list, and which of its turns.
    Rotation(usize, u64),
    Override(OverrideId),
}

/// Whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turn {
    pub member: Arc<Member>,
    pub because: Because,
}

/// A time in which it is one turn, or a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    /// `None`: a gap.
    pub turn: Option<Turn>,
    pub span: Span,
}
