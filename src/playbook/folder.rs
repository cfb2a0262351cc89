//! Which files of a folder are playbooks, and where the folder of all of them begins.

use std::path::{Path, PathBuf};

use super::document::Playbook;
use super::kinds::{SAVED, tells_of_kinds};
use super::load::LARGEST;
use crate::diagnostics::{Code, Diagnostic, DiagnosticSeverity, SourceText};
use crate::files::{FileError, Folder, SHIPPED, Tree, is_shipped};

/// How the files of cases end.
pub const CASES: &str = ".cases.yaml";

/// So many folders up a file's root is looked for: as deep as folders are read.
const HIGHEST: usize = 4;

/// The files of a folder and of the folders in it that are read as playbooks, in order, each with its text. What is wrong
/// with the folders themselves goes to `problems`: what nobody knows the content of as an error.
pub fn read_folder(directory: &Path, problems: &mut Vec<Diagnostic>) -> Vec<(PathBuf, Result<String, FileError>)> {
    let Some((folder, tree)) = open(directory, problems) else { return Vec::new() };
    let mut texts = Vec::new();
    for left_out in &tree.left_out {
        let path = folder.path(&left_out.path);
        let message = format!("the folder is not read as a whole: {}", left_out.why);
        problems.push(if left_out.is_unknown() {
            SourceText { path: &path, text: "" }.error_of_file(Code::Unreadable, message)
        } else {
            Diagnostic::of_file(DiagnosticSeverity::Warning, Code::IgnoredFile, &path, message)
        });
    }
    for file in &tree.files {
        let path = folder.path(file);
        if file.ends_with(".yml") {
            let mut problem = Diagnostic::of_file(
                DiagnosticSeverity::Warning,
                Code::IgnoredFile,
                &path,
                "the file is not read: playbooks end in `.yaml`",
            );
            problem.remedy = Some("rename it".into());
            problems.push(problem);
        } else if is_playbook(last(file)) {
            texts.push((path, folder.read_text(file, LARGEST)));
        }
    }
    texts
}

impl Playbook {
    /// Whether it comes with the program, and is none of the site's own.
    pub fn is_shipped(&self) -> bool {
        is_shipped(&self.path)
    }
}

/// Where the playbooks and the cases of a folder and of the folders in it lie, in order.
///
/// # Errors
/// When the folder cannot be read.
pub fn files_of(directory: &Path) -> std::io::Result<FilesOf> {
    let folder = Folder::open(directory)?;
    let files = folder.tree()?.files;
    let those = |is: &dyn Fn(&str) -> bool| {
        files.iter().filter(|file| is(last(file))).map(|file| folder.path(file)).collect::<Vec<_>>()
    };
    Ok(FilesOf { playbooks: those(&is_playbook), cases: those(&|name| name.ends_with(CASES)) })
}

/// What [`files_of`] finds.
#[derive(Debug)]
pub struct FilesOf {
    pub playbooks: Vec<PathBuf>,
    pub cases: Vec<PathBuf>,
}

fn open(directory: &Path, problems: &mut Vec<Diagnostic>) -> Option<(Folder, Tree)> {
    match Folder::open(directory).and_then(|folder| Ok((folder.tree()?, folder))) {
        Ok((tree, folder)) => Some((folder, tree)),
        Err(error) => {
            let source = SourceText { path: directory, text: "" };
            let mut problem = source.error_of_file(Code::Unreadable, format!("the directory cannot be read: {error}"));
            problem.remedy = Some("look at `playbooks` in the configuration".into());
            problems.push(problem);
            None
        }
    }
}

/// Whether a file of that name is read as a playbook.
fn is_playbook(name: &str) -> bool {
    name.ends_with(".yaml") && !name.ends_with(CASES) && !tells_of_kinds(name)
}

/// The folder of all playbooks, of a file in it: the highest of the folders above it that is called `playbooks` or holds
/// a `kinds.yaml`, as far up as playbooks are read, and not beyond a repository; else the one in which it lies.
pub fn root_of(file: &Path) -> PathBuf {
    let beside = match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    if is_shipped(file) {
        return PathBuf::from(SHIPPED);
    }
    // What stands in the path is not all of it: `../storage`, or a plain name.
    let Ok(real) = std::fs::canonicalize(beside) else { return beside.to_owned() };
    let mut found = 0;
    for (up, folder) in real.ancestors().take(HIGHEST + 1).enumerate() {
        if folder.file_name().is_some_and(|name| name == "playbooks") || folder.join(SAVED).is_file() {
            found = up;
        }
        if folder.join(".git").exists() {
            break;
        }
    }
    // As the path was written, where it says enough: people read it in what is told.
    let written = beside.components().filter(|part| matches!(part, std::path::Component::Normal(_))).count();
    let is_plain = !beside.components().any(|part| part == std::path::Component::ParentDir);
    match found {
        0 => beside.to_owned(),
        _ if is_plain && written > found => beside.ancestors().nth(found).unwrap_or(beside).to_owned(),
        _ => real.ancestors().nth(found).unwrap_or(beside).to_owned(),
    }
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
