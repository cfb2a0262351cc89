//! Conversations with the whole bot.

#[path = "../world/mod.rs"]
mod world;

mod discord_stand_in;
mod shipped_playbooks;
