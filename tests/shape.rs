//! The shape of the crate: which module may know which. Dependencies point one way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What everybody may import.
const COMMON: &[&str] = &["model", "clock", "worker", "metrics", "files", "proxy", "script"];

/// What each module may import besides; a module that is not listed may import everything before it in the list.
const TABLE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("clock", &[]),
    ("metrics", &[]),
    ("proxy", &[]),
    ("tls", &[]),
    ("worker", &[]),
    ("files", &[]),
    ("script", &[]),
    ("secret", &[]),
    ("diagnostics", &[]),
    ("signature", &[]),
    ("links", &["signature"]),
    ("store", &[]),
    ("cluster", &["tls"]),
    ("http", &["tls"]),
    ("prometheus", &["diagnostics", "http", "cluster"]),
    ("patroni", &["http", "cluster"]),
    ("web", &["http", "tls"]),
    ("network", &["tls", "web"]),
    ("sql", &["secret", "tls", "web", "cluster"]),
    ("oncall", &["diagnostics"]),
    ("maintenance", &["diagnostics", "store"]),
    ("alertmanager", &["http", "store"]),
    ("message", &["store"]),
    ("language", &["diagnostics"]),
    ("command", &["diagnostics", "message", "language"]),
    ("action", &["cluster", "prometheus", "alertmanager", "patroni", "web", "network", "sql", "language"]),
    ("playbook", &["diagnostics", "action", "cluster", "prometheus", "web", "language"]),
    ("coverage", &["diagnostics", "language", "playbook", "prometheus", "message"]),
    ("mandate", &["cluster"]),
    ("engine", &["store", "alertmanager", "action", "playbook", "cluster", "mandate", "language"]),
    ("surroundings", &["cluster"]),
    ("sightings", &["store", "cluster", "mandate"]),
    ("incident", &["sightings", "store", "oncall", "playbook", "maintenance", "surroundings"]),
    ("escalation", &["store", "oncall"]),
    ("timekeeper", &["store"]),
    ("intake", &["store", "language"]),
    ("discord", &["secret", "message", "tls"]),
    ("chat", &["intake", "store", "oncall", "message", "command", "discord"]),
    ("notify", &["secret", "signature", "links", "store", "oncall", "message", "discord", "http", "tls"]),
    ("handoff", &["store", "oncall", "playbook", "message"]),
    ("reload", &["store", "message"]),
    ("server", &["intake", "chat", "store", "oncall", "message", "links", "signature"]),
    (
        "config",
        &[
            "diagnostics",
            "secret",
            "discord",
            "notify",
            "intake",
            "cluster",
            "sightings",
            "patroni",
            "web",
            "network",
            "sql",
            "action",
        ],
    ),
];

/// Those that put everything together.
const TOP: &[&str] = &["bot", "rehearse", "app", "cli", "main", "lib"];

#[test]
fn every_module_imports_only_what_the_table_allows() {
    let mut wrong = Vec::new();
    for (module, file, imported) in imports() {
        if TOP.contains(&module.as_str()) {
            let later = TOP.iter().skip_while(|top| **top != module).skip(1);
            if later.clone().any(|top| *top == imported) && module != "main" {
                wrong.push(format!("{file}: {module} comes before {imported}"));
            }
            continue;
        }
        let allowed = TABLE.iter().find(|(name, _)| *name == module).map(|(_, allowed)| *allowed);
        match allowed {
            None => wrong.push(format!("{file}: the module `{module}` is not in the table of tests/shape.rs")),
            Some(_) if imported == module || COMMON.contains(&imported.as_str()) => {}
            Some(allowed) if !allowed.contains(&imported.as_str()) => {
                wrong.push(format!("{file}: {module} must not know {imported}"));
            }
            Some(_) => {}
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn the_table_has_no_circle() {
    let allowed: BTreeMap<&str, &[&str]> = TABLE.iter().copied().collect();
    fn visit<'a>(module: &'a str, allowed: &BTreeMap<&'a str, &'a [&'a str]>, path: &mut Vec<&'a str>) {
        assert!(!path.contains(&module), "a circle: {path:?} -> {module}");
        path.push(module);
        for next in allowed.get(module).copied().unwrap_or_default() {
            visit(next, allowed, path);
        }
        path.pop();
    }
    for (module, _) in TABLE {
        visit(module, &allowed, &mut Vec::new());
    }
}

#[test]
fn files_stay_small_enough_to_read_at_once() {
    const LONGEST: usize = 400;
    let long: Vec<String> = sources()
        .into_iter()
        .filter(|path| !path.ends_with("tests.rs") && !path.components().any(|part| part.as_os_str() == "tests"))
        .filter_map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            // A file's own unit tests come last and do not count.
            let lines = text.split("#[cfg(test)]\nmod tests {").next().map_or(0, |code| code.lines().count());
            (lines > LONGEST).then(|| format!("{}: {lines} lines", path.display()))
        })
        .collect();
    assert!(long.is_empty(), "files that have become two things become two files:\n{}\n", long.join("\n"));
}

#[test]
fn there_is_something_to_look_at() {
    let modules: BTreeSet<String> = imports().into_iter().map(|(module, _, _)| module).collect();
    for module in ["store", "engine", "incident", "cluster"] {
        assert!(modules.contains(module), "{module} imports nothing? {modules:?}");
    }
}

#[test]
fn no_test_binary_is_left_out_where_all_are_run() {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).unwrap();
    let (manifest, run) = (read("Cargo.toml"), read("tests/run"));
    let targets: Vec<&str> = manifest
        .split("[[test]]\n")
        .skip(1)
        .map(|target| target.split("\n[").next().unwrap_or_default())
        .filter_map(|target| target.split_once("name = \"")?.1.split('"').next())
        .collect();
    assert!(targets.len() >= 5, "{targets:?}");
    for target in targets {
        assert!(run.contains(&format!("--test {target} ")), "tests/run does not run {target}");
    }
}

/// (module, file, imported module) for each `crate::…` path in the sources, tests in the sources included.
fn imports() -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for path in sources() {
        let relative = path.strip_prefix(root().join("src")).unwrap();
        let first = relative.components().next().unwrap().as_os_str().to_string_lossy();
        let module = first.trim_end_matches(".rs").to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for (at, _) in line.match_indices("crate::") {
                let rest = &line[at + "crate::".len()..];
                let name: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                if !name.is_empty() && name != "macros" {
                    found.push((module.clone(), relative.display().to_string(), name));
                }
            }
        }
    }
    found
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
