//! From a text to a playbook.

use std::path::Path;
use std::sync::Arc;

use super::check::Asks;
use super::document::Playbook;
use super::{check, load};
use crate::cluster::Kinds;
use crate::diagnostics::{Diagnostic, DiagnosticSeverity, SourceText};

impl Playbook {
    /// Reads the playbook in `text`, which came from the file `path` (only for messages), where
    /// nothing is known of other kinds than Kubernetes' own.
    ///
    /// # Errors
    /// Everything that is wrong with it, warnings included, in the order of the file.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Vec<Diagnostic>> {
        Self::parse_with(path, text, &Arc::default())
    }

    /// As [`Self::parse`], where these kinds are known.
    ///
    /// # Errors
    /// Those of [`Self::parse`].
    pub fn parse_with(path: &Path, text: &str, kinds: &Arc<Kinds>) -> Result<Self, Vec<Diagnostic>> {
        let source = SourceText { path, text };
        check::check(load::read(&source), &source, Asks::Author, kinds)
    }

    /// As [`Self::parse_with`], of a text with what a site has set.
    ///
    /// # Errors
    /// Those of [`Self::parse`].
    pub(super) fn parse_set(path: &Path, text: &str, kinds: &Arc<Kinds>) -> Result<Self, Vec<Diagnostic>> {
        let source = SourceText { path, text };
        check::check(load::read(&source), &source, Asks::Site, kinds)
    }

    /// Reads back a frozen playbook. It is read by the rules of its time: what only later versions
    /// refuse is no mistake of it.
    ///
    /// # Errors
    /// The first thing for which it cannot be carried out any more.
    pub fn from_store(source: &str) -> Result<Self, String> {
        Self::from_store_with(source, &Arc::default())
    }

    /// As [`Self::from_store`], where these kinds are known. One that is not is found when it is
    /// needed.
    ///
    /// # Errors
    /// Those of [`Self::from_store`].
    pub fn from_store_with(source: &str, kinds: &Arc<Kinds>) -> Result<Self, String> {
        let source = SourceText { path: Path::new(""), text: source };
        check::check(load::read(&source), &source, Asks::Run, kinds).map_err(|problems| {
            let first = problems.iter().find(|problem| problem.severity == DiagnosticSeverity::Error);
            first.map_or_else(String::new, ToString::to_string)
        })
    }
}
