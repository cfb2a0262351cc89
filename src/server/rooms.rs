//! Room in memory for bodies: one source that sends much, or slowly, keeps the others out of
//! nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Semaphore;

/// The beginnings of bodies that one source may have under way, in bytes. Most bodies are no longer
/// than that: they never wait for another source.
const BEGINNINGS: usize = 16 * 1024 * 1024;

/// What one source may take, in KiB.
#[derive(Debug, Clone)]
pub(super) struct Room {
    /// For the beginning of each body.
    pub small: Arc<Semaphore>,
    /// For the rest of large ones, of what all sources share.
    pub large: Arc<Semaphore>,
}

/// The room of each source, by its name.
#[derive(Debug)]
pub(super) struct Rooms {
    by_source: BTreeMap<String, Room>,
    /// For whoever is none of them.
    others: Room,
}

impl Rooms {
    /// `shared`: how much all of them may have in memory, and `largest`: one body at the most.
    pub fn new<'a>(sources: impl Iterator<Item = &'a str>, shared: usize, largest: usize) -> Self {
        let names: Vec<&str> = sources.collect();
        // One that is alone has nobody to leave room to.
        let (beginnings, share) =
            if names.len() > 1 { (BEGINNINGS, (shared / 2).max(largest)) } else { (shared, shared) };
        let room = |bytes: usize| Arc::new(Semaphore::new(kib(bytes)));
        let each = || Room { small: room(beginnings.min(shared)), large: room(share.min(shared)) };
        let by_source = names.into_iter().map(|name| (name.to_owned(), each())).collect();
        Self { by_source, others: each() }
    }

    pub fn of(&self, source: &str) -> &Room {
        self.by_source.get(source).unwrap_or(&self.others)
    }
}

/// How many permits so many bytes are.
pub(super) fn kib(bytes: usize) -> usize {
    bytes.div_ceil(1024).clamp(1, Semaphore::MAX_PERMITS)
}
