//! Characters that show the reader something else than stands there.

use super::*;

fn told(text: &str) -> Vec<String> {
    let problems = parse(text).map_or_else(|problems| problems, |playbook| playbook.warnings);
    let severity = |problem: &crate::diagnostics::Diagnostic| problem.severity.word();
    problems.iter().map(|problem| format!("{} {problem}", severity(problem))).collect()
}

#[test]
fn what_turns_the_text_is_refused() {
    let text = with("summary: CoreDNS has", "summary: CoreDNS \u{202e}has");
    assert_eq!(
        told(&text),
        [
            "error playbooks/coredns.yaml:4:18: a right-to-left override (U+202E) stands here; take it out: what stands behind it is shown in \
             another order than it is read by the bot"
        ]
    );
    assert!(parse(&text).is_err());
    // A run that was pinned to it goes on.
    Playbook::from_store(&text).unwrap();
    let in_a_comment = with("autonomy: auto", "autonomy: auto # \u{2066}approve");
    assert!(told(&in_a_comment)[0].starts_with("error playbooks/coredns.yaml:6:18: a left-to-right isolate (U+2066)"));
}

#[test]
fn what_nobody_sees_is_warned_of() {
    let text = with("alert: CoreDNSLatencyHigh", "alert: CoreDNS\u{200b}LatencyHigh");
    assert_eq!(
        told(&text),
        [
            "warning playbooks/coredns.yaml:9:19: a zero-width space (U+200B) stands here; take it out; where it is meant, write `\\u200B` \
             in double quotes"
        ]
    );
    let text = with("the latency is back", "the\u{a0}latency is back");
    assert_eq!(
        told(&text),
        [
            "warning playbooks/coredns.yaml:20:17: a no-break space (U+00A0) stands here; write a usual space; where it is meant, write \
             `\\u00A0` in double quotes"
        ]
    );
    assert_eq!(told(&with("the latency is back to normal", "\"the\\u00A0latency is \\u200bback\"")), [""; 0]);
}

/// The mistake that it leads to says what it is, and nothing says so again.
#[test]
fn one_character_is_told_once() {
    let said = told(&with("severity: S2", "severity:\u{a0}S2"));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("error playbooks/coredns.yaml:5:10: a no-break space (U+00A0) stands here"),
        "{said:?}"
    );
    let said = told(&with("severity: S2", "severity: S\u{200b}2"));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("error playbooks/coredns.yaml:5:12: a zero-width space (U+200B)"), "{said:?}");
}

#[test]
fn words_of_all_scripts_and_emoji_are_as_they_are() {
    for words in [
        "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{5dc}\u{5db}\u{5dc}",
        "\u{645}\u{6cc}\u{200c}\u{62e}",
        "\u{1f468}\u{200d}\u{1f692} caf\u{e9}",
    ] {
        assert_eq!(told(&with("the latency is back to normal", words)), [""; 0], "{words}");
    }
}

#[test]
fn a_file_full_of_them_is_told_in_few_lines() {
    let text = with("the latency is back to normal", &format!("|-\n{}", "      a\u{a0}b\n".repeat(500)));
    let said = told(&text);
    assert_eq!(said.len(), 20, "{said:#?}");
    assert!(said[19].contains("a no-break space (U+00A0) stands here, and 480 more lines have such"), "{}", said[19]);
}
