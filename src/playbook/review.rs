//! Playbooks that somebody was to look at again by now. It is a word, and no more: a date must not
//! turn off help at night.

use chrono::NaiveDate;

use super::document::Playbook;
use crate::diagnostics::{Code, Diagnostic, SourceText};
use crate::language::Location;

impl Playbook {
    /// That it is to be looked at again, from the day of its `review_by` on.
    pub fn review_due(&self, today: NaiveDate) -> Option<Diagnostic> {
        let by = self.review_by.filter(|by| *by <= today)?;
        let source = SourceText { path: &self.path, text: &self.source };
        let at = source.find(Location { line: 1, column: 1 }, "review_by");
        let message = format!("`{}` was to be looked at again by {by}", self.name);
        let remedy = "look whether it is still right, and write a later day";
        Some(source.warning(Code::ReviewDue, at, message).with_remedy(remedy))
    }
}
