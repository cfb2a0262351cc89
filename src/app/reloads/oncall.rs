//! Who is on call, with the calendars that the file names.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{InForce, file_name};
use crate::app::oncall_file::parse_oncall_with;
use crate::diagnostics::Diagnostics;
use crate::files;
use crate::model::Digest;
use crate::oncall::OnCall;
use crate::reload::{Reloadable, Snapshot, Taken};

pub(super) struct OncallFile {
    in_force: Arc<InForce>,
    path: PathBuf,
    /// The calendars that a text names.
    calendars: Mutex<Option<(Digest, Vec<PathBuf>)>>,
}

impl OncallFile {
    pub(super) fn new(in_force: Arc<InForce>) -> Self {
        let path = in_force.config.get().oncall.file.clone();
        Self { in_force, path, calendars: Mutex::default() }
    }

    /// Reads it as `read` gives its calendars, and keeps which they are.
    fn parse(&self, text: &str, read: impl Fn(&PathBuf) -> Result<String, String>) -> Result<OnCall, Diagnostics> {
        let named = Mutex::new(Vec::new());
        let oncall = parse_oncall_with(&self.path, text, &|path| {
            named.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
            read(&path)
        });
        let named = named.into_inner().unwrap_or_else(PoisonError::into_inner);
        *self.calendars.lock().unwrap_or_else(PoisonError::into_inner) = Some((Digest::of(text), named));
        oncall
    }

    fn calendars(&self, text: &str) -> Vec<PathBuf> {
        let known = self.calendars.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known.filter(|(of, _)| *of == Digest::of(text)) {
            Some((_, known)) => known,
            None => {
                // Only to learn their names: what is wrong is found when it is taken.
                let _ = self.parse(text, |path| read_calendar(path));
                let known = self.calendars.lock().unwrap_or_else(PoisonError::into_inner).clone();
                known.map(|(_, named)| named).unwrap_or_default()
            }
        }
    }

    /// # Errors
    /// What is wrong, in a line.
    fn checked(&self, read: &Snapshot) -> Result<OnCall, String> {
        let text = read.text(&self.path).map_err(|why| format!("it cannot be read: {why}"))?;
        let calendar = |path: &PathBuf| match read.files().find(|(file, _)| file == path) {
            Some((_, text)) => text.map(str::to_owned).map_err(str::to_owned),
            None => read_calendar(path),
        };
        let oncall = self.parse(text, calendar).map_err(|wrong| wrong.in_file())?;
        let default_team = &self.in_force.config.get().oncall.default_team;
        oncall.team(default_team).map_err(|error| format!("`oncall.default_team` of dogwatch.yaml: {error}"))?;
        Ok(oncall)
    }
}

fn read_calendar(path: &Path) -> Result<String, String> {
    files::read_text(path, files::DOCUMENT).map_err(|error| error.to_string())
}

impl Reloadable for OncallFile {
    fn what(&self) -> &'static str {
        "oncall"
    }

    fn name(&self) -> String {
        file_name(&self.path)
    }

    fn read(&self) -> Snapshot {
        let mut read = Snapshot::default();
        let text = files::read_text(&self.path, files::DOCUMENT).map_err(|error| error.to_string());
        if let Ok(text) = &text {
            for calendar in self.calendars(text) {
                let content = read_calendar(&calendar);
                read.insert(calendar, content);
            }
        }
        read.insert(&self.path, text);
        read
    }

    fn take(&self, read: &Snapshot) -> Taken {
        let oncall = match self.checked(read) {
            Ok(oncall) => oncall,
            Err(text) => return Taken::mistake(self.name(), text),
        };
        let changes = self.in_force.roster.get().changes_to(&oncall);
        if changes.is_empty() {
            return Taken::default();
        }
        let now = self.in_force.clock.now();
        let mut passed_over = Vec::new();
        let mut warnings = self.in_force.changing(|| {
            passed_over = self.in_force.roster.reload(oncall);
            self.in_force.follow();
        });
        let overrides = self.in_force.roster.overrides();
        let lasts = |id| overrides.iter().any(|kept| kept.id == id && !kept.is_over(now));
        warnings.extend(passed_over.into_iter().filter(|it| lasts(it.id)).map(|it| it.because));
        Taken { changes, warnings, ..Taken::default() }
    }
}
