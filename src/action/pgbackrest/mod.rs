//! Actions on backups that pgBackRest makes.

pub(super) mod info;
mod repository;
