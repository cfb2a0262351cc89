//! How a page was told, and what each receiver answered.

use crate::message::delivery::{LONGEST, end, way};
use crate::message::text::{clip, count, moment};
use crate::model::PageEvent;
use crate::store::{Page, PageAttempts};

/// A line for what each receiver was told and what came of it, in order, then for each that is
/// still to take something. `attempts`: those of all pages.
pub(super) fn lines(page: &Page, attempts: &[PageAttempts]) -> Vec<String> {
    let mut told_of = None;
    let mut lines = Vec::new();
    let of_page: Vec<_> = attempts.iter().filter(|attempt| attempt.page == page.id).collect();
    for attempt in &of_page {
        // What is told of a page later calls nobody.
        let calls = attempt.event == PageEvent::Trigger && !attempt.others;
        let called = Some(&attempt.called).filter(|called| calls && told_of.replace(*called) != Some(*called));
        let called = called.map(|called| format!("; it calls {}", clip(called, 300))).unwrap_or_default();
        lines.push(format!("{}{called}", line(attempt)));
    }
    for delivery in &page.deliveries {
        let mut of_sink = of_page.iter().filter(|attempt| attempt.sink == delivery.sink);
        let (first, last) = (of_sink.clone().next(), of_sink.next_back());
        // It came before attempts were remembered.
        let came = delivery.delivered_at;
        if first.zip(came).is_some_and(|(first, came)| came < first.first_at) {
            lines.insert(0, way(delivery));
        }
        match last {
            // Before attempts were remembered, or not tried yet.
            None => lines.push(way(delivery)),
            Some(last) if last.error.is_some() => {
                lines.push(format!("{}: {}", clip(&delivery.sink, 40), end(delivery)));
            }
            Some(_) => {}
        }
    }
    lines
}

/// `webhook: trigger, 4 attempts from ... to ...: 503`.
fn line(attempt: &PageAttempts) -> String {
    let (sink, event) = (clip(&attempt.sink, 40), attempt.event.name());
    let first = moment(attempt.first_at);
    if attempt.others {
        let others = count(u64::from(attempt.attempts), "other attempt");
        return format!("{sink}: {others} from {first} to {}", moment(attempt.last_at));
    }
    let Some(error) = &attempt.error else {
        let again = if attempt.attempts > 1 {
            format!("taken {} times from {first} to {}", attempt.attempts, moment(attempt.last_at))
        } else {
            format!("taken at {first}")
        };
        return format!("{sink}: {event} {again}");
    };
    let when = if attempt.attempts > 1 {
        let attempts = count(u64::from(attempt.attempts), "attempt");
        format!("{attempts} from {first} to {}, each", moment(attempt.last_at))
    } else {
        format!("attempt at {first}")
    };
    format!("{sink}: {event}, {when}: {}", clip(error, LONGEST))
}
