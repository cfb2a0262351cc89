//! Reading who is on call, with the calendars that the file names.

use std::path::{Path, PathBuf};

use crate::diagnostics::Diagnostics;
use crate::files;
use crate::oncall::OnCall;

/// Reads the content of an `oncall.yaml` that lies at `path`: calendars are found from its folder
/// on.
///
/// # Errors
/// All that is wrong, each with its place.
pub fn parse_oncall(path: &Path, text: &str) -> Result<OnCall, Diagnostics> {
    parse_oncall_with(path, text, &|calendar| {
        files::read_text(&calendar, files::DOCUMENT).map_err(|error| error.to_string())
    })
}

/// As [`parse_oncall`], where `read` gives the content of calendars.
pub(super) fn parse_oncall_with(
    path: &Path,
    text: &str,
    read: &dyn Fn(PathBuf) -> Result<String, String>,
) -> Result<OnCall, Diagnostics> {
    let folder = path.parent().unwrap_or(Path::new(""));
    OnCall::parse_with(&path.display().to_string(), text, &|name| read(folder.join(name)))
}
