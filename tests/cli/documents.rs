//! The documents: what stands in them as a file loads, and what is typed says what they show.

use std::fs;
use std::path::Path;

use super::*;

/// A fenced block: what stands behind its language, and its text.
struct Block {
    language: String,
    about: String,
    text: String,
    line: usize,
}

fn blocks(document: &str) -> Vec<Block> {
    let text = fs::read_to_string(root().join("docs").join(document)).unwrap();
    let mut found: Vec<Block> = Vec::new();
    let mut is_open = false;
    for (line, text) in text.lines().enumerate() {
        match text.strip_prefix("```") {
            Some(_) if is_open => is_open = false,
            Some(head) => {
                let (language, about) = head.split_once(' ').unwrap_or((head, ""));
                found.push(Block {
                    language: language.into(),
                    about: about.into(),
                    text: String::new(),
                    line: line + 1,
                });
                is_open = true;
            }
            None if is_open => {
                let block = found.last_mut().unwrap();
                block.text.push_str(text);
                block.text.push('\n');
            }
            None => {}
        }
    }
    assert!(!is_open, "a block of {document} is not closed");
    found
}

/// The parts at the margin, each with its key.
fn parts(yaml: &str) -> Vec<(String, String)> {
    let mut parts: Vec<(String, String)> = Vec::new();
    for line in yaml.lines() {
        let is_key = line.starts_with(|c: char| c.is_ascii_alphabetic());
        match parts.last_mut() {
            Some((_, part)) if !is_key => part.push_str(&format!("{line}\n")),
            _ => parts.push((line.split(':').next().unwrap().to_owned(), format!("{line}\n"))),
        }
    }
    parts
}

#[test]
fn what_the_page_of_the_language_shows_is_the_language() {
    let blocks: Vec<Block> = blocks("language.md").into_iter().filter(|block| block.language == "yaml").collect();
    assert!(blocks.len() >= 9, "{}", blocks.len());
    let whole = parts(&blocks[0].text);
    for block in &blocks {
        // What it does not say is as in the whole one.
        let own = parts(&block.text);
        let text: String = whole
            .iter()
            .map(|(key, part)| own.iter().find(|(own, _)| own == key).map_or(part, |(_, part)| part).as_str())
            // Steps of other phases may be about names that the block does not have.
            .collect();
        let shown = |key: &str| own.iter().any(|(own, _)| own == key);
        let text = if shown("diagnose") && !shown("mitigate") { without(&text, "mitigate") } else { text };
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("playbooks")).unwrap();
        fs::write(dir.path().join("playbooks/shown.yaml"), &text).unwrap();
        let hands_over = text.contains("hand_over_to");
        if hands_over {
            fs::write(dir.path().join("playbooks/pod-crashes.yaml"), CRASHES).unwrap();
        }
        let said = dogwatch(dir.path(), &["check"], &[]);
        let playbooks = if hands_over { "2 playbooks" } else { "1 playbook" };
        let right = format!("{playbooks} without errors; 0 errors, 0 warnings\n");
        assert_eq!(said.out, right, "line {}:\n{text}", block.line);
    }
}

/// What the page hands over to.
const CRASHES: &str = "apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: pod-crashes, version: 1.0.0, owner: web }
summary: pods crash
severity: S2
autonomy: observe
target: { kind: Deployment, namespace: front, name: front }
inputs: { most: { type: integer } }
escalate:
  - page: { message: help }
";

fn without(yaml: &str, key: &str) -> String {
    let kept = parts(yaml).into_iter().filter(|(own, _)| own != key);
    // The escalation may speak of what was changed.
    kept.map(|(own, part)| if own == "escalate" { "escalate:\n  - page: { message: help }\n".to_owned() } else { part })
        .collect()
}

/// Writes the files and types the commands, in their order. With `UPDATE_DOCS`, writes down what they say.
#[test]
fn the_tutorial_can_be_followed() {
    let dir = tempfile::tempdir().unwrap();
    let path = root().join("docs/tutorial.md");
    let mut document = fs::read_to_string(&path).unwrap();
    let mut typed = 0;
    for block in blocks("tutorial.md") {
        if block.language == "yaml" {
            let file = dir.path().join(&block.about);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, &block.text).unwrap();
            continue;
        }
        assert_eq!(block.language, "console", "line {}", block.line);
        let (command, shown) = block.text.split_once('\n').unwrap();
        let said = typed_in(dir.path(), command);
        typed += 1;
        if std::env::var_os("UPDATE_DOCS").is_some() {
            document = document.replacen(&format!("{command}\n{shown}```"), &format!("{command}\n{said}```"), 1);
        } else {
            assert_eq!(said, shown, "line {}: {command}", block.line);
        }
    }
    assert!(typed >= 5, "{typed}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, document).unwrap();
    }
}

fn typed_in(dir: &Path, command: &str) -> String {
    let words: Vec<&str> = command.strip_prefix("$ dogwatch ").unwrap().split(' ').collect();
    let said = dogwatch(dir, &words, &[]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{command}: {}", said.out);
    said.out
}
