//! The tables, as a transaction reads and writes them: one file for each trait of
//! [`Tables`](crate::store::transaction::Tables).

mod clock;
mod delivery;
mod escalation;
mod fold;
mod freeze;
mod heartbeat;
mod incident;
mod limit;
mod overrides;
mod page;
mod remedy;
mod run;
mod signal;
mod ticket;
mod window;

use sqlx::SqliteConnection;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteQueryResult, SqliteRow};

#[cfg(test)]
pub(super) use {
    delivery::MEND, delivery::TAKE, fold::CARRIER, fold::PAGED_INCIDENTS, freeze::UNDER_WAY, freeze::WAKE_WHO_ASKS,
    limit::AT_ONCE, limit::CLOSED_AT, limit::FAILED, limit::HELPED, limit::MUTATIONS, limit::MUTATIONS_IN,
    limit::RUNNING, limit::RUNS, limit::STOPS, run::AT_WORK, run::CLAIM, run::HANDED_TO, signal::PLACES,
    ticket::FILED_SINCE, ticket::ONE_WITH, ticket::SAME_WORK, ticket::TICKETS_OF,
};

pub(super) use delivery::latest;
pub(super) use freeze::MUTATION_RECORDS;
pub(super) use run::HISTORY;

use super::failed;
use crate::store::StoreError;
use crate::store::transaction::Tables;

/// The tables within the transaction that is open on this connection.
pub(super) struct SqliteTables<'c>(pub &'c mut SqliteConnection);

impl Tables for SqliteTables<'_> {}

type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

impl SqliteTables<'_> {
    async fn execute(&mut self, what: &'static str, query: Statement<'_>) -> Result<SqliteQueryResult, StoreError> {
        query.execute(&mut *self.0).await.map_err(failed(what))
    }

    async fn one(&mut self, what: &'static str, query: Statement<'_>) -> Result<SqliteRow, StoreError> {
        query.fetch_one(&mut *self.0).await.map_err(failed(what))
    }

    async fn maybe(&mut self, what: &'static str, query: Statement<'_>) -> Result<Option<SqliteRow>, StoreError> {
        query.fetch_optional(&mut *self.0).await.map_err(failed(what))
    }

    async fn all(&mut self, what: &'static str, query: Statement<'_>) -> Result<Vec<SqliteRow>, StoreError> {
        query.fetch_all(&mut *self.0).await.map_err(failed(what))
    }
}
