//! `pgbackrest.backup`: a backup now, where pgBackRest can make one.

use async_trait::async_trait;

use super::info;
use super::repository::Stanza;
use super::stanza::{check_literal, known, resolved};
use crate::action::command::Word;
use crate::action::k8s::create_job::{self, Created};
use crate::action::k8s::exec::place;
use crate::action::k8s::objects;
use crate::action::typed::{Arguments as _, Typed as _, arguments};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    StepContext, World,
};
use crate::language::Arg;
use crate::model::{Autonomy, HumanDuration, Intent, ObjectKey};

arguments! {
    pub(in crate::action) struct PgBackRestBackup {
        /// The stanza: letters, digits and `_ . -`
        stanza: Arg<String>,
        /// The CronJob that makes its backups, full or not, in the target's namespace
        from_cronjob: Arg<String>,
        /// The pod in which pgBackRest is asked first, a database's or the repository host's, in
        /// the target's namespace. Left out: the target, which is a Pod then
        pod: Option<Arg<String>>,
        /// The container there. Left out: the one that the annotation
        /// `kubectl.kubernetes.io/default-container` names, or else the first
        container: Option<Arg<String>>,
        /// A backup that ended so recently is enough, and none is started. Left out: none is
        unless_within: Option<Arg<HumanDuration>>,
    }
}

const TIMEOUT: HumanDuration = HumanDuration(std::time::Duration::from_secs(20));

impl Declared for PgBackRestBackup {
    const DECLARATION: Declaration = Declaration {
        name: "pgbackrest.backup",
        summary: "Starts a backup from its CronJob, where pgBackRest can make one",
        effect: Effect::Mutates(ChangeKind::Create),
        about: "pgBackRest is asked first, as `pgbackrest.info: { stanza: X }` asks it, and `exec.allow` of dogwatch.yaml must list that. \
            Then one Job is made as `k8s.create_job: { from_cronjob: X }` makes it. The backup runs in the Job and not in a command of \
            the bot's: it goes on when the bot, its connection or the database's pod ends, and has the CronJob's deadline, resources \
            and account. Whether it is full, the CronJob's template says. Of a backup that another host makes, pgBackRest sees no lock; \
            one in a Job of the same CronJob is seen.",
        errors: "A human is needed where a backup could only fail: the stanza is missing, or its repositories or databases don't agree. A \
            backup or an expiry that is under way holds it up. Beside that as `k8s.create_job`; and where pgBackRest gives no answer, \
            nothing is started.",
        repeated: "As `k8s.create_job`: it is made once.",
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Created::FIELDS,
        rights: &[
            Right::on_kind(Kind::POD, &["get"]),
            Right::on_kind(Kind::POD, &["get", "create"]).of("exec"),
            Right::on_kind(Kind::JOB, &["get", "list", "create"]),
            Right::on_kind(Kind::CRON_JOB, &["get"]),
            Right::on_kind(Kind::NAMESPACE, &["get"]),
        ],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: jobs
  k8s.list: { kind: Job, labels: app=backup }
- id: start
  pgbackrest.backup: { stanza: main, from_cronjob: backup, pod: db-0, unless_within: 6h }
  verify:
    query: jobs
    until: items.exists(j, j.metadata.name == start.name && j.status.?succeeded.orValue(0) > 0)
    within: 2h
",
    };

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        check_literal(Some(&self.stanza))
    }

    fn command(&self) -> Option<Vec<Word>> {
        Some(info::words(Some(known(&self.stanza))))
    }
}

#[async_trait]
impl Mutation for PgBackRestBackup {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let name = resolved(&self.stanza, step.scope)?;
        let cronjob = objects::safe_name(self.from_cronjob.resolve(step.scope)?, "from_cronjob")?;
        let enough = self.unless_within.as_ref().map(|enough| enough.resolve(step.scope)).transpose()?;
        let place = place(world, step, self.pod.as_ref(), self.container.as_ref()).await?;
        let stanzas = info::ask(world, &place, Some(&name), TIMEOUT).await?;
        for stanza in &stanzas {
            if let Some(unneeded) = look(stanza, enough)? {
                return Ok(Plan::Unneeded(unneeded));
            }
        }
        let target = world.cluster.get(step.target).await?;
        create_job::prepare_from(world, &step, target.as_ref(), &cronjob).await
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        create_job::create(world, intent, dry_run).await
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        create_job::doubt(world, intent).await
    }

    fn remedied(&self, intent: &Intent) -> ObjectKey {
        create_job::remedied(intent)
    }
}

/// Whether a backup of that stanza can be made; with an output where none is needed.
fn look(stanza: &Stanza, enough: Option<HumanDuration>) -> Result<Option<Output>, ActionError> {
    let told = stanza.told();
    if !stanza.ready {
        return Err(ActionError::needs_human(format!("a backup can only fail: {told}")));
    }
    if stanza.lock_held {
        return Err(ActionError::held_up(format!("a second backup would only meet the lock of the first: {told}")));
    }
    let is_fresh = stanza.age.zip(enough).is_some_and(|(age, enough)| age.unsigned_abs() < enough.0.as_secs());
    // One that found damaged pages is none to lean on.
    if is_fresh && stanza.newest_error != Some(true) {
        return Ok(Some(create_job::none_needed(&format!("the newest backup is new enough: {told}"))));
    }
    Ok(None)
}
