//! Whom each limit is for, and that it is one.

use std::collections::BTreeSet;

use super::Checker;
use crate::diagnostics::Code;
use crate::model::Role;

impl Checker<'_> {
    pub(super) fn people(&mut self) {
        let mut known = BTreeSet::new();
        for (n, entry) in self.config.people.iter().enumerate() {
            let field = format!("people.{n}");
            let whose = match (&entry.name, entry.role) {
                (Some(name), None) if !name.trim().is_empty() => name.clone(),
                (None, Some(role)) => format!("the role {role}"),
                _ => {
                    self.problem(
                        Code::Contradiction,
                        &field,
                        "an entry is for one person or for one role",
                        "write `name: ada`, or `role: responder`",
                    );
                    continue;
                }
            };
            if entry.teams.is_none() && entry.namespaces.is_none() {
                let message = format!("this limits nothing of what {whose} may do");
                self.problem(Code::MissingField, &field, message, "add `teams: [databases]` or `namespaces: [db-*]`");
            }
            if entry.role == Some(Role::Viewer) {
                let message = "the role viewer runs and approves nothing";
                self.problem(Code::OutOfRange, &field, message, "write `role: responder`, or leave the entry out");
            }
            if !known.insert(whose.clone()) {
                let message = format!("there are two entries for {whose}");
                self.problem(Code::DuplicateName, &field, message, "put their lists together");
            }
        }
    }
}
