//! What was done before: what the bot itself knows.

mod past;
pub(in crate::action) mod runs;

pub use past::{Past, ScriptedPast};
