//! Proxies, as the environment names them: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, and `NO_PROXY`
//! for what goes without.
//!
//! As kubectl and Go programs do it: what listens on loopback is never asked through a proxy.

use axum::http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

/// The proxy on the way to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Where it was named: `HTTPS_PROXY`, or `proxy-url` of a kubeconfig.
    pub named_by: String,
    /// With its user and password, if it has one.
    pub uri: Uri,
}

impl Proxy {
    /// The proxy that the environment wants for that server. `None`: it is asked directly.
    pub fn to(server: &Uri) -> Option<Self> {
        if is_loopback(server.host().unwrap_or_default()) {
            return None;
        }
        Matcher::from_env().intercept(server)?;
        let names: &[&str] = match server.scheme_str() {
            Some("http") => &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
            _ => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        };
        names.iter().find_map(|name| {
            let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
            let uri = if value.contains("://") { value } else { format!("http://{value}") };
            Some(Self { named_by: (*name).to_owned(), uri: uri.parse().ok()? })
        })
    }

    /// For an error on the way to a server: whose fault it may be.
    pub fn blame(server: &str) -> String {
        server.parse().ok().and_then(|server| Self::to(&server)).map(|proxy| proxy.told()).unwrap_or_default()
    }

    /// `, through the proxy http://proxy:3128 of HTTPS_PROXY`: without user and password.
    pub fn told(&self) -> String {
        let scheme = self.uri.scheme_str().unwrap_or("http");
        let place = self.uri.authority().map_or("", |authority| authority.as_str());
        let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
        let named_by = &self.named_by;
        format!(", through the proxy {scheme}://{place} of {named_by}; what needs none is named in NO_PROXY")
    }
}

/// Whether that host is this machine.
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_told_of_without_its_password() {
        let uri = "http://bot:hunter2@proxy.example:3128".parse().unwrap();
        let told = Proxy { named_by: "HTTPS_PROXY".into(), uri }.told();
        assert!(told.starts_with(", through the proxy http://proxy.example:3128 of HTTPS_PROXY"), "{told}");
    }

    #[test]
    fn this_machine_is_known() {
        for host in ["localhost", "127.0.0.1", "127.8.9.1", "[::1]", "::1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["10.0.0.1", "localhost.example.org", "", "kubernetes.default.svc"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
