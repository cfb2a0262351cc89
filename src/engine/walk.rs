//! The way through a playbook's tree: where a run stands, by what its log says of each step.

use super::loops::goes_on_when_resolved;
use super::state::RunState;
use super::status::Status;
use crate::action::{Action, ChangeKind};
use crate::model::{ItemKey, Phase, StepAddress};
use crate::playbook::{ApprovalRule, Block, Choose, ForEach, Playbook, Step, StepKind};

/// A step at which a run stands.
#[derive(Debug, Clone)]
pub struct StepAt<'p> {
    pub step: &'p Step,
    /// Its address in this run.
    pub address: StepAddress,
    /// As [`crate::action::StepContext::tag`].
    pub tag: Option<String>,
    /// The steps of the `atomic` group that it is one of.
    group: &'p [Step],
    /// The loop that it is in.
    foreach: Option<&'p ForEach>,
}

/// A `choose` at which a run stands.
#[derive(Debug, Clone)]
pub struct ChooseAt<'p> {
    pub choose: &'p Choose,
    /// Its address in this run.
    pub address: StepAddress,
}

/// A loop at which a run stands.
#[derive(Debug, Clone)]
pub struct LoopAt<'p> {
    pub foreach: &'p ForEach,
    /// Its address in this run.
    pub address: StepAddress,
}

/// What comes next in the tree.
#[derive(Debug, Clone)]
pub enum Place<'p> {
    Step(StepAt<'p>),
    Choose(ChooseAt<'p>),
    Loop(LoopAt<'p>),
}

/// Where blocks stand: beside all loops, or in one, for one of its items.
#[derive(Debug, Clone, Copy)]
pub struct Around<'p, 'i> {
    pub foreach: Option<&'p ForEach>,
    pub items: &'i [ItemKey],
}

impl Around<'_, '_> {
    /// Beside all loops.
    pub const NOTHING: Self = Self { foreach: None, items: &[] };
}

impl<'p> StepAt<'p> {
    pub(super) fn new(playbook: &'p Playbook, step: &'p Step, group: &'p [Step], around: Around<'p, '_>) -> Self {
        let address = step.address.for_items(around.items);
        let first = playbook.steps(Phase::Mitigate).find(|step| creates(step));
        let is_first = around.items.is_empty() && first.is_some_and(|first| first.address == address);
        let tag = (creates(step) && !is_first).then(|| address.tag());
        Self { step, address, tag, group, foreach: around.foreach }
    }

    /// Whether it belongs to an `atomic` group that has changed something, or to an item of a loop
    /// that did: that is finished, whatever happens. What was found unneeded has changed nothing.
    pub fn is_in_begun_group(&self, state: &RunState) -> bool {
        // What is taken back is begun anew.
        if self.address.is_undo() {
            return false;
        }
        let items = self.address.items();
        self.group.iter().any(|step| state.made.contains_key(&step.address.for_items(items)))
            || state.item(&self.address).is_some_and(|item| item.is_begun)
    }

    /// Whether nobody wants it any more: the run was stopped, or the alert is over.
    pub fn is_unwanted(&self, state: &RunState) -> bool {
        let goes_on = || self.foreach.is_some_and(|each| goes_on_when_resolved(each, state));
        state.cancelled_by.is_some() || (state.alert_resolved && !goes_on())
    }

    /// What takes its change back.
    pub fn undo(&self) -> Self {
        Self { address: self.address.undo(), ..self.clone() }
    }

    /// The steps by whose verify its change is proved, the last of which decides: itself, or those
    /// of its group from it on.
    pub fn verified_by(&self) -> impl Iterator<Item = StepAddress> {
        let behind = self.group.iter().skip_while(|step| step.address.name() != self.address.name()).skip(1);
        let verified = std::iter::once(self.step).chain(behind).filter(|step| step.verify.is_some());
        verified.map(|step| step.address.for_items(self.address.items()))
    }

    /// Whether it is done for one item of many, of which others may go on meanwhile.
    pub fn is_in_loop(&self) -> bool {
        self.foreach.is_some()
    }

    /// The question that is asked before this very change, or before the loop that it is in.
    pub fn asks_itself(&self) -> Option<(&'p ApprovalRule, &'p StepAddress)> {
        let of_step = self.step.approval.as_ref().map(|rule| (rule, &self.step.address));
        of_step.or_else(|| self.foreach.and_then(|each| Some((each.approval.as_ref()?, &each.address))))
    }

    /// Nothing is left to do there.
    fn is_over(&self, state: &RunState) -> bool {
        match state.status(&self.address) {
            Some(Status::Finished { .. }) => true,
            Some(Status::Made { .. }) => self.step.verify.is_none(),
            _ => false,
        }
    }
}

impl Place<'_> {
    pub fn address(&self) -> &StepAddress {
        match self {
            Place::Step(at) => &at.address,
            Place::Choose(at) => &at.address,
            Place::Loop(at) => &at.address,
        }
    }
}

fn creates(step: &Step) -> bool {
    matches!(&step.kind, StepKind::Action(Action::Mutate(action)) if action.change_kind() == ChangeKind::Create)
}

/// The blocks of the branch that was chosen; `None`: none was yet.
pub fn chosen<'p>(choose: &'p Choose, items: &[ItemKey], state: &RunState) -> Option<&'p [Block]> {
    let Some(Status::Chosen { branch }) = state.status(&choose.address.for_items(items)) else { return None };
    // One that is not known is no branch without steps: it is chosen again, which cannot follow,
    // and so is for a human.
    choose.branches.iter().find(|known| known.name == *branch).map(|branch| branch.blocks.as_slice())
}

/// Each step of the mitigation in the order of the file: those beside all loops, or those of one
/// item of the loops.
pub fn steps_at<'p>(playbook: &'p Playbook, items: &[ItemKey]) -> Vec<StepAt<'p>> {
    fn walk<'p>(
        playbook: &'p Playbook,
        blocks: &'p [Block],
        around: Around<'p, '_>,
        items: &[ItemKey],
        found: &mut Vec<StepAt<'p>>,
    ) {
        for block in blocks {
            match block {
                Block::Step(step) if around.items == items => {
                    found.push(StepAt::new(playbook, step, &[], around));
                }
                Block::Atomic(steps) if around.items == items => {
                    found.extend(steps.iter().map(|step| StepAt::new(playbook, step, steps, around)));
                }
                Block::Step(_) | Block::Atomic(_) => {}
                Block::Choose(choose) => {
                    for branch in &choose.branches {
                        walk(playbook, &branch.blocks, around, items, found);
                    }
                }
                Block::ForEach(foreach) => {
                    let around = Around { foreach: Some(foreach), items };
                    if !items.is_empty() {
                        walk(playbook, &foreach.blocks, around, items, found);
                    }
                }
            }
        }
    }
    let mut found = Vec::new();
    walk(playbook, playbook.blocks(Phase::Mitigate), Around::NOTHING, items, &mut found);
    found
}

/// The first place of the phase at which something is left to do.
pub fn next_place<'p>(playbook: &'p Playbook, phase: Phase, state: &RunState) -> Option<Place<'p>> {
    next_in(playbook, playbook.blocks(phase), Around::NOTHING, state)
}

/// The same among the steps of one item of a loop.
pub fn next_in_item<'p>(
    playbook: &'p Playbook,
    foreach: &'p ForEach,
    key: &ItemKey,
    state: &RunState,
) -> Option<Place<'p>> {
    let around = Around { foreach: Some(foreach), items: std::slice::from_ref(key) };
    next_in(playbook, &foreach.blocks, around, state)
}

/// The same among the steps that are asked before a wave.
pub fn next_in_guard<'p>(
    playbook: &'p Playbook,
    foreach: &'p ForEach,
    key: &ItemKey,
    state: &RunState,
) -> Option<StepAt<'p>> {
    let around = Around { foreach: Some(foreach), items: std::slice::from_ref(key) };
    let steps = foreach.guard.iter().map(|step| StepAt::new(playbook, step, &[], around));
    steps.into_iter().find(|at| !at.is_over(state))
}

fn next_in<'p>(
    playbook: &'p Playbook,
    blocks: &'p [Block],
    around: Around<'p, '_>,
    state: &RunState,
) -> Option<Place<'p>> {
    let open = |step: &'p Step, group: &'p [Step]| {
        let at = StepAt::new(playbook, step, group, around);
        (!at.is_over(state)).then_some(Place::Step(at))
    };
    blocks.iter().find_map(|block| match block {
        Block::Step(step) => open(step, &[]),
        Block::Atomic(steps) => steps.iter().find_map(|step| open(step, steps)),
        Block::Choose(choose) => match chosen(choose, around.items, state) {
            Some(blocks) => next_in(playbook, blocks, around, state),
            None => {
                let address = choose.address.for_items(around.items);
                (!state.is_finished(&address)).then_some(Place::Choose(ChooseAt { choose, address }))
            }
        },
        Block::ForEach(foreach) => {
            let address = foreach.address.for_items(around.items);
            let is_over = state.listed(&address).is_some_and(super::loops::Loop::is_over);
            (!is_over).then_some(Place::Loop(LoopAt { foreach, address }))
        }
    })
}

/// The read with that id, as a verify of `asked_by` repeats it: for the same item where both stand
/// in one loop.
pub fn find<'p>(playbook: &'p Playbook, id: &str, asked_by: &StepAt<'p>) -> Option<StepAt<'p>> {
    let step = playbook.step_by_id(id)?;
    let foreach =
        asked_by.foreach.filter(|each| each.blocks.iter().flat_map(Block::steps).any(|it| it.id() == Some(id)));
    let around = match foreach {
        Some(_) => Around { foreach, items: asked_by.address.items() },
        None => Around::NOTHING,
    };
    Some(StepAt::new(playbook, step, &[], around))
}
