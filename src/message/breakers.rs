//! Breakers and ramps that have stopped, for people.

use super::text::{clip, moment};
use crate::model::{Breaker, StoppedRamp};

/// The breakers that are open and the ramps that have stopped, a line for each.
pub fn breakers_text(breakers: &[Breaker], ramps: &[StoppedRamp]) -> String {
    breakers.iter().map(breaker_line).chain(ramps.iter().map(ramp_line)).collect::<Vec<_>>().join("\n")
}

fn breaker_line(Breaker { playbook, opened_at, because }: &Breaker) -> String {
    let (since, because) = (moment(*opened_at), clip(because, 300));
    format!(
        "the breaker of {playbook} is open since {since}, no run of it changes anything: {because}; /close playbook={playbook} REASON"
    )
}

fn ramp_line(StoppedRamp { playbook, run, since, until }: &StoppedRamp) -> String {
    let (since, until) = (moment(*since), moment(*until));
    format!(
        "the ramp of {playbook} has stopped since {since}, no other run of it begins to change anything before {until}: \
         {run} did not help; /close playbook={playbook} REASON"
    )
}
