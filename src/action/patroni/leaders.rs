//! Another member comes to lead: what `patroni.switchover` and `patroni.failover` share.

use serde_json::Value;

use super::view::{View, the_same};
use crate::action::k8s::deny;
use crate::action::typed::{Typed as _, output};
use crate::action::{ActionError, Doubt, Field, Kind, Output, Right, World};
use crate::cluster::Object;
use crate::model::{FailureClass, Intent, ObjectKey};
use crate::patroni::{Member, PatroniError, Status};

output! {
    pub(super) struct Moved {
        /// Who leads now
        leader: String,
        /// Who led before; empty: nobody did
        before: String,
    }
}

pub(super) const FIELDS: &[Field] = Moved::FIELDS;

pub(super) const RIGHTS: &[Right] = &[
    Right::on_target(&["get"]),
    Right::on_kind(Kind::POD, &["get", "list"]),
    Right::on_kind(Kind::NAMESPACE, &["get"]),
];

/// A member with its pod, and what it says itself.
#[derive(Debug)]
pub(super) struct Asked {
    pub pod: Object,
    pub own: Status,
}

impl Asked {
    /// The member of that name, asked itself; `None`: it has no pod, or does not answer.
    pub async fn of(world: &World, namespace: &str, name: &str) -> Result<Option<Self>, ActionError> {
        let key = ObjectKey::new("Pod", namespace, name);
        let Some(pod) = world.cluster.get(&key).await? else { return Ok(None) };
        match world.patroni.status(&pod).await {
            Ok(own) => Ok(Some(Self { pod, own })),
            Err(PatroniError::Unavailable { .. } | PatroniError::NoAddress { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Why a member may not lead, whoever leads now.
pub(super) fn why_it_may_not(member: &Member, own: &Status, synchronous: bool) -> Option<String> {
    let name = &member.name;
    if member.never_leads {
        return Some(format!("{name} is tagged not to lead"));
    }
    if member.is_being_made() || own.is_being_made() {
        return Some(format!("{name} is being rebuilt"));
    }
    if own.replay_paused {
        return Some(format!("the replay of {name} is paused"));
    }
    (synchronous && !matches!(member.role.as_str(), "sync_standby" | "quorum_standby"))
        .then(|| format!("commits wait for synchronous standbys, and {name} is none: it may lack some"))
}

/// That nothing was sent, as it would not be what was shown.
pub(super) fn differs(intent: &Intent, now: &Intent) -> ActionError {
    ActionError::held_up(format!(
        "nothing was sent: it was to be {}, and now it would be {}",
        intent.summary, now.summary
    ))
}

/// What Patroni's answer comes to.
pub(super) fn answered(intent: &Intent, answer: Result<String, PatroniError>) -> Result<Output, ActionError> {
    match answer {
        Ok(words) if words.contains("instead of") => Err(ActionError::needs_human(format!("Patroni has {words}"))),
        Ok(_) => Ok(output(intent, intent.summary.clone())),
        // It comes to nothing, or things are others by now.
        Err(error @ PatroniError::Refused { .. }) => Err(ActionError::needs_human(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// What became of it after a crash. It is never sent again: a wish that waits in Patroni's store
/// may come true yet.
pub(super) async fn doubt(world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
    let pod = match the_same(world, intent).await {
        Ok(pod) => pod,
        Err(error) if error.class == FailureClass::Retry => return Err(error),
        Err(error) => return Ok(Doubt::Unclear(error.message)),
    };
    became_of_it(&View::of(world, &pod).await?, intent)
}

/// Who leads says it.
///
/// # Errors
/// It cannot be told yet.
fn became_of_it(view: &View, intent: &Intent) -> Result<Doubt, ActionError> {
    let candidate = intent.object.name.as_str();
    let leads = view.leader.as_ref().is_some_and(Status::leads);
    let Some(leader) = view.members.leader().filter(|_| leads) else {
        return Err(ActionError::retry(format!("nobody says that he leads at this moment ({})", view.summary())));
    };
    if leader.name == candidate {
        let summary = format!("{candidate} leads now; whether by this run cannot be told, as Patroni leaves no mark");
        return Ok(Doubt::Done(output(intent, summary)));
    }
    let is_as_before = leader.name == text(&intent.before, "leader")
        && leader.timeline == intent.before.get("leader's timeline").and_then(Value::as_u64);
    let has = if is_as_before { "leads as before" } else { "leads" };
    Ok(Doubt::Unclear(format!(
        "whether {candidate} was told to lead is not known: {} {has}, and a wish that waits may come true yet; look at `patronictl list`, \
         and at Patroni's log ({})",
        leader.name,
        view.summary()
    )))
}

/// For which object it is done: what stands for the cluster, so that the lead does not go to and
/// fro.
pub(super) fn remedied(intent: &Intent) -> ObjectKey {
    ObjectKey::new("Endpoints", &intent.object.namespace, text(&intent.before, "cluster"))
}

/// Whoever the lead goes to or from is not touched where somebody asks for that.
pub(super) fn hands_off<'p>(pods: impl IntoIterator<Item = &'p Object>) -> Result<(), ActionError> {
    pods.into_iter().try_for_each(deny::check_hands_off)
}

pub(super) fn output(intent: &Intent, summary: String) -> Output {
    let before = text(&intent.before, "leader").to_owned();
    Output::new(&Moved { leader: intent.object.name.clone(), before }, summary)
}

/// That it is so already.
pub(super) fn unneeded(leader: &str, summary: String) -> Output {
    Output::new(&Moved { leader: leader.to_owned(), before: leader.to_owned() }, summary)
}

pub(super) fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::patroni::Members;

    fn view(leader: Option<(&str, u64)>, runs: bool) -> View {
        let members = ["db-0", "db-1", "db-2"].map(|name| Member {
            name: name.into(),
            role: if leader.is_some_and(|(leads, _)| leads == name) { "leader" } else { "replica" }.into(),
            timeline: leader.map(|(_, timeline)| timeline),
            ..Member::default()
        });
        let state = if runs { "running" } else { "stopping" }.into();
        let own = Status { state, role: "primary".into(), ..Status::default() };
        let members = Members { members: members.to_vec(), paused: false };
        View { scope: "db".into(), members, leader: leader.map(|_| own), teller: String::new() }
    }

    #[test]
    fn who_leads_says_what_became_of_it_and_it_is_never_sent_again() {
        let intent = Intent {
            summary: "have db-1 lead".into(),
            object: ObjectKey::new("Pod", "shop", "db-1"),
            uid: String::new(),
            resource_version: String::new(),
            before: json!({ "cluster": "db", "leader": "db-0", "leader's timeline": 3 }),
            after: json!({ "leader": "db-1" }),
            marker: String::new(),
        };
        let of = |view: View| became_of_it(&view, &intent);
        let Ok(Doubt::Done(done)) = of(view(Some(("db-1", 4)), true)) else { panic!() };
        assert_eq!((&done.value["leader"], &done.value["before"]), (&json!("db-1"), &json!("db-0")));
        for (view, told) in [
            (view(Some(("db-0", 3)), true), "db-0 leads as before"),
            (view(Some(("db-0", 4)), true), "db-0 leads, and"),
            (view(Some(("db-2", 4)), true), "db-2 leads, and"),
        ] {
            let Ok(Doubt::Unclear(why)) = of(view) else { panic!() };
            assert!(why.contains(told), "{why}");
        }
        // On its way.
        for view in [view(None, true), view(Some(("db-0", 3)), false), view(Some(("db-1", 4)), false)] {
            assert_eq!(of(view).unwrap_err().class, FailureClass::Retry);
        }
        let error = answered(&intent, Ok("switched over to \"db-2\" instead of \"db-1\"".into())).unwrap_err();
        assert_eq!(error.class, FailureClass::NeedsHuman);
        assert_eq!(remedied(&intent).to_string(), "endpoints/db in shop");
    }
}
