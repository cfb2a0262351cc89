//! The world around the bot, for the tests: real programs as child processes, and stand-ins for what cannot run here.
//!
//! A test binary takes it in by path (`#[path = "../world/mod.rs"] mod world;`). The real programs come from
//! `tests/run`; one that is missing is a panic that says so, never a test that passes without having tested.
//!
//! | module | what it is |
//! | --- | --- |
//! | `control_plane` | a real Kubernetes control plane, with an admin, the restricted bot user and hollow nodes |
//! | `kubernetes_api` | plain requests to an API server as one of its users |
//! | `kwok` | a node whose pods run commands on this machine |
//! | `audit` | the API server's own record of what the bot user did |
//! | `away` | a cluster that nobody answers for |
//! | `alertmanager` | a real Alertmanager, or several as one cluster |
//! | `prometheus` | a real Prometheus that scrapes what the test says |
//! | `kubelet` | a node that the test plays: it has the logs of containers |
//! | `patroni` | a real Patroni cluster with PostgreSQL, its exporters, and somebody who writes all the time |
//! | `postgres` | a real PostgreSQL with TLS and passwords |
//! | `pgbackrest` | a real pgBackRest with its repository, beside a PostgreSQL |
//! | `discord` | a stand-in for Discord: gateway and REST |
//! | `mail_server` | a real mail server |
//! | `mail` | a stand-in for a mail server that refuses what it is told to, and mails as read |
//! | `pagerduty` | a stand-in for PagerDuty: its events and its webhook |
//! | `chats` | stand-ins for Slack, Mattermost, Teams' Workflows and ntfy |
//! | `trackers` | stand-ins for the issues of GitHub and GitLab |
//! | `webhook_receiver` | keeps the notifications that it is sent, and answers what the test says |
//! | `parcels` | what a sink is given |
//! | `story` | a store filled through its own API, also for the crate's unit tests |
//! | `log` | what a test's own thread logs |
//! | `process`, `folder`, `ports`, `wait`, `http`, `tls`, `programs`, `certificates`, `kubernetes_programs` | what those stand on |

#![allow(dead_code, reason = "each test binary uses the part that it needs")]

pub mod alertmanager;
pub mod audit;
pub mod away;
pub mod certificates;
pub mod chats;
pub mod control_plane;
pub mod discord;
pub mod folder;
pub mod http;
pub mod kubelet;
pub mod kubernetes_api;
pub mod kubernetes_programs;
pub mod kwok;
pub mod log;
pub mod mail;
pub mod mail_server;
pub mod pagerduty;
pub mod parcels;
pub mod patroni;
pub mod pgbackrest;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod programs;
pub mod prometheus;
pub mod story;
pub mod tls;
pub mod trackers;
pub mod wait;
pub mod webhook_receiver;
