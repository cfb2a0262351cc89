//! A Patroni cluster as its members tell of it.

use std::fmt::Display;

use crate::action::{ActionError, StepContext, World};
use crate::cluster::{ListQuery, Object};
use crate::model::{Intent, ObjectKey};
use crate::patroni::{Member, Members, PatroniError, Status, scope_label};

/// So many members are asked until one answers.
const MOST_ASKED: usize = 3;

/// A cluster has a handful of members; more pods with its label are those of something else.
const MOST_PODS: usize = 100;

/// What the members said.
#[derive(Debug)]
pub(super) struct View {
    /// The cluster's name.
    pub scope: String,
    pub members: Members,
    /// What the leader says itself; `None`: there is none, or it does not answer.
    pub leader: Option<Status>,
    /// Who told this: the member that was asked for, or another one where it does not answer. In
    /// Kubernetes a member whose Patroni has died stays in the list as it was.
    pub teller: String,
}

impl View {
    /// The cluster that `pod` belongs to: as it tells itself, or another member where it does not
    /// answer. May be repeated.
    pub async fn of(world: &World, pod: &Object) -> Result<Self, ActionError> {
        let (teller, members) = first_answer(world, pod).await?;
        let own = world.patroni.status(&teller).await?;
        let teller_name = teller.name().to_owned();
        let leader = match members.leader() {
            None => None,
            Some(leader) if leader.name == teller.name() => Some(own.clone()),
            Some(leader) => status_of(world, &ObjectKey::new("Pod", teller.namespace(), &leader.name)).await?,
        };
        Ok(Self { scope: own.scope, members, leader, teller: teller_name })
    }

    /// Whether the member gets changes as they are made; `None`: not known. Before Patroni 3.1 a
    /// replica that does so is only `running`, and whom it follows says it: only the leader is
    /// asked.
    pub fn streams(&self, member: &Member) -> Option<bool> {
        match (member.state.as_str(), &self.leader) {
            _ if member.leads() => Some(false),
            ("streaming", _) => Some(true),
            ("running", _) if member.follows_another => None,
            // A leader whose own query fails lists nobody.
            ("running", Some(leader)) if leader.leads() => Some(leader.streams_to.contains(&member.name)),
            ("running", _) => None,
            _ => Some(false),
        }
    }

    /// That a person must do it, or decide that it is not done. `not`: `db-1 is not restarted`.
    pub fn human(&self, not: &str, why: impl Display) -> ActionError {
        ActionError::needs_human(format!("{not}: {why} ({})", self.summary()))
    }

    /// One line for people.
    pub fn summary(&self) -> String {
        let member = |member: &Member| {
            let name = &member.name;
            let timeline = member.timeline.map(|timeline| format!(" on timeline {timeline}")).unwrap_or_default();
            if member.leads() {
                let last_word = if self.leader.is_none() { ", by its last word: it does not answer" } else { "" };
                return format!("{name} leads ({}{timeline}{last_word})", member.state);
            }
            let streams = if self.streams(member) == Some(true) { "streaming" } else { member.state.as_str() };
            let behind = member.lag.map(|lag| format!(", {lag} bytes behind")).unwrap_or_default();
            format!("{name} is a {} ({streams}{timeline}{behind})", member.role.replace('_', " "))
        };
        let mut parts: Vec<String> = self.members.members.iter().map(member).collect();
        if self.members.leader().is_none() {
            parts.insert(0, "nobody leads".to_owned());
        }
        if self.members.paused {
            parts.insert(0, "Patroni is paused".to_owned());
        }
        format!("{}: {}", self.scope, parts.join("; "))
    }
}

/// Who answers, and what it tells of all.
pub(super) async fn first_answer(world: &World, pod: &Object) -> Result<(Object, Members), ActionError> {
    let error = match world.patroni.members(pod).await {
        Ok(members) => return Ok((pod.clone(), members)),
        Err(error) if is_of_one(&error) => error,
        Err(error) => return Err(error.into()),
    };
    for other in others(world, pod).await?.into_iter().take(MOST_ASKED - 1) {
        match world.patroni.members(&other).await {
            Ok(members) => return Ok((other, members)),
            Err(error) if is_of_one(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(error.into())
}

/// What that member says itself; `None`: it is not there, or does not answer.
pub(super) async fn status_of(world: &World, pod: &ObjectKey) -> Result<Option<Status>, ActionError> {
    let Some(pod) = world.cluster.get(pod).await? else { return Ok(None) };
    match world.patroni.status(&pod).await {
        Ok(status) => Ok(Some(status)),
        Err(error) if is_of_one(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether another member may answer all the same.
fn is_of_one(error: &PatroniError) -> bool {
    matches!(error, PatroniError::Unavailable { .. } | PatroniError::NoAddress { .. })
}

/// The other pods of the cluster; none where the pod has no label that says which one it is.
async fn others(world: &World, pod: &Object) -> Result<Vec<Object>, ActionError> {
    let Some((label, scope)) = scope_label(pod) else { return Ok(Vec::new()) };
    let query = ListQuery {
        kind: "Pod".into(),
        namespace: pod.namespace().to_owned(),
        labels: format!("{label}={scope}"),
        limit: MOST_PODS,
        ..ListQuery::default()
    };
    let pods = world.cluster.list(&query).await?;
    let may_answer = |other: &Object| other.name() != pod.name() && other.text("/status/phase") == "Running";
    Ok(pods.into_iter().filter(may_answer).collect())
}

/// The target, a pod.
pub(super) async fn target(world: &World, step: &StepContext<'_>) -> Result<Object, ActionError> {
    if !step.target.is_a("Pod") {
        return Err(ActionError::fail(format!("{} is no Pod: Patroni is asked in the pod of a member", step.target)));
    }
    let pod = world.cluster.get(step.target).await?;
    pod.ok_or_else(|| ActionError::fail(format!("{} is not there any more", step.target)))
}

/// The pod that was decided on.
pub(super) async fn the_same(world: &World, intent: &Intent) -> Result<Object, ActionError> {
    let pod = world.cluster.get(&intent.object).await?;
    pod.filter(|pod| pod.uid() == intent.uid && !pod.is_going()).ok_or_else(|| {
        ActionError::held_up(format!("{} is gone, or was replaced by another one of that name", intent.object))
    })
}
