//! The rotations of one layer: the first that covers an instant counts.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::rotation::OwnStretch;
use super::stretch::{Because, Span, Stretch, Turn};
use super::{Imported, Member, Rotation};

/// What says whose turn it is.
#[derive(Debug, Clone)]
pub enum TurnSource {
    /// Members who take turns.
    Turns(Rotation),
    /// The events of a calendar.
    Calendar(Imported),
}

impl TurnSource {
    fn time_zone(&self) -> Tz {
        match self {
            TurnSource::Turns(rotation) => rotation.time_zone(),
            TurnSource::Calendar(imported) => imported.time_zone(),
        }
    }

    fn members(&self) -> &[Arc<Member>] {
        match self {
            TurnSource::Turns(rotation) => rotation.members(),
            TurnSource::Calendar(imported) => imported.members(),
        }
    }

    /// `None`: beyond the calendar.
    pub(super) fn at(&self, at: DateTime<Utc>) -> Option<OwnStretch> {
        match self {
            TurnSource::Turns(rotation) => rotation.at(at),
            TurnSource::Calendar(imported) => Some(imported.at(at)),
        }
    }
}

/// The rotations of one layer, in order. What none of them covers is a gap.
#[derive(Debug, Clone)]
pub struct Rotations {
    /// At least one.
    list: Vec<TurnSource>,
    members: Vec<Arc<Member>>,
    time_zone: Tz,
}

impl Rotations {
    /// `None`: there is none.
    pub(super) fn new(list: Vec<TurnSource>) -> Option<Self> {
        let time_zone = list.first()?.time_zone();
        let mut members: Vec<Arc<Member>> = Vec::new();
        for member in list.iter().flat_map(TurnSource::members) {
            // One who comes twice in a single rotation takes two turns of its round, and is one
            // member.
            if members.iter().all(|known| known.name != member.name) {
                members.push(Arc::clone(member));
            }
        }
        Some(Self { list, members, time_zone })
    }

    /// Each of them, in order.
    pub fn rotations(&self) -> &[TurnSource] {
        &self.list
    }

    /// The zone of the first, in which what concerns all is told.
    pub fn time_zone(&self) -> Tz {
        self.time_zone
    }

    /// All who take turns, each once.
    pub fn members(&self) -> &[Arc<Member>] {
        &self.members
    }

    /// Whose turn it is by the rotations alone. `None`: beyond the calendar.
    pub(super) fn at(&self, at: DateTime<Utc>) -> Option<Stretch> {
        let mut span = Span::default();
        for (place, rotation) in self.list.iter().enumerate() {
            let own = rotation.at(at)?;
            span = span.and(own.span);
            if let Some((slot, member)) = own.turn {
                let turn = Turn { member, because: Because::Rotation(place, slot) };
                return Some(Stretch { turn: Some(turn), span });
            }
        }
        Some(Stretch { turn: None, span })
    }
}
