"""The API server, or what stands for it, sends every request to another server that would say yes to everything: nothing is changed there, and no token goes there."""
from apiserver import *

elsewhere = ApiServer()
where = [307]
api = ApiServer(lambda method, path, query, body: (where[0], {"location": elsewhere.url + path}, b"") if on[0] == "all" or method == "PATCH" and LEASE not in path else None)
on, pages = ["changes"], Receiver()
bot = site(api, Prom(), pages)
until(lambda: api.lease, 20, "it has the lease")
bot.post(body(alert("WebSlow", severity="warning")))
time.sleep(8)
on[0] = "all"
where[0] = 308
bot.post(body(alert("WebSlow", severity="warning", starts="2026-03-02T09:00:00Z")))
time.sleep(12)
check(not elsewhere.requests, f"the other server was asked {elsewhere.requests}")
check(bot.get("/readyz")[0] == 200, "it is not ready")
held(f"{len(api.changes)} tries, none followed")
