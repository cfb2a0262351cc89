//! The front door: what comes in from outside, made into signals.
//!
//! Everything here is pure. Making a signal durable is the store's; whoever stands at the door (the HTTP server, a chat)
//! calls both, and says "accepted" only after that.

mod alertmanager;
mod command;

pub use alertmanager::{NotificationError, parse_notification};
pub use command::command_signal;
