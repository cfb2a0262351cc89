//! What the bot says about itself while it works: to standard error, so that standard output stays the console's.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{LogConfig, LogFormat};
use crate::model::{redact, redact_value};

/// Starts logging as the configuration says: for people on a terminal, as JSON lines else. Once in
/// a process. Libraries say nothing below `info`, whatever the level: some of them print what they
/// are given to work on. What looks like a secret is masked in every line.
///
/// # Errors
/// When the level is none, or logging has been started before.
pub fn start(config: &LogConfig) -> anyhow::Result<()> {
    let level = EnvFilter::builder().parse(&config.level).context("`log.level` is no level")?;
    let filter = level.and(filter_fn(may_be_said));
    let terminal = io::stderr().is_terminal();
    let json = match config.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !terminal,
    };
    let lines = fmt::layer().with_writer(move || Masked { json });
    let registry = tracing_subscriber::registry();
    let started = if json {
        registry.with(lines.json().flatten_event(true).with_current_span(false).with_filter(filter)).try_init()
    } else {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        registry.with(lines.with_ansi(terminal && !plain).with_target(false).with_filter(filter)).try_init()
    };
    started.map_err(|error| anyhow::anyhow!("logging could not be started: {error}"))?;
    // What panics quotes what it was at.
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let said = format!("thread {:?} {panic}\n", thread.name().unwrap_or("without a name"));
        // There is nobody to tell when this fails.
        let _ = io::stderr().write_all(redact(&said).as_bytes());
    }));
    Ok(())
}

fn may_be_said(what: &Metadata<'_>) -> bool {
    let is_of =
        |name: &str| what.target().strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    // With the cluster away it tells of each request that failed, and the lease is asked about
    // every few seconds.
    let is_told_by_us = *what.level() == Level::ERROR && ["kube_client", "tower"].into_iter().any(is_of);
    is_of("dogwatch") || (*what.level() <= Level::INFO && !is_told_by_us)
}

/// Standard error, with what looks like a secret masked. It is given one whole line at a time.
struct Masked {
    json: bool,
}

impl Write for Masked {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        say(masked(&String::from_utf8_lossy(line), self.json).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Writes to standard error. A pipe that nobody reads any more is waited for once, and then gets
/// nothing until it takes something again: lines are lost then, and not pages.
fn say(line: &[u8]) -> io::Result<()> {
    /// What a pipe that takes anything takes without waiting (POSIX's `PIPE_BUF` on Linux).
    const AT_ONCE: usize = 4096;
    static IS_STUCK: AtomicBool = AtomicBool::new(false);
    let mut stderr = io::stderr().lock();
    for piece in line.chunks(AT_ONCE) {
        let patience = Timespec { tv_sec: i64::from(!IS_STUCK.load(Ordering::Relaxed)), tv_nsec: 0 };
        let mut asked = [PollFd::new(&stderr, PollFlags::OUT)];
        let is_taken = poll(&mut asked, Some(&patience)).is_ok_and(|ready| ready > 0);
        IS_STUCK.store(!is_taken, Ordering::Relaxed);
        if !is_taken {
            return Ok(());
        }
        stderr.write_all(piece)?;
    }
    Ok(())
}

/// A line of JSON stays one.
fn masked(line: &str, json: bool) -> Cow<'_, str> {
    let masked = redact(line);
    if let (true, Cow::Owned(_)) = (json, &masked)
        && let Ok(mut fields) = serde_json::from_str::<serde_json::Value>(line)
    {
        redact_value(&mut fields);
        return Cow::Owned(format!("{fields}\n"));
    }
    masked
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_errors_of_the_clients_library_are_left_to_us() {
        let log = Log::default();
        let writer = log.clone();
        let lines = fmt::layer().with_ansi(false).with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry().with(lines.with_filter(filter_fn(may_be_said)));
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!(target: "kube_client::client::builder", "failed with error 1");
            tracing::error!(target: "tower::buffer::worker", "failed with error 2");
            tracing::warn!(target: "kube_client::config", "said 3");
            tracing::error!(target: "tower_http::trace::on_failure", "said 4");
            tracing::debug!(target: "rustls", "with what it was given 5");
            tracing::debug!(target: "dogwatch::mandate", "said 6");
            tracing::error!(target: "dogwatch", "said 7");
        });
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let said: Vec<&str> = text.lines().filter_map(|line| line.split(' ').next_back()).collect();
        assert_eq!(said, ["3", "4", "6", "7"], "{text}");
    }

    #[test]
    fn a_masked_line_of_json_is_one_still() {
        let line = "{\"error\":\"it said \\\"Authorization: Bearer x7x7x7x7x7\\\" and password=hunter2\"}\n";
        let masked = masked(line, true);
        assert!(!masked.contains("hunter2") && !masked.contains("x7x7"), "{masked}");
        assert!(serde_json::from_str::<serde_json::Value>(&masked).is_ok(), "{masked}");
        assert!(masked.ends_with("}\n"));
    }
}
