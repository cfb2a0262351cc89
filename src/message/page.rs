//! A page: what somebody needs who was asleep a minute ago.

use super::reason::page_reason;
use super::text::{clip, count, fold, moment, started, thousands, width};
use super::timeline::told;
use crate::model::{ConditionKind, Episode, Incident, IncidentId, IncidentState, PageId, Run, RunEvent, Severity};
use crate::store::{Page, TimelineEntry, TimelineWhat};

/// A page's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageText {
    /// At most 200 units: what a phone shows of it while it is locked is far less, so the severity comes first.
    pub title: String,
    /// At most 1,800 units: Discord takes 2,000 in a message, and the mention comes on top.
    pub body: String,
}

const TITLE: usize = 200;
const BODY: usize = 1_800;

/// What it is, since when and where, why this page, what was found and tried, and the next move. `run`: the one that the page is
/// about, whose evidence is told then; else that of the whole timeline. `episodes`: some of the incident's, the open ones first.
pub fn page_text(
    incident: &Incident,
    page: &Page,
    run: Option<&Run>,
    timeline: &[TimelineEntry],
    episodes: &[Episode],
) -> PageText {
    let mut head = vec![format!("why: {}", why(page, run))];
    if let Some(text) = &page.text {
        head.push(format!("playbook: {}", clip(text, 500)));
    }
    if let Some(target) = &incident.target {
        head.push(format!("where: {}", clip(&target.to_string(), 200)));
    }
    head.push(since(incident, episodes));
    let next = next(incident, episodes);
    let (found, tried) = evidence(run, timeline);

    let fixed: usize = head.iter().chain(&next).map(|line| width(line) + 1).sum();
    let left = BODY.saturating_sub(fixed + width("found:\ntried:\n"));
    // What was tried is short and must be known before anything else is tried: it gets its room first.
    let tried = fold(tried, left / 2);
    let used: usize = tried.iter().map(|line| width(line) + 1).sum();
    let found = fold(found, left.saturating_sub(used));

    let mut lines = head;
    for (name, items) in [("found", found), ("tried", tried)] {
        if items.is_empty() {
            lines.push(format!("{name}: nothing"));
        } else {
            lines.push(format!("{name}:"));
            lines.extend(items);
        }
    }
    lines.extend(next);
    // It may come late, when nobody has to get up any more.
    let over = if incident.state == IncidentState::Resolved { " (over)" } else { "" };
    let title = format!("[{}] {}{over}: {}", page.severity, incident.id, incident.title);
    PageText { title: clip(&title, TITLE), body: fold(lines, BODY).join("\n") }
}

/// A page's body with a line before it that must be read first.
pub fn page_body_after(line: &str, body: &str) -> String {
    let lines = std::iter::once(clip(line, 300)).chain(body.lines().map(str::to_owned));
    fold(lines.collect(), BODY).join("\n")
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
    let look = incident.map(|incident| format!("; /why {incident} tells what is left of it")).unwrap_or_default();
    let lines = vec![
        format!("why: somebody is to be paged, and what about cannot be read: {}", clip(&because.to_string(), 400)),
        format!("next: look in alertmanager at what fires{look}"),
        "then: the bot's database is damaged: copy it, look at the copy with `sqlite3 dogwatch.db 'PRAGMA integrity_check'`, and \
         put a backup in its place if need be"
            .to_owned(),
    ];
    let title = format!("[{severity}] {page}{about} cannot be read");
    PageText { title: clip(&title, TITLE), body: fold(lines, BODY).join("\n") }
}

fn why(page: &Page, run: Option<&Run>) -> String {
    let mut why = page_reason(&page.reason);
    if let Some(run) = run {
        let because = run.because.as_deref().map(|because| format!(": {}", clip(because, 240))).unwrap_or_default();
        let state = run.outcome.map_or("under way".to_owned(), |outcome| outcome.to_string());
        why.push_str(&format!(" ({} {}, {state}{because})", run.playbook.name, run.playbook.version));
    }
    why
}

fn since(incident: &Incident, episodes: &[Episode]) -> String {
    let first = episodes.iter().filter(|episode| episode.closed_at.is_none()).min_by_key(|episode| episode.starts_at);
    let since = first.map_or_else(|| moment(incident.opened_at), started);
    let such_as = episodes.first().map(|episode| {
        let summary = episode.annotations.get("summary").or_else(|| episode.annotations.get("description"));
        let summary = summary.map(|summary| format!(": {}", clip(summary, 200))).unwrap_or_default();
        format!(", such as {}{summary}", clip(&episode.alert, 80))
    });
    let firing = match incident.open_episodes {
        // It is about no alert, such as one that could not be worked on.
        0 if incident.episodes == 0 => return format!("since: {since}"),
        0 => format!("no alert fires now, {} did", thousands(incident.episodes)),
        n => format!("{} firing", count(n, "alert")),
    };
    format!("since: {since}; {firing}{}", such_as.unwrap_or_default())
}

fn next(incident: &Incident, episodes: &[Episode]) -> Vec<String> {
    let mut next = vec![format!("next: /ack {0} (then nobody else is paged); /why {0} tells all", incident.id)];
    let runbook = episodes.iter().find_map(|episode| episode.annotations.get("runbook_url"));
    if let Some(url) = runbook.filter(|url| url.starts_with("https://") || url.starts_with("http://")) {
        next.push(format!("runbook: {}", clip(url, 300)));
    }
    next
}

/// What the run saw, and what it did about it.
fn evidence(run: Option<&Run>, timeline: &[TimelineEntry]) -> (Vec<String>, Vec<String>) {
    let (mut found, mut tried) = (Vec::new(), Vec::new());
    let mut started = Vec::new();
    for entry in timeline {
        if let TimelineWhat::Run(id, RunEvent::Started { step, .. }) = &entry.what {
            started.push((*id, step));
        }
    }
    for (entry, text) in told(timeline) {
        let TimelineWhat::Run(id, event) = &entry.what else { continue };
        if run.is_some_and(|run| run.id != *id) {
            continue;
        }
        let list = match event {
            RunEvent::Read { .. }
            | RunEvent::TargetRead { .. }
            | RunEvent::Checked { condition: ConditionKind::DoneIf | ConditionKind::Require, .. } => &mut found,
            RunEvent::Failed { step, .. } if !started.contains(&(*id, step)) => &mut found,
            RunEvent::Failed { .. }
            | RunEvent::Started { .. }
            | RunEvent::Done { .. }
            | RunEvent::Unneeded { .. }
            | RunEvent::Looked { .. } => &mut tried,
            _ => continue,
        };
        list.push(format!("- {}", clip(&text, 200)));
    }
    (found, tried)
}
