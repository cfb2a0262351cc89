//! Which kinds are known without a cluster: by what lies beside the playbooks, in any of their folders.
//!
//! | file | holds |
//! | --- | --- |
//! | `kinds.yaml` | `kinds:`, a list that somebody wrote or `dogwatch kinds` saved of a cluster |
//! | `*.crds.yaml`, `*.crd.yaml` | CustomResourceDefinitions, as operators bring them |

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, MergeKeyPolicy, Spanned};

use super::document::{Block, ItemTarget, Playbook, StepKind};
use super::load::LARGEST;
use crate::cluster::{CustomKind, Definition, KindName, Kinds};
use crate::diagnostics::{Code, Diagnostic, SourceText};
use crate::files::Folder;
use crate::language::Location;
use crate::model::Phase;

impl Playbook {
    /// The kinds that it names beside Kubernetes' own: those of its target, of its loops' items and
    /// of its steps.
    pub fn custom_kinds(&self) -> Vec<KindName> {
        let blocks =
            [Phase::Diagnose, Phase::Mitigate, Phase::Escalate].into_iter().flat_map(|phase| self.blocks(phase));
        let items = blocks.flat_map(item_targets).map(|target| &target.kind);
        let texts = self.target.kinds.iter().map(|target| &target.kind).chain(items);
        let mut names: Vec<KindName> = texts.filter_map(|text| text.parse().ok()).collect();
        names.extend(self.all_steps().filter_map(|step| match &step.kind {
            StepKind::Action(action) => action.describe().named().kind,
            _ => None,
        }));
        names.retain(|name| name.built_in().is_none());
        names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        names
    }
}

/// What items of loops within are about.
fn item_targets(block: &Block) -> Box<dyn Iterator<Item = &ItemTarget> + '_> {
    match block {
        Block::Step(_) | Block::Atomic(_) => Box::new(std::iter::empty()),
        Block::Choose(choose) => {
            Box::new(choose.branches.iter().flat_map(|branch| branch.blocks.iter().flat_map(item_targets)))
        }
        Block::ForEach(each) => Box::new(each.target.iter()),
    }
}

/// What is not read as a playbook.
pub(super) const SAVED: &str = "kinds.yaml";
const DEFINITIONS: [&str; 2] = [".crds.yaml", ".crd.yaml"];

/// Operators' definitions are longer than playbooks: cert-manager's have 0.8 MB, those of
/// Prometheus 4 MB.
const LARGEST_DEFINITIONS: u64 = 16 * 1024 * 1024;
/// A file of more documents is no file of definitions.
const MOST_DOCUMENTS: usize = 1_000;

/// Whether a file of that name tells of kinds, and is no playbook.
pub(super) fn tells_of_kinds(name: &str) -> bool {
    name == SAVED || is_of_definitions(name)
}

fn is_saved(path: &str) -> bool {
    Path::new(path).file_name().is_some_and(|name| name == SAVED)
}

fn is_of_definitions(name: &str) -> bool {
    DEFINITIONS.iter().any(|end| name.ends_with(end))
}

/// Reads what the folder and the folders in it tell of kinds into `kinds`; what is wrong goes to `problems`.
pub fn read_kinds(folder: &Path, kinds: &Kinds, problems: &mut Vec<Diagnostic>) {
    read(folder, tells_of_kinds, kinds, problems);
}

/// As [`read_kinds`], of a folder of definitions alone: all that ends in `.yaml` is one.
pub fn read_definitions(folder: &Path, kinds: &Kinds, problems: &mut Vec<Diagnostic>) {
    read(folder, |name| name.ends_with(".yaml"), kinds, problems);
}

fn read(folder: &Path, is_read: impl Fn(&str) -> bool, kinds: &Kinds, problems: &mut Vec<Diagnostic>) {
    let source = SourceText { path: folder, text: "" };
    let listed = Folder::open(folder).and_then(|folder| Ok((folder.tree()?.files, folder)));
    let (mut names, folder) = match listed {
        Ok(listed) => listed,
        Err(error) => {
            problems.push(source.error_of_file(Code::Unreadable, format!("the directory cannot be read: {error}")));
            return;
        }
    };
    // What somebody wrote down comes last, and so counts.
    names.sort_by_key(|name| is_saved(name));
    for name in names.iter().filter(|name| is_read(name.rsplit('/').next().unwrap_or(name))) {
        let path: PathBuf = folder.path(name);
        let most = if is_saved(name) { LARGEST } else { LARGEST_DEFINITIONS };
        match folder.read_text(name, most) {
            Err(error) => {
                let source = SourceText { path: &path, text: "" };
                problems.push(source.error_of_file(Code::Unreadable, format!("the file cannot be read: {error}")));
            }
            Ok(text) => {
                let source = SourceText { path: &path, text: &text };
                if is_saved(name) { saved(&source, kinds, problems) } else { definitions(&source, kinds, problems) }
            }
        }
    }
}

/// The form of `kinds.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    kinds: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// `Certificate.cert-manager.io`
    kind: Spanned<String>,
    plural: String,
    /// The one that the API server prefers.
    version: String,
    /// `false`: its objects belong to the whole cluster.
    #[serde(default = "is_namespaced")]
    namespaced: bool,
}

fn is_namespaced() -> bool {
    true
}

fn saved(source: &SourceText<'_>, kinds: &Kinds, problems: &mut Vec<Diagnostic>) {
    let saved: Saved = match serde_saphyr::from_str_with_options(source.text, options()) {
        Ok(saved) => saved,
        Err(error) => {
            let problem = source.yaml_error(&error);
            problems.push(problem.with_remedy(
                "write `kinds: [ { kind: Certificate.cert-manager.io, plural: certificates, version: v1, namespaced: true } ]`, or have \
                 `dogwatch kinds` write it",
            ));
            return;
        }
    };
    for Entry { kind, plural, version, namespaced } in saved.kinds {
        let at: Location = kind.referenced.into();
        let told = kind.value.parse::<KindName>().map_err(|error| error.to_string()).and_then(|name| {
            let parts = name.parts();
            if name.built_in().is_some() {
                return Err(format!("`{name}` is Kubernetes' own, and known"));
            }
            if parts.version.is_some() {
                return Err(format!("`{name}` has a version, which stands in `version`"));
            }
            let (name, group) = (parts.word.to_owned(), parts.group.unwrap_or_default().to_owned());
            CustomKind { name, group, version, plural, namespaced }.known(false)
        });
        match told {
            Ok(kind) => kinds.add(kind),
            Err(why) => problems.push(source.error(Code::InvalidValue, at, why)),
        }
    }
}

fn definitions(source: &SourceText<'_>, kinds: &Kinds, problems: &mut Vec<Diagnostic>) {
    let documents: Vec<Value> = match serde_saphyr::from_multiple_with_options(source.text, options()) {
        Ok(documents) => documents,
        Err(error) => {
            problems.push(source.yaml_error(&error));
            return;
        }
    };
    let is_definition = |document: &&Value| document["kind"] == "CustomResourceDefinition";
    let mut found = 0;
    for document in documents.iter().filter(is_definition) {
        found += 1;
        match Definition::of(document) {
            Ok(definition) => kinds.define(&definition),
            Err(why) => {
                let name = document.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("without a name");
                let at = source.find(Location { line: 1, column: 1 }, name);
                let message = format!("the CustomResourceDefinition {name} tells of no kind: {why}");
                problems.push(source.error(Code::InvalidValue, at, message));
            }
        }
    }
    if found == 0 {
        let message = "it holds no CustomResourceDefinition";
        let problem = source.error_of_file(Code::InvalidValue, message);
        problems.push(problem.with_remedy("call the file otherwise, or take it away"));
    }
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 200,
            max_events: 2_000_000,
            max_nodes: 2_000_000,
            max_aliases: 100,
            max_anchors: 100,
            max_documents: MOST_DOCUMENTS,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        with_snippet: false,
    }
}
