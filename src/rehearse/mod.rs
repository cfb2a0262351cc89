//! Rehearsals: the real bot on a simulated cluster, in virtual time. Playbooks' cases
//! (`dogwatch test`), drills, snapshots for cases, and the demo.

mod asked;
pub mod cases;
mod demo;
mod drill;
mod snapshot;
mod stage;

pub use asked::asked_run;
pub use demo::{DemoOptions, Screen, demo};
pub use drill::{Table, drill};
pub use snapshot::{Snapshot, snapshot};
pub use stage::{Setting, Stage};
