//! How often, and for how long, a delivery is tried.

use std::ops::RangeInclusive;
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

/// What a tracker was asked to make, it may show only after so long: what is looked for earlier is
/// not found, and made again.
pub(super) const SHOWS_AFTER: Duration = Duration::from_secs(60);

/// Where answers are lost again and again, each attempt may make one more.
const LONGEST_IN_DOUBT: Duration = Duration::from_secs(6 * 3_600);

/// For how long a receiver that asks for it is left alone: GitHub counts by the hour.
pub(super) const HELD: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(3_600);

/// What a delivery has behind it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Failures {
    pub attempts: u32,
    /// After so many of them nobody knew whether it was done.
    pub lost: u32,
}

/// More attempts than anybody has patience for.
const MOST: u32 = 5_000;

/// How long to wait before the next attempt after those that failed and one more, which gave
/// `error`; `None`: it is given up. `jitter` is between 0 and 1, and keeps many that failed
/// together from coming back together.
pub(super) fn wait_after(kind: ParcelKind, failed: Failures, error: &SinkError, jitter: f64) -> Option<Duration> {
    let Failures { attempts, lost } = failed;
    let waited = (0..attempts.min(MOST)).map(backoff).chain((0..lost.min(MOST)).map(in_doubt));
    if waited.fold(Duration::ZERO, Duration::saturating_add) >= patience(kind) {
        return None;
    }
    let (wait, longest) = match error {
        SinkError::Retry { after, .. } => (backoff(attempts).max(after.unwrap_or_default()), LONGEST_ASKED),
        SinkError::NoAnswer { .. } => (backoff(attempts), LONGEST_ASKED),
        SinkError::MayBeDone { after, .. } => {
            let after = after.unwrap_or_default().min(*HELD.end());
            (in_doubt(lost).max(after), LONGEST_IN_DOUBT)
        }
        SinkError::Hold { after, .. } => (backoff(attempts).max(*after).max(*HELD.start()), *HELD.end()),
        // A human may yet put a token right, and a page must not be lost before that.
        SinkError::Fail { .. } if matches!(kind, ParcelKind::Page | ParcelKind::Ticket) => (LONGEST, LONGEST_ASKED),
        SinkError::Fail { .. } => return None,
    };
    Some(wait.min(longest).mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 2.0).min(longest))
}

/// Whether the next sink is to be asked, too. The first failure of a page may be a hiccup of a
/// second; the second is not, nor is a receiver that refuses it, says when to come again, or lets
/// us wait for its answer.
pub(super) fn falls_back(kind: ParcelKind, attempts: u32, error: &SinkError) -> bool {
    let is_more = match error {
        SinkError::Retry { after, .. } => after.is_some(),
        SinkError::NoAnswer { .. } | SinkError::MayBeDone { .. } | SinkError::Hold { .. } | SinkError::Fail { .. } => {
            true
        }
    };
    kind == ParcelKind::Page && (attempts >= 1 || is_more)
}

fn backoff(attempts: u32) -> Duration {
    FIRST.saturating_mul(1 << attempts.min(16)).min(LONGEST)
}

fn in_doubt(lost: u32) -> Duration {
    SHOWS_AFTER.saturating_mul(1 << lost.min(16)).min(LONGEST_IN_DOUBT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(attempts: u32) -> Failures {
        Failures { attempts, lost: 0 }
    }

    fn waits(kind: ParcelKind, error: &SinkError) -> Vec<u64> {
        (0..).map_while(|attempts| wait_after(kind, after(attempts), error, 0.0)).map(|wait| wait.as_secs()).collect()
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
                let wait = wait_after(ParcelKind::Page, after(attempts), &error, 1.0).map(|wait| wait.as_secs());
                assert_eq!(wait, Some(450), "{error:?} after {attempts}");
            }
        }
        assert_eq!(waits(ParcelKind::Card, &SinkError::fail("no such channel")), [0; 0]);
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_but_not_for_ever() {
        let asks =
            |seconds| SinkError::Retry { message: "slow down".into(), after: Some(Duration::from_secs(seconds)) };
        let wait = |error| wait_after(ParcelKind::Page, after(2), &error, 0.0).unwrap().as_secs();
        assert_eq!(wait(asks(30)), 30);
        assert_eq!(wait(asks(1)), 4);
        assert_eq!(wait(asks(1_000_000)), 900);
        assert_eq!(
            wait_after(ParcelKind::Page, after(0), &asks(900), 1.0),
            Some(LONGEST_ASKED),
            "nor is that made longer"
        );
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
        let wait = |jitter| wait_after(ParcelKind::Page, after(3), &SinkError::retry("down"), jitter).unwrap();
        assert_eq!(wait(0.0), Duration::from_secs(8));
        assert_eq!(wait(1.0), Duration::from_secs(12));
    }

    #[test]
    fn what_may_be_made_already_is_tried_rarely_and_not_for_ever() {
        let lost = SinkError::MayBeDone { message: "502".into(), after: None };
        let waits = (0..).map_while(|lost_before| {
            let failed = Failures { attempts: 0, lost: lost_before };
            wait_after(ParcelKind::Ticket, failed, &lost, 0.0).map(|wait| wait.as_secs() / 60)
        });
        let waits: Vec<u64> = waits.collect();
        assert_eq!(waits[..10], [1, 2, 4, 8, 16, 32, 64, 128, 256, 360]);
        assert!(waits.len() < 40, "each may be one more in the tracker: {}", waits.len());
        assert!(waits.iter().sum::<u64>() >= 7 * 24 * 60, "as long as anything of a ticket");
    }

    #[test]
    fn a_receiver_that_wants_to_be_left_alone_is_for_an_hour_at_the_most() {
        let hold = |seconds| SinkError::Hold { message: "429".into(), after: Duration::from_secs(seconds) };
        let wait = |seconds| wait_after(ParcelKind::Ticket, after(0), &hold(seconds), 0.0).unwrap().as_secs();
        assert_eq!([0, 60, 1_800, 1_000_000].map(wait), [10, 60, 1_800, 3_600]);
    }
}
