//! Which addresses a name may lead to, asked once for each connection: what is checked is what is
//! connected to, whatever the name leads to a moment later.

use std::fmt::{self, Debug};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::WebError;

/// Why an address is not asked; `None`: it may be. [`why_refused`](super::why_refused), but for
/// tests, whose servers listen on this machine.
pub type AddressRule = fn(IpAddr) -> Option<&'static str>;

/// Who knows where names lead.
#[async_trait]
pub trait Names: Debug + Send + Sync + 'static {
    /// All addresses of that host.
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// As this machine resolves names.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// The addresses of a host, one at least, each in its one form. It may be one itself.
///
/// # Errors
/// Why it leads nowhere.
pub async fn addresses_of(names: &dyn Names, host: &str) -> Result<Vec<IpAddr>, String> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![address.to_canonical()]);
    }
    let found = names.addresses(host).await.map_err(|error| error.to_string())?;
    if found.is_empty() {
        return Err("it has no address".into());
    }
    Ok(found.into_iter().map(|address| address.to_canonical()).collect())
}

pub(super) struct Guard {
    pub names: Arc<dyn Names>,
    pub rule: AddressRule,
    /// The cluster's API server, by its names and addresses.
    pub api_server: Vec<String>,
}

impl Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("names", &self.names).field("api_server", &self.api_server).finish()
    }
}

/// What each cluster calls its API server; behind `svc` may come the cluster's domain.
const API_SERVER: [&str; 3] = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"];

impl Guard {
    /// The addresses of that host, each of which may be asked. One that may not be refuses all.
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, WebError> {
        let name = host.trim_end_matches('.');
        let is_in_domain = name.strip_prefix(API_SERVER[2]).is_some_and(|rest| rest.starts_with('.'));
        let is_named = self.api_server.iter().any(|known| known.trim_end_matches('.').eq_ignore_ascii_case(name));
        if API_SERVER.contains(&name) || is_in_domain || is_named {
            return Err(WebError::ApiServer { host: host.to_owned() });
        }
        let addresses = self.look_up(host).await?;
        for address in &addresses {
            if let Some(why) = (self.rule)(*address) {
                return Err(WebError::Refused { host: host.to_owned(), address: *address, why });
            }
        }
        for known in &self.api_server {
            // A name that leads nowhere leads to nothing that is asked here; itself it is refused
            // above.
            let Ok(known) = self.look_up(known).await else { continue };
            if addresses.iter().any(|address| known.contains(address)) {
                return Err(WebError::ApiServer { host: host.to_owned() });
            }
        }
        Ok(addresses)
    }

    async fn look_up(&self, host: &str) -> Result<Vec<IpAddr>, WebError> {
        let found = addresses_of(&*self.names, host).await;
        found.map_err(|message| WebError::Unresolved { host: host.to_owned(), message })
    }
}

/// Resolves names for connections.
#[derive(Debug)]
pub(super) struct Guarded(pub Arc<Guard>);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(async move {
            let addresses = guard.addresses(name.as_str()).await?;
            // The port is that of the URL.
            let addresses = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}
