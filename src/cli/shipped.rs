//! `dogwatch shipped`: the playbooks that come with the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use super::output::{Exit, Failure, say};
use crate::cluster::Kinds;
use crate::diagnostics::closest;
use crate::files::{self, SHIPPED};
use crate::playbook::{Catalog, Playbook, read_kinds};

/// List the playbooks that come with this program, print one, or write them all into a folder
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch shipped                             what there is, by folder
  dogwatch shipped pvc-filling                 the text of one
  dogwatch shipped --out playbooks             all of them with their cases, to look at and to change

They count where dogwatch.yaml says `playbooks: { catalogue: shipped }`. A playbook of your own folder takes the place of the \
shipped one of its name. `check`, `test`, `rbac`, `drill` and `snapshot` read them with --shipped.")]
pub(super) struct Args {
    /// The playbook's name
    #[arg(value_name = "NAME", conflicts_with = "out")]
    playbook: Option<String>,

    /// Write all files into this folder, which must not be there yet
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn go(args: &Args) -> anyhow::Result<Exit> {
    if let Some(folder) = &args.out {
        return write(folder);
    }
    let kinds = Arc::new(Kinds::new());
    read_kinds(Path::new(SHIPPED), &kinds, &mut Vec::new());
    let (catalog, _) = Catalog::load_with(Path::new(SHIPPED), &kinds);
    let Some(name) = &args.playbook else {
        say(&list(&catalog))?;
        return Ok(Exit::Done);
    };
    let playbook = catalog.get(name).ok_or_else(|| {
        let meant = closest(name, catalog.iter().map(|playbook| playbook.name.as_str()));
        let next = meant.map_or_else(
            || "`dogwatch shipped` lists all".to_owned(),
            |meant| format!("do you mean `{meant}`? `dogwatch shipped` lists all"),
        );
        Failure::usage(format!("no playbook `{name}` comes with this program; {next}"))
    })?;
    say(playbook.source.trim_end_matches('\n'))?;
    Ok(Exit::Done)
}

/// By folder, a line for each: its name, severity and autonomy, and what it is about.
fn list(catalog: &Catalog) -> String {
    let mut playbooks: Vec<&Arc<Playbook>> = catalog.iter().collect();
    playbooks.sort_by_key(|playbook| (folder(playbook), playbook.name.clone()));
    let longest = playbooks.iter().map(|playbook| playbook.name.len()).max().unwrap_or_default();
    let (mut lines, mut last) = (Vec::new(), String::new());
    for playbook in playbooks {
        let folder = folder(playbook);
        if folder != last {
            lines.push(folder.clone());
            last = folder;
        }
        let (name, severity, autonomy) = (&playbook.name, playbook.severity, playbook.autonomy.to_string());
        lines.push(format!("  {name:longest$}  {severity}  {autonomy:7}  {}", playbook.summary));
    }
    lines.join("\n")
}

fn folder(playbook: &Playbook) -> String {
    let within = playbook.path.parent().and_then(|folder| folder.strip_prefix(SHIPPED).ok());
    within.unwrap_or(Path::new("")).display().to_string()
}

fn write(folder: &Path) -> anyhow::Result<Exit> {
    if folder.symlink_metadata().is_ok() {
        let message =
            format!("{} is there already: name a folder that is not, so that nothing is lost", folder.display());
        return Err(Failure::with(Exit::Problems, message));
    }
    for (path, text) in files::shipped() {
        let file = folder.join(path);
        let within = file.parent().unwrap_or(folder);
        fs::create_dir_all(within).with_context(|| format!("cannot make the folder {}", within.display()))?;
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    say(&format!("{} files are in {}", files::shipped().len(), folder.display()))?;
    Ok(Exit::Done)
}
