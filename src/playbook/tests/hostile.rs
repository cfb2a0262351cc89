//! A hundred hostile files: each is refused, or read, within bounds, and what is wrong with it has a place.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::{GOOD, parse};
use crate::diagnostics::Diagnostic;

/// More is read by nobody.
const MOST_PROBLEMS: usize = 101;
const LARGEST_PROBLEM: usize = 8 * 1024;
/// Of all that is said of one file.
const LARGEST_REPORT: usize = 64 * 1024;

/// The good playbook with this in the place of that.
fn put(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "{old}");
    GOOD.replacen(old, new, 1)
}

fn condition(text: &str) -> String {
    put("- done_if: p99.value < 0.1\n", &format!("- done_if: {}\n", serde_json::Value::from(text)))
}

fn message(text: &str) -> String {
    put("\"CoreDNS p99 is {{p99.value}}s; {{scale.summary}}\"", &serde_json::Value::from(text).to_string())
}

fn query(text: &str) -> String {
    let old = "\"histogram_quantile(0.99, sum by (le) (rate(coredns_dns_request_duration_seconds_bucket[5m])))\"";
    put(old, &serde_json::Value::from(text).to_string())
}

fn steps(text: &str) -> String {
    put("diagnose:\n", &format!("diagnose:\n{text}"))
}

fn around(open: &str, inner: &str, close: &str, times: usize) -> String {
    format!("{}{inner}{}", open.repeat(times), close.repeat(times))
}

/// Each kind of hostility, in some sizes.
fn files() -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, of: &dyn Fn(usize) -> String, sizes: &[usize]| {
        files.extend(sizes.iter().map(|size| (format!("{name}, {size}"), of(*size))));
    };
    add("nested lists", &|n| format!("{GOOD}extra: {}\n", around("[", "1", "]", n)), &[10, 500, 20_000]);
    add("nested mappings", &|n| format!("{GOOD}extra: {}\n", around("{a: ", "1", "}", n)), &[10, 500, 20_000]);
    add(
        "nested groups",
        &|n| put("mitigate:\n", &format!("mitigate:\n  - {}\n", around("atomic: [{", "wait: 1s", "}]", n))),
        &[2, 40, 2_000],
    );
    add(
        "nested branches",
        &|n| {
            steps(&format!(
                "  - {}\n",
                around(
                    "choose: [{branch: a, when: 'alert.name == \"x\"', do: [{",
                    "wait: 1s",
                    "}]}, {otherwise: b, go_on: c}]",
                    n
                )
            ))
        },
        &[2, 12, 400],
    );
    add("steps", &|n| steps(&"  - wait: 1s\n".repeat(n)), &[201, 2_000, 10_000]);
    add("steps without an action", &|n| steps(&"  - id: x\n".repeat(n)), &[50, 199]);
    add("one id for all", &|n| steps(&"  - { id: p99, k8s.pods: {} }\n".repeat(n)), &[3, 199]);
    add("keys", &|n| (0..n).fold(GOOD.to_owned(), |text, key| format!("{text}key{key}: {key}\n")), &[30, 3_000]);
    add("a key again and again", &|n| format!("{GOOD}{}", "summary: again\n".repeat(n)), &[2, 1_000]);
    add(
        "inputs",
        &|n| {
            put(
                "inputs:\n",
                &format!("inputs:\n{}", (0..n).map(|i| format!("  i{i}: {{ type: what }}\n")).collect::<String>()),
            )
        },
        &[100, 2_000],
    );
    add("triggers", &|n| put("triggers:\n", &format!("triggers:\n{}", "  - alert: A\n".repeat(n))), &[50, 300]);
    add("a text without end", &|n| message(&"x".repeat(n)), &[17 * 1024, 300 * 1024]);
    add("a text of holes", &|n| message(&"{{p99.value}}".repeat(n)), &[500, 5_000]);
    add("a text of blocks", &|n| message(&around("{{#if p99}}", "x", "{{/if}}", n)), &[10, 70, 1_000]);
    add("blocks that are not closed", &|n| message(&"{{#each a}}".repeat(n)), &[1, 60, 1_000]);
    add(
        "a text that names itself",
        &|n| {
            put(
                "- done_if",
                &format!("- id: me\n    k8s.get: {{ kind: Pod, name: '{}' }}\n  - done_if", "{{me.me}}".repeat(n)),
            )
        },
        &[1, 50],
    );
    add("brackets in a text", &|n| message(&format!("{{{{lookup {} }}}}", around("(a ", "b", ")", n))), &[5, 63, 500]);
    add("a condition of brackets", &|n| condition(&around("(", "p99.value < 1", ")", n)), &[10, 60, 2_000]);
    add("a condition of lists", &|n| condition(&format!("{} == p99.value", around("[", "1", "]", n))), &[10, 60]);
    add("a condition of operators", &|n| condition(&vec!["p99.value < 1"; n].join(" && ")), &[50, 150, 5_000]);
    add("a condition of negations", &|n| condition(&format!("{}(p99.value < 1)", "!".repeat(n))), &[50, 390, 1_500]);
    add("a condition of loops", &|n| condition(&around("p99.samples.all(x, ", "x.value > 0", ")", n)), &[2, 3, 30]);
    add("a condition of fields", &|n| condition(&format!("target{} == 1", ".a".repeat(n))), &[20, 390, 900]);
    add(
        "a regular expression that takes long",
        &|n| condition(&format!("alert.name.matches('{}')", around("(", "a+", ")+", n))),
        &[5, 30, 300],
    );
    add(
        "a regular expression that is large",
        &|n| condition(&format!("alert.name.matches('(a{{{n}}}){{{n}}}')")),
        &[10, 900, 99_999],
    );
    add("a query of brackets", &|n| query(&around("(", "x", ")", n)), &[10, 39, 5_000]);
    add("a query of operators", &|n| query(&vec!["x"; n].join(" + ")), &[100, 5_000]);
    add("a query of powers", &|n| query(&vec!["x"; n].join(" ^ ")), &[30, 5_000]);
    add("a query of subqueries", &|n| query(&format!("max_over_time(x{})", "[5m:1m]".repeat(n))), &[1, 500]);
    add("a query of open brackets", &|n| query(&"sum(".repeat(n)), &[3, 3_000]);
    add("a query of open quotes", &|n| query(&"x{a=\"".repeat(n)), &[1, 3_000]);
    add("aliases of aliases", &bomb, &[3, 9, 30]);
    add("anchors", &|n| (0..n).fold(GOOD.to_owned(), |text, i| format!("{text}a{i}: &a{i} 1\n")), &[10, 2_000]);
    add("an alias of itself", &|n| format!("{GOOD}a: {}&a *a\n", " ".repeat(n)), &[1]);
    add("merge keys", &|n| format!("{GOOD}a: &a {{ b: c }}\n{}", "d: { <<: *a }\n".repeat(n)), &[1, 20]);
    add("documents", &|n| format!("{GOOD}{}", "---\na: b\n".repeat(n)), &[1, 500]);
    add("digits", &|n| put("maximum: 50", &format!("maximum: {}", "9".repeat(n))), &[20, 400, 20_000]);
    add("a duration of digits", &|n| put("settle: 6m", &format!("settle: {}h", "9".repeat(n))), &[10, 5_000]);
    add("replicas", &|n| put("by: 50%", &format!("by: {}", "9".repeat(n))), &[5, 30, 3_000]);
    add("a name", &|n| put("name: coredns-saturated", &format!("name: {}", "a".repeat(n))), &[64, 50_000]);
    add("spaces", &|n| put("summary: ", &format!("summary: {}", " ".repeat(n))), &[1_000, 100_000]);
    add("tabs", &|n| put("    k8s.scale", &format!("{}k8s.scale", "\t".repeat(n))), &[1, 500]);
    add(
        "nothing in the middle",
        &|n| put("summary: CoreDNS", &format!("summary: Core{}DNS", "\0".repeat(n))),
        &[1, 500],
    );
    add("letters that turn the line", &|n| put("id: p99", &format!("id: p{}99", "\u{202e}".repeat(n))), &[1, 50]);
    add(
        "letters that nobody sees",
        &|n| put("severity: S2", &format!("sever{}ity: S2", "\u{200b}".repeat(n))),
        &[1, 50],
    );
    add("other line ends", &|n| GOOD.replace('\n', ["\r", "\r\n", "\u{2028}", "\u{85}"][n]) + "x: y", &[0, 1, 2, 3]);
    add("a byte order mark", &|n| "\u{feff}".repeat(n) + &put("severity: S2", "severity: S9"), &[1, 2]);
    add("tags", &|n| put("severity: S2", &format!("severity: {}S2", "!!binary ".repeat(n))), &[1, 200]);
    add("comments", &|n| format!("{}\n{}", "# x\n".repeat(n), put("severity: S2", "severity: S9")), &[100, 50_000]);
    add("the last half is missing", &|n| GOOD.chars().take(GOOD.len() * n / 10).collect(), &[2, 4, 6, 8, 9]);
    add("letters at random", &|n| noise(n as u64), &[1, 2, 3, 4, 5, 6, 7, 8]);
    files
}

fn bomb(levels: usize) -> String {
    let lines = (1..=levels).map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(", ")));
    format!("{GOOD}a0: &a0 [x, x]\n{}", lines.collect::<String>())
}

/// The good playbook with letters that were written over.
fn noise(seed: u64) -> String {
    let mut random = StdRng::seed_from_u64(seed);
    let mut letters: Vec<char> = GOOD.chars().collect();
    for _ in 0..20 {
        let at = random.random_range(60..letters.len());
        letters[at] = *[':', '{', '}', '-', '"', '\t', '\n', '&', '*', '🦀', '\u{7f}', '%']
            .get(random.random_range(0..12))
            .unwrap();
    }
    letters.into_iter().collect()
}

/// Whether somebody who reads it finds the place.
fn is_located(problem: &Diagnostic) -> bool {
    // Of a file as a whole: too large, empty, several documents.
    problem.place.as_ref().is_none_or(|place| place.line >= 1 && place.column >= 1)
}

#[test]
fn each_is_bounded_and_located() {
    let files = files();
    assert!(files.len() >= 100, "{}", files.len());
    let mut refused = 0;
    for (name, text) in files {
        let problems = match parse(&text) {
            Ok(playbook) => playbook.warnings,
            Err(problems) => {
                assert!(problems.iter().any(Diagnostic::is_error), "{name}: refused without a reason");
                refused += 1;
                problems
            }
        };
        assert!(problems.len() <= MOST_PROBLEMS, "{name}: {} problems", problems.len());
        for problem in &problems {
            assert!(is_located(problem), "{name}: {problem:?}");
            let shown = problem.render(false);
            assert!(shown.len() <= LARGEST_PROBLEM, "{name}: {} bytes: {:.300}", shown.len(), shown);
            assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{name}: {shown:?}");
        }
        let shown: usize = problems.iter().map(|problem| problem.render(false).len()).sum();
        assert!(shown <= LARGEST_REPORT, "{name}: {shown} bytes of problems");
    }
    assert!(refused >= 90, "{refused}");
}
