//! A playbook, as it is once it was loaded and checked.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use serde_json::Value;

use super::{ApprovalRule, Condition, SiteSettings, Verify, Watch};
use crate::action::Action;
use crate::cluster::Kinds;
use crate::diagnostics::{Code, Diagnostic, SourceText};
use crate::language::{Arg, Expression, Location, Template};
use crate::model::{Autonomy, Phase, PlaybookRef, Rate, Schedule, Severity, StepAddress, TargetLimits, Undo};

/// A loaded playbook. It never changes: a reload makes a new one, and a run stays with the one it was pinned to.
#[derive(Debug)]
pub struct Playbook {
    pub name: String,
    pub version: String,
    /// The team of `oncall.yaml` that owns it and is paged by it.
    pub owner: String,
    pub summary: String,
    pub severity: Severity,
    pub autonomy: Autonomy,
    /// Who is asked where the run asks before its first change; `None`: one person, whoever it is.
    pub approval: Option<ApprovalRule>,
    /// When somebody is to look whether it is still right. It runs all the same after that.
    pub review_by: Option<NaiveDate>,
    /// Whatever the run is doing then, somebody is paged with the evidence so far.
    pub page_by: Option<Duration>,
    pub triggers: Vec<Trigger>,
    /// The times that start it without an alert.
    pub schedules: Vec<Schedule>,
    pub target: TargetRule,
    pub inputs: BTreeMap<String, Input>,
    pub limits: Limits,
    pub diagnose: Vec<Block>,
    pub mitigate: Vec<Block>,
    pub escalate: Vec<Block>,
    /// Name, version and content digest.
    pub reference: PlaybookRef,
    /// The content, to the byte: what the digest is of, and what a run keeps.
    pub source: Arc<str>,
    /// The file it was read from; empty for one that was read back from the store.
    pub path: PathBuf,
    /// What may well not do what was meant.
    pub warnings: Vec<Diagnostic>,
    /// Where plurals and scopes of the kinds come from that it names.
    pub kinds: Arc<Kinds>,
    /// What the site has set of it, which counts above already.
    pub site: SiteSettings,
    /// As its file says it, where the site has set something; not of one that was read back from
    /// the store.
    pub written: Option<Arc<Playbook>>,
}

impl Playbook {
    /// What a phase is made of, in order.
    pub fn blocks(&self, phase: Phase) -> &[Block] {
        match phase {
            Phase::Diagnose => &self.diagnose,
            Phase::Mitigate => &self.mitigate,
            Phase::Escalate => &self.escalate,
        }
    }

    /// The steps of a phase, those within its groups too, in the order in which they are written.
    pub fn steps(&self, phase: Phase) -> impl Iterator<Item = &Step> {
        self.blocks(phase).iter().flat_map(Block::steps)
    }

    /// The steps of all phases.
    pub fn all_steps(&self) -> impl Iterator<Item = &Step> {
        [Phase::Diagnose, Phase::Mitigate, Phase::Escalate].into_iter().flat_map(|phase| self.steps(phase))
    }

    /// Its queries that `why_wrong` finds fault with. A query is given with a name in the place of
    /// each hole: what is put in there is a name or a number.
    pub fn wrong_queries(&self, code: Code, why_wrong: impl Fn(&str) -> Option<String>) -> Vec<Diagnostic> {
        let source = SourceText { path: &self.path, text: &self.source };
        self.queries().filter_map(|(expr, at)| Some(source.error(code, at, why_wrong(&expr)?))).collect()
    }

    /// Its queries, with a name in the place of each hole, and where they stand.
    pub fn queries(&self) -> impl Iterator<Item = (String, Location)> {
        self.all_steps().filter_map(|step| match &step.kind {
            StepKind::Action(action) => action.describe().query(),
            _ => None,
        })
    }

    /// Something about it that only shows elsewhere.
    pub fn warning(&self, code: Code, at: Location, message: String) -> Diagnostic {
        SourceText { path: &self.path, text: &self.source }.warning(code, at, message)
    }

    /// The read-only step that a verify repeats, by its id.
    pub fn step_by_id(&self, id: &str) -> Option<&Step> {
        self.all_steps().find(|step| step.id() == Some(id))
    }
}

/// Which alerts start the playbook.
#[derive(Debug)]
pub struct Trigger {
    /// The `alertname`.
    pub alert: String,
    /// A condition on `alert`.
    pub condition: Option<Expression>,
}

/// How the target is found.
#[derive(Debug)]
pub struct TargetRule {
    /// What it may be, at least one. Of several, the labels of the alert say which, or the person
    /// who asks.
    pub kinds: Vec<TargetKind>,
    /// Of what has one.
    pub namespace: TargetPart,
}

/// A kind that the target may be of.
#[derive(Debug)]
pub struct TargetKind {
    pub kind: String,
    /// What its objects are called.
    pub name: TargetPart,
}

/// One part of the target.
#[derive(Debug)]
pub enum TargetPart {
    /// The kind has no namespaces.
    None,
    /// Nobody says it, which is right if the kind has no namespaces: that is told later.
    Unsaid,
    /// A literal or a template over `inputs` and `alert`.
    Given(Arg<String>),
    /// This label of the alert; without an alert, what the person who asked gave for `namespace` or `name`.
    Label(String),
}

/// An input of the playbook.
#[derive(Debug)]
pub struct Input {
    pub kind: InputKind,
    pub description: Option<String>,
    /// The alert's label that gives it, when a person does not.
    pub label: Option<String>,
    /// `None`: it must be given.
    pub default: Option<Value>,
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
}

/// The types of inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    String,
    Integer,
    Number,
    Boolean,
    /// A duration such as `6h`; conditions see it as text for `duration()`.
    Duration,
    /// A quantity such as `500Gi`; conditions see it as text for `quantity()`.
    Quantity,
}

/// How often it may run: on one target, where nothing else is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// At most so many runs in this time.
    pub runs: Option<(u32, Duration)>,
    /// At least so long after the end of the last run.
    pub cooldown: Option<Duration>,
    /// Of the runs that begin to change something, on whatever target.
    pub runs_per_playbook: Option<Rate>,
    /// Those of them in one namespace.
    pub runs_per_namespace: Option<Rate>,
    /// As [`crate::model::FleetLimits::ramp`], in its stead; nothing: it has none.
    pub ramp: Option<Duration>,
}

impl Limits {
    /// What is counted for each target.
    pub fn of_target(&self) -> TargetLimits {
        TargetLimits { runs: self.runs, cooldown: self.cooldown }
    }
}

/// What a phase is made of.
#[derive(Debug)]
pub enum Block {
    Step(Box<Step>),
    /// Steps that belong together: once the first of them was made, the others follow even if the
    /// alert resolves in the middle.
    Atomic(Vec<Step>),
    Choose(Choose),
    ForEach(Box<ForEach>),
}

impl Block {
    /// The steps within, in the order in which they are written.
    pub fn steps(&self) -> Box<dyn Iterator<Item = &Step> + '_> {
        match self {
            Block::Step(step) => Box::new(std::iter::once(&**step)),
            Block::Atomic(steps) => Box::new(steps.iter()),
            Block::Choose(choose) => {
                Box::new(choose.branches.iter().flat_map(|branch| branch.blocks.iter().flat_map(Block::steps)))
            }
            Block::ForEach(each) => Box::new(each.guard.iter().chain(each.blocks.iter().flat_map(Block::steps))),
        }
    }
}

/// One thing that is done for each of many, a few at a time.
#[derive(Debug)]
pub struct ForEach {
    /// Where it stands; its id has what became of the items.
    pub address: StepAddress,
    /// What one of them is called, in its steps.
    pub item: String,
    pub list: Expression,
    /// What each is about; `None`: they are no objects, and all of it is about the run's target.
    pub target: Option<ItemTarget>,
    /// What tells one from the others; `None`: the name of what it is about.
    pub key: Option<Expression>,
    /// With more of them, nothing is done.
    pub max: usize,
    /// So many begin at once; the last number goes on.
    pub waves: Vec<usize>,
    /// When so many have failed, no other one begins.
    pub stop_after: usize,
    /// So long after its first change no other one begins; where it only looks, after its first
    /// wave.
    pub within: Option<Duration>,
    /// `None`: they are finished where a person approved them, and else the loop stops.
    pub when_resolved: Option<WhenResolved>,
    /// Who is asked before it begins, about exactly the items that there are then.
    pub approval: Option<ApprovalRule>,
    /// Asked anew before each wave.
    pub guard: Vec<Step>,
    /// What is done for each.
    pub blocks: Vec<Block>,
}

impl ForEach {
    /// Whether a step of it changes something.
    pub fn changes(&self) -> bool {
        let mut steps = self.blocks.iter().flat_map(Block::steps);
        steps.any(|step| matches!(step.kind, StepKind::Action(Action::Mutate(_))))
    }

    /// How many the wave of that number has, counted from 0.
    pub fn wave(&self, number: usize) -> usize {
        self.waves.get(number).or(self.waves.last()).copied().unwrap_or(1)
    }
}

/// The object that an item is about.
#[derive(Debug)]
pub struct ItemTarget {
    pub kind: String,
    /// `None`: where the run's target is, or within it if that is a namespace.
    pub namespace: Option<Arg<String>>,
    pub name: Arg<String>,
}

/// What becomes of the items that have yet to begin when the alert ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenResolved {
    Finish,
    Stop,
}

/// One of several ways, by what was found: the first whose condition holds.
#[derive(Debug)]
pub struct Choose {
    /// Where it stands; its id has the branch that was chosen.
    pub address: StepAddress,
    /// The last one has no condition.
    pub branches: Vec<Branch>,
}

/// One way of a [`Choose`].
#[derive(Debug)]
pub struct Branch {
    /// What people are told.
    pub name: String,
    /// `None`: where none before it was chosen.
    pub when: Option<Expression>,
    pub blocks: Vec<Block>,
    /// Why nothing is to be done here, for people who read it.
    pub go_on: Option<String>,
}

/// One thing that is done.
#[derive(Debug)]
pub struct Step {
    /// Where it stands; in a loop, for whatever item.
    pub address: StepAddress,
    pub kind: StepKind,
    /// The step is skipped unless this holds.
    pub when: Option<Condition>,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// The total time for which failures that may pass are tried again; `None`: the engine's default for the action's effect.
    pub retry_for: Option<Duration>,
    /// Of a read: when it fails, the run goes on without its answer.
    pub goes_on_without: bool,
    /// Of a read: it is repeated.
    pub watch: Option<Watch>,
    pub verify: Option<Verify>,
    /// Of a change: when it is taken back.
    pub undo: Undo,
    /// Of a change: how often it is made for one object, by whatever run; `None`: what the engine
    /// says.
    pub at_most: Option<Rate>,
    /// Of a change: who is asked before it, whatever the autonomy.
    pub approval: Option<ApprovalRule>,
    pub at: Location,
}

impl Step {
    /// The name of its output in conditions and texts.
    pub fn id(&self) -> Option<&str> {
        self.address.id()
    }
}

/// What a step does.
#[derive(Debug)]
pub enum StepKind {
    /// The run ends with nothing to do if this holds.
    DoneIf(Condition),
    /// The run escalates unless this holds.
    Require(Condition),
    /// The run escalates if this holds.
    EscalateIf(Condition),
    /// The item of a loop is left alone if this holds.
    LeaveIf(Condition),
    /// Names for values.
    Set(Vec<(String, Expression)>),
    /// A durable timer.
    Wait(Duration),
    /// The run ends, and one of another playbook goes on.
    HandOver(HandOver),
    Action(Action),
}

/// To which playbook a run is handed over, and what about.
#[derive(Debug)]
pub struct HandOver {
    pub playbook: String,
    /// `Kind/namespace/name`, or `Kind/name`; `None`: what this run is about.
    pub target: Option<Template>,
    /// The values of its inputs, as a person would give them.
    pub inputs: Vec<(String, Template)>,
    /// What the branch is called that ends in it.
    pub branch: String,
    /// Where the playbook's name stands.
    pub at: Location,
}
