//! Somebody covers for whoever is on call by the rotation.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::OverrideId;

/// Which of a team's two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Who is called first.
    #[default]
    Primary,
    /// Who stands behind the primary.
    Secondary,
}

impl Layer {
    /// In the order in which they are called.
    pub const ALL: [Layer; 2] = [Layer::Primary, Layer::Secondary];

    /// The layer of that name; `None`: there is none.
    pub fn called(name: &str) -> Option<Layer> {
        Layer::ALL.into_iter().find(|layer| layer.name() == name)
    }

    /// As it is written: `primary`.
    pub const fn name(self) -> &'static str {
        match self {
            Layer::Primary => "primary",
            Layer::Secondary => "secondary",
        }
    }

    /// What whoever has a turn in it is: `on call`.
    pub const fn duty(self) -> &'static str {
        match self {
            Layer::Primary => "on call",
            Layer::Secondary => "on call as secondary",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An override as it is kept: a member covers a layer of a team for a time. What is kept does not
/// change but by its end, so that who was on call can be told of any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    pub id: OverrideId,
    pub team: String,
    pub layer: Layer,
    /// Who covers.
    pub member: String,
    /// Only while it would be this member's turn; `None`: whoever's turn it is.
    pub whom: Option<String>,
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub reason: String,
    /// Who said so.
    pub by: String,
    pub via: String,
    pub made_at: DateTime<Utc>,
    /// When somebody ended it before its time, and who.
    pub ended: Option<(DateTime<Utc>, String)>,
}

impl Override {
    /// The time in which it counts, which may be none at all: not before it was made, and not after
    /// somebody has ended it. So nothing that is said now changes who was on call before.
    pub fn counts(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        let until = self.ended.as_ref().map_or(self.until, |(at, _)| self.until.min(*at));
        (self.from.max(self.made_at), until)
    }

    /// Whether it is over by then.
    pub fn is_over(&self, at: DateTime<Utc>) -> bool {
        let (from, until) = self.counts();
        until <= at || until <= from
    }
}

/// How long an override may last: a year is a rotation of its own.
pub const LONGEST_OVERRIDE: chrono::TimeDelta = chrono::TimeDelta::days(92);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_now_changes_nothing_that_was() {
        let at = |hour: u32| format!("2026-03-02T{hour:02}:00:00Z").parse::<DateTime<Utc>>().unwrap();
        let cover = Override {
            id: OverrideId(1),
            team: "platform".into(),
            layer: Layer::Primary,
            member: "bob".into(),
            whom: None,
            from: at(8),
            until: at(20),
            reason: String::new(),
            by: "bob".into(),
            via: "console".into(),
            made_at: at(10),
            ended: None,
        };
        assert_eq!(cover.counts(), (at(10), at(20)));
        assert!(!cover.is_over(at(19)) && cover.is_over(at(20)));
        let ended = Override { ended: Some((at(15), "ada".into())), ..cover.clone() };
        assert_eq!(ended.counts(), (at(10), at(15)));
        let taken_back = Override { from: at(18), ended: Some((at(15), "ada".into())), ..cover };
        assert!(taken_back.is_over(at(11)), "it never counts");
    }
}
