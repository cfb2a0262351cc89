"""The process stands still (SIGSTOP) for 20 s with an alert just accepted, a run under way and pages to deliver, then goes on: it is ready within 5 s, pages what it took, and
makes its change at most once."""
import sys
sys.path.insert(0, sys.path[0] + "/../cluster")
from apiserver import *

asked = threading.Event()
api, pages = ApiServer(), Receiver()


def answers(expr, at):
    asked.set()
    time.sleep(1)
    return 0.05 if api.changes else 0.5


bot = site(api, Prom(answers), pages)
until(lambda: api.lease, 20, "it has the lease")
bot.post(body(alert("WebSlow", severity="warning")))
asked.wait(10)
status, _ = bot.post(body(alert("Down"), group="g"))
bot.process.send_signal(signal.SIGSTOP)
time.sleep(20)
with api.lock:
    api.held_by("other")
bot.process.send_signal(signal.SIGCONT)
began = time.monotonic()
until(lambda: bot.get("/readyz")[0] == 200, 5, "it is ready")
until(lambda: any("Down" in json.dumps(page) for page in pages.pages()), 10, "what was taken is paged")
paged = time.monotonic() - began
end = time.monotonic() + 12
while time.monotonic() < end:
    with api.lock:
        api.lease["metadata"]["resourceVersion"] = api.next_version()
    time.sleep(2)
late = [change for change in api.changes if change[0] > began]
check(not late, f"it changed the cluster under another bot's lease: {late}")
held(f"paged {paged:.1f} s after; no change; " + ("it says so" if "lease" in outcome(bot) else outcome(bot)))
