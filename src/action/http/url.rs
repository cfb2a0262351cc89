//! The URL of a request: who is asked is written out, and what values are put into its path or
//! query stays one value there.

use reqwest::Url;
use serde_json::Value;

use crate::action::{ActionError, holes};
use crate::language::{Scope, Template};
use crate::web::{Origin, split_url};

/// As much as servers take, in bytes.
const LONGEST: usize = 4_096;

/// At load time: what a playbook wrote. `source`: with its holes.
///
/// # Errors
/// What is wrong with it, and what to write instead.
pub(super) fn check(source: &str) -> Result<Origin, String> {
    let (origin, behind) = split_url(source).map_err(|wrong| format!("`url`: {wrong}"))?;
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\' || c == '#';
    if let Some(odd) = holes::without(behind).chars().find(|c| odd(*c)) {
        let what = if odd.is_control() { "a control character".to_owned() } else { format!("`{odd}`") };
        return Err(format!(
            "`url` holds {what}, which no path and no query has; write it as `%20` and the like, or leave it out"
        ));
    }
    check_path(&holes::without(behind))?;
    Ok(origin)
}

/// The URL for the names in `scope`. Each value becomes a part of a path or of a query; in a query
/// it may have any signs.
///
/// # Errors
/// A value that is no text or number, or that could lead elsewhere in the path.
pub(super) fn fill(source: &str, scope: &Scope) -> Result<(Origin, Url), ActionError> {
    let origin = check(source).map_err(ActionError::fail)?;
    let (_, behind) = split_url(source).map_err(ActionError::fail)?;
    let mut filled = String::new();
    let mut parts = behind.split("{{");
    filled.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (hole, after) = part.split_once("}}").unwrap_or((part, ""));
        let hole = hole.trim();
        let value = match Template::parse(&format!("{{{{{hole}}}}}"))?.value(scope)? {
            Value::String(text) => text,
            value @ (Value::Number(_) | Value::Bool(_)) => value.to_string(),
            _ => {
                return Err(ActionError::fail(format!(
                    "the value of `{hole}` is no text and no number, and `url` takes no other"
                )));
            }
        };
        if !filled.contains('?') {
            check_in_path(hole, &value)?;
        }
        percent_encode(&value, &mut filled);
        filled.push_str(after);
    }
    if filled.len() > LONGEST {
        return Err(ActionError::fail(format!("the URL has {} bytes, and {LONGEST} is the most", filled.len())));
    }
    check_path(&filled).map_err(ActionError::fail)?;
    match Url::parse(&format!("{origin}{filled}")) {
        Ok(url) if origin.is_of(&url) => Ok((origin, url)),
        _ => Err(ActionError::fail(format!("what is put into `url` makes no URL of {origin}"))),
    }
}

/// Many servers and proxies decode a path before they take it apart, so that of `%2F` and `%2E%2E`
/// some make a way up.
fn check_in_path(hole: &str, value: &str) -> Result<(), ActionError> {
    let wrong = |why: &str| Err(ActionError::fail(format!("the value of `{hole}` {why}")));
    if value.is_empty() {
        return wrong("is empty, so that the path of `url` would name something else");
    }
    if let Some(odd) = value.chars().find(|c| matches!(c, '/' | '\\' | '%') || c.is_control()) {
        let what = if odd.is_control() { "a control character".to_owned() } else { format!("`{odd}`") };
        return wrong(&format!("holds {what}, which leads elsewhere in the path of `url`; put it into the query"));
    }
    if matches!(value, "." | "..") {
        return wrong(&format!("is `{value}`, which leads elsewhere in the path of `url`; write the path as it is"));
    }
    Ok(())
}

/// Without parts that lead elsewhere: whoever sends the URL takes `..` for the way up, also where
/// it is encoded.
fn check_path(behind: &str) -> Result<(), String> {
    let path = behind.split('?').next().unwrap_or_default();
    let is_way = |part: &str| matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    match path.split('/').find(|part| is_way(part)) {
        Some(part) => Err(format!("`{part}` in the path of `url` leads elsewhere; write the path as it is")),
        None => Ok(()),
    }
}

/// All but letters, digits and `- . _ ~`.
fn percent_encode(value: &str, into: &mut String) {
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => into.push(char::from(byte)),
            byte => into.push_str(&format!("%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(source: &str, value: Value) -> Result<String, String> {
        let Value::Object(scope) = json!({ "x": { "y": value } }) else { unreachable!() };
        fill(source, &scope).map(|(_, url)| url.to_string()).map_err(|error| error.message)
    }

    #[test]
    fn a_value_stays_one_value_whatever_it_holds() {
        let path = "http://prometheus:9090/api/{{x.y}}/z?a={{ x.y }}&b=c";
        let url = |value: Value| filled(path, value).unwrap();
        assert_eq!(url(json!("data-db-17")), "http://prometheus:9090/api/data-db-17/z?a=data-db-17&b=c");
        assert_eq!(url(json!(7)), "http://prometheus:9090/api/7/z?a=7&b=c");
        assert_eq!(url(json!("a?b#c")), "http://prometheus:9090/api/a%3Fb%23c/z?a=a%3Fb%23c&b=c");
        let url = |value: Value| filled("http://prometheus:9090/api/z?a={{ x.y }}&b=c", value).unwrap();
        for (hostile, encoded) in [
            ("a/../b", "a%2F..%2Fb"),
            ("a?b=c", "a%3Fb%3Dc"),
            ("a&b#c", "a%26b%23c"),
            ("a\r\nHost: evil", "a%0D%0AHost%3A%20evil"),
            ("@evil.example/", "%40evil.example%2F"),
            ("a\\b%2e", "a%5Cb%252e"),
            ("{{x.y}}", "%7B%7Bx.y%7D%7D"),
            ("ä\u{0}", "%C3%A4%00"),
        ] {
            assert_eq!(url(json!(hostile)), format!("http://prometheus:9090/api/z?a={encoded}&b=c"), "{hostile:?}");
        }
    }

    #[test]
    fn no_value_leads_elsewhere() {
        for (source, value) in [("http://p/api/.{{x.y}}/z", json!(".")), ("http://p/api/%2e{{x.y}}/z", json!("."))] {
            assert!(filled(source, value).unwrap_err().contains("leads elsewhere"), "{source}");
        }
        for climbs in ["a/b", "/", "../../admin", "a%2F..%2Fadmin", "%2e%2e", "a\\..\\b", "a\nb", "a\u{0}", "..", "."] {
            for path in ["http://p/api/{{x.y}}/z", "http://p/api/a-{{ x.y }}"] {
                let error = filled(path, json!(climbs)).unwrap_err();
                assert!(
                    error.contains("the value of `x.y`") && error.contains("leads elsewhere"),
                    "{climbs:?}: {error}"
                );
                assert!(!error.contains(char::is_control), "{error:?}");
            }
            assert!(filled("http://p/api?a={{x.y}}", json!(climbs)).is_ok());
        }
        assert!(filled("http://p/api/{{x.y}}/z", json!("")).unwrap_err().contains("is empty"));
        assert_eq!(filled("http://p/api?a={{x.y}}", json!("")).unwrap(), "http://p/api?a=");
        assert!(filled("http://p/api?a=../{{x.y}}", json!("..")).is_ok());
        for nothing in [json!(["a"]), json!({ "a": 1 }), json!(null)] {
            assert!(filled("http://p/{{x.y}}", nothing).is_err());
        }
        assert!(filled("http://p/{{x.y}}", json!("x".repeat(5_000))).unwrap_err().contains("4096 is the most"));
        assert!(filled("http://p/{{x.z}}", json!("a")).is_err());
    }

    #[test]
    fn what_is_written_is_looked_at_when_it_loads() {
        for (wrong, why) in [
            ("http://p/a b", "` `"),
            ("http://p/a\r\nb", "a control character"),
            ("http://p/a#b", "`#`"),
            ("http://p/a\\..\\b", "`\\`"),
            ("http://p/a/../b", "`..` in the path"),
            ("http://p/a/%2E%2e", "`%2E%2e` in the path"),
            ("http://{{x.y}}/a", "must be written out"),
            ("{{x.y}}", "this is no URL"),
        ] {
            let error = check(wrong).unwrap_err();
            assert!(error.contains(why), "{wrong:?}: {error}");
        }
        assert_eq!(check("https://p/{{x.y}}?q={{x.z}}").unwrap().to_string(), "https://p");
    }
}
