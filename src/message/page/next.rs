//! What somebody types who has just been woken.

use super::{Link, PageFacts};
use crate::message::text::{clip, time};
use crate::model::{Alert, AlertStatus, ApprovalState, Episode, IncidentId, LabelNames, ObjectKey};

/// No line of a playbook takes more: a query is long.
const LONGEST: usize = 700;

/// A playbook's text without what it says is next, and that: each line that begins with `Next:`,
/// with the lines below it that are indented or a list. Where it has nothing behind it, the lines
/// up to the next empty one are meant.
pub(super) fn parted(text: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut rest, mut next) = (Vec::new(), Vec::new());
    let mut is_open = false;
    let mut takes_all = false;
    for line in text {
        if let Some(said) = after_next(line) {
            (is_open, takes_all) = (true, said.is_empty());
            next.extend((!said.is_empty()).then(|| said.to_owned()));
            continue;
        }
        let belongs = line.starts_with([' ', '-', '*']) || (takes_all && !line.is_empty());
        is_open &= belongs;
        if is_open { next.push(line.trim().to_owned()) } else { rest.push(line.clone()) }
    }
    while rest.last().is_some_and(String::is_empty) {
        rest.pop();
    }
    (rest, next)
}

fn after_next(line: &str) -> Option<&str> {
    let (word, rest) = line.trim_start().split_at_checked("next:".len())?;
    word.eq_ignore_ascii_case("next:").then(|| rest.trim())
}

/// Answers that the bot waits for, then what the playbook says, else where to look first, and where
/// all is told.
pub(super) fn next(facts: &PageFacts<'_>, said: &[String], links: &[Link]) -> Vec<String> {
    let id = facts.incident.id;
    let open = facts.approvals.iter().filter(|approval| approval.state == ApprovalState::Open);
    let mut lines: Vec<String> = open
        .map(|asked| {
            let (run, id) = (asked.run, asked.id);
            let whom = match (asked.terms.is_usual(), asked.progress()) {
                (true, _) => String::new(),
                (false, Some(progress)) => format!(" of {} ({progress} so far)", clip(&asked.terms.whom(), LONGEST)),
                (false, None) => format!(" of {}", clip(&asked.terms.whom(), LONGEST)),
            };
            format!("{run} waits for an answer{whom} until {}: /approve {id} or /deny {id}", time(asked.expires_at))
        })
        .collect();
    lines.extend(said.iter().map(|line| clip(line, LONGEST)));
    if said.is_empty() {
        lines.extend(looks(facts, links));
    }
    lines.push(format!("/why {id} (or: dogwatch why {id}) tells all that the bot saw and decided"));
    lines
}

/// How to take it.
pub(super) fn acknowledge(id: IncidentId) -> String {
    format!("/ack {id} (or: dogwatch ack {id})")
}

/// A look at the object, by its own name; else at its namespace or its machine; else what the rule
/// itself names.
fn looks(facts: &PageFacts<'_>, links: &[Link]) -> Vec<String> {
    let of_alert = || facts.episodes.iter().find_map(named_object);
    let object = facts.incident.target.clone().or_else(of_alert);
    let commands = object.map(|object| of_object(&object)).unwrap_or_default();
    if !commands.is_empty() {
        return commands;
    }
    let commands: Vec<String> = facts.episodes.first().map(around).unwrap_or_default();
    if !commands.is_empty() {
        return commands;
    }
    let has = |name: &str| links.iter().any(|link| link.name == name);
    let look = match () {
        () if has("runbook") => "follow the runbook that is linked below",
        () if has("dashboard") => "look at the dashboard that is linked below",
        () if has("query") => "look at the query that is linked below: it is what fires",
        () => return Vec::new(),
    };
    vec![look.to_owned()]
}

/// A name comes from whoever may send alerts, and goes from here into a shell.
fn is_name(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    !name.is_empty() && name.bytes().all(is_part) && !name.starts_with('-')
}

fn of_object(object: &ObjectKey) -> Vec<String> {
    let is_safe = is_name(&object.kind) && is_name(&object.name);
    if !is_safe || !(object.namespace.is_empty() || is_name(&object.namespace)) {
        return Vec::new();
    }
    let namespace = if object.namespace.is_empty() { String::new() } else { format!("-n {} ", object.namespace) };
    let kind = object.kind.to_lowercase();
    let mut lines = vec![format!("kubectl {namespace}describe {kind} {}", object.name)];
    if kind == "pod" {
        lines.push(format!("kubectl {namespace}logs {} --all-containers --tail=50 --prefix", object.name));
    }
    lines
}

/// Where an alert names no object: the machine that its exporter watches, or what else is in its
/// namespace.
fn around(episode: &Episode) -> Vec<String> {
    let alert = as_alert(episode);
    let host = alert.label("instance").map(|instance| instance.rsplit_once(':').map_or(instance, |(host, _)| host));
    let is_of_machine = alert.label("job").is_some_and(|job| job.contains("node"));
    if let Some(host) = host.filter(|host| is_of_machine && is_name(host)) {
        return vec![format!("kubectl get nodes -o wide | grep -w -- {host}")];
    }
    match LabelNames::default().namespace(&alert, None) {
        Ok(Some(namespace)) if is_name(namespace.value) => {
            let namespace = namespace.value;
            vec![format!("kubectl -n {namespace} get pods; kubectl -n {namespace} get events --sort-by=.lastTimestamp")]
        }
        _ => Vec::new(),
    }
}

/// The labels that name what can be looked at, the smallest thing last: its owner says more.
const KINDS: [(&str, &str, bool); 13] = [
    ("deployment", "Deployment", true),
    ("statefulset", "StatefulSet", true),
    ("daemonset", "DaemonSet", true),
    ("persistentvolumeclaim", "PersistentVolumeClaim", true),
    ("persistentvolume", "PersistentVolume", false),
    ("job_name", "Job", true),
    ("cronjob", "CronJob", true),
    ("horizontalpodautoscaler", "HorizontalPodAutoscaler", true),
    ("poddisruptionbudget", "PodDisruptionBudget", true),
    ("resourcequota", "ResourceQuota", true),
    ("ingress", "Ingress", true),
    ("pod", "Pod", true),
    ("node", "Node", false),
];

fn named_object(episode: &Episode) -> Option<ObjectKey> {
    let names = LabelNames::default();
    let alert = as_alert(episode);
    // Of an exporter that watches something else, its own pod says nothing.
    let exporter = alert.label("job").unwrap_or_default().to_owned();
    KINDS.iter().find_map(|(label, kind, is_namespaced)| {
        let found = names.find(&alert, label)?;
        let is_exporters = *label == "pod" && !exporter.is_empty() && found.value.starts_with(&exporter);
        if is_exporters {
            return None;
        }
        let namespace = match names.namespace(&alert, Some(found.name)) {
            _ if !*is_namespaced => String::new(),
            Ok(namespace) => namespace?.value.to_owned(),
            Err(_) => return None,
        };
        Some(ObjectKey::new(*kind, namespace, found.value))
    })
}

fn as_alert(episode: &Episode) -> Alert {
    Alert {
        fingerprint: String::new(),
        given: None,
        in_order: false,
        status: AlertStatus::Firing,
        labels: episode.labels.clone(),
        annotations: episode.annotations.clone(),
        starts_at: episode.starts_at,
        ends_at: None,
        generator_url: String::new(),
    }
}
