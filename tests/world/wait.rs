//! Waiting for a condition with a deadline, in place of sleeping for luck.

use std::time::{Duration, Instant};

const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Looks again and again until the condition holds; panics with `what` when that takes longer than `within`.
pub async fn wait_until(within: Duration, what: &str, mut condition: impl AsyncFnMut() -> bool) {
    wait_for(within, what, async || condition().await.then_some(())).await
}

/// Looks again and again until there is something, and gives it; panics with `what` when that takes longer than `within`.
pub async fn wait_for<T>(within: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < within, "waited {within:?} in vain until {what}");
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}
