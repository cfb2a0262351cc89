//! Which Alertmanager is asked about the alerts of a source.

use std::sync::Arc;

use super::Alertmanager;

/// Alertmanager, and whose alerts it knows.
#[derive(Clone, Default)]
pub struct Sources {
    alertmanager: Option<Arc<dyn Alertmanager>>,
    /// Empty: those of all sources.
    known: Vec<String>,
}

impl Sources {
    /// `known`: the sources whose alerts it knows; empty: all.
    pub fn new(alertmanager: Option<Arc<dyn Alertmanager>>, known: Vec<String>) -> Self {
        Self { alertmanager, known }
    }

    /// Who is asked about the alerts of that source.
    ///
    /// # Errors
    /// Why nobody can be.
    pub fn of(&self, source: &str) -> Result<&dyn Alertmanager, String> {
        let Some(alertmanager) = &self.alertmanager else {
            return Err("no Alertmanager is configured to be asked (`alertmanager` in dogwatch.yaml)".into());
        };
        if !self.known.is_empty() && !self.known.iter().any(|known| known == source) {
            return Err(format!(
                "the Alertmanager that is configured knows no alerts of {source} (`alertmanager.sources` in dogwatch.yaml)"
            ));
        }
        Ok(alertmanager.as_ref())
    }
}
