//! One line for each thing that happened, short, for somebody who was asleep a minute ago.

use chrono::{DateTime, Utc};

use super::delivery::ways;
use super::folds::{folded_ids, how_to_take, spent_text};
use super::reason::{condition_text, page_reason, source_text};
use super::text::{clip, count, later, thousands, time};
use super::told::told;
use super::work::{filed_text, not_filed_text};
use crate::model::{
    ConditionKind, FailureClass, Incident, IncidentId, ItemKey, Look, Phase, RunEvent, RunId, StepAddress, StepName,
    Undo, Verdict,
};
use crate::store::{IncidentEvent, Page, TimelineEntry, TimelineWhat};

/// So many items of a loop are named in one line.
const NAMED: usize = 12;

/// No single thing takes more than this, however long its error message is.
const LONGEST: usize = 300;

/// `14:03:07 scale deployment/coredns in kube-system 4 -> 6`. `None` for what only the machinery cares about, or what another
/// entry says better.
pub fn timeline_line(entry: &TimelineEntry) -> Option<String> {
    tell(entry).map(|text| format!("{} {text}", time(entry.at)))
}

/// The lines of a whole timeline: what is over is told by its end alone (a mutation that was made,
/// a verify that has looked), looks that saw the same and attempts that failed of the same are one
/// line, at the time of the last, and a new day has a line of its own.
pub fn timeline_lines(timeline: &[TimelineEntry]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut day = timeline.first().map(|entry| entry.at.date_naive());
    for (entry, text) in told(timeline) {
        if day != Some(entry.at.date_naive()) {
            day = Some(entry.at.date_naive());
            lines.push(entry.at.format("- %Y-%m-%d -").to_string());
        }
        lines.push(format!("{} {text}", time(entry.at)));
    }
    lines
}

/// What happened to an incident that was asked for as `asked`, and where its pages went. The first
/// line says how it stands.
pub fn timeline_text(
    asked: IncidentId,
    incident: &Incident,
    timeline: &[TimelineEntry],
    pages: &[Page],
    now: DateTime<Utc>,
) -> String {
    let part = if asked == incident.id { String::new() } else { format!("{asked} is part of ") };
    let Incident { id, state, severity, .. } = incident;
    let mut lines = vec![format!("{part}{id} is {state}: [{severity}] {}", clip(&incident.title, 200))];
    lines.extend(timeline_lines(timeline));
    for page in pages.iter().filter(|page| !page.is_call() && !page.is_folded()) {
        lines.extend(ways(page, now).into_iter().map(|way| format!("{}: {way}", page.id)));
    }
    lines.join("\n")
}

/// What one entry says by itself, without its time.
pub(super) fn tell(TimelineEntry { at, what, .. }: &TimelineEntry) -> Option<String> {
    match what {
        TimelineWhat::Incident(event) => tell_incident(event, *at),
        TimelineWhat::Run(run, event) => tell_run(*run, event, *at),
    }
    .map(|text| clip(&text, LONGEST))
}

fn tell_incident(event: &IncidentEvent, at: DateTime<Utc>) -> Option<String> {
    Some(match event {
        IncidentEvent::Opened { because } => format!("opened: {because}"),
        IncidentEvent::Joined { alert, count: n, example } => {
            // The example often begins with the alert's name, which has been said.
            let example = example.strip_prefix(alert.as_str()).unwrap_or(example).trim_start();
            match (*n, example) {
                (1, "") => format!("{alert} fires"),
                (1, example) => format!("{alert} fires: {example}"),
                (n, "") => format!("{} of {alert} fire", count(n, "alert")),
                (n, example) => format!("{} of {alert} fire, such as {example}", count(n, "alert")),
            }
        }
        IncidentEvent::Gathered { by } => format!("one cause: {}", clip(&by.to_string(), 300)),
        IncidentEvent::Absorbed { incident, by, because } => {
            format!("{incident} is part of it{}: {}", said_by(by.as_deref()), clip(because, 300))
        }
        IncidentEvent::Merged { into, by, because } => {
            format!("it is part of {into} from now on{}: {}", said_by(by.as_deref()), clip(because, 300))
        }
        IncidentEvent::Split { from, by } => {
            format!("{by} has split it from {from}: it is an incident of its own again")
        }
        IncidentEvent::SplitOff { incident, by } => format!("{by} has split {incident} from it"),
        IncidentEvent::Told { alerts } => format!("whoever was paged hears that {} fire", count(*alerts, "alert")),
        IncidentEvent::Held { alert, count: n, until } => format!(
            "{alert} ({}) is told again soon after the end: an echo, or it fires again; decided at {} unless it resolves before",
            count(*n, "alert"),
            later(*until, at)
        ),
        IncidentEvent::HeldBack { window, until, alerts, reason: None } => format!(
            "{window} covers {} until {}: nobody is paged, and nothing is run",
            count(*alerts, "alert"),
            later(*until, at)
        ),
        IncidentEvent::HeldBack { window, until, reason: Some(reason), .. } => {
            format!("nobody is paged until {}, as {window} covers it: {}", later(*until, at), page_reason(reason))
        }
        IncidentEvent::WindowEnded { window, by, alerts } => {
            let how = by.as_ref().map_or("is over".to_owned(), |by| format!("was ended by {}", clip(by, 80)));
            let what = match alerts {
                0 => "nothing fires any more".to_owned(),
                1 => "1 alert that it held back still fires".to_owned(),
                n => format!("{} still fire", count(*n, "alert")),
            };
            format!("{window} {how}: {what}")
        }
        IncidentEvent::Cleared { count: n, open: 0 } => format!("{} resolved, none fires any more", count(*n, "alert")),
        IncidentEvent::Cleared { count: n, open } => {
            format!("{} resolved, {} still firing", count(*n, "alert"), thousands(*open))
        }
        IncidentEvent::RunOpened { run, playbook, digest, because } => {
            format!("{run} starts: playbook {playbook} ({digest}), because {because}")
        }
        IncidentEvent::RunNotOpened { playbook, because } => format!("playbook {playbook} is not run: {because}"),
        // The run's own log has said so.
        IncidentEvent::RunEnded { .. } => return None,
        IncidentEvent::Paged { team, reason, called } => {
            format!("{} is paged: {}", whom(team, called), page_reason(reason))
        }
        IncidentEvent::Folded { into, until, reason, spent } => format!(
            "folded into {into}'s page until {}, as {}: {}",
            later(*until, at),
            spent_text(spent),
            page_reason(reason)
        ),
        IncidentEvent::FoldedAnew { into, until } => {
            format!("folded into {into}'s page from now on, until {}", later(*until, at))
        }
        IncidentEvent::Unfolded { because } => format!("its page goes out by itself: {}", clip(because, 200)),
        IncidentEvent::Carries { incidents } => {
            format!("its page tells of {} too: {}", folded_ids(incidents), how_to_take(incidents))
        }
        IncidentEvent::Called { team, reason } => {
            format!("a person of team {team} is needed, and nobody is paged: {}", page_reason(reason))
        }
        IncidentEvent::Ticketed { sink, ticket, url } => {
            let place = url.as_ref().map_or_else(|| clip(ticket, 80), |url| clip(url, 250));
            format!("ticket in {}: {place}", clip(sink, 40))
        }
        IncidentEvent::Filed { sink, title, ticket, url, before, .. } => {
            filed_text(sink, title, url.as_ref().unwrap_or(ticket), before.as_ref())
        }
        IncidentEvent::NotFiled { team, title, text, because, .. } => not_filed_text(team, title, text, because),
        IncidentEvent::PageUpdated { team, reason } => {
            format!("the page of team {team} says more: {}", page_reason(reason))
        }
        IncidentEvent::Severity { from, to, because } => format!("severity {from} -> {to}: {because}"),
        IncidentEvent::Rated { severity, because } => format!("rated {severity}: {because}"),
        IncidentEvent::Acknowledged { by } => format!("{by} has acknowledged it"),
        IncidentEvent::Mitigated { because } => format!("mitigated: {because}"),
        IncidentEvent::Resolved { by, because } => format!("resolved by {by}: {because}"),
        IncidentEvent::Reopened { because } => format!("opened again: {because}"),
        IncidentEvent::Answered { approval, verdict: Verdict::Approve, by, progress, .. } => {
            let progress = progress.as_ref().map(|progress| format!(" ({progress})")).unwrap_or_default();
            format!("{by} has approved {approval}{progress}")
        }
        IncidentEvent::Answered { approval, verdict: Verdict::Deny, by, reason, .. } => {
            let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("{by} has denied {approval}{reason}")
        }
        IncidentEvent::Remark { text } => format!("note: {text}"),
        IncidentEvent::Cut { group, alerts } => {
            format!("{} of the group {group} left out by their sender", count(*alerts, "alert"))
        }
        IncidentEvent::Damaged { group, alerts, why } => {
            let at_least = count(*alerts, "alert");
            format!("{at_least} of the group {group} could not be read: {}", why.join("; "))
        }
        IncidentEvent::Unknown => UNKNOWN.to_owned(),
    })
}

const UNKNOWN: &str = "something that this version cannot read: a newer Dogwatch wrote it";

fn tell_run(run: RunId, event: &RunEvent, at: DateTime<Utc>) -> Option<String> {
    Some(match event {
        // Each timer that is due is claimed anew: whoever reads has no use for it.
        RunEvent::Claimed { .. } | RunEvent::TargetRead { object: Some(_) } | RunEvent::Waited { .. } => return None,
        RunEvent::TargetRead { object: None } => "the target is not there".to_owned(),
        RunEvent::Entered { phase: Phase::Diagnose, .. } => return None,
        RunEvent::Entered { phase, because } => format!("{phase}: {because}"),
        RunEvent::Checked { step, condition, held, because, .. } => match (condition, held) {
            (ConditionKind::DoneIf | ConditionKind::EscalateIf | ConditionKind::LeaveIf, true)
            | (ConditionKind::Require | ConditionKind::When, false) => {
                condition_text(step, *condition, *held, because, None)
            }
            _ => return None,
        },
        RunEvent::Chosen { step, branch, considered } => {
            let because =
                considered.last().filter(|last| last.held).map(|last| format!(" (`{}`)", clip(&last.expression, 200)));
            format!("{}: {}{}", step_name(step), clip(branch, 80), because.unwrap_or_default())
        }
        RunEvent::Listed { step, items, .. } => {
            format!("{}: {}", step_name(step), named(items.len(), items.iter().map(|item| &item.key)))
        }
        RunEvent::Wave { step, keys } => format!("{} begins {}", step_name(step), named(keys.len(), keys)),
        RunEvent::WaveAnew { step, because } => format!("{} asks once more: {because}", step_name(step)),
        RunEvent::ItemRead { object: Some(_), .. } => return None,
        RunEvent::ItemRead { step, object: None } => format!("{}: it is not there", step_name(step)),
        RunEvent::ItemEnded { step, outcome, because } => {
            let outcome = outcome.to_string().replace('_', " ");
            format!("{}: {outcome}: {because}", step_name(step))
        }
        // What is made of values is told; they alone are for whoever asks why.
        RunEvent::Set { .. } => return None,
        RunEvent::Read { step, summary, .. } => format!("{}: {summary}", step_name(step)),
        RunEvent::ReadFailed { step, .. } => format!("{} has no answer, and it goes on without", step_name(step)),
        RunEvent::Failed { step, attempt, class, error, .. } => {
            let name = step_name(step);
            match class {
                FailureClass::Retry => format!("{name} failed (attempt {attempt}, may be tried again): {error}"),
                FailureClass::Fail => format!("{name} failed: {error}"),
                FailureClass::NeedsHuman | FailureClass::LeaveAlone | FailureClass::HeldUp => {
                    format!("{name} needs a person: {error}")
                }
            }
        }
        RunEvent::HandedOver { run: next, playbook, target, .. } => {
            format!("{next} of {} goes on with {target}", playbook.name)
        }
        RunEvent::Waiting { until, because, .. } => format!("waits until {}: {because}", later(*until, at)),
        RunEvent::Skipped { step, because } => format!("{} is passed over: {because}", step_name(step)),
        RunEvent::Proposed { preview } => {
            let steps: Vec<&str> =
                preview.steps.iter().filter(|step| step.mutating).map(|step| step.summary.as_str()).collect();
            format!(
                "proposes, and does not do: {}",
                if steps.is_empty() { "nothing".to_owned() } else { steps.join("; ") }
            )
        }
        RunEvent::ApprovalAsked { approval, expires_at, before, terms, .. } => {
            let before = before.as_ref().map(|step| format!(" of {}", step_name(step))).unwrap_or_default();
            let whom = terms.as_ref().filter(|terms| !terms.is_usual());
            let whom = whom.map(|terms| format!(", of {}", terms.whom())).unwrap_or_default();
            let said = terms.as_ref().and_then(|terms| terms.question.as_ref());
            let said = said.map(|said| format!(": {said}")).unwrap_or_default();
            format!("asks for approval{before}: {approval}, until {}{whom}{said}", later(*expires_at, at))
        }
        // The answer stands on the timeline already, with the name of the one who gave it.
        RunEvent::ApprovalAnswered { verdict: Some(_), .. } => return None,
        RunEvent::ApprovalAnswered { approval, verdict: None, .. } => format!("nobody answered {approval} in time"),
        RunEvent::Started { step, intent, .. } if step.is_undo() => format!("takes back: {}", intent.summary),
        RunEvent::Done { step, summary, .. } if step.is_undo() => format!("{}{summary}", Undo::TAKEN_BACK),
        RunEvent::Started { intent, .. } => intent.summary.clone(),
        RunEvent::Done { summary, recovered: true, .. } => format!("{summary} (found done: its answer was lost)"),
        RunEvent::Done { summary, recovered: false, .. } => summary.clone(),
        RunEvent::Unneeded { summary, .. } => format!("nothing to change: {summary}"),
        RunEvent::Verifying { look_at, give_up_at, .. } => {
            format!("verify: looks at {}, until {} at the latest", later(*look_at, at), later(*give_up_at, at))
        }
        RunEvent::Looked { verdict, summary, .. } => format!("verify: {summary}: {}", verdict_text(*verdict)),
        RunEvent::Stands { step, because } => format!("{}: it is not taken back: {because}", step_name(step)),
        RunEvent::Watching { step, give_up_at, .. } => {
            format!("{}: it is watched, until {} at the latest", step_name(step), later(*give_up_at, at))
        }
        RunEvent::Watched { step, verdict, summary } => {
            format!("{}: {summary}: {}", step_name(step), verdict_text(*verdict))
        }
        RunEvent::Told { page: true, team, role: Some(role), .. } => {
            format!("{role} can act on that, which is team {team}")
        }
        // A page has its own entry, which says why.
        RunEvent::Told { page: true, .. } => return None,
        RunEvent::Told { team, text, .. } => format!("notice to team {team}: {text}"),
        // The incident says so.
        RunEvent::Filed { left_out: Some(_), .. } => return None,
        RunEvent::Filed { team, title, .. } => format!("files a ticket with team {team}: {title}"),
        RunEvent::SourceAsked { waited, answer, again_at } => source_text(*waited, answer, *again_at, at),
        RunEvent::DiagnosedAnew { because } => format!("diagnoses again: {because}"),
        RunEvent::AlertResolved => "the alert resolved".to_owned(),
        // The incident says so, once for all of its runs.
        RunEvent::ClockMoved { .. } => return None,
        RunEvent::CancelAsked { by } => format!("{by} asks to stop"),
        RunEvent::Braked { by } => format!("{by}: nothing more is changed"),
        RunEvent::Ended { outcome, because } => format!("{run} {outcome}: {because}"),
        RunEvent::Unknown => UNKNOWN.to_owned(),
    })
}

fn verdict_text(verdict: Look) -> &'static str {
    match verdict {
        Look::Good => "good",
        Look::Holds => "good, if it stays so",
        Look::NotYet => "not yet",
        Look::Bad => "bad",
    }
}

/// `3 items: a, b, c`.
fn named<'k>(total: usize, keys: impl IntoIterator<Item = &'k ItemKey>) -> String {
    let names: Vec<String> = keys.into_iter().take(NAMED).map(|key| clip(key.as_str(), 80)).collect();
    let more = total.saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let colon = if total > 0 { ": " } else { "" };
    format!("{}{colon}{}{more}", count(total as u64, "item"), names.join(", "))
}

/// The step's id, or its number: `scale`, `diagnose step 2`.
pub(super) fn step_name(step: &StepAddress) -> String {
    let name = match step.name() {
        StepName::Number(number) => format!("{} step {number}", step.phase()),
        StepName::Id(id) => id.clone(),
    };
    let items: Vec<String> = step.items().iter().map(|item| clip(item.as_str(), 80)).collect();
    if items.is_empty() { name } else { format!("{name} for {}", items.join(", ")) }
}

fn said_by(person: Option<&str>) -> String {
    person.map(|person| format!(", says {}", clip(person, 80))).unwrap_or_default()
}

/// Who is called by a page: a team's who is on call, or these.
pub fn whom(team: &str, called: &[String]) -> String {
    match called {
        [] => format!("team {team}"),
        named => {
            let named: Vec<String> = named.iter().map(|name| clip(name, 80)).collect();
            format!("{} of team {team}", named.join(", "))
        }
    }
}
