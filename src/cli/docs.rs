//! `dogwatch docs`: pages of the playbooks, for people.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::kinds::KindsArgs;
use super::named::{ShippedArgs, playbooks_in};
use super::output::{Exit, Failure, say};
use crate::app::all_playbooks;
use crate::config::Config;
use crate::diagnostics::Diagnostic;
use crate::files::SHIPPED;
use crate::playbook::{MARK, Site};

/// Write a page about each playbook, and an index of them and of the alerts
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch docs playbooks/ --out docs/playbooks
  dogwatch docs --shipped --out runbooks
  dogwatch docs --config dogwatch.yaml --out runbooks
  dogwatch docs playbooks/ --out docs/playbooks --actions ../actions.md --sources ../../playbooks

A page says what starts a playbook, what it finds and what becomes of that, what it may change, and which rights it needs. A file \
that the command did not write is never written over, and its pages of playbooks that are gone are removed.")]
pub(super) struct Args {
    /// The folder of the playbooks [default: playbooks]
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,

    #[command(flatten)]
    shipped: ShippedArgs,

    /// All that this configuration has count, as it sets them
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["dir", "shipped"])]
    config: Option<PathBuf>,

    /// Write the pages into this folder
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Link actions to this page, as seen from the others: what `dogwatch actions -o markdown` prints
    #[arg(long, value_name = "LINK")]
    actions: Option<String>,

    /// Link each playbook's file, below this folder, as seen from the pages
    #[arg(long, value_name = "LINK")]
    sources: Option<String>,

    #[command(flatten)]
    kinds: KindsArgs,
}

pub(super) fn go(args: &Args) -> anyhow::Result<Exit> {
    let config = args.config.as_deref().map(Config::load).transpose()?;
    let folder = match config.as_ref().map(|config| &config.playbooks) {
        Some(of) => of.dir().unwrap_or_else(|| PathBuf::from(SHIPPED)),
        None => args.shipped.folder(args.dir.as_deref()),
    };
    let folders = config.as_ref().map_or_else(|| vec![folder.clone()], |config| config.playbooks.folders());
    let (kinds, mut problems) = args.kinds.read(folders.iter().map(PathBuf::as_path));
    let (playbooks, wrong) = match &config {
        Some(config) => {
            let (catalog, wrong) = all_playbooks(config, &kinds);
            (catalog.iter().cloned().collect(), wrong)
        }
        None => playbooks_in(&folder, &kinds),
    };
    problems.extend(wrong);
    let errors: Vec<&Diagnostic> = problems.iter().filter(|problem| problem.is_error()).collect();
    for error in &errors {
        anstream::eprintln!("{}", error.render(true));
    }
    // An index of the half of them would be taken for the whole.
    if !errors.is_empty() {
        return Err(Failure::with(Exit::Problems, "not all playbooks could be read, and no page was written"));
    }
    if playbooks.is_empty() {
        let message = format!("no playbook is in {}, and no page was written", folder.display());
        return Err(Failure::with(Exit::Problems, message));
    }
    let sources = args.sources.as_deref().map(|link| link.trim_end_matches('/'));
    let pages = Site::new(&playbooks, &folder, args.actions.as_deref(), sources).pages();
    let gone = write(&args.out, &pages)?;
    let removed = match gone {
        0 => String::new(),
        gone => format!(", and {gone} of playbooks that are gone were removed"),
    };
    say(&format!("{} pages are in {}{removed}", pages.len(), args.out.display()))?;
    Ok(Exit::Done)
}

/// Writes the pages, and removes those of before that are none any more; gives how many.
fn write(out: &Path, pages: &[(String, String)]) -> anyhow::Result<usize> {
    fs::create_dir_all(out).with_context(|| format!("cannot make the folder {}", out.display()))?;
    // All are looked at first: an index that tells of pages which are not there helps nobody.
    for (name, _) in pages {
        let path = out.join(name);
        if !is_ours(&path)?.unwrap_or(true) {
            let message = format!(
                "{} was not written by `dogwatch docs`, and stays as it is; move it away, or name another folder",
                path.display()
            );
            return Err(Failure::with(Exit::Problems, message));
        }
    }
    for (name, text) in pages {
        let path = out.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let meant: BTreeSet<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
    let mut gone = 0;
    for entry in fs::read_dir(out).with_context(|| format!("cannot read the folder {}", out.display()))? {
        let path = entry.with_context(|| format!("cannot read the folder {}", out.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".md") && !meant.contains(&*name) && is_ours(&path)? == Some(true) {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            gone += 1;
        }
    }
    Ok(gone)
}

/// Whether the file is one that was written here; `None`: nothing is there.
fn is_ours(path: &Path) -> anyhow::Result<Option<bool>> {
    let failed = || format!("cannot look at {}", path.display());
    match path.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(failed),
        // A link may lead anywhere.
        Ok(found) if !found.is_file() => return Ok(Some(false)),
        Ok(_) => {}
    }
    let mut first = Vec::new();
    let mut file = BufReader::new(fs::File::open(path).with_context(failed)?);
    std::io::Read::take(&mut file, MARK.len() as u64 + 2).read_until(b'\n', &mut first).with_context(failed)?;
    Ok(Some(first.trim_ascii_end() == MARK.as_bytes()))
}
