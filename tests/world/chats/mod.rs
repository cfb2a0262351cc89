//! Stand-ins for chats that pages go to: as strict as their documents say of what they are sent,
//! with the faults that the test wants.

pub mod mattermost;
pub mod ntfy;
pub mod slack;
pub mod teams;

use std::collections::VecDeque;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What the next requests are answered, whatever they ask for.
#[derive(Default)]
pub struct Faults(VecDeque<Fault>);

struct Fault {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    /// It is done all the same.
    is_done: bool,
}

impl Faults {
    /// The next request is answered so, and not done.
    pub fn refuse(&mut self, status: u16, headers: &[(&'static str, &str)], body: &str) {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.0.push_back(Fault { status, headers, body: body.to_owned(), is_done: false });
    }

    /// The next request is done, and its answer is another one.
    pub fn answer_after(&mut self, status: u16, body: &str) {
        self.0.push_back(Fault { status, headers: Vec::new(), body: body.to_owned(), is_done: true });
    }

    /// The answer that takes the place of the true one, and whether it is done all the same.
    fn next(&mut self) -> Option<(Response, bool)> {
        let Fault { status, headers, body, is_done } = self.0.pop_front()?;
        let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
        for (name, value) in headers {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        Some((response, is_done))
    }
}

/// Serves until the set is dropped; where.
async fn serve(app: Router) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, server)
}

fn says(status: u16, body: impl Into<String>) -> Response {
    (StatusCode::from_u16(status).unwrap(), body.into()).into_response()
}
