//! A real mail server: Exim, from Debian's `exim4-daemon-light`. Its users have one mailbox
//! together.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::certificates::Certificates;
use super::folder::Folder;
use super::mail::Mail;
use super::ports::free_port;
use super::process::Process;
use super::programs;

const START: Duration = Duration::from_secs(30);

/// Who may log in, once the connection is encrypted.
pub const USERNAME: &str = "dogwatch";
pub const PASSWORD: &str = "password-of-the-mail-tests";

/// Ended on drop.
pub struct MailServer {
    /// `STARTTLS` is offered here.
    pub port: u16,
    /// Encrypted from the beginning.
    pub tls_port: u16,
    /// The authority that vouches for it, in PEM.
    pub authority: String,
    process: Process,
    folder: Folder,
}

impl MailServer {
    /// It takes mails to `mail.test`, except for `nobody`, whom it does not know, and `later`, for
    /// whom it wants to be asked again; from those who have logged in also for all others.
    pub async fn start() -> Self {
        let folder = Folder::new("mail");
        let certificates = Certificates::for_loopback();
        let (port, tls_port) = (free_port(), free_port());
        // Exim gives up the rights of root for a configuration that is not its own.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        for name in ["spool", "mailbox"] {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o777)).unwrap();
        }
        let write = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).unwrap();
            fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o644)).unwrap();
        };
        write("serving.pem", &certificates.serving);
        write("serving.key", &certificates.serving_key);
        write("exim.conf", &config(&folder.path().display().to_string(), tls_port));
        let mut command = Command::new(programs::installed_by("exim4", "exim4-daemon-light"));
        command.arg("-C").arg(folder.path().join("exim.conf")).arg("-bdf");
        // By the second address nobody vouches for it.
        let listens = ["127.0.0.1", "127.0.0.2"].map(|ip| format!("{ip}.{port} ; {ip}.{tls_port}"));
        command.arg("-oX").arg(format!("<; {}", listens.join(" ; ")));
        let process = Process::start("exim", folder.path(), &command);
        process
            .wait_until(START, "it answers", async || {
                tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()
                    && tokio::net::TcpStream::connect(("127.0.0.1", tls_port)).await.is_ok()
            })
            .await;
        Self { port, tls_port, authority: certificates.authority, process, folder }
    }

    /// The mails that have come, once there are so many, in their order.
    pub async fn mails(&self, count: usize) -> Vec<Mail> {
        let files = || {
            let listed = fs::read_dir(self.folder.path().join("mailbox/new")).into_iter().flatten();
            let mut files: Vec<PathBuf> = listed.map(|entry| entry.unwrap().path()).collect();
            files.sort();
            files
        };
        self.process.wait_until(START, "the mails have come", async || files().len() >= count).await;
        let files = files();
        assert_eq!(files.len(), count);
        files.iter().map(|file| Mail::read(&fs::read_to_string(file).unwrap())).collect()
    }
}

fn config(folder: &str, tls_port: u16) -> String {
    format!(
        r#"
primary_hostname = mail.test
qualify_domain = mail.test
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
pid_file_path = {folder}/exim.pid
tls_advertise_hosts = *
tls_on_connect_ports = {tls_port}
tls_certificate = {folder}/serving.pem
tls_privatekey = {folder}/serving.key
deliver_drop_privilege = true
never_users =
keep_environment =
host_lookup =
rfc1413_query_timeout = 0s
acl_smtp_rcpt = rcpt
acl_smtp_data = accept

begin acl
rcpt:
  deny local_parts = nobody
       message = no such user here
  defer local_parts = later
       message = come again later
  accept authenticated = *
  accept domains = mail.test
  deny message = relay not permitted

begin routers
all:
  driver = accept
  transport = mailbox

begin transports
mailbox:
  driver = appendfile
  directory = {folder}/mailbox
  maildir_format
  create_directory
  envelope_to_add
  user = Debian-exim
  group = Debian-exim

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{USERNAME}}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
"#
    )
}
