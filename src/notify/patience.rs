//! How often, and for how long, a delivery is tried.

use std::time::Duration;

use super::{ParcelKind, SinkError};

/// How long one attempt may take, whatever the sink thinks about it.
pub const SEND_WITHIN: Duration = Duration::from_secs(20);

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// The most that a receiver may make us wait: its clock or its header may be wrong.
const LONGEST_ASKED: Duration = Duration::from_secs(15 * 60);

/// For how long it is worth trying. A page is until somebody has it, as a human is waiting for it
/// without knowing; a card is made anew by whatever happens next.
fn patience(kind: ParcelKind) -> Duration {
    match kind {
        ParcelKind::Page => Duration::MAX,
        ParcelKind::Approval => Duration::from_secs(30 * 60),
        // It is a record of work, and a tracker that is away for a weekend must not lose it.
        ParcelKind::Ticket => Duration::from_secs(7 * 24 * 3_600),
        ParcelKind::Card | ParcelKind::Notice => Duration::from_secs(10 * 60),
    }
}

/// More attempts than anybody has patience for.
const MOST: u32 = 5_000;

/// How long to wait before the next attempt after `attempts` that failed and one more, which gave `error`; `None`: it is
/// given up. `jitter` is between 0 and 1, and keeps many that failed together from coming back together.
pub(super) fn wait_after(kind: ParcelKind, attempts: u32, error: &SinkError, jitter: f64) -> Option<Duration> {
    let waited = (0..attempts.min(MOST)).map(backoff).fold(Duration::ZERO, Duration::saturating_add);
    if waited >= patience(kind) {
        return None;
    }
    let wait = match error {
        SinkError::Retry { after, .. } => backoff(attempts).max(after.unwrap_or_default().min(LONGEST_ASKED)),
        SinkError::NoAnswer { .. } => backoff(attempts),
        // A human may yet put a token right, and a page must not be lost before that.
        SinkError::Fail { .. } if matches!(kind, ParcelKind::Page | ParcelKind::Ticket) => LONGEST,
        SinkError::Fail { .. } => return None,
    };
    Some(wait.mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 2.0).min(LONGEST_ASKED))
}

/// Whether the next sink is to be asked, too. The first failure of a page may be a hiccup of a
/// second; the second is not, nor is a receiver that refuses it, says when to come again, or lets
/// us wait for its answer.
pub(super) fn falls_back(kind: ParcelKind, attempts: u32, error: &SinkError) -> bool {
    let is_more = match error {
        SinkError::Retry { after, .. } => after.is_some(),
        SinkError::NoAnswer { .. } | SinkError::Fail { .. } => true,
    };
    kind == ParcelKind::Page && (attempts >= 1 || is_more)
}

fn backoff(attempts: u32) -> Duration {
    FIRST.saturating_mul(1 << attempts.min(16)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(kind: ParcelKind, error: &SinkError) -> Vec<u64> {
        (0..).map_while(|attempts| wait_after(kind, attempts, error, 0.0)).map(|wait| wait.as_secs()).collect()
    }

    #[test]
    fn waits_double_up_to_five_minutes() {
        let card = waits(ParcelKind::Card, &SinkError::retry("down"));
        assert_eq!(card, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
    }

    #[test]
    fn a_page_is_never_given_up_and_tried_every_five_minutes() {
        for error in [SinkError::retry("down"), SinkError::no_answer("slow"), SinkError::fail("no such channel")] {
            for attempts in [20, 1_000, u32::MAX] {
                let wait = wait_after(ParcelKind::Page, attempts, &error, 1.0).map(|wait| wait.as_secs());
                assert_eq!(wait, Some(450), "{error:?} after {attempts}");
            }
        }
        assert_eq!(waits(ParcelKind::Card, &SinkError::fail("no such channel")), [0; 0]);
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_but_not_for_ever() {
        let asks =
            |seconds| SinkError::Retry { message: "slow down".into(), after: Some(Duration::from_secs(seconds)) };
        let wait = |error| wait_after(ParcelKind::Page, 2, &error, 0.0).unwrap().as_secs();
        assert_eq!(wait(asks(30)), 30);
        assert_eq!(wait(asks(1)), 4);
        assert_eq!(wait(asks(1_000_000)), 900);
        assert_eq!(wait_after(ParcelKind::Page, 0, &asks(900), 1.0), Some(LONGEST_ASKED), "nor is that made longer");
    }

    #[test]
    fn the_next_sink_is_asked_at_once_unless_it_may_be_a_hiccup() {
        let wait = SinkError::Retry { message: "429".into(), after: Some(Duration::from_secs(1)) };
        for error in [wait, SinkError::no_answer("slow"), SinkError::fail("401")] {
            assert!(falls_back(ParcelKind::Page, 0, &error), "{error:?}");
            assert!(!falls_back(ParcelKind::Card, 9, &error), "{error:?}");
        }
        let down = SinkError::retry("connection refused");
        assert_eq!([0, 1, 2].map(|attempts| falls_back(ParcelKind::Page, attempts, &down)), [false, true, true]);
    }

    #[test]
    fn jitter_adds_up_to_a_half() {
        let wait = |jitter| wait_after(ParcelKind::Page, 3, &SinkError::retry("down"), jitter).unwrap();
        assert_eq!(wait(0.0), Duration::from_secs(8));
        assert_eq!(wait(1.0), Duration::from_secs(12));
    }
}
