//! Actions on backups that pgBackRest makes.

pub(super) mod backup;
pub(super) mod check;
pub(super) mod info;
mod repository;
mod stanza;

use crate::cluster::Executed;

/// The first line that says what went wrong, of 300 characters at most.
fn first_words(done: &Executed) -> String {
    let lines = || [&done.stderr, &done.stdout].into_iter().flat_map(|text| text.lines()).map(str::trim);
    // Warnings stand before it.
    let error = lines().find(|line| line.starts_with("ERROR:"));
    let said = error.or_else(|| lines().find(|line| !line.is_empty())).unwrap_or("it does not say why");
    said.chars().take(300).collect()
}
