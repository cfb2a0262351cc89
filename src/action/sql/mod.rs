//! `sql.*`: what PostgreSQL says.

pub(super) mod query;
pub(super) mod terminate;
