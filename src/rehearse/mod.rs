//! Rehearsals: the real bot on a simulated cluster, in virtual time. Playbooks' cases (`dogwatch test`) and the demo.

pub mod cases;
mod demo;
mod stage;

pub use demo::{DemoOptions, Screen, demo};
pub use stage::{Setting, Stage};
