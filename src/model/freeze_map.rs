//! The ConfigMap that freezes, as people are told of it.

use super::ObjectKey;

/// Which one is asked, and what it said when it was read last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FreezeMapNow {
    /// `None`: none is asked.
    pub map: Option<ObjectKey>,
    pub says: FreezeMapSays,
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FreezeMapSays {
    /// It was not read yet.
    #[default]
    Unread,
    /// It is not there, or holds nothing.
    Nothing,
    /// The namespace that it would be in is not there: it can freeze nothing.
    NoNamespace,
    /// A line for each of its keys: `namespace.db: an upgrade`.
    Freezes(Vec<String>),
    /// Nothing is changed while that is so, and that is why.
    Unreadable(String),
}

impl FreezeMapNow {
    /// Whether it holds anything up, as far as is known.
    pub fn holds(&self) -> bool {
        matches!(self.says, FreezeMapSays::Freezes(_) | FreezeMapSays::Unreadable(_))
    }
}
