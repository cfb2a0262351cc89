//! What Alertmanager answers, as windows.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::json;

use super::{FiringNow, Inhibited, Quiet};
use crate::model::{Digest, Matcher, WindowScope};
use crate::store::{NewWindow, WindowOrigin};

/// As many silences are taken, and as many inhibited alerts: each alert is compared with each of
/// them. What is over that covers nothing.
pub(super) const MOST: usize = 500;

/// A silence has no more matchers, and they have no more bytes: all are compiled whenever windows
/// are read.
const MOST_MATCHERS: usize = 30;
const LONGEST: usize = 4 * 1024;

/// No inhibition is taken for longer: one that goes on is told of again.
const INHIBITED_FOR: TimeDelta = TimeDelta::hours(24);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Silence {
    id: String,
    status: SilenceStatus,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    created_by: String,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    matchers: Vec<Part>,
}

#[derive(Deserialize)]
struct SilenceStatus {
    state: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    name: String,
    value: String,
    is_regex: bool,
    /// Before 0.22 there was nothing else.
    #[serde(default = "yes")]
    is_equal: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct Alert {
    #[serde(default)]
    fingerprint: String,
    labels: BTreeMap<String, String>,
    status: AlertState,
}

#[derive(Deserialize)]
struct ListedAlert {
    fingerprint: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WholeAlert {
    labels: BTreeMap<String, String>,
    starts_at: DateTime<Utc>,
    status: AlertState,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AlertState {
    #[serde(default)]
    silenced_by: Vec<String>,
    #[serde(default)]
    inhibited_by: Vec<String>,
}

/// Reads the silences that are active or to come.
///
/// # Errors
/// When it is no such answer.
pub(super) fn silences(body: &[u8], quiet: &mut Quiet) -> Result<(), String> {
    let silences: Vec<Silence> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    quiet.told.extend(silences.iter().map(|silence| prefix(&silence.id)));
    let lasting = |silence: &&Silence| silence.status.state != "expired" && silence.starts_at < silence.ends_at;
    let mut lasting: Vec<&Silence> = silences.iter().filter(lasting).collect();
    lasting.sort_by_key(|silence| (silence.starts_at, &silence.id));
    for silence in lasting.iter().take(MOST) {
        match scope(silence) {
            Ok(scope) => quiet.silences.push(window_of(silence, scope)),
            Err(why) => quiet.left_out.push(format!(
                "the silence {} is not taken, and what it covers is paged about: {why}",
                shown(&silence.id)
            )),
        }
    }
    left_over(lasting.len(), "silences", quiet);
    Ok(())
}

/// Reads the alerts that are inhibited now.
///
/// # Errors
/// When it is no such answer.
pub(super) fn inhibited(body: &[u8], now: DateTime<Utc>, quiet: &mut Quiet) -> Result<(), String> {
    let mut alerts: Vec<Alert> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    alerts.retain(|alert| !alert.status.inhibited_by.is_empty());
    alerts.sort_by(|one, other| one.labels.cmp(&other.labels));
    for alert in &alerts {
        let matchers = alert.labels.iter().map(|(name, value)| Matcher::of_parts(name, value, true, false));
        match matchers.collect::<Result<Vec<_>, _>>() {
            Ok(matchers) if !matchers.is_empty() => {
                let scope = WindowScope { matchers, exact: true, ..WindowScope::default() };
                let window = inhibition(alert, scope, now);
                quiet.inhibited.push(Inhibited { fingerprint: alert.fingerprint.clone(), window });
            }
            Ok(_) => quiet.left_out.push("an inhibited alert without labels is not taken, and is paged about".into()),
            Err(why) => quiet
                .left_out
                .push(format!("an inhibited alert is not taken, and what it covers is paged about: {why}")),
        }
    }
    Ok(())
}

/// Reads the fingerprints of alerts that fire, whatever becomes of them.
///
/// # Errors
/// When it is no such answer.
pub(super) fn listed(body: &[u8]) -> Result<BTreeSet<String>, String> {
    let alerts: Vec<ListedAlert> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    Ok(alerts.into_iter().map(|alert| alert.fingerprint).collect())
}

/// Reads alerts that fire, with all that is told of them here.
///
/// # Errors
/// When it is no such answer.
pub(super) fn firing_now(body: &[u8]) -> Result<Vec<FiringNow>, String> {
    let alerts: Vec<WholeAlert> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let firing = |WholeAlert { labels, starts_at, status }| FiringNow {
        labels,
        starts_at,
        silenced_by: status.silenced_by,
        inhibited_by: status.inhibited_by,
    };
    Ok(alerts.into_iter().map(firing).collect())
}

pub(super) fn left_over(all: usize, what: &str, quiet: &mut Quiet) {
    if all > MOST {
        let over = all - MOST;
        quiet
            .left_out
            .push(format!("{over} {what} are over the {MOST} that are taken; what they cover is paged about"));
    }
}

fn scope(silence: &Silence) -> Result<WindowScope, String> {
    let bytes: usize = silence.matchers.iter().map(|part| part.name.len() + part.value.len()).sum();
    if silence.matchers.len() > MOST_MATCHERS || bytes > LONGEST {
        return Err(format!("it has more than {MOST_MATCHERS} matchers, or more than {LONGEST} bytes of them"));
    }
    let matcher = |part: &Part| Matcher::of_parts(&part.name, &part.value, part.is_equal, part.is_regex);
    let matchers: Vec<Matcher> =
        silence.matchers.iter().map(matcher).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    if matchers.is_empty() {
        return Err("it has no matchers".into());
    }
    Ok(WindowScope { matchers, ..WindowScope::default() })
}

fn prefix(id: &str) -> String {
    format!("{}{id}/", WindowOrigin::Alertmanager.prefix())
}

fn window_of(silence: &Silence, scope: WindowScope) -> NewWindow {
    let Silence { id, comment, created_by, starts_at, ends_at, .. } = silence;
    // Alertmanager changes some things of a silence in place: said otherwise, it is another window.
    let said = Digest::of(format!("{scope}\n{comment}\n{created_by}\n{starts_at}\n{ends_at}"));
    NewWindow {
        key: format!("{}{}", prefix(id), said.short()),
        scope,
        reason: or(comment, "no comment"),
        owner: or(created_by, "somebody"),
        via: format!("Alertmanager, silence {}", shown(id)),
        starts_at: *starts_at,
        ends_at: *ends_at,
    }
}

fn inhibition(alert: &Alert, scope: WindowScope, now: DateTime<Utc>) -> NewWindow {
    let by: Vec<String> = alert.status.inhibited_by.iter().take(3).map(|by| shown(by)).collect();
    let name = alert.labels.get("alertname").map_or("an alert", String::as_str);
    NewWindow {
        key: format!(
            "{}inhibited/{}",
            WindowOrigin::Alertmanager.prefix(),
            Digest::of(json!(alert.labels).to_string()).as_str()
        ),
        scope,
        reason: format!("{name} is inhibited by what fires with the fingerprint {}", by.join(", ")),
        owner: "inhibit_rules".into(),
        via: "Alertmanager, inhibition".into(),
        starts_at: now,
        ends_at: now + INHIBITED_FOR,
    }
}

fn or(text: &str, instead: &str) -> String {
    let text = text.trim();
    if text.is_empty() { instead.into() } else { text.chars().take(500).collect() }
}

/// Ids are told to people.
fn shown(id: &str) -> String {
    id.chars().filter(|c| c.is_ascii_graphic()).take(40).collect()
}
