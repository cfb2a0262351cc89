//! What becomes of pages.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{HumanDuration, PageId};
use crate::store::{NewPage, PageReason};

/// A page that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct MadePage {
    pub id: PageId,
    /// `None`: it cannot be read.
    pub reason: Option<PageReason>,
    pub text: Option<String>,
    /// The page in which it is told instead of going out.
    pub folded_into: Option<PageId>,
    /// Nobody waits for it any more.
    pub is_acknowledged: bool,
}

impl MadePage {
    /// It was told in another page, and somebody has its incident since.
    pub fn is_ended_fold(&self) -> bool {
        self.folded_into.is_some() && self.is_acknowledged
    }
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
    second_reason_after(made.reason.as_ref(), made.text.as_deref(), page)
}

/// The same where the first reason stands elsewhere. `before`: `None` where it cannot be read.
pub(in crate::store) fn second_reason_after(before: Option<&PageReason>, text: Option<&str>, page: &NewPage) -> Second {
    // One that is damaged is written anew.
    let Some(before) = before else { return Second::Updates };
    let before = before.first();
    let is_same = *before == page.reason && text == page.text.as_deref();
    let needs_a_person = |reason: &PageReason| matches!(reason, PageReason::Escalated { .. });
    let says_less = needs_a_person(before) && !needs_a_person(&page.reason);
    if is_same || says_less { Second::AddsNothing } else { Second::Updates }
}

/// How often the receivers of a page are told at the most that more joined: in a storm, something
/// joins each moment.
pub(in crate::store) const TOLD_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Whether receivers who were told of so many open alerts are told of what joined since. Not
/// `at_once`: when there is twice as much.
pub(in crate::store) fn is_worth_telling(told_of: u64, alerts: u64, at_once: bool) -> bool {
    at_once || alerts >= told_of.saturating_mul(2).max(2)
}

/// A page that nobody has acknowledged, or that says more since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct WaitingPage {
    pub id: PageId,
    /// It was acknowledged before it said more.
    pub acknowledged: bool,
    /// To how many sinks it goes.
    pub deliveries: u64,
    /// To how many of them it came.
    pub arrived: u64,
}

/// What closes the pages of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Closing {
    /// A person takes the incident.
    Acknowledged,
    /// A person says that it is over.
    Resolved,
    /// Its alerts are over, and nobody has looked.
    OverByItself,
}

/// Those that are closed. Where nobody has looked, a page that reached nobody yet is still brought,
/// and one that was acknowledged is still told its news.
pub(in crate::store) fn closed_by(waiting: &[WaitingPage], closing: Closing) -> Vec<PageId> {
    let is_told = |page: &WaitingPage| !page.acknowledged && (page.deliveries == 0 || page.arrived > 0);
    let closes = |page: &&WaitingPage| closing != Closing::OverByItself || is_told(page);
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
        let text = text.map(str::to_owned);
        MadePage { id: PageId(1), reason: Some(reason), text, folded_into: None, is_acknowledged: false }
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
        let page = |id, deliveries, arrived| WaitingPage { id: PageId(id), acknowledged: false, deliveries, arrived };
        let news = WaitingPage { acknowledged: true, ..page(4, 1, 1) };
        let waiting = [page(1, 2, 1), page(2, 2, 0), page(3, 0, 0), news];
        assert_eq!(closed_by(&waiting, Closing::OverByItself), [PageId(1), PageId(3)]);
        let all = [1, 2, 3, 4].map(PageId);
        assert_eq!(closed_by(&waiting, Closing::Acknowledged), all);
        assert_eq!(closed_by(&waiting, Closing::Resolved), all);
    }
}
