//! Dogwatch: SRE runbook automation and incident bot for Kubernetes.

pub mod oncall;
