//! What fires in Alertmanager in a case, beside the alert that the case is about.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::alertmanager::{FiringNow, ScriptedAlertmanager};
use crate::model::HumanDuration;

/// An alert that fires all the time: `name`; or that Alertmanager does not answer: `fails`.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OtherAlert {
    /// Its `alertname`.
    #[serde(default)]
    pub name: String,
    /// Its other labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// So long before the case it began; by default an hour.
    pub ago: Option<HumanDuration>,
    /// Whether a silence covers it.
    #[serde(default)]
    pub silenced: bool,
    /// Whether another one inhibits it.
    #[serde(default)]
    pub inhibited: bool,
    /// There is no answer, and why.
    pub fails: Option<AlertmanagerFault>,
}

/// How it comes to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertmanagerFault {
    /// Its time is over.
    NoAnswer,
}

/// Alertmanager as the case begins: where neither the file nor the case speaks of it, there is
/// none.
pub(super) fn scripted<'a>(
    said: impl IntoIterator<Item = Option<&'a Vec<Spanned<OtherAlert>>>>,
    begin: DateTime<Utc>,
) -> ScriptedAlertmanager {
    let alertmanager = ScriptedAlertmanager::default();
    for alerts in said.into_iter().flatten() {
        alertmanager.is_there();
        for alert in alerts {
            match alert.value.fails {
                Some(AlertmanagerFault::NoAnswer) => alertmanager.is_away("operation timed out"),
                None => alertmanager.fires(firing(&alert.value, begin)),
            }
        }
    }
    alertmanager
}

fn firing(alert: &OtherAlert, begin: DateTime<Utc>) -> FiringNow {
    let OtherAlert { name, labels, ago, silenced, inhibited, fails: _ } = alert;
    let ago = ago.and_then(|ago| TimeDelta::from_std(ago.0).ok()).unwrap_or(TimeDelta::hours(1));
    let by = |is_so: bool, what: &str| is_so.then(|| what.to_owned()).into_iter().collect();
    FiringNow {
        labels: labelled(name, labels),
        starts_at: begin - ago,
        silenced_by: by(*silenced, "a-silence-of-the-case"),
        inhibited_by: by(*inhibited, "another-alert-of-the-case"),
    }
}

/// All labels of an alert.
pub(super) fn labelled(name: &str, labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut labels = labels.clone();
    labels.insert("alertname".into(), name.to_owned());
    labels
}
