//! A folder with the folders in it, as far as it is read.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::io;
use std::path::PathBuf;

use super::{Folder, is_shipped, shipped};

/// Folders are read so deep: `dns/x.yaml` lies one deep.
pub const DEEPEST: usize = 4;
/// So many entries are looked at, in all folders together.
pub const MOST_ENTRIES: usize = 20_000;

/// What lies in a folder and in the folders in it. What is hidden is passed over.
#[derive(Debug, Default)]
pub struct Tree {
    /// Paths from the folder on, as `dns/x.yaml`, in order: all that is no folder.
    pub files: Vec<String>,
    /// The folders that were read, from the folder on, in order; the first is the folder itself, as
    /// an empty text.
    pub folders: Vec<String>,
    /// What was not read, in order.
    pub left_out: Vec<LeftOut>,
}

/// A folder that was not read.
#[derive(Debug)]
pub struct LeftOut {
    /// From the folder on; an empty text is the folder itself.
    pub path: String,
    pub why: Why,
}

#[derive(Debug, thiserror::Error)]
pub enum Why {
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("it is a link that leads out of its folder; put the folder itself there")]
    Outside,
    #[error("folders are read {DEEPEST} deep, and this one lies deeper; put it higher")]
    TooDeep,
    #[error(
        "it holds more than {MOST_ENTRIES} files and folders, and what comes behind them is not read; take some away"
    )]
    TooMany,
}

impl LeftOut {
    /// Whether nobody knows what is in it, though somebody may have meant it to be read. A link that
    /// leads out, and what lies too deep, are left out each time alike.
    pub fn is_unknown(&self) -> bool {
        matches!(self.why, Why::Io(_) | Why::TooMany)
    }
}

/// A folder that is still to be read.
struct Ahead {
    /// From the top folder on, with a `/` at its end; empty for the top itself.
    prefix: String,
    real: PathBuf,
    deep: usize,
}

impl Folder {
    /// All that lies in it, at most `DEEPEST` folders deep. A link to a folder is followed where
    /// it leads inside, to one that was not read by its own name: a mounted ConfigMap with paths has
    /// its folders in `..data`, and links to them.
    ///
    /// # Errors
    /// When the folder itself cannot be read.
    pub fn tree(&self) -> io::Result<Tree> {
        if is_shipped(&self.real) {
            return Ok(shipped::tree(&self.real));
        }
        let mut tree = Tree::default();
        let (mut seen, mut looked_at) = (BTreeSet::new(), 0);
        let mut ahead = VecDeque::from([Ahead { prefix: String::new(), real: self.real.clone(), deep: 0 }]);
        while let Some(Ahead { prefix, real, deep }) = ahead.pop_front() {
            if !seen.insert(real.clone()) {
                continue;
            }
            let (mut names, mut too_many) = (Vec::new(), false);
            let path = prefix.trim_end_matches('/').to_owned();
            match fs::read_dir(&real) {
                Ok(entries) => {
                    for entry in entries {
                        looked_at += 1;
                        if looked_at > MOST_ENTRIES {
                            too_many = true;
                            break;
                        }
                        let name = entry?.file_name().to_string_lossy().into_owned();
                        if !name.starts_with('.') {
                            names.push(name);
                        }
                    }
                }
                Err(error) if prefix.is_empty() => return Err(error),
                Err(error) => {
                    tree.left_out.push(LeftOut { path, why: error.into() });
                    continue;
                }
            }
            names.sort();
            tree.folders.push(path);
            for name in names {
                let (path, at) = (format!("{prefix}{name}"), real.join(&name));
                if !at.is_dir() {
                    tree.files.push(path);
                    continue;
                }
                let found = match fs::canonicalize(&at) {
                    Ok(found) if !found.starts_with(&self.real) => Err(Why::Outside),
                    Ok(_) if deep + 1 > DEEPEST => Err(Why::TooDeep),
                    Ok(found) => Ok(found),
                    Err(error) => Err(error.into()),
                };
                match found {
                    Ok(found) if fs::symlink_metadata(&at).is_ok_and(|it| it.is_symlink()) => {
                        // After all that have the name by themselves.
                        ahead.push_back(Ahead { prefix: path + "/", real: found, deep: deep + 1 });
                    }
                    Ok(found) => ahead.push_front(Ahead { prefix: path + "/", real: found, deep: deep + 1 }),
                    Err(why) => tree.left_out.push(LeftOut { path, why }),
                }
            }
            if too_many {
                tree.left_out.push(LeftOut { path: String::new(), why: Why::TooMany });
                break;
            }
        }
        tree.files.sort();
        tree.folders.sort();
        tree.left_out.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::*;

    fn told(folder: &Path) -> (Vec<String>, Vec<String>) {
        let tree = Folder::open(folder).unwrap().tree().unwrap();
        (tree.files, tree.left_out.iter().map(|it| format!("{}: {}", it.path, it.why)).collect())
    }

    #[test]
    fn folders_are_read_so_deep_and_hidden_ones_never() {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["a/b/c/d/e", ".git/objects", "a/.cache", "empty"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        for file in ["x", "a/x", "a/b/c/d/x", "a/b/c/d/e/x", ".git/x", "a/.cache/x", ".x"] {
            fs::write(dir.path().join(file), "").unwrap();
        }
        let (files, left_out) = told(dir.path());
        assert_eq!(files, ["a/b/c/d/x", "a/x", "x"]);
        assert_eq!(left_out, ["a/b/c/d/e: folders are read 4 deep, and this one lies deeper; put it higher"]);
    }

    /// As the kubelet lays out a ConfigMap whose items have paths: `dns` is a link to `..data/dns`.
    #[test]
    fn links_to_folders_lead_inside_and_each_folder_is_read_once() {
        let dir = tempfile::tempdir().unwrap();
        let mount = dir.path().join("mount");
        fs::create_dir_all(mount.join("..2026_03_02.1/dns")).unwrap();
        fs::write(mount.join("..2026_03_02.1/dns/x"), "").unwrap();
        symlink("..2026_03_02.1", mount.join("..data")).unwrap();
        symlink("..data/dns", mount.join("dns")).unwrap();
        // A circle, the same folder twice, and folders of somebody else.
        fs::create_dir(mount.join("real")).unwrap();
        fs::write(mount.join("real/y"), "").unwrap();
        symlink("..", mount.join("real/up")).unwrap();
        symlink("real", mount.join("again")).unwrap();
        symlink("/etc", mount.join("etc")).unwrap();
        fs::create_dir(dir.path().join("mount-2")).unwrap();
        symlink("../mount-2", mount.join("neighbour")).unwrap();
        let (files, left_out) = told(&mount);
        assert_eq!(files, ["dns/x", "real/y"]);
        let outside = "it is a link that leads out of its folder; put the folder itself there";
        assert_eq!(left_out, [format!("etc: {outside}"), format!("neighbour: {outside}")]);
    }

    #[test]
    fn no_more_than_so_many_are_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("many")).unwrap();
        for n in 0..MOST_ENTRIES {
            fs::write(dir.path().join(format!("many/{n}")), "").unwrap();
        }
        let tree = Folder::open(dir.path()).unwrap().tree().unwrap();
        assert!(tree.files.len() < MOST_ENTRIES && tree.left_out[0].is_unknown(), "{:?}", tree.left_out);
    }
}
