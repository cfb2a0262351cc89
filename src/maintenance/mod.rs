//! `maintenance.yaml`: maintenance windows that are planned, once or week by week.
//!
//! Pure: from a file and a moment to the windows that are active or come next.

mod weekly;

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_saphyr::Spanned;

pub use weekly::Weekly;

use crate::diagnostics::{Code, Diagnostics, SourceText};
use crate::model::{Digest, HumanDuration, LONGEST_WINDOW, Matcher, TargetPattern, WindowScope};
use crate::store::{NewWindow, WindowOrigin};

/// A window of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedWindow {
    pub name: String,
    pub scope: WindowScope,
    pub reason: String,
    pub owner: String,
    pub when: When,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    Once { from: DateTime<Utc>, until: DateTime<Utc> },
    Weekly(Weekly),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "apiVersion")]
    _api_version: ApiVersion,
    #[serde(rename = "kind")]
    _kind: Kind,
    windows: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
enum ApiVersion {
    #[serde(rename = "dogwatch/v1")]
    V1,
}

#[derive(Deserialize)]
enum Kind {
    Maintenance,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    #[serde(default)]
    matchers: Vec<Matcher>,
    #[serde(default)]
    targets: Vec<TargetPattern>,
    reason: String,
    owner: String,
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    every: Option<String>,
    zone: Option<String>,
}

impl TryFrom<Entry> for PlannedWindow {
    type Error = String;

    fn try_from(entry: Entry) -> Result<Self, String> {
        let Entry { name, matchers, targets, reason, owner, from, until, every, zone } = entry;
        let wrong = |why: String| format!("the window `{name}` {why}");
        let scope = WindowScope { matchers, targets, ..WindowScope::default() };
        if scope.is_empty() {
            return Err(wrong("covers nothing; write `matchers:` or `targets:`".into()));
        }
        if reason.trim().is_empty() || owner.trim().is_empty() {
            return Err(wrong("must say its reason and its owner".into()));
        }
        let when = match (from, until, every, zone) {
            (Some(from), Some(until), None, None) if from < until => When::Once { from, until },
            (Some(_), Some(_), None, None) => return Err(wrong("must end after it begins".into())),
            (None, None, Some(every), Some(zone)) => When::Weekly(Weekly::parse(&every, &zone).map_err(wrong)?),
            _ => {
                let how = "must have either `from` and `until`, or `every` and `zone`, such as `every: Sunday 02:00-04:00` \
                           and `zone: Europe/Berlin`";
                return Err(wrong(how.into()));
            }
        };
        if let When::Once { from, until } = when
            && (until - from).to_std().is_ok_and(|lasting| lasting > LONGEST_WINDOW)
        {
            return Err(wrong(format!("lasts longer than {}", HumanDuration(LONGEST_WINDOW))));
        }
        Ok(Self { name, scope, reason, owner, when })
    }
}

/// Reads the text of a file of that name.
///
/// # Errors
/// All that is wrong: it is not what such a file looks like, or two windows have one name.
pub fn parse_maintenance(file: &str, text: &str) -> Result<Vec<PlannedWindow>, Diagnostics> {
    let source = SourceText { path: Path::new(file), text };
    let document: Document = serde_saphyr::from_str(text).map_err(|wrong| source.yaml_error(&wrong))?;
    let (mut windows, mut wrong) = (Vec::new(), Vec::new());
    let mut names = std::collections::BTreeSet::new();
    for entry in document.windows {
        let at = entry.referenced.into();
        let name = entry.value.name.clone();
        match PlannedWindow::try_from(entry.value) {
            Ok(window) => windows.push(window),
            Err(why) => {
                let (message, remedy) = why.split_once("; ").unwrap_or((&why, ""));
                wrong.push(source.error(Code::InvalidWindow, at, message).with_remedy(remedy));
            }
        }
        if names.replace(name.clone()).is_some() {
            let message = format!("there are two windows `{name}`");
            wrong.push(source.error(Code::DuplicateName, at, message).with_remedy("give one of them another name"));
        }
    }
    if wrong.is_empty() { Ok(windows) } else { Err(Diagnostics(wrong)) }
}

/// Windows are kept so long before they begin: whoever asks sees them coming.
const AHEAD: TimeDelta = TimeDelta::days(8);

impl PlannedWindow {
    /// Those of its times that are active, or begin within days.
    pub fn coming(&self, now: DateTime<Utc>) -> Vec<NewWindow> {
        let times = match &self.when {
            When::Once { from, until } => vec![(*from, *until)],
            When::Weekly(weekly) => weekly.times(now, now + AHEAD),
        };
        let is_near = |(from, until): &(DateTime<Utc>, DateTime<Utc>)| now < *until && *from <= now + AHEAD;
        times.into_iter().filter(is_near).map(|(from, until)| self.at(from, until)).collect()
    }

    fn at(&self, starts_at: DateTime<Utc>, ends_at: DateTime<Utc>) -> NewWindow {
        let Self { name, scope, reason, owner, .. } = self;
        // Whatever is said otherwise makes another window of it.
        let said = Digest::of(format!("{scope}\n{reason}\n{owner}\n{ends_at}"));
        NewWindow {
            key: format!("{}{name}@{starts_at}/{}", WindowOrigin::File.prefix(), said.short()),
            scope: scope.clone(),
            reason: reason.clone(),
            owner: owner.clone(),
            via: format!("file, {name}"),
            starts_at,
            ends_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
apiVersion: dogwatch/v1
kind: Maintenance
windows:
  - name: weekly
    matchers: ["namespace=db", 'alertname=~"Disk.*"']
    targets: [StatefulSet/db/*]
    reason: the weekly backup
    owner: dba
    every: Sunday 02:00-04:00
    zone: Europe/Berlin
  - name: move
    matchers: [namespace=shop]
    reason: a new cluster
    owner: shop
    from: 2026-03-04T20:00:00Z
    until: 2026-03-04T22:00:00Z
"#;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_file_says_what_comes() {
        let windows = parse_maintenance("m.yaml", FILE).unwrap();
        let now = at("2026-03-02T02:00:00Z");
        let coming: Vec<_> = windows.iter().flat_map(|window| window.coming(now)).collect();
        let told: Vec<_> =
            coming.iter().map(|window| (window.via.as_str(), window.starts_at, window.ends_at)).collect();
        assert_eq!(
            told,
            [
                ("file, weekly", at("2026-03-08T01:00:00Z"), at("2026-03-08T03:00:00Z")),
                ("file, move", at("2026-03-04T20:00:00Z"), at("2026-03-04T22:00:00Z")),
            ]
        );
        assert_eq!(coming[0].scope.to_string(), "namespace=db alertname=~Disk.* StatefulSet/db/*");
        let again = windows[0].coming(now + TimeDelta::days(1));
        assert_eq!(again[0].key, coming[0].key, "the same again is the same window");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (right, wrong, told) in [
            ("matchers: [namespace=shop]", "matchers: [namespace]", "`namespace` is no matcher"),
            ("targets: [StatefulSet/db/*]", "targets: [db]", "`db` names no target"),
            ("    matchers: [namespace=shop]\n", "", "the window `move` covers nothing"),
            ("Europe/Berlin", "Europe/Berlim", "`Europe/Berlim` is no time zone"),
            ("every: Sunday", "every: Sonntag", "`Sonntag` is no day"),
            ("02:00-04:00", "2-4", "`2-4` is no time of the day"),
            ("    zone: Europe/Berlin\n", "", "must have either `from` and `until`"),
            ("until: 2026-03-04T22", "until: 2026-03-04T19", "must end after it begins"),
            ("until: 2026-03-04T22", "until: 2026-05-04T19", "lasts longer than 30d"),
            ("owner: shop", "ower: shop", "ower"),
            ("name: move", "name: weekly", "there are two windows `weekly`"),
        ] {
            let text = FILE.replace(right, wrong);
            assert_ne!(text, FILE, "{right}");
            let error = parse_maintenance("m.yaml", &text).unwrap_err().to_string();
            assert!(error.contains("--> m.yaml:") && error.contains(told), "{wrong}: {error}");
        }
        let text = FILE.replace("matchers: [namespace=shop]", "matchers: [namespace]");
        let error = parse_maintenance("m.yaml", &text).unwrap_err().to_string();
        assert!(error.contains("m.yaml:13:"), "{error}");
    }
}
