//! What containers have written.

use serde::{Deserialize, Serialize};

use super::objects::list;
use super::{SimCluster, Verb};
use crate::cluster::{ClusterError, Log, LogQuery};
use crate::model::ObjectKey;

/// What a container has written. Its lines have no times: `since` leaves none of them out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContainerLog {
    /// The pod, or the Deployment, StatefulSet or Job whose pods all write it.
    pub of: ObjectKey,
    /// The container's name. Left out: each of them.
    #[serde(default)]
    pub container: Option<String>,
    /// It is what the container wrote before it was restarted.
    #[serde(default)]
    pub previous: bool,
    /// The oldest first.
    pub lines: Vec<String>,
}

impl SimCluster {
    /// Lets containers have written that; whatever the same ones wrote before is forgotten.
    pub fn writes_log(&self, log: ContainerLog) {
        self.enter().logs.push(log);
    }

    pub(super) fn read_log(&self, query: &LogQuery) -> Result<Log, ClusterError> {
        let LogQuery { key, container, previous, .. } = query;
        let (state, _) = self.admit(Verb::Get, "log", key, false)?;
        let refused = |message: String| ClusterError::Refused { what: format!("read the log of {key}"), message };
        let id = state.objects.find("Pod", &key.namespace, &key.name).filter(|_| key.kind == "Pod");
        let id = id.ok_or_else(|| ClusterError::NotFound(key.to_string()))?;
        let (pod, name) = (state.objects.value(id), &key.name);
        let mut containers = list(&pod, "/spec/containers").chain(list(&pod, "/spec/initContainers"));
        if !containers.any(|it| it["name"] == container.as_str()) {
            return Err(refused(format!("container {container} is not valid for pod {name}")));
        }
        let mut statuses = list(&pod, "/status/containerStatuses").chain(list(&pod, "/status/initContainerStatuses"));
        let status = statuses.find(|it| it["name"] == container.as_str());
        let restarts = status.and_then(|status| status["restartCount"].as_i64()).unwrap_or_default();
        if status.is_none() {
            return Err(refused(format!(
                "container \"{container}\" in pod \"{name}\" is waiting to start: ContainerCreating"
            )));
        }
        if *previous && restarts == 0 {
            return Err(refused(format!("previous terminated container \"{container}\" in pod \"{name}\" not found")));
        }
        let of = state.lineage(id);
        let is_it = |log: &&super::ContainerLog| {
            log.previous == *previous
                && log.container.as_ref().is_none_or(|name| name == container)
                && of.iter().any(|(_, key)| *key == log.of)
        };
        let lines = state.logs.iter().rev().find(is_it).map(|log| log.lines.as_slice()).unwrap_or_default();
        let newest = lines.get(lines.len().saturating_sub(query.lines)..).unwrap_or_default();
        let text = newest.iter().map(|line| format!("{line}\n")).collect();
        Ok(Log { text, is_cut: false })
    }
}
