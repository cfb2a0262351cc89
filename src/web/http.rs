//! Real services.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION};
use reqwest::{Certificate, Client, Response, redirect, retry};

use super::guard::{AddressRule, Guard, Guarded, Names, SystemNames};
use super::{LARGEST, Method, Origin, Web, WebAnswer, WebError, WebRequest, why_refused};
use crate::http::{HttpAuth, with_causes};
use crate::model::HumanDuration;

/// Who may be asked, and what never is.
#[derive(Debug)]
pub struct WebAccess {
    pub hosts: Vec<AllowedHost>,
    /// The cluster's API server, by its names and addresses.
    pub api_server: Vec<String>,
    pub names: Arc<dyn Names>,
    pub rule: AddressRule,
}

impl WebAccess {
    pub fn new(hosts: Vec<AllowedHost>, api_server: Vec<String>) -> Self {
        Self { hosts, api_server, names: Arc::new(SystemNames), rule: why_refused }
    }
}

/// One that may be asked.
#[derive(Debug)]
pub struct AllowedHost {
    pub origin: Origin,
    /// It is told to this one alone.
    pub auth: Option<HttpAuth>,
    /// Who may have signed its certificate; `None`: those that this machine trusts.
    pub authorities: Option<Authorities>,
}

/// Certificates that sign others.
#[derive(Debug, Clone)]
pub struct Authorities(Vec<Certificate>);

impl Authorities {
    /// Reads PEM.
    ///
    /// # Errors
    /// When it holds none, or what is none.
    pub fn parse(pem: &str) -> Result<Self, String> {
        crate::tls::install_provider();
        let found = Certificate::from_pem_bundle(pem.as_bytes()).map_err(|error| with_causes(&error))?;
        if found.is_empty() {
            return Err("it holds no certificate".into());
        }
        // Whether they are any shows only where they are used.
        let tried = Client::builder().tls_certs_only(found.clone()).build();
        tried.map(|_| Self(found)).map_err(|error| with_causes(&error))
    }
}

/// Asks the services that the configuration names. Each request has a connection of its own: an
/// address that was checked long ago may be somebody else's by now.
#[derive(Debug)]
pub struct HttpWeb {
    hosts: Vec<Host>,
    guard: Arc<Guard>,
}

#[derive(Debug)]
struct Host {
    origin: Origin,
    auth: Option<HttpAuth>,
    client: Client,
}

impl HttpWeb {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// Why the client of a host cannot be set up.
    pub fn new(access: WebAccess) -> Result<Self, String> {
        crate::tls::install_provider();
        let WebAccess { hosts, api_server, names, rule } = access;
        let guard = Arc::new(Guard { names, rule, api_server });
        let set_up = |AllowedHost { origin, auth, authorities }: AllowedHost| {
            let client = client(&guard, authorities).map_err(|error| format!("{origin}: {}", with_causes(&error)))?;
            Ok(Host { origin, auth, client })
        };
        let hosts = hosts.into_iter().map(set_up).collect::<Result<_, String>>()?;
        Ok(Self { hosts, guard })
    }
}

fn client(guard: &Arc<Guard>, authorities: Option<Authorities>) -> reqwest::Result<Client> {
    let client = Client::builder()
        .user_agent(concat!("dogwatch/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_proxy()
        .http1_only()
        .pool_max_idle_per_host(0)
        .dns_resolver(Arc::new(Guarded(guard.clone())));
    match authorities {
        Some(Authorities(certificates)) => client.tls_certs_only(certificates),
        None => client,
    }
    .build()
}

#[async_trait]
impl Web for HttpWeb {
    async fn ask(&self, request: &WebRequest) -> Result<WebAnswer, WebError> {
        let too_late = |_| WebError::Away {
            origin: request.origin.clone(),
            message: format!("the request timed out after {}", HumanDuration(request.timeout)),
        };
        tokio::time::timeout(request.timeout, self.ask_at_leisure(request)).await.map_err(too_late)?
    }
}

impl HttpWeb {
    /// Without an end of its own.
    async fn ask_at_leisure(&self, request: &WebRequest) -> Result<WebAnswer, WebError> {
        let WebRequest { method, origin, url, .. } = request;
        let allowed = self.hosts.iter().find(|host| host.origin == *origin && origin.is_of(url));
        let Host { auth, client, .. } = allowed.ok_or_else(|| WebError::NotAllowed { origin: origin.clone() })?;
        // A connection to an address resolves nothing, and so would not be checked.
        if origin.address().is_some() {
            self.guard.addresses(origin.host()).await?;
        }
        let asked = match method {
            Method::Get => client.get(url.clone()),
            Method::Head => client.head(url.clone()),
        };
        let asked = match auth {
            None => asked,
            Some(HttpAuth::Bearer(token)) => asked.bearer_auth(token.expose()),
            Some(HttpAuth::Basic { username, password }) => asked.basic_auth(username, Some(password.expose())),
        };
        let answer = asked.header("accept-encoding", "identity").send().await;
        read(answer.map_err(|error| why(origin, error))?, *method, origin).await
    }
}

async fn read(mut answer: Response, method: Method, origin: &Origin) -> Result<WebAnswer, WebError> {
    let headers = answer.headers();
    let encoding = text(headers, CONTENT_ENCODING).filter(|encoding| !encoding.eq_ignore_ascii_case("identity"));
    if let Some(encoding) = encoding.filter(|_| method != Method::Head) {
        let encoding = encoding.chars().filter(|c| !c.is_control()).take(40).collect();
        return Err(WebError::Packed { origin: origin.clone(), encoding });
    }
    let mut read = WebAnswer {
        status: answer.status().as_u16(),
        location: text(headers, LOCATION),
        content_type: text(headers, CONTENT_TYPE).unwrap_or_default(),
        body: Vec::new(),
        is_cut: false,
    };
    while let Some(chunk) = answer.chunk().await.map_err(|error| why(origin, error))? {
        let room = LARGEST.saturating_sub(read.body.len());
        read.body.extend(chunk.iter().take(room));
        if chunk.len() > room {
            read.is_cut = true;
            break;
        }
    }
    Ok(read)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The reason of our own, where the connection was not made for one; else what the connection says,
/// without the URL, whose query may hold a secret.
fn why(origin: &Origin, error: reqwest::Error) -> WebError {
    let error = error.without_url();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        if let Some(own) = inner.downcast_ref::<WebError>() {
            return own.clone();
        }
        cause = inner.source();
    }
    WebError::Away { origin: origin.clone(), message: with_causes(&error) }
}
