//! An event, as PagerDuty takes it
//! (<https://developer.pagerduty.com/docs/events-api-v2/trigger-events/>).

use serde_json::{Map, Value, json};

use crate::message::clip;
use crate::model::{PageEvent, Severity};
use crate::notify::Parcel;

/// As much as PagerDuty takes of a summary.
const SUMMARY: usize = 1_024;

/// Of the other fields nothing is said; more than this is no name.
const NAME: usize = 255;

/// From here on the details are the page's text as it was cut to its room, and not its parts.
const DETAILS: usize = 256 * 1024;

/// Of a page's outcome and of its first line.
const LINE: usize = 1_000;

pub(super) fn event(parcel: &Parcel, what: PageEvent, routing_key: &str) -> Value {
    let action = match what {
        PageEvent::Trigger | PageEvent::Update => "trigger",
        PageEvent::Acknowledge => "acknowledge",
        PageEvent::Resolve => "resolve",
    };
    let mut event = json!({
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": parcel.pager_key,
    });
    if let (false, Some(fields)) = (what.is_end(), event.as_object_mut()) {
        fields.insert("client".to_owned(), "Dogwatch".into());
        fields.insert("payload".to_owned(), payload(parcel));
        fields.insert("links".to_owned(), links(parcel));
    }
    event
}

fn payload(parcel: &Parcel) -> Value {
    let incident = &parcel.incident;
    let mut payload = json!({
        "summary": clip(&parcel.title, SUMMARY),
        "severity": severity(incident.severity),
        "timestamp": incident.opened_at,
        "class": clip(&incident.title, NAME),
        "custom_details": details(parcel),
    });
    let source = match &incident.target {
        Some(target) => target.to_string(),
        None => format!("{} of team {}", incident.id, parcel.team),
    };
    if let Some(fields) = payload.as_object_mut() {
        fields.insert("source".to_owned(), clip(&source, NAME).into());
        if let Some(target) = &incident.target {
            let component = format!("{}/{}", target.kind.to_lowercase(), target.name);
            fields.insert("component".to_owned(), clip(&component, NAME).into());
            if !target.namespace.is_empty() {
                fields.insert("group".to_owned(), clip(&target.namespace, NAME).into());
            }
        }
    }
    payload
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::S1 => "critical",
        Severity::S2 => "error",
        Severity::S3 => "warning",
        Severity::S4 => "info",
    }
}

/// The page in its parts, which PagerDuty shows one under the other; those that say nothing are
/// left out.
fn details(parcel: &Parcel) -> Value {
    let mut details = Map::new();
    details.insert("incident".to_owned(), parcel.incident.id.to_string().into());
    details.insert("team".to_owned(), parcel.team.clone().into());
    let called: Vec<&str> = parcel.mention.iter().map(|contact| contact.name.as_str()).collect();
    add(&mut details, "on call", &called.join(", "));
    let frame = details.clone();
    if let Some(page) = &parcel.page {
        add(&mut details, "note", &clip(page.first.as_deref().unwrap_or_default(), LINE));
        add(&mut details, "why a person is needed", &page.reason);
        for (name, lines) in [
            ("what fires", &page.fires),
            ("what the playbook says", &page.playbook),
            ("what was found", &page.found),
            ("what was done", &page.tried),
            ("what changed before", &page.changed),
            ("folded into this page", &page.folded),
            ("what to type next", &page.next),
        ] {
            add(&mut details, name, &lines.join("\n"));
        }
        add(&mut details, "to acknowledge", &page.ack);
    }
    let is_short = serde_json::to_string(&details).is_ok_and(|text| text.len() <= DETAILS);
    if parcel.page.is_some() && is_short {
        return details.into();
    }
    let mut details = frame;
    add(&mut details, "text", &parcel.body);
    add(&mut details, "all of it", &format!("dogwatch why {}", parcel.incident.id));
    details.into()
}

fn add(details: &mut Map<String, Value>, name: &str, text: &str) {
    if !text.is_empty() {
        details.insert(name.to_owned(), text.into());
    }
}

fn links(parcel: &Parcel) -> Value {
    let links = parcel.page.iter().flat_map(|page| &page.links);
    links.map(|link| json!({ "href": link.url, "text": link.name })).collect()
}
