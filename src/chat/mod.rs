//! What people ask for: authorised, answered or brought in as a signal. How it is asked stands in
//! `command`.
//!
//! The [`Desk`] is where every way ends: Discord, the console and the API bring a person and a
//! command, and carry the answer back.

mod budgets;
mod console;
mod desk;
pub mod discord;
mod explains;
mod look;
mod playbooks;

pub use console::ConsoleChat;
pub use desk::{Desk, Handoffs, Playbooks, Previews, Reply, ReplyStatus};
