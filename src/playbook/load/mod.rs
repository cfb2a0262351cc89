//! From a file's text to the document as it was written, with everything that is wrong with its form.

mod looks;
mod raw;
mod reader;
mod schema;
mod several;
mod step;
mod yaml;

use std::marker::PhantomData;

use serde::de::DeserializeSeed;
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Error, MergeKeyPolicy, NonFiniteFloatPolicy, Options};

pub(super) use raw::{RawApproval, RawInput, RawInputs, RawLimits, RawMetadata, RawPlaybook, RawSchedule, RawTarget};
pub(super) use reader::{Seen, Text, instead, place};
pub use schema::schema;
pub(super) use several::{OneOrEach, OneOrMore};
pub(super) use step::{
    Does, RawBranch, RawEach, RawHandOver, RawSet, RawStep, RawVerify, RawWatch, What, branches_end_as_steps,
};

use crate::diagnostics::{Code, Diagnostic, SourceText};
use reader::{MapOf, Reader};

/// The largest file, in bytes: a playbook that is longer is read by nobody at night.
pub const LARGEST: u64 = 256 * 1024;
/// So many values may be wrong until the reader gives up on finding more.
const PASSES: usize = 25;

/// What was read.
pub(super) struct Loaded {
    /// `None` when not even the rest of it could be read.
    pub document: Option<RawPlaybook>,
    /// Steps could not be read: which names there are is not known.
    pub incomplete: bool,
    pub problems: Vec<Diagnostic>,
}

/// Reads the form of a document.
pub(super) fn read(source: &SourceText<'_>) -> Loaded {
    let refused = |problem| Loaded { document: None, incomplete: true, problems: vec![problem] };
    if source.text.len() as u64 > LARGEST {
        return refused(
            source.error_of_file(Code::TooLarge, format!("the file is larger than {} KiB", LARGEST / 1024)),
        );
    }
    if source.text.trim().is_empty() {
        return refused(source.error_of_file(Code::EmptyFile, "the file is empty"));
    }
    if !looks::like_a_playbook(source.text) {
        // Whatever it is: not a word of it is shown.
        let mut problem = source.error_of_file(Code::WrongDocument, "this is no playbook");
        problem.remedy =
            Some("begin with `apiVersion: dogwatch/v1` and `kind: Playbook`, or take the file away".into());
        return refused(problem);
    }
    let mut found = Vec::new();
    let mut left_out = Vec::new();
    let mut duplicate_keys = DuplicateKeyPolicy::Error;
    loop {
        let reader = Reader::new(source, &left_out);
        let read = pass(&reader, duplicate_keys);
        let incomplete = reader.incomplete.get();
        let (problems, place) = reader.into_findings();
        let error = match read {
            Ok(document) => {
                found.extend(problems);
                return Loaded { document: Some(document), incomplete, problems: found };
            }
            Err(error) => error,
        };
        let problem = yaml::problem(source, &error, place.as_ref());
        let is_new = !found.contains(&problem);
        if is_new {
            found.push(problem);
        }
        let is_duplicate = matches!(error, Error::DuplicateMappingKey { .. });
        match place {
            _ if is_duplicate && matches!(duplicate_keys, DuplicateKeyPolicy::Error) => {
                // The first was found; to see the rest of the file, the second of each two is passed over from now on.
                duplicate_keys = DuplicateKeyPolicy::FirstWins;
            }
            Some(place) if is_new && found.len() < PASSES && !left_out.contains(&place) => left_out.push(place),
            _ => {
                found.extend(problems);
                return Loaded { document: None, incomplete: true, problems: found };
            }
        }
    }
}

fn pass(reader: &Reader<'_>, duplicate_keys: DuplicateKeyPolicy) -> Result<RawPlaybook, Error> {
    serde_saphyr::with_deserializer_from_str_with_options(reader.source.text, options(duplicate_keys), |deserializer| {
        MapOf(reader, PhantomData).deserialize(deserializer)
    })
}

fn options(duplicate_keys: DuplicateKeyPolicy) -> Options {
    serde_saphyr::options! {
        // The deepest place of the language, an argument of an action in an atomic group, is 8 deep.
        budget: serde_saphyr::budget! {
            max_depth: 24,
            flow_nesting_limit: 24,
            max_events: 50_000,
            max_nodes: 50_000,
            max_aliases: 100,
            max_anchors: 100,
            max_documents: 1,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 10_000,
            max_replay_stack_depth: 4,
        },
        duplicate_keys: duplicate_keys,
        merge_keys: MergeKeyPolicy::Error,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}
