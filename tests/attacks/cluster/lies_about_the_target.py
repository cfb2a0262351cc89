"""The API server lies about the target, each time another way: another object, an older generation, a Status or a list with 200, no UID,
replicas that are none. Nothing is changed by any of them, and the bot says why to a human."""
import copy
from apiserver import *

lies = {
    "another name": lambda web: web["metadata"].update(name="db"),
    "another namespace": lambda web: web["metadata"].update(namespace="prod"),
    "no uid": lambda web: web["metadata"].pop("uid"),
    "no version": lambda web: web["metadata"].pop("resourceVersion"),
    "another kind": lambda web: web.update(kind="StatefulSet"),
    "a status": lambda web: (web.clear(), web.update(kind="Status", apiVersion="v1", status="Success")),
    "a list": lambda web: (web.clear(), web.update(kind="DeploymentList", apiVersion="apps/v1", items=[])),
    "nothing": lambda web: web.clear(),
    "older generation": lambda web: web["metadata"].update(generation=1),
    "negative": lambda web: web["spec"].update(replicas=-4),
    "a float": lambda web: web["spec"].update(replicas=4.5),
    "a text": lambda web: web["spec"].update(replicas="4"),
    "beyond all bounds": lambda web: web["spec"].update(replicas=1 << 62),
    "no selector": lambda web: web["spec"].pop("selector"),
    "going": lambda web: web["metadata"].update(deletionTimestamp="2026-03-02T08:00:00Z"),
}


def lie(method, path, query, body):
    name = path.rsplit("/", 1)[1] if "/deployments/" in path else ""
    if not name.startswith("web-") or method != "GET":
        return None
    kind, web = list(lies)[int(name[4:])], copy.deepcopy(api.web)
    web["metadata"].update(name=name, uid="uid-" + name)
    asked[kind] = asked.get(kind, 0) + 1
    if kind != "older generation" or asked[kind] > 1:
        lies[kind](web)
    return 200, {}, web


asked = {}
api, pages = ApiServer(lie), Receiver()
playbook = PLAYBOOK.replace("namespace: shop, name: web }", "from: alert }").replace("page_by: 5m", "page_by: 10s")
bot = site(api, Prom(), pages, playbook)
until(lambda: api.lease, 20, "it has the lease")
for n in range(len(lies)):
    bot.post(body(alert("WebSlow", severity="warning", namespace="shop", deployment=f"web-{n}"), group=f"g{n}"))
until(lambda: len(asked) == len(lies), 20, f"all are asked about: {asked}\n{bot.log()[-1500:]}")
until(lambda: len(pages.pages()) == len(lies), 25, f"all are paged: {bot.cli('incidents')[1]}")
check(not api.changes, f"{api.changes}")
check(bot.get("/readyz")[0] == 200, "it is not ready")
held(f"{len(lies)} lies, {sum(asked.values())} questions about the targets, no change, all paged")
