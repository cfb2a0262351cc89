//! The names that a playbook gives: ids of steps, and inputs.

use std::time::Duration;

use super::verify::window;
use crate::action::{Action, Field};
use crate::language::Location;
use crate::playbook::load::{RawPlaybook, RawStep, Text, What, place};

/// CEL's own words, and what conditions and texts have names for already.
const RESERVED: [&str; 50] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
    "bool",
    "bytes",
    "double",
    "duration",
    "dyn",
    "int",
    "list",
    "map",
    "null_type",
    "optional",
    "optional_type",
    "quantity",
    "size",
    "string",
    "timestamp",
    "type",
    "uint",
    "has",
    "matches",
    "each",
    "with",
    "unless",
    "this",
    "alert",
    "target",
    "inputs",
    "incident",
    "run",
    "because",
];

/// What a step leaves under its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    /// Nothing: it is a condition, a wait, a page.
    None,
    /// These fields, and `summary`.
    Fields(&'static [Field]),
    /// It depends on the data, or the step could not be read.
    Unknown,
}

/// A step that has an id.
#[derive(Debug)]
pub(super) struct Named {
    pub id: String,
    pub at: Location,
    /// Its place among all steps.
    pub order: usize,
    pub output: Output,
    /// The list in its output, where the fields of its entries are known.
    pub items: Option<&'static Field>,
    pub reads: bool,
    /// How far back its query looks.
    pub window: Option<Duration>,
}

/// All names of a playbook.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub steps: Vec<Named>,
    pub inputs: Vec<String>,
    /// Not all are known, as something could not be read.
    pub incomplete: bool,
}

impl Names {
    pub fn of(raw: &RawPlaybook, incomplete: bool) -> Self {
        let mut steps = Vec::new();
        let escalate = raw.escalate.as_deref().unwrap_or_default();
        let all = [raw.diagnose.as_slice(), &raw.mitigate, escalate].into_iter().flat_map(flat);
        for (order, step) in all.enumerate() {
            if let Some(id) = &step.id {
                let (output, reads) = output_of(step);
                let window = window_of(step);
                let items = items_of(step);
                steps.push(Named { id: id.value.clone(), at: place(id), order, output, items, reads, window });
            }
        }
        let inputs = raw.inputs.inputs.iter().map(|(name, _)| name.value.clone()).collect();
        Self { steps, inputs, incomplete }
    }

    pub fn step(&self, id: &str) -> Option<&Named> {
        self.steps.iter().find(|step| step.id == id)
    }
}

/// The steps of a phase in the order in which they run, those of groups among them; a group itself is no step.
fn flat(steps: &[RawStep]) -> impl Iterator<Item = &RawStep> {
    steps.iter().flat_map(|step| match group(step) {
        Some(inner) => inner.iter().collect::<Vec<_>>(),
        None => vec![step],
    })
}

/// The steps of an `atomic` group.
pub(super) fn group(step: &RawStep) -> Option<&[RawStep]> {
    match step.does.as_slice() {
        [does] => match &does.what {
            What::Atomic(inner) => Some(inner),
            _ => None,
        },
        _ => None,
    }
}

fn output_of(step: &RawStep) -> (Output, bool) {
    match step.does.as_slice() {
        [does] => match &does.what {
            What::Action(action @ Action::Read(_)) => (Output::Fields(action.describe().declaration().output), true),
            What::Action(action @ Action::Mutate(_)) => (Output::Fields(action.describe().declaration().output), false),
            _ => (Output::None, false),
        },
        _ => (Output::Unknown, true),
    }
}

fn items_of(step: &RawStep) -> Option<&'static Field> {
    match step.does.as_slice() {
        [does] => match &does.what {
            What::Action(action) => {
                action.describe().declaration().output.iter().find(|field| !field.entries.is_empty())
            }
            _ => None,
        },
        _ => None,
    }
}

fn window_of(step: &RawStep) -> Option<Duration> {
    let [does] = step.does.as_slice() else { return None };
    match &does.what {
        What::Action(action) => window(&action.describe().query()?.0),
        _ => None,
    }
}

/// What is wrong with an id, if anything.
pub(super) fn id_problem(id: &Text) -> Option<(String, String)> {
    let text = id.value.as_str();
    let first = text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let rest = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if RESERVED.contains(&text) || text == "now" {
        return Some((
            format!("`{text}` cannot be an id: conditions and texts use the word for something else"),
            format!("write `{text}_1`, or better what the step finds out"),
        ));
    }
    if first && rest && text.len() <= 63 {
        return None;
    }
    let better: String = text
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .skip_while(|c| c.is_ascii_digit())
        .take(63)
        .collect();
    Some((
        format!("`{text}` cannot be an id: ids are lowercase letters, digits and `_`, and do not begin with a digit"),
        if better.is_empty() { "write a word, such as `p99`".into() } else { format!("write `{better}` instead") },
    ))
}
