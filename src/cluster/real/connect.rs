//! Finding the cluster, and getting a client for it.

use std::path::PathBuf;
use std::time::Duration;

use http_body_util::Limited;
use kube::client::{ClientBuilder, DynBody};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tower_http::map_response_body::MapResponseBodyLayer;

use crate::files;
use crate::proxy::Proxy;

/// The largest answer that is read, in bytes: a page of 500 objects has a few MiB.
const LARGEST: usize = 64 * 1024 * 1024;

/// Where the cluster is, and who we are there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Connection {
    /// From inside a pod, as its service account.
    InCluster,
    /// As a kubeconfig says. `context` `None`: its current one.
    Kubeconfig { path: PathBuf, context: Option<String> },
    /// As kubectl finds it: `$KUBECONFIG`, then `~/.kube/config`, then the pod's service account.
    #[default]
    Inferred,
}

/// Why there is no connection; the message says the next move.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConnectError(String);

/// A client, and what is known of its connection.
pub(super) struct Connected {
    pub client: Client,
    /// The proxy between, if there is one, is what errors name.
    pub proxy: Option<Proxy>,
    /// The name or the address of the API server.
    pub host: String,
}

/// A client that tries each request once: retrying is for those who know what the request was about.
pub(super) async fn client(connection: &Connection, timeout: Duration) -> Result<Connected, ConnectError> {
    crate::tls::install_provider();
    let (mut config, kubeconfig) = config(connection).await?;
    let proxy = match kubeconfig {
        Some(kubeconfig) => proxy_for(&config, named_proxy(&kubeconfig, connection)),
        None => None,
    };
    // The library compares NO_PROXY with the proxy and not with the server.
    config.proxy_url = proxy.as_ref().map(|proxy| proxy.uri.clone());
    // On by default: it would try a 429 or 503 for minutes, and so hide from us that the cluster refuses.
    config.default_retry = false;
    config.connect_timeout = Some(timeout);
    let server = config.cluster_url.clone();
    let bounded = MapResponseBodyLayer::new(|body: Box<DynBody>| Limited::new(body, LARGEST));
    match ClientBuilder::try_from(config) {
        Ok(builder) => {
            let host = server.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
            Ok(Connected { client: builder.with_layer(&bounded).build(), proxy, host })
        }
        Err(error) => {
            let through = proxy.map(|proxy| proxy.told()).unwrap_or_default();
            let why = with_causes(&error);
            Err(ConnectError(format!("cannot set up the connection to {server}{through}: {why}; check the kubeconfig")))
        }
    }
}

/// The proxy that the kubeconfig names, or else the environment.
fn proxy_for(config: &Config, named: Option<String>) -> Option<Proxy> {
    match named.and_then(|named| named.parse().ok()) {
        Some(uri) => Some(Proxy { named_by: "`proxy-url` in the kubeconfig".into(), uri }),
        None => Proxy::to(&config.cluster_url),
    }
}

/// `proxy-url` of the cluster in the context that is used.
fn named_proxy(kubeconfig: &Kubeconfig, connection: &Connection) -> Option<String> {
    let named = match connection {
        Connection::Kubeconfig { context, .. } => context.as_ref(),
        Connection::InCluster | Connection::Inferred => None,
    };
    let name = named.or(kubeconfig.current_context.as_ref())?;
    let context = kubeconfig.contexts.iter().find(|context| context.name == *name)?.context.as_ref()?;
    let cluster = kubeconfig.clusters.iter().find(|cluster| cluster.name == context.cluster)?;
    cluster.cluster.as_ref()?.proxy_url.clone().filter(|url| !url.is_empty())
}

/// Also the kubeconfig, if it comes from one.
async fn config(connection: &Connection) -> Result<(Config, Option<Kubeconfig>), ConnectError> {
    match connection {
        Connection::InCluster => Config::incluster().map(|config| (config, None)).map_err(|error| {
            ConnectError(format!(
                "cannot connect from inside the cluster: {}; run dogwatch in a pod with a service account, or name a kubeconfig",
                with_causes(&error)
            ))
        }),
        Connection::Kubeconfig { path, context } => {
            let place = path.display();
            files::check(path, files::DOCUMENT).map_err(|error| {
                ConnectError(format!("cannot read the kubeconfig {place}: {error}; check the path and the file"))
            })?;
            let kubeconfig = Kubeconfig::read_from(path).map_err(|error| {
                ConnectError(format!(
                    "cannot read the kubeconfig {place}: {}; check the path and the file",
                    with_causes(&error)
                ))
            })?;
            let contexts = named_contexts(&kubeconfig);
            let options = KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
            let config = Config::from_custom_kubeconfig(kubeconfig.clone(), &options).await;
            config.map(|config| (config, Some(kubeconfig))).map_err(|error| {
                ConnectError(format!(
                    "cannot use the kubeconfig {place}: {}; {contexts}, and each needs a cluster with a server",
                    with_causes(&error)
                ))
            })
        }
        Connection::Inferred => {
            // Not Config::infer: that lets environment variables of kube's own impersonate others.
            match Config::from_kubeconfig(&KubeConfigOptions::default()).await {
                Ok(config) => Ok((config, Kubeconfig::read().ok())),
                Err(no_kubeconfig) => Config::incluster().map(|config| (config, None)).map_err(|not_inside| {
                    ConnectError(format!(
                        "found no cluster: no usable kubeconfig ({}), and not inside a cluster ({}); set KUBECONFIG, or name a kubeconfig in dogwatch.yaml",
                        with_causes(&no_kubeconfig),
                        with_causes(&not_inside)
                    ))
                }),
            }
        }
    }
}

fn named_contexts(kubeconfig: &Kubeconfig) -> String {
    let names: Vec<&str> = kubeconfig.contexts.iter().map(|context| context.name.as_str()).collect();
    if names.is_empty() { "it has no contexts".into() } else { format!("it has the contexts {}", names.join(", ")) }
}

/// The whole chain of causes: the outer message of a connection error rarely says what is wrong.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = inner.source();
    }
    text
}
