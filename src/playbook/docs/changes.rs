//! What a playbook may change.

use super::Site;
use super::markdown::{code, prose};
use crate::action::{Action, Describe};
use crate::language::Expression;
use crate::model::{Approvers, HumanDuration, Undo};
use crate::playbook::{ApprovalRule, Block, ForEach, Playbook, Step, StepKind, Verify, WhenResolved};

/// Each change with what bounds it, or that there is none.
pub(super) fn section(site: &Site<'_>, playbook: &Playbook) -> String {
    let mut text = String::new();
    of_blocks(site, &playbook.mitigate, &[], &mut text);
    if text.is_empty() { "Nothing.\n".to_owned() } else { text }
}

/// `around`: what is true of each step among the blocks.
fn of_blocks(site: &Site<'_>, blocks: &[Block], around: &[String], text: &mut String) {
    for block in blocks {
        match block {
            Block::Step(step) => of_step(site, step, around, false, text),
            Block::Atomic(steps) => {
                let group = "One of a group: once the first of its steps was made, the others follow.".to_owned();
                let around = [around, &[group]].concat();
                steps.iter().for_each(|step| of_step(site, step, &around, true, text));
            }
            Block::Choose(choose) => {
                for branch in &choose.branches {
                    let where_ = format!("Where it found: {}.", prose(&branch.name));
                    of_blocks(site, &branch.blocks, &[around, &[where_]].concat(), text);
                }
            }
            Block::ForEach(each) => of_blocks(site, &each.blocks, &[around, &looped(each)].concat(), text),
        }
    }
}

fn of_step(site: &Site<'_>, step: &Step, around: &[String], in_group: bool, text: &mut String) {
    let StepKind::Action(Action::Mutate(mutation)) = &step.kind else { return };
    let name = step.id().map(|id| format!("{}: ", code(id))).unwrap_or_default();
    if !text.is_empty() {
        text.push('\n');
    }
    let does = mutation.declaration();
    text.push_str(&format!("### {name}{}\n\n{}.\n\n", site.action(does), prose(does.summary)));
    let mut items = Vec::new();
    items.extend(arguments(mutation.as_ref()));
    items.extend(around.iter().cloned());
    items.extend(step.when.as_ref().map(|when| format!("Only if {}.", code(when.expression.source()))));
    items.extend(step.at_most.map(|most| format!("For one object: at most {most}, by whatever run.")));
    items.extend(step.approval.as_ref().map(|rule| format!("Asked before: {}.", asked(rule))));
    items.push(match &step.verify {
        Some(verify) => verified(verify),
        None if in_group => "Verified: with its group.".to_owned(),
        None => "Verified: not by itself.".to_owned(),
    });
    items.push(format!(
        "Undo: {}.",
        match step.undo {
            Undo::Never => "it stays",
            Undo::UnlessVerified => "it is taken back where it did not help",
            Undo::AtEnd => "it is taken back at the end, however that comes",
        }
    ));
    text.extend(items.into_iter().map(|item| format!("- {item}\n")));
}

fn arguments(action: &dyn Describe) -> Option<String> {
    let given = action.args().into_iter().flat_map(|(name, arg)| {
        let parts = arg.parts().into_iter().filter_map(|part| part.text());
        let texts: Vec<_> = arg.text().into_iter().chain(parts).map(|(text, _)| code(text)).collect();
        (!texts.is_empty()).then(|| format!("{} {}", code(name), texts.join(" ")))
    });
    let given: Vec<String> = given.collect();
    (!given.is_empty()).then(|| format!("With {}.", given.join(", ")))
}

fn looped(each: &ForEach) -> Vec<String> {
    let waves: Vec<String> = each.waves.iter().map(ToString::to_string).collect();
    let within = each.within.map(|within| format!(", for {} at most", HumanDuration(within)));
    let mut said = vec![format!(
        "For each {} of {}: with more than {} nothing is done; in waves of {}; no other one begins when {} failed{}.",
        code(&each.item),
        code(each.list.source()),
        each.max,
        waves.join(", "),
        each.stop_after,
        within.unwrap_or_default()
    )];
    said.extend(each.when_resolved.map(|it| match it {
        WhenResolved::Finish => "When the alert ends, the others are finished.".to_owned(),
        WhenResolved::Stop => "When the alert ends, no other one begins.".to_owned(),
    }));
    said.extend(each.approval.as_ref().map(|rule| format!("Asked before the loop: {}.", asked(rule))));
    said
}

/// Who is asked, and for how long.
pub(super) fn asked(rule: &ApprovalRule) -> String {
    let people = if rule.people == 1 { "one person".to_owned() } else { format!("{} people", rule.people) };
    let of = match &rule.of {
        None => " of the team that owns it".to_owned(),
        Some(Approvers::Anybody) => String::new(),
        Some(Approvers::Team(team)) => format!(" of the team {}", code(team)),
        Some(Approvers::Named(names)) => {
            format!(" of {}", names.iter().map(|name| code(name)).collect::<Vec<_>>().join(", "))
        }
    };
    let within = rule.within.map(|within| format!(", within {}", HumanDuration(within))).unwrap_or_default();
    let requester = if rule.requester_may { "; whoever asked for the run counts" } else { "" };
    let question = rule.question.as_ref().map(|text| format!("; the question: {}", prose(text.source())));
    format!("{people}{of}{within}{requester}{}", question.unwrap_or_default())
}

fn verified(verify: &Verify) -> String {
    let asked = match &verify.query {
        Some(query) => format!("{} is asked again", code(query)),
        None => "the target is read again".to_owned(),
    };
    let mut said = format!("Verified: {asked} until {} holds", code(verify.until.source()));
    if let Some(lasting) = verify.lasting {
        said.push_str(&format!(" for {}", HumanDuration(lasting)));
    }
    said.push_str(&format!(
        ", from {} after the change on, every {}, within {}.",
        HumanDuration(verify.settle),
        HumanDuration(verify.every),
        HumanDuration(verify.within)
    ));
    if let Some(fail_if) = verify.fail_if.as_ref().map(Expression::source) {
        said.push_str(&format!(" It did not help if {}.", code(fail_if)));
    }
    said
}
