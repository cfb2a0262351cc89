//! Plain requests to an API server as one of its users: what `kubectl` would be to a person.
//!
//! A path is the API server's own: `/api/v1/namespaces/shop/pods/web-0`. What a test relies on panics when it fails;
//! `request` gives the answer whatever it is.

use reqwest::{Certificate, Client, Method, StatusCode};
use serde_json::{Value, json};

use super::http;

const FIELD_MANAGER: &str = "kubectl";

pub struct KubernetesApi {
    client: Client,
    server_url: String,
    token: String,
}

/// What the API server said.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    /// The object, or the `Status` that says why not; a string where the answer is no JSON.
    pub body: Value,
}

impl KubernetesApi {
    /// `authority` is the PEM of the one certificate authority to trust.
    pub fn new(server_url: &str, authority: &str, token: &str) -> Self {
        let authority = Certificate::from_pem(authority.as_bytes()).expect("read the authority's certificate");
        let client = http::builder().tls_certs_only([authority]).build().expect("build an HTTP client");
        Self { client, server_url: server_url.to_owned(), token: token.to_owned() }
    }

    /// The object at a path.
    pub async fn get(&self, path: &str) -> Value {
        self.request(Method::GET, path, None).await.expect_success(&format!("get {path}"))
    }

    /// The object at a path, or `None` where there is none.
    pub async fn find(&self, path: &str) -> Option<Value> {
        let answer = self.request(Method::GET, path, None).await;
        (answer.status != StatusCode::NOT_FOUND).then(|| answer.expect_success(&format!("get {path}")))
    }

    /// Creates the object, or makes the one that is there match it (server-side apply, taking over fields of others).
    pub async fn apply(&self, object: Value) -> Value {
        let path = self.path_of(&object).await;
        let uri = format!("{path}?fieldManager={FIELD_MANAGER}&force=true");
        let answer = self.send(Method::PATCH, &uri, "application/apply-patch+yaml", Some(object)).await;
        answer.expect_success(&format!("apply {path}"))
    }

    /// A JSON merge patch.
    pub async fn patch(&self, path: &str, patch: Value) -> Value {
        self.request(Method::PATCH, path, Some(patch)).await.expect_success(&format!("patch {path}"))
    }

    /// A JSON merge patch of the status: the test plays the controller that would write it. `status` is what goes below
    /// the key `status`.
    pub async fn patch_status(&self, path: &str, status: Value) -> Value {
        self.patch(&format!("{path}/status"), json!({ "status": status })).await
    }

    pub async fn delete(&self, path: &str) {
        self.request(Method::DELETE, path, None).await.expect_success(&format!("delete {path}"));
    }

    /// Any request; a PATCH goes out as a JSON merge patch.
    pub async fn request(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let content_type = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
        self.send(method, path, content_type, body).await
    }

    async fn send(&self, method: Method, path: &str, content_type: &str, body: Option<Value>) -> Answer {
        let url = format!("{}{path}", self.server_url);
        let mut request = self.client.request(method.clone(), &url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.header("content-type", content_type).body(body.to_string());
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{method} {url}: {error:?}"));
        let status = response.status();
        let text = response.text().await.unwrap_or_else(|error| panic!("{method} {url}: {error:?}"));
        Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    /// Whether a health path answers 200; `false` also while nobody listens yet.
    pub async fn is_healthy(&self, path: &str) -> bool {
        let request = self.client.get(format!("{}{path}", self.server_url)).bearer_auth(&self.token);
        request.send().await.is_ok_and(|response| response.status() == StatusCode::OK)
    }

    /// Where an object belongs: the server is asked what its kind is called in paths, and whether it has a namespace.
    async fn path_of(&self, object: &Value) -> String {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let need = |pointer: &str| text(pointer).unwrap_or_else(|| panic!("no {pointer} in {object}"));
        let (api_version, kind, name) = (need("/apiVersion"), need("/kind"), need("/metadata/name"));
        let root = if api_version.contains('/') { "/apis" } else { "/api" };
        let resources = self.get(&format!("{root}/{api_version}")).await;
        let resource = resources["resources"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|resource| resource["kind"] == kind && !resource["name"].as_str().unwrap_or("/").contains('/'))
            .unwrap_or_else(|| panic!("the API server knows no {kind} in {api_version}"));
        let plural = resource["name"].as_str().expect("found by its name");
        if resource["namespaced"] == true {
            format!("{root}/{api_version}/namespaces/{}/{plural}/{name}", need("/metadata/namespace"))
        } else {
            format!("{root}/{api_version}/{plural}/{name}")
        }
    }
}

impl Answer {
    fn expect_success(self, what: &str) -> Value {
        assert!(self.status.is_success(), "cannot {what}: {} {}", self.status, self.body);
        self.body
    }
}
