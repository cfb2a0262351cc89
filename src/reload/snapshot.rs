//! What lies in files at one look.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::model::Digest;

/// Files with their texts, or why they cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot(BTreeMap<PathBuf, Result<String, String>>);

impl Snapshot {
    pub fn insert(&mut self, path: impl Into<PathBuf>, text: Result<String, String>) {
        self.0.insert(path.into(), text);
    }

    /// The text of that file.
    ///
    /// # Errors
    /// Why it could not be read.
    pub fn text(&self, path: &Path) -> Result<&str, String> {
        match self.0.get(path) {
            Some(Ok(text)) => Ok(text),
            Some(Err(why)) => Err(why.clone()),
            None => Err("it was not looked at".to_owned()),
        }
    }

    pub fn files(&self) -> impl Iterator<Item = (&Path, Result<&str, &str>)> {
        self.0.iter().map(|(path, text)| (path.as_path(), text.as_deref().map_err(String::as_str)))
    }

    /// The same for the same files with the same texts.
    pub fn digest(&self) -> Digest {
        let mut all = Vec::new();
        for (path, text) in &self.0 {
            let (readable, text) = match text {
                Ok(text) => (1, text),
                Err(why) => (0, why),
            };
            // With their lengths, so that nothing moves from one to the next unseen.
            for part in [path.as_os_str().as_encoded_bytes(), text.as_bytes()] {
                all.extend(part.len().to_le_bytes());
                all.extend(part);
            }
            all.push(readable);
        }
        Digest::of(all)
    }
}
