//! How much memory the real process takes.

use crate::bodies::firing;
use crate::process::{Serving, client, deliver};

const EPISODES: usize = 10_000;

pub async fn run() {
    println!("resident memory of `dogwatch serve`:");
    let serving = Serving::start().await;
    let tell = |when: &str| {
        let (now, highest) = serving.memory();
        println!("{when:>40}: {now:>6.1} MiB, highest so far {highest:>6.1} MiB");
    };
    tell("at rest");
    let body = firing("PostgresUnreachable", 0, EPISODES);
    deliver(&client(), &serving.url, body.clone()).await;
    serving.has_worked().await;
    assert_eq!(serving.open_episodes().await, EPISODES as u64);
    tell("10,000 open episodes, from one body");
    for _ in 0..10 {
        deliver(&client(), &serving.url, body.clone()).await;
    }
    serving.has_worked().await;
    tell("the same body ten times more");
}
