//! What programs in containers say.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::objects::list;
use super::{SimCluster, Verb};
use crate::cluster::{ClusterError, ExecQuery, Executed};
use crate::model::ObjectKey;

/// What a program in a container says. One that no entry speaks of is not there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContainerProgram {
    /// The pod, or the Deployment, StatefulSet or Job in whose pods it is.
    pub of: ObjectKey,
    /// The container's name. Left out: each of them.
    #[serde(default)]
    pub container: Option<String>,
    /// The program, and as many of its arguments as matter.
    pub argv: Vec<String>,
    /// One answer for each time it is run; the last one stays.
    pub answers: Vec<ProgramEnd>,
}

/// What it says once, and how it ends.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProgramEnd {
    /// Its output.
    pub stdout: String,
    /// Its output, where that is JSON.
    pub json: Option<Value>,
    /// What it says about errors.
    pub stderr: String,
    /// `0`: all went well.
    pub code: i64,
    /// It comes to no end, and why.
    pub fails: Option<ProgramFault>,
}

/// How a program comes to no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProgramFault {
    /// Its time is over.
    NoAnswer,
}

/// A program, and how often it was run.
#[derive(Debug)]
pub(super) struct Played {
    program: ContainerProgram,
    times: usize,
}

impl SimCluster {
    /// Lets containers have that program.
    pub fn has_program(&self, program: ContainerProgram) {
        self.enter().programs.push(Played { program, times: 0 });
    }

    pub(super) fn run_program(&self, query: &ExecQuery) -> Result<Executed, ClusterError> {
        let ExecQuery { key, container, argv, timeout } = query;
        // As a server of 1.35 does: the connection begins with a GET, and is asked about once more.
        drop(self.admit(Verb::Get, "exec", key, false)?);
        let (mut state, _) = self.admit(Verb::Create, "exec", key, false)?;
        let refused = |message: String| ClusterError::Refused { what: query.phrase(), message };
        let id = state.objects.find("Pod", &key.namespace, &key.name).filter(|_| key.kind == "Pod");
        let id = id.ok_or_else(|| ClusterError::NotFound(key.to_string()))?;
        let pod = state.objects.value(id);
        if !list(&pod, "/spec/containers").any(|it| it["name"] == container.as_str()) {
            return Err(refused(format!("container {container} is not valid for pod {}", key.name)));
        }
        let of = state.lineage(id);
        let is_it = |played: &&mut Played| {
            let program = &played.program;
            program.container.as_ref().is_none_or(|name| name == container)
                && of.iter().any(|(_, key)| *key == program.of)
                && !program.argv.is_empty()
                && argv.starts_with(&program.argv)
        };
        let played = state.programs.iter_mut().rev().find(is_it);
        let end = played.and_then(|played| {
            let last = played.program.answers.len().saturating_sub(1);
            let end = played.program.answers.get(played.times.min(last));
            played.times += 1;
            end.cloned()
        });
        let program = argv.first().map_or("", String::as_str);
        let end = end.ok_or_else(|| refused(format!("exec: \"{program}\": executable file not found in $PATH")))?;
        if end.fails.is_some() {
            let message = format!("{program} did not end within {timeout:?}");
            return Err(ClusterError::Unavailable { what: query.phrase(), message });
        }
        let stdout = end.json.map_or(end.stdout, |json| json.to_string());
        Ok(Executed { stdout, stderr: end.stderr, code: end.code, is_cut: false })
    }
}
