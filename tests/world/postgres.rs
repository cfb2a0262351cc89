//! A real PostgreSQL from Debian, with TLS and passwords, on loopback.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::certificates::Certificates;
use super::folder::Folder;
use super::ports::free_port;
use super::process::Process;
use super::programs::installed_by;

const START: Duration = Duration::from_secs(60);
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
const USER: &str = "postgres";

/// Of the role `dogwatch`, which is a member of `pg_monitor`.
pub const PASSWORD: &str = "of-this-test-alone";

pub struct Postgres {
    pub port: u16,
    /// Who has signed its certificate, PEM.
    pub authority: String,
    /// In this order: the program ends before its folder goes.
    process: Option<Process>,
    folder: Folder,
}

impl Postgres {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With more settings, which stay whatever `alter system` says.
    pub async fn start_with(more: &[&str]) -> Self {
        let folder = Folder::new("postgres");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("open the folder");
        let (port, certificates) = (free_port(), Certificates::for_loopback());
        let home = folder.join("home");
        std::fs::create_dir(&home).expect("a new folder");
        for (name, pem) in [("server.crt", &certificates.serving), ("server.key", &certificates.serving_key)] {
            std::fs::write(home.join(name), pem).expect("write");
            std::fs::set_permissions(home.join(name), std::fs::Permissions::from_mode(0o600)).expect("close it");
        }
        let given = Command::new("chown").arg("-R").arg(USER).arg(&home).status().expect("chown runs");
        assert!(given.success(), "cannot give {} to {USER}: run as root", home.display());
        let data = home.join("data");
        let made = as_postgres("initdb").arg("-D").arg(&data).args(["-A", "trust", "-U", USER, "--no-sync"]).output();
        let made = made.expect("initdb runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        // The test itself comes by the socket; whoever comes over TCP needs TLS and a password.
        let hba = "local all all trust\nhostssl all all 127.0.0.0/8 scram-sha-256\n";
        std::fs::write(data.join("pg_hba.conf"), hba).expect("write");
        let mut command = as_postgres("postgres");
        command.arg("-D").arg(&data).current_dir(&home);
        let settings = [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            format!("unix_socket_directories={}", home.display()),
            "ssl=on".into(),
            format!("ssl_cert_file={}", home.join("server.crt").display()),
            format!("ssl_key_file={}", home.join("server.key").display()),
            "fsync=off".into(),
            "shared_buffers=16MB".into(),
            "wal_level=logical".into(),
            "max_prepared_transactions=5".into(),
        ];
        for setting in settings.into_iter().chain(more.iter().map(|&setting| setting.to_owned())) {
            command.args(["-c", &setting]);
        }
        let process = Process::start("postgres", folder.path(), &command);
        let mut postgres = Self { port, authority: certificates.authority, process: None, folder };
        process.wait_until(START, "PostgreSQL runs", async || postgres.try_sql("select 1").is_ok()).await;
        postgres.process = Some(process);
        postgres.sql(&format!("create role dogwatch login password '{PASSWORD}'; grant pg_monitor to dogwatch"));
        postgres
    }

    /// Runs SQL as the superuser, and gives what it prints.
    pub fn sql(&self, sql: &str) -> String {
        self.try_sql(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Runs SQL in a session of its own, which goes on until the answer is dropped.
    pub fn session(&self, name: &str, sql: &str) -> Process {
        self.session_of(USER, name, sql)
    }

    /// The same, of that role.
    pub fn session_of(&self, role: &str, name: &str, sql: &str) -> Process {
        let mut command = Command::new(bin("psql"));
        self.connects_as(role, &mut command);
        command.env("PGAPPNAME", name).args(["-c", sql]);
        Process::start(name, self.folder.path(), &command)
    }

    /// The folder that is the server's user's: its socket, and `data`.
    pub fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    fn try_sql(&self, sql: &str) -> Result<String, String> {
        let mut command = Command::new(bin("psql"));
        self.connects(&mut command);
        let output = command.args(["-c", sql]).output().map_err(|error| error.to_string())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    fn connects(&self, command: &mut Command) {
        self.connects_as(USER, command);
    }

    fn connects_as(&self, role: &str, command: &mut Command) {
        command.args(["-qAt", "-v", "ON_ERROR_STOP=1", "-U", role, "-d", USER, "-p", &self.port.to_string(), "-h"]);
        command.arg(self.folder.join("home"));
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            process.signal("QUIT");
        }
    }
}

/// A program of PostgreSQL, as the user that it runs as.
fn as_postgres(program: &str) -> Command {
    as_its_user(&bin(program))
}

/// A program, as the user that PostgreSQL runs as.
pub fn as_its_user(program: &Path) -> Command {
    let mut command = Command::new(installed_by("setpriv", "util-linux"));
    command.args([format!("--reuid={USER}"), format!("--regid={USER}"), "--clear-groups".into()]).arg(program);
    command
}

fn bin(program: &str) -> PathBuf {
    let folder = Path::new(PROGRAMS);
    assert!(folder.is_dir(), "PostgreSQL is not installed: run tests/run, or `apt-get install postgresql-15`");
    folder.join(program)
}
