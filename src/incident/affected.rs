//! What is affected: the objects that something fires about, and how bad it is about each.
//!
//! Two alerts about one object are one object, and so are sixty disks of one host. What names no
//! object of Kubernetes is counted by its host (`instance`), else by its service, else by all that
//! its labels say of where it is. What a metric says of namespaces is counted by these, as all of
//! it comes from one exporter.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use super::IncidentRules;
use super::radius::Raised;
use super::subject::place;
use crate::model::{
    BlastRadius, Digest, EpisodeId, Grouping, IncidentId, NAMESPACE, Severity, Window, WindowId, covering, redact,
};
use crate::store::{Firing, OpenAlert, Store, StoreError, identity};

/// Objects by their keys, each with the worst that is told of it.
#[derive(Debug, Clone, Default)]
pub struct Affected(HashMap<String, Severity>);

impl Affected {
    /// How many objects that are.
    pub fn count(&self) -> u64 {
        self.0.len() as u64
    }

    pub fn add(&mut self, object: String, severity: Severity) {
        self.0.entry(object).and_modify(|worst| *worst = worst.worst(severity)).or_insert(severity);
    }

    /// What so many objects make of an incident that is as bad as `from`, if that is worse.
    ///
    /// A step is taken by those objects alone that are as bad as what it is taken from: a hundred
    /// trends do not make an emergency of one disk.
    pub fn raise<'a>(all: impl Iterator<Item = &'a Affected>, radius: &BlastRadius, from: Severity) -> Option<Raised> {
        if from <= radius.worst() {
            return None;
        }
        let mut worst: HashMap<&str, Severity> = HashMap::new();
        for (object, severity) in all.flat_map(|affected| &affected.0) {
            worst.entry(object).and_modify(|worst| *worst = worst.worst(*severity)).or_insert(*severity);
        }
        let steps = BlastRadius::BASES.into_iter().filter_map(|base| {
            let objects = worst.values().filter(|severity| **severity <= base).count() as u64;
            let (to, least) = radius.raise(base, objects)?;
            Some(Raised { from, to, objects, least })
        });
        steps.filter(|raised| raised.to < from).min_by_key(|raised| raised.to)
    }
}

/// By what an object is counted. `about`: the key of what the alert is about; `labels`: the
/// alert's.
pub(super) fn counted_as(rules: &IncidentRules, about: &str, labels: &BTreeMap<String, String>) -> String {
    if Grouping::is_key_of_object(about) {
        return identity(about).into_owned();
    }
    let find = |label: &str| rules.labels.find_in(labels, label).map(|found| found.value);
    let cluster = labels.get(&rules.cluster.label).map_or("", String::as_str);
    let namespace = find(NAMESPACE).unwrap_or_default();
    let key = if let Some(instance) = find("instance") {
        format!("host:{cluster}:{namespace}:{}", host(instance))
    } else if let Some(service) = find("service").or_else(|| labels.get("service_name").map(String::as_str)) {
        format!("service:{cluster}:{namespace}:{service}")
    } else {
        format!("place:{}", place(labels))
    };
    // As a stored label is read again.
    match redact(&key) {
        Cow::Borrowed(_) => key,
        Cow::Owned(masked) => masked,
    }
}

/// Without the port: what listens on two is one host. An address such as `https://shop.example/` is
/// itself.
fn host(instance: &str) -> &str {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match instance.rsplit_once(':') {
        Some((host, port))
            if is_port(port) && !host.contains("://") && (!host.contains(':') || host.ends_with(']')) =>
        {
            host
        }
        _ => instance,
    }
}

impl IncidentRules {
    /// The same where every object is counted by the same key. What another version has counted is
    /// counted anew.
    pub fn counting(&self) -> Digest {
        Digest::of(format!("{} {:?} {:?}", env!("CARGO_PKG_VERSION"), self.labels, self.cluster.label))
    }
}

/// How closely it is counted what is affected. Each is dearer than the one before it, and finds no
/// more objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Counting {
    /// There are no more objects than alerts.
    #[default]
    Alerts,
    /// By the keys that were written when the alerts came, but for what windows covered then and
    /// cover now.
    Objects,
    /// Without what windows cover that began later: only labels tell it.
    Uncovered,
}

impl Counting {
    /// `None`: it cannot be counted more closely.
    pub(super) fn closer(self, windows: &[Window]) -> Option<Self> {
        match self {
            Counting::Alerts => Some(Counting::Objects),
            Counting::Objects if !windows.is_empty() => Some(Counting::Uncovered),
            Counting::Objects | Counting::Uncovered => None,
        }
    }
}

/// What the store is asked about what is affected.
pub(super) struct Asking<'a> {
    pub store: &'a dyn Store,
    pub rules: &'a IncidentRules,
    /// Those that are active: what they cover does not count.
    pub windows: &'a [Window],
    /// What ends with this decision does not count either.
    pub but: &'a [EpisodeId],
}

impl Asking<'_> {
    /// What is affected in each of these. Incidents that no number of objects makes worse are left
    /// out.
    pub async fn of(
        &self,
        incidents: impl Iterator<Item = (IncidentId, Severity)>,
        counting: Counting,
    ) -> Result<HashMap<IncidentId, Affected>, StoreError> {
        let radius = &self.rules.blast_radius;
        let is_asked = |severity| radius.worst() < severity && severity <= radius.mildest();
        let asked: Vec<(IncidentId, Severity)> = incidents.filter(|(_, severity)| is_asked(*severity)).collect();
        let ids: Vec<IncidentId> = asked.iter().map(|(id, _)| *id).collect();
        let windows: Vec<WindowId> = self.windows.iter().map(|window| window.id).collect();
        let is_uncounted = counting == Counting::Objects;
        let firing = Firing { but: self.but, mildest: radius.mildest(), windows: &windows, is_uncounted };
        let mut found: HashMap<IncidentId, Affected> = HashMap::new();
        if is_uncounted && !ids.is_empty() {
            for (incident, object) in self.store.objects_in(&ids, firing).await? {
                found.entry(incident).or_default().add(object.key, object.severity);
            }
        }
        for (incident, unrated) in asked {
            let affected = found.entry(incident).or_default();
            self.add_labelled(incident, firing, unrated, affected).await?;
        }
        Ok(found)
    }

    /// Adds what alerts are about by their labels. `unrated`: how bad what an earlier version took
    /// in is.
    async fn add_labelled(
        &self,
        incident: IncidentId,
        firing: Firing<'_>,
        unrated: Severity,
        affected: &mut Affected,
    ) -> Result<(), StoreError> {
        /// Each may have 128 labels of 4 KiB.
        const AT_ONCE: usize = 500;
        let mut after = EpisodeId(0);
        loop {
            let page = self.store.firing_in(incident, firing, (after, AT_ONCE)).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = *last;
            page.iter().for_each(|(_, alert)| self.add(alert, unrated, affected));
        }
    }

    fn add(&self, alert: &OpenAlert, unrated: Severity, affected: &mut Affected) {
        if covering(self.windows, alert.coverable()).is_none() {
            let key = counted_as(self.rules, &alert.object, &alert.labels);
            affected.add(key, alert.severity.unwrap_or(unrated));
        }
    }

    /// What these alerts are about.
    pub fn affected(&self, alerts: &[OpenAlert], unrated: Severity) -> Affected {
        let mut affected = Affected::default();
        alerts.iter().for_each(|alert| self.add(alert, unrated, &mut affected));
        affected
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Severity::{S1, S2, S3, S4};

    fn key(about: &str, labels: &[(&str, &str)]) -> String {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        counted_as(&IncidentRules::default(), about, &labels)
    }

    #[test]
    fn two_alerts_about_one_thing_are_about_one() {
        let disk = key("place:Disk:…", &[("instance", "10.0.0.1:9100"), ("device", "sda"), ("component", "disk")]);
        let cpu = key("place:Cpu:…", &[("instance", "10.0.0.1:9100"), ("cpu", "3")]);
        assert_eq!(disk, cpu);
        assert_eq!(disk, key("place:Kubelet:…", &[("instance", "10.0.0.1:10250")]), "two ports of one host");
        assert_ne!(disk, key("place:Disk:…", &[("instance", "10.0.0.2:9100")]));
        assert_ne!(disk, key("place:Disk:…", &[("instance", "10.0.0.1:9100"), ("cluster", "b")]));
        let slow = key("place:Slow:…", &[("service", "shop"), ("handler", "/a")]);
        assert_eq!(slow, key("place:Errors:…", &[("service", "shop"), ("code", "503")]));
        let queue = |name| key("place:Full:…", &[("alertname", "Full"), ("severity", "info"), ("queue", name)]);
        assert_ne!(queue("a"), queue("b"));
        let quota = |namespace| key("place:Quota:…", &[("instance", "ksm:8080"), ("namespace", namespace)]);
        assert_ne!(quota("a"), quota("b"), "one exporter tells of all of them");
        assert_eq!(key("target:Pod/db/a", &[("instance", "x:1")]), "target:Pod/db/a");
    }

    #[test]
    fn a_host_is_an_address_without_its_port() {
        for (instance, is) in [
            ("10.0.0.1:9100", "10.0.0.1"),
            ("db.example", "db.example"),
            ("[fd00::1]:9100", "[fd00::1]"),
            ("fd00::1", "fd00::1"),
            ("https://shop.example:443", "https://shop.example:443"),
            ("shop:http", "shop:http"),
        ] {
            assert_eq!(host(instance), is);
        }
    }

    #[test]
    fn a_step_is_taken_by_what_is_as_bad_as_what_it_is_taken_from() {
        let of = |counts: [(Severity, usize); 3]| {
            let mut affected = Affected::default();
            for (severity, count) in counts {
                (0..count).for_each(|n| affected.add(format!("{severity} {n}"), severity));
            }
            affected
        };
        let radius = BlastRadius { s1: Some(40), s2: Some(25), s3: None };
        let raised = |counts, from| {
            let affected = of(counts);
            // Twice: what is in two parts is one thing.
            Affected::raise([&affected, &affected].into_iter(), &radius, from).map(|raised| (raised.to, raised.objects))
        };
        assert_eq!(raised([(S2, 0), (S3, 24), (S4, 100)], S3), None, "trends are no part of it");
        assert_eq!(raised([(S2, 0), (S3, 25), (S4, 100)], S3), Some((S2, 25)));
        assert_eq!(raised([(S2, 1), (S3, 24), (S4, 0)], S2), None);
        assert_eq!(raised([(S2, 40), (S3, 0), (S4, 0)], S2), Some((S1, 40)));
        assert_eq!(raised([(S2, 0), (S3, 40), (S4, 0)], S3), Some((S1, 40)));
        assert_eq!(raised([(S2, 1), (S3, 39), (S4, 0)], S2), Some((S1, 40)), "one that is worse makes it no better");
        assert_eq!(raised([(S2, 99), (S3, 99), (S4, 0)], S1), None);
    }
}
