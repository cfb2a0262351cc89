"""12,000 ends of what nobody knows, 6,000 notices, and one S1 at the very end of the body; then the same body again and its ends in another order, twice,
at the same time. The S1 is paged within seconds and once; at the end nothing is open."""
import random
from rig import *

pages = Receiver()
bot = Bot(pages=pages)
END = "2026-03-02T09:00:00Z"
unknown = [alert(f"U{n % 50}", severity="info", status="resolved", ends=END, pod=f"u{n}") for n in range(12_000)]
usual = [alert(f"W{n % 50}", severity="info", pod=f"w{n}") for n in range(6_000)]
urgent = alert("Users are down")
told = json.dumps(body(*unknown, *usual, urgent))
started = time.monotonic()
status, answer = bot.post(told)
check(status == 200, f"refused with {status} {answer[:200]}")
took = time.monotonic() - started
until(lambda: pages.pages(), 20, "the S1 is paged")
paged = time.monotonic() - started
ends = [{**a, "status": "resolved", "endsAt": END} for a in [*usual, urgent]]
answers = []


def deliver(n):
    mine = list(ends)
    random.Random(n).shuffle(mine)
    answers.append(bot.post(body(*mine))[0])


again = threading.Thread(target=lambda: answers.append(bot.post(told)[0]))
again.start()
again.join()
peers = [threading.Thread(target=deliver, args=(n,)) for n in range(2)]
[peer.start() for peer in peers]
[peer.join() for peer in peers]
check(set(answers) == {200}, f"{answers}")
bot.settled(45)
check(len({page["dedup_key"] for page in pages.pages()}) == 1, "it is paged twice")
_, table = bot.cli("incidents")
check("INC-" not in table, f"still open: {table[:300]}")
held(f"answered after {took:.1f} s, paged after {paged:.1f} s")
