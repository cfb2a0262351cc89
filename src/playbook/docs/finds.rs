//! What a playbook finds, and what becomes of it.

use super::Site;
use super::markdown::{code, prose};
use crate::language::Template;
use crate::model::{ActingRole, Phase};
use crate::playbook::{Block, Branch, Condition, HandOver, Playbook, Step, StepKind};

/// A list in the order of the steps; empty: it decides nothing.
pub(super) fn section(site: &Site<'_>, playbook: &Playbook) -> String {
    let mut text = String::new();
    for (phase, head) in [
        (Phase::Diagnose, "Before it changes anything, in this order:"),
        (Phase::Mitigate, "While it changes something:"),
        (Phase::Escalate, "When it escalates:"),
    ] {
        let mut list = List { site, text: String::new() };
        list.blocks(playbook.blocks(phase), "");
        if !list.text.is_empty() {
            text.push_str(&format!("{head}\n\n{}\n", list.text));
        }
    }
    text
}

struct List<'s> {
    site: &'s Site<'s>,
    text: String,
}

impl List<'_> {
    fn blocks(&mut self, blocks: &[Block], indent: &str) {
        for block in blocks {
            match block {
                Block::Step(step) => self.step(step, indent),
                Block::Atomic(steps) => steps.iter().for_each(|step| self.step(step, indent)),
                Block::Choose(choose) => {
                    let name = choose.address.id().map(|id| format!(" ({})", code(id))).unwrap_or_default();
                    self.text.push_str(&format!("{indent}- The first of these that holds{name}:\n"));
                    for (index, branch) in choose.branches.iter().enumerate() {
                        self.branch(index + 1, branch, &format!("{indent}  "));
                    }
                }
                Block::ForEach(each) => {
                    let mut within = List { site: self.site, text: String::new() };
                    within.guard(&each.guard, &format!("{indent}  "));
                    within.blocks(&each.blocks, &format!("{indent}  "));
                    if !within.text.is_empty() {
                        let (item, list) = (code(&each.item), code(each.list.source()));
                        self.text.push_str(&format!("{indent}- For each {item} of {list}:\n{}", within.text));
                    }
                }
            }
        }
    }

    /// What is asked before each wave of a loop.
    fn guard(&mut self, steps: &[Step], indent: &str) {
        let mut within = List { site: self.site, text: String::new() };
        steps.iter().for_each(|step| within.step(step, &format!("{indent}  ")));
        if !within.text.is_empty() {
            self.text.push_str(&format!("{indent}- Before each wave:\n{}", within.text));
        }
    }

    fn step(&mut self, step: &Step, indent: &str) {
        if let Some(said) = self.said(step) {
            self.text.push_str(&format!("{indent}- {said}\n"));
        }
    }

    fn branch(&mut self, number: usize, branch: &Branch, indent: &str) {
        let (before, end) = match branch.blocks.split_last() {
            Some((Block::Step(last), before)) if ends(last) => (before, self.said(last)),
            _ => (branch.blocks.as_slice(), None),
        };
        let end = end.unwrap_or_else(|| match (&branch.go_on, before.last()) {
            (Some(why), _) => format!("Goes on: {}", prose(why)),
            // It says itself how each of its ways ends.
            (None, Some(Block::Choose(_))) => "It depends:".to_owned(),
            (None, _) => "Goes on.".to_owned(),
        });
        let mark = format!("{number}. ");
        self.text.push_str(&format!("{indent}{mark}**{}**. {end}\n", prose(&branch.name)));
        self.blocks(before, &format!("{indent}{}", " ".repeat(mark.len())));
    }

    /// What a step decides; `None`: nothing.
    fn said(&self, step: &Step) -> Option<String> {
        Some(match &step.kind {
            StepKind::DoneIf(condition) => format!("Done{}", why(condition, "if")),
            StepKind::EscalateIf(condition) => format!("Escalates{}{}", whom(condition), why(condition, "if")),
            StepKind::Require(condition) => format!("Escalates{}{}", whom(condition), why(condition, "unless")),
            StepKind::LeaveIf(condition) => format!("Left alone{}", why(condition, "if")),
            StepKind::HandOver(hand_over) => self.handed(hand_over),
            StepKind::Set(_) | StepKind::Wait(_) | StepKind::Action(_) => return None,
        })
    }

    fn handed(&self, hand_over: &HandOver) -> String {
        let about = hand_over.target.as_ref().map(|target| format!(", about {}", code(target.source())));
        let inputs = hand_over.inputs.iter().map(|(name, value)| format!("{} {}", code(name), code(value.source())));
        let inputs: Vec<String> = inputs.collect();
        let with = if inputs.is_empty() { String::new() } else { format!(", with {}", inputs.join(", ")) };
        format!("Hands over to {}{}{with}.", self.site.link(&hand_over.playbook), about.unwrap_or_default())
    }
}

/// Whether nothing follows the step.
fn ends(step: &Step) -> bool {
    match &step.kind {
        StepKind::HandOver(_) => true,
        StepKind::DoneIf(condition) | StepKind::EscalateIf(condition) => condition.expression.constant() == Some(true),
        _ => false,
    }
}

/// The reason, or else the condition itself.
fn why(condition: &Condition, word: &str) -> String {
    match &condition.because {
        Some(because) => format!(": {}", prose(because.source())),
        None => format!(" {word} {}", code(condition.expression.source())),
    }
}

fn whom(condition: &Condition) -> String {
    condition.role.as_ref().map(Template::source).map_or_else(String::new, |role| {
        let is_known = ActingRole::of_word(role.trim()).is_some();
        if is_known { format!(" to {}", prose(role)) } else { format!(" to the role of {}", code(role)) }
    })
}
