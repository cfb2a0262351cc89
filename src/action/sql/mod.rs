//! `sql.*`: what PostgreSQL says.

pub(super) mod query;
