//! Who is on call as it is now: the file and the overrides together.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::{OnCall, PassedOver};
use crate::model::{ActingTeams, Live, Override};

/// What everybody asks who wants to know who is on call. Cheap to clone; all clones tell the same,
/// so that an override counts for all at once, and a file that is read anew does, too.
#[derive(Clone)]
pub struct Roster(Arc<RwLock<State>>);

struct State {
    file: Arc<OnCall>,
    overrides: Vec<Override>,
    now: Arc<OnCall>,
    acting: Live<ActingTeams>,
}

impl Roster {
    /// What the file says, without overrides.
    pub fn new(file: impl Into<Arc<OnCall>>) -> Self {
        let file = file.into();
        let acting = Live::new(file.acting());
        Self(Arc::new(RwLock::new(State { now: file.clone(), file, overrides: Vec::new(), acting })))
    }

    /// As it is now. Whoever decides one thing asks once.
    pub fn get(&self) -> Arc<OnCall> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).now.clone()
    }

    /// Which team can act on which cause, also once the file is read anew.
    pub fn acting(&self) -> Live<ActingTeams> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).acting.clone()
    }

    /// The file was read anew. The overrides stay; gives back those that this file does not let
    /// count.
    pub fn reload(&self, file: impl Into<Arc<OnCall>>) -> Vec<PassedOver> {
        self.change(|state| state.file = file.into())
    }

    /// These are the overrides from now on; gives back those that do not count.
    pub fn set_overrides(&self, overrides: Vec<Override>) -> Vec<PassedOver> {
        self.change(|state| state.overrides = overrides)
    }

    /// The overrides that lie over the file, also those that do not count, in the order in which
    /// they were made.
    pub fn overrides(&self) -> Vec<Override> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).overrides.clone()
    }

    fn change(&self, change: impl FnOnce(&mut State)) -> Vec<PassedOver> {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        let (now, passed_over) = state.file.with_overrides(&state.overrides);
        state.now = Arc::new(now);
        state.acting.set(state.file.acting());
        passed_over
    }
}

impl Default for Roster {
    /// Nobody, in no team.
    fn default() -> Self {
        Self::new(OnCall::default())
    }
}

impl From<Arc<OnCall>> for Roster {
    fn from(file: Arc<OnCall>) -> Self {
        Self::new(file)
    }
}

impl From<OnCall> for Roster {
    fn from(file: OnCall) -> Self {
        Self::new(file)
    }
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = self.get();
        let teams: Vec<&str> = now.teams().iter().map(|team| team.name.as_str()).collect();
        f.debug_tuple("Roster").field(&teams).finish()
    }
}
