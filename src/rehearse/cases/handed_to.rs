//! The playbooks that a playbook may be handed over to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cluster::Kinds;
use crate::files;
use crate::playbook::{LARGEST_PLAYBOOK, Playbook, files_of, root_of};

/// The playbooks that it may be handed over to, and those that these may be: as the nearest folder
/// above its file that has them all knows them, as far up as [`root_of`]. Nearer is first, as two
/// folders of one repository may each hold a site's.
pub fn handed_to(playbook: &Playbook) -> Vec<Arc<Playbook>> {
    let mut found = BTreeMap::new();
    if playbook.hand_overs().next().is_none() {
        return Vec::new();
    }
    let (beside, root) = (playbook.path.parent().unwrap_or(Path::new("")), root_of(&playbook.path));
    let mut folders: Vec<&Path> = beside.ancestors().take_while(|folder| *folder != root).collect();
    folders.retain(|folder| folder.starts_with(&root));
    if folders.is_empty() && beside != root {
        folders.push(beside);
    }
    for folder in folders.into_iter().chain([root.as_path()]) {
        let within = Within::new(folder, playbook);
        let is_all = reached(playbook, &within, &mut found);
        if is_all {
            break;
        }
    }
    found.into_values().collect()
}

/// The playbooks of a folder, each read when it is asked for: a folder may hold hundreds.
struct Within<'p> {
    kinds: &'p Arc<Kinds>,
    sources: Vec<(PathBuf, String)>,
}

impl<'p> Within<'p> {
    fn new(folder: &Path, playbook: &'p Playbook) -> Self {
        let paths = files_of(folder).map(|files| files.playbooks).unwrap_or_default();
        let read = |path: PathBuf| Some((files::read_in_place(&path, LARGEST_PLAYBOOK).ok()?, path));
        let sources = paths.into_iter().filter_map(read).map(|(source, path)| (path, source)).collect();
        Self { kinds: &playbook.kinds, sources }
    }

    /// As a folder is loaded: of two that have one name, neither is it.
    fn get(&self, name: &str) -> Option<Arc<Playbook>> {
        let named = self.sources.iter().filter(|(_, source)| may_be_named(source, name));
        let mut read = named.filter_map(|(path, source)| Playbook::parse_with(path, source, self.kinds).ok());
        let one = read.find(|playbook| playbook.name == name)?;
        let is_alone = read.all(|playbook| playbook.name != name);
        is_alone.then(|| Arc::new(one))
    }
}

/// Whether `name: NAME` stands in it, however it is quoted.
fn may_be_named(source: &str, name: &str) -> bool {
    source.split("name").skip(1).any(|rest| rest.trim_start_matches([' ', ':', '"', '\'']).starts_with(name))
}

/// Gathers those of the folder to which it may come; whether none is missing.
fn reached(playbook: &Playbook, within: &Within<'_>, found: &mut BTreeMap<String, Arc<Playbook>>) -> bool {
    let names = |playbook: &Playbook| playbook.hand_overs().map(|to| to.playbook.clone()).collect::<Vec<_>>();
    let (mut wanted, mut is_all) = (names(playbook), true);
    let mut seen = BTreeSet::from([playbook.name.clone()]);
    while let Some(name) = wanted.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        if let Some(other) = within.get(&name) {
            found.entry(name.clone()).or_insert_with(|| other);
        }
        match found.get(&name) {
            Some(other) => wanted.extend(names(other)),
            None => is_all = false,
        }
    }
    is_all
}
