//! Accepting connections, and letting go of them.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Limits, Server, router};

/// A request's head: our longest is a bearer token.
const LONGEST_HEAD: usize = 32 * 1024;

/// Serves until `stop`. Then it is not ready any more, no connection is accepted, requests under way are answered, and what is not done after
/// [`Limits::stop_within`] is cut off.
pub async fn serve(listener: TcpListener, server: Arc<Server>, stop: CancellationToken) {
    let (limits, readiness) = (server.settings.limits, server.readiness.clone());
    let service = TowerToHyperService::new(router(server));
    let room = Arc::new(Semaphore::new(limits.connections.clamp(1, Semaphore::MAX_PERMITS)));
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            // It is never closed.
            let place = room.clone().acquire_owned().await.ok();
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = connections.join_next() => {
                report(ended);
                continue;
            }
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (service, stop) = (service.clone(), stop.clone());
                connections.spawn(async move {
                    if let Err(error) = connection(stream, service, limits, stop).await {
                        tracing::debug!(%peer, %error, "a connection ended early");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                // Too many open files, mostly: accepting again at once would only spin.
                tracing::error!(%error, "no connection could be accepted; trying again in a moment");
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = tokio::time::sleep(Duration::from_millis(200)) => {}
                }
            }
        }
    }
    drop(listener);
    readiness.not_ready("it is stopping");
    let ending = async {
        while let Some(ended) = connections.join_next().await {
            report(ended);
        }
    };
    if tokio::time::timeout(limits.stop_within, ending).await.is_err() {
        tracing::warn!(left = connections.len(), "connections are cut off, as they took too long to end");
    }
    connections.shutdown().await;
}

async fn connection(
    stream: TcpStream,
    service: TowerToHyperService<axum::Router>,
    limits: Limits,
    stop: CancellationToken,
) -> Result<(), hyper::Error> {
    // Answers are small: nothing is gained by waiting for more of them.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_within)
        .max_header_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection's task failed");
    }
}
