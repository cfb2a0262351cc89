//! Playbooks: loaded with located errors, pinned by the digest of their content.
//!
//! A file goes through two readers. `load` reads its form: the keys there are, and the type of each value. `check` reads its
//! sense: that names stand for something, that every change is verified, that somebody is paged. Both go on after a
//! mistake, so that one look shows them all.

mod again;
mod approval;
mod catalog;
mod check;
mod commands;
mod conditions;
mod docs;
mod document;
mod folder;
mod groups;
mod hand_overs;
mod inputs;
mod kinds;
mod kubernetes;
mod load;
mod origins;
mod patched;
mod read;
mod review;
mod rights;
mod settings;
mod target;
#[cfg(test)]
mod tests;

pub use again::Reread;
pub use approval::ApprovalRule;
pub use catalog::{AlertMatch, Catalog};
pub use conditions::{Condition, Verify, Watch};
pub use docs::{MARK, Site};
pub use document::{
    Block, Branch, Choose, ForEach, HandOver, Input, InputKind, ItemTarget, Limits, Playbook, Step, StepKind,
    TargetKind, TargetPart, TargetRule, Trigger, WhenResolved,
};
pub use folder::{CASES, FilesOf, files_of, read_folder, root_of};
pub use hand_overs::MOST_HAND_OVERS;
pub use inputs::InputProblem;
pub use kinds::{read_definitions, read_kinds};
pub use load::{LARGEST as LARGEST_PLAYBOOK, schema};
pub use rights::{Subject, rights, rights_where, roles};
pub use settings::{Setting, Settings, SiteSettings};
pub use target::{TargetError, alert_value};
