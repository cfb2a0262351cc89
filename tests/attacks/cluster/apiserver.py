"""A scripted API server, a scripted Prometheus, and an impatient playbook that scales one Deployment by itself.

`ApiServer.lie` is asked first about each request: it answers (status, headers, body), a generator of pieces, or None for the truth.
`changes` holds what would have changed the cluster: everything but the Lease and questions about rights.
"""

import http.server
import json
import os
import sys
import tempfile
import threading
import urllib.parse

from rig import *

KUBECONFIG_AT = """apiVersion: v1
kind: Config
clusters: [{{ name: near, cluster: {{ server: "{url}" }} }}]
users: [{{ name: bot, user: {{ token: none }} }}]
contexts: [{{ name: near, context: {{ cluster: near, user: bot }} }}]
current-context: near
"""

PLAYBOOK = """apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: web-slow, version: 1.0.0, owner: platform }
summary: web is slow
severity: S2
autonomy: auto
page_by: 5m
triggers: [{ alert: WebSlow }]
target: { kind: Deployment, namespace: shop, name: web }
limits: { runs: 20 per 1h }
diagnose:
  - id: pods
    k8s.pods: {}
  - id: p99
    prometheus.query: { expr: slow_seconds }
  - done_if: p99.value < 0.1
    because: it is fast
mitigate:
  - id: scale
    k8s.scale: { by: 50%, max: 10 }
    verify: { query: p99, until: value < 0.1, settle: 1s, every: 1s, within: 10s }
    undo: never
escalate:
  - page: { team: platform, message: "web is slow: {{because}}" }
"""

LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
WEB = "/apis/apps/v1/namespaces/shop/deployments/web"


def not_found(name):
    return 404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404, "reason": "NotFound",
                 "message": f"{name} not found", "details": {"name": name, "kind": "things"}}


def failure(code, reason="", message="no"):
    return code, {}, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
                      "message": message, "details": {"name": "web", "kind": "deployments"}}


class Scripted:
    # What the answers' Date says.
    clock = staticmethod(time.time)

    def __init__(self):
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def go(self):
                length = int(self.headers.get("content-length", 0))
                body = self.rfile.read(length) if length else b""
                try:
                    owner.handle(self, body)
                except OSError:
                    self.close_connection = True

            def date_time_string(self, timestamp=None):
                return super().date_time_string(owner.clock())

            do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = go

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def answer(handler, status, body, headers=None):
        if hasattr(body, "__next__"):
            handler.send_response(status)
            handler.send_header("content-type", "application/json")
            for name, value in (headers or {}).items():
                handler.send_header(name, value)
            handler.send_header("connection", "close")
            handler.end_headers()
            handler.close_connection = True
            for piece in body:
                handler.wfile.write(piece)
            return
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("content-type", "application/json")
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


class ApiServer(Scripted):
    def __init__(self, lie=lambda method, path, query, body: None):
        self.lie, self.changes, self.requests, self.version, self.lock = lie, [], [], 100, threading.RLock()
        self.lease = None
        self.web = {
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "shop", "uid": "uid-web", "resourceVersion": "50", "generation": 3},
            "spec": {"replicas": 4, "selector": {"matchLabels": {"app": "web"}}, "template": {"spec": {"containers": []}}},
            "status": {"replicas": 4, "readyReplicas": 4, "observedGeneration": 3},
        }
        super().__init__()

    def next_version(self):
        self.version += 1
        return str(self.version)

    def handle(self, handler, body):
        url = urllib.parse.urlsplit(handler.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        body = json.loads(body) if body else None
        method, path = handler.command, url.path
        is_change = method in ("PATCH", "DELETE", "PUT") or method == "POST" and "accessreview" not in path
        with self.lock:
            self.requests.append((time.monotonic(), method, path))
            if is_change and LEASE not in path and "dryRun" not in query:
                self.changes.append((time.monotonic(), method, path, body))
        told = self.lie(method, path, query, body)
        if told is not None:
            status, headers, told = told
            return self.answer(handler, status, told, headers)
        with self.lock:
            status, told = self.truth(method, path, query, body)
        self.answer(handler, status, told)

    def truth(self, method, path, query, body):
        if path.startswith(LEASE):
            return self.truth_of_lease(method, body)
        if path == "/version":
            return 200, {"major": "1", "minor": "35", "gitVersion": "v1.35.4", "gitCommit": "", "gitTreeState": "", "buildDate": "",
                         "goVersion": "", "compiler": "", "platform": ""}
        if "accessreview" in path:
            return 201, {**body, "status": {"allowed": True}}
        if path == WEB:
            return 200, self.web
        if path == WEB + "/scale" and method == "PATCH":
            if "dryRun" not in query:
                meta = self.web["metadata"]
                wants = body.get("metadata", {})
                if wants.get("resourceVersion", meta["resourceVersion"]) != meta["resourceVersion"]:
                    return failure(409, "Conflict")[::2]
                self.web["spec"]["replicas"] = body["spec"]["replicas"]
                meta.update(resourceVersion=self.next_version(), generation=meta["generation"] + 1)
                meta["managedFields"] = [{"manager": query.get("fieldManager", ""), "operation": "Update", "subresource": "scale",
                                          "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]
            meta = self.web["metadata"]
            return 200, {"apiVersion": "autoscaling/v1", "kind": "Scale",
                         "metadata": {key: meta[key] for key in ("name", "namespace", "uid", "resourceVersion")},
                         "spec": {"replicas": body["spec"]["replicas"]}, "status": {"replicas": 4, "selector": "app=web"}}
        for kind, plural in (("Pod", "pods"), ("Event", "events"), ("HorizontalPodAutoscaler", "horizontalpodautoscalers"),
                             ("Deployment", "deployments"), ("ReplicaSet", "replicasets")):
            if path.endswith("/" + plural):
                return 200, self.list_of(kind, path, [self.web] if kind == "Deployment" else [])
        if path == "/api/v1/namespaces/shop":
            return 200, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "uid": "n", "resourceVersion": "1"}}
        return not_found(path.rsplit("/", 1)[1])

    @staticmethod
    def list_of(kind, path, items, **meta):
        version = "/".join(path.split("/namespaces/")[0].split("/")[2:])
        return {"apiVersion": version, "kind": kind + "List", "metadata": {"resourceVersion": "60", **meta}, "items": items}

    def truth_of_lease(self, method, body):
        if method == "POST":
            if self.lease:
                return failure(409, "AlreadyExists")[::2]
            self.lease = body
            self.lease["metadata"].update(uid="uid-lease-" + self.next_version(), resourceVersion=self.next_version())
            return 201, self.lease
        if not self.lease:
            return not_found("dogwatch")
        if method == "PATCH":
            meta = body.get("metadata", {})
            if meta.get("resourceVersion", self.lease["metadata"]["resourceVersion"]) != self.lease["metadata"]["resourceVersion"]:
                return failure(409, "Conflict")[::2]
            self.lease["metadata"].setdefault("annotations", {}).update(meta.get("annotations") or {})
            self.lease["spec"].update(body.get("spec", {}))
            self.lease["metadata"]["resourceVersion"] = self.next_version()
        return 200, self.lease

    def held_by(self, who, **spec):
        with self.lock:
            uid = self.lease["metadata"]["uid"] if self.lease else "uid-lease-other"
            self.lease = {
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": {"name": "dogwatch", "namespace": "kube-system", "uid": uid, "resourceVersion": self.next_version(),
                             "annotations": {"dogwatch/process": "0123456789abcdef"}},
                "spec": {"holderIdentity": who, "leaseDurationSeconds": 20, **spec},
            }


class Prom(Scripted):
    """`lie(expression, time)` answers (status, body) or a number."""

    def __init__(self, lie=lambda expr, at: 0.5):
        self.lie, self.asked = lie, []
        super().__init__()

    @staticmethod
    def vector(at, value, **more):
        return {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [at, str(value)]}]}, **more}

    def handle(self, handler, body):
        form = dict(urllib.parse.parse_qsl(body.decode()))
        at = float(form.get("time", 0))
        self.asked.append(form.get("query"))
        told = self.lie(form.get("query", ""), at)
        status, told = told if isinstance(told, tuple) else (200, self.vector(at, told))
        self.answer(handler, status, told)


def site(api, prom, pages=None, playbook=PLAYBOOK, config="", cluster="", **more):
    """A bot on that cluster and that Prometheus."""
    folder = tempfile.mkdtemp(prefix="dogwatch-attack-playbooks-")
    atexit.register(shutil.rmtree, folder, True)
    with open(os.path.join(folder, "web-slow.yaml"), "w") as file:
        file.write(playbook)

    def before(home):
        with open(os.path.join(home, "kubeconfig.yaml"), "w") as file:
            file.write(KUBECONFIG_AT.format(url=api.url))
        path = os.path.join(home, "dogwatch.yaml")
        with open(path) as file:
            text = file.read()
        with open(path, "w") as file:
            file.write(text.replace("kubeconfig: kubeconfig.yaml }", f"kubeconfig: kubeconfig.yaml{cluster} }}"))

    config = f"prometheus: {{ url: \"{prom.url}\", timeout: 3s }}\n{config}"
    return Bot(config=config, playbooks=folder, pages=pages, before=before, **more)


def outcome(bot, run=1):
    """What `dogwatch why` says of the incident."""
    return bot.cli("why", f"INC-{run}")[1]


def has_mandate(bot):
    return bot.metric("dogwatch_observes_only") == 0
