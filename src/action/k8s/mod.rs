//! What is asked of a cluster, and what is changed in one.

pub(super) mod claim_owner;
mod claims;
pub(super) mod cordon;
pub(super) mod create_job;
pub(super) mod delete_job;
pub mod deny;
mod doubt;
pub(super) mod events;
pub(super) mod evict;
pub(super) mod expand_pvc;
mod field_owner;
pub(super) mod get;
mod jobs;
pub(super) mod last_change;
pub(super) mod list;
pub(super) mod logs;
mod named;
mod objects;
mod other_bot;
pub(super) mod pods;
pub(super) mod scale;
pub(super) mod uncordon;
mod unschedulable;
mod way_back;
