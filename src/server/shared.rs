//! An answer that is made once for all who wait for it: everybody may ask how the bot is, and the
//! store is asked for it.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::{Body, to_bytes};
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::sync::Mutex;

/// Longer than any of our own answers.
const LONGEST: usize = 16 * 1024 * 1024;

/// One at a time is made. Whoever came before its making began has it too: no answer is older than
/// its question.
#[derive(Debug, Default)]
pub(super) struct Shared {
    begun: AtomicU64,
    last: Mutex<Option<Made>>,
}

#[derive(Debug, Clone)]
struct Made {
    turn: u64,
    status: StatusCode,
    headers: HeaderMap,
    body: axum::body::Bytes,
}

impl Shared {
    pub async fn answer(&self, make: impl Future<Output = Response>) -> Response {
        let seen = self.begun.load(Ordering::SeqCst);
        let mut last = self.last.lock().await;
        if let Some(made) = last.as_ref().filter(|made| made.turn > seen) {
            return made.clone().response();
        }
        let turn = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let (parts, body) = make.await.into_parts();
        // Our own bodies are whole already: nothing can go wrong with them.
        let body = to_bytes(body, LONGEST).await.unwrap_or_default();
        let made = Made { turn, status: parts.status, headers: parts.headers, body };
        *last = Some(made.clone());
        made.response()
    }
}

impl Made {
    fn response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::response::IntoResponse as _;
    use tokio::sync::Semaphore;
    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn all_who_wait_have_one_answer_and_none_is_older_than_its_question() {
        let (shared, may_end) = (Arc::new(Shared::default()), Arc::new(Semaphore::new(0)));
        let made = Arc::new(AtomicU64::new(0));
        let ask = || {
            let (shared, may_end, made) = (shared.clone(), may_end.clone(), made.clone());
            async move {
                let make = async {
                    may_end.acquire().await.unwrap().forget();
                    made.fetch_add(1, Ordering::SeqCst).to_string().into_response()
                };
                let body = to_bytes(shared.answer(make).await.into_body(), 10).await.unwrap();
                String::from_utf8(body.to_vec()).unwrap()
            }
        };
        let mut asking = JoinSet::new();
        asking.spawn(ask());
        while shared.begun.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        // They come while the first answer is made: it may be older than their question.
        (0..100).for_each(|_| drop(asking.spawn(ask())));
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        may_end.add_permits(2);
        let mut answers = asking.join_all().await;
        answers.sort();
        assert_eq!(answers[0], "0");
        assert!(answers[1..].iter().all(|answer| answer == "1"), "{answers:?}");
        may_end.add_permits(1);
        assert_eq!(ask().await, "2");
    }
}
