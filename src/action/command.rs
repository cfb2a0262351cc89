//! Which programs actions may run in containers. A program may do anything, and no check of the
//! cluster's own tells a look from a change: whoever runs the bot lists each command, and so gives
//! his word that it only looks.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// One argument of a program that a step runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// As the playbook writes it.
    Known(String),
    /// What fills a hole; `None`: not known yet.
    Filled(Option<String>),
}

impl Word {
    pub(super) fn known(text: impl Into<String>) -> Self {
        Word::Known(text.into())
    }

    /// The argument itself, where it is known.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Word::Known(text) => Some(text),
            Word::Filled(text) => text.as_deref(),
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().unwrap_or("*"))
    }
}

/// More arguments than a look needs.
pub(super) const MOST_WORDS: usize = 20;
/// The longest of them, in characters.
const LONGEST_WORD: usize = 200;

/// A command that may be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    program: String,
    arguments: Vec<Part>,
}

/// What an argument must be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Exactly that, and written in the playbook.
    Exactly(String),
    /// Any value that is no option.
    Any,
    /// `--stanza=*`: that, and any value behind it.
    Option(String),
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        check_word(text)?;
        if text == "*" {
            return Ok(Part::Any);
        }
        if let Some(option) = text.strip_suffix('*').filter(|option| option.starts_with('-') && option.ends_with('=')) {
            return Ok(Part::Option(option.to_owned()));
        }
        if text.contains('*') {
            return Err(format!("`{text}` is no argument: `*` stands alone, or at the end of an option: `--stanza=*`"));
        }
        Ok(Part::Exactly(text.to_owned()))
    }
}

impl Part {
    fn takes(&self, word: &Word) -> bool {
        match (self, word) {
            (Part::Exactly(exactly), Word::Known(text)) => exactly == text,
            (Part::Exactly(_), Word::Filled(_)) => false,
            (Part::Any, word) => word.text().is_none_or(is_value),
            (Part::Option(option), Word::Known(text)) => text.strip_prefix(option.as_str()).is_some_and(is_value),
            (Part::Option(_), Word::Filled(_)) => false,
        }
    }
}

/// What is no option, whatever the program makes of it.
fn is_value(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('-') && check_word(text).is_ok()
}

/// # Errors
/// Why it is no argument.
pub(super) fn check_word(text: &str) -> Result<(), String> {
    if let Some(length) = Some(text.chars().count()).filter(|length| *length > LONGEST_WORD) {
        return Err(format!("an argument has {length} characters, and {LONGEST_WORD} is the most"));
    }
    if text.chars().any(char::is_control) {
        return Err("an argument holds a control character".into());
    }
    Ok(())
}

/// # Errors
/// Why that program is never run, whatever the configuration says.
pub(super) fn check_program(program: &str) -> Result<(), String> {
    check_word(program)?;
    let name = program.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    // Also `python3.11`.
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    // Also `bash-static` and `sh.real`; and the loader, which runs what it is given.
    let first = name.split(['.', '-']).next().unwrap_or_default().trim_end_matches(|c: char| c.is_ascii_digit());
    if RUNNERS.contains(&stem)
        || RUNNERS.contains(&first)
        || stem.starts_with("ld-linux")
        || stem.starts_with("ld-musl")
    {
        return Err(format!(
            "`{program}` runs whatever it is told, so that nobody knows what is run; name the program itself"
        ));
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+');
    if stem.is_empty() || program.starts_with(['-', '.']) || !program.chars().all(is_plain) {
        return Err(format!("`{program}` is no program; write its name, such as `df`, or its path"));
    }
    Ok(())
}

/// Well-known shells and interpreters, and programs that run others or whatever they are told.
const RUNNERS: [&str; 80] = [
    "ash",
    "awk",
    "bash",
    "bun",
    "busybox",
    "capsh",
    "catatonit",
    "chroot",
    "chrt",
    "command",
    "csh",
    "dash",
    "deno",
    "doas",
    "docker",
    "dumb-init",
    "env",
    "envdir",
    "eval",
    "exec",
    "find",
    "fish",
    "flock",
    "gawk",
    "gosu",
    "ionice",
    "java",
    "ksh",
    "kubectl",
    "lua",
    "make",
    "mawk",
    "mksh",
    "nice",
    "node",
    "nohup",
    "nsenter",
    "nu",
    "parallel",
    "perl",
    "php",
    "pip",
    "prlimit",
    "psql",
    "pwsh",
    "pypy",
    "python",
    "rbash",
    "rscript",
    "ruby",
    "run-parts",
    "runuser",
    "script",
    "sed",
    "setpriv",
    "setsid",
    "sh",
    "ssh",
    "start-stop-daemon",
    "stdbuf",
    "strace",
    "su",
    "su-exec",
    "sudo",
    "systemd-run",
    "tar",
    "taskset",
    "tclsh",
    "tcsh",
    "time",
    "timeout",
    "tini",
    "toybox",
    "unshare",
    "vi",
    "vim",
    "watch",
    "xargs",
    "yash",
    "zsh",
];

impl Allowed {
    /// # Errors
    /// Why no bot runs that.
    pub fn parse(argv: &[String]) -> Result<Self, String> {
        let [program, arguments @ ..] = argv else {
            return Err("a command has a program at least".into());
        };
        check_program(program)?;
        if argv.len() > MOST_WORDS {
            return Err(format!("a command has {} words, and {MOST_WORDS} is the most", argv.len()));
        }
        let arguments = arguments.iter().map(|argument| argument.parse()).collect::<Result<_, _>>()?;
        Ok(Self { program: program.clone(), arguments })
    }

    fn takes(&self, words: &[Word]) -> bool {
        let [Word::Known(program), arguments @ ..] = words else { return false };
        *program == self.program
            && arguments.len() == self.arguments.len()
            && self.arguments.iter().zip(arguments).all(|(part, word)| part.takes(word))
    }
}

/// What this bot may run.
#[derive(Debug, Clone)]
pub struct Commands(Extent);

#[derive(Debug, Clone)]
enum Extent {
    All,
    These(Arc<[Allowed]>),
}

/// None.
impl Default for Commands {
    fn default() -> Self {
        Self::of([])
    }
}

impl Commands {
    pub fn of(allowed: impl IntoIterator<Item = Allowed>) -> Self {
        Self(Extent::These(allowed.into_iter().collect()))
    }

    /// Whatever may be allowed at all: for rehearsals, where nothing is run.
    pub fn all() -> Self {
        Self(Extent::All)
    }

    pub fn is_empty(&self) -> bool {
        matches!(&self.0, Extent::These(allowed) if allowed.is_empty())
    }

    /// Why that may not be run here, and what would let it; `None`: it may.
    pub fn refusal(&self, words: &[Word]) -> Option<String> {
        if let Some(why) = words.first().and_then(Word::text).and_then(|program| check_program(program).err()) {
            return Some(why);
        }
        let is_allowed = match &self.0 {
            // A value that no list could let in is none here, either.
            Extent::All => words.iter().all(|word| match word {
                Word::Filled(Some(text)) => is_value(text),
                Word::Known(_) | Word::Filled(None) => true,
            }),
            Extent::These(allowed) => allowed.iter().any(|allowed| allowed.takes(words)),
        };
        (!is_allowed).then(|| {
            format!(
                "the bot may not run `{}`: whoever runs it allows that in dogwatch.yaml, as `exec: {{ allow: [{}] }}`, where it changes \
                 nothing",
                told(words),
                shown(words)
            )
        })
    }
}

/// As people write it.
pub(super) fn told(words: &[Word]) -> String {
    words.iter().map(Word::to_string).collect::<Vec<_>>().join(" ")
}

/// As the configuration has it; JSON is YAML, too.
fn shown(words: &[Word]) -> String {
    let parts = words.iter().map(|word| match word {
        Word::Known(text) => text.clone(),
        Word::Filled(_) => "*".to_owned(),
    });
    serde_json::Value::from(parts.collect::<Vec<_>>()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(argv: &[&str]) -> Result<Allowed, String> {
        Allowed::parse(&argv.iter().map(|&text| text.to_owned()).collect::<Vec<_>>())
    }

    fn known(argv: &[&str]) -> Vec<Word> {
        argv.iter().map(|&text| Word::known(text)).collect()
    }

    #[test]
    fn exactly_what_is_listed_is_run() {
        let commands = Commands::of([
            allowed(&["pgbackrest", "--output=json", "info", "--stanza=*"]).unwrap(),
            allowed(&["df", "-P", "*"]).unwrap(),
        ]);
        let may = |words: &[Word]| commands.refusal(words).is_none();
        assert!(may(&known(&["pgbackrest", "--output=json", "info", "--stanza=main"])));
        assert!(may(&known(&["df", "-P", "/data"])));
        for other in [
            &["pgbackrest", "--output=json", "info"][..],
            &["pgbackrest", "--output=json", "info", "--stanza="],
            &["pgbackrest", "--output=json", "info", "--stanza=--x"],
            &["pgbackrest", "--output=json", "info", "--stanza=a", "--force"],
            &["pgbackrest", "--stanza=main", "stanza-delete", "--force"],
            &["/tmp/df", "-P", "/data"],
            &["df", "-P", "--help"],
            &["df", "-P", "a\nb"],
            &["df", "-P", ""],
            &["df"],
            &[],
        ] {
            assert!(!may(&known(other)), "{other:?}");
        }
        let filled = |text: Option<&str>| Word::Filled(text.map(str::to_owned));
        let df = |last: Word| [known(&["df", "-P"]), vec![last]].concat();
        assert!(may(&df(filled(None))) && may(&df(filled(Some("/data")))));
        assert!(!may(&df(filled(Some("-x")))));
        // A hole never stands for what must be exactly so, whatever its value is.
        assert!(!may(&[Word::known("df"), filled(Some("-P")), Word::known("/data")]));
        assert!(!may(&[filled(Some("df")), Word::known("-P"), Word::known("/data")]));
        let why = commands.refusal(&df(filled(Some("-x")))).unwrap();
        assert!(why.contains("`df -P -x`") && why.contains(r#"exec: { allow: [["df","-P","*"]] }"#), "{why}");
        assert!(Commands::default().refusal(&known(&["df"])).is_some());
        assert!(Commands::all().refusal(&known(&["df"])).is_none());
        assert!(Commands::all().refusal(&df(filled(Some("-x")))).is_some());
    }

    #[test]
    fn what_runs_other_programs_is_never_listed() {
        for runner in [
            "find",
            "psql",
            "bash-static",
            "sh.real",
            "run-parts",
            "/lib64/ld-linux-x86-64.so.2",
            "sh",
            "/bin/sh",
            "bash",
            "BASH",
            "python3.11",
            "perl",
            "env",
            "busybox",
            "-c",
            "xargs",
            "su",
            "",
        ] {
            assert!(allowed(&[runner, "x"]).is_err(), "{runner}");
            assert!(Commands::all().refusal(&known(&[runner, "x"])).is_some(), "{runner}");
        }
        assert!(allowed(&["*", "x"]).is_err() && allowed(&["df;rm", "x"]).is_err() && allowed(&["../df"]).is_err());
        assert!(allowed(&["df", "/data*"]).unwrap_err().contains("`*` stands alone"));
        assert!(allowed(&["df", "x=*"]).is_err());
        assert!(allowed(&["df", &"x".repeat(201)]).unwrap_err().contains("200 is the most"));
        assert!(allowed(&["df"; 21]).unwrap_err().contains("20 is the most"));
        assert!(allowed(&["/usr/bin/pg_isready", "-h", "*"]).is_ok());
        assert!(RUNNERS.is_sorted());
    }
}
