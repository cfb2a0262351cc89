//! What can go wrong in the simulated cluster, on request.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::objects::Id;
use super::state::State;
use crate::cluster::ClusterError;
use crate::model::ObjectKey;

/// Something that goes wrong from now on. [`SimCluster::heal`](super::SimCluster::heal) ends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The containers of that Deployment, StatefulSet or Pod end right after their start, those that run now and new ones.
    CrashLoop { workload: ObjectKey },
    /// Pods of that workload that start from now on run, and never become Ready.
    NeverReady { workload: ObjectKey },
    /// An expansion of that claim is accepted, and nothing follows.
    ClaimNeverGrows { claim: ObjectKey },
    /// That Job runs and never ends. `times`: for so many Jobs of that name, the one that is there now first.
    JobHangs {
        /// The Job.
        job: ObjectKey,
        /// For so many Jobs of that name.
        #[serde(default = "once")]
        times: u32,
    },
    /// The pods of that Job end with an error, of all Jobs of that name.
    JobFails { job: ObjectKey },
    /// That member of a Patroni cluster is rebuilt, and never done with it.
    RebuildNeverEnds { member: ObjectKey },
    /// The copy of that member of a Patroni cluster fails when it is rebuilt.
    RebuildFails { member: ObjectKey },
    /// Patroni tries to have that member lead, and it comes to nothing.
    SwitchoverFails { member: ObjectKey },
    /// The next requests are not answered, and have no effect.
    Unavailable {
        /// Of which sort.
        verb: Verb,
        /// About objects of this kind; empty: any. `Patroni`: requests to its REST API, `get` or,
        /// where they change something, `create`. `PostgreSQL`: sessions that are ended, `create`.
        #[serde(default)]
        kind: String,
        /// So many of them.
        #[serde(default = "once")]
        times: u32,
    },
    /// The next requests take effect, and their answer is lost.
    AnswerLost {
        /// Of which sort.
        verb: Verb,
        /// About objects of this kind; empty: any. `Patroni` and `PostgreSQL`, as above.
        #[serde(default)]
        kind: String,
        /// So many of them.
        #[serde(default = "once")]
        times: u32,
    },
    /// The next patches find that somebody changed the object meanwhile.
    Conflict {
        /// So many of them.
        #[serde(default = "once")]
        times: u32,
    },
    /// We lose that right.
    Forbidden { verb: Verb, kind: String },
}

fn once() -> u32 {
    1
}

/// What one can ask of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    Get,
    List,
    Patch,
    Create,
    Delete,
}

impl Verb {
    /// As RBAC writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Verb::Get => "get",
            Verb::List => "list",
            Verb::Patch => "patch",
            Verb::Create => "create",
            Verb::Delete => "delete",
        }
    }
}

/// The faults that there are.
#[derive(Debug, Default)]
pub(super) struct Faults {
    standing: Vec<Fault>,
    /// Jobs that hang, each bound to one object.
    hanging: HashMap<Id, ObjectKey>,
    /// Pods whose containers crash because of a fault.
    pub crashing: HashSet<Id>,
}

impl Faults {
    pub fn add(&mut self, fault: Fault) {
        self.standing.push(fault);
    }

    pub fn remove(&mut self, fault: &Fault) {
        self.standing.retain(|other| other != fault);
        if let Fault::JobHangs { job, .. } = fault {
            self.standing.retain(|other| !matches!(other, Fault::JobHangs { job: of, .. } if of == job));
            self.hanging.retain(|_, of| of != job);
        }
    }

    pub fn standing(&self) -> &[Fault] {
        &self.standing
    }

    pub fn forget(&mut self, id: Id) {
        self.hanging.remove(&id);
        self.crashing.remove(&id);
    }

    pub fn is_crashing(&self, workloads: &[ObjectKey]) -> bool {
        self.any(|fault| matches!(fault, Fault::CrashLoop { workload } if workloads.contains(workload)))
    }

    pub fn is_never_ready(&self, workloads: &[ObjectKey]) -> bool {
        self.any(|fault| matches!(fault, Fault::NeverReady { workload } if workloads.contains(workload)))
    }

    pub fn never_grows(&self, key: &ObjectKey) -> bool {
        self.any(|fault| matches!(fault, Fault::ClaimNeverGrows { claim } if claim == key))
    }

    pub fn fails(&self, key: &ObjectKey) -> bool {
        self.any(|fault| matches!(fault, Fault::JobFails { job } if job == key))
    }

    /// Whether that Job hangs; one more of those that are to hang is bound to it if need be.
    pub fn hangs(&mut self, id: Id, key: &ObjectKey) -> bool {
        if self.hanging.contains_key(&id) {
            return true;
        }
        let taken = self.take(|fault| match fault {
            Fault::JobHangs { job, times } if job == key => Some(times),
            _ => None,
        });
        if taken {
            self.hanging.insert(id, key.clone());
        }
        taken
    }

    /// What goes wrong before a request has any effect. `what`: as in messages, `patch deployment/web in shop`.
    /// What goes wrong a number of times is meant for changes: a dry run uses none of it up.
    pub fn before(
        &mut self,
        verb: Verb,
        of: &str,
        what: &str,
        object: &str,
        dry_run: bool,
    ) -> Result<(), ClusterError> {
        if self.is_forbidden(verb, of) {
            let message = format!("cannot {} resource \"{of}\": a fault took the right away", verb.as_str());
            return Err(ClusterError::Forbidden { what: what.to_owned(), message });
        }
        if dry_run {
            return Ok(());
        }
        let unavailable = self.take(|fault| match fault {
            Fault::Unavailable { verb: on, kind, times } if *on == verb && (kind.is_empty() || kind == of) => {
                Some(times)
            }
            _ => None,
        });
        if unavailable {
            return Err(lost(what));
        }
        let conflict = verb == Verb::Patch
            && self.take(|fault| match fault {
                Fault::Conflict { times } => Some(times),
                _ => None,
            });
        if conflict {
            let message = "the object has been modified; please apply your changes to the latest version and try again";
            return Err(ClusterError::Conflict { what: object.to_owned(), message: message.into() });
        }
        Ok(())
    }

    /// What goes wrong after a request has taken effect.
    pub fn after(&mut self, verb: Verb, of: &str, what: &str, dry_run: bool) -> Result<(), ClusterError> {
        if dry_run {
            return Ok(());
        }
        let is_lost = self.take(|fault| match fault {
            Fault::AnswerLost { verb: on, kind, times } if *on == verb && (kind.is_empty() || kind == of) => {
                Some(times)
            }
            _ => None,
        });
        if is_lost { Err(lost(what)) } else { Ok(()) }
    }

    pub fn is_forbidden(&self, verb: Verb, of: &str) -> bool {
        self.any(|fault| matches!(fault, Fault::Forbidden { verb: on, kind } if *on == verb && kind == of))
    }

    fn any(&self, holds: impl Fn(&Fault) -> bool) -> bool {
        self.standing.iter().any(holds)
    }

    /// Uses up one time of the first fault that `times` finds.
    fn take(&mut self, times: impl Fn(&mut Fault) -> Option<&mut u32>) -> bool {
        for fault in &mut self.standing {
            if let Some(left) = times(fault)
                && *left > 0
            {
                *left -= 1;
                return true;
            }
        }
        false
    }
}

impl State {
    pub fn begin_fault(&mut self, fault: Fault) {
        let concerned = concerned(&fault).cloned();
        self.faults.add(fault);
        self.look_again(concerned);
    }

    pub fn end_fault(&mut self, fault: &Fault) {
        self.faults.remove(fault);
        self.look_again(concerned(fault).cloned());
    }

    /// Has the controllers look at an object and all that it owns.
    fn look_again(&mut self, key: Option<ObjectKey>) {
        let found = key.and_then(|key| Some((self.objects.find(&key.kind, &key.namespace, &key.name)?, key)));
        let Some((id, key)) = found else { return };
        // The Job that is there now is the first of those that hang.
        if key.kind == "Job" {
            self.faults.hangs(id, &key);
        }
        let mut left = vec![id];
        while let Some(id) = left.pop() {
            self.touch(id);
            left.extend(self.objects.get(id).map(|stored| self.objects.owned_by(&stored.uid)).unwrap_or_default());
        }
    }
}

fn concerned(fault: &Fault) -> Option<&ObjectKey> {
    match fault {
        Fault::CrashLoop { workload } | Fault::NeverReady { workload } => Some(workload),
        Fault::ClaimNeverGrows { claim } => Some(claim),
        Fault::JobHangs { job, .. } | Fault::JobFails { job } => Some(job),
        _ => None,
    }
}

fn lost(what: &str) -> ClusterError {
    ClusterError::Unavailable { what: what.to_owned(), message: "the connection was lost".into() }
}
