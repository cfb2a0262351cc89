//! `pgbackrest.check`: whether WAL that PostgreSQL writes reaches the repository.

use async_trait::async_trait;

use super::first_words;
use super::stanza::{check_literal, known, resolved};
use crate::action::command::Word;
use crate::action::k8s::exec::{RIGHTS, place, run};
use crate::action::masked::masked_text;
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{AT_WILL, Action, ActionError, Declaration, Declared, Effect, Output, Read, StepContext, World};
use crate::cluster::Executed;
use crate::language::Arg;
use crate::model::{Autonomy, HumanDuration};

arguments! {
    pub(in crate::action) struct PgBackRestCheck {
        /// The stanza: letters, digits and `_ . -`
        stanza: Arg<String>,
        /// The pod in which pgBackRest is configured, the primary's or the repository host's, in
        /// the target's namespace. Left out: the target, which is a Pod then
        pod: Option<Arg<String>>,
        /// The container. Left out: the one that the annotation
        /// `kubectl.kubernetes.io/default-container` names, or else the first
        container: Option<Arg<String>>,
    }
}

output! {
    struct Checked {
        /// The pod's name
        pod: String,
        /// The container's name
        container: String,
        /// Whether a new WAL segment has reached each repository
        ok: bool,
        /// With which code pgBackRest ended: `0` where all is well
        code: i64,
        /// `ok`; `not_archived`: the segment did not come in 15 seconds; `archiving_off`:
        /// `archive_mode` is off; `other_archive_command`: not pgBackRest archives; `no_stanza`: it
        /// is not in the repository or not configured here; `other_database`: the repository is
        /// another database's; `no_primary`: only a standby is reached; `no_database`: none is
        /// reached; `repository`: it cannot be read; `other`: see `message`
        finding: String,
        /// What pgBackRest says about it; empty where all is well
        message: String,
        /// The WAL segments that came
        segments: Vec<String>,
    }
}

/// The program waits 15 seconds for a segment, and some more for PostgreSQL and each repository.
const TIMEOUT: HumanDuration = HumanDuration(std::time::Duration::from_secs(25));

impl Declared for PgBackRestCheck {
    const DECLARATION: Declaration = Declaration {
        name: "pgbackrest.check",
        summary: "Has PostgreSQL archive one WAL segment, and sees whether it comes",
        effect: Effect::Reads,
        about: "It runs exactly `pgbackrest --archive-timeout=15 --log-level-console=info --stanza=X check`, as `k8s.exec` does: \
            `exec.allow` of dogwatch.yaml must list `[pgbackrest, --archive-timeout=15, --log-level-console=info, \
            \"--stanza=*\", check]`. That PostgreSQL begins a new WAL segment is all that it changes, as `archive_timeout` does each \
            few minutes: one more segment of 16 MiB where archiving fails. So it is nothing for a volume that is all but full, and \
            nothing to repeat in a `watch`. Previews and dry runs run it as they run other reads.",
        errors: "As `k8s.exec`. What pgBackRest itself finds, whatever its code, is an answer: look at `ok` and `finding`. More than 25 \
            seconds are no answer, as with a repository that hangs.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Checked::FIELDS,
        rights: RIGHTS,
        most_autonomy: Autonomy::Auto,
        example: "\
- id: archives
  pgbackrest.check: { stanza: main, pod: db-0 }
- escalate_if: archives.finding == \"not_archived\"
  because: \"WAL does not reach the repository: {{archives.message}}\"
",
    };

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        check_literal(Some(&self.stanza))
    }

    fn command(&self) -> Option<Vec<Word>> {
        Some(words(known(&self.stanza)))
    }
}

/// What is run.
fn words(stanza: &str) -> Vec<Word> {
    let plain = ["pgbackrest", "--archive-timeout=15", "--log-level-console=info"].into_iter().map(Word::known);
    plain.chain([Word::known(format!("--stanza={stanza}")), Word::known("check")]).collect()
}

#[async_trait]
impl Read for PgBackRestCheck {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let stanza = resolved(&self.stanza, step.scope)?;
        let place = place(world, step, self.pod.as_ref(), self.container.as_ref()).await?;
        let done = run(world, &place, &words(&stanza), TIMEOUT).await?;
        let finding = finding(&done);
        let ok = finding == "ok";
        let message = if ok { String::new() } else { masked_text(&first_words(&done)) };
        let segments = segments(&done.stdout);
        let told = match segments.as_slice() {
            _ if !ok => format!("{finding}: {message}"),
            [] => "ok".to_owned(),
            segments => format!("ok, {} came", segments.join(", ")),
        };
        let summary = format!("archiving of {stanza} by {} of {}: {told}", place.container, place.key);
        let (pod, container) = (place.key.name, place.container);
        let finding = finding.to_owned();
        Ok(Output::new(&Checked { pod, container, ok, code: done.code, finding, message, segments }, summary))
    }
}

/// What the codes mean:
/// <https://github.com/pgbackrest/pgbackrest/blob/main/src/build/error/error.yaml>
fn finding(done: &Executed) -> &'static str {
    let says = |words: &str| done.stderr.contains(words);
    match done.code {
        0 => "ok",
        27 if says("primary database not found") => "no_primary",
        27 if says("no database found") => "no_database",
        28 if says("do not match the database") => "other_database",
        37 if says("requires option: pg1-path") => "no_stanza",
        55 if says("archive.info") || says("backup.info") => "no_stanza",
        41 | 42 | 53 => "repository",
        68 => "other_archive_command",
        82 => "not_archived",
        87 => "archiving_off",
        _ => "other",
    }
}

/// `WAL segment 000000010000000000000009 successfully archived to '...' on repo1`
fn segments(stdout: &str) -> Vec<String> {
    let named = |line: &str| {
        let (_, rest) = line.split_once("WAL segment ")?;
        let (segment, _) = rest.split_once(" successfully archived")?;
        Some(segment.to_owned()).filter(|segment| segment.chars().all(|c| c.is_ascii_hexdigit()))
    };
    let mut found: Vec<String> = stdout.lines().filter_map(named).take(MOST_SEGMENTS).collect();
    found.dedup();
    found
}

/// One for each repository, of which pgBackRest knows 256 at most.
const MOST_SEGMENTS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(code: i64, stderr: &str) -> Executed {
        Executed { stdout: String::new(), stderr: stderr.into(), code, is_cut: false }
    }

    macro_rules! said {
        ($name:literal) => {
            include_str!(concat!("../../../tests/fixtures/pgbackrest/2.45/check_", $name, ".stderr"))
        };
    }

    #[test]
    fn each_end_of_the_real_program_has_its_name() {
        for (code, stderr, name) in [
            (82, said!("not_archived"), "not_archived"),
            (87, said!("mode_off"), "archiving_off"),
            (68, said!("other_command"), "other_archive_command"),
            (55, said!("no_stanza"), "no_stanza"),
            (37, said!("unknown_stanza"), "no_stanza"),
            (28, said!("other_database"), "other_database"),
            (27, said!("standby"), "no_primary"),
            (27, said!("no_database"), "no_database"),
            (41, said!("repository_unreadable"), "repository"),
            (55, include_str!("../../../tests/fixtures/pgbackrest/2.45/no_configuration.stderr"), "other"),
            (25, "ERROR: [025]: assertion", "other"),
        ] {
            assert_eq!(finding(&ended(code, stderr)), name, "{stderr}");
        }
    }

    #[test]
    fn a_warning_is_not_why_it_failed() {
        assert_eq!(first_words(&ended(27, said!("no_database"))), "ERROR: [027]: no database found");
    }

    #[test]
    fn the_segment_that_came_is_told() {
        let said = include_str!("../../../tests/fixtures/pgbackrest/2.45/check_ok.stdout");
        assert_eq!(segments(said), ["000000010000000000000009"]);
    }
}
