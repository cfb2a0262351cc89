//! Which alerts fire: since when, what their rules say, and where.

use std::collections::BTreeMap;

use super::PageFacts;
use crate::message::text::{clip, count, moment, started, thousands};
use crate::model::{Episode, Incident};

/// Of more alerts than this, only how many they are is told.
const SHOWN: usize = 5;

/// What says nothing of where: the rule's own, and what a scrape or a ruler adds of itself.
const NOT_WHERE: [&str; 10] = [
    "alertname",
    "severity",
    "prometheus",
    "prometheus_replica",
    "endpoint",
    "metrics_path",
    "uid",
    "alertgroup",
    "grafana_folder",
    "ref_id",
];

/// Of more places than this, `/objects` tells the others.
const PLACES: usize = 12;

pub(super) fn fires(facts: &PageFacts<'_>) -> Vec<String> {
    let PageFacts { incident, episodes, objects, objects_in_all, .. } = *facts;
    let mut lines = vec![since(incident, episodes)];
    let Some(first) = episodes.first() else { return lines };
    let texts = ["summary", "message", "description"].map(|name| first.annotations.get(name));
    let mut said: Vec<String> = Vec::new();
    for text in texts.into_iter().flatten() {
        let text = clip(text, 600);
        if !text.is_empty() && !said.contains(&text) {
            said.push(text);
        }
    }
    let alert = clip(&first.alert, 100);
    match said.first_mut() {
        Some(summary) => *summary = format!("{alert}: {summary}"),
        None => said.push(alert),
    }
    lines.append(&mut said);
    let labels = place(&first.labels, &BTreeMap::new());
    lines.extend((!labels.is_empty()).then_some(labels));
    if objects_in_all > 1 {
        let others = objects.iter().filter(|object| object.alert != first.alert || object.labels != first.labels);
        for object in others.take(PLACES) {
            let place = place(&object.labels, &first.labels);
            lines.push(format!("also {}: {place}", clip(&object.alert, 100)));
        }
        let more = objects_in_all.saturating_sub(1 + PLACES as u64);
        lines.extend((more > 0).then(|| format!("and {} more; /objects {} lists them", thousands(more), incident.id)));
        return lines;
    }
    for episode in episodes.iter().skip(1).take(SHOWN - 1) {
        let ended = if episode.closed_at.is_some() { " (over)" } else { "" };
        let place = Some(place(&episode.labels, &first.labels)).filter(|place| !place.is_empty());
        let place = place.map(|place| format!(": {place}")).unwrap_or_default();
        lines.push(format!("also {}{ended}{place}", clip(&episode.alert, 100)));
    }
    let more = incident.open_episodes.saturating_sub(SHOWN as u64);
    lines.extend((more > 0).then(|| format!("and {} more", thousands(more))));
    lines
}

/// The labels, but for those that another alert has as well.
fn place(labels: &BTreeMap<String, String>, known: &BTreeMap<String, String>) -> String {
    let says = |(name, value): &(&String, &String)| {
        !NOT_WHERE.contains(&name.as_str()) && !name.starts_with("__") && known.get(*name) != Some(*value)
    };
    let labels: Vec<String> = labels.iter().filter(says).map(|(name, value)| format!("{name}={value}")).collect();
    clip(&labels.join(", "), 300)
}

fn since(incident: &Incident, episodes: &[Episode]) -> String {
    let first = episodes.iter().filter(|episode| episode.closed_at.is_none()).min_by_key(|episode| episode.starts_at);
    let since = first.map_or_else(|| moment(incident.opened_at), started);
    let about = incident.target.as_ref().map(|target| format!(", about {}", clip(&target.to_string(), 300)));
    let about = about.unwrap_or_default();
    match incident.open_episodes {
        // It is about no alert, such as one that could not be worked on.
        0 if incident.episodes == 0 => format!("no alert; since {since}{about}"),
        0 => format!("no alert fires now, {} did; since {since}{about}", thousands(incident.episodes)),
        n => format!("{} since {since}{about}", count(n, "alert")),
    }
}
