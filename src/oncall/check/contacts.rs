//! Where members want to be called.

use super::Check;
use crate::diagnostics::{Code, Diagnostic};
use crate::oncall::contacts::{CONTACT_SINKS, ContactsEach, WITHOUT_ADDRESS};
use crate::oncall::document::{MemberEntry, Text};
use crate::oncall::error::shortened;
use crate::oncall::{Addresses, nearest};

impl Check<'_> {
    pub(super) fn contacts(&self, entry: &MemberEntry, addresses: &Addresses) -> Result<ContactsEach, Diagnostic> {
        let mut contacts = ContactsEach::new();
        for (severity, sinks) in &entry.contacts {
            if sinks.value.is_empty() {
                let remedy =
                    "name one such as `[slack]`, or leave the severity out: then pages go as `pages.sinks` says";
                return Err(self.wrong(Code::NoValue, sinks, "the contacts name no sink", remedy));
            }
            let mut named = Vec::new();
            for text in &sinks.value {
                let sink = self.contact(text, &entry.name.value, addresses)?;
                if named.contains(&sink) {
                    let message = format!("`{sink}` stands in the contacts twice");
                    return Err(self.wrong(Code::DuplicateName, text, message, "keep the first"));
                }
                named.push(sink);
            }
            contacts.insert(severity.severity(), named);
        }
        Ok(contacts)
    }

    fn contact(&self, text: &Text, name: &str, addresses: &Addresses) -> Result<&'static str, Diagnostic> {
        let Some(sink) = CONTACT_SINKS.into_iter().find(|sink| *sink == text.value) else {
            let message = match text.value.as_str() {
                "console" => "the console calls nobody".to_owned(),
                other => format!("`{}` is no sink for pages", shortened(other)),
            };
            return Err(self.wrong(
                Code::UnknownName,
                text,
                message,
                nearest::instead(&text.value, CONTACT_SINKS.into_iter()),
            ));
        };
        if addresses.at(sink).is_none() && !WITHOUT_ADDRESS.contains(&sink) {
            let message = format!("`{name}` has no address for `{sink}`");
            return Err(self.wrong(Code::NoAddress, text, message, format!("write it beside the name: `{sink}: ...`")));
        }
        Ok(sink)
    }
}
