//! `tls.*`.

pub(super) mod inspect;
