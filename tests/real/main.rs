//! Against real programs: `cargo test --test real`, after `tests/run` has got them.

#![allow(clippy::disallowed_methods, reason = "real programs live in real time")]

#[path = "../world/mod.rs"]
mod world;

#[macro_use]
#[path = "../contract/cluster.rs"]
mod cluster_contract;

mod alertmanager_alerts;
mod alertmanager_payloads;
mod check_live;
mod contract_cluster;
mod email;
mod http_request;
mod kinds;
mod kubernetes_fields;
mod metrics;
mod patroni;
mod postgres;
mod prometheus_client;
mod shipped_queries;
mod site;
mod wall_clock;
mod whole_way;
mod world_alertmanager;
mod world_control_plane;
mod world_processes;
mod world_prometheus;
