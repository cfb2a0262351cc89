//! Whether Patroni leaves its cluster alone: what `patroni.pause` and `patroni.resume` share.

pub(in crate::action) mod pause;
pub(in crate::action) mod resume;

use serde_json::{Value, json};

use super::identity::is_another;
use super::view::{View, target, the_same};
use crate::action::typed::{Typed as _, output};
use crate::action::{ActionError, Doubt, Field, Kind, Output, Plan, Right, StepContext, World};
use crate::cluster::Object;
use crate::model::{FailureClass, Intent};
use crate::patroni::{Settings, Status};

output! {
    struct OfCluster {
        /// The cluster's name
        scope: String,
        /// Whether Patroni leaves it alone now
        paused: bool,
    }
}

const FIELDS: &[Field] = OfCluster::FIELDS;

const RIGHTS: &[Right] = &[
    Right::on_target(&["get"]),
    Right::on_kind(Kind::POD, &["get", "list"]),
    Right::on_kind(Kind::NAMESPACE, &["get"]),
];

/// All that it is decided on.
struct Seen {
    view: View,
    own: Status,
    settings: Settings,
}

impl Seen {
    async fn of(world: &World, pod: &Object) -> Result<Self, ActionError> {
        let view = View::of(world, pod).await?;
        let own = world.patroni.status(pod).await?;
        let settings = world.patroni.settings(pod).await?;
        Ok(Self { view, own, settings })
    }
}

fn output(scope: &str, paused: bool, summary: impl Into<String>) -> Output {
    Output::new(&OfCluster { scope: scope.to_owned(), paused }, summary)
}

fn plan(pod: &Object, seen: &Seen, wanted: bool, marker: String) -> Result<Plan, ActionError> {
    let Seen { view, own, settings } = seen;
    let scope = &own.scope;
    let not = format!("{scope} is not {}", if wanted { "paused" } else { "resumed" });
    let Some(member) = view.members.named(pod.name()) else {
        return Err(ActionError::fail(format!("{} is no member of {}", pod.name(), view.summary())));
    };
    if let Some(why) = is_another(pod, member, view, own) {
        return Err(view.human(&not, why));
    }
    if settings.paused == wanted {
        let is = if wanted { "is paused already" } else { "is not paused" };
        return Ok(Plan::Unneeded(output(scope, wanted, format!("{scope} {is}"))));
    }
    let summary = if wanted {
        format!("pause Patroni of {scope}: until it is resumed, nobody takes over where its leader goes")
    } else {
        let leads = view.leader.as_ref().is_some_and(Status::leads);
        let leader = view.members.leader().filter(|leader| leads || leader.role == "standby_leader");
        let Some(leader) = leader else {
            let why = "nobody leads, and whoever Patroni has lead then may lack commits that another member holds";
            return Err(view.human(&not, why));
        };
        format!("resume Patroni of {scope}, which {} leads; who paused it, and why, Patroni does not say", leader.name)
    };
    Ok(Plan::Do(Intent {
        summary,
        object: pod.key(),
        uid: pod.uid().to_owned(),
        resource_version: pod.resource_version().to_owned(),
        before: json!({ "cluster": scope, "paused": !wanted }),
        after: json!({ "paused": wanted }),
        marker,
    }))
}

async fn prepare(world: &World, step: &StepContext<'_>, wanted: bool) -> Result<Plan, ActionError> {
    let pod = target(world, step).await?;
    plan(&pod, &Seen::of(world, &pod).await?, wanted, step.marker())
}

async fn apply(world: &World, intent: &Intent, wanted: bool, dry_run: bool) -> Result<Output, ActionError> {
    if dry_run {
        return Err(ActionError::fail("Patroni does not support dry run"));
    }
    let pod = the_same(world, intent).await?;
    match plan(&pod, &Seen::of(world, &pod).await?, wanted, intent.marker.clone())? {
        Plan::Do(now) if now.before == intent.before => {}
        Plan::Do(now) => {
            let message =
                format!("nothing was sent: it was to be {}, and now it would be {}", intent.summary, now.summary);
            return Err(ActionError::held_up(message));
        }
        Plan::Unneeded(output) => return Ok(output),
    }
    world.patroni.pause(&pod, wanted).await?;
    Ok(output(scope_of(intent), wanted, intent.summary.clone()))
}

/// It is a value that is set: told once more, it is the same.
async fn doubt(world: &World, intent: &Intent, wanted: bool) -> Result<Doubt, ActionError> {
    let pod = match the_same(world, intent).await {
        Ok(pod) => pod,
        Err(error) if error.class == FailureClass::Retry => return Err(error),
        Err(error) => return Ok(Doubt::Unclear(error.message)),
    };
    match plan(&pod, &Seen::of(world, &pod).await?, wanted, intent.marker.clone()) {
        Ok(Plan::Do(intent)) => Ok(Doubt::NotDone(intent)),
        Ok(Plan::Unneeded(_)) => {
            let (scope, is) = (scope_of(intent), if wanted { "is paused" } else { "is not paused any more" });
            let summary = format!("{scope} {is}; whether by this run cannot be told, as Patroni leaves no mark");
            Ok(Doubt::Done(output(scope, wanted, summary)))
        }
        Err(error) if error.class == FailureClass::Retry => Err(error),
        Err(error) => Ok(Doubt::Unclear(error.message)),
    }
}

fn scope_of(intent: &Intent) -> &str {
    intent.before.get("cluster").and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::sim::build;
    use crate::patroni::{Member, Members};

    fn seen(leads: bool, paused: bool) -> (Object, Seen) {
        let pod = build::pod("shop", "db-0", "db").with(&json!({ "metadata": { "labels": { "cluster-name": "db" } } }));
        let role = if leads { "leader" } else { "replica" }.to_owned();
        let member = Member { name: "db-0".into(), role, state: "running".into(), ..Member::default() };
        let own = Status { scope: "db".into(), state: "running".into(), role: "master".into(), ..Status::default() };
        let members = Members { members: vec![member], paused };
        let view = View { scope: "db".into(), members, leader: leads.then(|| own.clone()), teller: String::new() };
        (pod, Seen { view, own, settings: Settings { paused, ..Settings::default() } })
    }

    fn decide((pod, seen): (Object, Seen), wanted: bool) -> Result<String, ActionError> {
        Ok(match plan(&pod, &seen, wanted, "m".into())? {
            Plan::Do(intent) => intent.summary,
            Plan::Unneeded(output) => format!("unneeded: {}", output.summary),
        })
    }

    #[test]
    fn what_is_so_already_is_not_told_again() {
        assert_eq!(decide(seen(true, true), true).unwrap(), "unneeded: db is paused already");
        assert_eq!(decide(seen(true, false), false).unwrap(), "unneeded: db is not paused");
        assert!(decide(seen(false, false), true).unwrap().starts_with("pause Patroni of db: until it is resumed"));
        assert!(decide(seen(true, true), false).unwrap().starts_with("resume Patroni of db, which db-0 leads"));
    }

    #[test]
    fn one_that_nobody_leads_is_resumed_by_people() {
        let error = decide(seen(false, true), false).unwrap_err();
        assert_eq!(error.class, FailureClass::NeedsHuman);
        assert!(error.message.starts_with("db is not resumed: nobody leads"), "{error}");
    }
}
