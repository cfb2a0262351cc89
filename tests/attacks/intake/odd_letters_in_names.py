"""Names with NUL, line ends, quotes, a text direction, no end: each alert is one incident and one page however often it is told, and the
next alert of the same name joins it."""
from rig import *

NAMES = ["Disk\0Full", "A\nB\r\nC", "\u202eeslaf", "'; DROP TABLE incident; --", "\ufffd\U0001f415", "x" * 5000, "{{ .Labels }}", "\0", " ", "%s%n"]
pages = Receiver()
bot = Bot(pages=pages)
for turn in range(3):
    for n, name in enumerate(NAMES):
        told = body(*(alert(name, instance=f"i{i}\0") for i in range(turn + 1)), group=f"g{n}\0\n")
        status, answer = bot.post(told)
        check(status == 200, f"{name[:20]!r}: {status} {answer}")
    bot.settled()
until(lambda: len({page["dedup_key"] for page in pages.pages()}) >= len(NAMES), 30, f"all are paged: {len(pages.pages())}")
time.sleep(2)
keys = {page["dedup_key"] for page in pages.pages()}
check(len(keys) == len(NAMES), f"{len(keys)} pages of {len(NAMES)} incidents")
for n, name in enumerate(NAMES):
    ends = [alert(name, instance=f"i{i}\0", status="resolved", ends="2026-03-02T09:00:00Z") for i in range(3)]
    bot.post(body(*ends, group=f"g{n}\0\n"))
bot.settled()
_, table = bot.cli("incidents")
check("INC-" not in table, f"some do not end: {table[:300]}")
check("panicked" not in bot.log() and "set aside" not in bot.log(), "a signal was in trouble")
held(f"{len(keys)} pages of {len(NAMES)} names, three times each")
