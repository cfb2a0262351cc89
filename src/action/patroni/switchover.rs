//! `patroni.switchover`: another member leads in the place of one that runs.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::identity::is_another;
use super::leaders::{self, Asked, FIELDS, RIGHTS};
use super::view::{View, target, the_same};
use crate::action::amounts::Size;
use crate::action::typed::{Arguments as _, arguments};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, StepContext,
    World,
};
use crate::language::Arg;
use crate::model::{Autonomy, Intent, ObjectKey};
use crate::patroni::{Member, Settings, Status};

arguments! {
    pub(in crate::action) struct PatroniSwitchover {
        /// Who leads, as the playbook has seen it: `"{{cluster.leader}}"`. Where it is another one,
        /// nothing is sent
        leader: Arg<String>,
        /// Who is to lead. Left out: of the replicas that may, the one that is least behind
        candidate: Option<Arg<String>>,
        /// How far the candidate may be behind, in bytes at the most
        max_lag: Option<Arg<Size>> = "1Mi",
    }
}

impl Declared for PatroniSwitchover {
    const DECLARATION: Declaration = Declaration {
        name: "patroni.switchover",
        summary: "Has another member lead, as `patronictl switchover` does",
        effect: Effect::Mutates(ChangeKind::Patch),
        about: "The target is a pod of the cluster. One `POST /switchover` that names leader and candidate is sent to the leader's \
            Patroni, which stops PostgreSQL there in order; writes fail until the candidate leads, for some seconds. All that it is \
            decided on is asked again in the moment in which it is sent, and it is not sent where leader, timeline or candidate are \
            others than was shown. Where the candidate leads already, nothing is done: that is no error.",
        errors: "A human is needed for a cluster that is paused, that follows another one, or that nobody leads; where the leader is another \
            one than `leader` says, or does not say itself that it leads and runs; where not all other members stream; for a candidate that \
            is tagged not to lead, whose replay is paused, that is further behind than `max_lag`, or, where commits wait for synchronous \
            standbys, that is none; and where who answers may be another one than the pod's own Patroni. What Patroni refuses (412) or has \
            tried in vain (503) is for a human, too. After a crash it is never sent again: who leads says what became of it.",
        repeated: "Once the candidate leads, nothing is sent. An alert does not move the lead of one cluster twice within \
            `engine.fix_holds_for`, whichever way.",
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: FIELDS,
        rights: RIGHTS,
        most_autonomy: Autonomy::Approve,
        example: "\
- id: cluster
  patroni.cluster: {}
- id: move
  patroni.switchover: { leader: \"{{cluster.leader}}\" }
  verify:
    query: cluster
    until: leader != '' && leader != cluster.leader && members.all(m, m.name == leader || m.streaming == true)
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
    settings: Settings,
    leader: Asked,
    candidate: Asked,
}

/// What was asked for.
struct Wanted<'w> {
    leader: &'w str,
    most_lag: u64,
}

#[async_trait]
impl Mutation for PatroniSwitchover {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let target = target(world, &step).await?;
        let leader = self.leader.resolve(step.scope)?;
        let named = self.candidate.as_ref().map(|candidate| candidate.resolve(step.scope)).transpose()?;
        let most_lag = u64::try_from(self.max_lag(step.scope)?.0.ceil()).unwrap_or(u64::MAX);
        let view = View::of(world, &target).await?;
        if let Some(named) = named.as_deref().filter(|named| leads(&view, named)) {
            return Ok(Plan::Unneeded(leaders::unneeded(named, format!("{named} leads {} already", view.scope))));
        }
        let candidate = choose(&view, named.as_deref())?.name.clone();
        let wanted = Wanted { leader: &leader, most_lag };
        plan(&see(world, target.namespace(), view, &candidate).await?, &wanted, step.marker())
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        if dry_run {
            return Err(ActionError::fail("Patroni does not support dry run"));
        }
        let pod = the_same(world, intent).await?;
        let seen = see(world, pod.namespace(), View::of(world, &pod).await?, pod.name()).await?;
        let leader = leaders::text(&intent.before, "leader");
        let most_lag = intent.after.get("lag at most").and_then(Value::as_u64).unwrap_or_default();
        match plan(&seen, &Wanted { leader, most_lag }, intent.marker.clone())? {
            Plan::Do(now) if now.before == intent.before => {}
            Plan::Do(now) => return Err(leaders::differs(intent, &now)),
            Plan::Unneeded(output) => {
                return Err(ActionError::held_up(format!("nothing was sent: {}", output.summary)));
            }
        }
        leaders::answered(intent, world.patroni.switchover(&seen.leader.pod, leader, pod.name()).await)
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        leaders::doubt(world, intent).await
    }

    fn remedied(&self, intent: &Intent) -> ObjectKey {
        leaders::remedied(intent)
    }
}

fn leads(view: &View, name: &str) -> bool {
    view.members.leader().is_some_and(|leader| leader.name == name) && view.leader.as_ref().is_some_and(Status::leads)
}

fn not(view: &View) -> String {
    format!("the lead of {} stays where it is", view.scope)
}

/// Who is to lead.
fn choose<'v>(view: &'v View, named: Option<&str>) -> Result<&'v Member, ActionError> {
    match named {
        Some(named) => view
            .members
            .named(named)
            .ok_or_else(|| ActionError::fail(format!("{named} is no member of {}", view.summary()))),
        None => {
            let may = view.members.members.iter().filter(|member| !member.leads() && !member.never_leads);
            let is_sync = |member: &Member| matches!(member.role.as_str(), "sync_standby" | "quorum_standby");
            let best = may.min_by_key(|member| (!is_sync(member), member.lag.unwrap_or(u64::MAX)));
            best.ok_or_else(|| view.human(&not(view), "there is no other member that may lead"))
        }
    }
}

async fn see(world: &World, namespace: &str, view: View, candidate: &str) -> Result<Seen, ActionError> {
    let Some(leader) = view.members.leader() else {
        return Err(view.human(&not(&view), "nobody leads; `patroni.failover` is for that"));
    };
    let asked = async |name: &str| {
        let asked = Asked::of(world, namespace, name).await?;
        asked.ok_or_else(|| view.human(&not(&view), format!("{name} does not answer itself")))
    };
    let leader = asked(&leader.name).await?;
    let candidate = asked(candidate).await?;
    let settings = world.patroni.settings(&leader.pod).await?;
    Ok(Seen { view, settings, leader, candidate })
}

fn plan(seen: &Seen, wanted: &Wanted<'_>, marker: String) -> Result<Plan, ActionError> {
    let Seen { view, settings, leader, candidate } = seen;
    let not = not(view);
    let human = |why: String| Err(view.human(&not, why));
    let members = &view.members;
    let (Some(leads), Some(next)) = (members.named(leader.pod.name()), members.named(candidate.pod.name())) else {
        return human("its members have changed meanwhile".into());
    };
    if leads.name != wanted.leader {
        return human(format!("{} leads, and not {}, as was to be", leads.name, wanted.leader));
    }
    if let Some(why) = why_not_now(view, settings, leads) {
        return human(why);
    }
    if leads.name == next.name {
        return human(format!("{} leads: name another one", next.name));
    }
    for (asked, member) in [(leader, leads), (candidate, next)] {
        if let Some(why) = is_another(&asked.pod, member, view, &asked.own) {
            return human(format!("of {}, {why}", member.name));
        }
    }
    if !leader.own.leads() {
        return human(format!("{} does not say itself that it leads and runs", leads.name));
    }
    if let Some(why) = leaders::why_it_may_not(next, &candidate.own, settings.synchronous) {
        return human(why);
    }
    let lag = match (leader.own.position, candidate.own.position) {
        // Asked before the candidate was, which may be further by now.
        (Some(end), Some(position)) => end.saturating_sub(position),
        _ => return human(format!("how far {} is behind is not known", next.name)),
    };
    if lag > wanted.most_lag || next.timeline != leads.timeline {
        let most = wanted.most_lag;
        return human(format!(
            "{} is {lag} bytes behind or on another timeline, and may be {most} at the most",
            next.name
        ));
    }
    leaders::hands_off([&leader.pod, &candidate.pod])?;
    let pod = &candidate.pod;
    Ok(Plan::Do(Intent {
        summary: format!("have {} lead {} in the place of {}", next.name, view.scope, leads.name),
        object: pod.key(),
        uid: pod.uid().to_owned(),
        resource_version: pod.resource_version().to_owned(),
        before: json!({ "cluster": view.scope, "leader": leads.name, "leader's timeline": leads.timeline }),
        after: json!({ "leader": next.name, "lag at most": wanted.most_lag }),
        marker,
    }))
}

/// Why nobody moves the lead of the cluster as it is.
fn why_not_now(view: &View, settings: &Settings, leader: &Member) -> Option<String> {
    if settings.paused || view.members.paused {
        return Some("Patroni is paused, so that somebody is at work on the cluster".into());
    }
    if settings.is_standby || leader.role == "standby_leader" {
        return Some("it follows another cluster, of which this program does not know what may be moved".into());
    }
    let others = view.members.members.iter().filter(|member| !member.leads());
    let away: Vec<&str> = others.filter(|m| view.streams(m) != Some(true)).map(|m| m.name.as_str()).collect();
    (!away.is_empty()).then(|| format!("not all members are known to stream: {}", away.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::deny;
    use crate::cluster::sim::build;
    use crate::model::FailureClass;
    use crate::patroni::Members;

    fn member(name: &str, role: &str, lag: u64) -> Member {
        let state = if role == "leader" { "running" } else { "streaming" };
        Member {
            name: name.into(),
            role: role.into(),
            state: state.into(),
            timeline: Some(3),
            lag: Some(lag),
            ..Member::default()
        }
    }

    fn seen() -> Seen {
        let members = vec![member("db-0", "leader", 0), member("db-1", "replica", 900), member("db-2", "replica", 0)];
        let asked = |name: &str, role: &str, position: u64| Asked {
            pod: build::pod("shop", name, "db").with(&json!({ "metadata": { "labels": { "cluster-name": "db" } } })),
            own: Status {
                scope: "db".into(),
                state: "running".into(),
                role: role.into(),
                position: Some(position),
                ..Status::default()
            },
        };
        let (leader, candidate) = (asked("db-0", "master", 9000), asked("db-1", "replica", 8100));
        let members = Members { members, paused: false };
        let view = View { scope: "db".into(), members, leader: Some(leader.own.clone()), teller: String::new() };
        Seen { view, settings: Settings::default(), leader, candidate }
    }

    fn decide(seen: &Seen) -> Result<Intent, ActionError> {
        match plan(seen, &Wanted { leader: "db-0", most_lag: 1000 }, "m".into())? {
            Plan::Do(intent) => Ok(intent),
            Plan::Unneeded(output) => panic!("{output:?}"),
        }
    }

    #[test]
    fn the_one_that_is_least_behind_is_chosen_and_a_synchronous_one_before_all() {
        let mut seen = seen();
        assert_eq!(choose(&seen.view, None).unwrap().name, "db-2");
        seen.view.members.members[1].role = "sync_standby".into();
        assert_eq!(choose(&seen.view, None).unwrap().name, "db-1");
        seen.view.members.members[1].never_leads = true;
        assert_eq!(choose(&seen.view, None).unwrap().name, "db-2");
        assert_eq!(choose(&seen.view, Some("db-1")).unwrap().name, "db-1");
        assert!(choose(&seen.view, Some("db-9")).unwrap_err().message.starts_with("db-9 is no member of db: "));
    }

    #[test]
    fn the_lead_moves_only_within_a_cluster_that_is_whole() {
        assert_eq!(decide(&seen()).unwrap().summary, "have db-1 lead db in the place of db-0");
        let refused = |change: fn(&mut Seen), told: &str| {
            let mut seen = seen();
            change(&mut seen);
            let error = decide(&seen).unwrap_err();
            assert!(error.message.contains(told), "{error}: {told}");
            assert!(matches!(error.class, FailureClass::NeedsHuman | FailureClass::LeaveAlone), "{error:?}");
        };
        refused(|seen| seen.settings.paused = true, "Patroni is paused");
        refused(|seen| seen.settings.is_standby = true, "follows another cluster");
        refused(|seen| seen.settings.synchronous = true, "db-1 is none: it may lack some");
        refused(
            |seen| seen.view.members.members[2].state = "starting".into(),
            "not all members are known to stream: db-2",
        );
        refused(|seen| seen.leader.own.state = "stopping".into(), "does not say itself that it leads");
        refused(|seen| seen.candidate.own.position = Some(7999), "db-1 is 1001 bytes behind");
        refused(|seen| seen.candidate.own.position = None, "how far db-1 is behind is not known");
        refused(|seen| seen.candidate.own.replay_paused = true, "the replay of db-1 is paused");
        refused(|seen| seen.view.members.members[1].never_leads = true, "tagged not to lead");
        refused(|seen| seen.view.members.members[1].timeline = Some(2), "on another timeline");
        refused(|seen| seen.candidate.own.scope = "other".into(), "who answers there says");
        let hands_off = json!({ "metadata": { "annotations": { deny::HANDS_OFF: "migration" } } });
        let mut seen = seen();
        seen.leader.pod = seen.leader.pod.with(&hands_off);
        assert_eq!(decide(&seen).unwrap_err().class, FailureClass::LeaveAlone);
        let other = plan(&self::seen(), &Wanted { leader: "db-2", most_lag: 1000 }, "m".into()).unwrap_err();
        assert!(other.message.contains("db-0 leads, and not db-2, as was to be"), "{other}");
    }
}
