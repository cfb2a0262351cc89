//! `dogwatch snapshot`: the objects that a playbook would read, for its cases.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::named::{ShippedArgs, playbook_with};
use super::output::{Exit, Failure, say_or_write};
use super::yaml;
use crate::action::{ScriptedPast, World};
use crate::app;
use crate::clock::SystemClock;
use crate::cluster::Cluster;
use crate::config::Config;
use crate::rehearse::snapshot;

/// Save the objects that a playbook would read from the cluster, as `objects` of a case
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch snapshot pvc-filling -s namespace=db -s name=data-pg-7
  dogwatch snapshot coredns-saturated --config dogwatch.yaml --out objects.yaml

The playbook runs dry, as you: your kubeconfig, or that of the configuration, says where. Nothing is changed. What it reads \
is written (the target, what it asks for, the target's owners), secrets masked, times told from `${now}`; a Secret never is. \
Prometheus is asked where the configuration names it: without its answers, a diagnosis may end before it has read all.")]
pub(super) struct Args {
    /// The playbook's name
    #[arg(value_name = "PLAYBOOK")]
    playbook: String,

    /// An input, or `namespace` and `name` of the target where an alert would say them
    #[arg(short, long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,

    /// The folder of the playbooks, or the playbook's file [default: playbooks]
    #[arg(long, value_name = "DIR|FILE", conflicts_with = "shipped")]
    playbooks: Option<PathBuf>,

    #[command(flatten)]
    shipped: ShippedArgs,

    /// The configuration, for the cluster and Prometheus
    #[arg(short, long, value_name = "FILE", env = "DOGWATCH_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,

    /// Where they go, a file that must not be there yet; without it, to the standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) async fn go(args: Args) -> anyhow::Result<Exit> {
    let config = match &args.config {
        Some(path) => Config::load(path)?,
        None => Config::default(),
    };
    let (cluster, prometheus) = (app::real_cluster(&config).await?, app::prometheus(&config)?);
    let web = app::web(&config, cluster.host())?;
    let cluster: Arc<dyn Cluster> = Arc::new(cluster);
    let playbook = playbook_with(&args.playbook, &args.shipped.folder(args.playbooks.as_deref()), &cluster.kinds())?;
    // Whether it can be reached is told before the playbook makes something else of it.
    cluster.version().await.context("no snapshot was taken")?;
    for kind in playbook.custom_kinds() {
        cluster.kind(&kind).await.context("no snapshot was taken")?;
    }
    let patroni = app::patroni(&config)?;
    let world = World {
        cluster,
        prometheus,
        patroni,
        web,
        network: app::network(&config)?,
        databases: app::databases(&config)?,
        alertmanager: app::alerts(&config)?,
        past: Arc::new(ScriptedPast::default()),
        clock: Arc::new(SystemClock::default()),
        patchable: config.actions.patchable(),
        commands: config.exec.commands(),
    };
    let given = args.set.into_iter().collect();
    let taken = snapshot(&world, &playbook, &given)
        .await
        .map_err(|wrong| Failure::usage(format!("{}; give it with --set NAME=VALUE", wrong.join("\n"))))?;
    let mut text = format!("# What {} reads. Put it into its cases, as `objects`.\n", playbook.name);
    for note in &taken.notes {
        text.push_str(&format!("# Not all: {}\n", note.replace(char::is_control, " ")));
    }
    let objects: Vec<Value> = taken.objects;
    text.push_str(&yaml::document(&json!({ "objects": objects })));
    say_or_write(&text, args.out.as_deref())?;
    Ok(Exit::Done)
}
