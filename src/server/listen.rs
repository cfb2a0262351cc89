//! Accepting connections, and letting go of them.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::places::{Place, Places, Room};
use super::{Limits, Server, health_router, router};

/// A request's head: our longest is a bearer token. It has 100 headers at most, which is hyper's
/// own bound.
const LONGEST_HEAD: usize = 32 * 1024;

/// Files that the process needs besides connections: the store's, those of the cluster, Prometheus
/// and the sinks.
const OTHER_FILES: usize = 192;

/// Connections to the listener of probes. Each is short.
const PROBES: usize = 64;

/// Serves until `stop`. Then it is not ready any more, no connection is accepted, requests under way are answered, and what is not done after
/// [`Limits::stop_within`] is cut off.
pub async fn serve(listener: TcpListener, server: Arc<Server>, stop: CancellationToken) {
    let room = fitting(server.settings.limits.room, open_files());
    let readiness = server.readiness.clone();
    Listening { router: router(server.clone()), server, room, stop }
        .serve(listener, || readiness.not_ready("it is stopping"))
        .await;
}

/// Health and metrics on a listener of their own, until `stop`.
pub async fn serve_health(listener: TcpListener, server: Arc<Server>, stop: CancellationToken) {
    let room = Room { strangers: PROBES, known: 1 };
    Listening { router: health_router(server.clone()), server, room, stop }.serve(listener, || {}).await;
}

struct Listening {
    router: Router,
    server: Arc<Server>,
    room: Room,
    stop: CancellationToken,
}

impl Listening {
    async fn serve(self, listener: TcpListener, when_stopped: impl FnOnce()) {
        let Self { router, server, room, stop } = self;
        let limits = server.settings.limits;
        let service = TowerToHyperService::new(router);
        let places = Places::new(room);
        let mut connections = JoinSet::new();
        'accepting: loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = connections.join_next() => {
                    report(ended);
                    continue;
                }
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let (place, has_cut) = loop {
                        match places.admit(peer.ip(), server.clock.monotonic()) {
                            Ok(admitted) => break admitted,
                            Err(after) => tokio::select! {
                                () = stop.cancelled() => break 'accepting,
                                Some(ended) = connections.join_next() => report(ended),
                                () = tokio::time::sleep(after) => {}
                            },
                        }
                    };
                    if has_cut {
                        server.metrics.connection_cut();
                    }
                    let (service, stop) = (service.clone(), stop.clone());
                    connections.spawn(async move {
                        if let Err(error) = connection(stream, place, service, limits, stop).await {
                            tracing::debug!(%peer, %error, "a connection ended early");
                        }
                    });
                }
                Err(error) => {
                    // Too many open files, mostly: accepting again at once would only spin.
                    let has_cut = places.relieve();
                    if has_cut {
                        server.metrics.connection_cut();
                    }
                    tracing::error!(%error, has_cut, "no connection could be accepted; trying again in a moment");
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(Duration::from_millis(200)) => {}
                    }
                }
            }
        }
        drop(listener);
        when_stopped();
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
}

async fn connection(
    stream: TcpStream,
    place: Place,
    service: TowerToHyperService<Router>,
    limits: Limits,
    stop: CancellationToken,
) -> Result<(), hyper::Error> {
    // Answers are small: nothing is gained by waiting for more of them.
    let _ = stream.set_nodelay(true);
    let cut = place.cut.clone();
    let place = Arc::new(place);
    let placed = service_fn(move |mut request: Request<Incoming>| {
        place.begins();
        request.extensions_mut().insert(place.clone());
        let (answering, place) = (service.call(request), place.clone());
        async move {
            let answered = answering.await;
            place.waits();
            answered
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_within)
        .max_header_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(stream), placed);
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = cut.cancelled() => return Ok(()),
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        ended = connection => ended,
        () = cut.cancelled() => Ok(()),
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection's task failed");
    }
}

/// As many places as the process may open files for, what else it needs taken off.
fn fitting(room: Room, open_files: Option<usize>) -> Room {
    let all = room.strangers + room.known;
    let Some(left) = open_files.map(|files| files.saturating_sub(OTHER_FILES)).filter(|left| *left < all) else {
        return room;
    };
    tracing::warn!(
        wanted = all,
        left,
        "fewer connections at once than usual, as the process may open few files (ulimit -n)"
    );
    let strangers = (left * room.strangers / all.max(1)).max(1);
    Room { strangers, known: left.saturating_sub(strangers).max(1) }
}

/// How many files the process may have open; unknown where there is no `/proc`.
fn open_files() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_the_rest() {
        let room = Room { strangers: 1_024, known: 1_024 };
        assert_eq!(fitting(room, None), room);
        assert_eq!(fitting(room, Some(65_536)), room);
        assert_eq!(fitting(room, Some(1_024)), Room { strangers: 416, known: 416 });
        assert_eq!(fitting(room, Some(100)), Room { strangers: 1, known: 1 });
        assert!(open_files().is_some());
    }
}
