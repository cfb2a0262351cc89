//! How many alerts are accepted durably in a second, over eight connections, while the bot works on what came before.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::bodies::firing;
use crate::process::{Serving, client, deliver};
use crate::{spread, thousands};

const CONNECTIONS: usize = 8;
const LASTING: Duration = Duration::from_secs(8);

pub async fn run() {
    println!("accepted durably (commit before 200), {CONNECTIONS} connections, {} s each:", LASTING.as_secs());
    for alerts in [1, 50, 500] {
        let serving = Serving::start().await;
        let started = Instant::now();
        let mut senders = JoinSet::new();
        for connection in 0..CONNECTIONS {
            senders.spawn(send(serving.url.clone(), connection, alerts, started));
        }
        let took: Vec<Duration> = senders.join_all().await.into_iter().flatten().collect();
        let lasted = started.elapsed();
        let bodies = took.len();
        serving.has_worked().await;
        let behind = started.elapsed() - lasted;
        let accepted = (bodies * alerts) as f64;
        assert_eq!(serving.open_episodes().await as f64, accepted, "each of them is an episode");
        println!(
            "{alerts:>6} alerts a body: {:>8} alerts/s, {:>6} bodies/s; to the answer: {}; all decided {:.1} s after the last",
            thousands(accepted / lasted.as_secs_f64()),
            thousands(bodies as f64 / lasted.as_secs_f64()),
            spread(took),
            behind.as_secs_f64(),
        );
    }
}

/// New alerts all the time, each of them once.
async fn send(url: String, connection: usize, alerts: usize, started: Instant) -> Vec<Duration> {
    let client = client();
    let mut took = Vec::new();
    for n in 0.. {
        if started.elapsed() >= LASTING {
            break;
        }
        let body = firing("PostgresUnreachable", (n * CONNECTIONS + connection) * alerts, alerts);
        let asked = Instant::now();
        deliver(&client, &url, body).await;
        took.push(asked.elapsed());
    }
    took
}
