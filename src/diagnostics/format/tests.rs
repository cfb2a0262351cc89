use std::path::Path;

use super::*;
use crate::diagnostics::{Location, SourceText};

fn found() -> Vec<Diagnostic> {
    let source = SourceText { path: Path::new("./play books/a,b.yaml"), text: "a: 1\n  retires: 3\n" };
    let first =
        source.error(Code::UnknownField, Location { line: 2, column: 3 }, "unknown field `retires`: 100%\nwrong");
    let path = Path::new("");
    let second = Diagnostic::of_file(DiagnosticSeverity::Warning, Code::Doubtful, path, "nobody listens");
    vec![first.with_remedy("write `retry` instead"), second]
}

#[test]
fn github_shows_it_beside_the_line() {
    insta::assert_snapshot!(github(&found()), @"
    ::error file=./play books/a%2Cb.yaml,line=2,col=3,endColumn=9,title=unknown-field::unknown field `retires`: 100%25 wrong; write `retry` instead
    ::warning title=doubtful::nobody listens
    ");
}

#[test]
fn one_document_holds_them_all() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&json(&found(), 3)).unwrap(), @r#"
    {
      "diagnostics": [
        {
          "code": "unknown-field",
          "column": 3,
          "endColumn": 10,
          "line": 2,
          "message": "unknown field `retires`: 100% wrong",
          "path": "./play books/a,b.yaml",
          "remedy": "write `retry` instead",
          "severity": "error",
          "source": "  retires: 3"
        },
        {
          "code": "doubtful",
          "column": null,
          "endColumn": null,
          "line": null,
          "message": "nobody listens",
          "path": null,
          "remedy": null,
          "severity": "warning",
          "source": null
        }
      ],
      "errors": 1,
      "playbooks": 3,
      "version": 1,
      "warnings": 1
    }
    "#);
}

/// By the required properties and the constants of the schema of SARIF 2.1.0.
#[test]
fn sarif_has_what_the_specification_asks_for() {
    let log = sarif(&found(), "0.1.0");
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let driver = &run["tool"]["driver"];
    assert!(driver["name"].is_string());
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let rules = driver["rules"].as_array().unwrap();
    assert!(rules.iter().all(|rule| rule["id"].is_string() && rule["shortDescription"]["text"].is_string()));
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        assert!(result["message"]["text"].is_string());
        assert!(["none", "note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[rule]["id"], result["ruleId"]);
        for location in result["locations"].as_array().into_iter().flatten() {
            let physical = &location["physicalLocation"];
            let uri = physical["artifactLocation"]["uri"].as_str().unwrap();
            assert!(uri.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"{}|\\^`,".contains(&b)), "{uri}");
            let region = &physical["region"];
            let number = |name: &str| region[name].as_u64().unwrap();
            assert!(
                number("startLine") >= 1 && number("startColumn") >= 1 && number("endColumn") > number("startColumn")
            );
        }
    }
    assert_eq!(results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "play%20books/a%2Cb.yaml");
    assert!(results[1].get("locations").is_none());
}
