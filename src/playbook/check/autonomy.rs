//! Whether a playbook may do alone what its steps do.

use super::Checker;
use super::blocks::BlockDraft;
use crate::action::Declaration;
use crate::diagnostics::Code;
use crate::language::Location;
use crate::model::Autonomy;
use crate::playbook::document::StepKind;

/// The actions of the blocks, each with the place of its step and the most that is done with it
/// alone.
pub(super) fn actions(blocks: &[BlockDraft]) -> impl Iterator<Item = (Location, &'static Declaration, Autonomy)> {
    let steps = blocks.iter().flat_map(BlockDraft::steps).filter_map(|draft| draft.step.as_ref());
    steps.filter_map(|step| match &step.kind {
        StepKind::Action(action) => {
            let describe = action.describe();
            Some((step.at, describe.declaration(), describe.most_autonomy()))
        }
        _ => None,
    })
}

/// Refuses each action that is not done with that autonomy.
pub(super) fn check<'d>(
    checker: &mut Checker<'_>,
    autonomy: Autonomy,
    actions: impl IntoIterator<Item = (Location, &'d Declaration, Autonomy)>,
) {
    for (at, action, most) in actions {
        if let Some((message, remedy)) = action.why_not_with(autonomy, most) {
            checker.rule(Code::TooMuchAutonomy, at, message, remedy);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Asks;
    use super::*;
    use crate::action::{ChangeKind, Effect};
    use crate::diagnostics::SourceText;

    const SWITCH_OVER: Declaration = Declaration {
        name: "patroni.switch_over",
        summary: "Makes another member the leader",
        effect: Effect::Mutates(ChangeKind::Patch),
        about: "",
        errors: "",
        repeated: "",
        way_back: None,
        arguments: &[],
        output: &[],
        rights: &[],
        most_autonomy: Autonomy::Approve,
        example: "",
    };

    fn told(autonomy: Autonomy, declaration: &Declaration) -> Vec<String> {
        let text = format!("autonomy: {autonomy}\nmitigate:\n  - patroni.switch_over: {{}}\n");
        let source = SourceText { path: Path::new("playbooks/leader.yaml"), text: &text };
        let mut checker = Checker {
            source: &source,
            asks: Asks::Author,
            kinds: &Default::default(),
            problems: Vec::new(),
            inputs: Default::default(),
        };
        check(&mut checker, autonomy, [(Location { line: 3, column: 5 }, declaration, declaration.most_autonomy)]);
        checker.problems.iter().map(|problem| problem.render(false)).collect()
    }

    #[test]
    fn what_may_lose_a_leader_is_not_done_without_asking() {
        insta::assert_snapshot!(told(Autonomy::Auto, &SWITCH_OVER).join("\n"), @"
        error[too-much-autonomy]: `patroni.switch_over` is never done with `autonomy: auto`: too much may be lost by it
         --> playbooks/leader.yaml:3:5
          |
        3 |   - patroni.switch_over: {}
          |     ^^^^^^^^^^^^^^^^^^^
          |
          = help: write `autonomy: approve`, so that somebody is asked before, or leave the step to people
        ");
    }

    #[test]
    fn a_playbook_can_always_be_turned_down() {
        for autonomy in [Autonomy::Observe, Autonomy::Suggest, Autonomy::Approve] {
            assert_eq!(told(autonomy, &SWITCH_OVER), Vec::<String>::new(), "{autonomy}");
        }
        let harmless = Declaration { most_autonomy: Autonomy::Auto, ..SWITCH_OVER };
        assert_eq!(told(Autonomy::Auto, &harmless), Vec::<String>::new());
    }
}
