//! Asking a service over HTTP: who we are, no redirects, answers of a bounded size.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder, StatusCode, Url, redirect};

use crate::model::Secret;
use crate::proxy::{Proxy, is_loopback};

/// How we prove who we are.
#[derive(Debug)]
pub enum HttpAuth {
    Bearer(Secret),
    Basic { username: String, password: Secret },
}

/// Asks one service.
#[derive(Debug)]
pub struct HttpClient {
    client: Client,
    auth: Option<HttpAuth>,
    largest: usize,
}

/// An answer, whatever it says.
#[derive(Debug)]
pub struct HttpAnswer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// Not reachable, or too slow.
    #[error("{0}")]
    Away(String),
    /// In bytes.
    #[error("its answer is larger than {0} bytes")]
    TooLarge(usize),
}

/// The URL of an API below the URL that somebody has configured.
///
/// # Errors
/// What is wrong with it.
pub fn api_url(base: &str, path: &str) -> Result<Url, String> {
    // By itself first: behind `http://` the path that follows would be taken for the host.
    Url::parse(base).map_err(|error| error.to_string())?;
    let url = format!("{}{path}", base.trim_end_matches('/'));
    let url = Url::parse(&url).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err("its scheme is neither http nor https".into()),
    }
}

impl HttpClient {
    /// For requests to that URL's host; `largest`: how many bytes of an answer are read. Nothing is
    /// asked yet.
    ///
    /// # Errors
    /// Why the client cannot be set up.
    pub fn new(url: &Url, auth: Option<HttpAuth>, timeout: Duration, largest: usize) -> Result<Self, String> {
        Self::built(is_loopback(url.host_str().unwrap_or_default()), auth, timeout, largest)
    }

    /// For requests to addresses in the cluster, which no proxy knows the way to. As [`Self::new`]
    /// else.
    ///
    /// # Errors
    /// Why the client cannot be set up.
    pub fn direct(auth: Option<HttpAuth>, timeout: Duration, largest: usize) -> Result<Self, String> {
        Self::built(true, auth, timeout, largest)
    }

    fn built(is_direct: bool, auth: Option<HttpAuth>, timeout: Duration, largest: usize) -> Result<Self, String> {
        crate::tls::install_provider();
        // Credentials must not follow a redirect to another host.
        let client = Client::builder().timeout(timeout).redirect(redirect::Policy::none());
        let client = if is_direct { client.no_proxy() } else { client };
        let client = client.build().map_err(|error| error.to_string())?;
        Ok(Self { client, auth, largest })
    }

    pub fn get(&self, url: &Url) -> RequestBuilder {
        self.client.get(url.clone())
    }

    pub fn post(&self, url: &Url) -> RequestBuilder {
        self.client.post(url.clone())
    }

    pub fn patch(&self, url: &Url) -> RequestBuilder {
        self.client.patch(url.clone())
    }

    /// Sends it, with what proves who we are.
    ///
    /// # Errors
    /// When there is no whole answer. A status that is no success is an answer.
    pub async fn send(&self, request: RequestBuilder) -> Result<HttpAnswer, HttpError> {
        let away = |error: reqwest::Error| {
            let url = error.url().map(Url::to_string).unwrap_or_default();
            let through = if error.is_connect() { Proxy::blame(&url) } else { String::new() };
            HttpError::Away(format!("{}{through}", with_causes(&error.without_url())))
        };
        let request = match &self.auth {
            None => request,
            Some(HttpAuth::Bearer(token)) => request.bearer_auth(token.expose()),
            Some(HttpAuth::Basic { username, password }) => request.basic_auth(username, Some(password.expose())),
        };
        let mut answer = request.send().await.map_err(away)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(away)? {
            if body.len() + chunk.len() > self.largest {
                return Err(HttpError::TooLarge(self.largest));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpAnswer { status, headers, body })
    }
}

/// reqwest's own words hide why: "error sending request".
pub fn with_causes(error: &reqwest::Error) -> String {
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        told.push_str(": ");
        told.push_str(&error.to_string());
        cause = error.source();
    }
    told
}
