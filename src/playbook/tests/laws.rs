//! What holds for every text, however it came about.

use crate::diagnostics::Diagnostic;
use std::path::Path;

use proptest::prelude::*;

use super::{GOOD, Playbook, parse};

/// Pieces that mean something to one of the readers.
const PIECES: [&str; 40] = [
    "{",
    "}",
    "[",
    "]",
    "{{",
    "}}",
    "- ",
    ": ",
    "\n",
    "\n  ",
    "\t",
    "\"",
    "'",
    "#",
    "&a ",
    "*a",
    "!!binary ",
    "? ",
    "| ",
    "> ",
    "---\n",
    "...\n",
    "<<: ",
    "%YAML",
    "@",
    "`",
    "null",
    "~",
    "0x1f",
    ".nan",
    "999999999999999999999",
    "💥",
    "\u{0}",
    "\r",
    "when: ",
    "id: p99\n",
    "k8s.scale: ",
    "p99.value",
    "atomic:\n",
    "now",
];

/// A change to a text, at a place given as a share of its length.
#[derive(Debug, Clone)]
enum Change {
    Insert(f64, &'static str),
    Delete(f64, usize),
    RepeatLine(f64),
    Indent(f64, usize),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0.0..1.0, prop::sample::select(PIECES.as_slice())).prop_map(|(at, piece)| Change::Insert(at, piece)),
        (0.0..1.0, 1usize..40).prop_map(|(at, length)| Change::Delete(at, length)),
        (0.0..1.0).prop_map(Change::RepeatLine),
        (0.0..1.0, 1usize..6).prop_map(|(at, by)| Change::Indent(at, by)),
    ]
}

fn apply(text: &str, change: &Change) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let index = |share: f64, length: usize| ((share * length as f64) as usize).min(length.saturating_sub(1));
    match change {
        Change::Insert(at, piece) => {
            let at = index(*at, chars.len());
            chars.splice(at..at, piece.chars());
            chars.into_iter().collect()
        }
        Change::Delete(at, length) => {
            let at = index(*at, chars.len());
            let end = (at + length).min(chars.len());
            chars.drain(at..end);
            chars.into_iter().collect()
        }
        Change::RepeatLine(at) => {
            let at = index(*at, lines.len());
            if let Some(line) = lines.get(at).cloned() {
                lines.insert(at, line);
            }
            lines.join("\n")
        }
        Change::Indent(at, by) => {
            let at = index(*at, lines.len());
            if let Some(line) = lines.get_mut(at) {
                *line = format!("{}{line}", " ".repeat(*by));
            }
            lines.join("\n")
        }
    }
}

/// Each problem stands in the file and can be shown.
fn is_shown(text: &str, read: &Result<Playbook, Vec<Diagnostic>>) -> Result<(), TestCaseError> {
    let problems = match read {
        Ok(playbook) => &playbook.warnings,
        Err(problems) => problems,
    };
    prop_assert!(read.is_ok() || !problems.is_empty(), "refused without a reason");
    let lines = text.split(['\n', '\r']).count() as u64;
    for problem in problems {
        if problem.place.is_some() {
            prop_assert!((1..=lines).contains(&problem.line()), "line {} of {lines}: {problem}", problem.line());
            prop_assert!(problem.column() >= 1);
        }
        prop_assert!(!problem.message.is_empty());
        let rendered = problem.render(false);
        prop_assert!(!rendered.chars().any(|c| c.is_control() && c != '\n'), "{rendered:?}");
        let _ = problem.render(true);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}|[ a-z:{}\\[\\]\"'\\-\n\t#&*!|>%@`0-9.]{0,200}") {
        is_shown(&text, &parse(&text))?;
    }

    #[test]
    fn a_playbook_that_was_mangled_is_read_or_refused(changes in prop::collection::vec(change(), 1..6)) {
        let text = changes.iter().fold(GOOD.to_owned(), |text, change| apply(&text, change));
        let read = parse(&text);
        is_shown(&text, &read)?;
        // What is read once is read again the same from the store.
        if let Ok(playbook) = read {
            let stored = Playbook::from_store(&playbook.source).unwrap();
            prop_assert_eq!(stored.reference, playbook.reference);
        }
    }
}

#[test]
fn what_is_made_to_hurt_is_refused() {
    let bomb: String =
        (0..9).map(|n| format!("a{}: &a{} [{}]\n", n + 1, n + 1, vec![format!("*a{n}"); 9].join(", "))).collect();
    let texts = [
        "[".repeat(100_000),
        "{a: ".repeat(50_000),
        "- ".repeat(50_000),
        format!("a0: &a0 x\n{bomb}"),
        "a: &a [*a]\n".into(),
        format!("{GOOD}{}", "#".repeat(300 * 1024)),
        format!("{GOOD}\n{}", "  - page: { message: x }\n".repeat(5_000)),
        GOOD.replace("p99.value < 0.1", &"(".repeat(1_000)),
        GOOD.replace("{{p99.value}}", &"{{#if a}}".repeat(1_000)),
        format!("summary: {}", "x".repeat(200_000)),
        GOOD.replace("diagnose:", &format!("mitigat: {}\ndiagnose:", "[".repeat(200))),
        "summary: \"\\".into(),
        "\u{feff}".into(),
    ];
    for text in &texts {
        let problems = parse(text).unwrap_err();
        assert!(!problems.is_empty() && problems.len() < 500, "{} problems", problems.len());
        is_shown(text, &Err(problems)).unwrap();
    }
    assert!(Playbook::parse(Path::new("x.yaml"), "").is_err());
}
