//! That nothing which a test starts outlives it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::world::folder::Folder;
use crate::world::ports::free_port;
use crate::world::process::Process;
use crate::world::wait::wait_until;

const SOON: Duration = Duration::from_secs(20);

/// Names a file: this test process is the one to be killed, and says there what it started.
const VICTIM: &str = "DOGWATCH_TEST_VICTIM";

/// A program that starts another, as real ones do. Both would run for an hour.
fn nested(folder: &Folder) -> (Process, u32) {
    let grandchild = folder.join("grandchild");
    let mut command = Command::new("sh");
    command.args(["-c", r#"sleep 3600 & echo $! > "$0.new"; mv "$0.new" "$0"; wait"#]).arg(&grandchild);
    let process = Process::start("nested", folder.path(), &command);
    while !grandchild.exists() {
        process.must_run();
        std::thread::sleep(Duration::from_millis(10));
    }
    let id = std::fs::read_to_string(&grandchild).expect("it was written").trim().parse().expect("a process id");
    (process, id)
}

fn is_alive(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // The state stands behind the name in brackets; a zombie has ended.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[tokio::test]
async fn a_dropped_process_ends_with_what_it_started() {
    let folder = Folder::new("dropped");
    let (process, grandchild) = nested(&folder);
    let child = process.id();
    if let Some(report) = std::env::var_os(VICTIM) {
        std::fs::write(report, format!("{child} {grandchild} {}\n", folder.path().display()))
            .expect("write the report");
        std::thread::sleep(Duration::from_secs(3600)); // to be killed here
    }
    assert!(is_alive(child) && is_alive(grandchild));
    drop(process);
    wait_until(SOON, "both have ended", async || !is_alive(child) && !is_alive(grandchild)).await;
}

#[tokio::test]
async fn a_killed_test_leaves_no_process_and_no_folder() {
    let folder = Folder::new("victim");
    let report = folder.join("report");
    let mut victim = Command::new(std::env::current_exe().expect("this test binary"))
        .args(["--exact", "world_processes::a_dropped_process_ends_with_what_it_started"])
        .env(VICTIM, &report)
        .stdout(Stdio::null())
        .spawn()
        .expect("run this test binary again");
    let read = || std::fs::read_to_string(&report).unwrap_or_default();
    wait_until(SOON, "the victim has started something", async || read().ends_with('\n')).await;
    let report = read();
    let parts: Vec<&str> = report.split_whitespace().collect();
    let ids: Vec<u32> = parts[..2].iter().map(|id| id.parse().expect("a process id")).collect();
    assert!(ids.iter().all(|id| is_alive(*id)) && Path::new(parts[2]).exists());

    victim.kill().expect("kill -9");
    victim.wait().expect("reap it");

    wait_until(SOON, "what it started has ended", async || !ids.iter().any(|id| is_alive(*id))).await;
    wait_until(SOON, "its folder is gone", async || !Path::new(parts[2]).exists()).await;
}

#[tokio::test]
async fn a_panic_shows_why_a_process_ended_early() {
    let folder = Folder::new("early");
    let mut command = Command::new("sh");
    command.args(["-c", "echo no such bone; exit 3"]);
    let process = Process::start("dog", folder.path(), &command);
    assert_eq!(process.ended(SOON).await.code(), Some(3));

    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| process.must_run()));
    let message = *panicked.expect_err("it has ended").downcast::<String>().expect("a message");

    assert!(message.contains("dog ended early") && message.contains("no such bone"), "{message}");
}

#[tokio::test]
async fn a_process_can_be_told_to_end() {
    let folder = Folder::new("told");
    let mut command = Command::new("sh");
    command.args(["-c", r#"trap 'exit 7' TERM; echo "$BONE"; while :; do sleep 0.1; done"#]).env("BONE", "buried");
    let process = Process::start("dog", folder.path(), &command);
    let says = || std::fs::read_to_string(process.log()).expect("its log");
    process.wait_until(SOON, "it has begun", async || says().contains("buried")).await;

    process.signal("TERM");

    assert_eq!(process.ended(SOON).await.code(), Some(7));
    assert!(!process.runs());
}

#[test]
fn no_port_is_given_twice() {
    let mut ports: Vec<u16> = (0..100).map(|_| free_port()).collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 100);
}
