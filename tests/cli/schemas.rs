//! `dogwatch schema`: what editors are told of a file is what it may be.

use std::fs;
use std::path::PathBuf;

use dogwatch::playbook::files_of;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

use super::*;

const KINDS: [&str; 4] = ["playbook", "cases", "oncall", "config"];

fn written(kind: &str) -> PathBuf {
    root().join(format!("schemas/{kind}.json"))
}

/// The schemas that are kept in the repository, compiled.
struct Judge {
    schemas: Schemas,
    of: Vec<(&'static str, SchemaIndex)>,
}

impl Judge {
    fn new() -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        let of = KINDS.map(|kind| {
            let schema: Value = serde_json::from_str(&fs::read_to_string(written(kind)).unwrap()).unwrap();
            assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{kind}");
            let name = format!("http://dogwatch.test/{kind}.json");
            compiler.add_resource(&name, schema).unwrap();
            (kind, compiler.compile(&name, &mut schemas).unwrap())
        });
        Self { schemas, of: of.to_vec() }
    }

    /// What it says against the file; `None`: nothing.
    fn refuses(&self, kind: &str, yaml: &str) -> Option<String> {
        let document: Value = serde_saphyr::from_str(yaml).unwrap();
        let (_, schema) = self.of.iter().find(|(name, _)| *name == kind).unwrap();
        self.schemas.validate(&document, *schema).err().map(|error| error.to_string())
    }
}

#[test]
fn the_schemas_are_current() {
    for kind in KINDS {
        let said = dogwatch(root(), &["schema", kind], &[]);
        assert_eq!((said.code, said.err.as_str()), (0, ""));
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(written(kind), &said.out).unwrap();
        }
        assert!(
            fs::read_to_string(written(kind)).unwrap_or_default() == said.out,
            "schemas/{kind}.json is not what is read; run\n\n    cargo run -- schema {kind} > schemas/{kind}.json\n"
        );
    }
}

/// All files that are shipped, with the kind of each.
fn shipped() -> Vec<(&'static str, PathBuf)> {
    let mut files =
        vec![("oncall", root().join("deploy/oncall.yaml")), ("config", root().join("deploy/dogwatch.yaml"))];
    let found = files_of(&root().join("playbooks")).unwrap();
    files.extend(found.cases.into_iter().map(|path| ("cases", path)));
    files.extend(found.playbooks.into_iter().map(|path| ("playbook", path)));
    assert!(files.len() >= 10, "{files:?}");
    files
}

#[test]
fn shipped_files_fit_and_name_their_schema() {
    let judge = Judge::new();
    for (kind, path) in shipped() {
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(judge.refuses(kind, &text), None, "{}", path.display());
        let first = text.lines().next().unwrap();
        let up = "../".repeat(path.strip_prefix(root()).unwrap().components().count() - 1);
        assert_eq!(first, format!("# yaml-language-server: $schema={up}schemas/{kind}.json"), "{}", path.display());
        let named = path.parent().unwrap().join(first.rsplit_once('=').unwrap().1);
        assert!(named.is_file(), "{}", named.display());
    }
}

/// What the annotated configuration shows as an example or a default must be one, too.
#[test]
fn the_examples_in_the_configuration_fit() {
    let judge = Judge::new();
    let text = fs::read_to_string(root().join("deploy/dogwatch.yaml")).unwrap();
    let mut tried = 0;
    for (head, example) in examples(&text) {
        assert_eq!(judge.refuses("config", &example), None, "{head}:\n{example}");
        tried += 1;
    }
    assert!(tried >= 3, "{tried}");
}

/// The sections that are commented out as a whole: from `# name:` at the margin to the next line
/// that is none of it.
fn examples(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut is_open = false;
    for line in text.lines() {
        let Some(inner) = line.strip_prefix("# ") else {
            is_open = false;
            continue;
        };
        let key = inner.split_once(':').map_or("", |(key, rest)| if rest.trim().is_empty() { key } else { "" });
        if !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
            found.push((key.to_owned(), String::new()));
            is_open = true;
        }
        if is_open && (inner.starts_with("  ") || !key.is_empty()) {
            let (_, example) = found.last_mut().unwrap();
            example.push_str(inner);
            example.push('\n');
        }
    }
    found
}

#[test]
fn what_is_wrong_is_refused() {
    let judge = Judge::new();
    let text = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let playbook = text("playbooks/dns/coredns-saturated.yaml");
    let (cases, oncall, config) =
        (text("playbooks/dns/coredns-saturated.cases.yaml"), text("deploy/oncall.yaml"), text("deploy/dogwatch.yaml"));
    for (kind, file, right, wrong) in [
        ("playbook", &playbook, "severity: S2", "severty: S2"),
        ("playbook", &playbook, "severity: S2", "severity: S5"),
        ("playbook", &playbook, "k8s.scale:", "k8s.scal:"),
        ("playbook", &playbook, "by: 50%", "by: half"),
        ("playbook", &playbook, "max: \"{{inputs.max_replicas}}\"", "max: many"),
        ("playbook", &playbook, "k8s.events: { limit: 5 }", "k8s.events: { limit: five }"),
        ("playbook", &playbook, "k8s.events: { limit: 5 }", "k8s.events: { limits: 5 }"),
        ("playbook", &playbook, "k8s.events: { limit: 5 }", "k8s.scale: { by: 1, max: 5 }"),
        ("playbook", &playbook, "    k8s.events: { limit: 5 }\n", ""),
        ("playbook", &playbook, "    k8s.events: { limit: 5 }\n", "    k8s.events: { limit: 5 }\n    k8s.pods: {}\n"),
        ("playbook", &playbook, "settle: 6m", "settle: 6 minutes"),
        ("playbook", &playbook, "summary: CoreDNS has too little capacity for the cluster's queries", "summary: 3"),
        ("playbook", &playbook, "kind: Deployment", "kind: Secret"),
        ("cases", &cases, "outcome: fixed", "outcome: repaired"),
        ("cases", &cases, "changes:", "change:"),
        ("cases", &cases, "answers: [0.42]", "answers: [much]"),
        ("oncall", &oncall, "members:", "member:"),
        ("oncall", &oncall, "kind: OnCall", "kind: Oncall"),
        ("config", &config, "timeout: 10s", "timeout: 10"),
        ("config", &config, "\nserver:", "\nservers:"),
        ("config", &config, "role: responder", "role: boss"),
        ("config", &config, "bearer: { file: secrets/webhook-token }", "bearer: hunter2"),
        ("config", &config, "sinks: [webhook, console]", "sinks: [webhooks, console]"),
    ] {
        let changed = file.replacen(right, wrong, 1);
        assert_ne!(&changed, file, "{right}");
        assert!(judge.refuses(kind, &changed).is_some(), "{kind} with `{wrong}` is taken");
    }
}

#[test]
fn shells_complete_the_commands() {
    for (shell, word) in [("bash", "_dogwatch()"), ("zsh", "#compdef dogwatch"), ("fish", "complete -c dogwatch")] {
        let said = dogwatch(root(), &["completions", shell], &[]);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{shell}");
        assert!(said.out.contains(word) && said.out.contains("completions"), "{shell}: {}", said.out);
    }
    let said = dogwatch(root(), &["completions", "tcsh"], &[]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.err.contains("[possible values: bash, elvish, fish, powershell, zsh]"), "{}", said.err);
}
