"""Alerts that begin in the year 1, in 9999, before 1970, at a leap second, tomorrow, with a far offset: each S1 is paged once, and the bot lives on."""
from wall import *

starts = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59Z", "2016-12-31T23:59:60Z", "2035-01-01T00:00:00Z",
          "2026-03-02T08:00:00+14:00", "2026-03-02T08:00:00.123456789-12:00", "0000-12-31T23:00:00-23:59", "9999-12-31T23:59:59-23:59"]
pages = Receiver()
bot = Bot(pages=pages)
taken = 0
for n, start in enumerate(starts):
    one = alert(f"Down{n}", starts=start)
    status, said = bot.post(body(one, group=f"g{n}"))
    if status != 200:
        print("refused", start, status, said[:100])
        continue
    taken += 1
    bot.post(body({**one, "status": "resolved", "endsAt": "9999-12-31T23:59:59Z" if n % 2 else start}, group=f"g{n}"))
    bot.post(body({**one, "endsAt": "0001-01-01T00:00:00Z"}, group=f"g{n}"))
bot.settled()
until(lambda: len({page["dedup_key"] for page in pages.pages()}) >= taken, 20, f"{taken} are paged, not {len(pages.pages())}")
for path in ("/readyz", "/metrics"):
    check(bot.get(path)[0] == 200, path)
code, said = bot.cli("incidents")
check(code == 0, said)
bot.kill()
bot.start()
check(bot.get("/readyz")[0] == 200, "it starts again")
held(f"{taken} of {len(starts)} taken, all paged")
