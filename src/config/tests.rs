//! What an operator reads when something in the configuration is wrong.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use insta::assert_snapshot;

use super::*;
use crate::model::{Autonomy, Ceilings, PageBudget, PageBudgets, Role, Severities, Severity};
use crate::notify::SinkSettings as _;

/// What is said of a text that is no configuration.
fn refused(text: &str) -> String {
    Config::parse(text, Path::new("dogwatch.yaml")).unwrap_err().to_string()
}

/// A folder with all that a configuration names by default, and a few secrets.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(folder.path("playbooks")).unwrap();
        std::fs::write(folder.path("oncall.yaml"), "").unwrap();
        for name in ["one", "two"] {
            folder.secret(name, &format!("{name}-of-the-secrets-that-are-long-enough\n"));
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn secret(&self, name: &str, value: &str) {
        std::fs::write(self.path(name), value).unwrap();
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn config(&self, text: &str) -> Config {
        Config::parse(text, &self.path("dogwatch.yaml")).unwrap()
    }

    /// What the check says, without the folder's name, which is another one each time.
    fn checked(&self, text: &str) -> String {
        let said = match self.config(text).check() {
            Ok(warnings) => warnings.join("\n"),
            Err(error) => error.to_string(),
        };
        said.replace(&format!("{}/", self.0.path().display()), "")
    }
}

#[test]
fn the_example_is_a_configuration() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/dogwatch.yaml");
    let config = Config::load(&path).unwrap();
    assert_eq!(config.server.listen.port(), 8080);
    assert_eq!(config.server.api_tokens[0].role, Role::Responder);
    assert_eq!(config.store.sqlite, path.parent().unwrap().join("dogwatch.db"));
    assert_eq!(
        config.pages.order(&config.chat).iter().flatten().map(|sink| sink.name()).collect::<Vec<_>>(),
        ["webhook", "console"]
    );
    assert!(config.chat.uses_console());
}

/// The commented lines of the example, taken for real, are a configuration as well: they must not rot.
#[test]
fn the_example_of_several_sources_is_one() {
    let text = include_str!("../../deploy/dogwatch.yaml");
    let example = text.lines().skip_while(|line| *line != "# sources:").take_while(|line| line.starts_with('#'));
    let example: Vec<&str> = example.map(|line| line.trim_start_matches("# ").trim_start_matches('#')).collect();
    let config = Config::parse(&example.join("\n"), Path::new("/etc/dogwatch/dogwatch.yaml")).unwrap();
    assert!(config.short_source().is_none(), "the sources say who delivers");
    let rules: Vec<_> = config.sources.iter().flat_map(SourceConfig::heartbeat_rules).collect();
    assert_eq!(rules.len(), 3);
    assert!(rules.iter().any(|rule| rule.alert.is_none() && rule.within.as_secs() == 25 * 3_600));
    assert!(config.sources.iter().all(|source| source.auth.is_some() == source.delivers()));
    let [cluster_sources] = &config.cluster_sources()[..] else { panic!() };
    let usual = Config::parse("sources: [{ name: cluster, kind: cluster }]", Path::new("x"))
        .unwrap()
        .cluster_sources()
        .remove(0);
    assert_eq!(
        (&cluster_sources.name, cluster_sources.every, &cluster_sources.namespaces),
        (&usual.name, usual.every, &usual.namespaces)
    );
    assert_eq!(cluster_sources.watches[..4], usual.watches[..], "the example says what counts where nothing is said");
    assert_eq!((cluster_sources.watches.len(), usual.watches.len()), (5, 4));
}

#[test]
fn a_watch_has_its_sources_team_unless_it_has_its_own() {
    let text = "sources: [{ name: seen, kind: cluster, team: shop, watches: { image_pull: { team: web } } }]";
    let seen = Config::parse(text, Path::new("/etc/dogwatch.yaml")).unwrap().cluster_sources().remove(0);
    let teams: Vec<&str> = seen.watches.iter().filter_map(|watch| watch.team.as_deref()).collect();
    assert_eq!(teams, ["shop", "shop", "web", "shop"]);
}

#[test]
fn what_server_says_of_one_source_goes_on_as_it_was() {
    let one = |text: &str| Config::parse(text, Path::new("/etc/dogwatch.yaml")).unwrap().all_sources();
    let [(field, source)] = &one("")[..] else { panic!() };
    assert_eq!(
        (field.as_str(), source.name.as_str(), source.kind),
        ("server", "alertmanager", SourceKind::Alertmanager)
    );
    assert_eq!(source.may_start(), crate::model::MayStart::Everything);
    let text = "server: { source: eu-1 }\nsources: [{ name: us-1, kind: alertmanager }]";
    let names: Vec<String> = one(text).into_iter().map(|(_, source)| source.name).collect();
    assert_eq!(names, ["eu-1", "us-1"]);
    let beside: Vec<_> =
        one("sources: [{ name: seen, kind: cluster }]").into_iter().map(|(_, source)| source).collect();
    let names: Vec<&str> = beside.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["alertmanager", "seen"], "what the bot looks at delivers nothing");
    assert_eq!(beside[1].may_start(), crate::model::MayStart::Everything);
    let [looks] = &beside[1].heartbeat_rules()[..] else { panic!() };
    assert_eq!((looks.alert.as_deref(), looks.within.as_secs(), looks.severity), (None, 600, Severity::S2));
    let text =
        "sources: [{ name: seen, kind: cluster }]\nalertmanager: { url: http://x, sources: [alertmanager, seen] }";
    let config = Config::parse(text, Path::new("/etc/dogwatch.yaml")).unwrap();
    assert_eq!(config.asked_sources(), Some(vec!["alertmanager".to_owned()]), "it never lists what the bot sees");
    assert_eq!(config.kept_quiet(), None, "its silences may be for that, too");
}

#[test]
fn sources_that_make_no_sense() {
    let folder = Folder::new();
    for (text, says, remedy) in [
        (
            "[{ name: a, kind: alertmanager }, { name: a, kind: alertmanager }]",
            "the name of `sources.0.name` too",
            "own name",
        ),
        ("[{ name: run, kind: alertmanager }]", "another way in", "alertmanager-eu-1"),
        ("[{ name: a, kind: heartbeat }]", "how often", "within: 10m"),
        ("[{ name: a, kind: heartbeat, heartbeat: { within: 5s } }]", "5s is no time", "`1m`"),
        ("[{ name: a, kind: alertmanager, heartbeat: { within: 5m } }]", "only a source of the kind", "heartbeats:"),
        ("[{ name: a, kind: alertmanager, heartbeats: [{ alert: '', within: 5m }] }]", "without a name", "Watchdog"),
        ("[{ name: a, kind: heartbeat, heartbeat: { within: 5m }, heartbeats: [] }]", "sends no alerts", "within"),
        ("[{ name: a, kind: cluster, map: { name: event.x } }]", "needs no map", "kind: generic"),
        ("[{ name: a, kind: cluster, insecure_no_auth: true }]", "nobody delivers", "take it out"),
        ("[{ name: a, kind: cluster, heartbeats: [] }]", "sends no heartbeats", "heartbeat: {"),
        ("[{ name: a, kind: cluster, every: 1s }]", "1s is no time", "`10s` to `10m`"),
        ("[{ name: a, kind: alertmanager, every: 1m }]", "only a source of the kind `cluster`", "kind: cluster"),
        ("[{ name: a, kind: alertmanager, watches: {} }]", "only a source of the kind `cluster`", "kind: cluster"),
        ("[{ name: a, kind: alertmanager, team: shop }]", "only a source of the kind `cluster`", "kind: cluster"),
        ("[{ name: a, kind: cluster, namespaces: [] }]", "names no namespace", "leave it out"),
        ("[{ name: a, kind: cluster, namespaces: [Shop] }]", "`Shop` is no name", "kubectl"),
        ("[{ name: a, kind: cluster, namespaces: [shop, shop] }]", "named twice", "once"),
        ("[{ name: a, kind: cluster, watches: { image_pull: { hold: 2d } } }]", "2d is no time", "`24h`"),
        (
            "[{ name: a, kind: cluster, watches: { reports_failure: [{ kind: Certificate }] } }]",
            "no kind",
            "cert-manager.io",
        ),
        (
            "[{ name: a, kind: cluster, watches: { reports_failure: [{ kind: Secret }] } }]",
            "secrets are never",
            "group",
        ),
        (
            "[{ name: a, kind: cluster, watches: { reports_failure: [{ kind: Node, condition: '' }] } }]",
            "without a type",
            "Ready",
        ),
        (
            "[{ name: a, kind: cluster, watches: { reports_failure: [{ kind: Node, status: bad }] } }]",
            "has the status `bad`",
            "Unknown",
        ),
        (
            "[{ name: a, kind: cluster, watches: { reports_failure: [{ kind: Node }, { kind: Node }] } }]",
            "watched twice",
            "once",
        ),
        (
            "[{ name: a, kind: cluster, watches: { failed_attach: { enabled: false }, config_error: { enabled: false }, \
             image_pull: { enabled: false }, service_without_endpoints: { enabled: false } } }]",
            "switched off",
            "switch something on",
        ),
    ] {
        let said = folder.checked(&format!("sources: {text}"));
        assert!(said.contains(says) && said.contains(remedy) && said.contains("dogwatch.yaml:1:"), "{text}: {said}");
    }
    for (text, says) in [
        ("[{ name: a, kind: zabbix }]", "`alertmanager`, `heartbeat`"),
        ("[{ name: a, kind: alertmanager, may_start: all }]", "everything"),
        ("[{ name: a, kind: cluster, watches: { image_pulls: {} } }]", "image_pull"),
        ("[{ name: a, kind: alertmanager, may_start: { namespace: [x] } }]", "namespaces"),
    ] {
        let said = refused(&format!("sources: {text}"));
        assert!(said.contains(says), "{text}: {said}");
    }
}

#[test]
fn what_alertmanager_keeps_quiet_is_for_the_sources_whose_alerts_it_knows() {
    let of = |text: &str| Config::parse(text, Path::new("/etc/dogwatch.yaml")).unwrap().kept_quiet();
    let asked = |text: &str| Config::parse(text, Path::new("/etc/dogwatch.yaml")).unwrap().asked_sources();
    let am = "alertmanager: { url: 'http://am:9093' }\n";
    assert_eq!((of(am), asked(am)), (None, None), "all of one");
    let generic = "{ name: backups, kind: heartbeat, heartbeat: { within: 5m } }";
    assert_eq!(
        of(&format!("{am}sources: [{{ name: eu, kind: alertmanager }}, {generic}]")),
        Some(vec!["eu".to_owned()])
    );
    let none = format!("{am}sources: [{generic}]");
    assert_eq!((of(&none), asked(&none)), (Some(Vec::new()), Some(Vec::new())), "it knows no alert of any");
    let two = "sources: [{ name: eu, kind: alertmanager }, { name: us, kind: alertmanager }]";
    let both = format!("{am}{two}");
    assert_eq!((of(&both), asked(&both)), (None, Some(Vec::new())), "one of the two it may never have heard of");
    let named = format!("alertmanager: {{ url: 'http://am:9093', sources: [us] }}\n{two}");
    assert_eq!((of(&named), asked(&named)), (Some(vec!["us".to_owned()]), Some(vec!["us".to_owned()])));
    let folder = Folder::new();
    for (named, says, remedy) in [
        ("[uk]", "`uk` is no source of the kind `alertmanager`", "write `eu`, `us`"),
        ("[]", "names no source", "or leave it out"),
    ] {
        let said = folder.checked(&format!("alertmanager: {{ url: 'http://am:9093', sources: {named} }}\n{two}"));
        assert!(said.contains(says) && said.contains(remedy) && said.contains("dogwatch.yaml:1:"), "{said}");
    }
}

#[test]
fn limits_that_contradict_each_other_are_refused() {
    let folder = Folder::new();
    for (limits, says, remedy) in [
        ("at_once: 0", "`at_once: 0` would change nothing", "dogwatch freeze all"),
        ("ramp: 0s", "a ramp of no time is none", "write `none`"),
        ("ramp: 1h, breaker: 3 per 1h", "the ramp lets one run fail in 1h, so that 3 never fail in 1h", "`3 per 24h`"),
    ] {
        let said = folder.checked(&format!("engine: {{ limits: {{ {limits} }} }}\n"));
        assert!(said.contains(says) && said.contains(remedy), "{said}");
    }
}

#[test]
fn what_the_example_only_mentions_is_a_configuration_too() {
    let text = include_str!("../../deploy/dogwatch.yaml");
    let field = |line: &str| {
        let name = line.trim_start().trim_start_matches("- ").split(':').next().unwrap_or_default();
        !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
    };
    let mut everything: Vec<String> = Vec::new();
    for line in text.lines() {
        let spaces = line.len() - line.trim_start().len();
        match line.trim_start().strip_prefix("# ") {
            // `basic` is the other way to authenticate: both at once are none.
            Some(rest) if spaces > 0 && field(rest) && !rest.starts_with("basic") => {
                everything.push(format!("{}{rest}", &line[..spaces]));
            }
            _ => everything.push(line.to_owned()),
        }
    }
    let config = Config::parse(&everything.join("\n"), Path::new("/etc/dogwatch/dogwatch.yaml")).unwrap();
    let discord = config.chat.discord.unwrap();
    assert_eq!(discord.guild, 1_187_654_321_098_765_433);
    assert_eq!(discord.roles.admin, [1_187_654_321_098_765_436]);
    assert_eq!(config.server.body_limit, ServerConfig::default().body_limit);
    assert_eq!(config.cluster.context.as_deref(), Some("production"));
    assert_eq!(config.handoff.template.as_deref(), Some(Path::new("/etc/dogwatch/handoff.md.hbs")));
    assert!(matches!(config.prometheus.unwrap().auth, Some(AuthConfig::Bearer(_))));
}

#[test]
fn the_example_names_every_word_that_is_known() {
    let text = include_str!("../../deploy/dogwatch.yaml");
    for severity in [Severity::S1, Severity::S2, Severity::S3, Severity::S4] {
        let (_, list) = text.split_once(&format!("# Known as {severity}: ")).unwrap();
        let (list, _) = list.split_once('.').unwrap();
        let named: Vec<&str> = list.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        assert_eq!(named, Severities::words(severity), "{severity}");
    }
}

#[test]
fn words_and_labels_are_an_operators() {
    let text = "severities: { S3: [warning, Ticket Only] }\nlabels: { namespace: [tenant] }\ncluster: { name: eu-1, label: site }";
    let config = Folder::new().config(text);
    assert_eq!(config.severities.mapping().meaning("ticket-only"), Some(Severity::S3));
    assert_eq!(config.labels.names().names("namespace"), ["tenant"]);
    assert_eq!((config.cluster.name.as_deref(), config.cluster.label.as_str()), (Some("eu-1"), "site"));
}

#[test]
fn words_and_labels_that_make_no_sense() {
    assert_snapshot!(Folder::new().checked(
        "severities: { S1: [wake up, '!'], S2: [Wake-Up] }
labels:
  namespaces: [a]
  pod: []
cluster: { name: eu-1, label: '' }
prometheus: { url: 'http://prometheus', match: { a-b: c } }"
    ));
    let other = "cluster: { name: eu-1 }\nprometheus: { url: 'http://prometheus', match: { cluster: eu-2 } }";
    let warnings = Folder::new().checked(other);
    assert!(warnings.contains("asks for cluster=eu-2: queries are about another cluster"), "{warnings}");
}

#[test]
fn an_empty_file_is_a_configuration() {
    let folder = Folder::new();
    for text in ["", "# nothing yet\n", "{}"] {
        let config = folder.config(text);
        assert!(config.server.listen.ip().is_loopback());
        assert_eq!(config.oncall.file, folder.path("oncall.yaml"));
        assert!(config.chat.uses_console());
    }
    assert_snapshot!(folder.checked(""));
}

#[test]
fn on_and_off_are_words_here() {
    let mode = |text: &str| Folder::new().config(&format!("chat: {{ console: {text} }}")).chat.console;
    for (text, wanted) in
        [("on", ConsoleMode::On), ("\"on\"", ConsoleMode::On), ("off", ConsoleMode::Off), ("auto", ConsoleMode::Auto)]
    {
        assert_eq!(mode(text), wanted, "{text}");
    }
}

#[test]
fn a_file_that_is_not_there() {
    let error = Config::load(Path::new("/nowhere/dogwatch.yaml")).unwrap_err();
    assert_snapshot!(error);
}

#[test]
fn fields_that_nobody_knows() {
    assert_snapshot!("unknown_section", refused("sever:\n  listen: 127.0.0.1:8080\n"));
    assert_snapshot!("unknown_field", refused("server:\n  lisen: 127.0.0.1:8080\n"));
    assert_snapshot!(
        "unknown_role",
        refused("server:\n  api_tokens:\n    - { name: ada, role: boss, token: { env: A } }\n")
    );
    assert_snapshot!("field_twice", refused("store:\n  sqlite: a.db\n  sqlite: b.db\n"));
    assert_snapshot!("missing_field", refused("pages:\n  webhook:\n    token: { env: A }\n"));
}

#[test]
fn values_that_are_none() {
    assert_snapshot!("no_address", refused("server: { listen: localhost }\n"));
    assert_snapshot!("no_size", refused("server:\n  body_limit: 32\n"));
    assert_snapshot!("no_duration", refused("cluster:\n  timeout: ten seconds\n"));
    assert_snapshot!("no_number", refused("engine:\n  workers: many\n"));
    assert_snapshot!("no_sink", refused("pages:\n  sinks: [discord, pager]\n"));
    assert_snapshot!("no_list", refused("pages:\n  sinks: webhook\n"));
    assert_snapshot!("no_mode", refused("chat:\n  console: maybe\n"));
    assert_snapshot!("no_format", refused("log:\n  format: xml\n"));
    assert_snapshot!("no_section", refused("store: dogwatch.db\n"));
    assert_snapshot!("no_yaml", refused("server:\n  listen: \"127.0.0.1:8080\n"));
    assert_snapshot!(
        "no_id",
        refused("chat:\n  discord: { token: { env: T }, application_id: dogwatch, guild: 1, channel: 2 }\n")
    );
    assert_snapshot!("no_auth", refused("server:\n  webhook_auth:\n    bear: { env: T }\n"));
}

#[test]
fn a_secret_in_the_file_is_refused_and_never_shown() {
    for text in [
        "chat:\n  discord:\n    token: hunter2hunter2\n    guild: 1\n",
        "server:\n  api_tokens:\n    - { name: ada, token: hunter2hunter2, role: boss }\n",
        "server:\n  webhook_auth:\n    bearer: \"hunter2hunter2\"\n",
        "server:\n  api_tokens:\n    - { name: ada, role: boss, token: hunter2hunter2 }\n",
        "server:\n  webhook_auth: { basic: { user: x, password: hunter2hunter2 } }\n",
        "server:\n  webhook_auth: hunter2hunter2\n",
        "prometheus: { url: \"http://x\", auth: hunter2hunter2 }\n",
        "pages: { pagerduty: { routing_key: hunter2hunter2 } }\n",
        "pages:\n  pagerduty: { routing_keys: { databases: hunter2hunter2, platform: { file: x } } }\n",
        "pages: { mattermost: { url: hunter2hunter2 } }\n",
        "pages: { slack: { webhook: hunter2hunter2, chanel: x } }\n",
        "pages: { slack: { chanel: x, webhook: hunter2hunter2 } }\n",
    ] {
        let said = refused(text);
        assert!(!said.contains("hunter2"), "{said}");
    }
    assert_snapshot!("inline_secret", refused("chat:\n  discord:\n    token: hunter2hunter2\n"));
    assert_snapshot!("inline_number", refused("server:\n  webhook_auth:\n    bearer: 1234567890\n"));
    assert_snapshot!("two_sources", refused("pages: { webhook: { url: a, token: { file: a, env: B } } }\n"));
}

#[test]
fn nobody_from_outside_gets_in_without_authentication() {
    let folder = Folder::new();
    assert_snapshot!("open_to_all", folder.checked("server:\n  listen: 0.0.0.0:8080\n"));
    let tokens = "api_tokens: [{ name: ada, role: viewer, token: { file: two } }]";
    let open = format!("server: {{ listen: 0.0.0.0:8080, insecure_no_auth: true, {tokens} }}");
    let sinks = "pages: { webhook: { url: \"https://example.com/\" } }";
    assert_eq!(folder.checked(&format!("{open}\n{sinks}")), "");
    let closed = format!("server: {{ listen: 0.0.0.0:8080, webhook_auth: {{ bearer: {{ file: one }} }}, {tokens} }}");
    assert_eq!(folder.checked(&format!("{closed}\n{sinks}")), "");
}

#[test]
fn the_sources_of_the_example_are_what_they_should_be() {
    let text = include_str!("../../deploy/dogwatch.yaml");
    let (_, rest) = text.split_once("# sources:\n").unwrap();
    let lines = rest.lines().map_while(|line| line.strip_prefix("# ")).collect::<Vec<_>>().join("\n");
    let config = Config::parse(&format!("sources:\n{lines}\n"), Path::new("/etc/dogwatch/dogwatch.yaml")).unwrap();
    let kinds: Vec<_> = config.sources.iter().map(|source| source.kind).collect();
    assert_eq!(kinds, [SourceKind::Alertmanager, SourceKind::Heartbeat, SourceKind::Generic, SourceKind::Cluster]);
    let map = config.sources.iter().find_map(|source| source.map.as_ref()).unwrap();
    assert_eq!(crate::intake::Mapping::compile(map).err(), None);
    assert!(map.key.is_some() && map.starts_at.is_some() && map.alerts.is_some(), "all fields are shown");
}

#[test]
fn a_generic_source_says_how_its_events_are_read() {
    let folder = Folder::new();
    let with = |map: &str| {
        format!(
            "sources:\n  - name: snmp\n    kind: generic\n    auth: {{ bearer: {{ file: one }} }}\n{map}server: {{ listen: 127.0.0.1:8080, api_tokens: [{{ name: ada, role: viewer, token: {{ file: two }} }}] }}\npages: {{ webhook: {{ url: \"https://example.com/\" }} }}\n"
        )
    };
    assert_eq!(folder.checked(&with("    map: { name: event.title, labels: { host: event.host } }\n")), "");
    let config = folder.config(&with("    map: { name: event.title }\n"));
    assert_eq!(config.sources[0].may_start(), crate::model::MayStart::Nothing, "it pages only");
    assert_snapshot!(folder.checked(&with("")), @"
    error[missing-field]: nothing says what of an event is what of an alert
     --> dogwatch.yaml:2:5
      |
    2 |   - name: snmp
      |     ^^^^
      |
      = help: write `map: { name: event.title }`, with the names that its events have
    ");
    let wrong = "    map:\n      name: evnt.title\n      labels: { host: \"event.?host\", severity: critical }\n      status: \"event.state = 'ok'\"\n";
    assert_snapshot!(folder.checked(&with(wrong)), @r#"
    error[invalid-condition]: `evnt` is not there: `body` and `event` can be looked at here
     --> dogwatch.yaml:6:13
      |
    6 |       name: evnt.title
      |             ^^^^^^^^^^
      |
      = help: write `event`

    error[invalid-condition]: `event.host` may have no value here
     --> dogwatch.yaml:7:31
      |
    7 |       labels: { host: "event.?host", severity: critical }
      |                               ^^^^
      |
      = help: add `.orValue(...)` to say what counts when it is absent

    error[invalid-condition]: `critical` is not there: `body` and `event` can be looked at here
     --> dogwatch.yaml:7:48
      |
    7 |       labels: { host: "event.?host", severity: critical }
      |                                                ^^^^^^^^
      |
      = help: write `'critical'`, in quotes of its own, for a text that is always the same, or a field of `body` and `event`

    error[invalid-condition]: a single `=` compares nothing
     --> dogwatch.yaml:8:28
      |
    8 |       status: "event.state = 'ok'"
      |                            ^
      |
      = help: write `==`
    "#);
    assert_snapshot!(refused("sources: [{ name: a, kind: generic, map: { nam: event.title } }]\n"), @"
    error[unknown-field]: `nam` is not known here
     --> dogwatch.yaml:1:44
      |
    1 | sources: [{ name: a, kind: generic, map: { nam: event.title } }]
      |                                            ^^^
      |
      = help: write `name`; known here: `alerts`, `name`, `status`, `labels`, `annotations`, `starts_at` and `key`
    ");
    let map = "sources: [{ name: a, kind: alertmanager, map: { name: event.title } }]\n";
    assert!(folder.checked(map).contains("needs no map"), "{}", folder.checked(map));
}

#[test]
fn secrets_that_are_not_there() {
    let folder = Folder::new();
    folder.secret("empty", " \n");
    folder.secret("short", "abc\n");
    std::fs::set_permissions(folder.path("two"), std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_snapshot!(
        "secrets_missing",
        folder.checked(
            "server:
  webhook_auth: { bearer: { file: nowhere } }
  api_tokens:
    - { name: ada, role: admin, token: { file: empty } }
    - { name: bob, role: viewer, token: { env: DOGWATCH_TEST_THAT_NOBODY_SETS } }
    - { name: bob, role: viewer, token: { file: one } }
    - { name: eve, role: viewer, token: { file: one } }
"
        )
    );
    assert_snapshot!(
        "secrets_weak",
        folder.checked(
            "server:
  webhook_auth: { bearer: { file: short } }
  api_tokens: [{ name: ada, role: admin, token: { file: two } }]
"
        )
    );
}

#[test]
fn a_secret_is_read_without_the_white_space_around_it() {
    let folder = Folder::new();
    let secret = SecretSource::File(folder.path("one")).read().unwrap();
    assert_eq!(secret.expose(), "one-of-the-secrets-that-are-long-enough");
    assert_eq!(format!("{secret:?}"), "***");
}

#[test]
fn a_budget_is_two_incidents_a_shift_unless_somebody_says_another() {
    let budgets = |text: &str| Config::parse(text, Path::new("dogwatch.yaml")).unwrap().pages.budgets();
    assert_eq!(budgets(""), PageBudgets::usual());
    let four = |within| Some(PageBudget { pages: 4, within: std::time::Duration::from_secs(within) });
    let said =
        budgets("pages:\n  budget: { pages: 4, within: 24h }\n  team_budgets: { test: off, db: { pages: 4 } }\n");
    assert_eq!((said.of("any"), said.of("test"), said.of("db")), (four(86_400), None, four(43_200)));
    assert_eq!(budgets("pages: { budget: off }").of("any"), None);
    assert_eq!(budgets("pages: { budget: false }").of("any"), None);
    assert_snapshot!("budget_word", refused("pages:\n  budget: never\n"));
    assert_snapshot!("budget_field", refused("pages:\n  budget: { incidents: 2 }\n"));
    let folder = Folder::new();
    assert_snapshot!(
        "budget_numbers",
        folder.checked("pages:\n  budget: { pages: 2, within: 1m }\n  team_budgets:\n    db: { pages: 5000 }\n")
    );
    assert_snapshot!(
        "budget_none",
        folder.checked("pages:\n  budget: { pages: 0 }\n  team_budgets:\n    db: { within: 1h, pages: 0 }\n")
    );
}

#[test]
fn mails_need_a_server_that_can_be_trusted() {
    let folder = Folder::new();
    let checked = |of: &str| folder.checked(&format!("pages:\n  email: {{ from: a@example.org, {of} }}\n"));
    let to = "to: [b@example.org]";
    for (of, says) in [
        ("server: smtp.example.org, tls: none", "mails to `smtp.example.org` without TLS can be read"),
        ("server: \"smtp.example.org:465\"", "this is no name of a server"),
        ("server: \"https://smtp.example.org\"", "write the name alone"),
        ("server: smtp.example.org, username: a", "there is no password to it"),
        ("server: smtp.example.org, password: { file: one }", "write its `username`"),
        ("server: smtp.example.org, username: a, password: { file: nowhere }", "nowhere cannot be read"),
        ("server: smtp.example.org, to: [b]", "this is no e-mail address"),
        ("server: smtp.example.org, timeout: 30s", "a time-out of 30s makes no sense"),
    ] {
        let said = checked(of);
        assert!(said.contains(says) && said.contains("dogwatch.yaml:2:"), "{of}: {said}");
    }
    let unread = checked("server: smtp.example.org");
    assert!(unread.contains("`pages.email.to` is empty"), "{unread}");
    for server in ["127.0.0.1", "\"::1\"", "localhost"] {
        let said = checked(&format!("server: {server}, tls: none, {to}"));
        assert!(!said.contains("email"), "{server}: {said}");
    }
    let no_sender =
        folder.checked("pages:\n  email: { server: smtp.example.org, from: nobody, to: [b@example.org] }\n");
    assert!(no_sender.contains("this is no e-mail address"), "{no_sender}");
    let words = refused("pages:\n  email: { server: a, from: b, tls: ssl }\n");
    assert!(words.contains("`required`, `starttls` and `none`"), "{words}");
}

#[test]
fn a_mail_server_of_an_own_authority_needs_its_certificates() {
    let folder = Folder::new();
    let text = "pages: { email: { server: smtp.example.org, from: a@example.org, to: [b@example.org], ca: nowhere } }";
    let config = folder.config(text);
    let Err(error) = config.pages.email.as_ref().unwrap().build() else { panic!("there are no certificates") };
    assert!(error.to_string().contains("nowhere: "), "{error}");
}

#[test]
fn pagerduty_needs_a_key_and_says_what_is_missing() {
    let folder = Folder::new();
    let checked = |of: &str| folder.checked(&format!("pages:\n  pagerduty: {of}\n"));
    for (of, says) in [
        ("{ timeout: 5s }", "there is no routing key, so that no page can go to PagerDuty"),
        ("{ routing_key: { file: one }, api_url: http://events.pagerduty.com }", "over plain http"),
        ("{ routing_key: { file: one }, timeout: 30s }", "a time-out of 30s makes no sense"),
        ("{ routing_keys: { databases: { file: nowhere } } }", "nowhere cannot be read"),
        ("{ routing_key: { file: one } }", "who acknowledges at PagerDuty is not known here"),
    ] {
        let said = checked(of);
        assert!(said.contains(says), "{of}: {said}");
    }
    assert!(checked("{ routing_keys: { databases: { file: nowhere } } }").contains("dogwatch.yaml:2:"));
    let inline = refused("pages:\n  pagerduty: { routing_key: R0123456789012345678901234567890 }\n");
    assert!(inline.contains("must not stand in the configuration") && !inline.contains("R0123"), "{inline}");
    let config = folder.config("pages: { pagerduty: { routing_key: { file: one }, webhook_secret: { file: two } } }");
    let order: Vec<&str> = config.pages.order(&config.chat).iter().flatten().map(|sink| sink.name()).collect();
    assert_eq!(order, ["pagerduty", "console"]);
}

#[test]
fn pages_must_have_a_way() {
    let folder = Folder::new();
    assert_snapshot!("pages_nowhere", folder.checked("pages:\n  sinks: []\n"));
    let twice = folder.checked("pages:\n  sinks: [[console, discord], [], discord]\n");
    for says in ["`discord` stands in the list twice", "an entry names no sink", "`discord`, which is not configured"] {
        assert!(twice.contains(says), "{says}: {twice}");
    }
    let unknown = refused("pages:\n  sinks: [[console, pager]]\n");
    assert!(unknown.contains("dogwatch.yaml:2:") && unknown.contains("known here: `pagerduty`"), "{unknown}");
    assert_snapshot!("pages_unconfigured", folder.checked("pages:\n  sinks: [discord, webhook, console, console]\n"));
    assert_snapshot!("pages_plain", folder.checked("pages:\n  webhook:\n    url: http://pages.example.com/\n"));
    assert_snapshot!(
        "pages_elsewhere",
        folder.checked("pages:\n  webhook:\n    url: https://ada:pw@example.com/\n    allow_hosts: [example.org]\n")
    );
    assert_snapshot!("pages_no_url", folder.checked("pages:\n  webhook: { url: \"ftp://example.com\" }\n"));
    for url in ["http://127.0.0.1:9/", "http://localhost:9/", "http://[::1]:9/", "https://example.com/"] {
        let said = folder.checked(&format!("pages: {{ webhook: {{ url: \"{url}\" }} }}"));
        assert!(!said.contains("-->"), "{url}: {said}");
    }
}

#[test]
fn who_could_be_reached_by_nobody_is_warned() {
    let folder = Folder::new();
    let alone = "pages go to the console alone";
    let unasked = "nobody is told of incidents or asked for approvals";
    let webhook = "pages: { webhook: { url: \"https://example.com/\" } }";
    let discord = "discord: { token: { file: one }, application_id: 1, guild: 2, channel: 3, roles: { admin: [4] } }";
    for (text, says) in [
        ("".to_owned(), vec![alone]),
        ("chat: { console: off }".to_owned(), vec![alone, unasked]),
        (format!("chat: {{ console: off }}\n{webhook}"), vec![unasked]),
        (format!("chat: {{ console: off, {discord} }}"), vec![]),
        (webhook.to_owned(), vec![]),
    ] {
        let said = folder.checked(&text);
        for warning in [alone, unasked] {
            assert_eq!(said.contains(warning), says.contains(&warning), "{text}: {said}");
        }
    }
}

#[test]
fn numbers_that_make_no_sense() {
    let folder = Folder::new();
    assert_snapshot!(folder.checked(
        "server: { body_limit: 1KiB }
engine:
  workers: 0
  lease: 5s
  output_limit: 10B
cluster:
  timeout: 10m
prometheus:
  url: prometheus:9090
pages:
  webhook: { url: \"https://example.com\", timeout: 30s }
log:
  level: dogwatch=loud
"
    ));
}

#[test]
fn handoffs_go_into_a_folder() {
    let folder = Folder::new();
    assert!(!folder.checked("handoff: { dir: not-there-yet }").contains("handoff.dir"));
    assert!(folder.checked("handoff: { dir: oncall.yaml }").contains("oncall.yaml is not there or no folder"));
}

#[test]
fn a_source_has_a_name_of_its_own() {
    let folder = Folder::new();
    let checked = |source: &str| folder.checked(&format!("server: {{ source: \"{source}\" }}\n"));
    assert!(!checked("alertmanager-eu-1").contains("source"));
    for (source, says) in [("", "no name of a source"), ("a b", "no name of a source"), ("run", "another way in")] {
        assert!(checked(source).contains(says), "{source}: {}", checked(source));
    }
}

#[test]
fn a_lease_outlasts_a_change_that_was_begun_in_it() {
    let folder = Folder::new();
    let checked = |lease: &str, timeout: &str| {
        folder.checked(&format!("engine: {{ lease: {lease} }}\ncluster: {{ timeout: {timeout} }}\n"))
    };
    for lease in ["10s", "49s"] {
        let said = checked(lease, "5s");
        assert!(said.contains(&format!("a lease of {lease} may end before")) && said.contains("`50s`"), "{said}");
    }
    assert!(!checked("50s", "5s").contains("lease"));
    assert!(checked("50s", "30s").contains("write at least `1m`"));
}

#[test]
fn files_that_are_not_there() {
    let folder = Folder::new();
    assert_snapshot!(folder.checked(
        "playbooks: { dir: nowhere }
oncall: { file: nowhere.yaml }
handoff: { template: nowhere.hbs }
cluster: { kubeconfig: nowhere }
store: { sqlite: nowhere/dogwatch.db }
"
    ));
}

#[test]
fn rules_for_severity_are_read_and_contradictions_are_told() {
    let folder = Folder::new();
    let severities = |text: &str| folder.config(&format!("severities: {text}")).severities;
    assert_eq!(severities("{}").blast_radius.0, crate::model::BlastRadius::default());
    let radius = |text: &str| severities(&format!("{{ blast_radius: {text} }}")).blast_radius.0;
    assert_eq!(radius("off"), crate::model::BlastRadius::OFF);
    assert_eq!(radius("{ S1: 100 }"), crate::model::BlastRadius { s1: Some(100), s2: Some(25), s3: None });
    assert_eq!(radius("{ S2: off, S3: 10 }"), crate::model::BlastRadius { s1: None, s2: None, s3: Some(10) });
    let tiers = severities("{ tiers: { rules: { gold: { at_least: S2 } } } }").tiers.tiers();
    assert_eq!((tiers.names.len(), tiers.alert_label.as_str(), tiers.rule(" gold ").is_some()), (2, "tier", true));
    assert_snapshot!(folder.checked(
        "severities:
  tiers:
    rules: { gold: { at_least: S1, at_most: S3 }, silver: {} }
"
    ));
    assert_snapshot!("no_number_of_objects", refused("severities: { blast_radius: { S2: many } }\n"));
    assert_snapshot!("one_object", refused("severities: { blast_radius: { S2: 1 } }\n"));
    assert_snapshot!("no_step", refused("severities: { blast_radius: { S4: 5 } }\n"));
    assert_snapshot!("no_severity", refused("severities: { tiers: { rules: { gold: { at_least: P1 } } } }\n"));
}

#[test]
fn a_sink_for_tickets_is_made_by_who_knows_where_and_as_whom() {
    let folder = Folder::new();
    let config = folder.config("tickets: [{ name: ops, kind: github, repository: acme/ops, token: { file: one } }]");
    assert_eq!(config.check().unwrap(), folder.config("").check().unwrap());
    let [sink] = config.tickets.as_slice() else { panic!("{:?}", config.tickets) };
    assert_eq!((sink.address(), sink.close, &*sink.labels), ("https://api.github.com", true, &["dogwatch".into()][..]));
    assert_snapshot!(Folder::new().checked(
        "tickets:
  - { name: ops, kind: github, repository: acme, token: { file: gone } }
  - { name: ops, kind: gitlab, url: \"http://git.example.com/api/v4\", project: sre/db, teams: [db], timeout: 2m }
  - { name: hook, kind: webhook, teams: [db] }
  - { name: lab, kind: gitlab, repository: acme/ops, labels: [\"a,b\"] }
"
    ));
    assert_snapshot!("no_tracker", refused("tickets:\n  - { name: ops, kind: jira }\n"));
    assert_snapshot!("no_list_of_tickets", refused("tickets: { name: ops }\n"));
}

#[test]
fn a_chat_for_pages_is_made_by_who_knows_where_and_as_whom() {
    let folder = Folder::new();
    let way = |text: &str| folder.checked(&format!("pages:\n  {text}\n"));
    for fine in [
        "slack: { token: { file: one }, channel: C012AB3CD }",
        "slack: { webhook: { file: one } }",
        "mattermost: { url: { file: one }, timeout: 5s }",
        "teams: { url: { file: one }, team_urls: { databases: { file: two } } }",
        "ntfy: { url: \"https://ntfy.example.com/\", topic: all-pages, token: { file: one } }",
        "ntfy: { url: \"https://ntfy.example.com\", topic: all, basic: { username: dogwatch, password: { file: one } } }",
    ] {
        let said = way(fine);
        assert!(!said.contains("-->") && !said.contains("alone"), "{fine}: {said}");
    }
    for (wrong, says, remedy) in [
        ("slack: {}", "nothing says how pages come to Slack", "write `token: { file: ... }`"),
        ("slack: { token: { file: one } }", "nothing says in which channel", "write `channel: C012AB3CD`"),
        (
            "slack: { token: { file: one }, channel: C012AB3CD, webhook: { file: two } }",
            "both bring each page",
            "keep `token` and `channel`",
        ),
        ("slack: { webhook: { file: one }, channel: C012AB3CD }", "that it was made for", "take this line out"),
        ("slack: { token: { file: one }, channel: \"#pages\" }", "`#pages` is no id of a channel", "`C012AB3CD`"),
        (
            "slack: { token: { file: one }, channel: C012AB3CD, api_url: \"http://slack.example.com/api\" }",
            "over plain http",
            "https://",
        ),
        ("slack: { token: { file: gone }, channel: C012AB3CD }", "gone cannot be read", "put the secret there"),
        ("mattermost: { url: { file: one }, timeout: 1m }", "a time-out of 1m", "`1s` to `20s`"),
        ("teams: { url: { file: one }, team_urls: { db: { file: gone } } }", "gone cannot be read", "put the secret"),
        ("ntfy: { url: \"https://ntfy.sh/mine\", topic: mine }", "no root of a server", "the topic in `topic`"),
        ("ntfy: { url: \"https://ntfy.sh\", topic: \"my topic\" }", "`my topic` is no topic", "up to 64 letters"),
        (
            "ntfy: { url: \"https://ntfy.sh\", topic: a, token: { file: one }, basic: { username: a, password: { file: two } } }",
            "both say who we are",
            "keep one",
        ),
    ] {
        let said = way(wrong);
        assert!(said.contains(says) && said.contains(remedy) && said.contains("dogwatch.yaml:2:"), "{wrong}: {said}");
    }
    let open = way("ntfy: { url: \"https://ntfy.sh\", topic: all-pages }");
    assert!(open.contains("whoever knows a topic reads its pages"), "{open}");
    for inline in
        ["slack: { webhook: \"https://hooks.slack.com/services/T0/B0/x\" }", "teams: { url: \"https://a/b\" }"]
    {
        let said = refused(&format!("pages:\n  {inline}\n"));
        assert!(said.contains("a secret must not stand in the configuration") && !said.contains("B0"), "{said}");
    }
}

#[test]
fn sinks_of_one_entry_are_told_at_once() {
    let config = Folder::new().config("pages: { sinks: [[webhook, console], discord] }");
    let order = config.pages.order(&config.chat);
    let names: Vec<Vec<&str>> = order.iter().map(|entry| entry.iter().map(|sink| sink.name()).collect()).collect();
    assert_eq!(names, [vec!["webhook", "console"], vec!["discord"]]);
}

#[test]
fn chats_for_pages_are_tried_in_their_order_and_phones_first() {
    let folder = Folder::new();
    let text = "pages:
  teams: { url: { file: one } }
  slack: { webhook: { file: one } }
  ntfy: { url: \"https://ntfy.example.com\", topic: all-pages }
  mattermost: { url: { file: one } }
chat: { discord: { token: { file: one }, application_id: 1, guild: 2, channel: 3 } }";
    let config = folder.config(text);
    let order: Vec<_> = config.pages.order(&config.chat).iter().flatten().map(|sink| sink.name()).collect();
    assert_eq!(order, ["ntfy", "discord", "slack", "mattermost", "teams", "console"]);
}

#[test]
fn ceilings_are_read_and_a_word_that_is_none_is_refused() {
    let text = "engine:\n  autonomy_ceiling: approve\n  autonomy_ceilings:\n    namespaces: { db: observe }\n    \
                teams: { shop: suggest }\n    playbooks: { dns: auto }\n";
    let config = Config::parse(text, Path::new("dogwatch.yaml")).unwrap();
    let ceilings = config.engine.ceilings();
    assert_eq!((ceilings.all, ceilings.namespaces["db"]), (Autonomy::Approve, Autonomy::Observe));
    assert_eq!((ceilings.teams["shop"], ceilings.playbooks["dns"]), (Autonomy::Suggest, Autonomy::Auto));
    assert_eq!(Config::default().engine.ceilings(), Ceilings::default());
    let said = refused("engine:\n  autonomy_ceiling: obsrve\n");
    assert!(said.contains("dogwatch.yaml:2:") && said.contains("observe"), "{said}");
    let said = refused("engine:\n  autonomy_ceilings:\n    namespace: { db: observe }\n");
    assert!(said.contains("`namespace` is not known here") && said.contains("namespaces"), "{said}");
}

#[test]
fn a_name_of_a_config_map_that_is_none_is_refused() {
    let folder = Folder::new();
    for (field, name, fits) in [
        ("name", "a/b", false),
        ("name", "Freeze", false),
        ("name", "freeze.of-us", true),
        ("namespace", "Ops", false),
        ("namespace", "ops.us", false),
        ("namespace", "ops", true),
    ] {
        let said = folder.checked(&format!("engine: {{ freeze: {{ {field}: {name} }} }}"));
        let refused = format!("`{name}` cannot be the {field} of a ConfigMap");
        assert_eq!(said.contains(&refused), !fits, "{said}");
        assert_eq!(said.contains("dogwatch.yaml:1:"), !fits, "{said}");
    }
}

#[test]
fn what_no_bot_changes_is_not_allowed_by_a_configuration_either() {
    let folder = Folder::new();
    assert_eq!(folder.checked("server: { insecure_no_auth: true }\n"), folder.checked(
        "server: { insecure_no_auth: true }\nactions: { patch: [{ kind: NodePool.karpenter.sh, field: spec.limits.cpu }] }\n",
    ));
    assert_snapshot!(folder.checked(
        "actions:\n  patch:\n    - { kind: StatefulSet, field: spec.replicas }\n    - { kind: Nodepool, field: spec.limits.cpu }\n    \
         - { kind: Secret, field: data.x }\n    - { kind: ConfigMap, field: 'data[0]' }\n",
    ), @"
    error[invalid-value]: `spec.replicas` is changed by `k8s.scale`, which asks who decides how many there are
     --> dogwatch.yaml:3:28
      |
    3 |     - { kind: StatefulSet, field: spec.replicas }
      |                            ^^^^^
      |
      = help: take the entry out, or write a kind and a field as `{ kind: NodePool.karpenter.sh, field: spec.limits.cpu }`

    error[invalid-value]: `Nodepool` is no kind of Kubernetes itself; write it as in its manifest, such as `Deployment`, and any other kind with its group, such as `Certificate.cert-manager.io`
     --> dogwatch.yaml:4:9
      |
    4 |     - { kind: Nodepool, field: spec.limits.cpu }
      |         ^^^^
      |
      = help: take the entry out, or write a kind and a field as `{ kind: NodePool.karpenter.sh, field: spec.limits.cpu }`

    error[invalid-value]: secrets are never read; if a playbook must know whether one is there, ask for what depends on it
     --> dogwatch.yaml:5:9
      |
    5 |     - { kind: Secret, field: data.x }
      |         ^^^^
      |
      = help: take the entry out, or write a kind and a field as `{ kind: NodePool.karpenter.sh, field: spec.limits.cpu }`

    error[invalid-value]: `data[0]` is no path of a field; write it as `spec.resources.requests.storage`
     --> dogwatch.yaml:6:26
      |
    6 |     - { kind: ConfigMap, field: 'data[0]' }
      |                          ^^^^^
      |
      = help: take the entry out, or write a kind and a field as `{ kind: NodePool.karpenter.sh, field: spec.limits.cpu }`
    ");
}
