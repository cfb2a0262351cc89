//! Whom the configuration lets playbooks look at.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use super::NetworkError;
use super::endpoint::host_name;

/// All hosts that may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach(Vec<HostPattern>);

/// The names of Services, in any cluster that keeps to the usual domain: `kubectl` shows whoever
/// may read the cluster that they are there.
const SERVICES: [&str; 2] = ["*.svc", "*.svc.cluster.local"];

impl Default for Reach {
    fn default() -> Self {
        Self(SERVICES.iter().filter_map(|pattern| pattern.parse().ok()).collect())
    }
}

impl Reach {
    pub fn new(patterns: Vec<HostPattern>) -> Self {
        Self(patterns)
    }

    /// Whether that host, as [`Endpoint`](super::Endpoint) writes it, may be asked.
    ///
    /// # Errors
    /// [`NetworkError::NotAllowed`].
    pub fn check(&self, host: &str) -> Result<(), NetworkError> {
        let is_covered = self.0.iter().any(|pattern| pattern.covers(host));
        if is_covered { Ok(()) } else { Err(NetworkError::NotAllowed { host: host.to_owned() }) }
    }
}

/// Which hosts: `db.example.com`, `*.example.com` (what is below it, not itself), `10.42.0.0/16`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPattern {
    Name(String),
    /// With its leading dot.
    Below(String),
    Addresses(IpNet),
}

impl HostPattern {
    /// Where it is one address.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            HostPattern::Addresses(net) if net.prefix_len() == net.max_prefix_len() => Some(net.addr()),
            _ => None,
        }
    }

    fn covers(&self, host: &str) -> bool {
        match (self, host.parse::<IpAddr>()) {
            (HostPattern::Addresses(net), Ok(address)) => net.contains(&address),
            (HostPattern::Name(name), Err(_)) => name == host,
            (HostPattern::Below(end), Err(_)) => host.strip_suffix(end.as_str()).is_some_and(|host| !host.is_empty()),
            _ => false,
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostPattern::Name(name) => f.write_str(name),
            HostPattern::Below(end) => write!(f, "*{end}"),
            HostPattern::Addresses(net) => net.fmt(f),
        }
    }
}

impl FromStr for HostPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |text: &str| {
            let text: String = text.chars().take(60).collect();
            format!("`{text}` is no host; write a name such as `db.example.com`, `*.example.com`, or `10.42.0.0/16`")
        };
        if let Ok(net) = text.parse::<IpNet>() {
            return Ok(HostPattern::Addresses(net.trunc()));
        }
        if let Some(name) = text.strip_prefix("*.") {
            let name = host_name(name).map_err(|_| wrong(text))?;
            // All below `*.10`, or `*.com`'s addresses, is nothing that anybody means.
            return if name.parse::<IpAddr>().is_err() {
                Ok(HostPattern::Below(format!(".{name}")))
            } else {
                Err(wrong(text))
            };
        }
        let host = host_name(text).map_err(|_| wrong(text))?;
        Ok(match host.parse::<IpAddr>() {
            Ok(address) => HostPattern::Addresses(address.into()),
            Err(_) => HostPattern::Name(host),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_may_be_looked_at_and_nothing_else_is_named() {
        let reach = Reach::default();
        for host in ["db.shop.svc", "kube-dns.kube-system.svc.cluster.local"] {
            assert_eq!(reach.check(host), Ok(()), "{host}");
        }
        for host in ["svc", "example.com", "10.96.0.10", "dbsvc", "db.shop.svc.example.com"] {
            assert!(reach.check(host).unwrap_err().to_string().contains(&format!("does not cover {host}")), "{host}");
        }
    }

    #[test]
    fn a_pattern_covers_what_it_says() {
        let covers = |pattern: &str, host: &str| pattern.parse::<HostPattern>().unwrap().covers(host);
        assert!(covers("db.example.com", "db.example.com"));
        assert!(!covers("db.example.com", "x.db.example.com"));
        assert!(covers("*.example.com", "a.b.example.com"));
        assert!(!covers("*.example.com", "example.com"));
        assert!(!covers("*.example.com", "badexample.com"));
        assert!(covers("10.42.0.0/16", "10.42.7.9"));
        assert!(!covers("10.42.0.0/16", "10.43.0.1"));
        assert!(covers("10.42.0.1", "10.42.0.1"));
        assert!(covers("fd00::/8", "fd00::a"));
        // A name may say anything, and lead elsewhere.
        assert!(!covers("10.42.0.0/16", "10.42.7.9.example.com"));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in
            ["", "*", "*.", "http://a", "a:80", "a*.example.com", "*.*.example.com", "10.0.0.0/40", "*.10.0.0.1"]
        {
            let error = text.parse::<HostPattern>().unwrap_err();
            assert!(error.starts_with(&format!("`{text}` is no host; write a name such as")), "{error}");
        }
    }
}
