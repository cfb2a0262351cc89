//! What comes with the program beside what a site has of its own.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::DateTime;

use crate::model::{Alert, AlertStatus};
use crate::playbook::{Catalog, Playbook};

const SHIPPED: &str = "shipped:/web";

fn playbook(folder: &str, name: &str, version: &str, condition: Option<&str>) -> Playbook {
    let condition = condition.map_or(String::new(), |condition| format!(", where: \"{condition}\""));
    let text = format!(
        "apiVersion: dogwatch/v1
kind: Playbook
metadata: {{ name: {name}, version: {version}, owner: platform }}
summary: somebody looks
severity: S2
autonomy: observe
triggers: [{{ alert: Slow{condition} }}]
target: {{ kind: Deployment, namespace: web, name: front }}
diagnose:
  - require: target.status.readyReplicas == target.spec.replicas
    because: pods are missing
escalate:
  - page: {{ message: \"somebody must look\" }}
"
    );
    Playbook::parse(&Path::new(folder).join(format!("{name}.yaml")), &text).unwrap()
}

fn answers(catalog: &Catalog) -> String {
    let alert = Alert {
        given: None,
        in_order: false,
        fingerprint: "0011223344556677".into(),
        status: AlertStatus::Firing,
        labels: BTreeMap::from([("alertname".to_owned(), "Slow".to_owned()), ("team".to_owned(), "web".to_owned())]),
        annotations: BTreeMap::new(),
        starts_at: DateTime::UNIX_EPOCH,
        ends_at: None,
        generator_url: String::new(),
    };
    let found = catalog.for_alert(&alert);
    assert!(found.problems.is_empty() && found.undecided.is_none(), "{found:?}");
    found.playbook.map_or("nobody".to_owned(), |playbook| format!("{} {}", playbook.name, playbook.version))
}

fn catalog(playbooks: Vec<Playbook>) -> Catalog {
    let (catalog, problems) = Catalog::of(playbooks);
    assert!(problems.is_empty(), "{problems:?}");
    catalog
}

#[test]
fn a_sites_own_takes_the_place_of_the_one_of_its_name() {
    let both = catalog(vec![playbook(SHIPPED, "slow", "2.0.0", None), playbook("own", "slow", "1.0.0", None)]);
    assert_eq!(answers(&both), "slow 1.0.0");
    let replaced: Vec<_> =
        both.replaced().map(|(shipped, own)| (shipped.version.as_str(), own.version.as_str())).collect();
    assert_eq!(replaced, [("2.0.0", "1.0.0")]);
}

/// However special the shipped one is.
#[test]
fn an_alert_that_a_site_answers_is_left_to_it() {
    let special = || playbook(SHIPPED, "special", "2.0.0", Some("alert.labels.team == 'web'"));
    let usual = || playbook(SHIPPED, "usual", "2.0.0", None);
    assert_eq!(answers(&catalog(vec![special(), usual()])), "special 2.0.0");
    assert_eq!(answers(&catalog(vec![special(), usual(), playbook("own", "mine", "1.0.0", None)])), "mine 1.0.0");
    let where_it_holds = playbook("own", "mine", "1.0.0", Some("alert.labels.team == 'web'"));
    assert_eq!(answers(&catalog(vec![special(), where_it_holds])), "mine 1.0.0");
    let elsewhere = playbook("own", "mine", "1.0.0", Some("alert.labels.team == 'db'"));
    assert_eq!(answers(&catalog(vec![usual(), elsewhere])), "usual 2.0.0");
}

#[test]
fn what_is_shipped_stays_when_a_folder_is_read_again() {
    let before = catalog(vec![playbook(SHIPPED, "slow", "2.0.0", None)]);
    let own = playbook("own", "slow", "1.0.0", None);
    let read = |before: &Catalog, text: Option<&str>| {
        let files = text.map(|text| (Path::new("own/slow.yaml"), Ok(text)));
        let again = before.read_again(files.into_iter(), &Default::default(), |_| Vec::new());
        (before.changes_to(&again.catalog), again)
    };
    let (changes, replaced) = read(&before, Some(&own.source));
    assert_eq!((changes, answers(&replaced.catalog)), (vec!["~ slow 2.0.0→1.0.0".to_owned()], "slow 1.0.0".to_owned()));
    // A mistake keeps what it was, and does not bring the other one back.
    let (changes, wrong) = read(&replaced.catalog, Some("kind: Playbook\n"));
    assert_eq!((changes, wrong.problems.is_empty()), (Vec::new(), false));
    let (changes, back) = read(&wrong.catalog, None);
    assert_eq!((changes, answers(&back.catalog)), (vec!["~ slow 1.0.0→2.0.0".to_owned()], "slow 2.0.0".to_owned()));
}
