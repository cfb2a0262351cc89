//! Somebody who writes into a database all the time, and remembers what was confirmed.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{Connection as _, Executor as _};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::USER;
use crate::world::wait::wait_until;

/// As an application would: what takes longer is given up, and the leader is looked for anew.
const PATIENCE: Duration = Duration::from_secs(5);
/// Some hundred rows a second would be more work for this machine than the members need.
const PACE: Duration = Duration::from_millis(10);
const GOES_ON: usize = 20;

/// Ends on drop.
pub struct Writer {
    confirmed: Arc<Mutex<BTreeSet<i64>>>,
    _writing: JoinSet<()>,
}

impl Writer {
    /// Writes to whichever of these members leads, into the table `orders`, numbers that never come
    /// twice.
    pub(super) fn start(members: Vec<SocketAddr>) -> Self {
        let confirmed = Arc::new(Mutex::new(BTreeSet::new()));
        let mut writing = JoinSet::new();
        writing.spawn(write(members, Arc::clone(&confirmed)));
        Self { confirmed, _writing: writing }
    }

    /// Waits until more rows are confirmed than are now: somebody takes writes.
    pub async fn goes_on(&self, within: Duration) {
        let before = self.count();
        wait_until(within, "rows are confirmed again", async || self.count() >= before + GOES_ON).await;
    }

    /// How many rows were confirmed so far.
    pub fn count(&self) -> usize {
        self.confirmed.lock().expect("no panic while it is held").len()
    }

    /// Ends it, and gives all that was confirmed.
    pub fn stop(self) -> BTreeSet<i64> {
        self.confirmed.lock().expect("no panic while it is held").clone()
    }
}

async fn write(members: Vec<SocketAddr>, confirmed: Arc<Mutex<BTreeSet<i64>>>) {
    let mut leader: Option<PgConnection> = None;
    let mut number = 0;
    loop {
        if leader.is_none() {
            leader = find_leader(&members).await;
        }
        if let Some(mut connection) = leader.take() {
            number += 1;
            let insert = sqlx::query("insert into orders (n) values ($1)").bind(number);
            // Without an answer nobody knows whether it is there: it counts as not confirmed.
            if matches!(timeout(PATIENCE, connection.execute(insert)).await, Ok(Ok(_))) {
                confirmed.lock().expect("no panic while it is held").insert(number);
                leader = Some(connection);
            }
        }
        sleep(PACE).await;
    }
}

async fn find_leader(members: &[SocketAddr]) -> Option<PgConnection> {
    for member in members {
        let options = PgConnectOptions::new_without_pgpass()
            .host(&member.ip().to_string())
            .port(member.port())
            .username(USER)
            .database(USER)
            .ssl_mode(PgSslMode::Disable);
        let asked = async {
            let mut connection = PgConnection::connect_with(&options).await.ok()?;
            let follows: bool =
                sqlx::query_scalar("select pg_is_in_recovery()").fetch_one(&mut connection).await.ok()?;
            (!follows).then_some(connection)
        };
        if let Ok(Some(connection)) = timeout(PATIENCE, asked).await {
            return Some(connection);
        }
    }
    None
}
