//! What people ask for: read from text, authorised, answered or brought in as a signal.
//!
//! The [`Desk`] is where every way ends: Discord, the console and the API bring a person and a command, and carry the
//! answer back.

mod budgets;
mod console;
mod desk;
pub mod discord;
mod parse;

pub use console::ConsoleChat;
pub use desk::{Desk, Handoffs, Previews, Reply, ReplyStatus};
pub use parse::{ParseError, command_name, parse_command};
