//! `patroni.cluster`: who leads, and how the members do.

use async_trait::async_trait;

use super::view::{View, target};
use crate::action::typed::{Arguments as _, OrNull, Typed as _, arguments, output};
use crate::action::{
    AT_WILL, Action, ActionError, Declaration, Declared, Effect, Kind, Output, Read, Right, StepContext, World,
};
use crate::model::Autonomy;
use crate::patroni::Status;

arguments! {
    pub(in crate::action) struct PatroniCluster {}
}

output! {
    struct Answer {
        /// The cluster's name
        scope: String,
        /// The name of the leader; empty: nobody leads
        leader: String,
        /// Whether the leader's own Patroni answers. If not, its state is its last word: it counts
        /// as the leader until its lock ends
        leader_answers: bool,
        /// Whether it says itself that it leads, too: it does not while it is still being promoted
        leader_leads: bool,
        /// Whose Patroni told this: the target's own, or another member's where that does not
        /// answer. What is told of the target is its last word then
        told_by: String,
        /// Whether Patroni was told to leave the cluster alone
        paused: bool,
        /// The leader's timeline; null where it is not known
        timeline: OrNull<u64>,
        /// All members, in the order of their names
        members: Vec<Told>,
    }
}

output! {
    struct Told {
        /// Its name, which is that of its pod
        name: String,
        /// `leader`, `standby_leader`, `sync_standby` or `replica`
        role: String,
        /// As Patroni says it: `running`, `streaming`, `creating replica`, `start failed`
        state: String,
        /// Whether it gets the leader's changes as they are made, with any version of Patroni; null
        /// where the leader does not answer
        streaming: OrNull<bool>,
        /// Its timeline; null where it is not known
        timeline: OrNull<u64>,
        /// How far it is behind the leader, in bytes; null where it is not known, as of the leader
        lag: OrNull<u64>,
    }
}

impl Declared for PatroniCluster {
    const DECLARATION: Declaration = Declaration {
        name: "patroni.cluster",
        summary: "Asks Patroni who leads, and how the members do",
        effect: Effect::Reads,
        about: "The target is a pod of the cluster. Its Patroni is asked at the pod's own address (`GET /cluster`, `GET /patroni`), \
            on the port of `patroni.port` in dogwatch.yaml; where it does not answer, up to two other pods with its label \
            `cluster-name` are (or what Crunchy and StackGres write instead). Then the leader is asked who streams from it. A member's \
            lag is what Patroni knows, which is as old as its last turn (10 s). With Kubernetes as its store, a member whose Patroni has died \
            stays in the list as it was: `leader_answers` and `told_by` say whether the leader and the target were heard themselves.",
        errors: "The target is no pod, or is gone. No member answers; what answers is not Patroni.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Answer::FIELDS,
        rights: &[Right::on_target(&["get"]), Right::on_kind(Kind::POD, &["get", "list"])],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: cluster
  patroni.cluster: {}
- require: cluster.leader != '' && !cluster.paused
  because: \"{{cluster.summary}}\"
",
    };

    const TARGETS: &'static [Kind] = &[Kind::POD];

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }
}

#[async_trait]
impl Read for PatroniCluster {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let view = View::of(world, &target(world, &step).await?).await?;
        let members = view.members.members.iter().map(|member| Told {
            name: member.name.clone(),
            role: member.role.clone(),
            state: member.state.clone(),
            streaming: OrNull(view.streams(member)),
            timeline: OrNull(member.timeline),
            lag: OrNull(member.lag),
        });
        let leader = view.members.leader();
        let answer = Answer {
            members: members.collect(),
            scope: view.scope.clone(),
            leader: leader.map(|leader| leader.name.clone()).unwrap_or_default(),
            leader_answers: leader.is_some() && view.leader.is_some(),
            leader_leads: leader.is_some() && view.leader.as_ref().is_some_and(Status::is_leader),
            told_by: view.teller.clone(),
            paused: view.members.paused,
            timeline: OrNull(leader.and_then(|leader| leader.timeline)),
        };
        Ok(Output::new(&answer, view.summary()))
    }
}
