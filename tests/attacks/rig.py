"""What an attack has around the bot: the real process in a folder of its own, a receiver of pages, a scripted Prometheus.

Everything is on loopback, on free ports, and ends with the attack. `DOGWATCH` names the binary (target/debug/dogwatch).
"""

import atexit
import http.client
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.environ.get("DOGWATCH", os.path.join(ROOT, "target/debug/dogwatch"))
TOKENS = {"ada": "the-token-of-ada-is-long-enough", "eve": "the-token-of-eve-is-long-enough"}
WEBHOOK = "the-token-of-the-webhook-is-long"

ONCALL = """apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada }]
teams:
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [ada] }
"""

KUBECONFIG = """apiVersion: v1
kind: Config
clusters: [{ name: away, cluster: { server: "http://127.0.0.1:9" } }]
users: [{ name: bot, user: { token: none } }]
contexts: [{ name: away, context: { cluster: away, user: bot } }]
current-context: away
"""


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Receiver:
    """Takes what is posted to it; `answers` decides status and headers from the number of the request."""

    def __init__(self, answers=lambda n: (200, {})):
        self.bodies, self.answers = [], answers
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                receiver.bodies.append(json.loads(body))
                status, headers = receiver.answers(len(receiver.bodies))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def pages(self):
        return [body for body in self.bodies if body.get("kind") == "page"]


class Bot:
    """`dogwatch serve`. `config` is added to the configuration, `playbooks` is a folder that is copied, `limits` are of `ulimit`."""

    def __init__(self, config="", server="", playbooks=None, pages=None, limits="", env=None, auth=True, before=None):
        self.folder = tempfile.mkdtemp(prefix="dogwatch-attack-")
        atexit.register(self.end)
        self.port, self.process, self.env, self.limits = free_port(), None, env or {}, limits
        self.base = f"http://127.0.0.1:{self.port}"
        target = os.path.join(self.folder, "playbooks")
        shutil.copytree(playbooks, target) if playbooks else os.mkdir(target)
        self.write("oncall.yaml", ONCALL)
        self.write("kubeconfig.yaml", KUBECONFIG)
        for name, token in TOKENS.items():
            self.write(name, token)
        self.write("webhook", WEBHOOK)
        auth_line = "  webhook_auth: { bearer: { file: webhook } }\n" if auth else ""
        sinks = f"pages: {{ sinks: [webhook], webhook: {{ url: \"{pages.url}\" }} }}\n" if pages else ""
        self.write(
            "dogwatch.yaml",
            f"server:\n  listen: 127.0.0.1:{self.port}\n{auth_line}  api_tokens:\n"
            "    - { name: ada, role: responder, token: { file: ada } }\n"
            "    - { name: eve, role: viewer, token: { file: eve } }\n"
            f"{server}cluster: {{ kubeconfig: kubeconfig.yaml }}\nchat: {{ console: off }}\n{sinks}{config}",
        )
        if before:
            before(self.folder)
        self.start()

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(text)
        return path

    def start(self, wait=True):
        log = open(os.path.join(self.folder, "log"), "ab")
        command = [BINARY, "serve", "--config", "dogwatch.yaml"]
        if self.limits:
            command = ["sh", "-c", f"{self.limits}; exec \"$0\" \"$@\"", *command]
        self.process = subprocess.Popen(
            command, cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env={**os.environ, **self.env}
        )
        if wait:
            until(lambda: self.get("/readyz")[0] == 200 or self.process.poll() is not None, 60, "it is ready")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def term(self, within=20):
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(within)
        return time.monotonic() - started

    def request(self, method, path, body=None, headers=None, timeout=15):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return 0, str(error)
        finally:
            connection.close()

    def get(self, path):
        return self.request("GET", path)

    def post(self, body, path="/v1/alertmanager", token=WEBHOOK, headers=None, timeout=60):
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        all_headers = {"content-type": "application/json", "authorization": f"Bearer {token}", **(headers or {})}
        return self.request("POST", path, body, all_headers, timeout)

    def cli(self, *args, token="ada"):
        done = subprocess.run(
            [BINARY, *args, "--server", self.base, "--token-file", token],
            cwd=self.folder, capture_output=True, text=True, timeout=60,
        )
        return done.returncode, done.stdout + done.stderr

    def metric(self, name):
        for line in self.get("/metrics")[1].splitlines():
            if line.startswith(name) and line[len(name)] in " {":
                return float(line.rsplit(" ", 1)[1])
        return None

    def log(self):
        with open(os.path.join(self.folder, "log"), errors="replace") as file:
            return file.read()

    def memory_mib(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))

    def settled(self, within=60):
        until(lambda: self.metric("dogwatch_pending_signals") == 0, within, "all signals are decided about")


def alert(name, severity="critical", status="firing", starts="2026-03-02T08:00:00Z", ends="0001-01-01T00:00:00Z", **labels):
    return {
        "status": status, "labels": {"alertname": name, "severity": severity, **labels}, "annotations": {},
        "startsAt": starts, "endsAt": ends, "generatorURL": "", "fingerprint": "",
    }


def body(*alerts, group="{}:{}", **more):
    return {"version": "4", "groupKey": group, "receiver": "dogwatch", "status": "firing", "alerts": list(alerts), **more}


def until(holds, within, what):
    end = time.monotonic() + within
    while time.monotonic() < end:
        if holds():
            return
        time.sleep(0.05)
    broke(f"waited {within} s in vain until {what}")


def held(what=""):
    print(f"held   {os.path.relpath(sys.argv[0], ROOT)}  {what}")
    sys.exit(0)


def broke(what):
    print(f"BROKE  {os.path.relpath(sys.argv[0], ROOT)}  {what}")
    sys.exit(1)


def check(holds, what):
    if not holds:
        broke(what)
