//! Who is asked before something is changed.

use std::collections::BTreeSet;
use std::time::Duration;

use super::durations::OF_A_QUESTION;
use super::header::{is_team, one_of};
use super::steps::Draft;
use super::visible::Visible;
use super::{Checker, Text};
use crate::action::Action;
use crate::diagnostics::Code;
use crate::model::{Approvers, HumanDuration, LONGEST_QUESTION, MOST_APPROVERS};
use crate::playbook::ApprovalRule;
use crate::playbook::document::StepKind;
use crate::playbook::load::{RawApproval, RawStep, place};

/// Nobody reads a preview in less.
const SHORTEST_QUESTION: Duration = Duration::from_secs(60);

/// `sees`: the names that the question may use. `None`: something about it is wrong.
pub(super) fn check(checker: &mut Checker<'_>, raw: &RawApproval, sees: Visible<'_>) -> Option<ApprovalRule> {
    let people = match &raw.people {
        Some(text) => Some((people(checker, text)?, text)),
        None => None,
    };
    let of = approvers(checker, raw, people)?;
    let within = match &raw.within {
        Some(text) => Some(within(checker, text)?),
        None => None,
    };
    let people = people.map_or(1, |(people, _)| people);
    let requester_may = match &raw.requester {
        Some(text) => one_of(checker, text, "answer to `requester`", &[("may", true), ("may_not", false)])?,
        None => people == 1,
    };
    let question = match &raw.question {
        Some(text) => {
            checker.words(text, "question")?;
            Some(checker.template(text, Visible { now: false, ..sees })?)
        }
        None => None,
    };
    raw.seen.broken.is_empty().then_some(ApprovalRule { people, of, within, requester_may, question })
}

/// Whether a step that only those should say yes to who know about it says who they are.
pub(super) fn says_of_whom(checker: &mut Checker<'_>, kind: Option<&StepKind>, raw: &RawStep) {
    let Some(StepKind::Action(action)) = kind.filter(|_| !says_who(raw)) else { return };
    if action.describe().asks_who_knows() {
        let message = format!("`{}` does not say of whom it asks a yes", action.describe().name());
        let remedy = "add `approval: { of: TEAM }`: those who know what may be lost by it";
        checker.rule(Code::TooMuchAutonomy, raw.seen.at, message, remedy.to_owned());
    }
}

fn says_who(raw: &RawStep) -> bool {
    raw.approval.as_ref().is_some_and(|approval| approval.of.is_some() || approval.by.is_some())
}

fn people(checker: &mut Checker<'_>, text: &Text) -> Option<u32> {
    let people = text.value.trim().parse().ok().filter(|people| (1..=MOST_APPROVERS).contains(people));
    if people.is_none() {
        let message = format!("`people` is a whole number from 1 to {MOST_APPROVERS}, and not `{}`", text.value.trim());
        let remedy = "write `people: 2`: more are not found at night";
        checker.error(Code::OutOfRange, place(text), message, Some(remedy.into()));
    }
    people
}

fn approvers(checker: &mut Checker<'_>, raw: &RawApproval, people: Option<(u32, &Text)>) -> Option<Option<Approvers>> {
    match (&raw.of, &raw.by) {
        (Some(_), Some((at, _))) => {
            let message = "`of` and `by` both say whose yes counts";
            checker.error(Code::Contradiction, *at, message, Some("write one of them".into()));
            None
        }
        (Some(team), None) if !is_team(&team.value) => {
            let message = format!("`{}` cannot be the name of a team", team.value);
            let remedy = "write the team's name as `oncall.yaml` does, or `by: [ada, grace]` for people";
            checker.error(Code::InvalidName, place(team), message, Some(remedy.into()));
            None
        }
        (Some(team), None) => Some(Some(Approvers::Team(team.value.clone()))),
        (None, Some((at, names))) => {
            let mut known = BTreeSet::new();
            for name in names {
                let name_of = checker.words(name, "by")?.to_owned();
                if !known.insert(name_of.clone()) {
                    let message = format!("`{name_of}` is named twice, and counts once");
                    checker.error(Code::DuplicateName, place(name), message, Some("name them once".into()));
                    return None;
                }
            }
            let wanted = people.map_or(1, |(people, _)| people);
            if known.len() < usize::try_from(wanted).unwrap_or(usize::MAX) {
                let message = format!("{wanted} must say yes, and only {} may", known.len());
                let at = people.map_or(*at, |(_, text)| place(text));
                checker.error(Code::Contradiction, at, message, Some("ask fewer, or name more in `by`".into()));
                return None;
            }
            Some(Some(Approvers::Named(names.iter().map(|name| name.value.trim().to_owned()).collect())))
        }
        (None, None) => Some(None),
    }
}

fn within(checker: &mut Checker<'_>, text: &Text) -> Option<Duration> {
    let within = checker.duration(text, OF_A_QUESTION)?;
    if within < SHORTEST_QUESTION {
        let (shortest, longest) = (HumanDuration(SHORTEST_QUESTION), HumanDuration(LONGEST_QUESTION));
        let message = format!(
            "a question stays open for {shortest} to {longest}: nobody reads what would be changed in so short a time"
        );
        checker.error(Code::OutOfRange, place(text), message, Some("write `within: 4h`, or leave it out".into()));
        return None;
    }
    Some(within)
}

/// Within a group, only its first change has a question of its own: behind that, it is finished.
pub(super) fn of_group(checker: &mut Checker<'_>, drafts: &[Draft]) {
    let steps = drafts.iter().filter_map(|draft| draft.step.as_ref());
    let changes = steps.filter(|step| matches!(step.kind, StepKind::Action(Action::Mutate(_))));
    for step in changes.skip(1).filter(|step| step.approval.is_some()) {
        let message = "an `atomic` group that has begun is finished without asking";
        let remedy = "write `approval` at the first change of the group, or put this step behind the group";
        checker.error(Code::Misplaced, step.at, message, Some(remedy.into()));
    }
}
