//! Work that outlives its incident, as its tracker and the timeline tell it.

use super::markdown::{fenced, title, wrapped};
use super::text::{clip, moment, verbatim};
use crate::model::{Incident, IncidentId, Run, redact};
use crate::store::FiledWork;

/// What no tracker refuses; titles are far shorter.
const TITLE: usize = 240;

/// No line of it is longer, and it has no more lines.
const LINE: usize = 8_000;
const LINES: usize = 400;

/// One line for the list of a tracker.
pub fn work_title(said: &str) -> String {
    title(&clip(said, TITLE))
}

/// What the playbook says, as it stands but for what nobody may see and nobody can.
pub fn work_text(text: &str) -> Vec<String> {
    // As a whole first: a key of several lines is none in any of them.
    redact(text).lines().take(LINES).map(|line| verbatim(line, LINE)).collect()
}

/// Where it comes from, a line for each. `made_for`: the incident in which it was asked for, which
/// may be a part of `incident` now. `run`: that which has filed it.
pub fn work_origin(made_for: IncidentId, incident: &Incident, run: Option<&Run>) -> Vec<String> {
    let part = if made_for == incident.id { String::new() } else { format!(", a part of {}", incident.id) };
    let mut lines = vec![format!("incident: {made_for}{part}: {}", clip(&incident.title, 300))];
    if let Some(run) = run {
        lines.push(format!("found by: {} of {}", run.id, clip(&run.playbook.to_string(), 120)));
        lines.push(format!("about: {}", clip(&run.target.to_string(), 300)));
    }
    lines
}

/// The issue in Markdown. Values of the cluster are in it: all of it stands in code.
pub fn work_body(text: &str, origin: &[String], incident: IncidentId) -> String {
    let (text, origin) = (fenced(&wrapped(&work_text(text))), fenced(&wrapped(origin)));
    format!(
        "{text}\n\n### Where it comes from\n\n{origin}\n\nDogwatch filed this. It stays open when {incident} is over: close it \
         when it is done. While it is open, the same is not filed again."
    )
}

/// That it was asked for again, for the n-th time, in Markdown.
pub fn work_comment(text: &str, origin: &[String], incident: IncidentId, times: u32) -> String {
    let (text, origin) = (fenced(&wrapped(&work_text(text))), fenced(&wrapped(origin)));
    format!("Seen again in **{incident}**, {times} times in all.\n\n{text}\n\n{origin}")
}

/// Where filed work is, in a line. `before`: it was filed before.
pub(super) fn filed_text(sink: &str, said: &str, place: &str, before: Option<&FiledWork>) -> String {
    let (what, sink, place) = (clip(said, 200), clip(sink, 40), clip(place, 250));
    match before {
        None => format!("ticket \"{what}\" in {sink}: {place}"),
        Some(FiledWork { at, again_at: Some(again_at), .. }) => format!(
            "ticket \"{what}\" was filed in {sink} on {} and is closed: {place}; it is not filed again before {}",
            moment(*at),
            moment(*again_at)
        ),
        Some(FiledWork { at, times, .. }) => {
            format!("ticket \"{what}\" is in {sink} since {}, asked for {times} times: {place}", moment(*at))
        }
    }
}

/// That work is filed nowhere, and what it would be.
pub(super) fn not_filed_text(team: &str, said: &str, text: &str, because: &str) -> String {
    let (because, team) = (clip(because, 200), clip(team, 80));
    format!(
        "no ticket is filed, as {because}; for team {team} it would be \"{}\": {}",
        clip(said, 200),
        clip(text, 600)
    )
}
