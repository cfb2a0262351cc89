//! Whether a Patroni cluster can spare one of its members now.

use super::view::View;
use crate::action::{ActionError, World, deny};
use crate::cluster::Object;
use crate::patroni::scope_label;

/// Why a pod is to stay where it is, as the cluster's members say themselves, for people. `None`:
/// it may go, or is no member that could be asked: of those, the labels say all that is known.
///
/// # Errors
/// No member answers: not knowing is no permission.
pub(in crate::action) async fn why_it_stays(world: &World, pod: &Object) -> Result<Option<String>, ActionError> {
    let Some((_, scope)) = scope_label(pod).filter(|_| deny::is_of_patroni(pod)) else { return Ok(None) };
    let view = View::of(world, pod).await?;
    Ok(decide(pod.name(), scope, &view).map(|why| format!("{why} ({})", view.summary())))
}

fn decide(name: &str, scope: &str, view: &View) -> Option<String> {
    // An old Patroni does not say of which cluster it is.
    if !view.scope.is_empty() && view.scope != scope {
        return Some(format!("the pod is of the cluster {scope}, and who answers there says {}", view.scope));
    }
    if view.members.paused {
        return Some("Patroni is paused, so that somebody is at work on the cluster".into());
    }
    let Some(leader) = view.members.leader() else {
        return Some("nobody leads the cluster, so that its data may be all there is".into());
    };
    if leader.name == name {
        return Some("it leads the cluster; switch over first (patronictl switchover)".into());
    }
    if !view.leader.as_ref().is_some_and(|leads| leads.leads()) {
        return Some(format!("{} does not say itself that it leads and runs: this one may have to", leader.name));
    }
    // One that hangs may be no member any more: then it does not lead, and nobody waits for it.
    let member = view.members.named(name)?;
    matches!(member.role.as_str(), "sync_standby" | "quorum_standby")
        .then(|| "it is a synchronous standby: commits wait for it".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patroni::{Member, Members, Status};

    fn view(roles: [&str; 2], leads: bool) -> View {
        let member = |(name, role): (&str, &str)| Member {
            name: name.to_owned(),
            role: role.to_owned(),
            state: "running".to_owned(),
            ..Member::default()
        };
        let members = [("db-0", roles[0]), ("db-1", roles[1])].map(member).to_vec();
        let state = if leads { "running" } else { "starting" }.to_owned();
        let leader = Some(Status { state, role: "master".to_owned(), ..Status::default() });
        View { scope: "db".to_owned(), members: Members { members, paused: false }, leader, teller: String::new() }
    }

    #[test]
    fn a_replica_may_go_and_who_is_needed_stays() {
        assert_eq!(decide("db-1", "db", &view(["leader", "replica"], true)), None);
        assert_eq!(decide("db-2", "db", &view(["leader", "replica"], true)), None, "it is no member any more");
        let paused = {
            let view = view(["leader", "replica"], true);
            View { members: Members { paused: true, ..view.members }, ..view }
        };
        for (why, told) in [
            (decide("db-0", "db", &view(["leader", "replica"], true)), "it leads the cluster"),
            (decide("db-1", "db", &view(["replica", "replica"], true)), "nobody leads"),
            (decide("db-1", "db", &view(["leader", "replica"], false)), "does not say itself that it leads"),
            (decide("db-1", "db", &view(["leader", "sync_standby"], true)), "commits wait for it"),
            (decide("db-1", "other", &view(["leader", "replica"], true)), "who answers there says db"),
            (decide("db-1", "db", &paused), "Patroni is paused"),
        ] {
            assert!(why.as_ref().is_some_and(|why| why.contains(told)), "{why:?}: {told}");
        }
    }
}
