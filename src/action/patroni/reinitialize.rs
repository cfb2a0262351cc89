//! `patroni.reinitialize`: a replica that cannot follow any more is copied anew.

use std::cmp::Ordering;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::identity::is_another;
use super::view::{View, target, the_same};
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    StepContext, World,
};
use crate::cluster::Object;
use crate::model::{Autonomy, FailureClass, Intent};
use crate::patroni::{Member, PatroniError, Status, Switch};

arguments! {
    pub(in crate::action) struct PatroniReinitialize {}
}

output! {
    pub(in crate::action) struct Rebuilt {
        /// The member, which is the target
        member: String,
        /// Who led when it was decided
        leader: String,
    }
}

impl Declared for PatroniReinitialize {
    const DECLARATION: Declaration = Declaration {
        name: "patroni.reinitialize",
        summary: "Has Patroni delete the target's data and copy the database anew, as `patronictl reinit` does",
        effect: Effect::Mutates(ChangeKind::Delete),
        about: "The target is the pod of a replica. One `POST /reinitialize` without `force` is sent to its Patroni, which stops \
            PostgreSQL, removes the data directory, and copies from wherever its configuration says: the leader, another replica or a \
            backup. That may take hours, and while it lasts the leader keeps the WAL that the copy will need: look at its disk before. \
            Who leads, on which timeline, and how the member does are asked again in the moment in which it is sent, and it is not sent \
            where they are others than was shown.",
        errors: "A human is needed for the leader, a synchronous standby, a standby cluster, a cluster that is paused or whose leader \
            does not say itself that it leads and runs, a member that is being rebuilt already or whose replay is paused, one that follows \
            another member, where another replica does not stream either, and where it cannot be shown that the leader has all that the \
            member has: its PostgreSQL does not run, or its own WAL goes further than the leader's or than the point where its timeline was \
            left. While another member is being rebuilt it is held up. A member that streams needs nothing: that is no error. Where who \
            answers may be another one than the pod's own Patroni, nothing is sent. After a crash it is never sent again.",
        repeated: "Patroni refuses a second one while the first is under way; later, the data is copied once more.",
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Rebuilt::FIELDS,
        rights: &[
            Right::on_target(&["get"]),
            Right::on_kind(Kind::POD, &["get", "list"]),
            Right::on_kind(Kind::NAMESPACE, &["get"]),
        ],
        most_autonomy: Autonomy::Approve,
        example: "\
- id: cluster
  patroni.cluster: {}
- id: rebuild
  patroni.reinitialize: {}
  verify:
    query: cluster
    until: members.exists(m, m.name == target.metadata.name && m.streaming == true)
    settle: 1m
    every: 1m
    within: 12h
",
    };

    const TARGETS: &'static [Kind] = &[Kind::POD];

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }
}

#[async_trait]
impl Mutation for PatroniReinitialize {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let pod = target(world, &step).await?;
        plan(&pod, &Seen::of(world, &pod).await?, step.marker())
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        if dry_run {
            return Err(ActionError::fail("Patroni does not support dry run"));
        }
        let pod = the_same(world, intent).await?;
        let now = match plan(&pod, &Seen::of(world, &pod).await?, intent.marker.clone())? {
            Plan::Do(now) => now,
            Plan::Unneeded(output) => {
                return Err(ActionError::held_up(format!("nothing was sent: {}", output.summary)));
            }
        };
        if now.before != intent.before {
            let message = format!(
                "nothing was sent: {} was to be rebuilt with {}, and now it is {}",
                intent.object,
                told(&intent.before),
                told(&now.before)
            );
            return Err(ActionError::held_up(message));
        }
        match world.patroni.reinitialize(&pod).await {
            Ok(()) => Ok(output(intent, intent.summary.clone())),
            // Somebody else was faster, or it has become the leader.
            Err(error @ PatroniError::Refused { .. }) => Err(ActionError::needs_human(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    /// Patroni leaves no mark, and a request may wait there for its turn: what is not seen to have
    /// begun may begin yet, and is never sent again.
    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        let pod = match the_same(world, intent).await {
            Ok(pod) => pod,
            Err(error) if error.class == FailureClass::Retry => return Err(error),
            Err(error) => return Ok(Doubt::Unclear(error.message)),
        };
        let seen = Seen::of(world, &pod).await?;
        let name = pod.name();
        let Some(member) = seen.view.members.named(name) else {
            return Ok(Doubt::Unclear(format!("{name} is no member of {} any more", seen.view.scope)));
        };
        let before = |field: &str| intent.before.get(field).and_then(Value::as_str).unwrap_or_default();
        let stops = seen.own.state == "stopping" && before("state") != "stopping";
        if member.is_being_made() || seen.own.is_being_made() || stops {
            let summary =
                format!("{name} is being rebuilt; whether this run began it cannot be told, as Patroni leaves no mark");
            return Ok(Doubt::Done(output(intent, summary)));
        }
        let since = match seen.own.started.as_deref() {
            Some(since) if since == before("runs since") => "since before".to_owned(),
            Some(since) => format!("since {since}, and was rebuilt or restarted"),
            None => "no more".to_owned(),
        };
        Ok(Doubt::Unclear(format!(
            "whether {name} was told to rebuild itself is not known: it is {}, and PostgreSQL runs {since}; look at Patroni's log there, \
             and at patronictl list in a minute",
            member.state
        )))
    }
}

/// All that it is decided on.
struct Seen {
    view: View,
    /// What the member says itself: it is its own Patroni that is told, and if that does not
    /// answer, nobody is.
    own: Status,
    history: Vec<Switch>,
}

impl Seen {
    async fn of(world: &World, pod: &Object) -> Result<Self, ActionError> {
        let view = View::of(world, pod).await?;
        let own = world.patroni.status(pod).await?;
        let history = world.patroni.history(pod).await?;
        Ok(Self { view, own, history })
    }
}

fn plan(pod: &Object, seen: &Seen, marker: String) -> Result<Plan, ActionError> {
    let Seen { view, own, .. } = seen;
    let name = pod.name();
    let human =
        |why: String| Err(ActionError::needs_human(format!("{name} is not rebuilt: {why} ({})", view.summary())));
    let Some(member) = view.members.named(name) else {
        return Err(ActionError::fail(format!("{name} is no member of {}", view.summary())));
    };
    if let Some(why) = is_another(pod, member, view, own) {
        return human(why);
    }
    if view.members.paused {
        return human("Patroni is paused, so that somebody is at work on the cluster".into());
    }
    let Some(leader) = view.members.leader() else {
        return human("nobody leads the cluster, so that its data may be all there is".into());
    };
    if leader.name == member.name {
        return human("it leads the cluster".into());
    }
    if leader.role == "standby_leader" {
        return human("it is of a standby cluster, of which this program does not know what may be rebuilt".into());
    }
    // The others believe in a leader that has died until its time is over.
    let Some(leads) = view.leader.as_ref().filter(|leads| leads.leads()) else {
        return human(format!(
            "{} does not say itself that it leads and runs: what it holds may be all there is",
            leader.name
        ));
    };
    if matches!(member.role.as_str(), "sync_standby" | "quorum_standby") {
        return human("it is a synchronous standby: commits wait for it".into());
    }
    if member.is_being_made() || own.is_being_made() {
        return human("it is being rebuilt already, by somebody else".into());
    }
    if own.replay_paused {
        return human("its replay is paused: by somebody who rescues data from it, or by PostgreSQL itself, for a setting that is lower than the leader's".into());
    }
    match view.streams(member) {
        Some(true) => {
            let rebuilt = Rebuilt { member: name.to_owned(), leader: leader.name.clone() };
            return Ok(Plan::Unneeded(Output::new(&rebuilt, format!("{name} streams from {}", leader.name))));
        }
        None => {
            return human(
                "whether it streams is not known, as it follows another member or is not meant to stream".into(),
            );
        }
        Some(false) => {}
    }
    let others: Vec<&Member> =
        view.members.members.iter().filter(|other| other.name != member.name && !other.leads()).collect();
    if let Some(other) = others.iter().find(|other| other.is_being_made()) {
        let why = format!("{name} waits: {} is being rebuilt, and two copies at once may be too much", other.name);
        return Err(ActionError::held_up(why));
    }
    if let Some(other) = others.iter().find(|other| view.streams(other) == Some(false)) {
        return human(format!("{} does not stream either, so that {} would be the only copy", other.name, leader.name));
    }
    if let Some(why) = holds_more(own, leads, &seen.history) {
        return human(why);
    }
    let copies =
        if others.is_empty() { format!("; until it is done, {} is the only copy", leader.name) } else { String::new() };
    Ok(Plan::Do(Intent {
        summary: format!("rebuild {}, a replica of {}{copies}", pod.key(), leader.name),
        object: pod.key(),
        uid: pod.uid().to_owned(),
        resource_version: pod.resource_version().to_owned(),
        before: json!({
            "state": member.state,
            "timeline": own.timeline,
            "leader": leader.name,
            "leader's timeline": leads.timeline,
            "runs since": own.started,
        }),
        after: json!("creating replica"),
        marker,
    }))
}

/// Why it may hold commits that the leader has not. What is not known is no proof of the contrary.
fn holds_more(own: &Status, leader: &Status, history: &[Switch]) -> Option<String> {
    let may = "it may hold commits that the leader has not";
    let (Some(timeline), Some(position)) = (own.timeline, own.position) else {
        return Some(format!(
            "it does not tell how far its own WAL goes, and {may}; pg_controldata of its data directory tells"
        ));
    };
    let (Some(leaders), Some(end)) = (leader.timeline, leader.position) else {
        return Some(format!("the leader does not tell how far its own WAL goes, so that {may}"));
    };
    match timeline.cmp(&leaders) {
        Ordering::Greater => Some(format!("it is on timeline {timeline}, beyond its leader's {leaders}")),
        Ordering::Equal => (position > end).then(|| {
            format!("its own WAL goes {} bytes beyond its leader's, on the same timeline: {may}", position - end)
        }),
        Ordering::Less => match history.iter().find(|switch| switch.timeline == timeline) {
            None => Some(format!("where timeline {timeline} was left is not known: {may}")),
            Some(switch) => (position > switch.position).then(|| {
                let more = position - switch.position;
                format!("its own WAL goes {more} bytes beyond the point where timeline {timeline} was left: {may}")
            }),
        },
    }
}

/// For people: what a rebuild was decided on.
fn told(before: &Value) -> String {
    let field = |name: &str| match before.get(name) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => "unknown".to_owned(),
        Some(other) => other.to_string(),
    };
    format!(
        "state {}, timeline {}, leader {} on timeline {}, running since {}",
        field("state"),
        field("timeline"),
        field("leader"),
        field("leader's timeline"),
        field("runs since")
    )
}

fn output(intent: &Intent, summary: String) -> Output {
    let leader = intent.before.get("leader").and_then(Value::as_str).unwrap_or_default().to_owned();
    Output::new(&Rebuilt { member: intent.object.name.clone(), leader }, summary)
}
