//! Which kinds the API server serves: asked when one is needed that is not known yet, or not served
//! any more.
//! <https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api>

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::core::Request;
use serde_json::Value;

use super::RealCluster;
use super::refusal::Asked;
use crate::clock::{Clock as _, SystemClock};
use crate::cluster::{ClusterError, CustomKind, Kind, KindName, Kinds};

/// One group is asked about at most so often: what is not there must cost nobody a flood of
/// questions.
const AT_MOST_EACH: Duration = Duration::from_secs(10);

/// What no group has more of.
const MOST_VERSIONS: usize = 32;

#[derive(Debug)]
pub(super) struct Discovery {
    /// What all share who ask this cluster.
    pub kinds: Arc<Kinds>,
    /// By group and name, as the server told last; Kubernetes' own kinds too, where it serves
    /// another version.
    told: Mutex<BTreeMap<(&'static str, &'static str), &'static Kind>>,
    /// What was asked last about each group.
    asked: Mutex<HashMap<String, Question>>,
    clock: SystemClock,
}

#[derive(Debug)]
struct Question {
    at: Duration,
    is_answered: bool,
}

/// Who asks about a group.
enum Turn {
    Ask,
    /// Nobody: the answer is as good as a new one.
    Answered,
    /// Somebody else, who has no answer yet.
    UnderWay,
}

impl Default for Discovery {
    fn default() -> Self {
        Self {
            kinds: Arc::new(Kinds::of_a_cluster()),
            told: Mutex::default(),
            asked: Mutex::default(),
            clock: SystemClock::default(),
        }
    }
}

impl Discovery {
    /// The kind, as far as it is known by now.
    fn known(&self, name: &KindName) -> Option<&'static Kind> {
        let parts = name.parts();
        let known = match name.built_in() {
            Some(built_in) => built_in,
            None => return self.kinds.find(name),
        };
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is named counts, whatever is preferred.
        match told.get(&(known.group, known.name)) {
            Some(told) if parts.version.is_none() => Some(told),
            _ => Some(known),
        }
    }

    fn add(&self, kind: &'static Kind) {
        if Kind::find(kind.id).is_err() {
            self.kinds.add(kind);
        }
        self.told.lock().unwrap_or_else(PoisonError::into_inner).insert((kind.group, kind.name), kind);
    }

    /// Who asks about the group; [`Turn::Ask`] counts as asking.
    fn take_turn(&self, group: &str) -> Turn {
        let now = self.clock.monotonic();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.retain(|_, question| now.saturating_sub(question.at) < AT_MOST_EACH);
        match asked.get(group) {
            Some(Question { is_answered: true, .. }) => Turn::Answered,
            Some(_) => Turn::UnderWay,
            None => {
                asked.insert(group.to_owned(), Question { at: now, is_answered: false });
                Turn::Ask
            }
        }
    }

    fn note_answer(&self, group: &str) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.entry(group.to_owned()).and_modify(|question| question.is_answered = true);
    }

    /// An answer that did not come is asked for again by whoever needs it.
    fn may_ask_again(&self, group: &str) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(group);
    }
}

impl RealCluster {
    /// The kind of that name, asked about if need be.
    pub(super) async fn find(&self, name: &str) -> Result<&'static Kind, ClusterError> {
        let unknown = || ClusterError::UnknownKind(name.chars().take(80).collect());
        let name: KindName = name.parse().map_err(|_| unknown())?;
        if let Some(known) = self.discovery.known(&name) {
            return Ok(known);
        }
        self.discover(&name).await?;
        self.discovery.known(&name).ok_or_else(unknown)
    }

    /// The kind instead of one of which the server says that it serves nothing there; `None`: it is
    /// the same one, or there is none.
    pub(super) async fn instead_of(&self, kind: &'static Kind) -> Option<&'static Kind> {
        let name: KindName = kind.id.parse().ok()?;
        self.discover(&name).await.ok()?;
        self.discovery.known(&name).filter(|now| now != &kind)
    }

    /// Asks about the group of that kind, unless that was done a moment ago.
    async fn discover(&self, name: &KindName) -> Result<(), ClusterError> {
        let group =
            name.built_in().map_or_else(|| name.parts().group.unwrap_or_default().to_owned(), |kind| kind.group.into());
        if group.is_empty() {
            return Ok(());
        }
        match self.discovery.take_turn(&group) {
            Turn::Ask => {}
            Turn::Answered => return Ok(()),
            // What is not known yet may well be there.
            Turn::UnderWay => {
                let what = format!("ask for the kinds of {group}");
                return Err(ClusterError::Unavailable { what, message: "somebody asks already".into() });
            }
        }
        let asked = Asked { verb: "ask", what: format!("for the kinds of {group}"), kind: name.to_string() };
        let found = self.ask_about(&asked, &group).await;
        if found.as_ref().is_err_and(ClusterError::is_transient) {
            self.discovery.may_ask_again(&group);
            return found.map(drop);
        }
        let found = found.map(|kinds| kinds.into_iter().for_each(|kind| self.discovery.add(kind)));
        self.discovery.note_answer(&group);
        found
    }

    /// All kinds of a group, each in the first version that has it: the preferred one, then the
    /// others in their order.
    async fn ask_about(&self, asked: &Asked, group: &str) -> Result<Vec<&'static Kind>, ClusterError> {
        let text = |value: &Value, pointer: &str| {
            value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let answer = self.read(asked, &format!("/apis/{group}")).await?;
        if text(&answer, "/kind") != "APIGroup" || text(&answer, "/name") != group {
            return Err(asked.unavailable("its answer is about something else"));
        }
        let mut versions = vec![text(&answer, "/preferredVersion/version")];
        let others = answer.get("versions").and_then(Value::as_array).into_iter().flatten();
        versions.extend(others.map(|version| text(version, "/version")));
        let mut kinds: BTreeMap<String, &'static Kind> = BTreeMap::new();
        let mut seen: Vec<String> = Vec::new();
        for version in versions.into_iter().take(MOST_VERSIONS) {
            if !crate::model::is_version(&version) || seen.contains(&version) {
                continue;
            }
            let answer = self.read(asked, &format!("/apis/{group}/{version}")).await?;
            if text(&answer, "/groupVersion") != format!("{group}/{version}") {
                return Err(asked.unavailable("its answer is about something else"));
            }
            for resource in answer.get("resources").and_then(Value::as_array).into_iter().flatten() {
                let can = |verb: &str| {
                    resource
                        .get("verbs")
                        .and_then(Value::as_array)
                        .is_some_and(|verbs| verbs.iter().any(|it| it == verb))
                };
                let (name, plural) = (text(resource, "/kind"), text(resource, "/name"));
                // A subresource has a `/`, and what cannot be read is of no use here.
                if plural.contains('/') || !can("get") || kinds.contains_key(&name) {
                    continue;
                }
                let namespaced = resource.get("namespaced").and_then(Value::as_bool).unwrap_or_default();
                let (group, version) = (group.to_owned(), version.clone());
                let told = CustomKind { name: name.clone(), group, version, plural, namespaced };
                match told.known(false) {
                    Ok(kind) => drop(kinds.insert(name, kind)),
                    Err(why) => tracing::debug!(kind = name, why, "a kind of the cluster is left out"),
                }
            }
            seen.push(version);
        }
        Ok(kinds.into_values().collect())
    }

    async fn read(&self, asked: &Asked, path: &str) -> Result<Value, ClusterError> {
        // The builder for lists makes the request that discovery wants.
        let request = Request::new(path).list(&kube::api::ListParams::default());
        self.send(asked, request).await
    }

    /// All kinds beside Kubernetes' own that the server serves.
    ///
    /// # Errors
    /// Those of [`crate::cluster::Cluster`]; half an answer is none.
    pub async fn custom_kinds(&self) -> Result<Vec<&'static Kind>, ClusterError> {
        let asked = Asked { verb: "ask", what: "for its groups of kinds".into(), kind: String::new() };
        let answer = self.read(&asked, "/apis").await?;
        let groups =
            answer.get("groups").and_then(Value::as_array).ok_or_else(|| asked.unavailable("its answer is no list"))?;
        let mut kinds: Vec<&'static Kind> = Vec::new();
        for group in groups {
            let name = group.get("name").and_then(Value::as_str).unwrap_or_default();
            if name.contains('.') && !Kind::all().iter().any(|kind| kind.group == name) {
                let asked = Asked { verb: "ask", what: format!("for the kinds of {name}"), kind: String::new() };
                kinds.extend(self.ask_about(&asked, name).await?);
            }
        }
        kinds.sort_unstable_by_key(|kind| (kind.group, kind.name));
        Ok(kinds)
    }
}
