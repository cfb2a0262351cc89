//! Where a service listens, written in one way only: two spellings of one host could be two hosts
//! to whoever checks and whoever asks.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

/// Scheme, host and port, each exactly: `http://prometheus-operated.monitoring.svc:9090`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    is_https: bool,
    /// In lower case; of an IPv6 address without its brackets.
    host: String,
    port: u16,
}

impl Origin {
    /// Reads one, with nothing but a `/` behind it.
    ///
    /// # Errors
    /// What is wrong with it, and what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        match split_url(text)? {
            (origin, "" | "/") => Ok(origin),
            (origin, _) => Err(format!("a path or a question stands behind the host; write `{origin}`")),
        }
    }

    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// The host, where it is no name.
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Whether the URL leads there, as whoever sends it reads it.
    pub fn is_of(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        url.scheme() == self.scheme()
            && host == self.host
            && url.port_or_known_default() == Some(self.port)
            && url.username().is_empty()
            && url.password().is_none()
    }

    fn scheme(&self) -> &'static str {
        if self.is_https { "https" } else { "http" }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        write!(f, "{}://", self.scheme())?;
        if host.contains(':') {
            write!(f, "[{host}]")?
        } else {
            f.write_str(host)?
        }
        match (self.is_https, port) {
            (true, 443) | (false, 80) => Ok(()),
            _ => write!(f, ":{port}"),
        }
    }
}

/// The origin of a URL, and what stands behind it: a path, a query, or nothing.
///
/// # Errors
/// What is wrong with it, and what to write instead.
pub fn split_url(url: &str) -> Result<(Origin, &str), String> {
    let (is_https, rest) = match url.split_once("://") {
        Some(("http", rest)) => (false, rest),
        Some(("https", rest)) => (true, rest),
        _ => {
            return Err(
                "this is no URL; write it from the `http` on: `http://prometheus.monitoring.svc:9090/path`".into()
            );
        }
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at(end);
    if authority.contains("{{") || authority.contains("}}") {
        return Err("host and port must be written out: no value says who is asked".into());
    }
    if authority.contains('@') {
        return Err(
            "a user or password stands before the host; its secret belongs in `http.hosts` of dogwatch.yaml".into()
        );
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, "")) => (of_v6(host)?, None),
            Some((host, port)) if port.starts_with(':') => (of_v6(host)?, Some(&port[1..])),
            _ => return Err(format!("`{}` is no host; an IPv6 address ends with `]`", shown(authority))),
        },
        None => match authority.rsplit_once(':') {
            Some((host, port)) => (named(host)?, Some(port)),
            None => (named(authority)?, None),
        },
    };
    let port = match port {
        None if is_https => 443,
        None => 80,
        Some(port) => of_port(port).ok_or_else(|| format!("`{}` is no port; write 1 to 65535", shown(port)))?,
    };
    let origin = Origin { is_https, host, port };
    // Whoever sends it must read the same.
    match Url::parse(&format!("{origin}/")) {
        Ok(url) if origin.is_of(&url) => Ok((origin, behind)),
        _ => Err(format!("`{}` is no host; write its name or address as DNS has it", shown(authority))),
    }
}

fn of_port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_plain)
}

fn of_v6(host: &str) -> Result<String, String> {
    let address: Ipv6Addr = host.parse().map_err(|_| format!("`[{}]` is no IPv6 address", shown(host)))?;
    // As URLs write it: `::ffff:127.0.0.1` in hexadecimal.
    let url = Url::parse(&format!("http://[{address}]/")).map_err(|error| error.to_string())?;
    Ok(url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned())
}

fn named(host: &str) -> Result<String, String> {
    if host.parse::<Ipv4Addr>().is_ok() {
        return Ok(host.to_owned());
    }
    let lower = host.to_ascii_lowercase();
    let labels: Vec<&str> = lower.strip_suffix('.').unwrap_or(&lower).split('.').collect();
    let is_label = |label: &&str| {
        let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        (1..=63).contains(&label.len()) && label.chars().all(is_part)
    };
    if lower.len() > 253 || !labels.iter().all(is_label) {
        let shown = shown(host);
        return Err(format!("`{shown}` is no host; write its name in letters, digits, `-` and `.`, or its address"));
    }
    // Of a name that ends with a number, programs make an address: 2130706433, 0x7f.1, 127.1.
    let last = labels.last().copied().unwrap_or_default();
    if last.starts_with(|c: char| c.is_ascii_digit())
        && (last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x"))
    {
        return Err(format!(
            "`{}` is an address in disguise; write it in four decimal parts, as `10.0.0.7`",
            shown(host)
        ));
    }
    Ok(lower)
}

/// What a playbook holds may be anything.
fn shown(text: &str) -> String {
    text.chars().take(80).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_told_as_it_is_written() {
        for text in [
            "http://prometheus-operated.monitoring.svc:9090",
            "https://example.com",
            "http://10.0.0.7:8080",
            "http://[fd12::7]:9090",
        ] {
            assert_eq!(Origin::parse(text).unwrap().to_string(), text);
            assert_eq!(split_url(&format!("{text}/a?b={{{{x}}}}")).unwrap().1, "/a?b={{x}}");
        }
        let same = |one: &str, other: &str| assert_eq!(Origin::parse(one).unwrap(), Origin::parse(other).unwrap());
        same("http://Prometheus.Monitoring:80/", "http://prometheus.monitoring");
        same("https://a:443", "https://a");
        same("http://[::FFFF:10.0.0.1]:81", "http://[::ffff:a00:1]:81");
        assert_ne!(Origin::parse("http://a:443").unwrap(), Origin::parse("https://a").unwrap());
        assert_ne!(Origin::parse("http://a.").unwrap(), Origin::parse("http://a").unwrap());
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for (wrong, why) in [
            ("prometheus:9090", "this is no URL"),
            ("HTTP://a", "this is no URL"),
            ("ftp://a", "this is no URL"),
            ("http:/a", "this is no URL"),
            ("http://", "is no host"),
            ("http://:9090", "is no host"),
            ("http:///a", "is no host"),
            ("http://user@a", "a user or password"),
            ("http://user:hunter2@a", "a user or password"),
            ("http://allowed.example@evil.example", "a user or password"),
            ("http://{{inputs.host}}:9090/a", "must be written out"),
            ("http://a:{{inputs.port}}/a", "must be written out"),
            ("http://a.{{x}}/", "must be written out"),
            ("http://2130706433", "in disguise"),
            ("http://0x7f000001", "in disguise"),
            ("http://0x7f.1", "in disguise"),
            ("http://127.1", "in disguise"),
            ("http://0177.0.0.1", "in disguise"),
            ("http://127.0.0.1.", "in disguise"),
            ("http://127.0.0.01", "in disguise"),
            ("http://a b", "is no host"),
            ("http://a\\b", "is no host"),
            ("http://a%2eb", "is no host"),
            ("http://a\r\nHost: b", "is no host"),
            ("http://a\t", "is no host"),
            ("http://ⓔxample.com", "is no host"),
            ("http://１２７.0.0.1", "is no host"),
            ("http://a..b", "is no host"),
            ("http://a:0", "is no port"),
            ("http://a:", "is no port"),
            ("http://a:+80", "is no port"),
            ("http://a:080", "is no port"),
            ("http://a:65536", "is no port"),
            ("http://[::1", "is no host"),
            ("http://[fe80::1%25eth0]", "is no IPv6 address"),
            ("http://[::1]9090", "is no host"),
            ("http://::1", "is no host"),
        ] {
            let error = split_url(wrong).map(|(origin, _)| origin.to_string()).unwrap_err();
            assert!(error.contains(why), "{wrong:?}: {error}");
            assert!(!error.contains("hunter2") && !error.contains(char::is_control), "{error:?}");
        }
        assert!(Origin::parse("http://a/b").unwrap_err().ends_with("write `http://a`"));
        assert!(Origin::parse("http://a?x").is_err() && Origin::parse("http://a#x").is_err());
    }
}
