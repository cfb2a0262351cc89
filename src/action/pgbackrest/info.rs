//! `pgbackrest.info`: which backups there are.

use async_trait::async_trait;

use super::first_words;
use super::repository::{Stanza, read};
use super::stanza::{check_literal, known, resolved};
use crate::action::command::Word;
use crate::action::k8s::exec::{Place, RIGHTS, place, run};
use crate::action::masked::masked_text;
use crate::action::patience::check_timeout;
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{AT_WILL, Action, ActionError, Declaration, Declared, Effect, Output, Read, StepContext, World};
use crate::cluster::Executed;
use crate::language::{Arg, Scope};
use crate::model::{Autonomy, HumanDuration};

arguments! {
    pub(in crate::action) struct PgBackRestInfo {
        /// The stanza: letters, digits and `_ . -`. Left out: all that the repository has
        stanza: Option<Arg<String>>,
        /// The pod in which pgBackRest is configured, a database's or the repository host's, in the
        /// target's namespace. Left out: the target, which is a Pod then
        pod: Option<Arg<String>>,
        /// The container. Left out: the one that the annotation
        /// `kubectl.kubernetes.io/default-container` names, or else the first
        container: Option<Arg<String>>,
        /// From the connection to the end of the program; `1s` to `25s`
        timeout: Option<Arg<HumanDuration>> = "20s",
    }
}

output! {
    struct Info {
        /// The pod's name
        pod: String,
        /// The container's name
        container: String,
        /// The stanzas, 20 at most: with `stanza` exactly one
        stanzas: Vec<Stanza>,
        /// How many they are
        count: usize,
        /// Whether there is no stanza, or none of them is in the repository
        missing: bool,
    }
}

impl Declared for PgBackRestInfo {
    const DECLARATION: Declaration = Declaration {
        name: "pgbackrest.info",
        summary: "Reads which backups pgBackRest has, and how old they are",
        effect: Effect::Reads,
        about: "It runs exactly `pgbackrest --output=json info`, and with `stanza` also `--stanza=X`, as `k8s.exec` does: `exec.allow` of \
            dogwatch.yaml must list `[pgbackrest, --output=json, info]` or `[pgbackrest, --output=json, info, \"--stanza=*\"]`. Of each \
            stanza the 50 newest backups are kept, the newest first. A lock that is held tells of a backup, or of an expiry, that \
            runs on the host where it is asked; another host's is not seen. How far it is, pgBackRest tells from 2.48 on.",
        errors: "As `k8s.exec`; and a program that ends with another code than 0, as without a configuration. A stanza that is not there, \
            a repository that cannot be read and one without backups are answers: look at `stanzas[0].code` and `missing`. A \
            repository in a folder that is not there looks to pgBackRest as a missing stanza does.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Info::FIELDS,
        rights: RIGHTS,
        most_autonomy: Autonomy::Auto,
        example: "\
- id: pods
  k8s.pods: {}
- id: backups
  pgbackrest.info: { stanza: main, pod: \"{{pods.items.[0].name}}\" }
- escalate_if: backups.missing || backups.stanzas[0].code != 0
  because: \"pgBackRest says: {{backups.stanzas.[0].message}} {{backups.stanzas.[0].reason}}\"
",
    };

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        check_literal(self.stanza.as_ref())?;
        self.timeout.as_ref().and_then(Arg::literal).map_or(Ok(()), |timeout| check_timeout(*timeout))
    }

    fn command(&self) -> Option<Vec<Word>> {
        Some(words(self.stanza.as_ref().map(known)))
    }
}

/// What is run.
pub(super) fn words(stanza: Option<&str>) -> Vec<Word> {
    let plain = ["pgbackrest", "--output=json", "info"].into_iter().map(Word::known);
    plain.chain(stanza.map(|stanza| Word::known(format!("--stanza={stanza}")))).collect()
}

impl PgBackRestInfo {
    fn resolved_stanza(&self, scope: &Scope) -> Result<Option<String>, ActionError> {
        self.stanza.as_ref().map(|stanza| resolved(stanza, scope)).transpose()
    }
}

#[async_trait]
impl Read for PgBackRestInfo {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let stanza = self.resolved_stanza(step.scope)?;
        let place = place(world, step, self.pod.as_ref(), self.container.as_ref()).await?;
        let stanzas = ask(world, &place, stanza.as_deref(), self.timeout(step.scope)?).await?;
        let told = match stanzas.as_slice() {
            [] => "no stanza".to_owned(),
            [stanza] => stanza.told(),
            stanzas => format!("{} stanzas", stanzas.len()),
        };
        let summary = format!("backups by {} of {}: {told}", place.container, place.key);
        let missing = stanzas.iter().all(|stanza| stanza.missing);
        let (pod, container) = (place.key.name, place.container);
        Ok(Output::new(&Info { pod, container, count: stanzas.len(), stanzas, missing }, summary))
    }
}

/// Asks which backups there are, of one stanza or of all.
///
/// # Errors
/// pgBackRest may not be run there, ends with another code than 0, or says what is no answer.
pub(super) async fn ask(
    world: &World,
    place: &Place,
    stanza: Option<&str>,
    timeout: HumanDuration,
) -> Result<Vec<Stanza>, ActionError> {
    let done = run(world, place, &words(stanza), timeout).await?;
    let stanzas = all_of(&done).and_then(|text| read(text, stanza, world.clock.now()));
    stanzas.map_err(|why| {
        ActionError::fail(masked_text(&format!("pgbackrest in {} of {} {why}", place.container, place.key)))
    })
}

/// The output of a program that ended well.
fn all_of(done: &Executed) -> Result<&str, String> {
    if done.code != 0 {
        return Err(format!("ended with code {}: {}", done.code, first_words(done)));
    }
    if done.is_cut {
        return Err("says more than 1 MiB; name a stanza".into());
    }
    Ok(&done.stdout)
}
