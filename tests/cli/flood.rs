//! More connections than the server has places for, from somebody without a secret.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use serde_json::json;

use super::serving::{self, Serving};

/// The flood's connections and the server's need more than the usual 1,024 files, of this process
/// and of what it starts.
fn may_open_many_files() {
    let id = std::process::id().to_string();
    let raised =
        Command::new("prlimit").args(["--pid", &id, "--nofile=8192:"]).status().expect("util-linux has prlimit");
    assert!(raised.success(), "8,192 files may not be opened here (ulimit -Hn)");
}

#[test]
fn connections_that_say_nothing_keep_nobody_out() {
    may_open_many_files();
    let folder = serving::folder();
    let config = serving::CONFIG.replace("listen: 127.0.0.1:0", "listen: 127.0.0.1:0\n  health_listen: 127.0.0.1:0");
    std::fs::write(folder.path().join("dogwatch.yaml"), config).unwrap();
    let server = Serving::start_in(folder, &[]);
    let address = server.url.trim_start_matches("http://").to_owned();
    let connect = || TcpStream::connect(&address).unwrap();
    // Whoever has been let in keeps the connection through all of it.
    let mut known = connect();
    assert_eq!(asks_incidents(&mut known), 200);
    let mut flood: Vec<TcpStream> = (0..1_100).map(|_| connect()).collect();
    for _ in 0..5 {
        // They come again as they are cut off.
        for silent in &mut flood {
            silent.set_nonblocking(true).unwrap();
            let is_open = silent.read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
            if !is_open {
                *silent = connect();
            }
        }
        for (what, probe) in [("health", server.get_of_health("/healthz")), ("main", server.get("/healthz"))] {
            assert_eq!(probe.0, 200, "{what}");
        }
        assert_eq!(server.get_of_health("/readyz").0, 200);
        assert_eq!(asks_incidents(&mut known), 200);
    }
    let body = json!({
        "version": "4", "groupKey": "{}:{}",
        "alerts": [{ "status": "firing", "labels": { "alertname": "Odd" }, "startsAt": "2026-03-02T08:00:00Z" }],
    });
    assert_eq!(server.deliver(&body), 200);
    let (_, metrics) = server.get("/metrics");
    let cut =
        metrics.lines().find_map(|line| line.strip_prefix("dogwatch_connections_cut_total ")?.parse::<u64>().ok());
    assert!(cut.unwrap() >= 70, "{metrics}");
}

/// The status of the answer, on a connection that stays.
fn asks_incidents(stream: &mut TcpStream) -> u16 {
    let body = r#"{"command":"/incidents"}"#;
    let length = body.len();
    write!(
        stream,
        "POST /v1/commands HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer the-token-of-eve-is-long-enough\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    String::from_utf8(answer).unwrap()[9..12].parse().unwrap()
}
