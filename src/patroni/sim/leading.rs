//! Another member leads: what Patroni does for a switchover and a failover.

use serde_json::{Value, json};

use super::{SimPatroni, leads, refused, role, text};
use crate::cluster::Object;
use crate::cluster::sim::{Fault, Verb};
use crate::model::ObjectKey;
use crate::patroni::PatroniError;

impl SimPatroni {
    /// Has `candidate` lead: instead of `from`, or where nobody does.
    pub(super) fn moves(&self, pod: &Object, from: Option<&str>, candidate: &str) -> Result<String, PatroniError> {
        let found = self.admit(Verb::Create, pod)?;
        let leader = found.iter().find(|(_, own)| leads(own));
        if let Some(why) = why_not(&found, from, candidate, self.settings_now(pod).synchronous) {
            return Err(refused(pod, why));
        }
        let failing = Fault::SwitchoverFails { member: ObjectKey::new("Pod", pod.namespace(), candidate) };
        let what = if from.is_some() { "switchover" } else { "failover" };
        if self.cluster.faults().contains(&failing) {
            let word = if from.is_some() { "Switchover" } else { "Failover" };
            return Err(refused(pod, format!("{word} failed")));
        }
        let Some((new_pod, new)) = found.iter().find(|(other, _)| other.name() == candidate) else {
            return Err(refused(pod, "candidate does not exists"));
        };
        // A leader that goes in order hands over all that it has.
        let last = leader.map_or(new, |(_, own)| own);
        let (timeline, end) = (last["timeline"].as_u64().unwrap_or(1), last["xlog_location"].as_u64().unwrap_or(0));
        let now = self.clock.now().to_rfc3339();
        for (other, own) in &found {
            let mut next = own.clone();
            if other.name() == candidate {
                next["role"] = leader.map_or_else(|| "master".into(), |(_, own)| role(own, "master")).into();
                next["state"] = "running".into();
            } else if leads(own) {
                next["role"] = "replica".into();
                next["state"] = "streaming".into();
                next["started"] = now.clone().into();
            } else if own["xlog_location"].as_u64().is_none_or(|own| own > end) {
                // It cannot follow, or does not run.
                continue;
            }
            next["timeline"] = (timeline + 1).into();
            next["xlog_location"] = end.into();
            self.write_own(other, &next);
        }
        let mut history = self.kept(pod, "history");
        if let Some(lines) = history.as_array_mut() {
            lines.push(json!([timeline, end, "no recovery target specified", now, candidate]));
        } else {
            history = json!([[timeline, end, "no recovery target specified", now, candidate]]);
        }
        self.keep(pod, "history", &history);
        self.made(new_pod, what)?;
        Ok(format!("Successfully {}ed over to \"{candidate}\"", what.trim_end_matches("over")))
    }
}

/// As Patroni's own `is_failover_possible`, which is answered with 412.
fn why_not(found: &[(Object, Value)], from: Option<&str>, candidate: &str, synchronous: bool) -> Option<String> {
    let action = if from.is_some() { "switchover" } else { "failover" };
    let leader = found.iter().find(|(_, own)| leads(own)).map(|(pod, _)| pod.name());
    if from.is_some() && from != leader {
        return Some("leader name does not match".to_owned());
    }
    let member = found.iter().find(|(pod, _)| pod.name() == candidate).map(|(_, own)| own);
    let is_sync = |own: &Value| matches!(own["role"].as_str(), Some("sync_standby" | "quorum_standby"));
    if from.is_some() && synchronous && !member.is_some_and(is_sync) {
        return Some("candidate name does not match with sync_standby".to_owned());
    }
    let Some(member) = member else { return Some("candidate does not exists".to_owned()) };
    let runs = matches!(text(member, "state").as_str(), "running" | "streaming");
    let never = member["tags"].as_object().is_some_and(crate::patroni::answer::never_leads);
    (!runs || never || leader == Some(candidate))
        .then(|| format!("{action} is not possible: no good candidates have been found"))
}
