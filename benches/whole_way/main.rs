//! How much the whole bot takes in and does: `cargo bench --bench whole_way`. About a minute and a half.
//!
//! What is asked is in README.md beside this, with the figures of the last time. A name of one part runs that part alone:
//! `cargo bench --bench whole_way -- accept`.

#![allow(clippy::disallowed_methods, reason = "it measures real time")]

mod accept;
#[path = "../../tests/world/away.rs"]
mod away;
mod bodies;
mod first_step;
mod memory;
mod process;
mod site;
mod steps;

use std::time::Duration;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let is_wanted = |part: &str| wanted.is_empty() || wanted.iter().any(|name| name == part);
    dogwatch::tls::install_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        if is_wanted("accept") {
            accept::run().await;
        }
        if is_wanted("first_step") {
            first_step::run().await;
        }
        if is_wanted("steps") {
            steps::run().await;
        }
        if is_wanted("memory") {
            memory::run().await;
        }
    });
}

/// Median, 99th hundredth and worst.
fn spread(mut took: Vec<Duration>) -> String {
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    format!("median {:.1?}, 99% {:.1?}, worst {:.1?}", at(0.5), at(0.99), at(1.0))
}

/// `12,345`
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|g| std::str::from_utf8(g).expect("digits")).collect();
    groups.join(",")
}
