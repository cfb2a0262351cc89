//! `dogwatch test`: the cases beside each playbook, and which of its branches none of them entered.

mod branches;
mod document;
mod items;
mod read;
mod report;
mod run;
mod script;
mod times;

pub use branches::{Way, WayAt, branches};
pub use document::{Answers, Case, CaseFile, ExpectedItems, schema};
pub use read::read_cases;
pub use report::{CaseReport, PlaybookReport, test_folder};
pub use run::{Came, run_case};
