//! The HTTP client of the tests.

use reqwest::{Client, ClientBuilder};

/// For loopback, with one TLS library as in the bot.
pub fn builder() -> ClientBuilder {
    // Fails only when a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Each test has a runtime of its own, and a kept connection dies with the runtime that opened it.
    Client::builder().no_proxy().http1_only().pool_max_idle_per_host(0)
}

pub fn client() -> Client {
    builder().build().expect("build an HTTP client")
}

/// Whether a health path answers with success; `false` also while nobody listens yet.
pub async fn is_healthy(url: &str) -> bool {
    client().get(url).send().await.is_ok_and(|answer| answer.status().is_success())
}
