//! `dogwatch actions`: what a step can do, and the page of the reference that is made of it.

use std::fs;

use serde_json::Value;

use super::*;

fn said(args: &[&str]) -> Said {
    dogwatch(root(), &[&["actions"], args].concat(), &[])
}

#[test]
fn all_are_listed_in_a_line_each() {
    let said = said(&[]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    insta::assert_snapshot!(said.out);
}

#[test]
fn one_is_explained() {
    let said = said(&["k8s.scale"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    insta::assert_snapshot!(said.out);
}

#[test]
fn no_line_is_wider_than_help_is() {
    let names: Vec<Value> = serde_json::from_str(&said(&["-o", "json"]).out).unwrap();
    assert!(names.len() >= 13, "{names:?}");
    for action in names {
        let text = said(&[action["name"].as_str().unwrap()]).out;
        let (prose, _) = text.split_once("\nExample:\n").unwrap();
        assert_eq!(prose.lines().find(|line| line.chars().count() > 100), None);
    }
}

#[test]
fn programs_read_json() {
    let said = said(&["k8s.expand_pvc", "-o", "json"]);
    let action: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(action["effect"], "changes");
    assert_eq!(action["arguments"][1]["name"], "max");
    assert_eq!(action["arguments"][1]["required"], true);
    assert_eq!(action["output"][0]["type"], "string");
    assert_eq!(action["rights"][0], "get, patch the target");
    assert_eq!(action["most_autonomy"], "auto");
}

#[test]
fn a_name_that_is_misspelt_is_told_with_the_one_that_is_meant() {
    for (name, meant) in [
        ("k8s.scal", "did you mean `k8s.scale`?"),
        ("k8s.expand-pvc", "did you mean `k8s.expand_pvc`?"),
        ("scale", "did you mean `k8s.scale`?"),
        ("reboot", "the actions are `prometheus.query`, `prometheus.range`"),
    ] {
        let said = said(&[name]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{name}");
        assert!(said.err.contains(&format!("there is no action `{name}`; {meant}")), "{name}: {}", said.err);
    }
}

#[test]
fn the_reference_is_current() {
    let written = fs::read_to_string(root().join("docs/reference/actions.md")).unwrap_or_default();
    let current = said(&["-o", "markdown"]).out;
    assert!(
        written == current,
        "docs/reference/actions.md is not what the actions declare; run\n\n    \
         cargo run -- actions -o markdown > docs/reference/actions.md\n"
    );
}
