//! `patroni.failover`: a member leads where nobody does.

use async_trait::async_trait;
use serde_json::json;

use super::identity::is_another;
use super::leaders::{self, Asked, FIELDS, RIGHTS};
use super::view::{View, target, the_same};
use crate::action::typed::{Arguments as _, arguments};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, StepContext,
    World,
};
use crate::cluster::Object;
use crate::language::Arg;
use crate::model::{Autonomy, Intent, ObjectKey};
use crate::patroni::{Settings, Status};

arguments! {
    pub(in crate::action) struct PatroniFailover {
        /// Who is to lead. Left out: of the members that answer and may, the one that has most
        candidate: Option<Arg<String>>,
    }
}

impl Declared for PatroniFailover {
    const DECLARATION: Declaration = Declaration {
        name: "patroni.failover",
        summary: "Has a member lead where nobody does, as `patronictl failover` does",
        effect: Effect::Mutates(ChangeKind::Patch),
        about: "The target is a pod of the cluster. Each member is asked how far its own WAL goes, and one `POST /failover` is sent to the \
            Patroni of the one that is to lead, which must have at least as much as each other one that answers. What members hold that do \
            not answer is lost, if it is more: the question names them. Patroni itself holds back where it fears for data \
            (`maximum_lag_on_failover`, tags, synchronous standbys), and this overrides that. All that it is decided on is asked again in \
            the moment in which it is sent. Where somebody leads, nothing is done: that is no error.",
        errors: "A step with it needs an `approval` that says `of` whom: those who know databases. A human is needed for a cluster that is \
            paused, that follows another one, or whose leader is known and does not say itself that it leads and runs: Patroni acts on that \
            by itself once its time is over. Also where the candidate does not answer, does not run, is tagged not to lead, has less than \
            another one, or, where commits wait for synchronous standbys, is none; and where who answers may be another one than the pod's \
            own Patroni. What Patroni refuses (412) or has tried in vain (503) is for a human, too. After a crash it is never sent again.",
        repeated: "Once somebody leads, nothing is sent.",
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: FIELDS,
        rights: RIGHTS,
        most_autonomy: Autonomy::Approve,
        example: "\
- id: cluster
  patroni.cluster: {}
- id: lead
  patroni.failover: {}
  approval: { of: platform, question: \"{{cluster.summary}}: have another one lead?\" }
  verify: { query: cluster, until: \"leader != ''\", settle: 30s, within: 10m }
",
    };

    const TARGETS: &'static [Kind] = &[Kind::POD];
    const ASKS_WHO_KNOWS: bool = true;

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }
}

/// All that it is decided on.
struct Seen {
    view: View,
    settings: Settings,
    /// The members that answer themselves.
    asked: Vec<Asked>,
}

#[async_trait]
impl Mutation for PatroniFailover {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let target = target(world, &step).await?;
        let named = self.candidate.as_ref().map(|candidate| candidate.resolve(step.scope)).transpose()?;
        plan(&see(world, &target).await?, named.as_deref(), step.marker())
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        if dry_run {
            return Err(ActionError::fail("Patroni does not support dry run"));
        }
        let pod = the_same(world, intent).await?;
        match plan(&see(world, &pod).await?, Some(pod.name()), intent.marker.clone())? {
            // Who does not answer is what whoever said yes was told.
            Plan::Do(now) if now.before == intent.before => {}
            Plan::Do(now) => return Err(leaders::differs(intent, &now)),
            Plan::Unneeded(output) => {
                return Err(ActionError::held_up(format!("nothing was sent: {}", output.summary)));
            }
        }
        leaders::answered(intent, world.patroni.failover(&pod, pod.name()).await)
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        leaders::doubt(world, intent).await
    }

    fn remedied(&self, intent: &Intent) -> ObjectKey {
        leaders::remedied(intent)
    }
}

async fn see(world: &World, pod: &Object) -> Result<Seen, ActionError> {
    let view = View::of(world, pod).await?;
    let mut asked = Vec::new();
    for member in &view.members.members {
        asked.extend(Asked::of(world, pod.namespace(), &member.name).await?);
    }
    let teller = asked.first().ok_or_else(|| ActionError::retry(format!("no member of {} answers", view.scope)))?;
    let settings = world.patroni.settings(&teller.pod).await?;
    Ok(Seen { view, settings, asked })
}

fn plan(seen: &Seen, named: Option<&str>, marker: String) -> Result<Plan, ActionError> {
    let Seen { view, settings, asked } = seen;
    let not = format!("nobody is made to lead {}", view.scope);
    let human = |why: String| Err(view.human(&not, why));
    if let Some(leader) = view.members.leader() {
        if view.leader.as_ref().is_some_and(Status::leads) {
            let summary = format!("{} leads {}", leader.name, view.scope);
            return Ok(Plan::Unneeded(leaders::unneeded(&leader.name, summary)));
        }
        let why = format!(
            "{} is said to lead, and does not say itself that it runs: Patroni acts on that by itself once its time is over",
            leader.name
        );
        return human(why);
    }
    if settings.paused || view.members.paused {
        return human("Patroni is paused, so that somebody is at work on the cluster".into());
    }
    if settings.is_standby {
        return human("it follows another cluster".into());
    }
    let may = |asked: &Asked| why_not(seen, asked).is_none();
    let candidate = match named {
        Some(named) => asked.iter().find(|asked| asked.pod.name() == named),
        // Of several the first, which `max_by_key` finds last.
        None => asked.iter().rev().filter(|asked| may(asked)).max_by_key(|asked| reach(&asked.own)),
    };
    let Some(candidate) = candidate else {
        return human(match named {
            Some(named) => format!("{named} does not answer itself"),
            None => "no member that answers may lead".into(),
        });
    };
    if let Some(why) = why_not(seen, candidate) {
        return human(why);
    }
    let (name, has) = (candidate.pod.name(), reach(&candidate.own));
    if let Some(more) = asked.iter().find(|other| reach(&other.own) > has) {
        return human(format!("{} has more than {name}: it may hold commits that {name} has not", more.pod.name()));
    }
    let silent = |name: &str| !asked.iter().any(|asked| asked.pod.name() == name && reach(&asked.own).is_some());
    let silent: Vec<&str> =
        view.members.members.iter().map(|member| member.name.as_str()).filter(|name| silent(name)).collect();
    let lost = match silent.as_slice() {
        [] => String::new(),
        names => format!("; what more {} may hold is lost, as nothing is known of that", names.join(", ")),
    };
    leaders::hands_off([&candidate.pod])?;
    let pod = &candidate.pod;
    Ok(Plan::Do(Intent {
        summary: format!("have {name} lead {}, which nobody leads{lost}", view.scope),
        object: pod.key(),
        uid: pod.uid().to_owned(),
        resource_version: pod.resource_version().to_owned(),
        before: json!({ "cluster": view.scope, "leader": "", "silent": silent }),
        after: json!({ "leader": name }),
        marker,
    }))
}

/// How far a member's own WAL goes: the timeline first. `None`: not known, which is less than
/// anything.
fn reach(own: &Status) -> Option<(u64, u64)> {
    Some((own.timeline?, own.position?))
}

/// Why that member is not one to lead.
fn why_not(seen: &Seen, asked: &Asked) -> Option<String> {
    let name = asked.pod.name();
    let Some(member) = seen.view.members.named(name) else { return Some(format!("{name} is no member")) };
    if let Some(why) = is_another(&asked.pod, member, &seen.view, &asked.own) {
        return Some(format!("of {name}, {why}"));
    }
    if let Some(why) = leaders::why_it_may_not(member, &asked.own, seen.settings.synchronous) {
        return Some(why);
    }
    if reach(&asked.own).is_none() || asked.own.started.is_none() {
        return Some(format!(
            "PostgreSQL of {name} does not run ({}), or does not tell how far it is",
            asked.own.state
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::sim::build;
    use crate::model::FailureClass;
    use crate::patroni::{Member, Members};

    fn seen(positions: &[(&str, u64, u64)]) -> Seen {
        let members = ["db-0", "db-1", "db-2"].map(|name| Member {
            name: name.into(),
            role: "replica".into(),
            state: "running".into(),
            ..Member::default()
        });
        let asked = |&(name, timeline, position): &(&str, u64, u64)| Asked {
            pod: build::pod("shop", name, "db").with(&json!({ "metadata": { "labels": { "cluster-name": "db" } } })),
            own: Status {
                scope: "db".into(),
                state: "running".into(),
                started: Some("t".into()),
                timeline: Some(timeline),
                position: Some(position),
                ..Status::default()
            },
        };
        let members = Members { members: members.to_vec(), paused: false };
        let view = View { scope: "db".into(), members, leader: None, teller: String::new() };
        Seen { view, settings: Settings::default(), asked: positions.iter().map(asked).collect() }
    }

    fn decide(seen: &Seen, named: Option<&str>) -> Result<String, ActionError> {
        Ok(match plan(seen, named, "m".into())? {
            Plan::Do(intent) => intent.summary,
            Plan::Unneeded(output) => format!("unneeded: {}", output.summary),
        })
    }

    #[test]
    fn whoever_has_most_leads_and_what_may_be_lost_is_told() {
        let whole = seen(&[("db-0", 3, 100), ("db-1", 3, 900), ("db-2", 2, 5000)]);
        assert_eq!(decide(&whole, None).unwrap(), "have db-1 lead db, which nobody leads");
        let error = decide(&whole, Some("db-0")).unwrap_err();
        assert!(error.message.contains("db-1 has more than db-0"), "{error}");
        let part = seen(&[("db-1", 3, 900)]);
        assert_eq!(
            decide(&part, None).unwrap(),
            "have db-1 lead db, which nobody leads; what more db-0, db-2 may hold is lost, as nothing is known of that"
        );
        assert!(decide(&part, Some("db-0")).unwrap_err().message.contains("db-0 does not answer itself"));
    }

    #[test]
    fn what_patroni_or_a_person_is_about_to_decide_is_left_to_them() {
        let all = [("db-0", 3, 100), ("db-1", 3, 900), ("db-2", 3, 500)];
        let refused = |change: fn(&mut Seen), told: &str| {
            let mut seen = seen(&all);
            change(&mut seen);
            let error = decide(&seen, None).unwrap_err();
            assert!(error.class == FailureClass::NeedsHuman && error.message.contains(told), "{error:?}: {told}");
        };
        refused(|seen| seen.settings.paused = true, "Patroni is paused");
        refused(|seen| seen.settings.is_standby = true, "it follows another cluster");
        refused(|seen| seen.settings.synchronous = true, "no member that answers may lead");
        refused(|seen| seen.view.members.members[0].role = "leader".into(), "db-0 is said to lead");
        // One that may not lead has more.
        refused(|seen| seen.view.members.members[1].never_leads = true, "db-1 has more than db-2");
        let mut led = seen(&all);
        led.view.members.members[0].role = "leader".into();
        led.view.leader = Some(Status { state: "running".into(), role: "master".into(), ..Status::default() });
        assert_eq!(decide(&led, None).unwrap(), "unneeded: db-0 leads db");
    }
}
