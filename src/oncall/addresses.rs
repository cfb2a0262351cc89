//! How people and teams are named at the receivers of pages.

use std::collections::BTreeMap;

/// A name at each receiver, by the name of its sink: of a member the account, of a team the
/// channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Addresses(BTreeMap<&'static str, String>);

impl Addresses {
    /// The name at that sink; `None`: none is known there.
    pub fn at(&self, sink: &str) -> Option<&str> {
        self.0.get(sink).map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(&'static str, String)> for Addresses {
    fn from_iter<T: IntoIterator<Item = (&'static str, String)>>(addresses: T) -> Self {
        Self(addresses.into_iter().collect())
    }
}
