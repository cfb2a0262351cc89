//! `dogwatch test`: the cases beside each playbook, and which of its branches none of them entered.

mod alertmanager;
mod branches;
mod check;
mod chosen;
mod document;
mod from_run;
mod handed_to;
mod history;
mod items;
mod judge;
mod missing;
mod network;
mod read;
mod report;
mod run;
mod script;
mod series;
mod side_by_side;
mod sql;
mod times;

pub use branches::{Way, WayAt, branches};
pub use document::{Answers, Case, CaseFile, ExpectedItems, schema};
pub use from_run::{CaseOfRun, RecordedRun, case_of_run};
pub(super) use from_run::{clean, told_from};
pub use handed_to::handed_to;
pub use missing::Missing;
pub use read::{parse_cases, read_cases};
pub use report::{CaseReport, PlaybookReport, playbook_files, test_folder};
pub use run::{Came, LONGEST, Play, run_case};
