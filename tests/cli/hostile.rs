//! A hundred files that somebody wrote to hurt: each is refused with its place, in little time and
//! space, and hides none of the others.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::mistakes::RIGHT;
use super::*;

/// A file, as bytes: not all of them are text.
type Hostile = (String, Vec<u8>);

/// So much may be said of one file: what is wrong with it, and not the file once more.
const MOST_SAID: usize = 100_000;

#[test]
fn each_of_a_hundred_hostile_files_is_refused_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let playbooks = dir.path().join("playbooks");
    fs::create_dir(&playbooks).unwrap();
    let hostile = all();
    assert!(hostile.len() >= 100, "{}", hostile.len());
    for (name, bytes) in &hostile {
        fs::write(playbooks.join(format!("{name}.yaml")), bytes).unwrap();
    }
    fs::write(playbooks.join("right.yaml"), RIGHT).unwrap();

    let said = dogwatch(dir.path(), &["check", "--format", "json"], &[]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(!said.err.contains("panicked"), "{}", said.err);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    let mut of_file: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for problem in told["diagnostics"].as_array().unwrap().iter().filter(|problem| problem["severity"] == "error") {
        let file = problem["path"].as_str().unwrap();
        let name = file.rsplit('/').next().unwrap().trim_end_matches(".yaml");
        of_file.entry(name).or_default().push(problem);
    }
    assert!(!of_file.contains_key("right"), "{:?}", of_file["right"]);
    let unsaid: Vec<&str> =
        hostile.iter().map(|(name, _)| name.as_str()).filter(|name| !of_file.contains_key(name)).collect();
    assert_eq!(unsaid, [""; 0], "nothing is said of them");
    for (name, _) in &hostile {
        let problems = &of_file[name.as_str()];
        let said: usize = problems.iter().map(|problem| problem.to_string().len()).sum();
        assert!(said < MOST_SAID, "{name}: {said} characters are said of it");
        // What is no playbook at all has no line.
        let is_of_the_file = |problem: &&Value| {
            ["empty-file", "unreadable", "wrong-document"].contains(&problem["code"].as_str().unwrap())
        };
        let has_place = |problem: &&Value| problem["line"].as_u64().is_some_and(|line| line > 0);
        assert!(problems.iter().all(|it| has_place(it) || is_of_the_file(it)), "{name} has no place: {problems:?}");
    }
}

/// [`RIGHT`] with something else in one place.
fn with(right: &str, hostile: &str) -> Vec<u8> {
    assert!(RIGHT.contains(right), "{right}");
    RIGHT.replacen(right, hostile, 1).into_bytes()
}

const CONDITION: &str = "p99.value < 0.1\n";
const QUERY: &str = "max(rate(http_seconds_sum[5m]))";
const TEXT: &str = "slow: {{p99.shown}} s";
const NAME: &str = "name: front-slow";

fn all() -> Vec<Hostile> {
    let mut all: Vec<Hostile> = Vec::new();
    for (kind, files) in [
        ("bytes", bytes()),
        ("yaml", yaml()),
        ("document", documents()),
        ("condition", conditions()),
        ("query", queries()),
        ("text", texts()),
        ("number", numbers()),
        ("tree", trees()),
        ("name", names()),
    ] {
        all.extend(files.into_iter().enumerate().map(|(n, file)| (format!("{kind}-{n:02}"), file)));
    }
    // Two of one name would be a mistake of their own.
    for (name, bytes) in &mut all {
        if let Ok(text) = std::str::from_utf8(bytes) {
            *bytes = text.replacen(&format!("{NAME},"), &format!("name: {name},"), 1).into_bytes();
        }
    }
    all
}

fn bytes() -> Vec<Vec<u8>> {
    let utf16: Vec<u8> = RIGHT.encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        vec![],
        vec![0; 4096],
        vec![0xff; 100_000],
        [&[0xff, 0xfe][..], &utf16].concat(),
        [RIGHT.as_bytes(), &[0xc3, 0x28]].concat(),
        [RIGHT.as_bytes(), &[0]].concat(),
        with("summary: the", "summary: \"\\u0000\""),
        with("autonomy: auto", "autonomy: au\u{200b}to"),
        b"\x1f\x8b\x08\x00not a playbook".to_vec(),
        b"#!/bin/sh\nrm -rf /\n".to_vec(),
        "\u{feff}\u{feff}".as_bytes().to_vec(),
        vec![b' '; 2 * 1024 * 1024],
        [RIGHT.as_bytes(), "#".repeat(2 * 1024 * 1024).as_bytes()].concat(),
    ]
}

fn yaml() -> Vec<Vec<u8>> {
    let bomb = |levels: usize| {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..levels {
            let aliases = vec![format!("*a{}", n - 1); 9].join(", ");
            text.push_str(&format!("a{n}: &a{n} [{aliases}]\n"));
        }
        format!("{text}{RIGHT}")
    };
    let many_keys: String = (0..20_000).map(|n| format!("key{n}: {n}\n")).collect();
    let anchors: String = (0..10_000).map(|n| format!("  - &anchor{n} {n}\n")).collect();
    [
        bomb(10),
        bomb(60),
        "a: &a [*a]\n".to_owned(),
        format!("<<: &x {{ <<: *x }}\n{RIGHT}"),
        "[".repeat(100_000),
        "{a: ".repeat(50_000),
        "- ".repeat(50_000),
        "? ".repeat(50_000),
        (0..2_000).map(|n| format!("{}a:\n", " ".repeat(n))).collect(),
        format!("{RIGHT}{RIGHT}"),
        format!("{RIGHT}---\n{RIGHT}"),
        many_keys,
        format!("triggers:\n{anchors}"),
        format!("{RIGHT}!!binary x: y\n"),
        format!("{RIGHT}%YAML 9.9\n"),
        "!<tag:yaml.org,2002:python/object/apply:os.system> [id]\n".to_owned(),
        "\t- a\n".to_owned(),
        "a: |\n  b\n c: 'd\n".to_owned(),
        "'".to_owned(),
        "*nobody\n".to_owned(),
        format!("{RIGHT}\"{}\": 1\n", "k".repeat(200_000)),
        "--- >\n".to_owned() + &"a\n".repeat(100_000),
    ]
    .map(String::into_bytes)
    .to_vec()
}

fn documents() -> Vec<Vec<u8>> {
    [
        "true\n",
        "12\n",
        "null\n",
        "[]\n",
        "{}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: { name: x }\nstringData: { password: hunter2 }\n",
        "apiVersion: dogwatch/v99\nkind: Playbook\n",
        "apiVersion: dogwatch/v1\nkind: Playbook\nmetadata: []\n",
        "apiVersion: [dogwatch/v1]\nkind: { a: b }\n",
        "kind: Playbook\nkind: Playbook\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

fn conditions() -> Vec<Vec<u8>> {
    let nested = format!("{}1{} == 1", "(".repeat(5_000), ")".repeat(5_000));
    let not = format!("{}true", "!".repeat(5_000));
    let long = format!("{}true", "true && ".repeat(20_000));
    let lists = format!("{}1{} == []", "[".repeat(2_000), "]".repeat(2_000));
    let fields = format!("p99{} == 1", ".value".repeat(5_000));
    let loops = "[1,2,3].all(a, [1,2,3].all(b, [1,2,3].all(c, [1,2,3].all(d, [1,2,3].all(e, a == e)))))";
    let tertiary = format!("{}true{}", "true ? ".repeat(2_000), " : false".repeat(2_000));
    [
        nested.as_str(),
        &not,
        &long,
        &lists,
        &fields,
        loops,
        &tertiary,
        "target.metadata.name.matches('(a+)+(b+)+(c{1,1000}){1,1000}')",
        "target.metadata.name.matches('[')",
        "9223372036854775808 > 1",
        "duration('99999999999999999h') > duration('1s')",
        "timestamp('0000-00-00') < now",
        "quantity('1e999999999') > quantity('1')",
        "p99.__proto__ == 1",
        "system('id') == 0",
        "alert.labels[",
        "\u{1f4a3} == 1",
        "'\\u{110000}' == ''",
    ]
    .map(|hostile| with(CONDITION, &format!("{}\n", serde_json::to_string(hostile).unwrap())))
    .to_vec()
}

fn queries() -> Vec<Vec<u8>> {
    let deep = format!("{}up{}", "abs(".repeat(3_000), ")".repeat(3_000));
    [deep.as_str(), "up[5m:1ns:", "max(rate(http_seconds_sum[99999999999y]))", "rm -rf /", "", "{}"]
        .map(|hostile| with(QUERY, hostile))
        .to_vec()
}

fn texts() -> Vec<Vec<u8>> {
    let open = "{{#if p99}}".repeat(3_000);
    let nested = format!("{}x{}", "{{#if p99}}".repeat(3_000), "{{/if}}".repeat(3_000));
    let parts = format!("{{{{{}}}}}", "p99.".repeat(20_000));
    [open.as_str(), &nested, &parts, "{{> ../../etc/passwd}}", "{{{{raw}}}}", "{{exec 'id'}}", "{{", "{{p99.shown"]
        .map(|hostile| with(TEXT, hostile))
        .to_vec()
}

fn numbers() -> Vec<Vec<u8>> {
    [
        ("settle: 6m", "settle: 99999999999999999999h"),
        ("settle: 6m", "settle: -6m"),
        ("settle: 6m", "settle: 1e9m"),
        ("within: 15m", "within: 200y"),
        ("default: 10", "default: 1e400"),
        ("default: 10", "default: 99999999999999999999999"),
        ("default: 10", "default: .nan"),
        ("by: 50%", "by: 999999999999%"),
        ("by: 50%", "by: -50%"),
        ("severity: S2", "severity: S999999999999999999999"),
        ("version: 1.0.0", "version: 99999999999999999999.0.0"),
        ("severity: S2", "severity: S2\nlimits: { runs: 99999999999 per 1h }"),
        ("severity: S2", "severity: S2\nlimits: { runs: 1 per 0s }"),
    ]
    .map(|(right, hostile)| with(right, hostile))
    .to_vec()
}

fn trees() -> Vec<Vec<u8>> {
    let many_steps = "  - wait: 1s\n".repeat(2_000);
    let nested: String = (0..60)
        .map(|n| {
            let indent = "    ".repeat(n);
            format!("{indent}  - choose:\n{indent}      - otherwise: more\n{indent}        do:\n")
        })
        .collect();
    let branches: String = (0..500).map(|n| format!("      - branch: b{n}\n        when: p99.value > 1\n")).collect();
    let sets: String = (0..500).map(|n| format!("      n{n}: p99.value\n")).collect();
    [
        ("mitigate:\n", format!("{many_steps}mitigate:\n")),
        ("mitigate:\n", format!("{nested}mitigate:\n")),
        ("mitigate:\n", format!("  - choose:\n{branches}mitigate:\n")),
        ("mitigate:\n", format!("  - set:\n{sets}mitigate:\n")),
        (
            "mitigate:\n",
            "  - choose:\n      - otherwise: again\n        run: { playbook: front-slow }\nmitigate:\n".into(),
        ),
        (
            "  - id: scale\n",
            "  - foreach: x in [1, 2]\n    max: 99999999999\n    waves: [0, -1]\n    do: []\n  - id: scale\n".into(),
        ),
        ("triggers:\n", format!("triggers:\n{}", "  - alert: FrontSlow\n".repeat(2_000))),
        ("triggers:\n", "triggers:\n  - schedule: { cron: '* * * * * * * *', time_zone: Nowhere/Land }\n".into()),
    ]
    .map(|(right, hostile)| with(right, &hostile))
    .to_vec()
}

fn names() -> Vec<Vec<u8>> {
    [
        (NAME, "name: ../../etc/passwd".to_owned()),
        (NAME, "name: \"\"".to_owned()),
        (NAME, format!("name: {}", "n".repeat(10_000))),
        ("kind: Deployment", "kind: Secret".to_owned()),
        ("kind: Deployment", "kind: secrets".to_owned()),
        ("kind: Deployment", "kind: SECRET.v1.".to_owned()),
        ("namespace: web", "namespace: \"../kube-system\"".to_owned()),
        ("name: front }", "name: \"front?watch=true\" }".to_owned()),
        ("id: p99", "id: __proto__.x".to_owned()),
        ("owner: web", format!("owner: {}", "w".repeat(10_000))),
    ]
    .map(|(right, hostile)| with(right, &hostile))
    .to_vec()
}
