//! What is known of an action without running it: what its file declares, and how others ask for
//! that.

use std::fmt::Debug;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::{Action, Arguments, Declaration, FieldPath, Kind, Named, Word};
use crate::cluster::{Access, Kinds};
use crate::language::{AnyArg, Location};
use crate::model::Autonomy;
use crate::web::Origin;

/// An action as its file declares it. The registry makes an [`Action`] of it.
pub trait Declared: Arguments + DeserializeOwned + Debug + Send + Sync + 'static {
    const DECLARATION: Declaration;

    /// The kinds of targets that it knows what to do with. Empty: any, or it is not about the
    /// target.
    const TARGETS: &'static [Kind] = &[];

    /// Whether each step with it must say of whom it asks a yes: of those who know about it.
    const ASKS_WHO_KNOWS: bool = false;

    fn into_action(self) -> Action;

    /// The most that a playbook may do alone with it as it is written: at most what the declaration
    /// says.
    fn most_autonomy(&self) -> Autonomy {
        Self::DECLARATION.most_autonomy
    }

    /// A contradiction between arguments: `by` and `to` both given.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// The PromQL that it asks, with a name in the place of each hole, and where it stands.
    fn query(&self) -> Option<(String, Location)> {
        None
    }

    /// How far it looks back, beside what its query does by itself; `None`: not at all, or that is
    /// not written out.
    fn looks_back(&self) -> Option<Duration> {
        None
    }

    /// Whom it asks over HTTP, and where that stands.
    fn origin(&self) -> Option<(Origin, Location)> {
        None
    }

    /// Whom it looks at on the network, where that is written out, and where it stands.
    fn host(&self) -> Option<(String, Location)> {
        None
    }

    /// The kind and the namespace that its arguments name, for the rights that follow from them.
    fn named(&self) -> Named {
        Named::default()
    }

    /// The field of its target that it changes, where [`Patchable`](super::Patchable) says whether
    /// it may.
    fn patched(&self) -> Option<&FieldPath> {
        None
    }

    /// The program that it runs in a container, where [`Commands`](super::Commands) says whether it
    /// may.
    fn command(&self) -> Option<Vec<Word>> {
        None
    }
}

/// What is known about one step's action without running it.
pub trait Describe: Debug + Send + Sync {
    fn declaration(&self) -> &'static Declaration;

    /// All arguments by their names, so that `dogwatch check` can look at their templates.
    fn args(&self) -> Vec<(&'static str, &dyn AnyArg)>;

    /// As [`Declared::query`].
    fn query(&self) -> Option<(String, Location)>;

    /// As [`Declared::looks_back`].
    fn looks_back(&self) -> Option<Duration> {
        None
    }

    /// As [`Declared::origin`].
    fn origin(&self) -> Option<(Origin, Location)> {
        None
    }

    /// As [`Declared::host`].
    fn host(&self) -> Option<(String, Location)> {
        None
    }

    /// As [`Declared::TARGETS`].
    fn targets(&self) -> &'static [Kind] {
        &[]
    }

    /// As [`Declared::ASKS_WHO_KNOWS`].
    fn asks_who_knows(&self) -> bool {
        false
    }

    /// As [`Declared::most_autonomy`].
    fn most_autonomy(&self) -> Autonomy {
        self.declaration().most_autonomy
    }

    /// As [`Declared::named`].
    fn named(&self) -> Named;

    /// As [`Declared::patched`].
    fn patched(&self) -> Option<&FieldPath> {
        None
    }

    /// As [`Declared::command`].
    fn command(&self) -> Option<Vec<Word>> {
        None
    }

    /// The rights it needs on a target of that kind; the caller fills in namespaces that are empty.
    /// A kind that is not among
    /// `kinds` comes with no rights.
    fn access(&self, target_kind: &str, kinds: &Kinds) -> Vec<Access>;

    fn name(&self) -> &'static str {
        self.declaration().name
    }
}

impl<T: Declared> Describe for T {
    fn declaration(&self) -> &'static Declaration {
        const { &T::DECLARATION }
    }

    fn args(&self) -> Vec<(&'static str, &dyn AnyArg)> {
        Arguments::args(self)
    }

    fn query(&self) -> Option<(String, Location)> {
        Declared::query(self)
    }

    fn looks_back(&self) -> Option<Duration> {
        Declared::looks_back(self)
    }

    fn origin(&self) -> Option<(Origin, Location)> {
        Declared::origin(self)
    }

    fn host(&self) -> Option<(String, Location)> {
        Declared::host(self)
    }

    fn targets(&self) -> &'static [Kind] {
        T::TARGETS
    }

    fn asks_who_knows(&self) -> bool {
        T::ASKS_WHO_KNOWS
    }

    fn most_autonomy(&self) -> Autonomy {
        Declared::most_autonomy(self)
    }

    fn named(&self) -> Named {
        Declared::named(self)
    }

    fn patched(&self) -> Option<&FieldPath> {
        Declared::patched(self)
    }

    fn command(&self) -> Option<Vec<Word>> {
        Declared::command(self)
    }

    fn access(&self, target_kind: &str, kinds: &Kinds) -> Vec<Access> {
        let named = Declared::named(self);
        T::DECLARATION.rights.iter().flat_map(|right| right.access(target_kind, &named, kinds)).collect()
    }
}
