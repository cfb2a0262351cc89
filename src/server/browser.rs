//! A browser must not be anybody's deputy: a page from anywhere may have it send requests to this
//! machine, which its user could send and the page could not.
//!
//! Browsers say so themselves (`Origin`, `Sec-Fetch-Site`:
//! <https://www.w3.org/TR/fetch-metadata/>), ask first before they send JSON to another site, and
//! name in `Host` what they believe to talk to, also when a name was made to lead to this machine
//! (DNS rebinding).

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};

use super::answer::Refusal;

/// What keeps others out of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    /// A secret, which no foreign page has.
    Secret,
    /// Something in front of us, so the name that we are asked by may be any. Whatever a browser
    /// sends, it sends for a page.
    InFront,
    /// Nothing, but that only this machine can reach us.
    Loopback,
}

/// Refuses what a browser sends for another site's page, and without a secret whatever a browser
/// sends.
pub(super) fn check(guard: Guard, request: &Parts) -> Result<(), Refusal> {
    let headers = &request.headers;
    let refused = |at: &str, error: String, hint: &str| Err(Refusal::new(StatusCode::FORBIDDEN, error, at, hint));
    const NOT_FOR_PAGES: &str = "this is no address for web pages: let alertmanager or the command line send it";
    if let Some(site) = headers.get("sec-fetch-site")
        && (guard != Guard::Secret || !matches!(site.as_bytes(), b"same-origin" | b"none"))
    {
        let error = format!("a browser sends this for a page ({})", shown(site.as_bytes()));
        return refused("Sec-Fetch-Site", error, NOT_FOR_PAGES);
    }
    if let Some(origin) = headers.get(ORIGIN)
        && (guard != Guard::Secret || !is_own(origin.as_bytes(), headers))
    {
        let error = format!("a browser sends this for a page of {}", shown(origin.as_bytes()));
        return refused("Origin", error, NOT_FOR_PAGES);
    }
    if guard == Guard::Loopback {
        let named = headers.get_all(HOST).iter().map(|host| host.as_bytes());
        let named = named.chain(request.uri.authority().map(|authority| authority.as_str().as_bytes()));
        if let Some(host) = named.into_iter().find(|host| !is_this_machine(host)) {
            let error = format!("nothing authenticates here, and `{}` may lead to any machine", shown(host));
            return refused("Host", error, "ask for it by 127.0.0.1 or localhost, or set server.webhook_auth");
        }
    }
    Ok(())
}

/// Refuses what is not JSON by its own word: browsers send text to other sites without asking, and
/// JSON only after it was allowed.
pub(super) fn check_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_json = |value: &[u8]| {
        let essence = value.split(|byte| *byte == b';').next().unwrap_or_default();
        essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
    };
    let mut types = headers.get_all(CONTENT_TYPE).iter().map(|value| value.as_bytes()).peekable();
    let error = match (types.peek().copied(), types.find(|value| !is_json(value))) {
        (None, _) => "it does not say that it is JSON".to_owned(),
        (Some(_), None) => return Ok(()),
        (Some(_), Some(other)) => format!("it says that it is `{}`", shown(other)),
    };
    let hint = "send `Content-Type: application/json`, as alertmanager does";
    Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error, "Content-Type", hint))
}

/// Whether the page comes from where the request goes to.
fn is_own(origin: &[u8], headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST) else { return false };
    let own = [b"http://".as_slice(), b"https://"].iter().find_map(|scheme| origin.strip_prefix(*scheme));
    own.is_some_and(|own| own.eq_ignore_ascii_case(host.as_bytes()))
}

/// An address, or a name that leads nowhere else. A name of DNS may lead here today and have led
/// elsewhere before.
fn is_this_machine(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else { return false };
    if let Some((address, port)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address.parse::<Ipv6Addr>().is_ok() && (port.is_empty() || port.starts_with(':'));
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || name.parse::<Ipv4Addr>().is_ok()
}

fn shown(value: &[u8]) -> String {
    String::from_utf8_lossy(value).chars().filter(|c| !c.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let request = axum::http::Request::post("/v1/alertmanager");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_page_of_another_site_is_refused_and_alertmanager_is_not() {
        let alertmanager = [("host", "127.0.0.1:8080"), ("user-agent", "Alertmanager/0.34.0")];
        let own = [("host", "bot.example"), ("origin", "https://bot.example"), ("sec-fetch-site", "same-origin")];
        let refused_at =
            |guard, headers: &[(&str, &str)]| check(guard, &parts(headers)).err().map(|refusal| refusal.at);
        for guard in [Guard::Secret, Guard::InFront, Guard::Loopback] {
            assert_eq!(refused_at(guard, &alertmanager), None);
            assert_eq!(refused_at(guard, &[]), None, "an old client says nothing of itself");
            for (name, value) in [
                ("Sec-Fetch-Site", "cross-site"),
                ("Sec-Fetch-Site", "same-site"),
                ("Sec-Fetch-Site", "?"),
                ("Origin", "https://evil.example"),
                ("Origin", "null"),
                ("Origin", "http://127.0.0.1:8081"),
            ] {
                assert_eq!(refused_at(guard, &[("host", "127.0.0.1:8080"), (name, value)]).as_deref(), Some(name));
            }
        }
        assert_eq!(refused_at(Guard::Secret, &own), None);
        assert_eq!(refused_at(Guard::InFront, &own).as_deref(), Some("Sec-Fetch-Site"));
    }

    #[test]
    fn without_a_secret_only_this_machine_is_asked() {
        let is_let_in = |guard, host: &str| check(guard, &parts(&[("host", host)])).is_ok();
        for host in
            ["localhost", "LOCALHOST:8080", "bot.localhost", "127.0.0.1:8080", "[::1]:8080", "10.1.2.3", "localhost."]
        {
            assert!(is_let_in(Guard::Loopback, host), "{host}");
        }
        for host in
            ["rebound.evil.example", "localhost.evil.example", "evil.example:8080", "[evil]", "1.2.3.4.nip.example", ""]
        {
            assert!(!is_let_in(Guard::Loopback, host), "{host}");
            assert!(is_let_in(Guard::InFront, host) && is_let_in(Guard::Secret, host), "{host}");
        }
    }

    #[test]
    fn only_json_is_json() {
        let answer = |types: &[&str]| {
            let headers: Vec<(&str, &str)> = types.iter().map(|value| ("content-type", *value)).collect();
            check_json(&parts(&headers).headers).err().map(|refusal| refusal.error)
        };
        assert_eq!(answer(&["application/json"]), None);
        assert_eq!(answer(&["Application/JSON; charset=utf-8"]), None);
        assert_eq!(answer(&[]).as_deref(), Some("it does not say that it is JSON"));
        assert_eq!(answer(&["text/plain"]).as_deref(), Some("it says that it is `text/plain`"));
        assert!(
            answer(&["application/json", "text/plain"]).is_some() && answer(&["text/plain;application/json"]).is_some()
        );
    }
}
