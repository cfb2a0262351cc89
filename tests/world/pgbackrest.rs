//! A real pgBackRest with a repository of its own, beside a PostgreSQL that archives to it.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::Command;

use super::postgres::{Postgres, as_its_user};
use super::process::Process;
use super::programs::installed;

pub const STANZA: &str = "main";

pub struct PgBackRest {
    pub postgres: Postgres,
}

impl PgBackRest {
    /// With a stanza, and no backup yet.
    pub async fn start() -> Self {
        let postgres = Postgres::start_with(&["archive_mode=on"]).await;
        let it = Self { postgres };
        let home = it.postgres.home();
        let of = |name: &str| home.join(name).display().to_string();
        let config = format!(
            "[global]\nrepo1-path={repo}\nlog-path={log}\nlock-path={lock}\nspool-path={spool}\nstart-fast=y\n\
             repo1-retention-full=9\n[{STANZA}]\npg1-path={data}\npg1-port={port}\npg1-socket-path={home}\n\
             pg1-user=postgres\n",
            repo = of("repo"),
            log = of("log"),
            lock = of("lock"),
            spool = of("spool"),
            data = of("data"),
            port = it.postgres.port,
            home = home.display(),
        );
        std::fs::write(it.config(), config).expect("write");
        it.runs(&["stanza-create"]);
        it.archives();
        // PostgreSQL looks for what is to be archived once a minute at the latest.
        it.runs(&["check"]);
        it
    }

    /// What PostgreSQL writes is archived from now on.
    pub fn archives(&self) {
        self.archives_by(&format!("pgbackrest --config={} --stanza={STANZA} archive-push %p", self.config().display()));
    }

    /// The same, by another command.
    pub fn archives_by(&self, command: &str) {
        self.postgres.sql(&format!("alter system set archive_command = '{command}'"));
        self.postgres.sql("select pg_reload_conf()");
    }

    pub fn config(&self) -> PathBuf {
        self.postgres.home().join("pgbackrest.conf")
    }

    pub fn repository(&self) -> PathBuf {
        self.postgres.home().join("repo")
    }

    /// The user and the group that it runs as.
    pub fn user(&self) -> (u32, u32) {
        let home = std::fs::metadata(self.postgres.home()).expect("the server's folder");
        (home.uid(), home.gid())
    }

    /// Runs a command of it to its end, which is a good one.
    pub fn runs(&self, arguments: &[&str]) {
        self.says(arguments);
    }

    /// The same, with what it prints.
    pub fn says(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("pgbackrest runs");
        let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "pgbackrest {arguments:?}: {errors}{said}");
        said.into_owned()
    }

    /// Begins a command of it, which goes on until the answer is dropped.
    pub fn begins(&self, name: &str, arguments: &[&str]) -> Process {
        Process::start(name, &self.postgres.home(), &self.command(arguments))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = as_its_user(&installed("pgbackrest"));
        command.env("PGBACKREST_CONFIG", self.config()).arg(format!("--stanza={STANZA}")).args(arguments);
        command.current_dir("/");
        command
    }
}
