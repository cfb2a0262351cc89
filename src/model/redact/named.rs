//! Values under the name of a secret: `password=x`, `"password": "x"`, `--password x`, `PASSWORD
//! 'x'`, `<password>x</password>`, `name: PGPASSWORD, value: x`, `Authorization: Bearer x`.

use std::ops::Range;

use super::documents::is_reference;
use super::prose::{is_before_a_verb, is_mixed, is_state, reads_on};

/// What ends the name of a secret, without what joins its words.
const ENDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "passwort",
    "kennwort",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "accountkey",
    "appkey",
    "applicationkey",
    "secretkey",
    "secretkeybase",
    "sharedkey",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "masterkey",
    "licensekey",
    "routingkey",
    "servicekey",
    "integrationkey",
    "authkey",
    "s3key",
    "keydata",
    "credential",
    "credentials",
    "authorization",
    "cookie",
    "sessionid",
    "sessid",
    "connectionstring",
];

/// How quotes and separators are written within other texts: HTML, JSON of Go, URLs.
const QUOTES: &[&str] = &["&quot;", "&#34;", "&#39;", "&apos;", "\\u0022", "\\u0027", "%22", "%27"];
const SEPARATORS: &[&str] =
    &["=>", ":=", "==", "=", ":", "%3D", "%3d", "%3A", "%3a", "\\u003d", "\\u003D", "&#61;", "&#x3d;"];

/// Whether a field of that name holds a secret: `PGPASSWORD`, `client-secret`,
/// `spring.datasource.password`, but not `secretName`, `password_file` or `PWD`.
pub(super) fn is_sensitive(name: &str) -> bool {
    let last = name.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    if last.eq_ignore_ascii_case("pass") || last.eq_ignore_ascii_case("otp") {
        return true;
    }
    let plain: String =
        name.bytes().filter(u8::is_ascii_alphanumeric).map(|b| char::from(b.to_ascii_lowercase())).collect();
    if last.eq_ignore_ascii_case("pwd") {
        return plain != "pwd" && plain != "oldpwd";
    }
    last.bytes().any(|b| b.is_ascii_alphabetic()) && ENDS.iter().any(|end| plain.ends_with(end))
}

/// Finds them all. The line is known while its words are looked at: a line of a megabyte is read
/// once.
pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    let (mut at, mut line) = (0, 0..0);
    while at < text.len() {
        let name = run_of(&text[at..], is_name_letter);
        if name.is_empty() {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
            continue;
        }
        let end = at + name.len();
        if is_sensitive(name)
            && let Some(start) = value_start(text, name, at, end)
        {
            if start >= line.end {
                line = start..text[start..].find(['\n', '\r']).map_or(text.len(), |length| start + length);
            }
            let named = Named { text, name, at, start, line_end: line.end };
            let value = named.value();
            at = value.end.max(end);
            found.push(value);
        } else {
            at = end;
        }
    }
}

fn is_name_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-')
}

/// Where the value of the name that ends at `end` begins, if it has one.
fn value_start(text: &str, name: &str, at: usize, end: usize) -> Option<usize> {
    let after = &text[end..];
    let closed = quote_at(after).map_or(after, |quote| &after[quote.len()..]);
    let spaced = closed.trim_start_matches([' ', '\t']);
    let separated = SEPARATORS.iter().find_map(|separator| spaced.strip_prefix(separator));
    let value = match separated {
        Some(value) => value.trim_start_matches([' ', '\t']),
        None if name.starts_with("--") && spaced.len() < after.len() => spaced,
        None if name.to_ascii_lowercase().ends_with("password") && spaced.starts_with('\'') => spaced,
        None => match element_value(text, at, after) {
            Some(value) => value,
            None => environment_value(after)?,
        },
    };
    Some(text.len() - value.len())
}

/// After the name of an XML element: its text.
fn element_value<'a>(text: &str, at: usize, after: &'a str) -> Option<&'a str> {
    /// No start tag has more attributes.
    const LONGEST: usize = 200;
    let before = text[..at].trim_end_matches(|c: char| c == ':' || c.is_ascii_alphanumeric());
    let is_qualified = text[..at].ends_with(':') && before.ends_with('<');
    if !is_qualified && !text[..at].ends_with('<') {
        return None;
    }
    let tag = &after[..after.floor_char_boundary(LONGEST)];
    let value = &after[tag.find('>')? + 1..];
    Some(value.strip_prefix("<![CDATA[").unwrap_or(value))
}

/// After the name of an environment variable, in JSON, YAML or HTML: what its `value` is.
fn environment_value(after: &str) -> Option<&str> {
    let filler = |c: char| c.is_whitespace() || matches!(c, ',' | '"' | '\'' | '\\');
    let value = after.trim_start_matches(filler).strip_prefix("value")?;
    let value = value.trim_start_matches(['"', '\'', '\\', ' ']).strip_prefix([':', '='])?;
    Some(value.trim_start_matches([' ', '\t']))
}

/// A name and the place where its value begins.
struct Named<'a> {
    text: &'a str,
    name: &'a str,
    at: usize,
    start: usize,
    line_end: usize,
}

impl Named<'_> {
    /// The value; empty where it is no secret.
    fn value(&self) -> Range<usize> {
        let (text, start) = (self.text, self.start);
        let rest = &text[start..];
        if let Some(quote) = quote_at(rest) {
            let open = start + quote.len();
            let value = open..open + quoted_length(&text[open..], quote);
            return if is_reference(self.name, &text[value.clone()]) { start..start } else { value };
        }
        let line = &text[start..self.line_end];
        if matches!(line.trim_end(), "|" | ">" | "|-" | ">-" | "|+" | ">+") {
            let block = &rest[line.len()..][..block_length(&rest[line.len()..])];
            let indent = block.len() - block.trim_start().len();
            return start + line.len() + indent..start + line.len() + indent + block.trim().len();
        }
        start..start + self.plain_length(line)
    }

    fn plain_length(&self, line: &str) -> usize {
        // A reference, a nested document, or a word for "nothing" is no secret.
        let is_no_secret = ["{", "[", "<", "${", "$(", "&lt;"].iter().any(|begin| line.starts_with(begin));
        if is_no_secret {
            return 0;
        }
        let word = word_length(line);
        let nothing = ["null", "none", "nil", "true", "false", "~"];
        if nothing.iter().any(|nothing| line[..word].eq_ignore_ascii_case(nothing)) {
            return 0;
        }
        let name = self.name.to_ascii_lowercase();
        if name == "pass" && is_before_a_verb(&self.text[..self.at]) && !is_mixed(&line[..word]) {
            return 0;
        }
        let is_passphrase = name.contains("pass") || name.ends_with("pwd") || name.ends_with("wort");
        let after_colon = self.text[..self.start].trim_end_matches([' ', '\t']).ends_with(':');
        let is_field = after_colon && self.begins_a_line();
        let is_header = name.ends_with("authorization") || name.ends_with("cookie");
        let up_to_quote =
            || line.find(['"', '\'']).map_or(line.len(), |quote| line[..quote].trim_end_matches('\\').len());
        let has_words = is_header || (is_field && is_passphrase);
        // `verify token: signature is invalid`: a message, and no value.
        let is_message = if has_words { is_state(line) } else { is_state(&line[..word]) || reads_on(line, word) };
        if (after_colon && is_message) || is_reference(&name, &line[..word]) {
            0
        } else if is_header || (is_field && is_passphrase && self.text[..self.at].ends_with('"')) {
            up_to_quote()
        } else if is_field && (is_passphrase || !line.trim_end().contains(' ')) {
            line.trim_end().len()
        } else {
            word
        }
    }

    /// Whether only white space and list marks stand before the name on its line.
    fn begins_a_line(&self) -> bool {
        let before = self.text[..self.at].trim_end_matches([' ', '\t', '-']);
        before.is_empty() || before.ends_with(['\n', '"'])
    }
}

/// The quote that begins there, as it is spelt: `"`, `\"`, `\\\"`, `&quot;`.
fn quote_at(text: &str) -> Option<&str> {
    let slashes = text.len() - text.trim_start_matches('\\').len();
    if text[slashes..].starts_with(['"', '\'', '`']) {
        return Some(&text[..=slashes]);
    }
    QUOTES.iter().find(|quote| text.starts_with(**quote)).map(|quote| &text[..quote.len()])
}

/// Up to the closing quote: the one behind as many escapes as the opening one, or doubled from
/// there (text in a text).
fn quoted_length(text: &str, quote: &str) -> usize {
    let letter = quote.as_bytes().last().copied().map_or('"', char::from);
    if !matches!(letter, '"' | '\'' | '`') {
        return text.find(quote).unwrap_or(text.len());
    }
    let (slashes, mut run) = (quote.len() - 1, 0);
    for (at, c) in text.char_indices() {
        match c {
            '\\' => run += 1,
            c if c == letter && run >= slashes && ((run - slashes) / (slashes + 1)).is_multiple_of(2) => {
                return at - run.min(slashes);
            }
            _ => run = 0,
        }
    }
    text.len()
}

/// The lines after `|` that are indented, or blank.
fn block_length(text: &str) -> usize {
    let is_inside = |line: &&str| line.trim().is_empty() || line.starts_with([' ', '\t']);
    text.split_inclusive('\n').take_while(is_inside).map(str::len).sum()
}

/// A word that ends before white space, a quote, a tag, or the next `name=` of a list; closing
/// marks around it are not part of it.
pub(super) fn word_length(line: &str) -> usize {
    let end = line.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<')).unwrap_or(line.len());
    let mut word = &line[..end];
    for ended in ["&quot;", "&#34;", "&amp;", "\\u0026", "%26", "\\n", "\\r", "]]>"] {
        word = word.split(ended).next().unwrap_or(word);
    }
    for (at, _) in word.match_indices([',', ';', '&']) {
        let next = &word[at + 1..];
        let name = run_of(next, is_name_letter);
        if !name.is_empty() && next[name.len()..].starts_with(['=', ':']) {
            word = &word[..at];
            break;
        }
    }
    word.trim_end_matches([',', ';', '.', ')', ']', '}', '\\', '|']).len()
}

/// The longest beginning of `text` that is made of such letters.
pub(super) fn run_of(text: &str, is_part: impl Fn(char) -> bool) -> &str {
    &text[..text.find(|c| !is_part(c)).unwrap_or(text.len())]
}
