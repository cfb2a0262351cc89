"""Who holds the Lease is told in all ways that are wrong: by a holder that renews, one of the year 9999, numbers for texts, an endless
duration, conflicts without end. As long as it is not surely ours, nothing is changed; once it is let go, work goes on."""
from apiserver import *

mode, n = ["alive"], [0]


def lie(method, path, query, body):
    if not path.startswith(LEASE) or mode[0] == "free":
        return None
    n[0] += 1
    if mode[0] == "conflicts":
        api.lease = None if method == "GET" else api.lease
        return None if method == "GET" else failure(409, "Conflict")
    if method == "GET":
        lease = {
            "alive": dict(holderIdentity="other", renewTime="2026-03-02T08:00:00.000000Z"),
            "of the year 9999": dict(holderIdentity="other", renewTime="9999-12-31T23:59:59.000000Z", acquireTime="0001-01-01T00:00:00Z"),
            "endless": dict(holderIdentity="other", leaseDurationSeconds=1 << 62),
            "backwards": dict(holderIdentity="other", leaseDurationSeconds=-5),
            "text": dict(holderIdentity="other", leaseDurationSeconds="x", leaseTransitions="y"),
        }[mode[0]]
        api.held_by("other")
        api.lease["spec"].update(lease)


api, pages = ApiServer(lie), Receiver()
bot = site(api, Prom(), pages, PLAYBOOK)
for name in ["conflicts", "alive", "of the year 9999", "backwards", "text", "endless"]:
    mode[0] = name
    bot.post(body(alert("WebSlow", severity="warning", lie=name), group=name))
    time.sleep(6)
    check(not api.changes, f"`{name}` led to {api.changes}")
    conflicts = n[0] if name == "conflicts" else conflicts
check(conflicts < 60, f"{conflicts} requests about the lease")
check("lease" in outcome(bot), outcome(bot))
mode[0] = "free"
api.held_by("")
until(lambda: api.lease["spec"]["holderIdentity"], 15, "it takes the lease that was let go")
bot.cli("resolve", "INC-1")
time.sleep(1)
bot.post(body(alert("WebSlow", severity="warning", lie="free", starts="2026-03-02T09:00:00Z"), group="free"))
until(lambda: api.changes, 15, "work goes on")
time.sleep(2)
check(len(api.changes) == 1, f"{api.changes}")
held(f"{conflicts} requests within 6 s of conflicts, {n[0]} in all; 1 change once it was free")
