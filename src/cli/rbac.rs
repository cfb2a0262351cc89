//! `dogwatch rbac`: the least rights for the playbooks that there are, and for looking up what
//! alerts have in common.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::kinds::KindsArgs;
use super::named::{ShippedArgs, playbooks_in};
use super::output::{Exit, Failure, say};
use super::yaml;
use crate::app::all_playbooks;
use crate::cluster::Kinds;
use crate::config::{Config, FreezeConfig};
use crate::diagnostics::DiagnosticSeverity;
use crate::engine::FreezeMap;
use crate::mandate::LeaseName;
use crate::playbook::{Subject, rights_where, roles};
use crate::surroundings;

/// Print the least Roles that the playbooks need, ready for kubectl
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch rbac | kubectl apply -f -
  dogwatch rbac playbooks/ --service-account ops/dogwatch
  dogwatch rbac --shipped | kubectl apply -f -
  dogwatch rbac --config dogwatch.yaml --user bot@example.org --no-look-up > role.yaml")]
pub(super) struct Args {
    /// The folder of the playbooks [default: playbooks, or all that the configuration has count where
    /// its catalogue is `shipped`, or it sets something of them]
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,

    #[command(flatten)]
    shipped: ShippedArgs,

    /// Who gets them: the service account of the bot's pod
    #[arg(long, value_name = "NAMESPACE/NAME", default_value = "dogwatch/dogwatch", conflicts_with = "user")]
    service_account: String,

    /// Who gets them: a user
    #[arg(long, value_name = "NAME")]
    user: Option<String>,

    /// The Lease by which the bots of one cluster know which of them may change it: `cluster.lease`
    /// of dogwatch.yaml
    #[arg(long, value_name = "NAMESPACE/NAME", default_value = "kube-system/dogwatch")]
    lease: String,

    /// The ConfigMap that freezes: `engine.freeze` of dogwatch.yaml [default: dogwatch-freeze beside
    /// the service account]
    #[arg(long, value_name = "NAMESPACE/NAME")]
    freeze: Option<String>,

    /// Leave out what the cluster is asked about alerts: for `incidents.look_up: false` of
    /// dogwatch.yaml
    #[arg(long)]
    no_look_up: bool,

    /// The configuration: also the rights of its sources of the kind `cluster`, for what they
    /// watch, and that of running programs in pods where `exec.allow` lists those of a playbook;
    /// none of what `playbooks.settings` disables, or lets only observe
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    kinds: KindsArgs,
}

/// What stands above the role that nothing but grouping needs.
const LOOK_UP: &str = "\
# What alerts have in common, and what tier the objects have that they are about. No playbook needs
# it. Without it, alerts are grouped by their labels alone, and no tier makes anything less bad:
# `incidents.look_up: false` has the alerts' own label say it. `--no-look-up` leaves this out.
";

pub(super) fn go(args: &Args) -> anyhow::Result<Exit> {
    let subject = match (&args.user, args.service_account.split_once('/')) {
        (Some(user), _) => Subject::User(user.clone()),
        (None, Some((namespace, name))) if !namespace.is_empty() && !name.is_empty() => {
            Subject::ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() }
        }
        (None, _) => {
            let message = format!("`{}` is no service account; write `namespace/name`", args.service_account);
            return Err(Failure::usage(message));
        }
    };
    let config = args.config.as_deref().map(Config::load).transpose()?;
    let of_config = config
        .as_ref()
        .filter(|config| config.playbooks.is_more_than_a_folder() && args.dir.is_none() && !args.shipped.is_given());
    let folders = match of_config {
        Some(config) => config.playbooks.folders(),
        None => vec![args.shipped.folder(args.dir.as_deref())],
    };
    let (kinds, mut problems) = args.kinds.read(folders.iter().map(PathBuf::as_path));
    let (playbooks, wrong) = match of_config {
        Some(config) => {
            let (catalog, wrong) = all_playbooks(config, &kinds);
            (catalog.iter().cloned().collect(), wrong)
        }
        None => playbooks_in(&args.shipped.folder(args.dir.as_deref()), &kinds),
    };
    problems.extend(wrong);
    let errors = problems.iter().filter(|problem| problem.severity == DiagnosticSeverity::Error);
    for error in errors.clone() {
        anstream::eprintln!("{}", error.render(true));
    }
    // A role for the half of the playbooks would be taken for the whole.
    if errors.count() > 0 {
        return Err(Failure::with(Exit::Problems, "not all playbooks could be read, and so not all rights are known"));
    }
    // None by default: whoever has that right runs any program in any pod.
    let commands = config.as_ref().map(|config| config.exec.commands()).unwrap_or_default();
    let mut needed: BTreeSet<_> =
        playbooks.iter().flat_map(|playbook| rights_where(playbook, Some(&commands))).collect();
    if needed.is_empty() {
        let named: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
        let message = format!("no playbook in {} needs a right; see `dogwatch check`", named.join(", "));
        return Err(Failure::with(Exit::Problems, message));
    }
    let lease = match args.lease.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
            LeaseName { namespace: namespace.to_owned(), name: name.to_owned() }
        }
        _ => return Err(Failure::usage(format!("`{}` is no Lease; write `namespace/name`", args.lease))),
    };
    needed.extend(lease.access());
    let beside = match &subject {
        Subject::ServiceAccount { namespace, .. } => namespace.as_str(),
        Subject::User(_) => "dogwatch",
    };
    let freeze = args.freeze.clone().unwrap_or_else(|| format!("{beside}/{}", FreezeConfig::default().name));
    match freeze.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
            needed.extend(FreezeMap { namespace: namespace.to_owned(), name: name.to_owned() }.access());
        }
        _ => return Err(Failure::usage(format!("`{freeze}` is no ConfigMap; write `namespace/name`"))),
    }
    let mut documents: Vec<String> = roles("dogwatch", &needed, &subject).iter().map(yaml::document).collect();
    if !args.no_look_up {
        // A role of its own, so that it can be left out by hand, too.
        let looks_up = roles("dogwatch-look-up", &surroundings::access(true), &subject);
        documents.extend(under(LOOK_UP, &looks_up));
    }
    documents.extend(of_sources(config.as_ref(), &kinds, &subject)?);
    say(&documents.join("---\n"))?;
    Ok(Exit::Done)
}

/// What stands above the roles of a source.
const SIGHTINGS: &str = "\
# What the source `{source}` looks at in the cluster. No playbook needs it. Without it, the source does
# not see what it watches, and says so.
";

/// These roles as documents, with the comment above the first one.
fn under(comment: &str, roles: &[serde_json::Value]) -> Vec<String> {
    let comments = std::iter::once(comment).chain(std::iter::repeat(""));
    roles.iter().zip(comments).map(|(role, comment)| comment.to_owned() + &yaml::document(role)).collect()
}

/// Roles of their own for what the bot itself looks at.
fn of_sources(config: Option<&Config>, kinds: &Kinds, subject: &Subject) -> anyhow::Result<Vec<String>> {
    let Some(config) = config else { return Ok(Vec::new()) };
    let mut documents = Vec::new();
    for source in config.cluster_sources() {
        let (rights, unknown) = source.access(kinds);
        if !unknown.is_empty() {
            let message = format!(
                "nobody has told what {} is called in roles; name the folder of its CustomResourceDefinition with --crds, or put \
                 what `dogwatch kinds` prints beside the playbooks",
                unknown.join(", ")
            );
            return Err(Failure::with(Exit::Problems, message));
        }
        let roles = roles(&format!("dogwatch-source-{}", source.name.to_lowercase()), &rights, subject);
        documents.extend(under(&SIGHTINGS.replace("{source}", &source.name), &roles));
    }
    Ok(documents)
}
