//! Secrets in what people write: `the password is hunter2`, `password for db: hunter2`.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::named::word_length;

/// What is said of a secret more often than that it is this word.
#[rustfmt::skip]
const STATES: &[&str] = &[
    "a", "about", "absent", "access", "again", "all", "already", "also", "always", "an", "and", "any", "as", "at",
    "bad", "because", "being", "but", "by", "cannot", "context", "correct", "could", "credentials", "did", "does",
    "due", "empty", "eof", "error", "expiry", "failure", "for", "forbidden", "from", "going", "gone", "good", "has",
    "have", "how", "illegal", "in", "incorrect", "invalid", "it", "its", "just", "kept", "key", "left", "lost",
    "mandatory", "may", "member", "might", "mine", "mismatch", "must", "needed", "neither", "never", "new", "no",
    "non-existent", "none", "nor", "not", "now", "null", "of", "off", "ok", "okay", "old", "on", "only", "open",
    "optional", "or", "our", "out", "over", "part", "passphrase", "passwd", "password", "passwords", "permission",
    "present", "public", "random", "read", "ready", "same", "secret", "sent", "set", "shown", "signature", "so",
    "stale", "still", "string", "that", "the", "their", "there", "this", "timeout", "to", "token", "too", "typo",
    "unable", "unauthorized", "undefined", "under", "unknown", "unset", "up", "used", "valid", "very", "via",
    "weak", "what", "when", "where", "which", "with", "within", "without", "wrong", "x509", "yes", "yet", "your",
    "yours",
];

/// Whether it says something of a secret instead of being one: `expired`, `missing`, `invalid`.
pub(super) fn is_state(word: &str) -> bool {
    let word = word.trim_end_matches(|c: char| !c.is_alphanumeric()).to_ascii_lowercase();
    let is_plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    word == "x509"
        || is_plain
            && (STATES.contains(&word.as_str())
                || ["ed", "ing", "able", "ible", "ly"].iter().any(|end| word.ends_with(end)))
}

/// Behind these `pass` is what a check does, and no password.
const BEFORE_A_VERB: &[&str] = &[
    "can", "cannot", "could", "did", "do", "does", "may", "might", "must", "neither", "never", "nor", "not", "shall",
    "should", "will", "would",
];

/// Whether the `pass` behind this text is a verb: `does not pass: NXDOMAIN`.
pub(super) fn is_before_a_verb(text: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '’');
    let Some(text) = text.strip_suffix(' ') else { return false };
    let word = text.rsplit(|c| !is_part(c)).next().unwrap_or_default();
    let word = word.to_lowercase().replace('’', "'");
    BEFORE_A_VERB.contains(&word.as_str()) || word.ends_with("n't")
}

/// Whether the value is a plain word that others follow, as in a sentence: no token looks like
/// that.
pub(super) fn reads_on(line: &str, word: usize) -> bool {
    let is_word = |word: &str| {
        let word = word.trim_end_matches([',', ';', '.', ':', ')']);
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_alphabetic())
            && !word[1..].bytes().any(|b| b.is_ascii_uppercase())
    };
    let mut next = line[word..].trim_start_matches([':', ',']).splitn(3, ' ');
    is_word(&line[..word]) && next.next().is_some_and(str::is_empty) && next.next().is_some_and(is_word)
}

/// Whether it has more in it than a word of a language: letters with digits or signs among them.
pub(super) fn is_mixed(word: &str) -> bool {
    let has = |is: fn(&char) -> bool| word.chars().any(|c| is(&c));
    let is_number = word.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b':' | b'/' | b'-' | b'%'));
    word.len() >= 4
        && !is_number
        && has(|c| c.is_alphabetic())
        && has(|c| c.is_ascii_digit() || "!@#$%^&*+?~".contains(*c))
        && !is_host(word)
}

/// `db-7.example.org:5432`, `pod/db-7`, `v1.2.3`.
fn is_host(word: &str) -> bool {
    let plain = word
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b':' | b'/' | b'-' | b'_'));
    plain && word.contains(['.', ':', '/', '-', '_'])
}

const NOUN: &str = r"(?i)\b(?:pass ?word|passwd|passphrase|pass ?code|passwort|pwd|pw|pass|credentials?|creds|api[ -]key|access[ -]key|secret[ -]key|secret|token|pin)\b";

/// `the password is x`, `password for the db: x`, `token was changed to x`.
static SAID: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compile(&format!(
        "{NOUN}{}{}{}",
        r"(?:\s(?:for|of|to|on|at)(?:\s[^\s:=]{1,60}){1,5}?)?",
        r"(?<by>\s(?:is|was|are|were|equals)(?:\snow|\sstill|\sset\sto|\schanged\sto|\sreset\sto)?:?|\s(?:set|changed|reset|rotated)\sto:?|\s?:|\s?=|\s->)",
        r#"\s\\{0,3}["'`“«(]?(?<secret>[^\s"'`”»]{3,200})"#,
    ))
});

/// `password hunter2`, `with the token abc123`.
static PUT_BESIDE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compile(
        r#"(?i)\b(?:password|passwd|passphrase|(?:with|using|use|try)\s(?:the\s)?(?:token|secret|api key))\s\\{0,3}["'`(]?(?<secret>[^\s"'`]{4,200})"#,
    )
});

/// `login app / hunter2`, `credentials: app:hunter2`.
static PAIR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compile(
        r"(?i)\b(?:creds?|credentials?|login|user(?:name)?\s?/\s?pass(?:word)?)\b(?:\s(?:are|is|as|with))?:?\s[\w.@-]{1,64}(?:\s/\s|/|:)(?<secret>[^\s/]{4,200})",
    )
});

fn compile(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).inspect_err(|error| tracing::error!(%error, "a rule of the masking is none")).ok()
}

pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    let mut look = |regex: &Option<Regex>, is_secret: fn(&str) -> bool| {
        for captures in regex.iter().flat_map(|regex| regex.captures_iter(text)) {
            let Some(value) = captures.name("secret") else { continue };
            let secret = value.as_str()[..word_length(value.as_str())].trim_end_matches(':');
            // `decrypting secret: cipher: message authentication failed`.
            let after_colon = captures.name("by").is_some_and(|by| by.as_str().ends_with(':'));
            let line = &text[value.start()..text.floor_char_boundary(value.end() + 100)];
            let noun = captures.get(0).map_or("", |all| all.as_str());
            let is_verb = noun.get(..4).is_some_and(|noun| noun.eq_ignore_ascii_case("pass"))
                && noun[4..].starts_with([' ', ':', '='])
                && !["word", "code"].iter().any(|end| noun[4..].trim_start().starts_with(end))
                && !is_mixed(secret)
                && is_before_a_verb(&text[..captures.get(0).map_or(0, |all| all.start())]);
            if is_secret(secret) && !is_verb && !(after_colon && reads_on(line, value.len())) {
                found.push(value.start()..value.start() + secret.len());
            }
        }
    };
    look(&SAID, |word| word.len() >= 3 && !is_state(word) && !is_host(word));
    look(&PUT_BESIDE, is_mixed);
    look(&PAIR, is_mixed);
}
