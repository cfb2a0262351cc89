//! Dogwatch: SRE runbook automation and incident bot for Kubernetes.
//!
//! The way of the data, in one direction and without callbacks:
//!
//! ```text
//! signal -> episode -> incident -> run -> step -> cluster
//!                          \        \------> timeline -> chat, pages, handoff
//! ```
//!
//! A signal (an alert, a chat command, the end of a run) is durable before anybody is told that it was accepted. The
//! [`incident`] module decides which incident it belongs to and opens runs by inserting their rows; the [`engine`]
//! drives a run by appending to its log; the [`notify`] worker delivers what the log's transactions left in the outbox.
//! Each decision is made by a pure function and carried out by a thin worker.
//!
//! `ARCHITECTURE.md` tells the rest; `tests/shape.rs` holds the modules to its import table.

// What the unit tests share with the other tests calls the crate by its name, as those do.
#[cfg(test)]
extern crate self as dogwatch;

pub mod action;
pub mod alertmanager;
pub mod app;
pub mod bot;
pub mod chat;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod command;
pub mod config;
pub mod coverage;
pub mod diagnostics;
pub mod discord;
pub mod engine;
pub mod escalation;
pub mod files;
pub mod handoff;
pub mod http;
pub mod incident;
pub mod intake;
pub mod language;
pub mod links;
pub mod maintenance;
pub mod mandate;
pub mod message;
pub mod metrics;
pub mod model;
pub mod network;
pub mod notify;
pub mod oncall;
pub mod patroni;
pub mod playbook;
pub mod prometheus;
pub mod proxy;
pub mod rehearse;
pub mod reload;
mod script;
pub mod secret;
pub mod server;
pub mod sightings;
pub mod signature;
pub mod sql;
pub mod store;
pub mod surroundings;
pub mod timekeeper;
pub mod tls;
pub mod web;
pub mod worker;
