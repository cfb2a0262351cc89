//! What a run would do, found out without doing it.

mod items;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::dry_run;
use super::mutate;
use super::scope::Frame;
use super::state::RunState;
use super::walk::{Around, StepAt, chosen};
use crate::action::{Action, ActionError, Mutation, Plan, World};
use crate::model::{DryRun, FailureClass, Intent, Phase, Preview, PreviewStep, StepAddress, redact};
use crate::playbook::{Block, Choose, Playbook, StepKind};

/// Each costs the API server as much as the change: of many, the line of each says enough.
const MOST_DRY_RUNS: usize = 5;

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

/// How far a preview goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Extent<'a> {
    /// Over all that is left, as the run decides it: to be compared with what was shown.
    Decided,
    /// The same, for people.
    Shown,
    /// For people, as far as a yes to it goes: to the next step or loop with a question of its own,
    /// other than this one.
    Asked { before: Option<&'a StepAddress> },
}

/// Asks every mutating step of the mitigation what it would do now, until then at most.
pub(super) async fn preview(
    world: &World,
    frame: &Frame,
    state: &RunState,
    playbook: &Playbook,
    extent: Extent<'_>,
    until: DateTime<Utc>,
) -> Outlook {
    let preview = Preview { steps: Vec::new(), asks_again: Vec::new() };
    let mut outlook = Outlook { preview, unasked: BTreeMap::new(), refused: BTreeMap::new(), intents: BTreeMap::new() };
    let state = state.clone();
    let is_asked_behind = false;
    let mut shown =
        MitigationPreview { world, frame, state, playbook, extent, is_asked_behind, until, outlook: &mut outlook };
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
    extent: Extent<'l>,
    /// From here on, another question is asked.
    is_asked_behind: bool,
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
                    match behind {
                        // What is shown of an item is done, or nothing is: a yes covers both.
                        Behind::Perhaps(_) if at.is_in_loop() => Behind::GoesOn,
                        behind => behind,
                    }
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
        let (asked_before, mut is_asked_on_each) = (self.is_asked_behind, true);
        for branch in &choose.branches {
            let holds = branch.when.as_ref().map(|when| when.holds(&scope, now));
            let (only_if, is_certain) = match holds {
                Some(Ok(false)) => continue,
                // Whether it comes to this one hangs on one before it.
                None | Some(Ok(true)) => (undecided.clone(), true),
                Some(Err(_)) => (undecided.and(branch.name.as_str()), false),
            };
            self.is_asked_behind = asked_before;
            let behind = self.blocks(&branch.blocks, around, &only_if).await;
            is_asked_on_each &= self.is_asked_behind || matches!(behind, Behind::Nothing);
            match behind {
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
        // What comes behind all of them is covered by this yes on each way that asks nothing
        // itself.
        self.is_asked_behind = asked_before || is_asked_on_each;
        match (goes_on, hangs_on.is_empty()) {
            (true, true) => Behind::GoesOn,
            (true, false) => Behind::Perhaps(hangs_on),
            (false, _) => Behind::Nothing,
        }
    }

    /// Whether the run goes on behind a step, as far as its condition can be answered now.
    fn behind(&self, at: &StepAt<'_>) -> Behind {
        let (condition, ends_if) = match &at.step.kind {
            StepKind::DoneIf(condition) | StepKind::EscalateIf(condition) | StepKind::LeaveIf(condition) => {
                (condition, true)
            }
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

    fn is_changed_before(&self, at: &StepAt<'_>) -> bool {
        self.outlook.intents.keys().any(|step| step.items() == at.address.items())
            || self.state.item(&at.address).is_some_and(|item| item.is_begun)
    }

    /// Notes that a question of its own is asked there; whether nothing of it is shown, as it is
    /// not the one that is asked now.
    fn asks_again(&mut self, address: &StepAddress) -> bool {
        let is_this_one = matches!(self.extent, Extent::Asked { before } if before == Some(address));
        if !is_this_one {
            self.outlook.preview.asks_again.push(address.clone());
        }
        self.is_asked_behind |= !is_this_one && matches!(self.extent, Extent::Asked { .. });
        self.is_asked_behind
    }

    fn is_shown(&self, at: &StepAt<'_>) -> bool {
        self.outlook.preview.steps.iter().any(|step| step.step.items() == at.address.items())
    }

    fn show(&mut self, step: &StepAddress, summary: String, certain: bool) {
        self.outlook.preview.steps.push(PreviewStep::new(step.clone(), &summary, certain));
    }

    fn is_for_people(&self) -> bool {
        !matches!(self.extent, Extent::Decided)
    }

    /// What the API server makes of it.
    ///
    /// # Errors
    /// It would refuse the change.
    async fn dry_run(&self, action: &dyn Mutation, intent: &Intent) -> Result<DryRun, ActionError> {
        let asked = self.outlook.preview.steps.iter().filter(|step| step.dry_run.is_some()).count();
        if asked >= MOST_DRY_RUNS {
            return Ok(DryRun::Unknown(format!(
                "the API server is asked about the first {MOST_DRY_RUNS} changes only"
            )));
        }
        dry_run::dry_run(self.world, action, intent, self.until).await
    }

    async fn step(&mut self, at: &StepAt<'_>, only_if: &OnlyIf) {
        if let StepKind::Set(values) = &at.step.kind
            && only_if.0.is_empty()
        {
            return self.set(at, values);
        }
        let StepKind::Action(Action::Mutate(action)) = &at.step.kind else { return };
        if self.state.is_finished(&at.address) || self.is_asked_behind {
            return;
        }
        if at.step.approval.is_some() && self.asks_again(&at.step.address) {
            return;
        }
        let wanted = wanted(self.world, self.frame, &self.state, at);
        if let Wanted::No { when } = wanted {
            return self.show(&at.address, format!("nothing: `{when}` does not hold"), true);
        }
        let plan = mutate::prepare(self.world, self.frame, &self.state, at, action.as_ref(), self.until).await;
        let mut shown = match plan {
            Ok(Plan::Do(intent)) => {
                let mut told = PreviewStep { undo: at.step.undo, ..of_intent(&at.address, &intent) };
                // What comes behind a change of the item hangs on what that leaves behind.
                told.certain = !(at.is_in_loop() && self.is_changed_before(at));
                if told.certain && self.is_for_people() {
                    match self.dry_run(action.as_ref(), &intent).await {
                        Ok(answer) => told.dry_run = Some(answer),
                        // What it says of later changes may be other behind the first.
                        Err(error) => {
                            told.dry_run = Some(DryRun::Unknown(redact(&error.message).into_owned()));
                            self.outlook.refused.insert(at.address.clone(), error);
                        }
                    }
                }
                self.outlook.intents.insert(at.address.clone(), intent);
                told
            }
            Ok(Plan::Unneeded(output)) => {
                PreviewStep::new(at.address.clone(), &format!("nothing: {}", output.summary), true)
            }
            Err(error) => {
                let name = action.name();
                let told = format!("{name}: decided after the steps before it; now: {error}");
                match error.class {
                    FailureClass::Retry => self.outlook.unasked.insert(at.address.clone(), error),
                    FailureClass::Fail | FailureClass::NeedsHuman | FailureClass::LeaveAlone | FailureClass::HeldUp => {
                        self.outlook.refused.insert(at.address.clone(), error)
                    }
                };
                PreviewStep { undo: at.step.undo, ..PreviewStep::new(at.address.clone(), &told, false) }
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
        diff: Some(redact(&format!("- {}\n+ {}", intent.before, intent.after)).into_owned()),
        uid: Some(intent.uid.clone()).filter(|uid| !uid.is_empty()),
        ..PreviewStep::new(step.clone(), &intent.summary, true)
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
