//! A value that is put in the place of another one while others use it.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// What holds at the moment. Cheap to clone; all clones tell the same. Whoever decides one thing
/// asks once, and works with that to its end.
pub struct Live<T>(Arc<RwLock<Arc<T>>>);

impl<T> Live<T> {
    pub fn new(value: impl Into<Arc<T>>) -> Self {
        Self(Arc::new(RwLock::new(value.into())))
    }

    /// As it is now.
    pub fn get(&self) -> Arc<T> {
        // A value is swapped in one step: it is whole also after a panic.
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Holds from now on, for all.
    pub fn set(&self, value: impl Into<Arc<T>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = value.into();
    }
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Default> Default for Live<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Live<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: fmt::Debug> fmt::Debug for Live<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_clones_tell_the_same_and_what_was_asked_stays() {
        let live = Live::from(1);
        let (other, before) = (live.clone(), live.get());
        live.set(2);
        assert_eq!((*before, *live.get(), *other.get()), (1, 2, 2));
    }
}
