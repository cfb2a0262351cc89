"""A run waits 5 s after its change before it looks whether that helped; meanwhile the clock is set forth a day, then back two days. It looks after 5 s or so, with the change made
once, and not at once (before it could have helped) nor a day later; and it never asks Prometheus for a moment that is not now."""
import sys
sys.path.insert(0, sys.path[0] + "/../cluster")
from apiserver import *
from wall import *

figures = []
for off in (86400, -86400):
    api, pages, wall = ApiServer(), Receiver(), Wall(0)
    apart, verified = [], []

    def answers(expr, at):
        apart.append(abs(at - wall.now()))
        if api.changes:
            verified.append(time.monotonic())
        return 0.05 if api.changes and time.monotonic() - api.changes[0][0] > 4.5 else 0.5

    prom = Prom(answers)
    prom.clock = wall.now
    bot = site(api, prom, pages, PLAYBOOK.replace("settle: 1s, every: 1s, within: 10s", "settle: 8s, every: 1s, within: 20s"), env=wall.env)
    until(lambda: api.lease, 20, "it has the lease")
    bot.post(body(alert("WebSlow", severity="warning")))
    until(lambda: api.changes, 15, "it is scaled")
    wall.set_and_followed(bot, off)
    until(lambda: "fixed" in outcome(bot), 25, "the run ends")
    lasted = verified[0] - api.changes[0][0]
    check(len(api.changes) == 1, f"{api.changes}")
    check(7 < lasted < 14, f"it looked after {lasted:.1f} s")
    figures.append(f"{lasted:.1f} s, at the most {max(apart):.1f} s apart")
    bot.kill()
held(f"looked after {figures}")
