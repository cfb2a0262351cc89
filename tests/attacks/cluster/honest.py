"""No attack: on an honest API server and Prometheus the playbook scales once. What the others of this folder are held against."""
from apiserver import *

api, pages = ApiServer(), Receiver()
slow = [0.5]
prom = Prom(lambda expr, at: 0.05 if api.web["spec"]["replicas"] > 4 and "timestamp" not in expr else 0.5)
bot = site(api, prom, pages)
bot.post(body(alert("WebSlow", severity="warning")))
until(lambda: api.changes, 30, "it is scaled")
time.sleep(8)
print(outcome(bot)) if "-v" in sys.argv else None
check(len(api.changes) == 1 and api.web["spec"]["replicas"] == 6, f"{api.changes}")
held(f"1 change, {len(api.requests)} requests")
