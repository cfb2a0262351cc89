//! A page: what somebody needs who was asleep a minute ago.
//!
//! It is made of parts, each with a heading: why a person is needed, what fires, what the playbook
//! says, what was found and done, what changed before, what to type, links, how to acknowledge.
//! Which of them are cut where the room is short, `layout` says.

mod changed;
mod evidence;
mod fires;
mod folded;
mod layout;
mod links;
mod next;
#[cfg(test)]
mod tests;

use crate::message::reason::why_a_person;
use crate::message::text::{clip, count, fold, verbatim};
use crate::message::ticket::{tickets_of, work_of};
use crate::model::{Approval, Episode, Incident, IncidentId, IncidentState, PageId, Run, RunId, Severity, redact};
use crate::store::{FoldedIncident, ObjectRow, Page, PageReason, TimelineEntry};

pub use changed::{CHANGED_WITHIN, Earlier};
use layout::{ACK, NEXT, REASON};
pub use layout::{Body, LEAST_ROOM, Room};
pub use links::Link;

/// A page's text, in its parts. All lines are bounded, and hold no control characters and no
/// secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageText {
    /// At most 200 units: what a phone shows of it while it is locked is far less, so that
    /// severity, number and object come first.
    pub title: String,
    /// What must be read before all else, such as that another team is called.
    pub first: Option<String>,
    /// Why a person is needed.
    pub reason: String,
    /// Which alerts fire, what their rules say of them, and where.
    pub fires: Vec<String>,
    /// All that the playbook says.
    pub playbook_text: String,
    /// The same without what it says is to be done next, and links.
    pub playbook: Vec<String>,
    pub found_heading: String,
    pub found: Vec<String>,
    pub tried_heading: String,
    pub tried: Vec<String>,
    /// What is known to have changed before, the newest first.
    pub changed: Vec<String>,
    /// Other incidents that it tells of, and whose own pages do not go out.
    pub folded: Vec<String>,
    /// What to type or to do.
    pub next: Vec<String>,
    pub links: Vec<Link>,
    /// How to acknowledge it.
    pub ack: String,
}

/// All that a page is made from.
#[derive(Debug, Clone, Copy)]
pub struct PageFacts<'a> {
    pub incident: &'a Incident,
    pub page: &'a Page,
    /// The incident's.
    pub runs: &'a [Run],
    pub timeline: &'a [TimelineEntry],
    /// Some of the incident's, the open ones first.
    pub episodes: &'a [Episode],
    /// Some of what the incident is about, the oldest first; and how many there are.
    pub objects: &'a [ObjectRow],
    pub objects_in_all: u64,
    /// Questions of the incident that nobody has answered.
    pub approvals: &'a [Approval],
    /// Other incidents of the same object or alert, of the last hours.
    pub earlier: &'a [Earlier],
    /// Other incidents that the page tells of, each with why a person is needed.
    pub folded: &'a [(FoldedIncident, String)],
    /// Who knows such things: `ada, bo (storage)`.
    pub experts: Option<&'a str>,
}

impl PageFacts<'_> {
    /// The run whose evidence is told: the one that the page is about, else the latest. Where no
    /// run was opened, what an earlier one found is not what is there now.
    fn run(&self) -> Option<RunId> {
        match self.page.reason.first() {
            PageReason::Escalated { run } | PageReason::StillFires { run, .. } => Some(*run),
            PageReason::NotRun { .. } => None,
            _ => self.runs.last().map(|run| run.id),
        }
    }
}

const TITLE: usize = 200;

/// How much is said of who knows such things.
const EXPERTS: usize = 300;

/// A playbook's message is a screen or two; one that pastes a log into it must not fill a receiver.
const PLAYBOOK: usize = 16_000;

/// The page as it is now.
pub fn page_text(facts: &PageFacts<'_>) -> PageText {
    let (incident, page) = (facts.incident, facts.page);
    let mut links = links::links(facts.episodes);
    links.extend(tickets_of(facts.timeline).into_iter().map(|url| Link { name: "ticket", url }));
    links.extend(work_of(facts.timeline).into_iter().map(|url| Link { name: "filed", url }));
    let text = text_lines(page.text.as_deref().unwrap_or_default());
    let (playbook, said) = next::parted(&text);
    // The links have their own part.
    let is_told =
        |line: &String| line.strip_prefix("Runbook: ").is_some_and(|url| links.iter().any(|link| link.url == url));
    let playbook = playbook.into_iter().filter(|line| !is_told(line)).collect();
    let run = facts.run();
    let (found, tried) = evidence::evidence(run, facts.timeline);
    let who = run.map_or_else(|| "the bot".to_owned(), |run| run.to_string());
    let experts = facts.experts.map(|experts| format!("experts: {}", clip(experts, EXPERTS)));
    let nothing = || vec![if run.is_some() { "nothing" } else { "nothing: no playbook was run" }.to_owned()];
    PageText {
        title: title(incident, page.severity, facts.objects_in_all, facts.folded.len()),
        first: None,
        reason: clip(&why_a_person(&page.reason, facts.runs, facts.timeline), REASON),
        fires: fires::fires(facts),
        playbook_text: fold(text, PLAYBOOK).join("\n"),
        playbook: fold(playbook, PLAYBOOK),
        found_heading: format!("what {who} found:"),
        found: if found.is_empty() && run.is_some() { nothing() } else { found },
        tried_heading: format!("what {who} did:"),
        tried: if tried.is_empty() { nothing() } else { tried },
        changed: changed::changed(facts, run),
        folded: folded::folded(facts),
        next: bounded(next::next(facts, &said, &links).into_iter().chain(experts).collect(), NEXT),
        links,
        ack: clip(&folded::acknowledge(facts), ACK),
    }
}

/// A page whose own row cannot be read, or that of its incident: that there is something, and where
/// to look instead. `incident`: the one that it is about, if that is known.
pub fn damaged_page(
    page: PageId,
    severity: Severity,
    incident: Option<IncidentId>,
    because: &impl ToString,
) -> PageText {
    let about = incident.map(|incident| format!(" of {incident}")).unwrap_or_default();
    let mut next = vec!["look in alertmanager at what fires".to_owned()];
    next.extend(incident.map(|incident| format!("/why {incident} tells what is left of it")));
    next.push(
        "the bot's database is damaged: copy it, look at the copy with `sqlite3 dogwatch.db 'PRAGMA integrity_check'`, and put a \
         backup in its place if need be"
            .to_owned(),
    );
    PageText {
        title: clip(&format!("[{severity}] {page}{about} cannot be read"), TITLE),
        reason: format!("somebody is to be paged, and what about cannot be read: {}", clip(&because.to_string(), 400)),
        next,
        ack: incident.map_or_else(String::new, next::acknowledge),
        ..PageText::default()
    }
}

/// Severity and number, then what is hurt, then how: a phone shows the beginning.
fn title(incident: &Incident, severity: Severity, objects: u64, others: usize) -> String {
    /// An object with the longest of names must leave room for what is wrong with it.
    const OBJECT: usize = 120;
    // It may come late, when nobody has to get up any more.
    let over = if incident.state == IncidentState::Resolved { " (over)" } else { "" };
    let many = match (objects, incident.open_episodes) {
        (0 | 1, 0 | 1) => String::new(),
        (0 | 1, n) => format!(" ({})", count(n, "alert")),
        (n, _) => format!(" ({n} places)"),
    };
    let what = match &incident.target {
        Some(target) => {
            let object = target.to_string();
            match incident.title.split_once(&format!(": {object}")) {
                Some((before, after)) => format!("{}: {before}{after}", clip(&object, OBJECT)),
                None if incident.title.contains(&target.name) => incident.title.clone(),
                None => format!("{}: {}", clip(&object, OBJECT), incident.title),
            }
        }
        None => incident.title.clone(),
    };
    let others = match others {
        0 => String::new(),
        n => format!(" and {}", count(n as u64, "more incident")),
    };
    clip(&format!("[{severity}] {}{others}{over}{many} {what}", incident.id), TITLE)
}

/// A text of several lines as it stands, but for what nobody may see and nobody can.
fn text_lines(text: &str) -> Vec<String> {
    // As a whole first: a key of several lines is none in any of them.
    let mut lines: Vec<String> = redact(text).lines().map(|line| verbatim(line, PLAYBOOK)).collect();
    lines.dedup_by(|a, b| a.is_empty() && b.is_empty());
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// As many of the lines as fit, in order; the last one may be cut.
fn bounded(lines: Vec<String>, longest: usize) -> Vec<String> {
    let mut left = longest;
    let mut kept = Vec::new();
    for line in lines {
        if left < 2 {
            break;
        }
        let line = crate::message::text::cut(&line, left - 1);
        left = left.saturating_sub(crate::message::text::width(&line) + 1);
        kept.push(line);
    }
    kept
}
