//! Actions on backups that pgBackRest makes.

pub(super) mod backup;
pub(super) mod check;
pub(super) mod info;
mod repository;
mod stanza;
