"""The clock is set while a turn hangs: Prometheus does not answer, the API server does not, nor does the receiver of pages answer before its time-out. The timekeeper waits for
those turns to end, and all others wait for the timekeeper: an S1 alert is paged within 20 s all the same."""
import sys
sys.path.insert(0, sys.path[0] + "/../cluster")
from apiserver import *
from wall import *

hangs = threading.Event()


def hang(*_):
    if hangs.is_set():
        time.sleep(60)


api, pages, wall = ApiServer(hang), Receiver(), Wall(0)
prom = Prom(lambda expr, at: hang() or 0.5)
prom.clock = wall.now
bot = site(api, prom, pages, PLAYBOOK, env=wall.env)
until(lambda: api.lease, 20, "it has the lease")
hangs.set()
worst = 0
for n in range(3):
    bot.post(body(alert("WebSlow", severity="warning", starts=f"2026-03-02T0{n}:00:00Z")))
    wall.set(86400 * (n % 2) + 3600)
    time.sleep(5.5)
    began = time.monotonic()
    bot.post(body(alert(f"Down{n}"), group=f"g{n}"))
    until(lambda: any(f"Down{n}" in json.dumps(page) for page in pages.pages()), 40, f"alert {n} is paged")
    worst = max(worst, time.monotonic() - began)
check(worst < 20, f"a page took {worst:.0f} s")
check(not api.changes, f"{api.changes}")
held(f"a page took {worst:.1f} s at the most; the clock was set {bot.metric('dogwatch_clock_set_total'):.0f} times")
