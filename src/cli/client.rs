//! Asking the server, as everybody else does: over its API.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;
use serde_json::json;

use super::output::{Exit, Failure, say, warn};
use crate::files;
use crate::model::Secret;
use crate::server::REQUEST_WITHIN;

/// Which server, and who asks.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Server")]
pub(super) struct ServerArgs {
    /// Where the server is
    #[arg(
        long,
        value_name = "URL",
        env = "DOGWATCH_SERVER",
        hide_env_values = true,
        default_value = "http://127.0.0.1:8080"
    )]
    server: String,

    /// The file that holds your token of `server.api_tokens`; else it is taken from DOGWATCH_TOKEN
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// How long an answer may take: the server cuts off what takes longer than its own limit, and says so.
const PATIENCE: Duration = REQUEST_WITHIN.saturating_add(Duration::from_secs(30));

/// What the server answers: a reply, or why there is none.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    reply: Option<String>,
    error: Option<String>,
    hint: Option<String>,
}

/// Has the server do what the line says, and says what it answers.
pub(super) async fn ask(server: &ServerArgs, line: &str) -> anyhow::Result<Exit> {
    say(&asked(server, line).await?)?;
    Ok(Exit::Done)
}

/// What the server answers to the line.
pub(super) async fn asked(server: &ServerArgs, line: &str) -> anyhow::Result<String> {
    let url = server.url()?;
    let (token, whence) = server.token()?;
    if url.scheme() == "http" && !is_here(&url) && token.is_some() {
        warn(format!("the token goes to {} over plain http, where others can read it", server.server));
    }
    crate::tls::install_provider();
    let mut builder = Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
    if is_here(&url) {
        builder = builder.no_proxy();
    }
    let mut request =
        builder.build().context("the http client could not be made")?.post(url).json(&json!({ "command": line }));
    if let Some(token) = &token {
        request = request.bearer_auth(token.expose());
    }
    let response = request.send().await.map_err(|error| unreachable(&server.server, &error))?;
    let status = response.status();
    let text = response.text().await.map_err(|error| unreachable(&server.server, &error))?;
    let answer: Option<Answer> = serde_json::from_str(&text).ok();
    match (status, answer) {
        (StatusCode::UNAUTHORIZED, _) => {
            Err(Failure::with(Exit::Usage, unauthorised(&server.server, whence.as_deref())))
        }
        (status, Some(Answer { reply: Some(reply), .. })) if status.is_success() => Ok(printable(&reply)),
        (status, Some(Answer { reply: Some(said), .. } | Answer { error: Some(said), hint: None, .. })) => {
            Err(Failure::with(Exit::Problems, refusal(status, &said)))
        }
        (status, Some(Answer { error: Some(error), hint: Some(hint), .. })) => {
            Err(Failure::with(Exit::Problems, refusal(status, &format!("{error}; {hint}"))))
        }
        (status, _) if status.is_success() || status == StatusCode::NOT_FOUND => {
            let message = format!("what answers at {} is no Dogwatch; see --server", server.server);
            Err(Failure::with(Exit::Unreachable, message))
        }
        (status, _) => Err(Failure::with(Exit::Problems, refusal(status, ""))),
    }
}

impl ServerArgs {
    pub fn new(server: &str, token_file: Option<PathBuf>) -> Self {
        Self { server: server.to_owned(), token_file }
    }

    fn url(&self) -> anyhow::Result<Url> {
        let wrong =
            |why: String| Failure::usage(format!("`{}` is no server: {why}; write `http://host:port`", self.server));
        let url = Url::parse(&self.server).map_err(|error| wrong(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("it does not begin with http".into()));
        }
        let base = self.server.trim_end_matches('/');
        Url::parse(&format!("{base}/v1/commands")).map_err(|error| wrong(error.to_string()))
    }

    /// The token, and where it was found.
    fn token(&self) -> anyhow::Result<(Option<Secret>, Option<String>)> {
        if let Some(path) = &self.token_file {
            let name = path.display().to_string();
            let text = files::read_text(path, files::SECRET).map_err(|error| {
                // Of a pipe, as `<(pass show dogwatch)` is one, nobody knows when it ends.
                let hint = "name a file, or put the token into DOGWATCH_TOKEN";
                Failure::usage(format!("the token's file {name} cannot be read: {error}; {hint}"))
            })?;
            return match text.trim() {
                "" => Err(Failure::usage(format!("the token's file {name} is empty"))),
                token => Ok((Some(Secret::new(token)), Some(name))),
            };
        }
        let token = std::env::var("DOGWATCH_TOKEN").ok().filter(|token| !token.trim().is_empty());
        let whence = token.is_some().then(|| "DOGWATCH_TOKEN".to_owned());
        Ok((token.map(|token| Secret::new(token.trim())), whence))
    }
}

fn unreachable(server: &str, error: &reqwest::Error) -> anyhow::Error {
    let message = if error.is_timeout() {
        format!("the server at {server} did not answer within {} s; its log says why", PATIENCE.as_secs())
    } else if error.is_connect() {
        format!(
            "cannot connect to {server}: {}\nstart the server with `dogwatch serve --config dogwatch.yaml`, or say where it is \
             with --server or DOGWATCH_SERVER",
            root_cause(error)
        )
    } else {
        format!("the server at {server} broke off: {}", root_cause(error))
    };
    Failure::with(Exit::Unreachable, message)
}

fn unauthorised(server: &str, whence: Option<&str>) -> String {
    match whence {
        Some(whence) => format!(
            "the server at {server} does not know the token in {whence}; it must be that of an entry of \
             `server.api_tokens` in its dogwatch.yaml, as it was when the server started"
        ),
        None => format!(
            "the server at {server} wants a token; put yours of `server.api_tokens` into a file and name it with \
             --token-file, or set DOGWATCH_TOKEN"
        ),
    }
}

fn refusal(status: StatusCode, said: &str) -> String {
    match printable(said) {
        said if said.is_empty() => format!("the server answered {status}"),
        said => said,
    }
}

/// The innermost error: the ones around it only say that something failed.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Without what could move the cursor: names and labels come from everywhere.
fn printable(text: &str) -> String {
    text.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}
