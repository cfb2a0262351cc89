//! The stand-ins: what the bot talks to in the tests, each true to the documented behaviour of the real thing.

pub mod discord;
