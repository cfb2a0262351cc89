//! Secrets that are known: the bot's own tokens and passwords. They are masked wherever they stand,
//! whatever they look like.

use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};

/// A shorter one would mask half of what people write.
const SHORTEST: usize = 6;

/// One of a process, as there is one environment that its secrets come from: a list that had to be
/// handed to each place that masks would be forgotten at one of them.
static DECLARED: RwLock<Declared> = RwLock::new(Declared { spellings: Vec::new(), automaton: None });

struct Declared {
    spellings: Vec<String>,
    automaton: Option<Arc<AhoCorasick>>,
}

/// From now on [`redact`](super::redact) masks this secret: as it is, in base64, in a URL and in
/// JSON. One of less than six bytes is left to the rules. Repeating it changes nothing.
pub fn declare_secret(secret: &str) {
    if secret.len() < SHORTEST {
        return;
    }
    let mut declared = DECLARED.write().unwrap_or_else(PoisonError::into_inner);
    let known = declared.spellings.len();
    for spelling in spellings(secret) {
        if !declared.spellings.contains(&spelling) {
            declared.spellings.push(spelling);
        }
    }
    if declared.spellings.len() > known {
        // Plain strings, of which there are few: it cannot be too large.
        declared.automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&declared.spellings)
            .inspect_err(|error| tracing::error!(%error, "a declared secret is not masked"))
            .ok()
            .map(Arc::new);
    }
}

pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    let automaton = DECLARED.read().unwrap_or_else(PoisonError::into_inner).automaton.clone();
    if let Some(automaton) = automaton {
        found.extend(automaton.find_iter(text).map(|found| found.range()));
    }
}

/// How a receiver may write it when it echoes what we sent.
fn spellings(secret: &str) -> Vec<String> {
    let percent: String = secret
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    let json = serde_json::Value::from(secret).to_string();
    let mut all = vec![secret.to_owned(), percent.to_lowercase(), percent, json.trim_matches('"').to_owned()];
    all.extend(base64_spellings(secret));
    all
}

/// What its base64 always holds, wherever in a longer text it stands: that depends on how many
/// bytes come before it.
fn base64_spellings(secret: &str) -> Vec<String> {
    let mut all = Vec::new();
    for before in 0..3 {
        let padded = [&b"\0\0"[..before], secret.as_bytes()].concat();
        // The letters at the ends hold bits of its neighbours too.
        let (first, last) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        for code in [BASE64_STANDARD.encode(&padded), BASE64_URL_SAFE.encode(&padded)] {
            all.extend(code.get(first..last).filter(|part| part.len() >= SHORTEST).map(str::to_owned));
        }
    }
    all
}
