//! `patroni.restart`: PostgreSQL of a replica is restarted.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::identity::is_another;
use super::view::{View, target, the_same};
use crate::action::amounts::Flag;
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    StepContext, World,
};
use crate::cluster::Object;
use crate::language::Arg;
use crate::model::{Autonomy, FailureClass, Intent, ObjectKey};
use crate::patroni::{Member, PatroniError, Status};

arguments! {
    pub(in crate::action) struct PatroniRestart {
        /// Which member, by its name. Left out: the target
        member: Option<Arg<String>>,
        /// Whether it is done only where a setting waits for it
        only_pending: Option<Arg<Flag>> = "true",
    }
}

output! {
    pub(in crate::action) struct Restarted {
        /// The member
        member: String,
        /// Whether a setting waited for it
        pending: bool,
        /// Since when PostgreSQL ran before, as Patroni writes it
        ran_since: String,
    }
}

impl Declared for PatroniRestart {
    const DECLARATION: Declaration = Declaration {
        name: "patroni.restart",
        summary: "Has Patroni restart PostgreSQL of one replica, as `patronictl restart` does",
        effect: Effect::Mutates(ChangeKind::Delete),
        about: "The target is a pod of the cluster. One `POST /restart` is sent to the Patroni of the member, with the filter \
            `role: replica`, so that Patroni itself refuses a leader, and with `restart_pending` unless `only_pending: false`. It answers \
            once PostgreSQL takes connections. How the members do is asked again in the moment in which it is sent. Where no setting \
            waits for a restart, nothing is done: that is no error.",
        errors: "A human is needed for the leader, a synchronous standby, a cluster that is paused or whose leader does not say itself that \
            it leads and runs, a member that is being rebuilt or whose PostgreSQL does not run, and where who answers may be another one \
            than the pod's own Patroni. While another replica does not stream it is held up. Patroni's `restart failed` ends the step.",
        repeated: "A restart takes away what waited for it, so that there is no second one; with `only_pending: false` PostgreSQL is \
            restarted once more. After a crash, since when PostgreSQL runs says whether it was.",
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Restarted::FIELDS,
        rights: &[
            Right::on_target(&["get"]),
            Right::on_kind(Kind::POD, &["get", "list"]),
            Right::on_kind(Kind::NAMESPACE, &["get"]),
        ],
        most_autonomy: Autonomy::Approve,
        example: "\
- id: cluster
  patroni.cluster: {}
- id: restart
  patroni.restart: {}
  verify:
    query: cluster
    until: members.exists(m, m.name == target.metadata.name && m.streaming == true)
    settle: 30s
    within: 10m
",
    };

    const TARGETS: &'static [Kind] = &[Kind::POD];

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }
}

/// All that it is decided on.
struct Seen {
    view: View,
    /// What the member says itself.
    own: Status,
}

impl Seen {
    async fn of(world: &World, pod: &Object) -> Result<Self, ActionError> {
        let view = View::of(world, pod).await?;
        let own = world.patroni.status(pod).await?;
        Ok(Self { view, own })
    }
}

#[async_trait]
impl Mutation for PatroniRestart {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let only_pending = self.only_pending(step.scope)?.0;
        let target = target(world, &step).await?;
        let pod = match &self.member {
            None => target,
            Some(member) => {
                let key = ObjectKey::new("Pod", target.namespace(), &member.resolve(step.scope)?);
                let pod = world.cluster.get(&key).await?;
                pod.ok_or_else(|| ActionError::fail(format!("{key} is not there: a member has the name of its pod")))?
            }
        };
        plan(&pod, &Seen::of(world, &pod).await?, only_pending, step.marker())
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        if dry_run {
            return Err(ActionError::fail("Patroni does not support dry run"));
        }
        let pod = the_same(world, intent).await?;
        let only_pending = only_pending(intent);
        match plan(&pod, &Seen::of(world, &pod).await?, only_pending, intent.marker.clone())? {
            Plan::Do(now) if now.before == intent.before => {}
            Plan::Do(now) => {
                let message =
                    format!("nothing was sent: it was to be {}, and now it would be {}", intent.summary, now.summary);
                return Err(ActionError::held_up(message));
            }
            Plan::Unneeded(output) => {
                return Err(ActionError::held_up(format!("nothing was sent: {}", output.summary)));
            }
        }
        match world.patroni.restart(&pod, only_pending).await {
            Ok(()) => Ok(output(intent, intent.summary.clone())),
            Err(error @ PatroniError::Refused { .. }) => Err(ActionError::needs_human(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        let pod = match the_same(world, intent).await {
            Ok(pod) => pod,
            Err(error) if error.class == FailureClass::Retry => return Err(error),
            Err(error) => return Ok(Doubt::Unclear(error.message)),
        };
        let seen = Seen::of(world, &pod).await?;
        match became_of_it(&pod, &seen.own, intent)? {
            Some(summary) => Ok(Doubt::Done(output(intent, summary))),
            // It is not under way, and a lost request would have begun by now: Patroni takes one at
            // once, or not at all.
            None => Ok(match plan(&pod, &seen, only_pending(intent), intent.marker.clone()) {
                Ok(Plan::Do(intent)) => Doubt::NotDone(intent),
                Ok(Plan::Unneeded(output)) => Doubt::Unclear(output.summary),
                Err(error) if error.class == FailureClass::Retry => return Err(error),
                Err(error) => Doubt::Unclear(error.message),
            }),
        }
    }
}

/// What became of a restart whose answer nobody has; `None`: it was not made.
///
/// # Errors
/// It cannot be told yet.
fn became_of_it(pod: &Object, own: &Status, intent: &Intent) -> Result<Option<String>, ActionError> {
    let name = pod.name();
    match own.started.as_deref().filter(|_| !is_between(own)) {
        Some(since) if since == ran_since(intent) => Ok(None),
        Some(since) => Ok(Some(format!("{name} runs since {since}: it was restarted"))),
        None => Err(ActionError::retry(format!("PostgreSQL of {name} is {}", own.state))),
    }
}

fn is_between(own: &Status) -> bool {
    matches!(own.state.as_str(), "restarting" | "stopping" | "starting")
}

fn plan(pod: &Object, seen: &Seen, only_pending: bool, marker: String) -> Result<Plan, ActionError> {
    let Seen { view, own } = seen;
    let name = pod.name();
    let human = |why: String| Err(view.human(&format!("{name} is not restarted"), why));
    let Some(member) = view.members.named(name) else {
        return Err(ActionError::fail(format!("{name} is no member of {}", view.summary())));
    };
    if let Some(why) = is_another(pod, member, view, own).or_else(|| why_never(view, member)) {
        return human(why);
    }
    if member.is_being_made() || own.is_being_made() {
        return human("it is being rebuilt".into());
    }
    let Some(since) = own.started.clone().filter(|_| !is_between(own)) else {
        return human(format!("its PostgreSQL does not run ({}), and Patroni starts it by itself", own.state));
    };
    if only_pending && !own.pending_restart {
        let restarted = Restarted { member: name.to_owned(), pending: false, ran_since: since };
        return Ok(Plan::Unneeded(Output::new(&restarted, format!("no setting of {name} waits for a restart"))));
    }
    let others = view.members.members.iter().filter(|other| other.name != member.name && !other.leads());
    if let Some(other) = others.into_iter().find(|other| view.streams(other) == Some(false)) {
        let message = format!("{name} waits: {} does not stream, and the leader would be alone", other.name);
        return Err(ActionError::held_up(message));
    }
    let why = if own.pending_restart { ", for which a setting waits" } else { "" };
    Ok(Plan::Do(Intent {
        summary: format!("restart PostgreSQL of {}{why}", pod.key()),
        object: pod.key(),
        uid: pod.uid().to_owned(),
        resource_version: pod.resource_version().to_owned(),
        before: json!({ "runs since": since, "pending": own.pending_restart }),
        after: json!({ "restarted": true, "only pending": only_pending }),
        marker,
    }))
}

/// Why a member is not restarted whatever waits for it.
fn why_never(view: &View, member: &Member) -> Option<String> {
    if view.members.paused {
        return Some("Patroni is paused, so that somebody is at work on the cluster".into());
    }
    if member.leads() {
        return Some("it leads the cluster".into());
    }
    let Some(leader) = view.members.leader() else {
        return Some("nobody leads the cluster".into());
    };
    if !view.leader.as_ref().is_some_and(Status::leads) {
        return Some(format!("{} does not say itself that it leads and runs: this one may have to", leader.name));
    }
    matches!(member.role.as_str(), "sync_standby" | "quorum_standby")
        .then(|| "it is a synchronous standby: commits wait for it".into())
}

fn only_pending(intent: &Intent) -> bool {
    intent.after.get("only pending").and_then(Value::as_bool).unwrap_or(true)
}

fn ran_since(intent: &Intent) -> &str {
    intent.before.get("runs since").and_then(Value::as_str).unwrap_or_default()
}

fn output(intent: &Intent, summary: String) -> Output {
    let pending = intent.before.get("pending").and_then(Value::as_bool).unwrap_or_default();
    let member = intent.object.name.clone();
    Output::new(&Restarted { member, pending, ran_since: ran_since(intent).to_owned() }, summary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::sim::build;
    use crate::patroni::Members;

    fn own(state: &str, started: Option<&str>) -> Status {
        let started = started.map(str::to_owned);
        Status { scope: "db".into(), state: state.into(), started, pending_restart: true, ..Status::default() }
    }

    fn member(name: &str, role: &str, state: &str) -> Member {
        Member { name: name.into(), role: role.into(), state: state.into(), ..Member::default() }
    }

    fn decide(members: [Member; 3], own: Status, only_pending: bool) -> Result<Plan, ActionError> {
        let pod = build::pod("shop", "db-1", "db").with(&json!({ "metadata": { "labels": { "cluster-name": "db" } } }));
        let leader = Status { scope: "db".into(), state: "running".into(), role: "master".into(), ..Status::default() };
        let members = Members { members: members.to_vec(), paused: false };
        let view = View { scope: "db".into(), members, leader: Some(leader), teller: String::new() };
        plan(&pod, &Seen { view, own }, only_pending, "m".into())
    }

    fn three(role: &str, other: &str) -> [Member; 3] {
        [member("db-0", "leader", "running"), member("db-1", role, "streaming"), member("db-2", "replica", other)]
    }

    #[test]
    fn a_replica_for_which_a_setting_waits_is_restarted_while_another_streams() {
        let Ok(Plan::Do(intent)) = decide(three("replica", "streaming"), own("running", Some("t")), true) else {
            panic!()
        };
        assert_eq!(intent.summary, "restart PostgreSQL of pod/db-1 in shop, for which a setting waits");
        let calm = Status { pending_restart: false, ..own("running", Some("t")) };
        assert!(matches!(decide(three("replica", "streaming"), calm.clone(), true), Ok(Plan::Unneeded(_))));
        assert!(matches!(decide(three("replica", "streaming"), calm, false), Ok(Plan::Do(_))));
        for (decided, class, told) in [
            (
                decide(three("sync_standby", "streaming"), own("running", Some("t")), true),
                FailureClass::NeedsHuman,
                "commits wait",
            ),
            (
                decide(three("leader", "streaming"), own("running", Some("t")), true),
                FailureClass::NeedsHuman,
                "it leads",
            ),
            (
                decide(three("replica", "starting"), own("running", Some("t")), true),
                FailureClass::HeldUp,
                "db-2 does not stream",
            ),
            (
                decide(three("replica", "streaming"), own("starting", Some("t")), true),
                FailureClass::NeedsHuman,
                "does not run",
            ),
            (
                decide(three("replica", "streaming"), own("start failed", None), true),
                FailureClass::NeedsHuman,
                "does not run",
            ),
        ] {
            let error = decided.unwrap_err();
            assert!(error.class == class && error.message.contains(told), "{error:?}: {told}");
        }
    }

    #[test]
    fn since_when_it_runs_says_whether_it_was_restarted() {
        let Ok(Plan::Do(intent)) = decide(three("replica", "streaming"), own("running", Some("t")), true) else {
            panic!()
        };
        let pod = build::pod("shop", "db-1", "db");
        let of = |own: Status| became_of_it(&pod, &own, &intent);
        assert_eq!(of(own("running", Some("t"))), Ok(None));
        assert_eq!(of(own("running", Some("u"))), Ok(Some("db-1 runs since u: it was restarted".into())));
        for under_way in [own("restarting", Some("t")), own("starting", Some("u")), own("stopped", None)] {
            assert_eq!(of(under_way).unwrap_err().class, FailureClass::Retry);
        }
    }
}
