//! Where the password for one of thousands of databases comes from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::str::FromStr;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use super::Place;
use crate::model::{HumanDuration, Secret, declare_secret};
use crate::secret::SecretSource;

/// Where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Password {
    /// None is sent: a client certificate, or `trust` of a network, lets us in.
    None,
    /// One for all.
    Same(SecretSource),
    /// A file for each: a mounted Secret per database.
    File(Template),
    /// A program that prints it, with its arguments: no shell.
    Command(Vec<Template>),
}

/// A text in which `{namespace}`, `{cluster}` and `{pod}` stand for those of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(String);

const HOLES: [&str; 3] = ["{namespace}", "{cluster}", "{pod}"];

/// A program that prints a password has so much time, and may print so many bytes.
const WITHIN: Duration = Duration::from_secs(5);
const LONGEST: u64 = 4 * 1024;

impl Template {
    /// What it is for one database.
    ///
    /// # Errors
    /// When a name could lead elsewhere: it holds more than names of Kubernetes do.
    pub fn fill(&self, place: &Place) -> Result<String, String> {
        let Place { namespace, cluster, pod, .. } = place;
        let mut text = self.0.clone();
        for (hole, value) in HOLES.iter().zip([namespace, cluster, pod]) {
            if !text.contains(hole) {
                continue;
            }
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
            if value.is_empty() || value.starts_with('.') || value.starts_with('-') || !value.chars().all(is_plain) {
                return Err(format!("`{}` cannot be put into `{self}`", value.chars().take(60).collect::<String>()));
            }
            text = text.replace(hole, value);
        }
        Ok(text)
    }

    /// Has a relative path start at `base`.
    pub fn anchor(&mut self, base: &Path) {
        self.0 = base.join(&self.0).to_string_lossy().into_owned();
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = HOLES.iter().fold(text.to_owned(), |rest, hole| rest.replace(hole, ""));
        if rest.contains(['{', '}']) {
            return Err(format!("`{text}` has another hole than {}", HOLES.join(", ")));
        }
        Ok(Self(text.to_owned()))
    }
}

impl Password {
    /// The password for that database. From then on it is masked in every text.
    ///
    /// # Errors
    /// Why it is not there, without the password or what a program printed.
    pub async fn read(&self, place: &Place) -> Result<Option<Secret>, String> {
        let secret = match self {
            Password::None => return Ok(None),
            Password::Same(source) => source.read(),
            Password::File(template) => SecretSource::File(PathBuf::from(template.fill(place)?)).read(),
            Password::Command(words) => return run(words, place).await.map(Some),
        };
        secret.map(Some).map_err(|error| error.to_string())
    }
}

async fn run(words: &[Template], place: &Place) -> Result<Secret, String> {
    let words = words.iter().map(|word| word.fill(place)).collect::<Result<Vec<_>, _>>()?;
    let [program, arguments @ ..] = words.as_slice() else { return Err("`sql.password.command` is empty".into()) };
    let told = |what: String| format!("`{program}` {what}");
    let printed = async {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // What it complains about may hold what it was not to show.
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| told(format!("cannot be started: {error}")))?;
        let mut text = Vec::new();
        if let Some(out) = child.stdout.take() {
            out.take(LONGEST + 1).read_to_end(&mut text).await.map_err(|error| told(error.to_string()))?;
        }
        if text.len() as u64 > LONGEST {
            return Err(told("prints more than a password".into()));
        }
        let status = child.wait().await.map_err(|error| told(error.to_string()))?;
        if !status.success() {
            return Err(told(format!("failed ({status}); what it says of that is not shown: run it by hand")));
        }
        let text = String::from_utf8(text).map_err(|_| told("prints what is no text".into()))?;
        let text = text.trim();
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(told("prints no password, or more than one line".into()));
        }
        Ok(Secret::new(text))
    };
    let late = |_| told(format!("did not end within {}", HumanDuration(WITHIN)));
    let secret = timeout(WITHIN, printed).await.map_err(late)??;
    declare_secret(secret.expose());
    Ok(secret)
}
