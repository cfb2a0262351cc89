//! Reading bodies within bounds of size, time and memory.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, EXPECT};
use axum::http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;

use super::answer::Refusal;

/// Why a body was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BodyError {
    TooLarge {
        limit: usize,
    },
    TooSlow {
        within: Duration,
    },
    /// Whoever sends it hung up, or sends what is no HTTP.
    Broken(String),
    Encoded(String),
    /// There is no room in memory for the rest of it.
    NoRoom(Box<Refusal>),
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        let refusal = |status, error: String, hint: &str| Refusal::new(status, error, "the body", hint);
        match error {
            BodyError::TooLarge { limit } => refusal(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("it is larger than {limit} bytes"),
                "raise server.body_limit, or group by more labels",
            ),
            // Not 408: alertmanager would never send it again.
            BodyError::TooSlow { within } => refusal(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("it did not arrive within {} s", within.as_secs_f64()),
                "send it again",
            ),
            BodyError::Broken(message) => {
                refusal(StatusCode::BAD_REQUEST, format!("it broke off: {message}"), "send it again")
            }
            BodyError::Encoded(encoding) => refusal(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("it has the encoding `{encoding}`"),
                "send it without Content-Encoding",
            ),
            BodyError::NoRoom(refusal) => *refusal,
        }
    }
}

/// How many bytes the body says that it has; `None` when it comes in chunks.
pub(super) fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads a body of at most `limit` bytes within that time.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    within: Duration,
) -> Result<Vec<u8>, BodyError> {
    let read = read_in_turn(headers, body, limit, within, limit, || async { Ok(None::<()>) }).await;
    read.map(|(bytes, _)| bytes)
}

/// The same; once more than `first` bytes have come, `more` is asked for room for the rest, and
/// what it gives is given back.
pub(super) async fn read_in_turn<T, F>(
    headers: &HeaderMap,
    mut body: Body,
    limit: usize,
    within: Duration,
    first: usize,
    more: impl FnOnce() -> F,
) -> Result<(Vec<u8>, Option<T>), BodyError>
where
    F: Future<Output = Result<Option<T>, Refusal>>,
{
    if let Some(encoding) = headers.get(CONTENT_ENCODING).filter(|encoding| *encoding != "identity") {
        return Err(BodyError::Encoded(String::from_utf8_lossy(encoding.as_bytes()).chars().take(40).collect()));
    }
    let announced = announced(headers);
    if announced.is_some_and(|length| length > limit) {
        discard(headers, body).await;
        return Err(BodyError::TooLarge { limit });
    }
    let mut bytes = Vec::with_capacity(announced.unwrap_or(0).min(first));
    let mut more = Some(more);
    let mut room = None;
    let reading = async {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| BodyError::Broken(error.to_string()))?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > limit {
                return Err(BodyError::TooLarge { limit });
            }
            if bytes.len() + data.len() > first
                && let Some(more) = more.take()
            {
                room = more().await.map_err(|refusal| BodyError::NoRoom(Box::new(refusal)))?;
            }
            bytes.extend_from_slice(&data);
        }
        Ok(())
    };
    let read = tokio::time::timeout(within, reading).await.unwrap_or(Err(BodyError::TooSlow { within }));
    match read {
        Ok(()) => Ok((bytes, room)),
        Err(error) => {
            if matches!(error, BodyError::TooLarge { .. }) {
                discard(headers, body).await;
            }
            Err(error)
        }
    }
}

/// Reads on for a while without keeping it: one who is still sending when the connection is closed under him sees a broken
/// connection and not the answer, and alertmanager takes that for a reason to send the same again and again.
pub(super) async fn discard(headers: &HeaderMap, body: Body) {
    discard_within(headers, body, 64 * 1024 * 1024, Duration::from_secs(5)).await;
}

/// The same for one who has shown no right secret: a large delivery is heard out, which takes a
/// moment, and a slow one is not.
pub(super) async fn discard_of_stranger(headers: &HeaderMap, body: Body) {
    discard_within(headers, body, 32 * 1024 * 1024, Duration::from_secs(2)).await;
}

async fn discard_within(headers: &HeaderMap, mut body: Body, at_most: usize, within: Duration) {
    // One who waits to be asked for his body has not sent it.
    if headers.contains_key(EXPECT) {
        return;
    }
    let reading = async {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, |data| data.len());
            if read > at_most {
                return;
            }
        }
    };
    // It does not matter how it ends.
    let _ = tokio::time::timeout(within, reading).await;
}
