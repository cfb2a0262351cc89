//! The whole way on real programs: a real Alertmanager delivers to the real `dogwatch serve`, which asks a real Prometheus and works on
//! a real API server, as a user with just the roles that `dogwatch rbac` prints. The API server's audit log is the witness.

mod autoscalers;
mod backups;
mod certificates;
mod coredns;
mod cronjobs;
mod deliveries;
mod images;
mod nodes;
mod patroni;
mod patroni_under_load;
mod pauses;
mod pgbackrest;
mod restarts;
mod rollouts;
mod sightings;
mod storms;
mod two_bots;
mod volumes;
