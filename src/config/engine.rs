//! `engine`: how many runs go on at once, and what they may keep.

use std::time::Duration;

use serde::Deserialize;

use super::{ByteSize, CeilingsConfig, FreezeConfig, LimitsConfig};
use crate::model::{Autonomy, Ceilings, HumanDuration};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EngineConfig {
    /// How many runs go on at the same time. A run that waits (a timer, an approval, a verify) holds no worker.
    pub workers: usize,
    /// How long a worker that died keeps others from its run. Long enough for a change and its margin ([`crate::model::LEAST_LEASE`]).
    pub lease: HumanDuration,
    /// How long a question to a human stays open. Then the run escalates; it never acts.
    pub approval_timeout: HumanDuration,
    /// What was found out longer ago is found out and decided again before anything is changed, and
    /// after a person said yes to it. `0s`: it is not.
    pub diagnosis_lasts: HumanDuration,
    /// Within this time after a run, no other one that an alert starts does the same for the same
    /// object: what comes back so soon was not fixed by it. `0s`: the playbooks' limits alone
    /// count.
    pub fix_holds_for: HumanDuration,
    /// How far any run may go at the most, whatever its playbook says: `observe` and `suggest` show
    /// what it would do. It counts at once when the file is read again, also for runs under way.
    pub autonomy_ceiling: Autonomy,
    /// The same for some of them.
    pub autonomy_ceilings: CeilingsConfig,
    /// How much is changed at the most, over all runs. It counts at once when the file is read
    /// again.
    pub limits: LimitsConfig,
    /// The ConfigMap that freezes, and needs nothing of the bot but that it reads it.
    pub freeze: FreezeConfig,
    /// The most that one step's output may be on the run's log.
    pub output_limit: ByteSize,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            workers: 4,
            lease: HumanDuration(Duration::from_secs(60)),
            approval_timeout: HumanDuration(Duration::from_secs(30 * 60)),
            diagnosis_lasts: HumanDuration(Duration::from_secs(10 * 60)),
            fix_holds_for: HumanDuration(Duration::from_secs(60 * 60)),
            autonomy_ceiling: Autonomy::Auto,
            autonomy_ceilings: CeilingsConfig::default(),
            limits: LimitsConfig::default(),
            freeze: FreezeConfig::default(),
            output_limit: ByteSize::kib(256),
        }
    }
}

impl EngineConfig {
    pub fn ceilings(&self) -> Ceilings {
        let CeilingsConfig { namespaces, teams, playbooks } = self.autonomy_ceilings.clone();
        Ceilings { all: self.autonomy_ceiling, namespaces, teams, playbooks }
    }
}
