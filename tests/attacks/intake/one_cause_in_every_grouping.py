"""Thousands of alerts with one cause come each by itself, by namespace, and all in one group, as Alertmanager's `group_by` may have it. Two pages
at most are for them, and an S1 that has nothing to do with them is paged within a minute, in the midst of it."""
import os
from rig import *

COUNT = int(os.environ.get("STORM", "1500"))
SOME = 60


def storm(size_of_group):
    receiver = Receiver()
    bot = Bot(pages=receiver)
    claims = [alert("VolumeFull", namespace=f"db-{n % SOME}", persistentvolumeclaim=f"data-{n}") for n in range(COUNT)]
    groups = {}
    for n, claim in enumerate(claims):
        groups.setdefault(size_of_group(n), []).append(claim)
    began = time.time()
    middle = len(groups) // 2
    for n, (key, some) in enumerate(groups.items()):
        if n == middle:
            lonely = body(alert("PatroniNoLeader", cluster_name="pg-7"), group="lonely")
            check(bot.post(lonely)[0] == 200, "the lonely one is refused")
            asked = time.time()
        check(bot.post(body(*some, group=str(key)))[0] == 200, "the storm is refused")
    taken_in = time.time() - began
    is_lonely = lambda page: "PatroniNoLeader" in json.dumps(page)
    until(lambda: any(is_lonely(page) for page in receiver.pages()), 60, "the unrelated S1 is paged")
    paged_after = time.time() - asked
    bot.settled(300)
    time.sleep(2)
    keys = {page["dedup_key"] for page in receiver.pages() if not is_lonely(page)}
    incidents = json.loads(bot.cli("incidents", "-o", "json")[1])["incidents"]
    firing = {incident["id"]: incident["firing"] for incident in incidents}
    worst = max(firing, key=firing.get)
    objects = bot.cli("objects", worst)[1].count("PersistentVolumeClaim/")
    bot.end()
    check(len(keys) <= 2, f"{len(keys)} pages: {sorted(keys)[:10]}")
    check(len(incidents) <= 3, f"{len(incidents)} incidents")
    check(sum(firing.values()) == COUNT + 1, f"{sum(firing.values())} alerts are told of {COUNT + 1}")
    check(objects == COUNT, f"{objects} of {COUNT} objects are listed")
    return f"{len(groups)} bodies in {taken_in:.1f} s, {len(keys)} pages, unrelated S1 paged after {paged_after:.1f} s"


held("; ".join(storm(size) for size in (lambda n: n, lambda n: n % SOME, lambda n: 0)))
