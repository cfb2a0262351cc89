//! The program itself, as people and scripts start it.

mod actions;
mod against;
mod answers;
#[path = "../world/away.rs"]
mod away;
mod cases;
mod check;
mod chosen;
mod coverage;
mod docs;
mod documents;
mod drills;
mod files;
mod flood;
mod folders;
mod help;
mod hostile;
mod kills;
mod logs;
mod manifest;
mod mistakes;
mod odd;
mod page;
mod passwords;
mod playbooks;
mod proxies;
mod reloads;
mod runs_to_cases;
mod schemas;
mod serve;
mod serving;
mod settings;
mod shipped;
mod shipped_metrics;
#[path = "../world/story/mod.rs"]
mod story;
mod surroundings;

use std::path::Path;
use std::process::{Command, Output};

/// What a call of `dogwatch` came to.
struct Said {
    code: i32,
    out: String,
    err: String,
}

/// Starts `dogwatch` in `dir` and waits for its end. Nothing of this process's own settings reaches it.
fn dogwatch(dir: &Path, args: &[&str], vars: &[(&str, &str)]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dogwatch"));
    command.args(args).current_dir(dir);
    for name in
        ["DOGWATCH_SERVER", "DOGWATCH_TOKEN", "DOGWATCH_CONFIG", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"]
    {
        command.env_remove(name);
    }
    let Output { status, stdout, stderr } = command.envs(vars.iter().copied()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: status.code().expect("it ended by itself"), out: text(stdout), err: text(stderr) }
}

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
