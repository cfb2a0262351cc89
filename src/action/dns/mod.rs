//! `dns.*`.

pub(super) mod lookup;
