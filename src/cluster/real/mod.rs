//! The real cluster, through the API server.

mod belief;
mod connect;
mod discovery;
mod eviction;
mod exec;
mod logs;
mod refusal;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::Request as HttpRequest;
use kube::Client;
use kube::api::{DeleteParams, GetParams, ListParams, Patch as Change, PatchParams, PostParams};
use kube::api::{Preconditions, PropagationPolicy, ValidationDirective};
use kube::core::Request;
use serde_json::{Map, Value, json};

use belief::Generations;
use connect::Connected;
pub use connect::{ConnectError, Connection};
use discovery::Discovery;
use refusal::Asked;

use super::{
    Access, Cluster, ClusterError, Delete, Evict, ExecQuery, Executed, Kind, KindName, Kinds, ListPage, ListQuery, Log,
    LogQuery, Object, Patch,
};
use crate::model::ObjectKey;

/// A Kubernetes cluster, reached through its API server. Every request is tried once.
#[derive(Clone)]
pub struct RealCluster {
    client: Client,
    timeout: Duration,
    generations: Arc<Generations>,
    discovery: Arc<Discovery>,
    /// `, through the proxy ...`: for errors of the connection.
    through: String,
    host: String,
}

impl RealCluster {
    /// How long a request may take: a healthy server answers in far less, and a step must not hang on a sick one.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

    /// Sets up the connection. The server is not asked anything yet: [`Cluster::version`] proves that it can be reached.
    pub async fn connect(connection: &Connection, timeout: Duration) -> Result<Self, ConnectError> {
        let Connected { client, proxy, host } = connect::client(connection, timeout).await?;
        let through = proxy.map(|proxy| proxy.told()).unwrap_or_default();
        Ok(Self { client, timeout, generations: Arc::default(), discovery: Arc::default(), through, host })
    }

    /// The name or the address of the API server.
    pub fn host(&self) -> &str {
        &self.host
    }

    async fn send(
        &self,
        asked: &Asked,
        request: Result<HttpRequest<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<Value, ClusterError> {
        let request = request.map_err(|error| asked.failed(&kube::Error::BuildRequest(error)))?;
        let answer = tokio::time::timeout(self.timeout, self.client.request::<Value>(request)).await;
        let through = &self.through;
        let answer = answer.map_err(|_| asked.unavailable(format!("no answer within {:?}{through}", self.timeout)))?;
        answer.map_err(|error| self.failed(asked, &error))
    }

    /// What went wrong; a connection that came to nothing may be the proxy's fault.
    fn failed(&self, asked: &Asked, error: &kube::Error) -> ClusterError {
        match asked.failed(error) {
            ClusterError::Unavailable { what, message } if !matches!(error, kube::Error::Api(_)) => {
                ClusterError::Unavailable { what, message: format!("{message}{}", self.through) }
            }
            other => other,
        }
    }

    /// The object in an answer, once `check` has nothing against it and it is not of the past.
    /// `is_so`: it is that, and not what would come of a change that was only tried.
    fn believed(
        &self,
        asked: &Asked,
        answer: Value,
        is_so: bool,
        check: impl FnOnce(&Object) -> Result<(), String>,
    ) -> Result<Object, ClusterError> {
        let object = Object(answer);
        check(&object).and_then(|()| self.generations.check(&object)).map_err(|why| asked.unavailable(why))?;
        if is_so {
            self.generations.take_note_of(&object);
        }
        Ok(object)
    }

    /// One page of a list, and where the next one begins.
    async fn page(
        &self,
        asked: &Asked,
        path: &Request,
        params: &ListParams,
        (kind, namespace): (&Kind, &str),
    ) -> Result<Page, ClusterError> {
        let mut answer = self.send(asked, path.list(params)).await?;
        let next = answer.pointer("/metadata/continue").and_then(Value::as_str);
        let next = next.filter(|token| !token.is_empty()).map(str::to_owned);
        belief::check_list(&answer, kind, namespace, next.is_some()).map_err(|why| asked.unavailable(why))?;
        let Some(Value::Array(items)) = answer.get_mut("items").map(Value::take) else {
            return Err(asked.unavailable("its answer is no list"));
        };
        Ok(Page { items, next })
    }
}

/// Reads of a kind in the version that it is known in.
impl RealCluster {
    async fn get_as(&self, kind: &'static Kind, key: &ObjectKey) -> Result<Option<Object>, ClusterError> {
        let asked = asked("get", key);
        let request = folder(&asked, kind, key)?;
        match self.send(&asked, request.get(&key.name, &GetParams::default())).await {
            Ok(answer) => {
                let check = |object: &Object| belief::check_object(object, kind, key);
                self.believed(&asked, answer, true, check).map(Some)
            }
            Err(ClusterError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn list_as(&self, kind: &'static Kind, query: &ListQuery) -> Result<Vec<Object>, ClusterError> {
        let asked = Asked { verb: "list", what: query.what(kind), kind: query.kind.clone() };
        let namespace = kind.check_list(&query.namespace).map_err(|message| asked.refused(message))?;
        let request = Request::new(path(kind, namespace));
        let mut found = Vec::new();
        let mut next = None;
        loop {
            // One more than asked for shows that there are too many.
            let page = PAGE.min(query.limit.saturating_sub(found.len()).saturating_add(1));
            let params = params(query, page, next);
            let page = self.page(&asked, &request, &params, (kind, namespace)).await?;
            found.extend(page.items);
            if found.len() > query.limit {
                return Err(ClusterError::TooMany { what: asked.what, limit: query.limit });
            }
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        let mut objects: Vec<Object> = found.into_iter().map(|item| with_type(item, kind)).collect();
        objects.sort_by(|a, b| (a.namespace(), a.name()).cmp(&(b.namespace(), b.name())));
        belief::check_once(&objects).map_err(|why| asked.unavailable(why))?;
        Ok(objects)
    }

    async fn page_as(
        &self,
        kind: &'static Kind,
        query: &ListQuery,
        from: Option<&str>,
    ) -> Result<ListPage, ClusterError> {
        let asked = Asked { verb: "list", what: query.what(kind), kind: query.kind.clone() };
        let namespace = kind.check_list(&query.namespace).map_err(|message| asked.refused(message))?;
        let params = params(query, PAGE, from.map(str::to_owned));
        let page = self.page(&asked, &Request::new(path(kind, namespace)), &params, (kind, namespace)).await?;
        let objects = page.items.into_iter().map(|item| with_type(item, kind)).collect();
        Ok(ListPage { objects, next: page.next })
    }
}

fn params(query: &ListQuery, page: usize, next: Option<String>) -> ListParams {
    ListParams {
        label_selector: Some(query.labels.clone()).filter(|labels| !labels.is_empty()),
        field_selector: Some(query.fields.clone()).filter(|fields| !fields.is_empty()),
        limit: u32::try_from(page).ok(),
        continue_token: next,
        ..ListParams::default()
    }
}

struct Page {
    items: Vec<Value>,
    next: Option<String>,
}

/// As large as kubectl's pages: small enough for the server, and few round trips for us.
const PAGE: usize = 500;

#[async_trait]
impl Cluster for RealCluster {
    async fn get(&self, key: &ObjectKey) -> Result<Option<Object>, ClusterError> {
        let kind = self.find(&key.kind).await?;
        match self.get_as(kind, key).await {
            Err(ClusterError::UnknownKind(unknown)) => match self.instead_of(kind).await {
                Some(kind) => self.get_as(kind, key).await,
                None => Err(ClusterError::UnknownKind(unknown)),
            },
            answer => answer,
        }
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<Object>, ClusterError> {
        let kind = self.find(&query.kind).await?;
        match self.list_as(kind, query).await {
            Err(ClusterError::UnknownKind(unknown)) => match self.instead_of(kind).await {
                Some(kind) => self.list_as(kind, query).await,
                None => Err(ClusterError::UnknownKind(unknown)),
            },
            answer => answer,
        }
    }

    async fn list_page(&self, query: &ListQuery, from: Option<&str>) -> Result<ListPage, ClusterError> {
        let kind = self.find(&query.kind).await?;
        match self.page_as(kind, query, from).await {
            Err(ClusterError::UnknownKind(unknown)) => match self.instead_of(kind).await {
                Some(kind) => self.page_as(kind, query, from).await,
                None => Err(ClusterError::UnknownKind(unknown)),
            },
            answer => answer,
        }
    }

    async fn logs(&self, query: &LogQuery) -> Result<Log, ClusterError> {
        self.read_log(query).await
    }

    async fn exec(&self, query: &ExecQuery) -> Result<Executed, ClusterError> {
        self.run_program(query).await
    }

    async fn patch(&self, patch: &Patch) -> Result<Object, ClusterError> {
        let kind = self.find(&patch.key.kind).await?;
        let mut asked = asked("patch", &patch.key);
        if let Some(subresource) = patch.subresource {
            asked.kind = format!("{}/{subresource}", asked.kind);
        }
        let request = folder(&asked, kind, &patch.key)?;
        let name = &patch.key.name;
        let params = PatchParams {
            dry_run: patch.dry_run,
            force: false,
            field_manager: Some(patch.field_manager.clone()),
            field_validation: Some(ValidationDirective::Strict),
        };
        let body = Change::Merge(patch.with_preconditions()?);
        let request = match patch.subresource {
            Some(subresource) => request.patch_subresource(subresource, name, &params, &body),
            None => request.patch(name, &params, &body),
        };
        let answer = self.send(&asked, request).await?;
        self.believed(&asked, answer, !patch.dry_run, |object| belief::check_patched(object, kind, patch))
    }

    async fn create(&self, object: &Object, field_manager: &str, dry_run: bool) -> Result<Object, ClusterError> {
        let key = object.key();
        let kind = self.find(&key.kind).await?;
        let asked = asked("create", &key);
        let request = folder(&asked, kind, &key)?;
        let params = PostParams { dry_run, field_manager: Some(field_manager.to_owned()) };
        let body = with_type(object.as_new().0, kind).0.to_string().into_bytes();
        let mut request = request.create(&params, body);
        if let Ok(request) = &mut request {
            // kube has no parameter for it. The query is never empty: it names the field manager.
            let strict = format!("{}&fieldValidation=Strict", request.uri());
            *request.uri_mut() = strict.parse().map_err(|_| asked.refused("its name makes no valid path"))?;
        }
        let answer = self.send(&asked, request).await?;
        self.believed(&asked, answer, !dry_run, |created| belief::check_created(created, kind, object, dry_run))
    }

    async fn delete(&self, delete: &Delete) -> Result<(), ClusterError> {
        let kind = self.find(&delete.key.kind).await?;
        let asked = asked("delete", &delete.key);
        let request = folder(&asked, kind, &delete.key)?;
        if delete.uid.is_empty() {
            return Err(asked.refused("no uid was given, and so another object of that name could be hit"));
        }
        let policy =
            if delete.wait_for_dependents { PropagationPolicy::Foreground } else { PropagationPolicy::Background };
        let params = DeleteParams {
            dry_run: delete.dry_run,
            grace_period_seconds: None,
            propagation_policy: Some(policy),
            preconditions: Some(Preconditions { uid: Some(delete.uid.clone()), resource_version: None }),
        };
        // The answer is the object or a `Status`, by the kind.
        let answer = self.send(&asked, request.delete(&delete.key.name, &params)).await?;
        belief::check_deleted(&answer, kind, &delete.key).map_err(|why| asked.unavailable(why))
    }

    async fn evict(&self, evict: &Evict) -> Result<(), ClusterError> {
        self.evict_pod(evict).await
    }

    async fn allowed(&self, access: &Access) -> Result<bool, ClusterError> {
        let what = format!("whether we may {} {}", access.verb, access.resource);
        let asked = Asked { verb: "ask", what, kind: "SelfSubjectAccessReview".into() };
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": {
                "verb": access.verb,
                "group": access.group,
                "resource": access.resource,
                "subresource": access.subresource,
                "namespace": access.namespace,
                "name": access.name,
            } },
        });
        let request = Request::new("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews");
        let answer = self.send(&asked, request.create(&PostParams::default(), review.to_string().into_bytes())).await?;
        let same = |name: &str, wanted: &str| {
            let told = answer.pointer(&format!("/spec/resourceAttributes/{name}")).and_then(Value::as_str);
            told.unwrap_or_default() == wanted
        };
        let is_about = answer.get("kind").and_then(Value::as_str) == Some("SelfSubjectAccessReview")
            && same("verb", &access.verb)
            && same("resource", &access.resource)
            && same("namespace", &access.namespace);
        let allowed = answer.pointer("/status/allowed").and_then(Value::as_bool).filter(|_| is_about);
        allowed.ok_or_else(|| asked.unavailable("its answer does not say"))
    }

    async fn kind(&self, name: &KindName) -> Result<&'static Kind, ClusterError> {
        self.find(name.as_str()).await
    }

    fn kinds(&self) -> Arc<Kinds> {
        self.discovery.kinds.clone()
    }

    async fn version(&self) -> Result<String, ClusterError> {
        let asked = Asked { verb: "ask", what: "for its version".into(), kind: String::new() };
        let answer = tokio::time::timeout(self.timeout, self.client.apiserver_version()).await;
        let through = &self.through;
        let answer = answer.map_err(|_| asked.unavailable(format!("no answer within {:?}{through}", self.timeout)))?;
        answer.map(|info| info.git_version).map_err(|error| self.failed(&asked, &error))
    }
}

fn asked(verb: &'static str, key: &ObjectKey) -> Asked {
    Asked { verb, what: key.to_string(), kind: key.kind.clone() }
}

/// The path of the folder in which the objects of one namespace are.
fn folder(asked: &Asked, kind: &Kind, key: &ObjectKey) -> Result<Request, ClusterError> {
    kind.check_key(key).map_err(|message| asked.refused(message))?;
    Ok(Request::new(path(kind, &key.namespace)))
}

fn path(kind: &Kind, namespace: &str) -> String {
    let root = if kind.group.is_empty() { "/api" } else { "/apis" };
    let namespace = if namespace.is_empty() { String::new() } else { format!("/namespaces/{namespace}") };
    format!("{root}/{}{namespace}/{}", kind.api_version(), kind.plural)
}

/// The items of a list come without their kind.
fn with_type(object: Value, kind: &Kind) -> Object {
    let mut typed = Map::new();
    typed.insert("apiVersion".into(), kind.api_version().into());
    typed.insert("kind".into(), kind.name.into());
    if let Value::Object(fields) = object {
        typed.extend(fields);
    }
    Object(Value::Object(typed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_the_api_servers() {
        let path = |kind, namespace| path(Kind::find(kind).unwrap(), namespace);
        assert_eq!(path("Pod", "shop"), "/api/v1/namespaces/shop/pods");
        assert_eq!(path("Pod", ""), "/api/v1/pods");
        assert_eq!(path("Job", "shop"), "/apis/batch/v1/namespaces/shop/jobs");
        assert_eq!(path("Node", ""), "/api/v1/nodes");
    }
}
