//! `severities`: what words for severity mean, besides those that are known.

use serde::Deserialize;

use crate::model::{Severities, Severity};

/// Words, in the place of what they mean by themselves. Case, blanks and punctuation do not count.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeveritiesConfig {
    #[serde(rename = "S1")]
    pub s1: Vec<String>,
    #[serde(rename = "S2")]
    pub s2: Vec<String>,
    #[serde(rename = "S3")]
    pub s3: Vec<String>,
    #[serde(rename = "S4")]
    pub s4: Vec<String>,
}

impl SeveritiesConfig {
    /// All words, each with the field that it stands in.
    pub(super) fn words(&self) -> impl Iterator<Item = (String, String, Severity)> {
        let lists =
            [(&self.s1, Severity::S1), (&self.s2, Severity::S2), (&self.s3, Severity::S3), (&self.s4, Severity::S4)];
        lists.into_iter().flat_map(|(words, severity)| {
            let word =
                move |(n, word): (usize, &'_ String)| (format!("severities.{severity}.{n}"), word.clone(), severity);
            words.iter().enumerate().map(word).collect::<Vec<_>>()
        })
    }

    /// The whole mapping.
    pub fn mapping(&self) -> Severities {
        Severities::with(self.words().map(|(_, word, severity)| (word, severity)))
    }
}
