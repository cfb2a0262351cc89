//! Host and port.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// A host, by its name or address, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// In lower case, without a dot at the end; an IPv6 address without brackets.
    pub host: String,
    pub port: u16,
}

/// The longest name of DNS, in characters.
const LONGEST_NAME: usize = 253;

impl Endpoint {
    /// # Errors
    /// What is wrong with the host.
    pub fn new(host: &str, port: u16) -> Result<Self, String> {
        Ok(Self { host: host_name(host)?, port })
    }

    /// Reads `10.96.0.10`, `dns.example.com:5353`, `[fd00::a]:53`; without a port, `port` it is.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, port: u16) -> Result<Self, String> {
        if let Ok(address) = text.parse::<Ipv6Addr>() {
            return Ok(Self { host: address.to_string(), port });
        }
        match text.rsplit_once(':') {
            Some((host, port)) => {
                let port = port.parse().ok().filter(|port| *port > 0);
                Self::new(host, port.ok_or_else(|| format!("`{}` has no port from 1 to 65535", shown(text)))?)
            }
            None => Self::new(text, port),
        }
    }

    /// Its host, where that is an address.
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// The one way in which a host is written. Names hold letters, digits, `-`, `_` and dots.
pub(super) fn host_name(text: &str) -> Result<String, String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(address.to_canonical().to_string());
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    // What looks like an address and is none, some resolvers read as one: `127.1`, `0x7f000001`.
    let last = name.rsplit('.').next().unwrap_or_default();
    let may_be_address = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X");
    if name.len() > LONGEST_NAME || !name.split('.').all(is_label) || may_be_address {
        return Err(format!("`{}` is no name of a host, and no address", shown(text)));
    }
    Ok(name.to_ascii_lowercase())
}

fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_are_read() {
        for (text, read) in [
            ("10.96.0.10", "10.96.0.10:53"),
            ("Kube-DNS.kube-system.svc.", "kube-dns.kube-system.svc:53"),
            ("dns.example.com:5353", "dns.example.com:5353"),
            ("fd00::a", "[fd00::a]:53"),
            ("[fd00::a]:5353", "[fd00::a]:5353"),
            ("_dns._udp.example.com", "_dns._udp.example.com:53"),
        ] {
            assert_eq!(Endpoint::parse(text, 53).map(|endpoint| endpoint.to_string()).as_deref(), Ok(read), "{text}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let long = "a".repeat(64);
        for text in
            ["", ".", "a b", "a..b", "a/b", "x:0", "x:99999", "x:", "127.1", "2130706433", "0x7f000001", "ä.de", &long]
        {
            assert!(Endpoint::parse(text, 53).is_err(), "{text}");
        }
    }
}
