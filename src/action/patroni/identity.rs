//! Whether who answers at the address of a pod is that pod's own Patroni.

use std::net::IpAddr;

use super::view::View;
use crate::cluster::Object;
use crate::patroni::{Member, Status, scope_label};

/// Why who answered may be another one than the pod's own Patroni.
pub(super) fn is_another(pod: &Object, member: &Member, view: &View, own: &Status) -> Option<String> {
    let label = scope_label(pod).map(|(_, scope)| scope);
    if let Some(label) = label.filter(|label| [&view.scope, &own.scope].into_iter().any(|scope| scope != label)) {
        return Some(format!(
            "the pod is of the cluster {label}, and who answers there says {} and {}",
            view.scope, own.scope
        ));
    }
    let address = |text: &str| text.parse::<IpAddr>().ok();
    let (says, is) = (member.host.as_deref().and_then(address), address(pod.text("/status/podIP")));
    if says.is_some() && is.is_some() && says != is {
        let says = member.host.as_deref().unwrap_or_default();
        return Some(format!("the member says that it is at {says}, and the pod is at {}", pod.text("/status/podIP")));
    }
    let leaders = view.leader.as_ref().and_then(|leader| leader.system.as_ref());
    match (&own.system, leaders) {
        (Some(own), Some(leaders)) if own != leaders => {
            Some(format!("its database has the number {own}, and the leader's is {leaders}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::sim::build;
    use crate::patroni::Members;

    /// What answers at the address of a pod must be that pod's own Patroni: all else would have
    /// somebody else's data deleted.
    #[test]
    fn who_answers_for_another_is_found_out() {
        let pod = build::pod("shop", "db-1", "db")
            .with(&json!({ "metadata": { "labels": { "cluster-name": "db" } }, "status": { "podIP": "10.0.0.9" } }));
        let answers = |scope: &str, own_scope: &str, host: Option<&str>, systems: [&str; 2]| {
            let status = |scope: &str, system: &str| Status {
                scope: scope.to_owned(),
                system: Some(system.to_owned()),
                ..Status::default()
            };
            let leader = Some(status(scope, systems[1]));
            let view = View { scope: scope.to_owned(), members: Members::default(), leader, teller: String::new() };
            let member = Member { name: "db-1".to_owned(), host: host.map(str::to_owned), ..Member::default() };
            is_another(&pod, &member, &view, &status(own_scope, systems[0]))
        };
        assert_eq!(answers("db", "db", Some("10.0.0.9"), ["1", "1"]), None);
        // A name is no address that could be compared.
        assert_eq!(answers("db", "db", Some("db-1.db.shop.svc"), ["1", "1"]), None);
        for (another, says) in [
            (
                answers("other", "db", None, ["1", "1"]),
                "the pod is of the cluster db, and who answers there says other and db",
            ),
            (answers("db", "other", None, ["1", "1"]), "says db and other"),
            (answers("db", "db", Some("10.0.0.8"), ["1", "1"]), "it is at 10.0.0.8, and the pod is at 10.0.0.9"),
            (answers("db", "db", None, ["1", "2"]), "its database has the number 1, and the leader's is 2"),
        ] {
            assert!(another.as_ref().is_some_and(|why| why.contains(says)), "{another:?}: {says}");
        }
    }
}
