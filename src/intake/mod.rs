//! The front door: what comes in from outside, made into signals.
//!
//! Everything here is pure. Making a signal durable is the store's; whoever stands at the door (the HTTP server, a chat)
//! calls both, and says "accepted" only after that.

mod alertmanager;
mod bounds;
mod command;
mod damage;
mod delivery;
mod fingerprint;
mod generic;
mod heartbeats;
mod source;

pub use alertmanager::parse_notification;
pub use bounds::MOST_ALERTS;
pub use command::command_signal;
pub use damage::NotificationError;
pub use generic::{MapTexts, Mapping, MappingError};
pub use source::{Form, Sender};
