//! Against real programs: `cargo test --test real`, after `tests/run` has got them.

#[path = "../world/mod.rs"]
mod world;

mod alertmanager_payloads;
mod shipped_queries;
mod world_alertmanager;
mod world_control_plane;
mod world_processes;
mod world_prometheus;
