//! Breakers, for people.

use super::text::{clip, moment};
use crate::model::Breaker;

/// The breakers that are open, a line for each.
pub fn breakers_text(breakers: &[Breaker]) -> String {
    let line = |breaker: &Breaker| {
        let Breaker { playbook, opened_at, because } = breaker;
        let (since, because) = (moment(*opened_at), clip(because, 300));
        format!(
            "the breaker of {playbook} is open since {since}, no run of it changes anything: {because}; /close playbook={playbook} REASON"
        )
    };
    breakers.iter().map(line).collect::<Vec<_>>().join("\n")
}
