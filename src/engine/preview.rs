//! What a run would do, found out without doing it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::loops;
use super::mutate;
use super::read::{self, read_object};
use super::scope::Frame;
use super::state::RunState;
use super::walk::{Around, LoopAt, StepAt, chosen};
use crate::action::{Action, ActionError, Plan, World};
use crate::language::Expression;
use crate::model::{FailureClass, Intent, Phase, Preview, PreviewStep, RunEvent, StepAddress, Undo, redact};
use crate::playbook::{Block, Choose, ForEach, Playbook, StepKind};

/// What a run would do, and what could not be found out for the moment.
pub(super) struct Outlook {
    pub preview: Preview,
    /// Steps whose object could not be asked, though it may be in a moment.
    pub unasked: BTreeMap<StepAddress, ActionError>,
    /// Steps that would not be done as things are now.
    pub refused: BTreeMap<StepAddress, ActionError>,
    /// What is certain to be done, unless a step before it changes that.
    pub intents: BTreeMap<StepAddress, Intent>,
}

/// Asks every mutating step of the mitigation what it would do now, until then at most.
pub(super) async fn preview(
    world: &World,
    frame: &Frame,
    state: &RunState,
    playbook: &Playbook,
    until: DateTime<Utc>,
) -> Outlook {
    let preview = Preview { steps: Vec::new() };
    let mut outlook = Outlook { preview, unasked: BTreeMap::new(), refused: BTreeMap::new(), intents: BTreeMap::new() };
    let state = state.clone();
    let mut shown = MitigationPreview { world, frame, state, playbook, until, outlook: &mut outlook };
    shown.blocks(playbook.blocks(Phase::Mitigate), Around::NOTHING, &OnlyIf::default()).await;
    outlook
}

/// Goes through the mitigation as it would be done now.
struct MitigationPreview<'l> {
    world: &'l World,
    frame: &'l Frame,
    /// As far as it is known; of an item of a loop, with the names that its steps give.
    state: RunState,
    playbook: &'l Playbook,
    until: DateTime<Utc>,
    outlook: &'l mut Outlook,
}

/// The conditions that stand before a step and cannot be answered yet, the outermost first.
#[derive(Debug, Clone, Default)]
struct OnlyIf(Vec<String>);

impl OnlyIf {
    fn and(&self, condition: impl Into<String>) -> Self {
        Self(self.0.iter().cloned().chain([condition.into()]).collect())
    }
}

/// Whether something comes behind blocks.
enum Behind {
    GoesOn,
    /// Only if that is so.
    Perhaps(Vec<String>),
    Nothing,
}

impl MitigationPreview<'_> {
    /// `only_if`: what stands before all of these.
    async fn blocks(&mut self, blocks: &[Block], around: Around<'_, '_>, only_if: &OnlyIf) -> Behind {
        let mut hangs_on = Vec::new();
        for block in blocks {
            let mut only_if = only_if.clone();
            only_if.0.extend(hangs_on.iter().cloned());
            let behind = match block {
                Block::Step(step) => {
                    let at = StepAt::new(self.playbook, step, &[], around);
                    self.step(&at, &only_if).await;
                    let behind = self.behind(&at);
                    if matches!(behind, Behind::Nothing) && at.is_in_loop() && only_if.0.is_empty() {
                        self.item_ends(&at);
                    }
                    behind
                }
                Block::Atomic(steps) => {
                    for step in steps {
                        self.step(&StepAt::new(self.playbook, step, steps, around), &only_if).await;
                    }
                    Behind::GoesOn
                }
                Block::Choose(choose) => Box::pin(self.choose(choose, around, &only_if)).await,
                Block::ForEach(each) => {
                    Box::pin(self.each(each, &only_if)).await;
                    Behind::GoesOn
                }
            };
            match behind {
                Behind::GoesOn => {}
                Behind::Perhaps(conditions) => hangs_on.extend(conditions),
                Behind::Nothing => return Behind::Nothing,
            }
        }
        if hangs_on.is_empty() { Behind::GoesOn } else { Behind::Perhaps(hangs_on) }
    }

    /// The branch that was chosen, or would be now; where that cannot be told yet, all that could
    /// be.
    async fn choose(&mut self, choose: &Choose, around: Around<'_, '_>, only_if: &OnlyIf) -> Behind {
        if let Some(blocks) = chosen(choose, around.items, &self.state) {
            return self.blocks(blocks, around, only_if).await;
        }
        let address = choose.address.for_items(around.items);
        let (scope, now) = (self.frame.scope(&self.state, &address), self.world.clock.now());
        let mut undecided = only_if.clone();
        let (mut hangs_on, mut goes_on) = (Vec::new(), false);
        for branch in &choose.branches {
            let holds = branch.when.as_ref().map(|when| when.holds(&scope, now));
            let (only_if, is_certain) = match holds {
                Some(Ok(false)) => continue,
                // Whether it comes to this one hangs on one before it.
                None | Some(Ok(true)) => (undecided.clone(), true),
                Some(Err(_)) => (undecided.and(branch.name.as_str()), false),
            };
            match self.blocks(&branch.blocks, around, &only_if).await {
                Behind::GoesOn => goes_on = true,
                Behind::Perhaps(conditions) => {
                    goes_on = true;
                    hangs_on.extend(conditions);
                }
                Behind::Nothing => hangs_on.push(format!("not {}", branch.name)),
            }
            if is_certain {
                break;
            }
            undecided = undecided.and(format!("not {}", branch.name));
        }
        match (goes_on, hangs_on.is_empty()) {
            (true, true) => Behind::GoesOn,
            (true, false) => Behind::Perhaps(hangs_on),
            (false, _) => Behind::Nothing,
        }
    }

    /// Whether the run goes on behind a step, as far as its condition can be answered now.
    fn behind(&self, at: &StepAt<'_>) -> Behind {
        let (condition, ends_if) = match &at.step.kind {
            StepKind::DoneIf(condition) | StepKind::EscalateIf(condition) => (condition, true),
            StepKind::Require(condition) => (condition, false),
            _ => return Behind::GoesOn,
        };
        if self.state.is_finished(&at.address) {
            return Behind::GoesOn;
        }
        let expression = &condition.expression;
        let holds = expression.holds(&self.frame.scope(&self.state, &at.address), self.world.clock.now());
        match (wanted(self.world, self.frame, &self.state, at), holds) {
            (Wanted::Yes, Ok(holds)) if holds == ends_if => Behind::Nothing,
            (Wanted::Undecided { when }, Ok(holds)) if holds == ends_if => {
                Behind::Perhaps(vec![format!("not `{when}`")])
            }
            (Wanted::Yes | Wanted::Undecided { .. }, Err(_)) => {
                let not = if ends_if { "not " } else { "" };
                Behind::Perhaps(vec![format!("{not}`{}`", expression.source())])
            }
            (Wanted::No { .. }, _) | (_, Ok(_)) => Behind::GoesOn,
        }
    }

    /// What would be done for each item that is not over: of the list that was made, or would be
    /// now.
    async fn each(&mut self, each: &ForEach, only_if: &OnlyIf) {
        let now = self.world.clock.now();
        let mut state = self.state.clone();
        if state.listed(&each.address).is_none() {
            let at = LoopAt { foreach: each, address: each.address.clone() };
            match loops::list(self.frame, &state, &at, now) {
                // Not as a record: the phase that it belongs to may be yet to come.
                RunEvent::Listed { step, item, items } => state.loops.push(loops::Loop::new(step, item, items)),
                RunEvent::Failed { error, .. } => {
                    let told = format!("{}: its list is made after the steps before it; now: {error}", each.address);
                    return self.show(&each.address, told, false);
                }
                _ => return,
            }
        }
        let Some(listed) = state.listed(&each.address).cloned() else { return };
        // Many items leave the steps behind them their time.
        let until = now + (self.until - now) / 2;
        for item in listed.items.iter().filter(|item| item.ended.is_none()) {
            let key = std::slice::from_ref(&item.key);
            let address = each.address.for_items(key);
            let mut state = state.clone();
            match self.as_at_its_turn(&mut state, &address, until).await {
                Ok(None) => {}
                Ok(Some(why)) => {
                    self.show(&address, format!("nothing for {}: {why}", item.key), true);
                    continue;
                }
                Err(error) => {
                    self.show(&address, format!("{}: decided at its turn; now: {error}", item.key), false);
                    self.outlook.unasked.insert(address, error);
                    continue;
                }
            }
            let Self { world, frame, playbook, .. } = *self;
            let mut of_item = MitigationPreview { world, frame, state, playbook, until, outlook: self.outlook };
            of_item.blocks(&each.blocks, Around { foreach: Some(each), items: key }, only_if).await;
        }
    }

    /// Has the item be under way, with what it is about as it is now. `Some`: why nothing would be
    /// done for it.
    async fn as_at_its_turn(
        &self,
        state: &mut RunState,
        address: &StepAddress,
        until: DateTime<Utc>,
    ) -> Result<Option<String>, ActionError> {
        let Some(item) = state.item_mut(address) else { return Ok(None) };
        item.wave.get_or_insert(0);
        if let Some(target) = item.target.clone().filter(|_| !item.is_read) {
            let object = read_object(self.world, &target, until).await?;
            item.read(object.as_ref());
        }
        Ok(item.is_other.clone())
    }

    /// Shows why nothing is done for an item, unless something is.
    fn item_ends(&mut self, at: &StepAt<'_>) {
        let (StepKind::DoneIf(condition) | StepKind::EscalateIf(condition) | StepKind::Require(condition)) =
            &at.step.kind
        else {
            return;
        };
        if self.is_shown(at) {
            return;
        }
        let scope = self.frame.scope(&self.state, &at.address);
        let source = condition.expression.source();
        let because = condition.because.as_ref().map(|because| because.render_leniently(&scope));
        let because = because.unwrap_or_else(|| format!("`{source}` decides it"));
        let key = at.address.items().first().map(ToString::to_string).unwrap_or_default();
        self.show(&at.address, format!("nothing for {key}: {because}"), true);
    }

    /// Gives an item's names their values, as long as nothing is shown of it that would be changed
    /// before.
    fn set(&mut self, at: &StepAt<'_>, values: &[(String, Expression)]) {
        if !at.is_in_loop() || at.step.when.is_some() || self.is_shown(at) {
            return;
        }
        if let RunEvent::Set { values, .. } = read::values(self.world, self.frame, &self.state, at, values) {
            self.state.outputs_of(&at.address).extend(values);
        }
    }

    fn is_changed_before(&self, at: &StepAt<'_>) -> bool {
        self.outlook.intents.keys().any(|step| step.items() == at.address.items())
            || self.state.item(&at.address).is_some_and(|item| item.is_begun)
    }

    fn is_shown(&self, at: &StepAt<'_>) -> bool {
        self.outlook.preview.steps.iter().any(|step| step.step.items() == at.address.items())
    }

    fn show(&mut self, step: &StepAddress, summary: String, certain: bool) {
        let summary = redact(&summary).into_owned();
        let shown = PreviewStep {
            step: step.clone(),
            mutating: true,
            summary,
            certain,
            diff: None,
            uid: None,
            undo: Undo::Never,
        };
        self.outlook.preview.steps.push(shown);
    }

    async fn step(&mut self, at: &StepAt<'_>, only_if: &OnlyIf) {
        if let StepKind::Set(values) = &at.step.kind
            && only_if.0.is_empty()
        {
            return self.set(at, values);
        }
        let StepKind::Action(Action::Mutate(action)) = &at.step.kind else { return };
        if self.state.is_finished(&at.address) {
            return;
        }
        let shown = |summary: String, certain, diff| {
            let summary = redact(&summary).into_owned();
            PreviewStep {
                step: at.address.clone(),
                mutating: true,
                summary,
                certain,
                diff,
                uid: None,
                undo: at.step.undo,
            }
        };
        let wanted = wanted(self.world, self.frame, &self.state, at);
        if let Wanted::No { when } = wanted {
            self.outlook.preview.steps.push(PreviewStep {
                undo: Undo::Never,
                ..shown(format!("nothing: `{when}` does not hold"), true, None)
            });
            return;
        }
        let plan = mutate::prepare(self.world, self.frame, &self.state, at, action.as_ref(), self.until).await;
        let mut shown = match plan {
            Ok(Plan::Do(intent)) => {
                let mut told = PreviewStep { undo: at.step.undo, ..of_intent(&at.address, &intent) };
                // What comes behind a change of the item hangs on what that leaves behind.
                told.certain = !(at.is_in_loop() && self.is_changed_before(at));
                self.outlook.intents.insert(at.address.clone(), intent);
                told
            }
            Ok(Plan::Unneeded(output)) => shown(format!("nothing: {}", output.summary), true, None),
            Err(error) => {
                let name = action.name();
                let told = format!("{name}: decided after the steps before it; now: {error}");
                match error.class {
                    FailureClass::Retry => self.outlook.unasked.insert(at.address.clone(), error),
                    FailureClass::Fail | FailureClass::NeedsHuman | FailureClass::LeaveAlone | FailureClass::HeldUp => {
                        self.outlook.refused.insert(at.address.clone(), error)
                    }
                };
                shown(told, false, None)
            }
        };
        let when = match wanted {
            Wanted::Undecided { when } => Some(format!("`{when}`")),
            Wanted::Yes | Wanted::No { .. } => None,
        };
        let conditions: Vec<String> = only_if.0.iter().cloned().chain(when).collect();
        if !conditions.is_empty() {
            shown.summary = format!("if {}: {}", conditions.join(" and "), shown.summary);
            shown.certain = false;
        }
        self.outlook.preview.steps.push(shown);
    }
}

/// What is certain to be done, as it is shown.
pub(super) fn of_intent(step: &StepAddress, intent: &Intent) -> PreviewStep {
    PreviewStep {
        step: step.clone(),
        mutating: true,
        summary: redact(&intent.summary).into_owned(),
        certain: true,
        diff: Some(redact(&format!("- {}\n+ {}", intent.before, intent.after)).into_owned()),
        uid: Some(intent.uid.clone()).filter(|uid| !uid.is_empty()),
        undo: Undo::Never,
    }
}

/// What a step's `when` says now.
enum Wanted<'p> {
    Yes,
    No {
        when: &'p str,
    },
    /// It speaks of what a step before it will have done.
    Undecided {
        when: &'p str,
    },
}

fn wanted<'p>(world: &World, frame: &Frame, state: &RunState, at: &StepAt<'p>) -> Wanted<'p> {
    let Some(when) = at.step.when.as_ref().filter(|_| !state.tried(&at.address).wanted) else { return Wanted::Yes };
    let source = when.expression.source();
    match when.expression.holds(&frame.scope(state, &at.address), world.clock.now()) {
        Ok(true) => Wanted::Yes,
        Ok(false) => Wanted::No { when: source },
        Err(_) => Wanted::Undecided { when: source },
    }
}

/// How what was shown compares with what would be done now.
#[derive(Debug, PartialEq)]
pub(super) enum Compared {
    Same,
    Changed,
    /// That cannot be told for the moment.
    Unasked(String),
}

/// Whether a yes to `shown` is a yes to what would be done now. Of a step that was shown as uncertain nothing was promised,
/// but of the first: what it does was there to be shown. Each item of a loop is compared for itself at its turn: one that has
/// changed does not hold up the others.
pub(super) fn compare(shown: &Preview, now: &Outlook) -> Compared {
    let mut unasked = None;
    for (n, shown) in shown.steps.iter().enumerate().filter(|(_, shown)| shown.step.items().is_empty()) {
        let Some(step) = now.preview.steps.iter().find(|step| step.step == shown.step) else {
            // Another way was taken meanwhile than the one that it lies on.
            if n > 0 && !shown.certain {
                continue;
            }
            return Compared::Changed;
        };
        match (shown.certain, now.unasked.get(&shown.step)) {
            (true, Some(error)) => unasked = unasked.or(Some(error.message.clone())),
            (true, None) if step != shown => return Compared::Changed,
            (false, None) if n == 0 && step.certain => return Compared::Changed,
            _ => {}
        }
    }
    unasked.map_or(Compared::Same, Compared::Unasked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(id: &str) -> StepAddress {
        format!("mitigate.{id}").parse().unwrap()
    }

    fn step(path: &str, summary: &str, certain: bool) -> PreviewStep {
        PreviewStep {
            step: address(path),
            mutating: true,
            summary: summary.into(),
            certain,
            diff: None,
            uid: None,
            undo: Undo::Never,
        }
    }

    fn now(steps: &[PreviewStep], unasked: &[&str]) -> Outlook {
        let lost = |path: &&str| (address(path), ActionError::retry("the connection was lost"));
        let unasked = unasked.iter().map(lost).collect();
        Outlook {
            preview: Preview { steps: steps.to_vec() },
            unasked,
            refused: BTreeMap::new(),
            intents: BTreeMap::new(),
        }
    }

    #[test]
    fn a_yes_holds_for_what_was_certain() {
        let (one, two) =
            (step("one", "scale 4 -> 6", true), step("two", "create: decided after; now: x is live", false));
        let shown = Preview { steps: vec![one.clone(), two.clone()] };
        assert_eq!(compare(&shown, &now(&[one.clone(), two.clone()], &[])), Compared::Same);
        let other_error = step("two", "create: decided after; now: x is still there", false);
        assert_eq!(compare(&shown, &now(&[one.clone(), other_error], &["two"])), Compared::Same);
        assert_eq!(compare(&shown, &now(&[one, step("two", "create x", true)], &[])), Compared::Same);
        assert_eq!(compare(&shown, &now(&[step("one", "scale 5 -> 8", true), two.clone()], &[])), Compared::Changed);
        let lost = step("one", "scale: decided after; now: the connection was lost", false);
        let unasked = Compared::Unasked("the connection was lost".into());
        assert_eq!(compare(&shown, &now(&[lost.clone(), two.clone()], &["one"])), unasked);
        // It failed for good: that is another thing than what was shown.
        assert_eq!(compare(&shown, &now(&[lost, two], &[])), Compared::Changed);
    }

    #[test]
    fn a_yes_to_a_first_step_that_nobody_saw_is_a_yes_to_nothing() {
        let shown = Preview { steps: vec![step("one", "scale: now: it is held", false)] };
        assert_eq!(compare(&shown, &now(&[step("one", "scale 4 -> 6", true)], &[])), Compared::Changed);
    }
}
