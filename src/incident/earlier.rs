//! What an alert is to the episodes that were opened before it, where its fingerprint alone does
//! not tell.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::model::{Alert, AlertStatus, Notification, Severities};
use crate::store::{EpisodeHead, Store, StoreError};

/// Episodes that an earlier version opened under the sender's own name for the alert, by the
/// one that it has now. They must say the same labels: a name alone is no proof.
pub(super) async fn by_given_name(
    store: &dyn Store,
    source: &str,
    notification: &Notification,
    found: &HashMap<String, EpisodeHead>,
) -> Result<Vec<(String, EpisodeHead)>, StoreError> {
    let is_missing = |alert: &&Alert| alert.given.is_some() && !found.contains_key(&alert.fingerprint);
    let missing: Vec<&Alert> = notification.alerts.iter().filter(is_missing).collect();
    let given: BTreeSet<&str> = missing.iter().filter_map(|alert| alert.given.as_deref()).collect();
    if given.is_empty() {
        return Ok(Vec::new());
    }
    let given: Vec<&str> = given.into_iter().collect();
    let episodes = store.latest_episodes(source, &given).await?;
    let mut same = Vec::new();
    for alert in missing {
        if let Some(episode) = alert.given.as_ref().and_then(|given| episodes.get(given))
            && store.labels_of(episode.id).await? == alert.labels
        {
            same.push((alert.fingerprint.clone(), episode.clone()));
        }
    }
    Ok(same)
}

/// Alerts whose severity may change while they are the same, and is worse than what was told
/// before.
pub(super) async fn worse(
    store: &dyn Store,
    severities: &Severities,
    notification: &Notification,
    episodes: &HashMap<String, EpisodeHead>,
) -> Result<HashSet<String>, StoreError> {
    let mut worse = HashSet::new();
    for alert in notification.alerts.iter().filter(|alert| alert.in_order && alert.status == AlertStatus::Firing) {
        let Some(episode) = episodes.get(&alert.fingerprint).filter(|episode| episode.closed_at.is_none()) else {
            continue;
        };
        let before = store.labels_of(episode.id).await?;
        let was = severities.rate(|label| before.get(label).map(String::as_str)).severity;
        if severities.of(alert) < was {
            worse.insert(alert.fingerprint.clone());
        }
    }
    Ok(worse)
}
