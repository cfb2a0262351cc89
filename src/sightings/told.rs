//! Sightings as alerts, which go in by the front door. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::held::{Fires, News};
use super::pods::LONGEST;
use super::settings::{NO_ENDPOINTS, REPORTS_FAILURE, WatchedFor};
use super::sighting::Sighting;
use crate::model::{Alert, AlertStatus, Digest, HumanDuration, LeftOut, Notification, Severity, Signal, SignalBody};

/// The annotation that names the pods that fail, with a comma between two.
pub const PODS: &str = "pods";

/// So many pods are named.
const MOST_PODS: usize = 40;

/// As many alerts are in one signal.
const PIECE: usize = 500;

/// The signals that tell the news. What is of one severity and one sort in one namespace goes
/// together, so that what many begin with at once is gathered at once.
pub(super) fn signals(source: &str, news: &News<'_>, now: DateTime<Utc>) -> Vec<Signal> {
    let mut groups: BTreeMap<(Severity, String, &str), Vec<Alert>> = BTreeMap::new();
    for fires in &news.fires {
        let key = (severity(fires), fires.watch.what.sort(), fires.sighting.namespace.as_str());
        groups.entry(key).or_default().push(begin(fires, now));
    }
    let begins = groups.into_iter().flat_map(|((_, sort, namespace), alerts)| {
        let group = format!("{{{sort}, namespace={namespace:?}}}");
        pieces(alerts).into_iter().map(move |piece| signal(source, &group, piece, now)).collect::<Vec<_>>()
    });
    let begins: Vec<Signal> = begins.collect();
    let mut lanes: BTreeMap<String, Vec<Alert>> = BTreeMap::new();
    for firing in &news.over {
        let severity = firing.alert.labels.get("severity").cloned().unwrap_or_default();
        lanes.entry(severity).or_default().push(firing.ended(now));
    }
    let ends = lanes.into_values().flat_map(pieces).map(|piece| signal(source, "", piece, now));
    begins.into_iter().chain(ends).collect()
}

fn pieces(alerts: Vec<Alert>) -> Vec<Vec<Alert>> {
    alerts.chunks(PIECE).map(<[Alert]>::to_vec).collect()
}

fn signal(source: &str, group_key: &str, alerts: Vec<Alert>, now: DateTime<Utc>) -> Signal {
    let which: Vec<_> = alerts.iter().map(|alert| (&alert.fingerprint, alert.starts_at, alert.status)).collect();
    // What is told once more after hours is another signal.
    let key = format!("seen at {}: {}", now.to_rfc3339(), Digest::of(format!("{which:?}")).as_str());
    let notification = Notification {
        receiver: String::new(),
        group_key: group_key.to_owned(),
        truncated: 0,
        left_out: LeftOut::default(),
        unauthenticated: false,
        alerts,
    };
    Signal { source: source.to_owned(), key, received_at: now, body: SignalBody::Notification(notification) }
}

fn severity(fires: &Fires<'_>) -> Severity {
    let own = fires.watch.severity;
    fires.sighting.at_worst.map_or(own, |at_worst| own.max(at_worst))
}

/// What alerts of a source of the kind `cluster` are gathered by that begin in many places at once,
/// instead of the alert's name, which tells of too many sorts of failures. `None`: by no sort.
pub fn gathered_by(alert: &Alert) -> Option<String> {
    let label = |name: &str| alert.label(name).unwrap_or_default();
    match alert.name() {
        // Each has a cause of its own, unless its workload or its namespace says otherwise.
        NO_ENDPOINTS => None,
        REPORTS_FAILURE => Some(format!("{REPORTS_FAILURE} of {} ({})", label("kind"), label("condition"))),
        name => Some(name.to_owned()),
    }
}

fn begin(fires: &Fires<'_>, now: DateTime<Utc>) -> Alert {
    let Fires { sighting, watch, lasting, oldest } = fires;
    let mut labels = sighting.own.clone();
    labels.extend(sighting.besides.clone());
    // Of several, the one that is surely there since the alert began.
    if let Some(pod) = oldest {
        labels.insert("pod".into(), (*pod).to_owned());
    }
    labels.insert("alertname".into(), watch.what.alert().into());
    labels.insert("severity".into(), severity(fires).to_string());
    labels.extend(watch.team.iter().map(|team| ("team".to_owned(), team.clone())));
    if !sighting.namespace.is_empty() {
        labels.insert("namespace".into(), sighting.namespace.clone());
    }
    let lasted = TimeDelta::from_std(*lasting).unwrap_or_default();
    Alert {
        fingerprint: sighting.fingerprint(),
        given: None,
        in_order: false,
        status: AlertStatus::Firing,
        labels,
        annotations: annotations(sighting, HumanDuration(*lasting)),
        starts_at: (now - lasted).trunc_subsecs(6),
        ends_at: None,
        generator_url: String::new(),
    }
}

fn annotations(sighting: &Sighting, lasting: HumanDuration) -> BTreeMap<String, String> {
    let Sighting { about, says, pods, .. } = sighting;
    let (what, next) = match &sighting.what {
        WatchedFor::FailedAttach => (
            format!("a volume of {about} cannot be attached"),
            "look which node still holds the volume (kubectl get volumeattachments), and whether that node is gone",
        ),
        WatchedFor::ConfigError => (
            format!("a container of {about} cannot be created"),
            "look whether each ConfigMap and Secret that its pods name is there, with the keys that they name",
        ),
        WatchedFor::ImagePull => (
            format!("an image of {about} cannot be pulled"),
            "look whether the image and its tag exist, and whether the nodes may pull it",
        ),
        WatchedFor::ServiceWithoutEndpoints => (
            format!("{about} has no ready endpoint"),
            "look why its pods are not ready, and whether its selector is what their labels say",
        ),
        WatchedFor::ReportsFailure(_) => {
            (format!("{about} reports failure"), "look at its conditions, and at the log of its operator")
        }
    };
    let place = if sighting.namespace.is_empty() { String::new() } else { format!(" in {}", sighting.namespace) };
    // The label `pod` names the first: a title that names it alone would hide the others.
    let which = match (pods.len(), pods.keys().next()) {
        (1, Some(pod)) if !about.ends_with(pod.as_str()) => format!(" ({pod})"),
        (0 | 1, _) | (_, None) => String::new(),
        (many, Some(pod)) => format!(" ({many} pods, such as {pod})"),
    };
    let says: String = says.chars().take(LONGEST).collect();
    let mut annotations = BTreeMap::from([
        ("summary".to_owned(), format!("{what}{place}{which}")),
        ("description".to_owned(), format!("{says}. The bot has seen it for {lasting}; {next}.")),
    ]);
    let named: Vec<&str> = pods.keys().take(MOST_PODS).map(String::as_str).collect();
    if !named.is_empty() {
        annotations.insert(PODS.to_owned(), named.join(", "));
    }
    if pods.len() > named.len() {
        annotations.insert("more_pods".to_owned(), (pods.len() - named.len()).to_string());
    }
    if !sighting.containers.is_empty() {
        let containers: Vec<&str> = sighting.containers.iter().map(String::as_str).collect();
        annotations.insert("containers".to_owned(), containers.join(", "));
    }
    annotations
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use std::time::Duration;

    use super::*;
    use crate::sightings::{Reports, Watch};
    use crate::store::story::morning;

    fn sighting(namespace: &str, app: &str, pods: usize) -> Sighting {
        Sighting {
            what: WatchedFor::ImagePull,
            namespace: namespace.into(),
            own: BTreeMap::from([("deployment".to_owned(), app.to_owned())]),
            besides: BTreeMap::from([("pod".to_owned(), format!("{app}-0"))]),
            about: format!("deployment {app}"),
            pods: (0..pods).map(|n| (format!("{app}-{n}"), format!("uid-{n}"))).collect(),
            containers: BTreeSet::from(["main".to_owned()]),
            says: "ErrImagePull: not found".into(),
            at_worst: None,
        }
    }

    fn told(sightings: &[Sighting], severity: Severity) -> Vec<Notification> {
        let watch = Watch { what: WatchedFor::ImagePull, hold: Duration::ZERO, severity, team: Some("shop".into()) };
        let lasting = Duration::from_secs(300);
        let fires = sightings.iter().map(|sighting| Fires { sighting, watch: &watch, lasting, oldest: None }).collect();
        let signals = signals("watch", &News { fires, over: Vec::new() }, morning());
        let bodies = signals.into_iter().map(|signal| match signal.body {
            SignalBody::Notification(notification) => notification,
            other => panic!("{other:?}"),
        });
        bodies.collect()
    }

    #[test]
    fn an_alert_says_what_fails_and_what_to_look_at() {
        let alert = told(&[sighting("shop", "web", 60)], Severity::S3).remove(0).alerts.remove(0);
        let labels: Vec<String> = alert.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            labels,
            [
                "alertname=DogwatchImagePullBackOff",
                "deployment=web",
                "namespace=shop",
                "pod=web-0",
                "severity=S3",
                "team=shop"
            ]
        );
        let says = |name: &str| alert.annotations.get(name).map(String::as_str).unwrap_or_default();
        assert_eq!(says("summary"), "an image of deployment web cannot be pulled in shop (60 pods, such as web-0)");
        assert_eq!(
            says("description"),
            "ErrImagePull: not found. The bot has seen it for 5m; look whether the image and its tag exist, and whether the \
             nodes may pull it."
        );
        assert_eq!((says("pods").split(", ").count(), says("more_pods"), says("containers")), (40, "20", "main"));
        assert_eq!(alert.starts_at, morning() - TimeDelta::minutes(5));
    }

    #[test]
    fn what_begins_in_one_namespace_is_told_at_once() {
        let all = [sighting("shop", "web", 1), sighting("shop", "api", 1), sighting("db", "pg", 1)];
        let groups: Vec<_> = told(&all, Severity::S2).into_iter().map(|it| (it.group_key, it.alerts.len())).collect();
        let group = |namespace: &str| format!("{{alertname=\"DogwatchImagePullBackOff\", namespace=\"{namespace}\"}}");
        assert_eq!(groups, [(group("db"), 1), (group("shop"), 2)]);
    }

    #[test]
    fn unlike_failures_are_not_gathered() {
        let reports = |kind: &str| Reports { kind: kind.into(), condition: "Ready".into(), status: "False".into() };
        let told = ["Certificate.cert-manager.io", "Kafka.kafka.strimzi.io"].map(|kind| {
            let what = WatchedFor::ReportsFailure(reports(kind));
            let own = [("kind", kind), ("name", "x"), ("condition", "Ready")];
            let own = own.map(|(label, value)| (label.to_owned(), value.to_owned())).into();
            let sighting = Sighting { what: what.clone(), own, ..sighting("shop", "x", 0) };
            let watch = Watch { what, hold: Duration::ZERO, severity: Severity::S2, team: None };
            let fires = vec![Fires { sighting: &sighting, watch: &watch, lasting: Duration::ZERO, oldest: None }];
            let signal = signals("watch", &News { fires, over: Vec::new() }, morning()).remove(0);
            let SignalBody::Notification(told) = signal.body else { panic!() };
            (told.group_key, gathered_by(&told.alerts[0]).unwrap())
        });
        assert!(told[0].0 != told[1].0 && told[0].1 != told[1].1, "{told:?}");
    }

    #[test]
    fn what_is_bad_at_most_is_told_as_that() {
        let sighting = Sighting { at_worst: Some(Severity::S3), ..sighting("shop", "web", 1) };
        let severity =
            |own: Severity| told(std::slice::from_ref(&sighting), own)[0].alerts[0].labels["severity"].clone();
        assert_eq!([severity(Severity::S2), severity(Severity::S4)], ["S3", "S4"]);
    }

    #[test]
    fn another_pod_is_no_other_alert() {
        let (one, more) = (sighting("shop", "web", 1), sighting("shop", "web", 7));
        let more = Sighting { besides: BTreeMap::new(), ..more };
        assert_eq!(one.fingerprint(), more.fingerprint());
        assert_ne!(one.fingerprint(), sighting("db", "web", 1).fingerprint());
    }
}
