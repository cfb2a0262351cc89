//! What becomes of pages.

use chrono::{DateTime, Utc};

use crate::model::{HumanDuration, PageId};
use crate::store::{NewPage, PageReason};

/// A page that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct MadePage {
    pub id: PageId,
    pub reason: PageReason,
    pub text: Option<String>,
}

/// What a reason to page comes to where there is a page already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Second {
    /// The page says it from now on, and is delivered again under its key: nobody is called twice.
    Updates,
    /// It says the same, or less than what is told.
    AddsNothing,
}

/// A run that needs a person outranks every other reason: it says what was found and done.
pub(in crate::store) fn second_reason(made: &MadePage, page: &NewPage) -> Second {
    let is_same = made.reason == page.reason && made.text == page.text;
    let needs_a_person = |reason: &PageReason| matches!(reason, PageReason::Escalated { .. });
    let says_less = needs_a_person(&made.reason) && !needs_a_person(&page.reason);
    if is_same || says_less { Second::AddsNothing } else { Second::Updates }
}

/// A page that nobody has acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct WaitingPage {
    pub id: PageId,
    /// To how many sinks it goes.
    pub deliveries: u64,
    /// To how many of them it came.
    pub arrived: u64,
}

/// Those that the end of their incident closes. When it ended by itself nobody has looked: a page
/// that reached nobody yet is still brought.
pub(in crate::store) fn closed_by(waiting: &[WaitingPage], by_itself: bool) -> Vec<PageId> {
    let closes = |page: &&WaitingPage| !by_itself || page.deliveries == 0 || page.arrived > 0;
    waiting.iter().filter(closes).map(|page| page.id).collect()
}

/// What the timeline says of a page that arrives after it was tried in vain, if anybody waits for
/// it still.
pub(in crate::store) fn news_of_arrival(
    page: PageId,
    sink: &str,
    attempts_in_vain: u32,
    is_acknowledged: bool,
    made_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<String> {
    if attempts_in_vain == 0 || is_acknowledged {
        return None;
    }
    let after = HumanDuration((now - made_at).to_std().unwrap_or_default());
    Some(format!("{page} reaches {sink}, {after} after it was made"))
}

/// What the timeline says of a page that goes another way, too.
pub(in crate::store) fn news_of_failure(page: PageId, sink: &str, also: &str) -> String {
    format!("{page} does not reach {sink}: it goes to {also} too")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RunId;

    fn made(reason: PageReason, text: Option<&str>) -> MadePage {
        MadePage { id: PageId(1), reason, text: text.map(str::to_owned) }
    }

    fn asks(reason: PageReason, text: Option<&str>) -> NewPage {
        NewPage { level: 1, team: "platform".into(), reason, text: text.map(str::to_owned) }
    }

    #[test]
    fn a_run_that_needs_a_person_outranks_every_other_reason() {
        let escalated = || PageReason::Escalated { run: RunId(1) };
        let second = |first, next| second_reason(&made(first, None), &asks(next, None));
        assert_eq!(second(PageReason::SeverityOne, escalated()), Second::Updates);
        assert_eq!(second(escalated(), PageReason::Overdue), Second::AddsNothing);
        assert_eq!(second(PageReason::SeverityOne, PageReason::Overdue), Second::Updates);
        assert_eq!(second(escalated(), PageReason::Escalated { run: RunId(2) }), Second::Updates);
    }

    #[test]
    fn the_same_is_no_news_and_another_text_is() {
        let first = made(PageReason::Overdue, Some("a"));
        assert_eq!(second_reason(&first, &asks(PageReason::Overdue, Some("a"))), Second::AddsNothing);
        assert_eq!(second_reason(&first, &asks(PageReason::Overdue, Some("b"))), Second::Updates);
    }

    #[test]
    fn an_end_by_itself_leaves_what_reached_nobody() {
        let page = |id, deliveries, arrived| WaitingPage { id: PageId(id), deliveries, arrived };
        let waiting = [page(1, 2, 1), page(2, 2, 0), page(3, 0, 0)];
        assert_eq!(closed_by(&waiting, true), [PageId(1), PageId(3)]);
        assert_eq!(closed_by(&waiting, false), [PageId(1), PageId(2), PageId(3)]);
    }
}
