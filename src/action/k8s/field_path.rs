//! Paths of fields as playbooks and the configuration write them.

use std::fmt;
use std::str::FromStr;

/// The names of a field from the root of its object, with dots between them: `spec.maxReplicas`.
/// Entries of lists, and names with a dot, cannot be written: a merge patch of one entry would put
/// it in the place of the whole list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FieldPath(String);

/// A text that is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldPathError {
    #[error("`{0}` is no path of a field; write it as `spec.resources.requests.storage`")]
    Odd(String),
    #[error(
        "`{0}` is no path of a field: a number in it would be an entry of a list, and no entry is changed by itself; \
         write names alone, as `spec.resources.requests.storage`"
    )]
    Entry(String),
}

impl FieldPath {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn names(&self) -> Vec<&str> {
        self.0.split('.').collect()
    }
}

impl FromStr for FieldPath {
    type Err = FieldPathError;

    fn from_str(text: &str) -> Result<Self, FieldPathError> {
        let is_name =
            |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        let (path, shown) = (text.trim(), || text.chars().take(80).collect());
        if !path.split('.').all(is_name) {
            return Err(FieldPathError::Odd(shown()));
        }
        if path.split('.').any(|name| name.chars().all(|c| c.is_ascii_digit())) {
            return Err(FieldPathError::Entry(shown()));
        }
        Ok(Self(path.to_owned()))
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_names_with_dots() {
        assert_eq!("spec.max-x.y_z".parse::<FieldPath>().unwrap().names(), ["spec", "max-x", "y_z"]);
        for wrong in ["", ".", "spec.", "spec..x", "spec.containers[0]", "/spec/x", "a b", "{{x}}"] {
            let error = wrong.parse::<FieldPath>().unwrap_err().to_string();
            assert!(error.ends_with("is no path of a field; write it as `spec.resources.requests.storage`"), "{error}");
        }
        for entry in ["spec.metrics.0.x", "0", "spec.list.007", "data.8"] {
            let error = entry.parse::<FieldPath>().unwrap_err().to_string();
            assert!(error.contains("a number in it would be an entry of a list"), "{error}");
        }
        assert_eq!("data.h2.2x".parse::<FieldPath>().unwrap().names(), ["data", "h2", "2x"]);
    }
}
