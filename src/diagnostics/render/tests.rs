use std::path::Path;

use proptest::prelude::*;

use crate::diagnostics::{Code, DiagnosticSeverity, Location, Place, SourceText};

fn at(line: u64, column: u64) -> Location {
    Location { line, column }
}

#[test]
fn a_file_as_a_whole_has_no_line() {
    let wrong = SourceText { path: Path::new("a.yaml"), text: "" }.error_of_file(Code::EmptyFile, "the file is empty");
    let wrong = wrong.with_remedy("begin with `apiVersion: dogwatch/v1`");
    insta::assert_snapshot!(wrong.render(false), @"
    error[empty-file]: the file is empty
    --> a.yaml
     = help: begin with `apiVersion: dogwatch/v1`
    ");
    assert_eq!(wrong.to_string(), "a.yaml: the file is empty; begin with `apiVersion: dogwatch/v1`");
}

#[test]
fn wide_letters_keep_the_mark_where_it_belongs() {
    let source = SourceText { path: Path::new("a.yaml"), text: "name: 東京 wrong\n" };
    insta::assert_snapshot!(source.error(Code::UnknownName, at(1, 10), "this is wrong").render(false), @"
    error[unknown-name]: this is wrong
     --> a.yaml:1:10
      |
    1 | name: 東京 wrong
      |            ^^^^^
    ");
}

#[test]
fn a_place_that_is_masked_has_no_mark() {
    let text = "env: { password: hunter2hunter2, nonsense: 1 }";
    let source = SourceText { path: Path::new("a.yaml"), text };
    let said = source.error(Code::UnknownField, source.find(at(1, 1), "nonsense"), "unknown").render(false);
    assert!(said.contains("***") && !said.contains('^'), "{said}");
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,40}",
        "\\PC{0,400}",
        proptest::collection::vec(any::<char>(), 0..200).prop_map(String::from_iter)
    ]
}

proptest! {
    #[test]
    fn any_text_and_any_place_can_be_shown(
        text in proptest::collection::vec(line(), 0..4).prop_map(|lines| lines.join("\n")),
        (line, column) in (0_u64..6, prop_oneof![0_u64..500, Just(u64::MAX)]),
        (message, remedy, path) in (line(), line(), line()),
        width in 0_usize..1_000,
        is_odd: bool,
    ) {
        let source = SourceText { path: Path::new(&path), text: &text };
        let mut wrong = source.error(Code::InvalidYaml, at(line, column), message).with_remedy(remedy);
        if is_odd {
            wrong = source.named_odd(wrong);
        }
        for width in [wrong.place.as_ref().unwrap().width, width] {
            wrong.place.as_mut().unwrap().width = width;
            let shown = wrong.render(false);
            let is_moving = |c: char| c.is_control() && c != '\n';
            prop_assert!(!shown.contains(is_moving), "{:?}", shown);
            prop_assert!(!wrong.to_string().contains(char::is_control));
            let is_coloured = wrong.render(true).starts_with(char::from(27));
            prop_assert!(is_coloured);
        }
    }

    /// A place that was not made by a source may point anywhere.
    #[test]
    fn any_place_at_all_can_be_shown(snippet in line(), line: u64, column: u64, width: usize) {
        let source = SourceText { path: Path::new("a.yaml"), text: "" };
        let mut wrong = source.error_of_file(Code::InvalidYaml, "wrong");
        wrong.severity = DiagnosticSeverity::Warning;
        // More lines than any file has would widen the margin for ever.
        wrong.place = Some(Box::new(Place { line: line % 1_000_000, column, width, snippet }));
        let shown = wrong.render(false);
        prop_assert!(shown.lines().all(|line| line.chars().count() < 300), "{}", shown);
    }
}

#[test]
fn a_line_of_ten_thousand_characters_is_cut_around_the_place() {
    let text = format!("a: {}wrong{}", "x".repeat(5_000), "y".repeat(5_000));
    let source = SourceText { path: Path::new("a.yaml"), text: &text };
    let shown = source.error(Code::UnknownName, at(1, 5_004), "this").render(false);
    assert!(shown.contains("wrongyyy") && shown.contains("a.yaml:1:5004"), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() < 140), "{shown}");
}
