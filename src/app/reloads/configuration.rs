//! `dogwatch.yaml`: what can count at once does, and the rest is named.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::{InForce, file_name};
use crate::config::{Config, ConfigError, changed_keys, says_nothing};
use crate::diagnostics::Diagnostic;
use crate::files;
use crate::reload::{Reloadable, Snapshot, Taken};

/// The fields that count as soon as they are read, with all that stands below them.
const AT_ONCE: [&str; 10] = [
    "engine.autonomy_ceiling",
    "engine.autonomy_ceilings",
    "engine.limits",
    "incidents.reopen_within",
    "incidents.stale_within",
    "incidents.together_within",
    "incidents.runs",
    "pages.budget",
    "pages.team_budgets",
    "people",
];

/// So many fields are named one by one.
const NAMED: usize = 20;

pub(super) struct ConfigurationFile {
    in_force: Arc<InForce>,
    path: PathBuf,
    /// The text that the bot was started with.
    started_with: String,
    /// The text that was taken last.
    taken: Mutex<String>,
}

impl ConfigurationFile {
    pub(super) fn new(in_force: Arc<InForce>) -> Self {
        let config = in_force.config.get();
        let (path, started_with) = (config.path().to_owned(), config.text().to_owned());
        Self { in_force, path, taken: Mutex::new(started_with.clone()), started_with }
    }

    /// What counts, as if it was read.
    pub(super) fn counting(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.insert(&self.path, Ok(self.started_with.clone()));
        snapshot
    }

    /// # Errors
    /// What is wrong, in a line.
    fn checked(&self, read: &Snapshot) -> Result<(Config, String, Vec<String>), String> {
        let text = read.text(&self.path).map_err(|why| format!("it cannot be read: {why}"))?;
        // At the start this is a configuration of defaults; here it is a file that was lost.
        if says_nothing(text) {
            return Err("it is empty; write it again, or start the bot anew if all defaults are meant".to_owned());
        }
        let config = Config::parse(text, &self.path).map_err(|error| said(&error))?;
        let mut warnings = config.check().map_err(|error| said(&error))?;
        warnings.extend(config.odd_characters().iter().map(Diagnostic::in_file));
        Ok((config, text.to_owned(), warnings))
    }
}

/// All that is wrong, in one line.
fn said(error: &ConfigError) -> String {
    match error {
        ConfigError::Unreadable { message, .. } => format!("it cannot be read: {message}"),
        ConfigError::Wrong(problems) => problems.in_file(),
    }
}

fn counts_at_once(key: &str) -> bool {
    AT_ONCE.iter().any(|field| key.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

fn named(what: &str, keys: &[&String]) -> Option<String> {
    let mut named = keys.iter().take(NAMED).map(|key| key.as_str()).collect::<Vec<_>>().join(", ");
    if let Some(more) = keys.len().checked_sub(NAMED).filter(|more| *more > 0) {
        named.push_str(&format!(" and {more} more"));
    }
    (!keys.is_empty()).then(|| format!("{what}: {named}"))
}

impl Reloadable for ConfigurationFile {
    fn what(&self) -> &'static str {
        "config"
    }

    fn name(&self) -> String {
        file_name(&self.path)
    }

    fn read(&self) -> Snapshot {
        let mut read = Snapshot::default();
        let text = files::read_text(&self.path, files::DOCUMENT).map_err(|error| error.to_string());
        read.insert(&self.path, text);
        read
    }

    fn take(&self, read: &Snapshot) -> Taken {
        let (new, text, warnings) = match self.checked(read) {
            Ok(checked) => checked,
            Err(text) => return Taken::mistake(self.name(), text),
        };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = changed_keys(&taken, &text);
        let since_start = changed_keys(&self.started_with, &text);
        *taken = text;
        if changed.is_empty() {
            return Taken::default();
        }
        // The warnings of what the bot works with were told before.
        let known = self.in_force.config.get().check().unwrap_or_default();
        let mut counting = (*self.in_force.config.get()).clone();
        let look_up = counting.incidents.look_up;
        counting.incidents = new.incidents;
        counting.incidents.look_up = look_up;
        (counting.pages.budget, counting.pages.team_budgets) = (new.pages.budget, new.pages.team_budgets);
        counting.engine.autonomy_ceiling = new.engine.autonomy_ceiling;
        counting.engine.autonomy_ceilings = new.engine.autonomy_ceilings;
        counting.engine.limits = new.engine.limits;
        counting.people = new.people;
        let mut warned = self.in_force.changing(|| {
            self.in_force.config.set(counting);
            self.in_force.follow();
        });
        warned.extend(warnings.into_iter().filter(|warning| !known.contains(warning)));
        let (at_once, later): (Vec<_>, Vec<_>) = changed.iter().partition(|key| counts_at_once(key));
        let (needed, undone): (Vec<_>, Vec<_>) = later.into_iter().partition(|key| since_start.contains(key));
        let changes = [
            named("counts now", &at_once),
            named("needs a restart to count", &needed),
            named("is as at the start again", &undone),
        ];
        Taken { changes: changes.into_iter().flatten().collect(), warnings: warned, ..Taken::default() }
    }
}
