//! The table of rules, and how they are looked for: one pass over the text says which rules may
//! find something in it, and only those are tried. Most texts have no word of any.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};
use regex::Regex;

use super::named::is_sensitive;
use super::patterns::PATTERNS;
use super::tokens::{TOKENS, Token};
use super::{blocks, named, prose, urls};

/// What a regular expression finds.
#[cfg_attr(not(test), expect(dead_code, reason = "the name is for readers and for tests that fail"))]
pub(super) struct Pattern {
    /// What it finds.
    pub name: &'static str,
    /// Without one of these in it, in whatever case, a text is not looked at.
    pub hints: &'static [&'static str],
    /// The group `secret` is what is masked. A group `name` must be the name of a secret, `login`
    /// the base64 of a user and a password, `user` no scheme of addresses.
    pub regex: &'static str,
}

/// What needs more than a regular expression.
struct Scan {
    hints: &'static [&'static str],
    find: fn(&str, &mut Vec<Range<usize>>),
}

const SCANS: &[Scan] = &[
    Scan {
        hints: &[
            "pass",
            "pwd",
            "wort",
            "secret",
            "token",
            "key",
            "credential",
            "authorization",
            "cookie",
            "sessionid",
            "sessid",
            "otp",
            "connectionstring",
            "connection_string",
            "connection-string",
        ],
        find: named::find,
    },
    Scan {
        hints: &["pass", "pwd", "pw", "wort", "secret", "token", "key", "cred", "pin", "login", "user"],
        find: prose::find,
    },
    Scan { hints: &["://"], find: urls::find },
    Scan { hints: &["private key"], find: blocks::private_keys },
    Scan { hints: &["kind"], find: blocks::kubernetes_secrets },
];

/// What a hint is of.
#[derive(Clone, Copy)]
enum Hint {
    Scan(usize),
    Pattern(usize),
    /// A token begins there.
    Token(&'static Token),
}

struct Table {
    hints: Vec<Hint>,
    automaton: AhoCorasick,
    regexes: Vec<OnceLock<Option<Regex>>>,
}

static TABLE: LazyLock<Option<Table>> = LazyLock::new(|| {
    let (mut hints, mut words) = (Vec::new(), Vec::new());
    let mut add = |of: Hint, of_it: &[&'static str]| {
        for word in of_it {
            hints.push(of);
            words.push(*word);
        }
    };
    for (n, scan) in SCANS.iter().enumerate() {
        add(Hint::Scan(n), scan.hints);
    }
    for (n, pattern) in PATTERNS.iter().enumerate() {
        add(Hint::Pattern(n), pattern.hints);
    }
    for token in TOKENS {
        add(Hint::Token(token), &[token.begins]);
    }
    let automaton =
        AhoCorasick::builder().ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA)).build(words).ok()?;
    Some(Table { hints, automaton, regexes: PATTERNS.iter().map(|_| OnceLock::new()).collect() })
});

/// Everything that a rule of the table finds.
pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    // The table is a constant; a test builds it.
    let Some(table) = TABLE.as_ref() else { return };
    let (mut scans, mut patterns) = (0_u64, 0_u128);
    for hit in table.automaton.find_overlapping_iter(text) {
        match table.hints[hit.pattern().as_usize()] {
            Hint::Scan(n) => scans |= 1 << n,
            Hint::Pattern(n) => patterns |= 1 << n,
            Hint::Token(token) => found.extend(token.at(text, hit.start())),
        }
    }
    for scan in SCANS.iter().enumerate().filter(|(n, _)| scans & (1 << n) != 0).map(|(_, scan)| scan) {
        (scan.find)(text, found);
    }
    for (n, pattern) in PATTERNS.iter().enumerate().filter(|(n, _)| patterns & (1 << n) != 0) {
        let regex = table.regexes[n].get_or_init(|| Regex::new(pattern.regex).ok());
        for captures in regex.iter().flat_map(|regex| regex.captures_iter(text)) {
            let holds = |group, is: fn(&str) -> bool| {
                captures.name(group).is_none_or(|found| is(found.as_str().trim_end_matches('\\')))
            };
            let is_one = holds("name", is_sensitive) && holds("login", is_login) && holds("user", is_user);
            // A backslash before the closing quote belongs to that.
            let secret = captures.name("secret").filter(|_| is_one);
            found.extend(
                secret.map(|secret| secret.start()..secret.start() + secret.as_str().trim_end_matches('\\').len()),
            );
        }
    }
}

/// `YXBwOmh1bnRlcjI=` is `app:hunter2`, and `authentication` is nothing of the kind.
fn is_login(code: &str) -> bool {
    const ANY_PADDING: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);
    engine.decode(code).is_ok_and(|bytes| bytes.contains(&b':') && str::from_utf8(&bytes).is_ok())
}

/// `mailto:alice@example.org` is an address.
fn is_user(name: &str) -> bool {
    !["mailto", "sip", "sips", "xmpp", "acct", "im", "pres", "ssh", "git"].contains(&name)
}

#[cfg(test)]
pub(super) fn is_sound() -> Result<(), String> {
    if SCANS.len() > 64 || PATTERNS.len() > 128 || TABLE.is_none() {
        return Err("the table is too large".to_owned());
    }
    if let Some(token) = TOKENS.iter().find(|token| token.least < 16 || token.name.is_empty()) {
        return Err(format!("{}: words begin like that", token.begins));
    }
    for pattern in PATTERNS {
        let regex = Regex::new(pattern.regex).map_err(|error| format!("{}: {error}", pattern.name))?;
        if !regex.capture_names().flatten().any(|name| name == "secret") {
            return Err(format!("{}: it masks nothing", pattern.name));
        }
    }
    Ok(())
}
