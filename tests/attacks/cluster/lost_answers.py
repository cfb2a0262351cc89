"""The change is made and its answer is lost, three ways: the connection ends, 500, another object. It is made once, and the bot finds out that it was."""
from apiserver import *

mode = ["end"]


def lie(method, path, query, body):
    if path != WEB + "/scale" or "dryRun" in query or method != "PATCH":
        return None
    with api.lock:
        api.truth(method, path, query, body)
    if mode[0] == "end":
        raise OSError("gone")
    if mode[0] == "500":
        return failure(500, "InternalError")
    return 200, {}, {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "db", "namespace": "prod", "uid": "x", "resourceVersion": "1"},
                     "spec": {"replicas": body["spec"]["replicas"]}}


figures = []
for mode[0] in ("end", "500", "other"):
    api, pages = ApiServer(lie), Receiver()
    prom = Prom(lambda expr, at: 0.05 if api.web["spec"]["replicas"] > 4 and "timestamp" not in expr else 0.5)
    bot = site(api, prom, pages)
    until(lambda: api.lease, 20, "it has the lease")
    bot.post(body(alert("WebSlow", severity="warning")))
    until(lambda: api.changes, 15, "it is scaled")
    time.sleep(9)
    check(api.web["spec"]["replicas"] == 6 and len(api.changes) == 1, f"{mode[0]}: {api.web['spec']['replicas']} replicas by {api.changes}")
    figures.append((mode[0], len(pages.pages()), "fixed" in outcome(bot)))
    bot.kill()
held(f"one change each; pages and whether fixed: {figures}")
