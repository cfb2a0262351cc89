//! A rotation: handoffs on the calendar of one time zone, and the members who take turns between them.

use std::sync::Arc;

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveDateTime, NaiveTime, Offset as _, TimeZone as _, Utc};
use chrono_tz::{GapInfo, Tz};

use super::Member;
use super::hours;
use super::stretch::Span;
use crate::model::PageHours;

/// Members take turns, from handoff to handoff.
///
/// The handoffs are numbered from 0, the rotation's beginning; the shift after handoff `n` belongs to member `n` of the
/// list, which starts again at its end. All else is computed from that number.
#[derive(Debug, Clone)]
pub struct Rotation {
    pub(super) time_zone: Tz,
    /// The date of handoff 0, in the time zone.
    pub(super) start: NaiveDate,
    /// The days from one round of handoffs to the next, at least 1.
    pub(super) every_days: u64,
    /// The handoffs of a round, all on its first day: ascending, at least one.
    pub(super) times: Vec<NaiveTime>,
    /// At least one.
    pub(super) members: Vec<Arc<Member>>,
    /// Outside of these it covers nothing; the turns go on all the same.
    pub(super) only: Option<PageHours>,
}

/// Whose turn it is in one rotation, and which one; `None`: it covers nothing in that time.
pub(super) struct OwnStretch {
    pub turn: Option<(u64, Arc<Member>)>,
    pub span: Span,
}

/// The time from one handoff to the next. Its length varies with daylight saving time: ask for its ends, add no hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shift {
    pub from: DateTime<Utc>,
    /// The first instant that is no longer part of it.
    pub to: DateTime<Utc>,
}

impl Rotation {
    /// The zone in whose calendar the handoffs lie.
    pub fn time_zone(&self) -> Tz {
        self.time_zone
    }

    /// The only hours that it covers; `None`: all.
    pub fn only(&self) -> Option<&PageHours> {
        self.only.as_ref()
    }

    /// Who takes turns, in order.
    pub fn members(&self) -> &[Arc<Member>] {
        &self.members
    }

    /// The instant of handoff `slot`. Never before that of an earlier one; `None` beyond the calendar.
    pub(super) fn handoff(&self, slot: u64) -> Option<DateTime<Utc>> {
        let (round, time) = (slot / self.per_round(), slot % self.per_round());
        let date = self.start.checked_add_days(Days::new(round.checked_mul(self.every_days)?))?;
        first_instant(self.time_zone, date.and_time(*self.times.get(usize::try_from(time).ok()?)?))
    }

    /// The last handoff that is not after `at`. `None` before the first.
    ///
    /// Two handoffs may fall on the same instant (see [`first_instant`]). As the last one counts, the shift that begins
    /// with it always lasts longer than no time at all.
    pub(super) fn slot_at(&self, at: DateTime<Utc>) -> Option<u64> {
        // Counted back from tomorrow, as no zone is more than a day ahead of UTC.
        let days = at.date_naive().signed_duration_since(self.start).num_days() + 1;
        let last_round = u64::try_from(days).ok()? / self.every_days;
        let end = (last_round + 1) * self.per_round();
        (0..end).rev().find(|slot| self.handoff(*slot).is_some_and(|handoff| handoff <= at))
    }

    /// Whose turn it is at `at`, and the whole time around it in which it is. `None` beyond the
    /// calendar.
    pub(super) fn at(&self, at: DateTime<Utc>) -> Option<OwnStretch> {
        let Some(slot) = self.slot_at(at) else { return self.before_the_beginning() };
        let shift = Span { from: Some(self.handoff(slot)?), to: Some(self.handoff(slot + 1)?) };
        let turn = usize::try_from(slot % self.members.len() as u64).ok()?;
        let turn = Some((slot, Arc::clone(self.members.get(turn)?)));
        let Some(only) = &self.only else { return Some(OwnStretch { turn, span: shift }) };
        let hours = hours_around(only, at)?;
        if hours.0 {
            return Some(OwnStretch { turn, span: hours.1.and(shift) });
        }
        // It covered nothing before its beginning either.
        let begins = self.handoff(0)?;
        let from = hours.1.from.filter(|from| *from > begins);
        Some(OwnStretch { turn: None, span: Span { from, ..hours.1 } })
    }

    fn before_the_beginning(&self) -> Option<OwnStretch> {
        let begins = self.handoff(0)?;
        let to = match &self.only {
            Some(only) => match hours_around(only, begins)? {
                (true, _) => Some(begins),
                (false, span) => span.to,
            },
            None => Some(begins),
        };
        Some(OwnStretch { turn: None, span: Span { from: None, to } })
    }

    fn per_round(&self) -> u64 {
        self.times.len() as u64
    }
}

impl Shift {
    /// Whether `at` lies in it: its beginning does, its end does not.
    pub fn contains(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && at < self.to
    }
}

/// `None`: so near to the end of the calendar, clocks cannot be told.
fn hours_around(only: &PageHours, at: DateTime<Utc>) -> Option<(bool, Span)> {
    (1..10_000).contains(&at.year()).then(|| hours::around(only, at))
}

/// The first instant at which a clock in the zone shows `local`; where the clock jumps over `local`, the instant of the
/// jump, at which it first shows something later. So a later `local` never gives an earlier instant, but all the times
/// that one jump leaves out give the same.
pub(super) fn first_instant(zone: Tz, local: NaiveDateTime) -> Option<DateTime<Utc>> {
    if let Some(instant) = zone.from_local_datetime(&local).earliest() {
        return Some(instant.to_utc());
    }
    // The last clock reading before the jump, in the offset of before the jump, is the jump.
    let (reading, offset) = GapInfo::new(&local, &zone)?.begin?;
    Some(reading.checked_sub_offset(offset.fix())?.and_utc())
}
