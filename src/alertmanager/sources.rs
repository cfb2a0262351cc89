//! Which Alertmanager is asked about the alerts of a source.

use std::sync::Arc;

use super::Alertmanager;

/// Alertmanager, and whose alerts it knows.
#[derive(Clone, Default)]
pub struct Sources {
    alertmanager: Option<Arc<dyn Alertmanager>>,
    /// `None`: those of all sources.
    known: Option<Vec<String>>,
}

impl Sources {
    /// `known`: the sources whose alerts it knows; `None`: all.
    pub fn new(alertmanager: Option<Arc<dyn Alertmanager>>, known: Option<Vec<String>>) -> Self {
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
        if self.known.as_ref().is_some_and(|known| !known.iter().any(|known| known == source)) {
            return Err(format!(
                "nothing says that the Alertmanager that is configured knows the alerts of {source} (name it in \
                 `alertmanager.sources` of dogwatch.yaml where it does)"
            ));
        }
        Ok(alertmanager.as_ref())
    }
}
