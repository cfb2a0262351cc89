//! Durations that are slips of the hand.

use super::*;

fn told(text: &str) -> String {
    let problems = parse(text).map_or_else(|problems| problems, |playbook| playbook.warnings);
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Each duration of the language, written much too long, and what is said of its bound.
#[test]
fn no_duration_is_without_a_bound() {
    let wait = |text: &str| with("  - done_if: p99", &format!("{text}\n  - done_if: p99"));
    let watch = |fields: &str| {
        wait(&format!(
            "  - id: again\n    k8s.pods: {{}}\n    watch: {{ until: total > 1, {fields} }}\n  - require: again.held"
        ))
    };
    for (text, bound) in [
        (wait("  - wait: 1000d"), "1d"),
        (with("settle: 6m, within: 12m", "settle: 1000d, within: 1001d"), "1d"),
        (with("within: 12m", "within: 1000d"), "1d"),
        (with("settle: 6m", "settle: 6m, every: 1000d"), "1d"),
        (with("settle: 6m", "settle: 6m, for: 1000d"), "1d"),
        (watch("within: 1000d"), "1d"),
        (watch("within: 10m, every: 1000d"), "1d"),
        (watch("within: 10m, for: 1000d"), "1d"),
        (with("page_by: 10m", "page_by: 1000d"), "1d"),
        (with("    undo: never", "    undo: never\n    retry: { for: 1000d }"), "1d"),
        (with("    undo: never", "    undo: never\n    timeout: 1000d"), "10m"),
        (with("    undo: never", "    undo: never\n    at_most: 1 per 1000d"), "30d"),
        (with("    undo: never", "    undo: never\n    approval: { within: 1000d }"), "1d"),
        (with("cooldown: 15m", "cooldown: 1000d"), "30d"),
        (with("3 per 1h", "3 per 1000d"), "30d"),
        (with("cooldown: 15m", "runs_per_playbook: 3 per 1000d"), "30d"),
        (with("cooldown: 15m", "runs_per_namespace: 3 per 1000d"), "30d"),
        (with("cooldown: 15m", "ramp: 1000d"), "30d"),
    ] {
        let said = told(&text);
        let wanted = format!("d is longer than {bound}: ");
        let line = said.lines().find(|line| line.contains(&wanted)).unwrap_or_else(|| panic!("{text}\n{said}"));
        let place: Vec<&str> = line.split(':').collect();
        let stands = text.lines().nth(place[1].parse::<usize>().unwrap() - 1).unwrap();
        assert!(stands.contains("1000d"), "{line}\n{stands}");
        assert!(line.ends_with(&format!("write `{bound}` or less")), "{line}");
        if text.contains(", for: 1000d") || text.contains("within: 10m, every") {
            // Nobody would ever have looked twice, which was refused before.
            continue;
        }
        // A run that waits so is under way, and goes on.
        Playbook::from_store(&text).unwrap_or_else(|problem| panic!("{text}\n{problem}"));
    }
}

#[test]
fn the_bound_itself_is_no_mistake() {
    for (right, longest) in [
        ("settle: 6m, within: 12m", "settle: 12h, within: 24h"),
        ("page_by: 10m", "page_by: 1d"),
        ("cooldown: 15m", "cooldown: 30d"),
        ("    undo: never", "    undo: never\n    timeout: 10m\n    retry: { for: 24h }"),
    ] {
        assert_eq!(told(&with(right, longest)), "", "{longest}");
    }
}
