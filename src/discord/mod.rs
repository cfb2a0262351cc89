//! What everybody who talks to Discord shares: the client of its REST API, what its refusals mean, how plain text is
//! shown there, and what stands behind a button.
//!
//! The sink ([`crate::notify`]) writes messages and the gateway ([`crate::chat`]) takes commands; neither knows the other.

mod button;
mod client;
mod markup;
mod settings;
mod trouble;

pub use button::{parse_button, render_button};
pub use client::{Api, DiscordOptions, Place};
pub use markup::{Shown, code_block, escape, show, show_laid_out, title, without_links};
pub use settings::{DiscordConfig, DiscordRoles};
pub use trouble::Trouble;
