//! Where a secret lies.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::files;
use crate::model::{Secret, declare_secret, is_invisible};

/// `{ file: path }` or `{ env: NAME }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The file's content, without white space at its ends. The operator names it, so its links may
    /// lead anywhere: a mounted Secret's do, and a token of a service account's.
    File(PathBuf),
    /// The environment variable's value.
    Env(String),
}

/// Why a secret could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("the secret's file {path} cannot be read: {message}; put the secret there, or name another file")]
    Unreadable { path: PathBuf, message: String },
    #[error("the secret's file {path} is empty; put the secret there")]
    EmptyFile { path: PathBuf },
    #[error("the environment variable {name} is not set; set it, or use `{{ file: path }}`")]
    NotSet { name: String },
    #[error("the environment variable {name} is empty or not UTF-8; set it to the secret")]
    EmptyVariable { name: String },
}

/// What the error says of a secret that stands in the configuration itself. The snippet hides it then.
pub const INLINE: &str = "a secret must not stand in the configuration itself";

impl SecretSource {
    /// Reads the secret: each time anew, so that a rotated one is found at the next start. From
    /// then on it is masked in every text.
    ///
    /// # Errors
    /// When it is not there or is empty.
    pub fn read(&self) -> Result<Secret, SecretError> {
        let secret = self.read_it()?;
        declare_secret(secret.expose());
        Ok(secret)
    }

    fn read_it(&self) -> Result<Secret, SecretError> {
        match self {
            SecretSource::File(path) => {
                let text = files::read_text(path, files::SECRET)
                    .map_err(|error| SecretError::Unreadable { path: path.clone(), message: error.to_string() })?;
                let text = text.trim_start_matches('\u{feff}').trim();
                if text.chars().any(|c| c.is_control() || is_invisible(c)) {
                    let message = "it holds a line break or another character that no header can hold".to_owned();
                    return Err(SecretError::Unreadable { path: path.clone(), message });
                }
                if text.is_empty() { Err(SecretError::EmptyFile { path: path.clone() }) } else { Ok(Secret::new(text)) }
            }
            SecretSource::Env(name) => match std::env::var(name) {
                Ok(value) if !value.trim().is_empty() => Ok(Secret::new(value.trim())),
                Err(std::env::VarError::NotPresent) => Err(SecretError::NotSet { name: name.clone() }),
                Ok(_) | Err(std::env::VarError::NotUnicode(_)) => {
                    Err(SecretError::EmptyVariable { name: name.clone() })
                }
            },
        }
    }

    /// A warning when everybody on the machine can read the file.
    pub fn warning(&self) -> Option<String> {
        use std::os::unix::fs::PermissionsExt as _;
        let SecretSource::File(path) = self else { return None };
        let mode = std::fs::metadata(path).ok()?.permissions().mode();
        (mode & 0o007 != 0).then(|| {
            format!(
                "everybody on this machine can read the secret in {} (mode {:o}); `chmod 600` it, or mount it with \
                 `defaultMode: 0400`",
                path.display(),
                mode & 0o777
            )
        })
    }

    /// Has a relative path start at `base`.
    pub fn anchor(&mut self, base: &Path) {
        if let SecretSource::File(path) = self {
            *path = base.join(&path);
        }
    }
}

crate::model::schema!(SecretSource, {
    "description": "Where the secret lies: a file, or an environment variable",
    "type": "object",
    "properties": { "file": { "type": "string" }, "env": { "type": "string" } },
    "additionalProperties": false,
    "minProperties": 1,
    "maxProperties": 1
});

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SourceVisitor)
    }
}

struct SourceVisitor;

impl<'de> Visitor<'de> for SourceVisitor {
    type Value = SecretSource;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("`{ file: path }` or `{ env: NAME }`")
    }

    // Whatever scalar it is: its text must not show up in the error.
    fn visit_str<E: Error>(self, _: &str) -> Result<SecretSource, E> {
        Err(E::custom(INLINE))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<SecretSource, E> {
        Err(E::custom(INLINE))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<SecretSource, E> {
        Err(E::custom(INLINE))
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<SecretSource, E> {
        Err(E::custom(INLINE))
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<SecretSource, E> {
        Err(E::custom(INLINE))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<SecretSource, E> {
        Err(E::custom(INLINE))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<SecretSource, E> {
        Err(E::custom(INLINE))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretSource, A::Error> {
        const FIELDS: &[&str] = &["file", "env"];
        let source = match map.next_key::<String>()?.as_deref() {
            Some("file") => SecretSource::File(map.next_value()?),
            Some("env") => SecretSource::Env(map.next_value()?),
            Some(other) => return Err(A::Error::unknown_field(other, FIELDS)),
            None => return Err(A::Error::custom("a secret needs `file` or `env`")),
        };
        match map.next_key::<String>()?.as_deref() {
            None => Ok(source),
            Some("file" | "env") => Err(A::Error::custom("a secret comes from `file` or from `env`, not from both")),
            Some(other) => Err(A::Error::unknown_field(other, FIELDS)),
        }
    }
}
