"""Starts and ends at the edges of what can be written, a leap second among them: each is taken, paged once, told again without another page, and ends."""
from rig import *

STARTS = [
    "0001-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "-262143-01-01T00:00:00Z", "+262142-12-31T23:59:59.999999999Z",
    "9999-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.9999999Z", "2016-12-31T23:59:60Z", "2016-12-31T23:59:60.999999999Z",
    "2026-03-02T08:00:00.123456789+14:00", "2026-03-02 08:00:00Z", "2026-03-02T08:00:00-23:59",
]
pages = Receiver()
bot = Bot(pages=pages)
taken = {}
for n, start in enumerate(STARTS):
    status, answer = bot.post(body(alert(f"Edge{n}", starts=start), group=f"g{n}"))
    if status == 200:
        taken[n] = start
    else:
        check(status == 400 and n in (1, 2, 3), f"{start}: {status} {answer}")
bot.settled()
until(lambda: len({page["dedup_key"] for page in pages.pages()}) >= len(taken), 30, "all are paged")
for turn in range(3):
    for n, start in taken.items():
        told = alert(f"Edge{n}", starts=start)
        told["annotations"] = {"turn": str(turn)}
        bot.post(body(told, group=f"g{n}"))
bot.settled()
time.sleep(2)
anew = [start for n, start in taken.items() if "fires anew" in bot.cli("why", f"INC-{list(taken).index(n) + 1}")[1]]
check(not anew, f"the same firing is taken for a new one: {anew}")
keys = [page["dedup_key"] for page in pages.pages()]
check(len(set(keys)) == len(taken), f"{len(set(keys))} pages of {len(taken)}")
for n, start in taken.items():
    for end in ("+262142-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59Z"):
        told = alert(f"Edge{n}", starts=start, status="resolved", ends=end)
        bot.post(body(told, group=f"g{n}"))
bot.settled()
_, table = bot.cli("incidents")
check("INC-" not in table, f"some do not end: {table}")
check("panicked" not in bot.log() and "set aside" not in bot.log(), "a signal was in trouble")
check(bot.get("/readyz")[0] == 200, "it is not ready")
held(f"{len(taken)} of {len(STARTS)} taken")
