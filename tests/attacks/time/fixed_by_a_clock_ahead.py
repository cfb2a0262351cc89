"""A clock is a day ahead while a run fixes what an alert told of; then NTP mends it. An alert on the same target that begins after the fix is no late news of what was
fixed: the incident is open again and a run looks at it, as without the clock that was ahead (`control`)."""
import sys
sys.path.insert(0, sys.path[0] + "/../cluster")
from apiserver import *
from wall import *

api, pages, wall = ApiServer(), Receiver(), Wall(0 if "control" in sys.argv else 86400)
prom = Prom(lambda expr, at: 0.05 if api.web["spec"]["replicas"] > 4 and "timestamp" not in expr else 0.5)
prom.clock = wall.now
bot = site(api, prom, pages, env=wall.env)
until(lambda: api.lease, 20, "it has the lease")
bot.post(body(alert("WebSlow", severity="warning", pod="a", starts=rfc(time.time() - 120))))
until(lambda: "mitigated" in outcome(bot).splitlines()[0], 25, "it is fixed")
if "control" not in sys.argv:
    wall.set_and_followed(bot, 0)
time.sleep(2)
api.web["spec"]["replicas"] = 4
asked = len(prom.asked)
bot.post(body(alert("WebSlow", severity="warning", pod="b", starts=rfc(time.time()))))
bot.settled()
time.sleep(6)
check(len(prom.asked) > asked, "no run looks at it: " + outcome(bot)[-900:])
held(f"{len(api.changes)} changes")
