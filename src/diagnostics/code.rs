//! The kinds of mistakes. A code never changes its name and is never used for something else:
//! scripts go by it, and people look it up in `docs/reference/errors.md`.

use std::fmt;

macro_rules! codes {
    ($($variant:ident $word:literal $summary:literal,)+) => {
        /// What kind of mistake it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $summary] $variant,)+
        }

        impl Code {
            /// All there are, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// As it is shown: `unknown-field`.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// What it means, in a line.
            pub fn summary(self) -> &'static str {
                match self {
                    $(Self::$variant => $summary,)+
                }
            }
        }
    };
}

codes! {
    // The file and its form.
    Unreadable "unreadable" "A file or folder is not there, cannot be read, or is no text.",
    IgnoredFile "ignored-file" "A file beside the playbooks is not read, as its name does not end in `.yaml`.",
    TooLarge "too-large" "A file is larger than any that somebody wrote by hand.",
    EmptyFile "empty-file" "A file says nothing.",
    WrongDocument "wrong-document" "A file is another kind of document than belongs there, or of another version.",
    SeveralDocuments "several-documents" "A file holds more than one document.",
    InvalidYaml "invalid-yaml" "A file is no YAML.",
    OddCharacter "odd-character" "A character stands there that looks like another one, or like nothing.",
    TooComplex "too-complex" "A file is nested too deeply, repeats itself by aliases, or uses a part of YAML that is not supported.",
    DuplicateKey "duplicate-key" "A key is given twice in one mapping.",
    UnknownField "unknown-field" "A field is not known where it stands.",
    MissingField "missing-field" "A field that must be there is not.",
    NoValue "no-value" "A field has no value, or an empty one.",
    WrongType "wrong-type" "Something else belongs there: a list, a mapping, a number or a single text.",
    InvalidValue "invalid-value" "A value does not have the form that the field needs: a duration, a date, a version.",
    UnknownValue "unknown-value" "A value is none of the words that are known there.",
    OutOfRange "out-of-range" "A number, a duration or a count is too small or too large to make sense.",
    InvalidName "invalid-name" "A name has characters that it must not have, is too long, or means something else already.",
    DuplicateName "duplicate-name" "Two things that need names of their own have the same.",
    UnknownName "unknown-name" "Nothing of that name is there: no step, input, member or sink.",
    Contradiction "contradiction" "Two fields that are right by themselves cannot both be meant.",
    // Playbooks.
    UnknownAction "unknown-action" "A step names an action that there is not.",
    NoAction "no-action" "A step does nothing.",
    SecondAction "second-action" "A step does two things.",
    Misplaced "misplaced" "A field, a step or a block stands where it has no place.",
    InvalidArgument "invalid-argument" "An argument of an action cannot be what is written there.",
    FieldNotAllowed "field-not-allowed" "A playbook changes a field that bots may change only where their configuration allows it.",
    CommandNotAllowed "command-not-allowed" "A playbook runs a program in a container that bots may run only where their configuration allows it.",
    WrongTarget "wrong-target" "An action can do nothing with the kind of the target.",
    InvalidCondition "invalid-condition" "A condition is no CEL, or cannot be decided.",
    ConstantCondition "constant-condition" "A condition always has the same answer.",
    MixedTypes "mixed-types" "A condition compares a number with a text, or the like, which has no answer.",
    InvalidTemplate "invalid-template" "A text with holes cannot be read.",
    NotYetKnown "not-yet-known" "A name is used where it has no value yet, or not on each way.",
    InvalidBranch "invalid-branch" "A branch of a `choose` has no name, no condition, or does not say what comes then.",
    InvalidLoop "invalid-loop" "A `foreach` has no list, nothing that tells its items apart, no bound, or waves that make no sense.",
    NeverReached "never-reached" "No run comes as far as this step or branch.",
    TooMuchAutonomy "too-much-autonomy" "A playbook may do alone what somebody must be asked about.",
    NoVerify "no-verify" "A change is verified by nothing.",
    StaleVerify "stale-verify" "A verify looks at what was measured before the change.",
    MissingEvidence "missing-evidence" "A condition takes for granted, or for an answer, what a read that may fail has found.",
    NotHeeded "not-heeded" "A step finds something out that nobody asks for.",
    NoPage "no-page" "An escalation reaches nobody for certain.",
    NoReason "no-reason" "A step that calls somebody does not say why.",
    ShadowedTrigger "shadowed-trigger" "A trigger never counts, as one above it takes every alert of that name.",
    InvalidQuery "invalid-query" "A query is no PromQL.",
    UnknownFunction "unknown-function" "A query calls a function that Prometheus does not have.",
    HostNotAllowed "host-not-allowed" "A step asks a service over HTTP, or looks at a host, that the configuration does not name.",
    UnmatchedQuery "unmatched-query" "A query cannot be confined to the cluster that the configuration names.",
    DuplicatePlaybook "duplicate-playbook" "Two playbooks have one name.",
    DuplicateTrigger "duplicate-trigger" "Two playbooks answer every alert of one name.",
    UnchangedVersion "unchanged-version" "A playbook was changed and has the version that it had.",
    MissingKind "missing-kind" "The cluster that was asked has no such kind.",
    MissingTarget "missing-target" "The object that a playbook is about is not in the cluster that was asked.",
    MissingRight "missing-right" "The cluster that was asked does not allow what a playbook does.",
    MissingSeries "missing-series" "The Prometheus that was asked has no series of a metric now.",
    NoPlaybooks "no-playbooks" "A folder holds no playbook.",
    // Cases.
    OrphanCases "orphan-cases" "A file of cases stands beside no playbook of its name.",
    NoCases "no-cases" "A file of cases has no case.",
    // Who is on call.
    InvalidAddress "invalid-address" "An address cannot be one of its receiver.",
    SharedAddress "shared-address" "Two members have one address.",
    NoAddress "no-address" "Somebody is to be called where they have no address.",
    InvalidRotation "invalid-rotation" "A rotation or its hours cannot be computed.",
    InvalidEscalation "invalid-escalation" "A policy of escalation calls nobody, or not in time.",
    InvalidCalendar "invalid-calendar" "A calendar of shifts cannot be used.",
    ReviewDue "review-due" "The day has come by which somebody was to look at a playbook again: `review_by`.",
    UncoveredTime "uncovered-time" "Something about who is on call in the next weeks looks wrong.",
    UnknownTeam "unknown-team" "A team that is named elsewhere is not in the on-call file.",
    // Maintenance windows.
    InvalidWindow "invalid-window" "A maintenance window covers nothing, never ends, or lasts too long.",
    // The configuration.
    SecretInFile "secret-in-file" "A secret stands in a file that says where secrets lie.",
    InvalidSecret "invalid-secret" "A secret cannot be read, or is used twice.",
    InvalidUrl "invalid-url" "An address of a server is no URL, or not one that may be used.",
    InvalidSink "invalid-sink" "Settings of a sink, a tracker or a chat do not fit together.",
    MissingPath "missing-path" "A file or folder that the configuration names is not there.",
    Unauthenticated "unauthenticated" "Whoever can reach the server may send what starts runs.",
    Doubtful "doubtful" "It works, and it is probably not what was meant.",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// The page that lists them all.
    fn page() -> String {
        let mut page =
            "# Errors\n\nEach mistake that Dogwatch finds in a file has a code, which `dogwatch check` shows: \
                        `error[unknown-field]: ...`. A code always\nmeans the same. This page is made from \
                        `src/diagnostics/code.rs`.\n\n| code | what is wrong |\n| --- | --- |\n"
                .to_owned();
        for code in Code::ALL {
            page.push_str(&format!("| `{code}` | {} |\n", code.summary()));
        }
        page
    }

    #[test]
    fn each_code_is_a_word_of_its_own() {
        let words: BTreeSet<&str> = Code::ALL.iter().map(|code| code.word()).collect();
        let summaries: BTreeSet<&str> = Code::ALL.iter().map(|code| code.summary()).collect();
        assert_eq!((words.len(), summaries.len()), (Code::ALL.len(), Code::ALL.len()));
        let is_word = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && word.len() <= 24;
        assert!(words.iter().all(is_word), "{words:?}");
    }

    #[test]
    fn the_documentation_lists_them_all() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/errors.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, page()).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(written, page(), "write {} anew: UPDATE_DOCS=1 cargo test --lib documentation", path.display());
    }

    /// A code that nothing gives would be a promise in the documentation that nobody keeps.
    #[test]
    fn each_code_is_given_somewhere() {
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let mut sources = String::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("diagnostics/code.rs") {
                    sources.push_str(&std::fs::read_to_string(path).unwrap());
                }
            }
        }
        let is_given = |code: &&Code| {
            let name = format!("Code::{code:?}");
            sources.match_indices(&name).any(|(at, _)| {
                let after = sources[at + name.len()..].chars().next();
                !after.is_some_and(|c| c.is_alphanumeric())
            })
        };
        let unused: Vec<&Code> = Code::ALL.iter().filter(|code| !is_given(code)).collect();
        assert!(unused.is_empty(), "{unused:?}");
    }
}
