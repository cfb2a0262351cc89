//! The real network.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rustls::RootCertStore;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{
    Answer, Certificate, DNS_PORT, Endpoint, Network, NetworkError, Question, Reach, TlsRequest, dns, tls, why_refused,
};
use crate::model::HumanDuration;
use crate::web::{AddressRule, Names, SystemNames, addresses_of};

/// Who may be looked at, and how.
#[derive(Debug)]
pub struct NetworkAccess {
    pub reach: Reach,
    /// Whom this machine asks for names, in order. They may be asked whatever `reach` says.
    pub name_servers: Vec<IpAddr>,
    /// Who may have signed certificates.
    pub authorities: Arc<RootCertStore>,
    pub names: Arc<dyn Names>,
    pub rule: AddressRule,
}

impl NetworkAccess {
    pub fn new(reach: Reach, name_servers: Vec<IpAddr>, authorities: RootCertStore) -> Self {
        Self {
            reach,
            name_servers,
            authorities: Arc::new(authorities),
            names: Arc::new(SystemNames),
            rule: why_refused,
        }
    }
}

/// Asks, each time anew.
#[derive(Debug)]
pub struct SystemNetwork(NetworkAccess);

impl SystemNetwork {
    pub fn new(access: NetworkAccess) -> Self {
        crate::tls::install_provider();
        Self(access)
    }

    /// Where that is, each of which may be asked. One that may not be refuses all.
    async fn addresses(&self, endpoint: &Endpoint) -> Result<Vec<SocketAddr>, NetworkError> {
        let NetworkAccess { reach, names, rule, .. } = &self.0;
        let host = &endpoint.host;
        reach.check(host)?;
        let found = addresses_of(&**names, host).await;
        let found = found.map_err(|message| NetworkError::Unresolved { host: host.clone(), message })?;
        let is_fine = |address: IpAddr| match rule(address) {
            Some(why) => Err(NetworkError::Refused { host: host.clone(), address, why }),
            None => Ok(SocketAddr::new(address, endpoint.port)),
        };
        found.into_iter().map(is_fine).collect()
    }

    /// The name server that is asked.
    async fn server(&self, server: Option<&Endpoint>) -> Result<SocketAddr, NetworkError> {
        let own = &self.0.name_servers;
        let (first, host, message) = match server {
            None => {
                let first = own.first().map(|first| SocketAddr::new(*first, DNS_PORT));
                (first, "(this machine's name server)", "/etc/resolv.conf names none; write `server`")
            }
            Some(server) => match server.address() {
                Some(address) if own.contains(&address) && server.port == DNS_PORT => {
                    return Ok(SocketAddr::new(address, DNS_PORT));
                }
                _ => (self.addresses(server).await?.first().copied(), &*server.host, "it has no address"),
            },
        };
        first.ok_or_else(|| NetworkError::Unresolved { host: host.to_owned(), message: message.to_owned() })
    }

    /// A connection to the first address that takes one.
    async fn open(&self, endpoint: &Endpoint) -> Result<(TcpStream, SocketAddr), NetworkError> {
        let mut refused = None;
        for address in self.addresses(endpoint).await? {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok((stream, address)),
                Err(error) => refused = Some(error),
            }
        }
        let endpoint = endpoint.to_string();
        Err(match refused {
            Some(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => NetworkError::Closed { endpoint },
            Some(error) => NetworkError::Away { endpoint, message: error.to_string() },
            None => NetworkError::Away { endpoint, message: "it has no address".into() },
        })
    }
}

#[async_trait]
impl Network for SystemNetwork {
    async fn look_up(&self, question: &Question) -> Result<Answer, NetworkError> {
        let asked = async {
            let server = self.server(question.server.as_ref()).await?;
            dns::ask(server, question).await
        };
        let whom = question.server.as_ref().map_or_else(|| "the name server".to_owned(), Endpoint::to_string);
        within(question.timeout, &whom, asked).await
    }

    async fn connect(&self, endpoint: &Endpoint, most: Duration) -> Result<SocketAddr, NetworkError> {
        let opened = async { self.open(endpoint).await.map(|(_, address)| address) };
        within(most, &endpoint.to_string(), opened).await
    }

    async fn certificate(&self, request: &TlsRequest) -> Result<Certificate, NetworkError> {
        let whom = request.endpoint.to_string();
        let shown = async {
            let (stream, _) = self.open(&request.endpoint).await?;
            tls::certificate(stream, request, &self.0.authorities).await
        };
        within(request.timeout, &whom, shown).await
    }
}

async fn within<T>(
    most: Duration,
    whom: &str,
    asked: impl Future<Output = Result<T, NetworkError>>,
) -> Result<T, NetworkError> {
    timeout(most, asked).await.unwrap_or_else(|_| {
        let message = format!("nothing came within {}", HumanDuration(most));
        Err(NetworkError::Away { endpoint: whom.to_owned(), message })
    })
}

/// Whom this machine asks for names, in order (resolv.conf(5)); none where that cannot be read.
pub fn name_servers() -> Vec<IpAddr> {
    let read = crate::files::read_text(std::path::Path::new("/etc/resolv.conf"), crate::files::DOCUMENT);
    read.map(|text| name_servers_of(&text)).unwrap_or_default()
}

fn name_servers_of(text: &str) -> Vec<IpAddr> {
    let of_line = |line: &str| {
        let mut words = line.split_whitespace();
        // An address with a zone (`fe80::1%eth0`) is left out.
        (words.next() == Some("nameserver")).then(|| words.next()?.parse().ok()).flatten()
    };
    text.lines().filter_map(of_line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_are_those_of_resolv_conf() {
        let text = "# nameserver 1.1.1.1\nsearch shop.svc.cluster.local\nnameserver 10.96.0.10\nnameserver\t169.254.20.10 # local\nnameserver fe80::1%eth0\noptions ndots:5\n";
        let found: Vec<String> = name_servers_of(text).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["10.96.0.10", "169.254.20.10"]);
    }
}
