//! The suites that every implementation of an edge must pass.

#[macro_use]
mod cluster;
mod exec_server;
mod recorded_database;
mod sick_api_server;
mod sick_prometheus;
mod sim_cluster;
mod sqlite_store;
#[macro_use]
mod store;
#[path = "../world/story/mod.rs"]
mod story;
