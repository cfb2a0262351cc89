//! Questions to humans: what the bot would do.

use super::card::{Button, ButtonStyle, Card, Colour};
use super::text::{clip, count, fold, moment, verbatim};
use crate::model::{Approval, ApprovalState, Command, Incident, Preview, Run, Undo, Verdict};

/// No diff of one step takes more lines: what matters of a scale or a resize is in the first few.
const DIFF_LINES: usize = 20;
/// So many items of a loop are named in one line, and so few are shown with their diffs.
const NAMED: usize = 40;
const FEW: usize = 3;

/// The message of a question: what would be done, with the diffs, and the two answers as buttons, which carry the digest of
/// exactly this preview. Once it is answered the buttons are gone and the answer stands there.
pub fn question(approval: &Approval, incident: &Incident, run: Option<&Run>) -> Card {
    let id = approval.id;
    let (title, colour) = match approval.state {
        ApprovalState::Open => (format!("{id} for {}: may I do this?", incident.id), Colour::Violet),
        ApprovalState::Approved => (format!("{id} for {}: approved", incident.id), Colour::Green),
        ApprovalState::Denied => (format!("{id} for {}: denied", incident.id), Colour::Red),
        ApprovalState::Expired => (format!("{id} for {}: nobody answered in time", incident.id), Colour::Grey),
        ApprovalState::Withdrawn => (format!("{id} for {}: no longer needed", incident.id), Colour::Grey),
    };
    let mut lines = vec![format!("{} {}", incident.severity, clip(&incident.title, 240))];
    if let Some(run) = run {
        lines.push(format!("{}: playbook {} on {}", run.id, run.playbook, clip(&run.target.to_string(), 300)));
    }
    lines.push(String::new());
    lines.extend(preview_lines(&approval.preview));
    lines.push(String::new());
    lines.push(match (approval.state, &approval.answered_by) {
        (ApprovalState::Open, _) => {
            format!(
                "answer by {}: /approve {id} or /deny {id}; without an answer nothing is done and a person is paged",
                moment(approval.expires_at)
            )
        }
        (ApprovalState::Approved | ApprovalState::Denied, Some(by)) => format!("answered by {}", clip(by, 80)),
        _ => format!("asked at {}", moment(approval.asked_at)),
    });
    let buttons = if approval.state == ApprovalState::Open { answers(approval) } else { Vec::new() };
    Card { incident: incident.id, title, colour, lines: fold(lines, 3_900), buttons }
}

/// What a run would do, step by step, each as `reads` or `CHANGES`, with the diffs.
pub fn preview_text(preview: &Preview) -> String {
    preview_lines(preview).join("\n")
}

fn preview_lines(preview: &Preview) -> Vec<String> {
    if preview.steps.is_empty() {
        return vec!["nothing: there is no step to take".to_owned()];
    }
    let mut lines = Vec::new();
    let mut items: Vec<&str> =
        preview.steps.iter().filter_map(|step| Some(step.step.items().first()?.as_str())).collect();
    items.dedup();
    if !items.is_empty() {
        let named: Vec<String> = items.iter().take(NAMED).map(|item| clip(item, 80)).collect();
        let more = items.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let total = count(items.len() as u64, "item");
        lines.push(format!("{total}, and an answer is about exactly these: {}{more}", named.join(", ")));
    }
    for (n, step) in preview.steps.iter().enumerate() {
        let effect = if step.mutating { "CHANGES" } else { "reads" };
        let is_first = preview.steps.iter().find(|other| other.step.items() == step.step.items()) == Some(step);
        let perhaps = match (step.certain, is_first && !step.step.items().is_empty()) {
            (true, _) => "",
            (false, true) => " (it cannot be shown now: an answer does not cover it)",
            (false, false) => " (as it looks now: it depends on what the steps before it leave behind)",
        };
        lines.push(format!("{}. {effect}: {}{perhaps}", n + 1, clip(&step.summary, 300)));
        match step.undo {
            Undo::Never => {}
            Undo::UnlessVerified => lines.push("   taken back, if its verify finds that it did not help".to_owned()),
            Undo::AtEnd => lines.push("   taken back at the end".to_owned()),
        }
        // Of many, the line of each says enough.
        let is_one_of_many = items.len() > FEW && !step.step.items().is_empty();
        if let Some(diff) = step.diff.as_ref().filter(|_| !is_one_of_many) {
            // Indented, so that a line of the diff cannot pass for one of ours.
            lines.extend(diff.lines().take(DIFF_LINES).map(|line| format!("    {}", verbatim(line, 160))));
            let more = diff.lines().count().saturating_sub(DIFF_LINES);
            if more > 0 {
                lines.push(format!("    … {more} more"));
            }
        }
    }
    lines
}

fn answers(approval: &Approval) -> Vec<Button> {
    let answer = |label: &str, style, verdict| Button {
        label: label.to_owned(),
        style,
        command: Command::Approve { approval: approval.id, verdict, digest: Some(approval.digest.clone()) },
    };
    vec![answer("Approve", ButtonStyle::Success, Verdict::Approve), answer("Deny", ButtonStyle::Danger, Verdict::Deny)]
}
