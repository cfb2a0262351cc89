//! The real Alertmanagers of the test world.
