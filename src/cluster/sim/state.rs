//! Everything that the simulated cluster is at one moment, and what is to be done next.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::custom::CustomKinds;
use super::exec::Played;
use super::fault::Faults;
use super::logs::ContainerLog;
use super::managers::Writer;
use super::objects::{Id, Objects};
use crate::cluster::{Kinds, Object};
use crate::model::ObjectKey;
use chrono::{DateTime, Utc};

/// As whom the controllers write.
pub(super) const CONTROLLERS: Writer<'static> = Writer { manager: "kube-controller-manager", subresource: "" };
pub(super) const CONTROLLERS_STATUS: Writer<'static> =
    Writer { manager: "kube-controller-manager", subresource: "status" };

/// How long after a user's write the controllers have seen it.
const NOTICED: Duration = Duration::from_secs(1);
/// What an Event says: of which UID, for which reason, with which message.
pub(super) type Told = (Box<str>, Box<str>, Box<str>);

/// The present template of a StatefulSet.
#[derive(Debug)]
pub(super) struct Revision {
    /// A hash of it.
    pub template: u64,
    pub name: Box<str>,
    /// The revision that was there first: that of pods without a label that says otherwise.
    pub first: Box<str>,
}

#[derive(Debug)]
pub(super) struct State {
    pub objects: Objects,
    /// What is known of custom kinds here,
    pub custom: CustomKinds,
    /// and of those that somebody asked for, to whoever shares it.
    pub kinds: Arc<Kinds>,
    /// The virtual time. While timers run it is the time of each, not that at which somebody came to look.
    pub now: DateTime<Utc>,
    pub faults: Faults,
    /// What containers have written; of several that fit, the last counts.
    pub logs: Vec<ContainerLog>,
    /// What programs in containers say; of several that fit, the last counts.
    pub programs: Vec<Played>,
    /// While objects are loaded: everything takes no time, and nobody talks about it.
    pub is_settling: bool,
    /// While a user writes.
    is_user: bool,
    dirty: VecDeque<Id>,
    is_dirty: HashSet<Id>,
    timers: BTreeSet<(DateTime<Utc>, Id)>,
    /// Those whose last owner is gone.
    pub abandoned: HashSet<Id>,
    /// Claims and pods that wait for something that is not there yet, by what that is.
    pub waiting: HashMap<Box<str>, BTreeSet<Id>>,
    /// Events, by what they say, and when it was told last.
    pub told: HashMap<Told, (Id, DateTime<Utc>)>,
    /// Pods that were given as stuck, on their way in or out, and stay so.
    pub frozen: HashSet<Id>,
    /// Pods that run and are not ready, because their workload was given so.
    pub unready: HashSet<Id>,
    /// Those that are looked at when loading is over: they were given in the middle of something.
    pub after_settling: Vec<Id>,
    /// How many of a workload's missing pods are ready from the start, for those that were given as not ready.
    pub ready_left: HashMap<Id, i64>,
    /// When the present work on an object is done: when a Job's pod ends, when a claim has its volume.
    pub due: HashMap<Id, DateTime<Utc>>,
    /// Volumes that no claim has.
    pub free_volumes: BTreeSet<Id>,
    /// The UIDs of claims that are gone, while their volumes have not heard of it.
    pub released: HashSet<Box<str>>,
    /// Of which revision each StatefulSet's template is.
    pub revisions: HashMap<Id, Revision>,
    /// How long a Job's pod runs.
    pub job_duration: Duration,
    /// Counts what needs a name or a place of its own.
    pub counter: u64,
}

impl State {
    pub fn new(now: DateTime<Utc>) -> Self {
        Self {
            objects: Objects::new(),
            custom: CustomKinds::default(),
            kinds: Arc::new(Kinds::of_a_cluster()),
            now,
            faults: Faults::default(),
            logs: Vec::new(),
            programs: Vec::new(),
            is_settling: false,
            is_user: false,
            dirty: VecDeque::new(),
            is_dirty: HashSet::new(),
            timers: BTreeSet::new(),
            abandoned: HashSet::new(),
            waiting: HashMap::new(),
            told: HashMap::new(),
            frozen: HashSet::new(),
            unready: HashSet::new(),
            after_settling: Vec::new(),
            ready_left: HashMap::new(),
            due: HashMap::new(),
            free_volumes: BTreeSet::new(),
            released: HashSet::new(),
            revisions: HashMap::new(),
            job_duration: Duration::from_secs(30),
            counter: 0,
        }
    }

    /// Does all that is due by `until`, in its order and at its time, and says when the next thing is due.
    pub fn run(&mut self, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        loop {
            while let Some(id) = self.dirty.pop_front() {
                self.is_dirty.remove(&id);
                self.reconcile(id);
            }
            match self.timers.first().copied() {
                Some((at, id)) if at <= until => {
                    self.timers.pop_first();
                    self.now = self.now.max(at);
                    self.touch(id);
                }
                next => {
                    self.now = self.now.max(until);
                    return next.map(|(at, _)| at);
                }
            }
        }
    }

    /// Has the controllers look at the object: now, or a little after a user's write.
    pub fn touch(&mut self, id: Id) {
        if self.is_user {
            self.touch_in(id, NOTICED);
        } else if self.is_dirty.insert(id) {
            self.dirty.push_back(id);
        }
    }

    /// Makes the changes of a user, of which the controllers hear a little later.
    pub fn as_user<T>(&mut self, change: impl FnOnce(&mut Self) -> T) -> T {
        self.is_user = !self.is_settling;
        let result = change(self);
        self.is_user = false;
        result
    }

    /// Has the controllers look at the object in a while.
    pub fn touch_in(&mut self, id: Id, delay: Duration) {
        self.touch_at(id, self.now + delay);
    }

    pub fn touch_at(&mut self, id: Id, at: DateTime<Utc>) {
        self.timers.insert((at, id));
    }

    /// How long something takes: no time while objects are loaded.
    pub fn pace(&self, delay: Duration) -> Duration {
        if self.is_settling { Duration::ZERO } else { delay }
    }

    /// Has the controllers look at the object when `what` comes.
    pub fn wait_for(&mut self, what: &str, id: Id) {
        self.waiting.entry(what.into()).or_default().insert(id);
    }

    /// `what` has come.
    pub fn arrived(&mut self, what: &str) {
        for id in self.waiting.remove(what).into_iter().flatten() {
            self.touch(id);
        }
    }

    /// The object under that name, as the API gives it.
    pub fn object(&self, key: &ObjectKey) -> Option<Object> {
        self.objects.object(self.objects.find(&key.kind, &key.namespace, &key.name)?)
    }
}
