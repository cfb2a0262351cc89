//! Questions to humans: what the bot would do.

use super::card::{Button, ButtonStyle, Card, Colour};
use super::text::{clip, count, fold, moment, verbatim};
use super::timeline::step_name;
use crate::model::{Approval, ApprovalState, Command, DryRun, Incident, Preview, PreviewStep, Run, Undo, Verdict};

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
    lines.extend(approval.terms.question.iter().map(|said| clip(said, 500)));
    lines.push(String::new());
    lines.extend(preview_lines(&approval.preview));
    lines.push(String::new());
    let is_open = approval.state == ApprovalState::Open;
    if is_open && !approval.terms.is_usual() {
        lines.push(format!("it asks {}", clip(&approval.terms.whom(), 300)));
    }
    lines.extend(said_yes(approval).filter(|_| is_open));
    lines.push(match (approval.state, &approval.answered_by) {
        (ApprovalState::Open, _) => {
            format!(
                "answer by {}: /approve {id} or /deny {id}; without an answer nothing is done and a person is paged",
                moment(approval.expires_at)
            )
        }
        (ApprovalState::Approved | ApprovalState::Denied, Some(by)) => {
            let reason = approval.reason.as_ref().map(|reason| format!(": {}", clip(reason, 300))).unwrap_or_default();
            format!("answered by {}{reason}", clip(by, 400))
        }
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
        if !is_one_of_many {
            lines.extend(diff_lines(step));
        }
    }
    for step in &preview.asks_again {
        lines.push(format!("before {} it asks by a question of its own", step_name(step)));
    }
    lines
}

/// What the API server would make of it; where that is not known, what the bot itself would write.
fn diff_lines(step: &PreviewStep) -> Vec<String> {
    let (diff, said) = match &step.dry_run {
        Some(DryRun::Differs(diff)) => (Some(diff), Some("the API server's dry run:".to_owned())),
        Some(DryRun::Taken) => (step.diff.as_ref(), Some("the API server takes it (dry run)".to_owned())),
        Some(DryRun::Unknown(why)) => (step.diff.as_ref(), Some(format!("not tried at the API server: {why}"))),
        None => (step.diff.as_ref(), None),
    };
    let mut lines: Vec<String> = said.iter().map(|said| format!("    {}", clip(said, 300))).collect();
    let Some(diff) = diff else { return lines };
    // Indented, so that a line of the diff cannot pass for one of ours.
    lines.extend(diff.lines().take(DIFF_LINES).map(|line| format!("    {}", verbatim(line, 160))));
    let more = diff.lines().count().saturating_sub(DIFF_LINES);
    if more > 0 {
        lines.push(format!("    … {more} more"));
    }
    lines
}

/// The questions that wait, with what each is about.
pub fn approvals_text(open: &[Approval]) -> String {
    if open.is_empty() {
        return "no question waits for an answer".to_owned();
    }
    let told = open.iter().map(|approval| {
        let (id, incident, run) = (approval.id, approval.incident, approval.run);
        let mut lines = vec![format!(
            "{id} for {incident} ({run}), until {}: asks {}",
            moment(approval.expires_at),
            clip(&approval.terms.whom(), 300)
        )];
        lines.extend(said_yes(approval).map(|said| format!("  {said}")));
        lines.extend(approval.terms.question.iter().map(|said| format!("  {}", clip(said, 500))));
        let steps: Vec<_> = approval.preview.steps.iter().filter(|step| step.mutating).collect();
        lines.extend(steps.iter().take(FEW).map(|step| format!("  {}", clip(&step.summary, 300))));
        let more = steps.len().saturating_sub(FEW);
        if more > 0 {
            lines.push(format!("  … {more} more"));
        }
        lines.join("\n")
    });
    told.collect::<Vec<_>>().join("\n")
}

/// `1 of 2 have said yes: ada`, where it takes more than one.
fn said_yes(approval: &Approval) -> Option<String> {
    let progress = approval.progress()?;
    let by = approval.approved_by.iter().map(|by| clip(by, 80)).collect::<Vec<_>>().join(", ");
    let by = if by.is_empty() { String::new() } else { format!(": {by}") };
    Some(format!("{progress} have said yes{by}"))
}

fn answers(approval: &Approval) -> Vec<Button> {
    let answer = |label: &str, style, verdict| Button {
        label: label.to_owned(),
        style,
        command: Command::Approve { approval: approval.id, verdict, digest: Some(approval.digest.clone()) },
    };
    vec![answer("Approve", ButtonStyle::Success, Verdict::Approve), answer("Deny", ButtonStyle::Danger, Verdict::Deny)]
}
