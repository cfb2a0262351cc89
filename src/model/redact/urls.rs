//! Secrets in URLs: `postgres://user:password@host`, `https://token@host`.

use std::ops::Range;

/// No URL is longer; without a bound, a text of nothing but URLs is read over and over.
const LONGEST: usize = 2_048;

pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`' | '\\');
    let mut end = 0;
    for (at, _) in text.match_indices("://") {
        let start = at + 3;
        if start > end || end == 0 {
            end = text[start..].find(ends).map_or(text.len(), |length| start + length);
        }
        let url = &text[start..text.floor_char_boundary(end.min(start + LONGEST))];
        found.extend(userinfo(url).map(|range| start + range.start..start + range.end));
    }
}

/// The secret part of what stands before the `@`.
fn userinfo(url: &str) -> Option<Range<usize>> {
    let authority = &url[..url.find(['/', '?', '#']).unwrap_or(url.len())];
    // A password with a slash in it makes the host's port look like a word; then the last `@` of
    // all is meant.
    let looks_cut = authority
        .split_once(':')
        .is_some_and(|(_, port)| port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()));
    let at_sign = authority.rfind('@').or_else(|| if looks_cut { url.rfind('@') } else { None })?;
    match url[..at_sign].find(':') {
        Some(colon) => Some(colon + 1..at_sign),
        // `https://0123456789abcdef@sentry.example/7`: nobody is called that.
        None => {
            let is_token =
                at_sign >= 20 && url[..at_sign].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
            is_token.then_some(0..at_sign)
        }
    }
}
