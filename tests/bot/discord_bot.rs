//! The bot on Discord: the real client library against the stand-in, the real store, desk, engine and outbox.

mod answers;
mod commands;
mod connection;
mod messages;
mod night;
mod pages;
mod questions;
mod refusals;
mod secrets;
mod serving;
