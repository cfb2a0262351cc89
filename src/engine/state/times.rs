//! What a log says of time: when its run was to go on, and for how long nobody did.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Approval, RunState};
use crate::engine::loops::Loop;
use crate::engine::watch::between_looks;
use crate::model::{RunEvent, StepAddress, Verdict};

impl RunState {
    pub(super) fn take_time(&mut self, at: DateTime<Utc>, event: &RunEvent) {
        let until = match event {
            RunEvent::Claimed { .. } => {
                let late = self.was_to_go_on_at().map(|goes_on_at| at - goes_on_at).unwrap_or_default();
                let left_alone = late - between_looks(self);
                self.left_alone = self.left_alone.max(left_alone);
                at
            }
            // A yes that lay there while nobody was is as old as what it was a yes to.
            RunEvent::ApprovalAnswered { verdict: Some(Verdict::Approve), waited, .. } => {
                let waited = waited.and_then(|waited| TimeDelta::from_std(waited.0).ok());
                self.left_alone = waited.unwrap_or_default();
                at
            }
            RunEvent::SourceAsked { again_at, .. } => {
                self.left_alone = TimeDelta::zero();
                again_at.unwrap_or(at)
            }
            RunEvent::Waiting { until, .. } => *until,
            RunEvent::Verifying { look_at, .. } => *look_at,
            RunEvent::ApprovalAsked { expires_at, .. } => *expires_at,
            RunEvent::ClockMoved { by_micros } => at.max(at + TimeDelta::microseconds(*by_micros)),
            _ => at,
        };
        self.goes_on_at = Some(until.max(at));
        self.last_at = Some(match event {
            RunEvent::ClockMoved { .. } => until,
            _ => at,
        });
    }

    /// Whoever parks for a timer that is on the log already writes nothing, so the last record does
    /// not say it: the earliest timer that is open does.
    fn was_to_go_on_at(&self) -> Option<DateTime<Utc>> {
        let at_work: BTreeSet<_> =
            self.loops.last().into_iter().flat_map(Loop::at_work).map(|item| &item.key).collect();
        let is_open = |step: &StepAddress| {
            Some(step.phase()) == self.phase && step.items().first().is_none_or(|key| at_work.contains(key))
        };
        let timers = self.steps.iter().filter(|(step, _)| is_open(step)).filter_map(|(_, status)| status.timer());
        let asked = match &self.approval {
            Approval::Asked { expires_at, .. } => Some(*expires_at),
            Approval::None | Approval::Granted { .. } => None,
        };
        match timers.chain(asked).min() {
            Some(timer) => Some(timer.max(self.last_at.unwrap_or(timer))),
            None => self.goes_on_at,
        }
    }

    /// What waits goes on to wait as long as it was meant to, whatever the time is called now.
    pub(super) fn move_times(&mut self, by: TimeDelta) {
        self.steps.values_mut().for_each(|status| status.move_times(by));
        self.diagnosed_at.iter_mut().for_each(|at| *at += by);
        self.answered_at.iter_mut().for_each(|at| *at += by);
        self.loops.iter_mut().for_each(|listed| listed.move_times(by));
        if let Approval::Asked { expires_at, .. } = &mut self.approval {
            *expires_at += by;
        }
        if let Some(heard) = &mut self.heard {
            heard.since += by;
            heard.again_at.iter_mut().for_each(|at| *at += by);
        }
    }
}
