//! The source of the kind `cluster`: failures that the bot itself sees in the cluster, and that no
//! rule need cover.
//!
//! | watch | what is seen |
//! | --- | --- |
//! | `failed_attach` | a pod waits for its volumes, and an event says that one cannot be attached |
//! | `config_error` | a container cannot be created, as its ConfigMap or Secret is missing |
//! | `image_pull` | an image cannot be pulled |
//! | `service_without_endpoints` | a Service has no ready endpoint, and its workload should run |
//! | `reports_failure` | a condition of a custom resource says that it fails |
//!
//! It is looked at from time to time (`look`), judged by pure functions (`pods`, `services`,
//! `conditions`), held for a time (`held`), and told as alerts through the front door. What could
//! not be looked at is neither seen nor gone. The look is a poll and no watch of the API server's:
//! it is bounded, goes by the bot's own clock, and begins anew after a restart without anything
//! that had to be remembered.

mod conditions;
mod held;
mod look;
mod pods;
mod services;
mod settings;
mod sighting;
mod sighting_worker;
mod told;

pub use settings::{ClusterSource, Reports, Watch, WatchedFor};
pub use sighting_worker::SightingWorker;
pub use told::{PODS, gathered_by};
