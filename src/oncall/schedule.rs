//! Questions about who is on call, and when: walks over the stretches of a layer.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::covers::{Covered, covers};
use super::stretch::{Because, Stretch};
use super::{OnCall, PassedOver, ScheduleError, Shift, Team, Watch};
use crate::model::{Layer, Override};

impl OnCall {
    /// The same file with these overrides over it, whatever lay over it before, and those of them
    /// that cannot count.
    #[must_use]
    pub fn with_overrides(&self, overrides: &[Override]) -> (Self, Vec<PassedOver>) {
        let (covers, passed_over) = covers(self, overrides);
        (Self { covers, ..self.clone() }, passed_over)
    }

    /// Who is on call at `at`, and for how long. `None`: nobody, as the rotation has not begun or
    /// covers other hours; [`OnCall::next_handoff`] then says until when.
    ///
    /// # Errors
    /// An unknown team, or the end of the calendar.
    pub fn who(&self, team: &str, at: DateTime<Utc>) -> Result<Option<Watch>, ScheduleError> {
        self.who_in(team, Layer::Primary, at)
    }

    /// The same for one of the team's layers. `None` also where the team has no such layer.
    ///
    /// # Errors
    /// An unknown team, or the end of the calendar.
    pub fn who_in(&self, team: &str, layer: Layer, at: DateTime<Utc>) -> Result<Option<Watch>, ScheduleError> {
        let team = self.team(team)?;
        let Some(covered) = self.covered(team, layer) else { return Ok(None) };
        let stretch = covered.at(at).ok_or_else(|| team.beyond_calendar(at))?;
        match watch_of(&stretch) {
            Some(watch) => Ok(Some(watch)),
            None if stretch.turn.is_some() => Err(team.beyond_calendar(at)),
            None => Ok(None),
        }
    }

    /// The shift that `at` lies in. `None` in a gap.
    ///
    /// # Errors
    /// An unknown team, or the end of the calendar.
    pub fn shift_at(&self, team: &str, at: DateTime<Utc>) -> Result<Option<Shift>, ScheduleError> {
        Ok(self.who(team, at)?.map(|watch| watch.shift))
    }

    /// The last shift that has ended by `at`. `None`: there was none.
    ///
    /// # Errors
    /// An unknown team, or the end of the calendar.
    pub fn shift_before(&self, team: &str, at: DateTime<Utc>) -> Result<Option<Shift>, ScheduleError> {
        let named = self.team(team)?;
        let mut before = at;
        loop {
            let covered = self.covered(named, Layer::Primary);
            let stretch = covered.and_then(|covered| covered.at(before)).ok_or_else(|| named.beyond_calendar(at))?;
            if let Some(watch) = watch_of(&stretch).filter(|watch| watch.shift.to <= at) {
                return Ok(Some(watch.shift));
            }
            let Some(from) = stretch.span.from else { return Ok(None) };
            before = from - TimeDelta::nanoseconds(1);
        }
    }

    /// The first instant after `after` at which it is another's turn, or nobody's; never `after`
    /// itself. In a gap, its end: before the rotation's beginning, that beginning.
    ///
    /// # Errors
    /// An unknown team, or the end of the calendar.
    pub fn next_handoff(&self, team: &str, after: DateTime<Utc>) -> Result<DateTime<Utc>, ScheduleError> {
        self.next_handoff_in(team, Layer::Primary, after)
    }

    /// The same for one of the team's layers.
    ///
    /// # Errors
    /// An unknown team, the end of the calendar, or no such layer.
    pub fn next_handoff_in(
        &self,
        team: &str,
        layer: Layer,
        after: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, ScheduleError> {
        let team = self.team(team)?;
        let stretch = self.covered(team, layer).and_then(|covered| covered.at(after));
        stretch.and_then(|stretch| stretch.span.to).ok_or_else(|| team.beyond_calendar(after))
    }

    /// The shifts of which some part lies in `from..to`, whole and in order, each with its member.
    /// They are computed as they are asked for; between two of them there may be a gap.
    ///
    /// # Errors
    /// An unknown team.
    pub fn shifts_between<'a>(
        &'a self,
        team: &str,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<impl Iterator<Item = Watch> + use<'a>, ScheduleError> {
        self.shifts_in(team, Layer::Primary, from, to)
    }

    /// The same for one of the team's layers.
    ///
    /// # Errors
    /// An unknown team.
    pub fn shifts_in<'a>(
        &'a self,
        team: &str,
        layer: Layer,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<impl Iterator<Item = Watch> + use<'a>, ScheduleError> {
        let stretches = self.stretches(self.team(team)?, layer, from, to);
        Ok(stretches.filter_map(|stretch| watch_of(&stretch)))
    }

    /// The turns and gaps of which some part lies in `from..to`, one after the other.
    pub(super) fn stretches<'a>(
        &'a self,
        team: &'a Team,
        layer: Layer,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> impl Iterator<Item = Stretch> + use<'a> {
        let covered = self.covered(team, layer);
        let mut next = Some(from).filter(|from| *from < to);
        std::iter::from_fn(move || {
            let stretch = covered?.at(next.filter(|next| *next < to)?)?;
            next = stretch.span.to;
            Some(stretch)
        })
    }

    pub(super) fn covered<'a>(&'a self, team: &'a Team, layer: Layer) -> Option<Covered<'a>> {
        let rotations = team.layer(layer)?;
        let covers = self.covers.get(&(team.name.clone(), layer)).map_or(&[][..], Vec::as_slice);
        Some(Covered { rotations, covers })
    }
}

pub(super) fn watch_of(stretch: &Stretch) -> Option<Watch> {
    let turn = stretch.turn.as_ref()?;
    let shift = Shift { from: stretch.span.from?, to: stretch.span.to? };
    let cover = match turn.because {
        Because::Override(id) => Some(id),
        Because::Rotation(..) => None,
    };
    Some(Watch { member: Arc::clone(&turn.member), shift, cover })
}
