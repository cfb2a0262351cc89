//! Runs: decided by a pure function over the fold of their log, carried out by a thin worker.
//!
//! [`RunState`] is the fold of recorded decisions; [`plan`] says what comes next; `drive` does it and appends what came of
//! it. A mutation goes on the log as `started`, with its absolute intent, before it is made: after a crash it is in
//! doubt, and the action finds out what became of it before anything else happens.

mod act;
mod anew;
mod ask_source;
mod asking;
mod brakes;
mod compare;
mod drive;
mod dry_run;
mod evidence;
mod filing;
mod freeze_map;
mod freeze_worker;
mod hand_over;
mod in_step;
mod inbox;
mod kind_worker;
mod loops;
mod mutate;
mod observe;
mod past;
mod plan;
mod playbook_worker;
mod preview;
mod preview_run;
mod read;
mod repeats;
mod retry;
mod scope;
mod state;
mod status;
mod tally;
#[cfg(test)]
mod tests;
mod timing;
mod undo;
mod waits;
mod walk;
mod watch;
mod windows;
mod worker;

pub use ask_source::Heard;
pub use evidence::trimmed;
pub use freeze_map::FreezeMap;
pub use freeze_worker::FreezeWorker;
pub use kind_worker::{KindWorker, learn_kinds};
pub use loops::{ItemState, Loop};
pub use past::StoredPast;
pub use plan::{Next, plan};
pub use playbook_worker::PlaybookWorker;
pub use preview_run::{RunPreview, preview_run};
pub use scope::Frame;
pub use state::RunState;
pub use status::{Status, Tried};
pub use walk::{ChooseAt, LoopAt, StepAt};
pub use worker::{EngineOptions, EngineWorker};
