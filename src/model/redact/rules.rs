//! Where the secrets are.

use std::ops::Range;

use super::MASK;

/// The ranges of all that looks like a secret, in no order; they may overlap. What is masked already is left out.
pub(super) fn secrets(text: &str) -> Vec<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let mut found = Vec::new();
    private_keys(text, &mut found);
    url_passwords(text, &mut found);
    named_values(text, &mut found);
    bearer_tokens(text, &lower, &mut found);
    known_shapes(text, &mut found);
    webhooks(text, &lower, &mut found);
    found.retain(|range| {
        let secret = text[range.clone()].trim();
        !secret.is_empty() && secret != MASK
    });
    found
}

/// Whether a field of that name holds a secret: `PGPASSWORD`, `client-secret`, `spring.datasource.password`, but not `secretName`,
/// `password_file` or `PWD`.
pub(super) fn is_sensitive(name: &str) -> bool {
    const ENDS: &[&str] = &[
        "password",
        "passwd",
        "passphrase",
        "secret",
        "token",
        "apikey",
        "accesskey",
        "accountkey",
        "secretkey",
        "privatekey",
        "signingkey",
        "encryptionkey",
        "s3key",
        "keydata",
        "credential",
        "credentials",
        "authorization",
        "cookie",
    ];
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    let last = name.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let is_word = last.eq_ignore_ascii_case("pass") || (last.eq_ignore_ascii_case("pwd") && plain != "pwd");
    is_word || ENDS.iter().any(|end| plain.ends_with(end)) && last.chars().any(|c| c.is_ascii_alphabetic())
}

fn private_keys(text: &str, found: &mut Vec<Range<usize>>) {
    let mut from = 0;
    while let Some(label) = text[from..].find("-----BEGIN ").map(|at| from + at + "-----BEGIN ".len()) {
        from = label;
        let name = run_of(&text[label..], |c| c.is_ascii_uppercase() || c == ' ');
        let start = label + name.len() + "-----".len();
        if name.contains("PRIVATE KEY") && text[label + name.len()..].starts_with("-----") {
            let end = text[start..].find("-----END").map_or(text.len(), |at| at + start);
            found.push(start..end);
            from = end;
        }
    }
}

/// `postgres://user:password@host`.
fn url_passwords(text: &str, found: &mut Vec<Range<usize>>) {
    // No URL is longer; without a bound, a text of nothing but URLs is read over and over.
    const LONGEST: usize = 4_096;
    for (at, _) in text.match_indices("://") {
        let start = at + 3;
        let rest = &text[start..];
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`');
        let end = rest.char_indices().find(|(at, c)| ends(*c) || *at >= LONGEST).map_or(rest.len(), |(at, _)| at);
        let url = &rest[..end];
        let authority = &url[..url.find(['/', '?', '#']).unwrap_or(url.len())];
        // A password with a slash in it makes the host's port look like a word; then the last `@` of all is meant.
        let looks_cut = authority
            .split_once(':')
            .is_some_and(|(_, port)| port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()));
        let at_sign = authority.rfind('@').or_else(|| if looks_cut { url.rfind('@') } else { None });
        if let Some(at_sign) = at_sign
            && let Some(colon) = url[..at_sign].find(':')
        {
            found.push(start + colon + 1..start + at_sign);
        }
    }
}

fn bearer_tokens(text: &str, lower: &str, found: &mut Vec<Range<usize>>) {
    for (at, word) in lower.match_indices("bearer ") {
        let start = at + word.len();
        let token = run_of(&text[start..], |c| c.is_ascii_alphanumeric() || "._~+/=-".contains(c));
        // "bearer authentication" is prose.
        if token.len() >= 20 || (token.len() >= 8 && token.bytes().any(|byte| byte.is_ascii_digit())) {
            found.push(start..start + token.len());
        }
    }
}

/// Tokens that say by their first letters what they are.
fn known_shapes(text: &str, found: &mut Vec<Range<usize>>) {
    const PREFIXES: &[&str] = &[
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "glpat-",
        "xoxa-",
        "xoxb-",
        "xoxp-",
        "xoxr-",
        "xoxs-",
        "hvs.",
        "AGE-SECRET-KEY-1",
        // A PEM file in base64.
        "LS0tLS1CRUdJTi",
    ];
    let mut at = 0;
    while at < text.len() {
        let word = run_of(&text[at..], |c| c.is_ascii_alphanumeric() || "_-.+/=".contains(c));
        if word.is_empty() {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
            continue;
        }
        // Within paths and assignments the token is the part after the last separator that it cannot hold.
        for prefix in PREFIXES {
            if let Some(start) = word.find(prefix)
                && word.len() - start >= prefix.len() + 16
            {
                found.push(at + start..at + word.len());
            }
        }
        let part = word.rsplit('=').next().unwrap_or(word);
        if is_aws_key(part) || is_jwt(part) || is_discord_token(part) {
            found.push(at + word.len() - part.len()..at + word.len());
        }
        at += word.len();
    }
}

fn is_aws_key(word: &str) -> bool {
    (word.starts_with("AKIA") || word.starts_with("ASIA"))
        && word.len() == 20
        && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Kubernetes' service account tokens are of this shape.
fn is_jwt(word: &str) -> bool {
    word.starts_with("eyJ") && word.len() >= 30 && word.matches('.').count() >= 2
}

fn is_discord_token(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    matches!(parts.as_slice(), [id, time, hmac]
        if (23..=28).contains(&id.len()) && (6..=7).contains(&time.len()) && hmac.len() >= 27)
}

/// Whoever has the address of a chat's webhook may write there.
fn webhooks(text: &str, lower: &str, found: &mut Vec<Range<usize>>) {
    for host in ["discord.com/api/webhooks/", "discordapp.com/api/webhooks/", "hooks.slack.com/services/"] {
        for (at, _) in lower.match_indices(host) {
            let start = at + host.len();
            let path = run_of(&text[start..], |c| c.is_ascii_alphanumeric() || "/_-".contains(c));
            found.push(start..start + path.len());
        }
    }
}

/// `password=x`, `"password": "x"`, `--password x`, `PASSWORD 'x'`, `name: PGPASSWORD, value: x`, `Authorization: Bearer x`.
fn named_values(text: &str, found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while at < text.len() {
        let name = run_of(&text[at..], |c| c.is_ascii_alphanumeric() || "_.-".contains(c));
        if name.is_empty() {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
            continue;
        }
        let end = at + name.len();
        let value = if is_sensitive(name) { value_start(text, name, end) } else { None };
        let value = value.map(|start| value_range(text, at, name, start));
        at = value.as_ref().map_or(end, |value| value.end.max(end));
        found.extend(value);
    }
}

/// Where the value of the name that ends at `end` begins, if it has one.
fn value_start(text: &str, name: &str, end: usize) -> Option<usize> {
    let after = &text[end..];
    let quoted = after.trim_start_matches('\\');
    let closed = quoted.strip_prefix(['"', '\'']).unwrap_or(after);
    let spaced = closed.trim_start_matches([' ', '\t']);
    let separated = ["=>", ":=", "==", "=", ":"].iter().find_map(|separator| spaced.strip_prefix(separator));
    let value = match separated {
        Some(value) => value.trim_start_matches([' ', '\t']),
        None if name.starts_with("--") && spaced.len() < after.len() => spaced,
        None if name.to_ascii_lowercase().ends_with("password") && spaced.starts_with('\'') => spaced,
        None => environment_value(after)?,
    };
    Some(text.len() - value.len())
}

/// After the name of an environment variable, in JSON or YAML: what its `value` is.
fn environment_value(after: &str) -> Option<&str> {
    let filler = |c: char| c.is_whitespace() || matches!(c, ',' | '"' | '\'' | '\\');
    let value = after.trim_start_matches(filler).strip_prefix("value")?;
    let value = value.trim_start_matches(['"', '\'', '\\', ' ']).strip_prefix([':', '='])?;
    Some(value.trim_start_matches([' ', '\t']))
}

/// How far the value that begins at `start` goes.
fn value_range(text: &str, name_at: usize, name: &str, start: usize) -> Range<usize> {
    let rest = &text[start..];
    let slashes = rest.len() - rest.trim_start_matches('\\').len();
    if let Some(quote) = rest[slashes..].chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) {
        let open = start + slashes + 1;
        return open..open + quoted_length(&text[open..], quote, slashes);
    }
    let line = &rest[..rest.find(['\n', '\r']).unwrap_or(rest.len())];
    if matches!(line.trim_end(), "|" | ">" | "|-" | ">-" | "|+" | ">+") {
        let block = &rest[line.len()..][..block_length(&rest[line.len()..])];
        let indent = block.len() - block.trim_start().len();
        return start + line.len() + indent..start + line.len() + indent + block.trim().len();
    }
    // A reference, a nested document, or a word for "nothing" is no secret.
    let is_no_secret = ["{", "[", "<", "${", "$("].iter().any(|begin| line.starts_with(begin));
    let header = name.to_ascii_lowercase();
    let length = if is_no_secret {
        0
    } else if header.ends_with("authorization") || header.ends_with("cookie") {
        line.find(['"', '\'']).unwrap_or(line.len())
    } else if text[..name_at].rsplit('\n').next().is_some_and(|before| before.trim_matches([' ', '\t', '-']).is_empty())
        && text[name_at + name.len()..start].contains(':')
    {
        line.trim_end().len()
    } else {
        word_length(line)
    };
    let nothing = ["null", "none", "nil", "true", "false", "~"];
    let length = if nothing.iter().any(|word| line[..length].eq_ignore_ascii_case(word)) { 0 } else { length };
    start..start + length
}

/// Up to the closing quote: the one behind as many escapes as the opening one, or doubled from there (text in a text).
fn quoted_length(text: &str, quote: char, slashes: usize) -> usize {
    let mut run = 0;
    for (at, letter) in text.char_indices() {
        match letter {
            '\\' => run += 1,
            letter if letter == quote && run >= slashes && ((run - slashes) / (slashes + 1)).is_multiple_of(2) => {
                return at - run.min(slashes);
            }
            _ => run = 0,
        }
    }
    text.len()
}

/// The lines after `|` that are indented, or blank.
fn block_length(text: &str) -> usize {
    let mut length = 0;
    for line in text.split_inclusive('\n') {
        let is_inside = line.trim().is_empty() || line.starts_with([' ', '\t']);
        if !is_inside {
            break;
        }
        length += line.len();
    }
    length
}

/// A word that ends before white space, a quote, or the next `name=` of a list; closing marks around it are not part of it.
fn word_length(line: &str) -> usize {
    let end = line.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')).unwrap_or(line.len());
    let mut word = &line[..end];
    for (at, _) in word.match_indices([',', ';', '&']) {
        let next = &word[at + 1..];
        let name = run_of(next, |c| c.is_ascii_alphanumeric() || "_.-".contains(c));
        if !name.is_empty() && next[name.len()..].starts_with(['=', ':']) {
            word = &word[..at];
            break;
        }
    }
    word.trim_end_matches([',', ';', '.', ')', ']', '}']).len()
}

/// The longest beginning of `text` that is made of such letters.
fn run_of(text: &str, is_part: impl Fn(char) -> bool) -> &str {
    &text[..text.find(|c| !is_part(c)).unwrap_or(text.len())]
}
