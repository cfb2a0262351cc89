//! `playbooks.settings` of dogwatch.yaml: what `check`, `rbac`, `docs` and `playbooks` make of it.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;

use super::files::{ONCALL, PLAYBOOK};
use super::serve::until;
use super::serving::{self, Serving};
use super::*;

const SCALES: &str = r#"apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: front-slow, version: 1.0.0, owner: platform }
summary: the front end answers slowly
severity: S2
autonomy: approve
triggers: [{ alert: FrontSlow }]
target: { kind: Deployment, namespace: web, name: front }
inputs: { most: { type: integer, default: 10, maximum: 50 } }
diagnose:
  - id: p99
    prometheus.query: { expr: "max(http_seconds{quantile=\"0.99\"})" }
  - done_if: p99.value < 0.1
    because: it is fast again
mitigate:
  - id: scale
    k8s.scale: { by: 50%, max: "{{inputs.most}}" }
    verify: { query: p99, until: value < 0.1, settle: 5m, within: 10m }
    undo: never
escalate:
  - page: { message: "p99 is {{p99.value}}" }
"#;

fn site(settings: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("playbooks")).unwrap();
    for (name, text) in [("playbooks/look.yaml", PLAYBOOK), ("playbooks/front.yaml", SCALES), ("oncall.yaml", ONCALL)] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    sets(dir.path(), settings);
    dir
}

fn sets(dir: &Path, settings: &str) {
    let before = "server: { insecure_no_auth: true }\nplaybooks:\n  settings:\n";
    fs::write(dir.join("dogwatch.yaml"), format!("{before}{settings}")).unwrap();
}

fn checked(dir: &Path) -> (i32, String) {
    let said = dogwatch(dir, &["check", "--config", "dogwatch.yaml"], &[]);
    // What every such small configuration is warned of.
    let told = said.out.split("\n\n").filter(|it| !it.starts_with("warning[doubtful]")).collect::<Vec<_>>();
    (said.code, told.join("\n\n").replace("2 warnings\n", "the usual warnings\n"))
}

#[test]
fn each_mistake_stands_in_the_configuration() {
    let wrong = "    front-slow:
      autonomy: auto # more than it says
      inputs: { mots: 5, most: 51 }
      team: dba
      labels:
        deploymet: [app]
        deployment: []
    lok:
      enabled: false
";
    let dir = site(wrong);
    let (code, told) = checked(dir.path());
    assert_eq!(code, 1);
    assert_snapshot!("settings_mistakes", told);
    // What it is, the reader of the file says.
    let typed = site("    look: { autonomi: observe }\n    front-slow: { inputs: { most: [5] } }\n");
    assert_snapshot!("settings_of_no_form", checked(typed.path()).1);
}

#[test]
fn what_is_right_is_checked_as_it_counts() {
    let dir = site("    front-slow: { autonomy: observe, inputs: { most: 20 }, labels: { deployment: [app] } }\n");
    assert_eq!(checked(dir.path()), (0, "2 playbooks without errors; 0 errors, the usual warnings\n".to_owned()));
    // The team of the file is none, and the one that is set is.
    let other = SCALES.replace("owner: platform", "owner: web");
    fs::write(dir.path().join("playbooks/front.yaml"), &other).unwrap();
    let (code, told) = checked(dir.path());
    assert!(code == 1 && told.contains("owner of front-slow"), "{told}");
    sets(dir.path(), "    front-slow: { team: platform }\n");
    assert_eq!(checked(dir.path()).0, 0);
    // One that is disabled is no playbook of this bot.
    sets(dir.path(), "    front-slow: { enabled: false }\n");
    assert_eq!(checked(dir.path()), (0, "1 playbook without errors; 0 errors, the usual warnings\n".to_owned()));
}

/// What is not done needs no right.
#[test]
fn rbac_follows() {
    let dir = site("    {}\n");
    let roles = |args: &[&str]| {
        let said = dogwatch(dir.path(), &[&["rbac", "--no-look-up"], args].concat(), &[]);
        assert_eq!((said.code, said.err.as_str()), (0, ""));
        said.out
    };
    let may_change = |roles: &str| roles.contains("patch") && roles.contains("namespace: web");
    let all = roles(&["--config", "dogwatch.yaml"]);
    assert!(may_change(&all) && all == roles(&[]), "{all}");
    sets(dir.path(), "    front-slow: { autonomy: observe }\n");
    let observes = roles(&["--config", "dogwatch.yaml"]);
    let (_, of_web) = observes.split_once("namespace: web").expect("it reads there");
    let of_web = of_web.split("---").next().unwrap();
    assert!(of_web.contains("get") && !of_web.contains("patch"), "{of_web}");
    sets(dir.path(), "    front-slow: { autonomy: suggest }\n");
    assert_eq!(roles(&["--config", "dogwatch.yaml"]), all, "what it would do is tried");
    sets(dir.path(), "    front-slow: { enabled: false }\n");
    assert!(!roles(&["--config", "dogwatch.yaml"]).contains("namespace: web"));
    assert_eq!(roles(&["playbooks", "--config", "dogwatch.yaml"]), all, "a folder that is named is as it is written");
}

#[test]
fn pages_say_what_is_set() {
    let dir = site("    front-slow: { autonomy: suggest, inputs: { most: 20 } }\n    look: { enabled: false }\n");
    let said = dogwatch(dir.path(), &["docs", "--config", "dogwatch.yaml", "--out", "pages"], &[]);
    assert_eq!((said.code, said.out.as_str()), (0, "2 pages are in pages\n"), "{}", said.err);
    let page = fs::read_to_string(dir.path().join("pages/front-slow.md")).unwrap();
    let facts: Vec<&str> = page.lines().filter(|line| line.starts_with("- ")).take(5).collect();
    assert_snapshot!(facts.join("\n"), @"
    - Owner: the team `platform`
    - Severity: S2
    - Autonomy: `suggest` (it shows what it would change, and changes nothing)
    - Version: 1.0.0
    - Set by the site: autonomy suggest instead of approve; most 20 instead of 10
    ");
    let inputs = page.split("## Inputs").nth(1).and_then(|rest| rest.split("##").next()).unwrap();
    assert!(inputs.contains("20") && !inputs.contains("10"), "{inputs}");
}

#[test]
fn playbooks_are_listed_as_they_count() {
    let folder = serving::folder();
    for (name, text) in [("look.yaml", PLAYBOOK), ("front.yaml", SCALES)] {
        fs::write(folder.path().join("playbooks").join(name), text).unwrap();
    }
    let set = "playbooks:\n  settings:\n    front-slow: { autonomy: suggest, inputs: { most: 20 } }\n    look: { enabled: false }\n";
    fs::write(folder.path().join("dogwatch.yaml"), format!("{}{set}    lok: {{}}\n", serving::CONFIG)).unwrap();
    let server = Serving::start_in(folder, &[]);
    until(|| server.ask("eve", &["playbooks", "history", "front-slow"]).code == 0);
    assert_snapshot!(server.ask("eve", &["playbooks"]).out, @"
    PLAYBOOK    VERSION  OWNER     SEV  AUTONOMY   CASES  RUNS  LAST
    front-slow  1.0.0    platform  S2   suggest *  0      0     never
    look        1.0.0    platform  S2   disabled   0      0     never
    * dogwatch.yaml sets of front-slow: autonomy suggest instead of approve; most 20 instead of 10
    look is disabled by the configuration (playbooks.settings.look.enabled)
    ");
    let history = server.ask("eve", &["playbooks", "history", "front-slow"]).out;
    assert!(history.contains("counts now") && history.contains("dogwatch.yaml sets of front-slow"), "{history}");
    let refused = server.ask("ada", &["run", "look"]);
    let said = format!("{}{}", refused.out, refused.err);
    assert!(said.contains("look is disabled by the configuration (playbooks.settings.look.enabled)"), "{said}");
    // A name that is none keeps no bot from starting.
    let log = server.log();
    assert!(log.contains("there is no playbook `lok`") && log.contains("write `look` instead"), "{log}");
    server.stop();
}
