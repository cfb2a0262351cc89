//! Finding the cluster, and getting a client for it.

use std::path::PathBuf;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::files;

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

/// A client that tries each request once: retrying is for those who know what the request was about.
pub(super) async fn client(connection: &Connection, timeout: Duration) -> Result<Client, ConnectError> {
    crate::tls::install_provider();
    let mut config = config(connection).await?;
    // On by default: it would try a 429 or 503 for minutes, and so hide from us that the cluster refuses.
    config.default_retry = false;
    config.connect_timeout = Some(timeout);
    let server = config.cluster_url.clone();
    Client::try_from(config).map_err(|error| {
        ConnectError(format!("cannot set up the connection to {server}: {}; check the kubeconfig", with_causes(&error)))
    })
}

async fn config(connection: &Connection) -> Result<Config, ConnectError> {
    match connection {
        Connection::InCluster => Config::incluster().map_err(|error| {
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
            Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| {
                ConnectError(format!(
                    "cannot use the kubeconfig {place}: {}; {contexts}, and each needs a cluster with a server",
                    with_causes(&error)
                ))
            })
        }
        Connection::Inferred => {
            // Not Config::infer: that lets environment variables of kube's own impersonate others.
            match Config::from_kubeconfig(&KubeConfigOptions::default()).await {
                Ok(config) => Ok(config),
                Err(no_kubeconfig) => Config::incluster().map_err(|not_inside| {
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
