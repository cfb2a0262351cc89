//! The index: the playbooks by folder, and the alerts by name.

use std::collections::BTreeMap;

use super::markdown::{code, prose, table};
use super::{MARK, Site};
use crate::playbook::Playbook;

pub(super) fn page(site: &Site<'_>) -> String {
    let mut folders: BTreeMap<String, Vec<&Playbook>> = BTreeMap::new();
    for playbook in site.playbooks.values() {
        let path = site.within(playbook);
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        folders.entry(folder.to_owned()).or_default().push(playbook);
    }
    let mut page = format!(
        "{MARK}\n\n# Playbooks\n\nWhat each does, and which alert starts it: see also [the alerts](#alerts).\n"
    );
    for (folder, playbooks) in folders {
        if !folder.is_empty() {
            page.push_str(&format!("\n## {}\n", prose(&folder)));
        }
        page.push('\n');
        page.extend(playbooks.into_iter().map(|playbook| line(site, playbook)));
    }
    page.push_str("\n## Alerts\n\n");
    page.push_str(&alerts(site));
    page
}

fn line(site: &Site<'_>, playbook: &Playbook) -> String {
    let summary = prose(&playbook.summary);
    let (link, severity, autonomy) = (site.link(&playbook.name), playbook.severity, playbook.autonomy);
    let mut alerts: Vec<String> = Vec::new();
    for alert in playbook.triggers.iter().map(|trigger| code(&trigger.alert)) {
        if !alerts.contains(&alert) {
            alerts.push(alert);
        }
    }
    let times = playbook.schedules.iter().map(|schedule| code(&schedule.to_string()));
    let starts: Vec<String> = alerts.into_iter().chain(times).collect();
    let starts = if starts.is_empty() { String::new() } else { format!(" On {}.", starts.join(", ")) };
    format!("- {link} ({severity}, {autonomy}): {}.{starts}\n", summary.trim_end_matches('.'))
}

/// Of several playbooks for one alert, their conditions say which.
fn alerts(site: &Site<'_>) -> String {
    let mut found: BTreeMap<(String, &str), Vec<String>> = BTreeMap::new();
    for playbook in site.playbooks.values() {
        for trigger in &playbook.triggers {
            let is_conditional = trigger.condition.is_some();
            let said = site.link(&playbook.name) + if is_conditional { ", where its condition holds" } else { "" };
            let entry = found.entry((trigger.alert.to_lowercase(), &trigger.alert)).or_default();
            if !entry.contains(&said) {
                entry.push(said);
            }
        }
    }
    if found.is_empty() {
        return "None starts one.\n".to_owned();
    }
    table(&["alert", "playbook"], found.into_iter().map(|((_, alert), taken)| vec![code(alert), taken.join("; ")]))
}
