//! What `pgbackrest --output=json info` says, as pgBackRest 2.45 and later have it.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;

use crate::action::masked::masked_text;
use crate::action::typed::output;
use crate::model::HumanDuration;

output! {
    pub(super) struct Stanza {
        /// Its name
        name: String,
        /// `0`: ok; `1`: it is not there; `2`: no backup; `3`: its data is missing; `4` and `5`:
        /// its repositories or databases don't agree; `99`: something else, see `reason`
        code: i64,
        /// The same in pgBackRest's words: `ok`
        message: String,
        /// What single repositories say that are not ok; empty where all are
        reason: String,
        /// Whether it is not in the repository
        missing: bool,
        /// Whether a backup or an expiry runs on this host
        lock_held: bool,
        /// How far the backup is that runs, in percent
        progress: Option<f64>,
        /// Whether a backup can be made: each repository is well, or lacks nothing but a backup
        ready: bool,
        /// The newest 50 backups of the present database, the newest first: one of before an
        /// upgrade or a `stanza-upgrade` restores another one
        backups: Vec<Backup>,
        /// How many there are in all
        count: usize,
        /// The label of the newest backup
        newest: Option<String>,
        /// Whether the newest backup found damaged pages
        newest_error: Option<bool>,
        /// How long ago the newest backup ended, in seconds; left out where its end lies in the
        /// future
        age: Option<i64>,
        /// The label of the newest full backup
        newest_full: Option<String>,
        /// How long ago the newest full backup ended, in seconds
        full_age: Option<i64>,
        /// The oldest WAL segment in the archive of the present database, in the last repository
        wal_min: Option<String>,
        /// The newest WAL segment in it
        wal_max: Option<String>,
    }
}

output! {
    pub(super) struct Backup {
        /// Its label
        label: String,
        /// `full`, `diff` or `incr`
        r#type: String,
        /// When it began
        started: String,
        /// When it ended
        finished: String,
        /// How long ago that was, in seconds; `0` where it lies in the future
        age: i64,
        /// How large the database was, in bytes
        size: i64,
        /// How much of it was copied, in bytes
        delta: i64,
        /// Whether it found damaged pages
        error: bool,
    }
}

impl Stanza {
    /// `main: ok, 2 backups, the newest 3h old`
    pub fn told(&self) -> String {
        let mut told = format!("{}: {}", self.name, self.message);
        if !self.reason.is_empty() {
            told.push_str(&format!(" ({})", self.reason));
        }
        if let Some(age) = self.age {
            let age = HumanDuration(std::time::Duration::from_secs(age.unsigned_abs()));
            told.push_str(&format!(", {} backups, the newest {age} old", self.count));
        }
        if self.lock_held {
            told.push_str(", one is running");
        }
        told
    }
}

#[derive(Deserialize)]
struct SaidStanza {
    name: String,
    status: SaidStatus,
    #[serde(default)]
    repo: Vec<SaidRepository>,
    #[serde(default)]
    db: Vec<SaidDatabase>,
    #[serde(default)]
    backup: Vec<SaidBackup>,
    #[serde(default)]
    archive: Vec<SaidArchive>,
}

#[derive(Deserialize)]
struct SaidStatus {
    code: i64,
    message: String,
    #[serde(default)]
    lock: SaidLocks,
}

#[derive(Deserialize, Default)]
struct SaidLocks {
    #[serde(default)]
    backup: SaidLock,
}

#[derive(Deserialize, Default)]
struct SaidLock {
    #[serde(default)]
    held: bool,
    size: Option<f64>,
    #[serde(rename = "size-cplt")]
    done: Option<f64>,
}

#[derive(Deserialize)]
struct SaidRepository {
    key: i64,
    status: SaidStatus,
}

/// A database that a repository knows; the present one has the highest id there.
#[derive(Deserialize)]
struct SaidDatabase {
    id: i64,
    #[serde(rename = "repo-key", default)]
    repository: i64,
}

#[derive(Deserialize)]
struct SaidBackup {
    label: String,
    database: Option<SaidDatabase>,
    r#type: String,
    error: Option<bool>,
    timestamp: SaidSpan,
    #[serde(default)]
    info: SaidSize,
}

#[derive(Deserialize)]
struct SaidSpan {
    start: i64,
    stop: i64,
}

#[derive(Deserialize, Default)]
struct SaidSize {
    #[serde(default)]
    size: i64,
    #[serde(default)]
    delta: i64,
}

#[derive(Deserialize)]
struct SaidArchive {
    min: Option<String>,
    max: Option<String>,
}

/// The codes of a stanza and of a repository: <https://pgbackrest.org/command.html#command-info>
const OK: i64 = 0;
const NO_BACKUP: i64 = 2;
const DATABASES_DIFFER: i64 = 5;

/// How far the clock of the repository's host may be ahead, in seconds.
const CLOCKS_DIFFER: i64 = 300;

/// The longest name, in characters: pgBackRest's own are far shorter.
const NAME: usize = 200;

/// As a program says it, without secrets and what steers a terminal.
fn cleaned(text: &str, longest: usize) -> String {
    masked_text(&text.chars().take(longest).collect::<String>())
}

const MOST_STANZAS: usize = 20;
const MOST_BACKUPS: usize = 50;

/// The stanzas that a repository has. `asked`: the only one that it was asked about.
///
/// # Errors
/// It is not what pgBackRest says, or about another stanza.
pub(super) fn read(text: &str, asked: Option<&str>, now: DateTime<Utc>) -> Result<Vec<Stanza>, String> {
    let said: Vec<SaidStanza> =
        serde_json::from_str(text).map_err(|error| format!("says what is no list of stanzas: {error}"))?;
    if let Some(asked) = asked
        && !matches!(said.as_slice(), [one] if one.name == asked)
    {
        return Err(format!("was asked about the stanza {asked}, and says nothing about it"));
    }
    if said.len() > MOST_STANZAS {
        return Err(format!("has {} stanzas, and {MOST_STANZAS} is the most; name one", said.len()));
    }
    Ok(said.into_iter().map(|said| stanza(said, now)).collect())
}

fn stanza(said: SaidStanza, now: DateTime<Utc>) -> Stanza {
    let SaidStanza { name, status, repo, db, mut backup, archive } = said;
    let present = |of: &SaidDatabase| db.iter().all(|db| db.repository != of.repository || db.id <= of.id);
    backup.retain(|backup| backup.database.as_ref().is_none_or(present));
    let is_ready = |code: i64| matches!(code, OK | NO_BACKUP);
    let ready = match repo.as_slice() {
        [] => is_ready(status.code),
        // Where they differ, its own code says only that they do.
        repos => status.code != DATABASES_DIFFER && repos.iter().all(|repo| is_ready(repo.status.code)),
    };
    let reasons = repo.iter().filter(|repo| repo.status.code != 0 && repo.status.message != status.message);
    let reasons: Vec<String> = reasons.map(|repo| format!("repo{}: {}", repo.key, repo.status.message)).collect();
    backup.sort_by_key(|backup| std::cmp::Reverse(backup.timestamp.stop));
    // A clock that is ahead by more than that lies about how old a backup is.
    let age = |backup: &SaidBackup| {
        let age = now.timestamp().saturating_sub(backup.timestamp.stop);
        (age >= -CLOCKS_DIFFER).then_some(age.max(0))
    };
    let full = backup.iter().find(|backup| backup.r#type == "full");
    // One for each version of the database, the present one last.
    let archive = archive.into_iter().next_back();
    let SaidLock { held, size, done } = status.lock.backup;
    let share = |size: f64, done: f64| (size > 0.0).then(|| (done / size * 1_000.0).round() / 10.0);
    Stanza {
        code: status.code,
        missing: matches!(status.code, 1 | 3),
        message: cleaned(&status.message, 600),
        reason: cleaned(&reasons.join("; "), 600),
        lock_held: held,
        progress: size.zip(done).filter(|_| held).and_then(|(size, done)| share(size, done)),
        count: backup.len(),
        newest: backup.first().map(|backup| cleaned(&backup.label, NAME)),
        newest_error: backup.first().map(|backup| backup.error.unwrap_or(false)),
        ready,
        age: backup.first().and_then(age),
        newest_full: full.map(|backup| cleaned(&backup.label, NAME)),
        full_age: full.and_then(age),
        backups: backup.iter().take(MOST_BACKUPS).map(|backup| shown(backup, age(backup).unwrap_or(0))).collect(),
        wal_min: archive.as_ref().and_then(|archive| archive.min.as_deref()).map(|segment| cleaned(segment, NAME)),
        wal_max: archive.and_then(|archive| archive.max).map(|segment| cleaned(&segment, NAME)),
        name: cleaned(&name, NAME),
    }
}

fn shown(backup: &SaidBackup, age: i64) -> Backup {
    let time = |seconds: i64| {
        let time = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
        time.to_rfc3339_opts(SecondsFormat::Secs, true)
    };
    Backup {
        label: cleaned(&backup.label, NAME),
        r#type: cleaned(&backup.r#type, NAME),
        started: time(backup.timestamp.start),
        finished: time(backup.timestamp.stop),
        age,
        size: backup.info.size,
        delta: backup.info.delta,
        error: backup.error.unwrap_or(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! said {
        ($name:literal) => {
            include_str!(concat!("../../../tests/fixtures/pgbackrest/2.45/", $name, ".json"))
        };
    }

    fn now() -> DateTime<Utc> {
        DateTime::parse_from_rfc3339("2026-12-01T02:00:00Z").unwrap().to_utc()
    }

    fn one(text: &str) -> Stanza {
        let mut stanzas = read(text, None, now()).unwrap();
        assert_eq!(stanzas.len(), 1);
        stanzas.remove(0)
    }

    #[test]
    fn a_healthy_repository_tells_its_backups() {
        let main = one(said!("healthy"));
        assert_eq!((main.name.as_str(), main.code, main.message.as_str()), ("main", 0, "ok"));
        assert_eq!((main.missing, main.lock_held, main.count, main.reason.as_str()), (false, false, 2, ""));
        assert_eq!(main.newest.as_deref(), Some("20261130-235356F_20261130-235515D"));
        assert_eq!(main.newest_full.as_deref(), Some("20261130-235356F"));
        assert_eq!(main.newest_error, Some(false));
        assert_eq!((main.age, main.full_age), (Some(7_479), Some(7_489)));
        assert_eq!(main.wal_min.as_deref(), Some("000000010000000000000001"));
        assert_eq!(main.wal_max.as_deref(), Some("000000010000000000000003"));
        let [diff, full] = main.backups.as_slice() else { panic!("{main:?}") };
        assert_eq!((diff.r#type.as_str(), full.r#type.as_str()), ("diff", "full"));
        assert_eq!((full.size, full.delta, full.error), (22_992_566, 22_992_566, false));
        assert_eq!((diff.size, diff.delta), (22_992_565, 8_457));
        assert_eq!(full.started, "2026-11-30T23:53:56Z");
        assert_eq!(full.finished, "2026-11-30T23:55:11Z");
        assert_eq!(main.told(), "main: ok, 2 backups, the newest 2h4m old");
    }

    /// As pgBackRest says it after `stanza-upgrade`: it is well, by the backups of before.
    #[test]
    fn a_backup_of_before_an_upgrade_is_none_of_the_present_database() {
        let upgraded =
            said!("healthy").replacen(r#""db":["#, r#""db":[{"id":2,"repo-key":1,"system-id":7,"version":"16"},"#, 1);
        assert_ne!(upgraded, said!("healthy"));
        let main = one(&upgraded);
        assert_eq!((main.code, main.count, main.age, main.newest_full), (0, 0, None, None));
    }

    #[test]
    fn a_clock_that_lies_makes_no_backup_fresh() {
        for stop in ["9999999999999", "-9223372036854775808", "1796205600"] {
            let odd = said!("healthy").replace(r#""stop":1796082911"#, &format!(r#""stop":{stop}"#));
            let full = one(&odd).full_age;
            assert!(full.is_none_or(|age| age > 1_000_000), "{stop}: {full:?}");
        }
        let ahead = said!("healthy").replace("1796082911", "1796090460");
        assert_eq!(one(&ahead).full_age, Some(0), "some minutes are nothing");
    }

    #[test]
    fn a_repository_that_lacks_only_a_backup_can_have_one() {
        let mixed =
            said!("healthy").replacen(r#""code":0,"message":"ok"}}"#, r#""code":2,"message":"no valid backups"}}"#, 1);
        assert!(one(&mixed).ready && one(said!("no_backup")).ready && one(said!("healthy")).ready);
        assert!(!one(said!("wrong_stanza")).ready && !one(said!("unreadable_repository")).ready);
    }

    #[test]
    fn what_steers_a_terminal_and_what_never_ends_is_left_out() {
        let odd = said!("healthy").replace("20261130-235356F", &format!("\\u001b[2J{}", "A".repeat(9_000)));
        let newest = one(&odd).newest_full.unwrap();
        assert!(!newest.contains('\u{1b}') && newest.chars().count() <= 210, "{newest}");
    }

    #[test]
    fn a_backup_that_runs_holds_the_lock() {
        let main = one(said!("running"));
        assert_eq!((main.code, main.lock_held, main.progress), (0, true, None));
        assert!(main.told().ends_with(", one is running"));
        // As 2.48 and later have it.
        let newer = said!("running").replace(r#""held":true"#, r#""held":true,"size":3000,"size-cplt":1001"#);
        assert_eq!(one(&newer).progress, Some(33.4));
        let none = said!("healthy").replace(r#""held":false"#, r#""held":false,"size":0,"size-cplt":0"#);
        assert_eq!(one(&none).progress, None);
    }

    #[test]
    fn a_backup_of_damaged_pages_says_so() {
        let main = one(said!("damaged"));
        assert_eq!((main.code, main.count, main.newest_error), (0, 1, Some(true)));
        assert!(main.backups[0].error);
    }

    #[test]
    fn what_is_not_there_is_an_answer() {
        let other = one(said!("wrong_stanza"));
        assert_eq!((other.code, other.missing, other.age), (1, true, None));
        assert_eq!(other.message, "missing stanza path");
        let no_repository = one(said!("no_repository"));
        assert_eq!((no_repository.code, no_repository.missing), (1, true));
        let fresh = one(said!("no_backup"));
        assert_eq!((fresh.code, fresh.missing, fresh.count, fresh.wal_max), (2, false, 0, None));
        assert!(read(said!("empty_repository"), None, now()).unwrap().is_empty());
    }

    #[test]
    fn a_repository_that_cannot_be_read_says_why() {
        let main = one(said!("unreadable_repository"));
        assert_eq!((main.code, main.missing, main.message.as_str()), (99, false, "other"));
        assert!(main.reason.starts_with("repo1: [PathOpenError] unable to list file info"), "{}", main.reason);
        assert!(main.reason.ends_with("[13] Permission denied"), "{}", main.reason);
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        assert!(read("", None, now()).unwrap_err().contains("no list of stanzas"));
        assert!(read("{}", None, now()).is_err());
        assert!(read(said!("healthy"), Some("other"), now()).unwrap_err().contains("says nothing about it"));
        assert!(read(said!("empty_repository"), Some("main"), now()).is_err());
        assert!(read(said!("healthy"), Some("main"), now()).is_ok());
    }
}
