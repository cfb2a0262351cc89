//! Why a store did not do what it was asked.

use crate::model::SignalId;

/// Why a store did not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Somebody else was first: the lease, or the signal, is no longer ours.
    #[error("somebody else was first: {0}")]
    Fenced(String),
    /// More was asked for than can be written in time. Trying again later makes sense.
    #[error("the store is overloaded: {0} writes are waiting")]
    Overloaded(usize),
    /// The database did not do it: it is locked, full, closed, or its disk fails. The same may work later.
    #[error("the store failed to {what}: {message}")]
    Failed { what: &'static str, message: String },
    /// The database will not do it, however often it is asked: what it was given contradicts what it holds or may hold.
    #[error("the store refuses to {what}: {message}")]
    Refused { what: &'static str, message: String },
    /// A row that cannot be read: another version wrote it, or the file is damaged.
    #[error("the store holds a {what} that cannot be read: {message}")]
    Unreadable { what: &'static str, message: String },
    /// A signal that cannot be read.
    #[error("{id} cannot be read: {message}")]
    UnreadableSignal { id: SignalId, message: String },
}

impl StoreError {
    /// Whether the same may work later, with nobody doing anything about what was asked.
    pub fn passes(&self) -> bool {
        match self {
            StoreError::Overloaded(_) | StoreError::Failed { .. } => true,
            StoreError::Fenced(_)
            | StoreError::Refused { .. }
            | StoreError::Unreadable { .. }
            | StoreError::UnreadableSignal { .. } => false,
        }
    }
}
