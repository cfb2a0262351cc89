//! Overrides over rotations: who is on call when both are asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::layer::Rotations;
use super::stretch::{Because, Span, Stretch, Turn};
use super::{Member, OnCall};
use crate::model::{Layer, Override, OverrideId};

/// An override whose names are known.
#[derive(Debug, Clone)]
pub(super) struct Cover {
    id: OverrideId,
    member: Arc<Member>,
    whom: Option<String>,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

/// By team and layer, in the order in which they were made.
pub(super) type Covers = BTreeMap<(String, Layer), Vec<Cover>>;

/// An override that cannot count, as the file does not know what it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    pub id: OverrideId,
    pub because: String,
}

/// The overrides that can count, and those that can not. One that never counts is none.
pub(super) fn covers(file: &OnCall, overrides: &[Override]) -> (Covers, Vec<PassedOver>) {
    let (mut covers, mut passed_over) = (Covers::new(), Vec::new());
    let mut overrides: Vec<&Override> = overrides.iter().collect();
    overrides.sort_by_key(|kept| kept.id);
    for kept in overrides {
        let (from, until) = kept.counts();
        if until <= from {
            continue;
        }
        match known(file, kept) {
            Ok(member) => {
                let cover = Cover { id: kept.id, member, whom: kept.whom.clone(), from, until };
                covers.entry((kept.team.clone(), kept.layer)).or_default().push(cover);
            }
            Err(because) => passed_over.push(PassedOver { id: kept.id, because }),
        }
    }
    (covers, passed_over)
}

fn known(file: &OnCall, kept: &Override) -> Result<Arc<Member>, String> {
    let Override { id, team, layer, member, .. } = kept;
    let known = file.team(team).map_err(|error| format!("{id} is passed over: {error}"))?;
    if known.layer(*layer).is_none() {
        return Err(format!("{id} is passed over: team {team} has no {layer}"));
    }
    let found = file.member(member).cloned();
    found.ok_or_else(|| {
        format!("{id} is passed over: oncall.yaml does not name {member}, who was to be {layer} of team {team}")
    })
}

/// Somebody's turn may be put together of so many pieces at the most: overrides that end and begin
/// within it, and change nothing.
const PIECES: usize = 1_000;

/// The rotations of a layer with the overrides of it.
#[derive(Clone, Copy)]
pub(super) struct Covered<'a> {
    pub rotations: &'a Rotations,
    pub covers: &'a [Cover],
}

impl Covered<'_> {
    /// Whose turn it is at `at`, and the whole time around it in which it is. `None`: beyond the
    /// calendar.
    pub fn at(&self, at: DateTime<Utc>) -> Option<Stretch> {
        let mut stretch = self.piece(at)?;
        if self.covers.is_empty() {
            return Some(stretch);
        }
        for _ in 0..PIECES {
            let Some(to) = stretch.span.to else { break };
            match self.piece(to) {
                Some(next) if next.turn == stretch.turn => stretch.span.to = next.span.to,
                _ => break,
            }
        }
        for _ in 0..PIECES {
            let Some(from) = stretch.span.from else { break };
            match self.piece(from - TimeDelta::nanoseconds(1)) {
                Some(before) if before.turn == stretch.turn => stretch.span.from = before.span.from,
                _ => break,
            }
        }
        Some(stretch)
    }

    /// The same, but a piece of that time: between any two changes, also those that change nothing.
    fn piece(&self, at: DateTime<Utc>) -> Option<Stretch> {
        let Stretch { mut turn, mut span } = self.rotations.at(at)?;
        for cover in self.covers {
            span = span.and(Span::around(at, cover.from, cover.until));
            let now = turn.as_ref().map(|turn| turn.member.name.as_str());
            let counts = cover.from <= at && at < cover.until;
            let is_meant = cover.whom.as_deref().is_none_or(|whom| now == Some(whom));
            // Whoever has the turn anyway covers for nobody.
            if counts && is_meant && now != Some(cover.member.name.as_str()) {
                let because = Because::Override(cover.id);
                turn = Some(Turn { member: Arc::clone(&cover.member), because });
            }
        }
        Some(Stretch { turn, span })
    }
}
