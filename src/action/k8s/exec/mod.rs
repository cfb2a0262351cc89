//! `k8s.exec`: what a program in a container says.

mod argv;

use async_trait::async_trait;

use super::logs::usual_container;
use super::objects;
use crate::action::body::{Json, first, json, text};
use crate::action::command::{Word, told};
use crate::action::masked::masked_text;
use crate::action::patience::check_timeout;
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{
    AT_WILL, Action, ActionError, Declaration, Declared, Effect, Kind, Output, Read, Right, StepContext, World,
};
use crate::cluster::{ExecQuery, Executed};
use crate::language::Arg;
use crate::model::{Autonomy, HumanDuration, ObjectKey};
use argv::Argv;

arguments! {
    pub(in crate::action) struct K8sExec {
        /// The program and its arguments, a list such as `[df, -P, "{{inputs.path}}"]`; one of
        /// `exec.allow` in dogwatch.yaml. A hole is a whole argument, and never the program
        argv: Argv,
        /// The pod's name, in the target's namespace, or in the target where that is one. Left out:
        /// the target, which is a Pod then
        pod: Option<Arg<String>>,
        /// The container. Left out: the one that the annotation
        /// `kubectl.kubernetes.io/default-container` names, or else the first
        container: Option<Arg<String>>,
        /// From the connection to the end of the program; `1s` to `25s`
        timeout: Option<Arg<HumanDuration>> = "10s",
    }
}

output! {
    struct Said {
        /// The pod's name
        pod: String,
        /// The container's name
        container: String,
        /// With which code the program ended: `0` where all went well
        code: i64,
        /// The first 48 KiB of its output
        stdout: String,
        /// The first 2 KiB of what it said about errors
        stderr: String,
        /// The output, where it is JSON: a mapping or a list, of 96 KiB at most
        json: Option<Json>,
        /// Whether `stdout` or `stderr` is not all
        truncated: bool,
    }
}

/// As text and JSON stand on the log both, well within what an output may have.
const LONGEST_STDOUT: usize = 48 * 1024;
const LONGEST_STDERR: usize = 2 * 1024;

/// What running a program needs. Servers before 1.35 ask for `get` alone, as the connection begins
/// with a GET; later ones for `create` besides.
pub(in crate::action) const RIGHTS: &[Right] =
    &[Right::on_kind(Kind::POD, &["get"]), Right::on_kind(Kind::POD, &["get", "create"]).of("exec")];

impl Declared for K8sExec {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.exec",
        summary: "Runs a program that only looks in a container, and gives what it says",
        effect: Effect::Reads,
        about: "Only commands are run that `exec.allow` of dogwatch.yaml lists, word by word; by default it lists none. Whoever lists one \
            gives his word that it changes nothing: it may be repeated, and it is run in previews and dry runs as other reads are. There \
            is no shell and no terminal, and nothing on its standard input; shells, interpreters and programs that run others (`sh`, \
            `python3`, `env`, `xargs`) are never run, whatever is listed. A value that fills a hole is one argument, and never begins \
            with `-`. At most 1 MiB of its output is read. What looks like a secret is masked.",
        errors: "A command that is not listed; a pod that is gone or has no such container; a program that is not there, or does not end \
            in time: it may go on in the container then. Another code than 0 is an answer: look at `code`.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Said::FIELDS,
        rights: RIGHTS,
        most_autonomy: Autonomy::Auto,
        example: "\
- id: pods
  k8s.pods: {}
- id: disk
  k8s.exec: { argv: [df, -P, /var/lib/postgresql], pod: \"{{pods.items.[0].name}}\" }
",
    };

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        self.argv.check()?;
        self.timeout.as_ref().and_then(Arg::literal).map_or(Ok(()), |timeout| check_timeout(*timeout))
    }

    fn command(&self) -> Option<Vec<Word>> {
        Some(self.argv.words())
    }
}

#[async_trait]
impl Read for K8sExec {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let place = place(world, step, self.pod.as_ref(), self.container.as_ref()).await?;
        let words = self.argv.resolve(step.scope)?;
        let done = run(world, &place, &words, self.timeout(step.scope)?).await?;
        let summary = format!("{} in {} of {}: code {}", told(&words), place.container, place.key, done.code);
        let (stdout, is_whole) = first(text(done.stdout.as_bytes()), LONGEST_STDOUT);
        let (stderr, is_all) = first(masked_text(&done.stderr), LONGEST_STDERR);
        let said = Said {
            pod: place.key.name,
            container: place.container,
            code: done.code,
            json: if done.is_cut { None } else { json(done.stdout.as_bytes(), "") },
            stdout,
            stderr,
            truncated: done.is_cut || !is_whole || !is_all,
        };
        Ok(Output::new(&said, masked_text(&summary)))
    }
}

/// Where a program is run.
pub(in crate::action) struct Place {
    pub key: ObjectKey,
    pub container: String,
}

/// The pod and the container that the arguments name.
///
/// # Errors
/// There is no such pod, or no name.
pub(in crate::action) async fn place(
    world: &World,
    step: StepContext<'_>,
    pod: Option<&Arg<String>>,
    container: Option<&Arg<String>>,
) -> Result<Place, ActionError> {
    let key = match pod {
        Some(pod) => ObjectKey::new("Pod", step.target.place(), objects::safe_name(pod.resolve(step.scope)?, "name")?),
        None if step.target.is_a("Pod") => step.target.clone(),
        None => return Err(ActionError::fail(format!("{} is no Pod; say which one: `pod: name`", step.target))),
    };
    let container = match container {
        Some(container) => objects::safe_name(container.resolve(step.scope)?, "container")?,
        None => {
            let pod = world.cluster.get(&key).await?;
            usual_container(&pod.ok_or_else(|| ActionError::fail(format!("{key} is not there")))?)?
        }
    };
    Ok(Place { key, container })
}

/// Runs it, once it is known to be allowed: what fills the holes is known only now.
///
/// # Errors
/// It is not allowed, it cannot be run, or it does not end in time.
pub(in crate::action) async fn run(
    world: &World,
    place: &Place,
    words: &[Word],
    timeout: HumanDuration,
) -> Result<Executed, ActionError> {
    check_timeout(timeout).map_err(ActionError::fail)?;
    if let Some(why) = world.commands.refusal(words) {
        return Err(ActionError::fail(masked_text(&why)));
    }
    let query = ExecQuery {
        key: place.key.clone(),
        container: place.container.clone(),
        argv: words.iter().filter_map(Word::text).map(str::to_owned).collect(),
        timeout: timeout.0,
    };
    Ok(world.cluster.exec(&query).await?)
}
