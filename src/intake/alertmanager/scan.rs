//! Alerts in a body whose text is no JSON: a byte was lost or changed on its way, or the end is not
//! there.
//!
//! An alert is looked for where an object begins that follows on `[` or `,` and has a quoted name
//! next. In sound JSON such bytes stand in no text, as a quote would end it, so that nothing that
//! comes before an alert can hide where it begins. What begins there is read as JSON does; what
//! holds another alert is none. So whatever stands in the place of one alert, each of the others is
//! taken, unless what is there now reads as a later state of the same.

use super::recover::{Header, Said, header};
use super::refusal::{locate, wrong_alert};
use super::wire::{Taken, WireAlert};
use crate::intake::damage::Damage;
use crate::intake::delivery::Kept;

/// What was found.
pub(super) struct Found {
    pub header: Header,
    pub taken: Taken,
    pub damage: Damage,
}

/// So many beginnings an alert may hold that are none of alerts: lists of objects that a sender
/// adds. It bounds how often a byte is looked at.
const WITHIN: usize = 4;

/// Takes the alerts that can be read.
pub(super) fn alerts(body: &[u8]) -> Found {
    let mut damage = Damage::default();
    damage.remark(|| locate(body));
    let mut taken = Taken::default();
    let list = list_begins(body);
    let starts = starts(body, list.unwrap_or(0));
    let mut ended = None;
    let mut last = list.unwrap_or(0);
    let (mut n, mut next) = (0, 0);
    while let Some(start) = starts.get(next) {
        let start = *start as usize;
        next += 1;
        if taken.is_full() {
            taken.left_out.alerts += 1;
            continue;
        }
        match read(body, &starts, next - 1) {
            Some((alert, labels, end)) if !holds_another(body, &starts, next, end) => {
                taken.left_out.labels += labels;
                taken.kept.push(alert);
                next += starts[next..].partition_point(|start| (*start as usize) < end);
                let is_last = body[end..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b']');
                ended = ended.or(is_last.then_some(end));
                last = end;
            }
            // What follows the list may hold objects that are no alerts.
            _ if ended.is_some() => continue,
            _ => {
                damage.alert(|| {
                    wrong_alert(&format!("alerts[{n}] (from byte {start} on)"), within(body, &starts, next - 1))
                });
                last = start;
            }
        }
        n += 1;
    }
    let header = header_around(body, list, starts.first().map(|start| *start as usize), ended.unwrap_or(last));
    Found { header, taken, damage }
}

/// Where the first alert may begin: behind `"alerts": [`.
fn list_begins(body: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"\"alerts\"";
    let mut from = 0;
    while let Some(found) = find(&body[from..], NAME) {
        from += found + NAME.len();
        let colon = skip_space(body, from);
        let bracket = skip_space(body, colon + 1);
        if body.get(colon) == Some(&b':') && body.get(bracket) == Some(&b'[') {
            return Some(bracket + 1);
        }
    }
    None
}

/// Where objects begin, from there on. A body is far shorter than 4 GiB.
fn starts(body: &[u8], from: usize) -> Vec<u32> {
    let mut starts = Vec::new();
    // What stands before, white space aside.
    let mut before = if from > 0 { b'[' } else { 0 };
    for (at, byte) in body.iter().enumerate().skip(from) {
        if *byte == b'{'
            && matches!(before, b'[' | b',')
            && body[at + 1..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'"')
        {
            starts.extend(u32::try_from(at).ok());
        }
        if !byte.is_ascii_whitespace() {
            before = *byte;
        }
    }
    starts
}

/// The bytes in which the alert stands that begins there, if it is one.
fn within<'a>(body: &'a [u8], starts: &[u32], nth: usize) -> &'a [u8] {
    let end = starts.get(nth + 1 + WITHIN).map_or(body.len(), |end| *end as usize);
    starts.get(nth).and_then(|start| body.get(*start as usize..end)).unwrap_or_default()
}

/// The alert that begins there, how many of its labels are left out, and where it ends.
fn read(body: &[u8], starts: &[u32], nth: usize) -> Option<(Kept, u64, usize)> {
    let start = *starts.get(nth)? as usize;
    let mut reader = serde_json::Deserializer::from_slice(within(body, starts, nth)).into_iter::<WireAlert>();
    let (kept, labels) = reader.next()?.and_then(WireAlert::read).ok()?;
    Some((kept, labels, start + reader.byte_offset()))
}

fn holds_another(body: &[u8], starts: &[u32], next: usize, end: usize) -> bool {
    let inner = starts.iter().enumerate().skip(next).take_while(|(_, start)| (**start as usize) < end);
    inner.into_iter().any(|(nth, _)| read(body, starts, nth).is_some())
}

/// What stands before the alerts and behind them, read as if there were none; where that is damaged
/// too, its two names.
fn header_around(body: &[u8], list: Option<usize>, first: Option<usize>, end: usize) -> Header {
    /// The end of a damaged alert is not known; it holds few brackets.
    const TRIES: usize = 8;
    let closed = (end..body.len()).filter(|at| body[*at] == b']').take(TRIES);
    let around = list.and_then(|list| {
        let mut tails = closed.map(|at| &body[at..]);
        tails.find_map(|tail| header(&[&body[..list], tail].concat()))
    });
    around.unwrap_or_else(|| {
        let head = &body[..first.unwrap_or(body.len())];
        let say = |name| text_of(&body[end..], name).or_else(|| text_of(head, name)).map_or(Said::Wrong, Said::Here);
        Header { group_key: say("groupKey"), receiver: say("receiver"), ..Header::default() }
    })
}

/// The last text of that name.
fn text_of(text: &[u8], name: &str) -> Option<String> {
    let name = format!("\"{name}\"");
    let at = text.windows(name.len()).rposition(|window| window == name.as_bytes())? + name.len();
    let colon = skip_space(text, at);
    let value = text.get(colon..)?.strip_prefix(b":")?;
    serde_json::Deserializer::from_slice(value).into_iter::<String>().next()?.ok()
}

fn skip_space(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(rest.len())
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
