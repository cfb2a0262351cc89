//! `dogwatch demo`: a night with ten thousand databases, in under a minute.
//!
//! The bot is the real one, down to the SQLite file and the bodies that Alertmanager sends; the cluster, Prometheus and
//! the time are simulated.

mod alerts;
mod fleet;
mod folder;
mod network;
mod screen;
mod story;

pub use screen::{Screen, Tone};
pub use story::{DemoOptions, demo};
