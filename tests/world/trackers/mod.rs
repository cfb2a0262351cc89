//! Stand-ins for the issues of GitHub and GitLab: as strict as their documents say of what they are
//! asked, with the faults that the test wants.

mod github;
mod gitlab;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, TimeDelta, Utc};
use dogwatch::clock::{Clock as _, ManualClock};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The token that it takes.
pub const TOKEN: &str = "tracker-token-of-the-tests";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    GitHub,
    GitLab,
}

/// A tracker with one repository, `acme/db`. It serves until it is dropped.
pub struct StandIn {
    pub url: String,
    shared: Shared,
    _server: JoinSet<()>,
}

type Shared = Arc<Mutex<Tracker>>;

pub struct Tracker {
    kind: Kind,
    clock: Arc<ManualClock>,
    pub issues: Vec<Issue>,
    /// Lists show what was made only after so long.
    shows_after: TimeDelta,
    /// `POST /repos/acme/db/issues 201`, in order.
    pub requests: Vec<String>,
    /// What the next requests are answered instead of being done; those whose `on` is not in the
    /// request are let through.
    faults: VecDeque<Fault>,
}

#[derive(Debug, Clone)]
pub struct Issue {
    pub number: u64,
    pub title: String,
    pub body: String,
    pub labels: Vec<String>,
    pub open: bool,
    pub comments: Vec<Comment>,
    pub author: &'static str,
    created_at: DateTime<Utc>,
}

/// As whom the bot asks.
pub const BOT: &str = "dogwatch-bot";

#[derive(Debug, Clone)]
pub struct Comment {
    id: u64,
    pub body: String,
    created_at: DateTime<Utc>,
}

struct Fault {
    on: String,
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    /// It is done all the same.
    is_done: bool,
}

impl StandIn {
    pub async fn start(kind: Kind, clock: Arc<ManualClock>) -> Self {
        let (issues, requests, faults) = (Vec::new(), Vec::new(), VecDeque::new());
        let shows_after = TimeDelta::zero();
        let shared = Arc::new(Mutex::new(Tracker { kind, clock, issues, shows_after, requests, faults }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes: Router<Shared> = match kind {
            Kind::GitHub => github::routes(),
            Kind::GitLab => gitlab::routes(),
        };
        let app = routes.layer(middleware::from_fn_with_state(shared.clone(), at_the_door)).with_state(shared.clone());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, shared, _server: server }
    }

    pub fn tracker(&self) -> MutexGuard<'_, Tracker> {
        lock(&self.shared)
    }

    /// The next request that contains `on` is answered so, and not done.
    pub fn refuses(&self, on: &str, status: u16, headers: &[(&'static str, &str)], body: &str) {
        self.faults(on, status, headers, body, false);
    }

    /// The next request that contains `on` is done, and its answer is lost.
    pub fn loses_the_answer_of(&self, on: &str) {
        self.faults(on, 502, &[], "bad gateway", true);
    }

    /// So many requests that contain `on` are answered so.
    pub fn is_away(&self, times: usize) {
        (0..times).for_each(|_| self.refuses("", 503, &[], "unavailable"));
    }

    pub fn is_back(&self) {
        self.tracker().faults.clear();
    }

    fn faults(&self, on: &str, status: u16, headers: &[(&'static str, &str)], body: &str, is_done: bool) {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let fault = Fault { on: on.to_owned(), status, headers, body: body.to_owned(), is_done };
        self.tracker().faults.push_back(fault);
    }

    /// The next request that contains `on` is done, and answered so.
    pub fn answers_after(&self, on: &str, status: u16, body: &str) {
        self.faults(on, status, &[], body, true);
    }

    /// The next request that contains `on` is done, and its connection is broken before its answer.
    pub fn breaks_off(&self, on: &str) {
        self.faults(on, BREAKS_OFF, &[], "", true);
    }

    /// What is made is shown in lists only after so long.
    pub fn shows_after(&self, lasting: Duration) {
        self.tracker().shows_after = TimeDelta::from_std(lasting).unwrap();
    }

    /// Somebody else writes an issue.
    pub fn somebody_writes(&self, title: &str, body: &str) {
        self.tracker().create("somebody", title, body, Vec::new());
    }

    /// Somebody calls an issue something else.
    pub fn somebody_retitles(&self, number: u64, title: &str) {
        self.tracker().issue(number).unwrap().title = title.to_owned();
    }

    /// Somebody closes an issue.
    pub fn somebody_closes(&self, number: u64) {
        self.tracker().issue(number).unwrap().open = false;
    }

    /// Somebody deletes an issue, or brings it elsewhere.
    pub fn somebody_deletes(&self, number: u64) {
        self.tracker().issues.retain(|issue| issue.number != number);
    }

    pub fn issues(&self) -> Vec<Issue> {
        self.tracker().issues.clone()
    }

    /// How often it was asked for something that contains `what`.
    pub fn asked(&self, what: &str) -> usize {
        self.tracker().requests.iter().filter(|request| request.contains(what)).count()
    }
}

impl Tracker {
    fn create(&mut self, author: &'static str, title: &str, body: &str, labels: Vec<String>) -> Issue {
        let number = self.issues.len() as u64 + 1;
        let issue = Issue {
            number,
            title: title.to_owned(),
            body: body.to_owned(),
            labels,
            open: true,
            comments: Vec::new(),
            author,
            created_at: self.clock.now(),
        };
        self.issues.push(issue.clone());
        issue
    }

    fn comment(&mut self, number: u64, body: &str) -> Option<Comment> {
        let (id, created_at) = (self.requests.len() as u64 + 1_000, self.clock.now());
        let comment = Comment { id, body: body.to_owned(), created_at };
        self.issue(number)?.comments.push(comment.clone());
        Some(comment)
    }

    fn issue(&mut self, number: u64) -> Option<&mut Issue> {
        self.issues.iter_mut().find(|issue| issue.number == number)
    }

    /// Those made since, by anybody or by `author`, the newest first, page by page.
    fn page(&self, since: Option<DateTime<Utc>>, author: Option<&str>, page: usize, per_page: usize) -> Vec<Issue> {
        let since = since.unwrap_or(DateTime::UNIX_EPOCH);
        let is_listed = |issue: &&Issue| {
            issue.created_at >= since
                && self.is_shown(issue.created_at)
                && author.is_none_or(|author| author == issue.author)
        };
        let newest = self.issues.iter().rev().filter(is_listed);
        newest.skip((page.max(1) - 1) * per_page).take(per_page).cloned().collect()
    }

    fn is_shown(&self, created_at: DateTime<Utc>) -> bool {
        created_at + self.shows_after <= self.clock.now()
    }

    /// The comments of an issue that are shown.
    fn comments(&self, number: u64) -> Option<Vec<Comment>> {
        let issue = self.issues.iter().find(|issue| issue.number == number)?;
        Some(issue.comments.iter().filter(|comment| self.is_shown(comment.created_at)).cloned().collect())
    }
}

fn lock(shared: &Shared) -> MutexGuard<'_, Tracker> {
    shared.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

async fn at_the_door(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let called = format!("{} {}", request.method(), request.uri());
    let (kind, fault) = {
        let mut tracker = lock(&shared);
        let hit = tracker.faults.iter().position(|fault| called.contains(&fault.on));
        (tracker.kind, hit.and_then(|at| tracker.faults.remove(at)))
    };
    let response = match (fault, refusal(kind, request.headers())) {
        (Some(fault), _) if fault.is_done => {
            next.run(request).await;
            if fault.status == BREAKS_OFF {
                return broken_off();
            }
            answer(fault.status, &[], fault.body)
        }
        (Some(fault), _) => answer(fault.status, &fault.headers, fault.body),
        (None, Some(response)) => response,
        (None, None) => next.run(request).await,
    };
    let told = format!("{called} {}", response.status().as_u16());
    lock(&shared).requests.push(told);
    response
}

/// Of no answer at all.
const BREAKS_OFF: u16 = 0;

/// An answer that promises more than comes.
fn broken_off() -> Response {
    let body = futures_util::stream::iter([Ok("{"), Err(std::io::Error::other("it breaks off"))]);
    (StatusCode::CREATED, axum::body::Body::from_stream(body)).into_response()
}

fn refusal(kind: Kind, headers: &HeaderMap) -> Option<Response> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if header("authorization") != format!("Bearer {TOKEN}") {
        let body = match kind {
            Kind::GitHub => r#"{"message":"Bad credentials","status":"401"}"#,
            Kind::GitLab => r#"{"message":"401 Unauthorized"}"#,
        };
        return Some(answer(401, &[], body.to_owned()));
    }
    if kind == Kind::GitHub && header("user-agent").is_empty() {
        let body = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header";
        return Some(answer(403, &[], body.to_owned()));
    }
    None
}

fn answer(status: u16, headers: &[(&'static str, String)], body: String) -> Response {
    let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
    for (name, value) in headers {
        response.headers_mut().insert(*name, value.parse().unwrap());
    }
    response
}

/// As both answer what is not valid.
fn invalid(message: &str) -> Response {
    answer(422, &[], format!(r#"{{"message":"Validation Failed","errors":["{message}"]}}"#))
}

fn text(body: &Value, field: &str) -> Option<String> {
    body.get(field)?.as_str().map(str::to_owned)
}

/// A second of an answer: trackers tell no more.
fn told(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
