//! `tcp.*`.

pub(super) mod connect;
