//! Old news: the source of a run's alert is asked whether it still fires, before anything is
//! changed.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::drive::{Driver, Flow};
use super::read::within;
use super::timing::{SOURCE_LOOK_EVERY, SOURCE_PATIENCE, SOURCE_WITHIN};
use crate::action::ActionError;
use crate::model::{HumanDuration, RunEvent, SourceAnswer};
use crate::store::{FiringAlert, StoreError};

/// Asks, and records the answer. What is not listed is asked for again for a while: an
/// Alertmanager that was started with the bot has to be told first what fires.
pub(super) async fn ask_source(driver: &mut Driver<'_>, waited: HumanDuration) -> Result<Flow, StoreError> {
    let (answer, is_certain) = source_says(driver).await?;
    let now = driver.now();
    let again_at = match &answer {
        SourceAnswer::NotListed if !is_certain => {
            let until = driver.state.heard.as_ref().map_or(now, |heard| heard.not_listed_since(now)) + SOURCE_PATIENCE;
            (now < until).then(|| until.min(now + SOURCE_LOOK_EVERY))
        }
        _ => None,
    };
    let asked = RunEvent::SourceAsked { waited, answer, again_at };
    match again_at {
        Some(at) => driver.park(vec![asked], at).await,
        None => driver.record(asked).await,
    }
}

/// What whoever is asked about old news is told.
pub(super) fn why_asked_anew(driver: &Driver<'_>) -> Option<String> {
    let Heard { answer: SourceAnswer::NotAsked { because }, waited, .. } = driver.state.heard.as_ref()? else {
        return None;
    };
    Some(format!(
        "{} asks before it changes anything: nobody went on with it for {waited}, what its alert said is as \
         old, and its source could not be asked whether it still fires: {because}",
        driver.frame.run.id
    ))
}

/// What the source says, and whether there is nothing left to ask.
async fn source_says(driver: &Driver<'_>) -> Result<(SourceAnswer, bool), StoreError> {
    let not_asked = |because: String| Ok((SourceAnswer::NotAsked { because }, true));
    let run = &driver.frame.run;
    let Some(source) = run.alert.get("source").and_then(Value::as_str) else {
        let by = run.requested_by.as_ref().map(|by| format!(", but {by}")).unwrap_or_default();
        return not_asked(format!("no alert started it{by}"));
    };
    let alertmanager = match driver.sources.of(source) {
        Ok(alertmanager) => alertmanager,
        Err(because) => return not_asked(because),
    };
    let mut firing: Vec<_> = match driver.store.firing_about(source, &run.target).await {
        Err(StoreError::Unreadable { message, .. }) => {
            return not_asked(format!("what fires about {} cannot be read: {message}", run.target));
        }
        firing => firing?.into_iter().map(Firing::about).collect(),
    };
    if firing.is_empty() {
        // Its own alert may be counted as one about something else.
        let Some(own) = Firing::that_started(&run.alert) else {
            return not_asked("which alert started it was not kept".into());
        };
        let latest = driver.store.latest_episodes(source, &[own.fingerprint.as_str()]).await?;
        if latest.get(&own.fingerprint).is_none_or(|episode| episode.closed_at.is_some()) {
            // The source has told the ends of all, and other alerts of the incident go on.
            return Ok((SourceAnswer::NotListed, true));
        }
        firing.push(own);
    }
    let names: BTreeSet<&str> = firing.iter().map(|firing| firing.alertname.as_str()).collect();
    let asked = async { alertmanager.firing(&names).await.map_err(|error| ActionError::retry(error.to_string())) };
    let until = driver.until().min(driver.now() + SOURCE_WITHIN);
    let listed = match within(driver.world, until, asked).await {
        Ok(listed) => listed,
        Err(error) => return not_asked(error.message),
    };
    Ok(match firing.iter().find(|firing| listed.contains(&firing.fingerprint)) {
        Some(firing) => (SourceAnswer::Fires { alert: firing.shown.clone() }, true),
        None => (SourceAnswer::NotListed, false),
    })
}

/// An alert that is asked about.
struct Firing {
    fingerprint: String,
    /// As Alertmanager knows it: to have no name is to have an empty one.
    alertname: String,
    shown: String,
}

impl Firing {
    fn about(firing: FiringAlert) -> Self {
        let FiringAlert { fingerprint, alert, .. } = firing;
        let alertname = alert.labels.get("alertname").cloned().unwrap_or_default();
        Self { fingerprint, alertname, shown: alert.alert }
    }

    /// The alert that has started a run; `None`: an older version opened the run.
    fn that_started(alert: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
        let alertname = alert.pointer("/labels/alertname").and_then(text).unwrap_or_default();
        let fingerprint = alert.get("fingerprint").and_then(text)?;
        Some(Self {
            fingerprint,
            shown: alert.get("name").and_then(text).unwrap_or_else(|| alertname.clone()),
            alertname,
        })
    }
}

/// What the source said when it was asked last.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    pub answer: SourceAnswer,
    /// For how long nobody had come to the run before that.
    pub waited: HumanDuration,
    /// Since when the answer is the same.
    pub since: DateTime<Utc>,
    /// When it is asked again.
    pub again_at: Option<DateTime<Utc>>,
}

impl Heard {
    /// Since when it lists the alert no more, if it does not at `now` either. Answers that are
    /// further apart than was meant say nothing of the time between.
    pub(super) fn not_listed_since(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let goes_on = self.again_at.is_some_and(|again_at| now <= again_at + SOURCE_LOOK_EVERY);
        if goes_on && self.answer == SourceAnswer::NotListed { self.since } else { now }
    }
}
