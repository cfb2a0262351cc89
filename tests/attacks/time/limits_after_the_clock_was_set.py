"""A playbook may run once in an hour, and its cooldown is 30 min; the clock is set forth by two hours, then back by five, each under way and once more over a
restart after it was set back: no second change is made within the same minute."""
import sys
sys.path.insert(0, sys.path[0] + "/../cluster")
from apiserver import *
from wall import *

api, pages, wall = ApiServer(), Receiver(), Wall(0)
prom = Prom(lambda expr, at: 0.05 if api.web["spec"]["replicas"] > 4 and "timestamp" not in expr else 0.5)
playbook = PLAYBOOK.replace("runs: 20 per 1h", "runs: 1 per 1h, cooldown: 30m")


def fire(n):
    bot.post(body({**alert("WebSlow", severity="warning", starts=f"2026-03-02T0{n}:00:00Z")}))
    bot.settled()
    time.sleep(4)
    check(len(api.changes) == 1, f"after {n} sets of the clock: {api.changes}")
    bot.post(body({**alert("WebSlow", severity="warning", starts=f"2026-03-02T0{n}:00:00Z", status="resolved", ends=rfc(wall.now()))}))
    bot.settled()


prom.clock = wall.now
bot = site(api, prom, pages, playbook, env=wall.env)
until(lambda: api.lease, 20, "it has the lease")
fire(0)
until(lambda: "fixed" in outcome(bot), 15, "it is fixed")
api.web["spec"]["replicas"] = 4
for n, off in enumerate((7200, -10800), 1):
    wall.set_and_followed(bot, off)
    fire(n)
bot.kill()
wall.set(-4 * 86400)
bot.start()
until(lambda: api.lease, 20, "it has the lease")
time.sleep(1)
fire(3)
held("1 change")
