//! The stand-in for Discord itself, with the real client library: what it promises to the other tests.

mod gateway;
mod interactions;
mod messages;
mod small_bot;
