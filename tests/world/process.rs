//! Child processes that never outlive the test.
//!
//! Each starts in a process group of its own, beside a tiny shell that waits on a pipe which only the test process holds.
//! When that pipe closes, be it by drop, by the end of the test process or by a `kill -9` of it, the shell kills
//! the whole group. (A static is never dropped, and the kernel's parent-death signal follows the thread that started
//! the child, which in a test ends with that test: neither would do for a program that tests share.) The group's
//! number cannot pass to somebody else meanwhile, as the shell itself is in the group.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use super::wait::{wait_for, wait_until};

/// `exec` keeps the process id, so the child's id is the program's own.
const GUARD: &str = r#"
exec 3<&0 </dev/null
( read -r _ <&3; kill -s KILL -- "-$$" ) >/dev/null 2>&1 &
exec "$@" 3<&-
"#;

/// How much of a log a panic shows.
const TAIL_LINES: usize = 40;

/// A running program: killed and reaped on drop, with what it prints in a file.
pub struct Process {
    name: String,
    log: PathBuf,
    child: Mutex<Child>,
}

impl Process {
    /// Starts `command`, of which program, arguments, environment and working folder are taken over. Its output goes to
    /// `<folder>/<name>.log`; starting one of the same name again appends.
    pub fn start(name: &str, folder: &Path, command: &Command) -> Self {
        let log = folder.join(format!("{name}.log"));
        let output = File::options().create(true).append(true).open(&log);
        let output = output.unwrap_or_else(|error| panic!("cannot open {}: {error}", log.display()));
        let mut guarded = Command::new("sh");
        guarded.args(["-c", GUARD, name]).arg(command.get_program()).args(command.get_args());
        for (variable, value) in command.get_envs() {
            match value {
                Some(value) => guarded.env(variable, value),
                None => guarded.env_remove(variable),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            guarded.current_dir(folder);
        }
        let child = guarded
            .stdin(Stdio::piped())
            .stdout(output.try_clone().expect("duplicate a file handle"))
            .stderr(output)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run sh for {name}: {error}"));
        Self { name: name.to_owned(), log, child: Mutex::new(child) }
    }

    pub fn id(&self) -> u32 {
        self.child().id()
    }

    /// The file with all that it printed.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Whether it runs still.
    pub fn runs(&self) -> bool {
        self.exit_status().is_none()
    }

    /// How it ended, if it has.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.child().try_wait().expect("ask for the state of a child")
    }

    /// Panics, with the end of its log, unless it runs.
    pub fn must_run(&self) {
        if let Some(status) = self.exit_status() {
            panic!("{} ended early ({status}). {}", self.name, self.log_tail());
        }
    }

    /// Waits until the condition holds; panics with the end of its log when the program ends before that or the time is over.
    pub async fn wait_until(&self, within: Duration, what: &str, mut condition: impl AsyncFnMut() -> bool) {
        let waited = tokio::time::timeout(within, async {
            wait_until(Duration::MAX, what, async || {
                self.must_run();
                condition().await
            })
            .await;
        });
        if waited.await.is_err() {
            panic!("waited {within:?} in vain until {what}. {}", self.log_tail());
        }
    }

    /// Sends a signal by name ("TERM", "KILL", "STOP", "CONT") to the program itself, not to what it started.
    pub fn signal(&self, signal: &str) {
        let child = self.child();
        // The shell's own kill: a program of that name is not everywhere.
        let kill = format!("kill -s {signal} {}", child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status();
        assert!(sent.expect("run sh").success(), "cannot send {signal} to {}", self.name);
    }

    /// Waits for its end and gives the status.
    pub async fn ended(&self, within: Duration) -> ExitStatus {
        wait_for(within, &format!("{} ends", self.name), async || self.exit_status()).await
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn log_tail(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
        format!("the end of {}:\n{tail}", self.log.display())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut child = self.child();
        drop(child.stdin.take()); // the group goes
        let _ = child.kill(); // this one at once
        let _ = child.wait();
    }
}
