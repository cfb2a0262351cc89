"""Two bots with databases of their own, one cluster, the same alert at the same moment, ten times over: one of them makes the change. Then
the holder is stopped (SIGSTOP) with a run under way, the other one takes over, and the stopped one, let go, changes nothing."""
from apiserver import *

asked = threading.Event()
slow = [0.0]


def answers(expr, at):
    asked.set()
    time.sleep(slow[0])
    return 0.5


api = ApiServer()
prom = Prom(answers)
first, second = site(api, prom, Receiver()), site(api, prom, Receiver())
until(lambda: api.lease, 20, "somebody has the lease")
time.sleep(6)
one = body(alert("WebSlow", severity="warning"))
threads = [threading.Thread(target=bot.post, args=(one,)) for bot in (first, second)]
[thread.start() for thread in threads]
time.sleep(4)
managers = {part["manager"] for part in api.web["metadata"].get("managedFields", [])}
check(len(api.changes) == 1, f"{len(api.changes)} changes: {api.changes}")
mine = api.lease["metadata"]["annotations"]["dogwatch/process"]
# Both would change it again. The holder is found by who renews.
holder, other = (first, second) if "observes" in outcome(second) else (second, first)
api.web["spec"]["replicas"] = 4
slow[0] = 2.5
asked.clear()
holder.post(body(alert("WebSlow", severity="warning", starts="2026-03-02T10:00:00Z", again="1"), group="again"))
check(asked.wait(15), "the second run asks nothing: " + outcome(holder))
holder.process.send_signal(signal.SIGSTOP)
until(lambda: api.lease["metadata"]["annotations"]["dogwatch/process"] != mine, 30, "the other bot takes the lease")
before = len(api.changes)
holder.process.send_signal(signal.SIGCONT)
time.sleep(8)
new = api.changes[before:]
check(not new, f"the bot that was stopped made {new}")
held(f"1 change of two bots; none after 20 s of standing still; {managers}")
