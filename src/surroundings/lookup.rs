//! Asking the cluster, within bounds.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, join, select};
use futures_util::stream::{self, StreamExt as _};

use super::facts::Facts;
use super::memory::Memory;
use super::resolve::{Question, can_be, marks, resolve};
use super::{Found, Marks, NAMESPACE, READ, Surroundings};
use crate::clock::Clock;
use crate::cluster::{Cluster, ClusterError, ListQuery, Object};
use crate::metrics::{LookupResult, Metrics};
use crate::model::ObjectKey;

/// So many objects are looked up at once, and so many namespaces before them; the others go by what
/// is said of them elsewhere, and by what is remembered.
const MOST_OBJECTS: usize = 32;

/// So long it may take at once.
const WITHIN: Duration = Duration::from_secs(2);

/// So long nothing is asked after something went wrong.
const REST: Duration = Duration::from_secs(30);

/// Asking takes no more than one part in so many of all time, beyond [`WITHIN`] in a row: a cluster
/// that answers, but slowly, must not hold up a storm either.
const SHARE: u32 = 5;

/// How many questions are asked at the same time.
const AT_ONCE: usize = 8;

/// What one answer leads to is asked next: a claim, its pod, that one's ReplicaSet, the Deployment,
/// its operator.
const MOST_ROUNDS: usize = 6;

/// The label by which a workload says which program it is.
const PROGRAM: &str = "app.kubernetes.io/name";

/// Looks up what surrounds objects.
///
/// It never fails, and costs little: what is not known in time is left out. Answers are remembered
/// for a minute or two, missing rights for ten, and after an error or a time-out nothing is asked
/// for half a minute.
pub struct Lookup {
    cluster: Arc<dyn Cluster>,
    clock: Arc<dyn Clock>,
    /// The labels and annotations that are looked for. Empty: none.
    names: Vec<String>,
    /// Where it is counted what became of it.
    metrics: Option<Arc<Metrics>>,
    state: Mutex<State>,
}

/// What is asked about at once. Namespaces come first: they are few, and most tiers are theirs.
struct Asking<'a> {
    namespaces: Vec<ObjectKey>,
    objects: Vec<&'a ObjectKey>,
}

impl Asking<'_> {
    fn is_nothing(&self) -> bool {
        self.namespaces.is_empty() && self.objects.is_empty()
    }
}

#[derive(Default)]
struct State {
    memory: Memory,
    /// Nothing is asked before that.
    rests_until: Duration,
    /// Whether the last thing that was asked went wrong: that is told once.
    is_in_trouble: bool,
    /// Whether a right was missing since it began to ask.
    lacks_a_right: bool,
    /// How long was asked lately; and at what time that was so.
    spent: (Duration, Duration),
}

impl State {
    fn may_ask(&mut self, now: Duration) -> bool {
        let (spent, at) = self.spent;
        self.spent = (spent.saturating_sub(now.saturating_sub(at) / SHARE), now);
        now >= self.rests_until && self.spent.0 < WITHIN
    }
}

impl Lookup {
    pub fn new(cluster: Arc<dyn Cluster>, clock: Arc<dyn Clock>) -> Self {
        Self { cluster, clock, names: Vec::new(), metrics: None, state: Mutex::default() }
    }

    /// Looks for these labels and annotations, too.
    #[must_use]
    pub fn looking_for(self, names: Vec<String>) -> Self {
        Self { names, ..self }
    }

    /// Counts there what becomes of it.
    #[must_use]
    pub fn counting(self, metrics: Arc<Metrics>) -> Self {
        Self { metrics: Some(metrics), ..self }
    }

    /// What is known of these labels and annotations, of an object that was looked up a moment ago.
    pub fn marks(&self, key: &ObjectKey) -> Marks {
        if self.names.is_empty() {
            return Marks::default();
        }
        marks(&self.state().memory, key, self.clock.monotonic()).0
    }

    /// What surrounds these objects, as far as it is remembered, or the cluster says it in time.
    pub async fn look_up(&self, objects: &[ObjectKey]) -> Found {
        let is_read = |key: &ObjectKey| READ.contains(&key.kind.as_str()) || !self.names.is_empty();
        let mut seen = BTreeSet::new();
        let objects: Vec<&ObjectKey> = objects.iter().filter(|key| is_read(key) && seen.insert(*key)).collect();
        let asking = self.asking(&objects);
        if !asking.is_nothing() {
            let result = if self.begins() { self.ask_in_time(&asking).await } else { LookupResult::NotAsked };
            if let Some(metrics) = &self.metrics {
                metrics.looked_up(result);
            }
        }
        let (state, now) = (self.state(), self.clock.monotonic());
        let read = objects.into_iter().filter(|key| READ.contains(&key.kind.as_str()) && can_be(key));
        let found = read.map(|key| (key.clone(), resolve(&state.memory, key, now).0));
        found.filter(|(_, found)| *found != Surroundings::default()).collect()
    }

    /// The first of these objects of which something is still to ask, within bounds.
    fn asking<'a>(&self, objects: &[&'a ObjectKey]) -> Asking<'a> {
        let unknown = |key: &&&ObjectKey| !self.open(std::slice::from_ref(*key)).is_empty();
        let is_one = |key: &ObjectKey| key.kind == NAMESPACE;
        let names = objects.iter().map(|key| if is_one(key) { &key.name } else { &key.namespace });
        let names: BTreeSet<&String> = names.filter(|name| !name.is_empty() && !self.names.is_empty()).collect();
        let namespaces = names.into_iter().map(|name| ObjectKey::new(NAMESPACE, "", name.as_str()));
        let others = objects.iter().filter(|key| !is_one(key) && can_be(key));
        Asking {
            namespaces: namespaces.filter(|key| can_be(key) && unknown(&&key)).take(MOST_OBJECTS).collect(),
            objects: others.filter(unknown).copied().take(MOST_OBJECTS).collect(),
        }
    }

    async fn ask_in_time(&self, asking: &Asking<'_>) -> LookupResult {
        let began = self.clock.monotonic();
        let end = self.clock.now() + WITHIN;
        let (result, trouble) = match select(Box::pin(self.ask_all(asking)), self.clock.sleep_until(end)).await {
            Either::Left((Ok(()), _)) if self.state().lacks_a_right => (LookupResult::Forbidden, None),
            Either::Left((Ok(()), _)) => (LookupResult::Answered, None),
            Either::Left((Err(error), _)) => (LookupResult::Failed, Some(error)),
            Either::Right(_) => (LookupResult::TimedOut, Some(format!("no answer within {WITHIN:?}"))),
        };
        self.ends(began, trouble);
        result
    }

    /// Whether something may be asked now.
    fn begins(&self) -> bool {
        let mut state = self.state();
        state.lacks_a_right = false;
        state.may_ask(self.clock.monotonic())
    }

    fn ends(&self, began: Duration, trouble: Option<String>) {
        let now = self.clock.monotonic();
        let mut state = self.state();
        state.spent.0 += now.saturating_sub(began);
        let was_in_trouble = std::mem::replace(&mut state.is_in_trouble, trouble.is_some());
        match trouble {
            None if was_in_trouble => tracing::info!("the cluster says again what alerts have in common"),
            None => {}
            Some(error) => {
                state.rests_until = now + REST;
                if was_in_trouble {
                    tracing::debug!(error, "the cluster still does not say what alerts have in common");
                } else {
                    tracing::warn!(
                        error,
                        "the cluster does not say what alerts have in common; until it does, their labels alone do"
                    );
                }
            }
        }
    }

    /// What is still to ask about these objects.
    fn open(&self, objects: &[&ObjectKey]) -> BTreeSet<Question> {
        let (state, now) = (self.state(), self.clock.monotonic());
        let mut open = BTreeSet::new();
        for key in objects {
            if READ.contains(&key.kind.as_str()) {
                open.extend(resolve(&state.memory, key, now).1);
            }
            if !self.names.is_empty() {
                open.extend(marks(&state.memory, key, now).1);
            }
        }
        open
    }

    async fn ask_all(&self, asking: &Asking<'_>) -> Result<(), String> {
        self.ask_each(asking.namespaces.iter().cloned().map(Question::Object)).await?;
        for _ in 0..MOST_ROUNDS {
            let open = self.open(&asking.objects);
            if open.is_empty() {
                break;
            }
            self.ask_each(open.into_iter()).await?;
        }
        Ok(())
    }

    async fn ask_each(&self, questions: impl Iterator<Item = Question>) -> Result<(), String> {
        let mut answers = stream::iter(questions.map(|question| self.ask(question))).buffer_unordered(AT_ONCE);
        while let Some(answer) = answers.next().await {
            answer?;
        }
        Ok(())
    }

    /// Asks, and remembers the answer.
    async fn ask(&self, question: Question) -> Result<(), String> {
        match question {
            Question::Object(key) => {
                let answer = settled(self.cluster.get(&key).await)?;
                let facts = match &answer {
                    Settled::Forbidden => {
                        self.forbidden(|memory, now| memory.forbid_object(&key, now));
                        return Ok(());
                    }
                    Settled::Answer(Some(object)) if object.key() != key => {
                        return Err(format!("asked about {key}, it answered about {}", object.key()));
                    }
                    Settled::Answer(Some(object)) => Some(Facts::of(object, &self.names)),
                    Settled::Answer(None) | Settled::Nothing => None,
                };
                self.state().memory.keep_object(key, facts, self.clock.monotonic());
            }
            Question::Operator(name) => {
                let named = |object: &Object| object.name() == name;
                let labelled = |object: &Object| object.label(PROGRAM) == Some(&*name);
                let by_name = self.operators(format!("metadata.name={name}"), String::new(), named);
                let by_label = self.operators(String::new(), format!("{PROGRAM}={name}"), labelled);
                let found = match join(by_name, by_label).await {
                    (Ok(Settled::Answer(mut named)), Ok(Settled::Answer(labelled))) => {
                        named.extend(labelled);
                        named
                    }
                    (Err(error), _) | (_, Err(error)) => return Err(error),
                    (Ok(Settled::Forbidden), _) | (_, Ok(Settled::Forbidden)) => {
                        self.forbidden(Memory::forbid_operators);
                        return Ok(());
                    }
                    (Ok(Settled::Nothing), _) | (_, Ok(Settled::Nothing)) => BTreeSet::new(),
                };
                // Of two, nobody knows which it is.
                let operator = if found.len() == 1 { found.into_iter().next() } else { None };
                self.state().memory.keep_operator(name, operator, self.clock.monotonic());
            }
        }
        Ok(())
    }

    /// The one Deployment that matches; [`Settled::Nothing`] where more do.
    async fn operators(
        &self,
        fields: String,
        labels: String,
        matches: impl Fn(&Object) -> bool,
    ) -> Result<Settled<BTreeSet<ObjectKey>>, String> {
        let query = ListQuery { kind: "Deployment".into(), fields, labels, limit: 1, ..ListQuery::default() };
        let listed = settled(self.cluster.list(&query).await)?;
        let Settled::Answer(listed) = listed else { return Ok(listed.map(|_| BTreeSet::new())) };
        match listed.iter().find(|object| object.kind() != "Deployment" || !matches(object)) {
            Some(other) => Err(format!("asked for operators, it answered with {}", other.key())),
            None => Ok(Settled::Answer(listed.iter().map(Object::key).collect())),
        }
    }

    /// Remembers that a right is missing.
    fn forbidden(&self, keep: impl FnOnce(&mut Memory, Duration)) {
        let mut state = self.state();
        state.lacks_a_right = true;
        keep(&mut state.memory, self.clock.monotonic());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a question came to, if nothing is wrong with the cluster.
enum Settled<T> {
    Answer(T),
    /// There is none.
    Nothing,
    Forbidden,
}

impl<T> Settled<T> {
    fn map<U>(self, of: impl FnOnce(T) -> U) -> Settled<U> {
        match self {
            Settled::Answer(answer) => Settled::Answer(of(answer)),
            Settled::Nothing => Settled::Nothing,
            Settled::Forbidden => Settled::Forbidden,
        }
    }
}

fn settled<T>(answer: Result<T, ClusterError>) -> Result<Settled<T>, String> {
    match answer {
        Ok(answer) => Ok(Settled::Answer(answer)),
        Err(ClusterError::Forbidden { .. }) => Ok(Settled::Forbidden),
        // The question was wrong, and not the cluster.
        Err(
            ClusterError::NotFound(_)
            | ClusterError::Refused { .. }
            | ClusterError::TooMany { .. }
            | ClusterError::UnknownKind(_),
        ) => Ok(Settled::Nothing),
        Err(error) => Err(error.to_string()),
    }
}
