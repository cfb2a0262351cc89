//! `dogwatch kinds`: what kinds a cluster has, for those who ask none; and where such files lie.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::output::{Exit, say};
use super::yaml;
use crate::app;
use crate::cluster::Kinds;
use crate::config::Config;
use crate::diagnostics::Diagnostic;
use crate::files::{is_file, is_folder};
use crate::playbook::{read_definitions, read_kinds, root_of};

/// Print the kinds that a cluster has beside Kubernetes' own, for `kinds.yaml` beside the playbooks
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch kinds > playbooks/kinds.yaml

A playbook may be about `Certificate.cert-manager.io`. What the cluster calls such a kind in paths and roles, the server asks \
when it needs it; `check`, `test`, `rbac` and `drill` ask no cluster, and read this file, or the `*.crds.yaml` beside it.")]
pub(super) struct Args {
    /// The configuration, for the cluster; without it, your kubeconfig says where
    #[arg(short, long, value_name = "FILE", env = "DOGWATCH_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
}

pub(super) async fn go(args: Args) -> anyhow::Result<Exit> {
    let config = match &args.config {
        Some(path) => Config::load(path)?,
        None => Config::default(),
    };
    let kinds = app::real_cluster(&config).await?.custom_kinds().await?;
    let entry = |kind: &&crate::cluster::Kind| json!({ "kind": kind.id, "plural": kind.plural, "version": kind.version, "namespaced": kind.namespaced });
    let entries: Vec<Value> = kinds.iter().map(entry).collect();
    let mut text = "# The kinds of the cluster beside Kubernetes' own, saved by `dogwatch kinds`.\n".to_owned();
    text.push_str(&yaml::document(&json!({ "kinds": entries })));
    say(&text)?;
    Ok(Exit::Done)
}

/// Where kinds are told of beside the playbooks.
#[derive(Debug, Default, clap::Args)]
pub(super) struct KindsArgs {
    /// Also a folder of CustomResourceDefinitions, for kinds that are not Kubernetes' own
    #[arg(long, value_name = "DIR")]
    crds: Vec<PathBuf>,
}

impl KindsArgs {
    /// What is known of kinds beside these playbooks, folders and files; and what is wrong with
    /// that.
    pub(super) fn read<'p>(&self, playbooks: impl IntoIterator<Item = &'p Path>) -> (Arc<Kinds>, Vec<Diagnostic>) {
        let (kinds, mut problems) = (Kinds::new(), Vec::new());
        for folder in &self.crds {
            read_definitions(folder, &kinds, &mut problems);
        }
        for path in playbooks {
            let folder = if is_file(path) { root_of(path) } else { path.to_owned() };
            // That it cannot be read is told by those who look for playbooks.
            if is_folder(&folder) {
                read_kinds(&folder, &kinds, &mut problems);
            }
        }
        (Arc::new(kinds), problems)
    }
}
